"""A region leaves with its data, and another warehouse takes it in: its marts are the same, also as they were known.

Slow: the region is corrected and published once more before it leaves, and every mart is compared at two moments.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from evidence import all_text, copied, take_in
from packs import write_regions
from polars.testing import assert_frame_equal

from contracts.regions import packs_in, read_from, region_named
from contracts.regions.openness import SmallNumbers
from documents.demo import eve, of_pack, put, tomsk
from flows.home.archived import is_kept, sealed_place
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.region_file import Manifest, manifest_of, read_file, write_file
from flows.upkeep.region_move import export_region, import_region
from warehouse.marts.definitions import marts, views
from warehouse.marts.public_release import make_release, public_marts, read_public_mart
from warehouse.marts.publication import publish
from warehouse.marts.published import mart
from warehouse.schema.upgrade import connect
from warehouse.watch.region_tables import LISTS_OF_NUMBERS, NUMBERS, PLACES, VERSIONS, of_no_table, tables

DAY = dt.date(2023, 9, 8)
NOW = dt.datetime(2023, 9, 9, 9, tzinfo=dt.UTC)
LEAVES, STAYS = "69", "39"
RULE = SmallNumbers(threshold=10, days=7)
PUPILS = """
SELECT pupil_key FROM restricted.pupil_version v JOIN restricted.pupil_series s ON s.series_id = v.series_id
JOIN ref.sender r ON r.sender = s.sender WHERE r.region = '69'
"""
PLACES_OF = """
SELECT DISTINCT d.archive_path FROM ops.delivery d JOIN ops.reading r ON r.delivery_id = d.delivery_id
WHERE r.region = '69'
"""
OF_REGIONS = [each.name for each in (*marts(), *views()) if each.audience.kind != "country"]


@dataclass(frozen=True)
class Home:
    """A home and the engine of its database; within it its packs are in force."""

    settings: Settings
    engine: sa.Engine

    def __enter__(self) -> Home:
        read_from(self.settings.regions)
        return self

    def __exit__(self, *_: object) -> None:
        read_from(None)


def home_of(settings: Settings) -> Home:
    assert settings.database_url is not None
    return Home(settings, connect(settings.database_url.get_secret_value()))


@pytest.fixture(scope="module")
def source(databases: Any, region_taken_in: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The region of September 2023, some of whose reports came again after it was published and the public told."""
    with copied(databases, region_taken_in, tmp_path_factory.mktemp("source") / "home") as settings:
        made = home_of(settings)
        assert make_release(made.engine, LEAVES, RULE) == DAY
        put(eve.corrections(tomsk()), settings.inbox)
        ingest([], Options(), settings)
        yield made
        made.engine.dispose()


@pytest.fixture(scope="module")
def carried(source: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The file of the region that leaves, and its key in another folder."""
    to, key = (tmp_path_factory.mktemp(name) / name for name in ("region", "key"))
    with source:
        export_region(source.settings, region_named(LEAVES), to, key, NOW)
    return to, key


@pytest.fixture(scope="module")
def elsewhere(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home of another region alone, of which a report is taken in and published."""
    folder = tmp_path_factory.mktemp("elsewhere")
    write_regions(folder / "both")
    shutil.copytree(folder / "both" / "39-amber", folder / "packs" / "39-amber")
    (amber,) = packs_in(folder / "packs")
    with databases.fresh() as url:
        settings = Settings(
            home=folder / "home", database_url=url, vouched_channels="inbox,ingest", regions=folder / "packs"
        )
        read_from(settings.regions)
        try:
            put(eve.before(of_pack(amber)), folder / "files")
            files = [path for path in sorted((folder / "files").rglob("*.xlsx")) if path.parent.name == "a_u02"]
            assert files
            take_in(settings, files[0])
        finally:
            read_from(None)
        yield settings


@pytest.fixture
def target(elsewhere: Settings, databases: Any, tmp_path: Path) -> Iterator[Home]:
    """A copy of it with packs of its own."""
    assert elsewhere.regions is not None
    shutil.copytree(elsewhere.regions, tmp_path / "packs")
    with copied(databases, elsewhere, tmp_path / "home") as settings:
        made = home_of(settings.model_copy(update={"regions": tmp_path / "packs"}))
        with made:
            yield made
        made.engine.dispose()


def take(target: Home, carried: tuple[Path, Path]) -> Manifest:
    assert target.settings.regions is not None
    return import_region(target.settings, *carried, target.settings.regions)


def packs_of(home: Home) -> set[str]:
    assert home.settings.regions is not None
    return {path.name for path in home.settings.regions.iterdir()}


def shown(engine: sa.Engine, name: str, known: dt.datetime | None, region: str = LEAVES) -> pl.DataFrame:
    """A mart of the day; the number of a backfill is its warehouse's own."""
    with engine.connect() as connection:
        return mart(connection, name, DAY, known, region).drop("backfill_id", strict=False)


def first_moment(engine: sa.Engine) -> dt.datetime:
    asked = "SELECT min(published_at), count(DISTINCT published_at) FROM ops.publication WHERE region = '69'"
    with engine.connect() as connection:
        first, times = connection.execute(sa.text(asked)).one()
    assert times > 1
    return first  # type: ignore[no-any-return]


def own_rows(engine: sa.Engine) -> dict[str, list[str]]:
    """All that is of the region which was there before, in every table that says of which a row is."""
    tables = (
        "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.columns"
        " WHERE column_name = 'region' AND table_schema IN ('history', 'ops') ORDER BY 1"
    )
    with engine.connect() as connection:
        return {
            table: list(connection.scalars(sa.text(f"SELECT t::text FROM {table} t WHERE region = '39' ORDER BY 1")))
            for table in connection.scalars(sa.text(tables)).all()
        }


def test_it_is_there_to_the_byte_also_as_it_was_known(source: Home, carried: tuple[Path, Path], target: Home) -> None:
    """What the warehouse had before is as it was. The next night of the region finds nothing to correct. Its bytes lie
    sealed by the keys of the home, and its pupils are told apart by others."""
    before = own_rows(target.engine)
    manifest = take(target, carried)
    assert (manifest.region, manifest.deliveries > 20) == (LEAVES, True)
    assert packs_of(target) == {"39-amber", "69-tomsk"}
    compared, first = 0, first_moment(source.engine)
    for name in OF_REGIONS:
        for known in (None, first):
            expected = shown(source.engine, name, known)
            assert_frame_equal(shown(target.engine, name, known), expected)
            compared += expected.height
    assert compared > 5_000
    assert not shown(source.engine, "readiness_region", None).equals(shown(source.engine, "readiness_region", first))
    assert own_rows(target.engine) == before and any(before.values())
    publish(target.engine, LEAVES, [DAY])  # as its next night does
    for name in OF_REGIONS:
        if name != "revisions":  # which counts publications
            assert_frame_equal(shown(target.engine, name, None), shown(source.engine, name, None))

    with source.engine.connect() as there, target.engine.connect() as here:
        places = there.scalars(sa.text(PLACES_OF)).all()
        left, found = ([bytes(key) for key in each.scalars(sa.text(PUPILS))] for each in (there, here))
    assert len(places) > 20 and all(is_kept(target.settings.archive / place) for place in places)
    sealed = [
        {place for place in places if sealed_place(home.settings.archive / place).exists()} for home in (source, target)
    ]
    assert sealed[0] == sealed[1] != set()
    ours, theirs = ({path.name for path in home.settings.keys.glob("year-*")} for home in (target, source))
    assert ours and not ours & theirs, "no key of a home leaves it"
    assert len(found) == len(left) > 100 and not set(found) & set(left)
    assert len(set(found)) == len(set(left)), "who was told apart still is"
    marks = "SELECT DISTINCT circumstances LIKE 'imported %|%' FROM restricted.pupil_reading"
    with target.engine.connect() as here:
        assert here.scalars(sa.text(marks)).all() == [True], "so that nobody counts all pupils as gone and come"


def test_the_public_is_told_there_what_it_was_told_here(source: Home, carried: tuple[Path, Path], target: Home) -> None:
    """A release is of its day and made once: made anew it would have the figures of today, and who compares the two
    would tell the small numbers that both hide."""
    take(target, carried)
    with source.engine.connect() as there, target.engine.connect() as here:
        releases = "SELECT r::text FROM mart_public.release r"
        assert [*here.scalars(sa.text(releases))] == [*there.scalars(sa.text(releases))] != []
        for each, _ in public_marts():
            told = read_public_mart(there, each, LEAVES, DAY)
            assert not told.is_empty()
            assert_frame_equal(read_public_mart(here, each, LEAVES, DAY), told)
    assert make_release(target.engine, LEAVES, RULE) is None


def test_the_file_opens_by_its_key_alone_and_is_on_record(source: Home, carried: tuple[Path, Path]) -> None:
    to, key = carried
    told = b"".join(part.name.encode() + part.data.read() for part in read_file(to, key))
    assert b"tomsk_city" in told and b"restricted.pupil_version" in told
    assert b"tomsk_city" not in to.read_bytes(), "it is sealed as a whole"
    assert bytes.fromhex(key.read_text(encoding="ascii")) not in to.read_bytes()
    assert not re.search(rb"rows/(ops\.message|ops\.key|ref\.access)", told), "who was told and may see what stays"
    note = "SELECT command FROM ops.restricted_access WHERE command LIKE 'region%'"
    with source.engine.connect() as connection:
        assert set(connection.scalars(sa.text(note))) == {"region export 69"}, "who took it, and when"
    assert (manifest_of(to, key).exported_at, bool(manifest_of(to, key).exported_by)) == (NOW.isoformat(), True)


def test_what_cannot_be_taken_is_refused_and_nothing_of_it_is_there(
    source: Home, carried: tuple[Path, Path], target: Home, tmp_path: Path
) -> None:
    to, key = carried
    before, data = all_text(target.engine), to.read_bytes()
    cut, changed, none, other = (tmp_path / name for name in ("cut", "changed", "none", "other.key"))
    cut.write_bytes(data[: len(data) // 2])
    changed.write_bytes(data[:100_000] + bytes([data[100_000] ^ 1]) + data[100_001:])
    none.write_bytes(b"PK\x03\x04 a zip")
    other.write_text("00" * 32, encoding="ascii")
    cases: list[tuple[Path, Path, type[Exception], str]] = [
        (cut, key, Fault, "changed or cut"), (changed, key, Fault, "changed or cut"),
        (none, key, UsageError, "no region"), (tmp_path / "absent", key, UsageError, "is not there"),
        (to, other, UsageError, "key of another file"),
    ]  # fmt: skip
    for revision, said in (("9999", "this version is older"), ("0001", "export it anew")):
        made = tmp_path / revision
        made.mkdir()
        write_file(made / "file", tmp_path / f"{revision}.key", replace(manifest_of(to, key), revision=revision), [])
        cases.append((made / "file", tmp_path / f"{revision}.key", UsageError, said))
    for file, by, error, said in cases:
        with pytest.raises(error, match=said):
            take(target, (file, by))
    assert all_text(target.engine) == before
    assert packs_of(target) == {"39-amber"}
    with source:
        with pytest.raises(UsageError, match="already"):
            import_region(source.settings, to, key, tmp_path)
        with pytest.raises(UsageError, match="beside what it opens"):
            export_region(source.settings, region_named(LEAVES), tmp_path / "a", tmp_path / "b", NOW)
        with pytest.raises(UsageError, match="there already"):
            export_region(source.settings, region_named(LEAVES), to, tmp_path / "b", NOW)
    assert not (tmp_path / "b").exists()


def test_of_each_table_and_number_it_is_said_what_becomes_of_it(source: Home) -> None:
    """A table that a migration brings is of a region or stays; a column that names a numbered row is moved."""
    named = """
    SELECT DISTINCT c.conrelid::regclass::text AS of_table, a.attname, c.confrelid::regclass::text
    FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
    JOIN pg_attribute i ON i.attrelid = c.confrelid AND i.attnum = ANY (c.confkey) AND i.attidentity <> ''
    WHERE c.contype = 'f' AND n.nspname IN ('core', 'ops', 'ref', 'restricted')
    """
    with source.engine.connect() as connection:
        assert of_no_table(connection) == []
        found = connection.execute(sa.text(named)).all()
    assert len(found) > 40
    for table, column, numbered in found:
        if table in PLACES or table.startswith("core."):
            assert NUMBERS.get(column) == numbered or column in VERSIONS, (table, column)
    with source.engine.connect() as connection:
        numbers = {
            (each.table, column)
            for each in tables(connection)
            for column in each.columns
            if column.endswith("_id") and not each.table.startswith("history.") and column != "flow_run_id"
        }
    assert {column for _, column in numbers} <= NUMBERS.keys()
    assert set(LISTS_OF_NUMBERS) == {"held"}
