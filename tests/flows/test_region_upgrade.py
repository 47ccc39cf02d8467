"""A pack of one's own in place of the shipped one: what it says of new dates holds, and published ones stay."""

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
from warehouse.marts.definitions import marts
from warehouse.marts.publication import publish, published_dates
from warehouse.marts.published import mart


def contents(connection: sa.Connection) -> dict[tuple[str, object], pl.DataFrame]:
    return {
        (each.name, day): mart(connection, each.name, day)
        for each in marts()
        for day in published_dates(connection, "69")
    }


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
