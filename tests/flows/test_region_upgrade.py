"""A home of the version before there were packs goes on: its marts are equal, and nothing is published again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import sqlalchemy as sa
from packs import edit, write_pack
from polars.testing import assert_frame_equal

from contracts.regions import read_from, regions
from contracts.versions.inputs import add, ledger_of
from flows.home.connection import warehouse
from flows.home.settings import Settings
from warehouse.core.copying import run_script
from warehouse.marts.definitions import marts
from warehouse.marts.publication import publish, published_dates
from warehouse.marts.published import mart
from warehouse.schema.upgrade import fingerprint, is_applied, upgrade

AS_IT_WAS = """
ALTER TABLE ops.backfill_input DROP COLUMN region CASCADE;
ALTER TABLE ops.backfill_input ADD CONSTRAINT backfill_input_pkey PRIMARY KEY (backfill_id, as_of, input);
CREATE INDEX backfill_input_date ON ops.backfill_input (as_of, input);
ALTER TABLE ops.date_input DROP COLUMN region CASCADE;
ALTER TABLE ops.date_input ADD CONSTRAINT date_input_pkey PRIMARY KEY (as_of, input);
ALTER TABLE ref.input_version DROP COLUMN region CASCADE;
ALTER TABLE ref.input_version ADD UNIQUE (input, version, fingerprint);
ALTER TABLE ref.sender DROP COLUMN region CASCADE;
DROP TABLE ref.region CASCADE;
ALTER TABLE ref.form DROP COLUMN collected_from CASCADE;
DELETE FROM ref.input_version WHERE input = 'collected';
UPDATE ops.alembic_version SET version_num = '0015';
DELETE FROM ops.applied WHERE name = 'schema';
"""


def contents(connection: sa.Connection) -> dict[tuple[str, object], pl.DataFrame]:
    return {
        (each.name, day): mart(connection, each.name, day)
        for each in marts()
        for day in published_dates(connection, "69")
    }


def test_a_home_of_before_goes_on_as_it_was(region_engine: sa.Engine) -> None:
    kept = "WHERE input <> 'collected'"  # came later
    versions = f"SELECT input_version, input, version, fingerprint, position FROM ref.input_version {kept} ORDER BY 1"
    judged = "SELECT as_of, input, input_version FROM ops.date_input ORDER BY 1, 2"
    with region_engine.connect() as connection:
        before = contents(connection)
        asked = [connection.execute(sa.text(each)).all() for each in (versions, judged)]
        assert len(before) > 9
    with region_engine.begin() as connection:
        run_script(connection, AS_IT_WAS)
    upgrade(region_engine)
    with region_engine.connect() as connection:
        assert is_applied(connection, fingerprint())
        assert [connection.execute(sa.text(each)).all() for each in (versions, judged)] == asked
        after = contents(connection)
        days = published_dates(connection, "69")
    for key, frame in before.items():
        assert_frame_equal(after[key], frame)
    publish(region_engine, "69", days)
    with region_engine.connect() as connection:
        assert mart(connection, "corrections", days[-1]).is_empty()
        assert connection.scalar(sa.text("SELECT count(*) FROM ref.sender WHERE region <> '69'")) == 0


def test_a_campaign_comes_from_a_folder_outside_of_the_code(
    region: Settings, region_engine: sa.Engine, tmp_path: Path
) -> None:
    pack = write_pack(tmp_path / "packs" / "69-tomsk")
    with region_engine.connect() as connection:
        before = contents(connection)
    campaign = {"campaign": "readiness-2024", "form": "readiness_report", "title": "Готовность, 2024/2025",
                "academic_year": "2024", "starts_on": "2024-08-01", "deadline": "2024-09-11"}  # fmt: skip
    edit(pack, "campaigns", lambda lines: lines.append(campaign))
    own = region.model_copy(update={"regions": tmp_path / "packs"})
    try:
        read_from(own.regions)
        add("2024", dt.date(2024, 8, 1), "Кампания 2024 года.", where=[ledger_of(regions()[0])])
        with warehouse(own) as engine:
            publish(engine, "69", [*{day for _, day in before}])
            with engine.connect() as connection:
                after = contents(connection)
                assert mart(connection, "corrections").is_empty()
                runs = "SELECT campaign FROM ref.campaign_at('69', :day) WHERE campaign_form = 'readiness_report'"
                assert connection.scalar(sa.text(runs), {"day": dt.date(2024, 9, 1)}) == "readiness-2024"
                assert connection.scalar(sa.text(runs), {"day": dt.date(2023, 9, 8)}) == "readiness-2023"
        for key, frame in before.items():
            assert_frame_equal(after[key], frame)
    finally:
        read_from(None)
