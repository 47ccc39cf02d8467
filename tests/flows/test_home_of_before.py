"""A home of the version before regions were part of the keys, by its own backup: restored and brought over, its marts
are equal to the byte but for one more column, every law holds, and nothing is published or told again.

`data/home_of_0017.tar.xz` is what `profmin backup` of that version wrote, less the receipts: the demo region with the
reports of three units and their fictional pupils, two nights, a file of nobody, a statement, a backfill, and a date
without deliveries. Its dump is not compressed by itself, so that the whole is small.
"""

from __future__ import annotations

import datetime as dt
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from flows.home.settings import Settings
from flows.messages.after_run import write_down
from flows.upkeep.backup import DUMP, bring_back
from flows.upkeep.doctor import examine
from warehouse.marts.definitions import marts, views
from warehouse.marts.publication import publish, published_dates
from warehouse.schema.upgrade import connect
from warehouse.server.dump import restore

HOME = Path(__file__).parent / "data" / "home_of_0017.tar.xz"
PUBLISHED = "SELECT DISTINCT as_of, published_at FROM ops.publication ORDER BY 1, 2"
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:mart) AND attnum > 0 ORDER BY attnum"
SHOWN = "SELECT row({columns})::text FROM mart.{mart}{rest} ORDER BY as_of, position"
HISTORY = "SELECT count(*), max(published_at), count(*) FILTER (WHERE replaced_at = 'infinity') FROM {history}"
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


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(HOME) as archive:
        archive.extractall(folder, filter="data")
    return folder


def columns(connection: sa.Connection) -> dict[str, list[str]]:
    """The columns of each mart that is there, in their order."""
    found = {
        mart.name: list(connection.scalars(sa.text(COLUMNS), {"mart": mart.relation})) for mart in (*marts(), *views())
    }
    return {mart: names for mart, names in found.items() if names}


@pytest.fixture(scope="module")
def before(databases: Any, backup: Path) -> tuple[Shown, dict[str, list[str]]]:
    """What the version of before showed, and with which columns: its own views, of its own dump."""
    with databases.fresh("template0") as url:
        engine = connect(url)
        restore(engine, backup / DUMP)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT max(version_num) FROM ops.alembic_version")) == "0017"
            had = columns(connection)
            found = shown(connection, had)
        engine.dispose()
    return found, had


@pytest.fixture(scope="module")
def home(databases: Any, backup: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The home, restored by this version."""
    with databases.fresh("template0") as url:
        made = Settings(home=tmp_path_factory.mktemp("over") / "home", database_url=url)  # type: ignore[arg-type]
        made.prepare()
        bring_back(made, backup)
        yield made


@pytest.fixture
def engine(home: Settings) -> Iterator[sa.Engine]:
    assert home.database_url is not None
    found = connect(home.database_url.get_secret_value())
    yield found
    found.dispose()


def test_its_marts_are_equal_to_the_byte(engine: sa.Engine, before: tuple[Shown, dict[str, list[str]]]) -> None:
    found, had = before
    with engine.connect() as connection:
        assert shown(connection, had) == found
        assert sum(map(len, found.values())) > 5000
        has = columns(connection)
        assert {mart: has[mart] for mart in had} == {mart: ["region", *names] for mart, names in had.items()}
        for mart in had:
            assert connection.scalar(sa.text(f"SELECT count(*) FROM mart.{mart} WHERE region <> '69'")) == 0


def test_every_law_holds(home: Settings) -> None:
    assert [law.name for law in examine(home) if law.times] == []


def test_nothing_is_published_again(engine: sa.Engine, before: tuple[Shown, dict[str, list[str]]]) -> None:
    found, had = before
    with engine.connect() as connection:
        published = [mart for mart in marts() if mart.name in had]
        versions = [connection.execute(sa.text(HISTORY.format(history=mart.history))).one() for mart in published]
        dates = published_dates(connection, "69")
        assert len(dates) == 3
    publish(engine, "69", dates)
    with engine.connect() as connection:
        for mart, then in zip(published, versions, strict=True):
            assert connection.execute(sa.text(HISTORY.format(history=mart.history))).one() == then, mart.name
        again = shown(connection, had)
    assert {key: rows for key, rows in again.items() if key in found} == found


def test_nothing_is_told_again(engine: sa.Engine, home: Settings) -> None:
    with engine.connect() as connection:
        events = connection.execute(sa.text(EVENTS)).all()
        seen: dt.datetime | None = connection.scalar(sa.text("SELECT max(seen_at) FROM ops.incident"))
        assert len(events) > 5
    assert seen is not None
    write_down(engine, home, seen)
    with engine.connect() as connection:
        assert connection.execute(sa.text(EVENTS)).all() == events
