"""Homes of versions before, by their own backups: restored and brought over, their marts are equal to the byte but for
one more column, every law holds, and nothing is published or told again.

`data/home_of_<migration>.tar.xz` is what `profmin backup` of that version wrote, less the receipts: the demo region
with the reports of three units and their fictional pupils, two nights, a file of nobody, a statement, a backfill, and
a date without deliveries. Of 0015 there were no regions, of 0017 they were no part of the keys. A dump is not
compressed by itself, so that the whole is small.

Slow: two homes are restored, and each of their marts is read as it was known at each publication.
"""

from __future__ import annotations

import datetime as dt
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from evidence import engine_of

from contracts.pseudonym import rewrapped
from contracts.regions import region_named
from flows.home.pupil_key import PupilSecrets
from flows.home.settings import Settings
from flows.messages.after_run import write_down
from flows.upkeep.backup import DUMP, bring_back
from flows.upkeep.doctor import examine
from warehouse.marts.definitions import marts, views
from warehouse.marts.publication import publish, published_dates
from warehouse.schema.upgrade import connect
from warehouse.server.dump import restore

HOMES = Path(__file__).parent / "data"
PUBLISHED = "SELECT DISTINCT as_of, published_at FROM ops.publication ORDER BY 1, 2"
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:mart) AND attnum > 0 ORDER BY attnum"
SHOWN = "SELECT row({columns})::text FROM mart.{mart}{rest} ORDER BY as_of, position"
HISTORY = "SELECT count(*), max(published_at), count(*) FILTER (WHERE replaced_at = 'infinity') FROM {history}"
JUDGED = """
SELECT d.as_of, d.input, v.input_version, v.version, v.fingerprint
FROM ops.date_input d JOIN ref.input_version v ON v.input_version = d.input_version
"""
COPIES = """
SELECT reading_id, encode(pupil_key, 'hex'), school_id, grade, state FROM restricted.pupil_fact ORDER BY 1, 2, 3, 4, 5
"""
VERSIONS = """
SELECT r.reading_id, encode(p.pupil_key, 'hex'), p.school_id, p.grade, p.state
FROM restricted.pupil_reading r, restricted.pupils_of(r.reading_id) p ORDER BY 1, 2, 3, 4, 5
"""
EVENTS = "SELECT event_id, incident_id, kind, at FROM ops.incident_event ORDER BY event_id"
pytestmark = pytest.mark.in_order
Shown = dict[tuple[object, ...], list[str]]


def shown(connection: sa.Connection, columns_of: Mapping[str, Sequence[str]]) -> Shown:
    """All that BI can see of these columns of marts: now, of the last date, and of each date as it was published each
    time."""
    moments = connection.execute(sa.text(PUBLISHED)).tuples().all()
    found: Shown = {}
    for mart, names in columns_of.items():
        columns = ", ".join(f'"{name}"' for name in names)
        for rest in ("", "_latest"):
            statement = SHOWN.format(columns=columns, mart=mart, rest=rest)
            found[mart, rest] = list(connection.scalars(sa.text(statement)))
        statement = SHOWN.format(columns=columns, mart=mart, rest="_as_known(:as_of, :known_at)")
        for as_of, known_at in moments:
            asked = {"as_of": as_of, "known_at": known_at}
            found[mart, as_of, known_at] = list(connection.scalars(sa.text(statement), asked))
    return found


@pytest.fixture(scope="module", params=["0015", "0017"])
def migration(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def backup(migration: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(HOMES / f"home_of_{migration}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


class Before(NamedTuple):
    """What the version of before showed, with which columns, and by which versions of inputs its dates were judged."""

    shown: Shown
    columns: dict[str, list[str]]
    judged: list[tuple[object, ...]]
    pupils: list[tuple[object, ...]]


def judged(connection: sa.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(sa.text(JUDGED))]


def pupils(connection: sa.Connection, statement: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(sa.text(statement))]


def columns(connection: sa.Connection) -> dict[str, list[str]]:
    """The columns of each mart that is there, in their order."""
    found = {
        mart.name: list(connection.scalars(sa.text(COLUMNS), {"mart": mart.relation})) for mart in (*marts(), *views())
    }
    return {mart: names for mart, names in found.items() if names}


@pytest.fixture(scope="module")
def before(databases: Any, migration: str, backup: Path) -> Before:
    """By its own views, of its own dump."""
    with databases.fresh("template0") as url:
        engine = connect(url)
        restore(engine, backup / DUMP)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT max(version_num) FROM ops.alembic_version")) == migration
            had = columns(connection)
            found = Before(shown(connection, had), had, judged(connection), pupils(connection, COPIES))
        engine.dispose()
    return found


@pytest.fixture(scope="module")
def home(databases: Any, backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The home, restored by this version."""
    with databases.fresh("template0") as url:
        made = Settings(home=tmp_path_factory.mktemp("over") / "home", database_url=url)  # type: ignore[arg-type]
        made.prepare()
        bring_back(made, backup, dt.datetime(2023, 11, 1, tzinfo=dt.UTC))
        yield made


@pytest.fixture
def engine(home: Settings) -> Iterator[sa.Engine]:
    with engine_of(home) as found:
        yield found


def test_its_marts_are_equal_to_the_byte(engine: sa.Engine, before: Before) -> None:
    found, had = before.shown, before.columns
    with engine.connect() as connection:
        assert shown(connection, had) == found
        assert sum(map(len, found.values())) > 5000
        has = columns(connection)
        kept = {mart: [name for name in has[mart] if name in names] for mart, names in had.items()}
        assert kept == had
        assert set(has) == {mart.name for mart in (*marts(), *views())}, "those that came since are there, and empty"
        for mart in had:
            assert connection.scalar(sa.text(f"SELECT count(*) FROM mart.{mart} WHERE region <> '69'")) == 0


def test_its_dates_are_judged_as_they_were(engine: sa.Engine, before: Before) -> None:
    with engine.connect() as connection:
        now = judged(connection)
        assert connection.scalar(sa.text("SELECT count(*) FROM ref.sender WHERE region <> '69'")) == 0
    assert set(before.judged) <= set(now) and len(before.judged) > 10


def test_pupils_are_those_of_each_copy(engine: sa.Engine, home: Settings, before: Before) -> None:
    """But for the key of their year, by which the restore wrapped them."""
    key = PupilSecrets(engine, home).of_year(2023)
    with engine.connect() as connection:
        found = pupils(connection, VERSIONS)
        bare = {row[1]: rewrapped(bytes.fromhex(str(row[1])), key, b"").hex() for row in found}
        assert {row[1] for row in found}.isdisjoint(row[1] for row in before.pupils)
        assert sorted((row[0], bare[row[1]], *row[2:]) for row in found) == sorted(before.pupils)
        versions = connection.scalar(sa.text("SELECT count(*) FROM restricted.pupil_version")) or 0
        copies = len({row[0] for row in before.pupils})
        assert copies == 2 and len(before.pupils) / copies <= versions < len(before.pupils)
        assert connection.scalar(sa.text("SELECT to_regclass('restricted.pupil_fact')")) is None


def test_every_law_holds(home: Settings) -> None:
    assert [law.name for law in examine(home) if law.times] == []


def test_nothing_is_published_again(engine: sa.Engine, before: Before, migration: str) -> None:
    """What marts that have got columns since say in them is new; what they said stays, and is no correction."""
    with engine.connect() as connection:
        published = [mart for mart in marts() if mart.name in before.columns]
        versions = [connection.execute(sa.text(HISTORY.format(history=mart.history))).one() for mart in published]
        dates = published_dates(connection, "69")
        assert len(dates) == 3
    publish(engine, "69", dates)
    with engine.connect() as connection:
        again = shown(connection, before.columns)
        assert again["corrections", ""] == before.shown["corrections", ""]
        if migration < "0017":
            pytest.skip("from when on a form is collected came since, and with it what is complete")
        assert {key: rows for key, rows in again.items() if key in before.shown} == before.shown
        has = columns(connection)
        for mart, then in zip(published, versions, strict=True):
            if has[mart.name] == ["region", *before.columns[mart.name]]:
                assert connection.execute(sa.text(HISTORY.format(history=mart.history))).one() == then, mart.name


def test_nothing_is_told_again(engine: sa.Engine, home: Settings, migration: str) -> None:
    if migration < "0017":
        pytest.skip("from when on a form is collected came since: what nobody owes any more is closed")
    with engine.connect() as connection:
        events = connection.execute(sa.text(EVENTS)).all()
        seen: dt.datetime | None = connection.scalar(sa.text("SELECT max(seen_at) FROM ops.incident"))
        assert len(events) > 5
    assert seen is not None
    write_down(engine, home, region_named("69"), seen)
    with engine.connect() as connection:
        assert connection.execute(sa.text(EVENTS)).all() == events
