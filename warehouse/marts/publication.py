"""Publishing: marts are built aside, audited, and swapped in together, or yesterday's stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from psycopg2.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import Connection, Engine, text

from warehouse.core.copying import run_script
from warehouse.core.planner_statistics import renew_statistics
from warehouse.core.slices import LONGEST_WAIT, publisher
from warehouse.core.transaction import retried
from warehouse.marts.auditing import checks
from warehouse.marts.definitions import Mart, marts, views
from warehouse.marts.relations import definition, dropping, fingerprint, guard
from warehouse.marts.shapes import Columns, shape, shapes
from warehouse.marts.told import PACE, RELATION, figures_fingerprint, figures_script
from warehouse.schema.bi import past_readers
from warehouse.schema.input_versions import pin

EVERYTHING = "infinity"
"""Publishing uses all that is known: `known_at` of the rows says what that was."""

APPLIED = "SELECT name, fingerprint FROM ops.applied WHERE name = ANY (:names)"
RECORD = """
INSERT INTO ops.applied (name, fingerprint) VALUES (:name, :fingerprint)
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, applied_at = clock_timestamp()
"""
PUBLISHED = """
INSERT INTO ops.publication (region, as_of, known_at, published_at, run_id)
VALUES (:region, :as_of, :known_at, :at, :run_id)
"""
MADE = "marts as published"
"""Under which name it is kept of which version the tables, views and functions of all marts are."""
Aside = Mapping[str, Columns]
"""The columns of the rows put aside, by the names of the marts."""
SHOWN_WRONG_ROWS = 5
LONGEST_RESHAPING = 20.0
"""Seconds for which a publication waits for readers when the columns of a mart have changed."""
# Whatever a mart asks for has an index, by reading or by date; the planner, which knows little of tables that grow each
# night, else reads all of history. Sorts of a mart stay in memory.
PLANS = "SET LOCAL enable_seqscan = off; SET LOCAL work_mem = '64MB'"


@dataclass(frozen=True)
class Published:
    """One mart on one date, with how many rows."""

    mart: str
    as_of: dt.date
    rows: int


class AuditFailed(Exception):
    """A check found wrong rows in the marts to be published; `rows` are the first of them. Nothing was replaced."""

    def __init__(self, check: str, rows: Sequence[dict[str, object]]) -> None:
        super().__init__(f"check {check} found wrong rows, the published marts stay as they were: {rows}")
        self.check = check
        self.rows = rows


@retried
def publish(
    engine: Engine,
    region: str,
    as_of_dates: Collection[dt.date],
    run_id: int | None = None,
    wait: dt.timedelta = LONGEST_WAIT,
) -> list[Published]:
    """Publish every mart of a region for these dates; returns what was published.

    All of it is one transaction on one snapshot: a reader sees the marts of before or the marts of after. When a mart
    has got other columns, the dates published so far are published again with it; other regions do so when they publish
    next, and until then their rows have nothing there. Raises AuditFailed; Timeout when somebody else publishes for
    longer than `wait`; GaveUp.
    """
    with publisher(engine, wait=wait, run_id=run_id) as connection:
        return publish_within(connection, region, as_of_dates, run_id)


def publish_within(
    connection: Connection, region: str, as_of_dates: Collection[dt.date], run_id: int | None = None
) -> list[Published]:
    """Publish in a REPEATABLE READ transaction of the caller, who is the publisher."""
    dates = sorted(set(as_of_dates))
    pin(connection, region, dates)
    build_all(connection, region, dates)
    aside = _shapes_aside(connection)
    if _is_reshaped(connection, region, aside):
        earlier = sorted(set(published_dates(connection, region)) - set(dates))
        build_all(connection, region, earlier)
        dates = sorted({*dates, *earlier})
        aside = _shapes_aside(connection)
    audit(connection, region)
    _prepare(connection, aside)
    _note_made(connection)
    _note_shapes(connection, region, aside)
    return _swap(connection, region, dates, run_id, aside)


def bring_up_marts(engine: Engine, wait: dt.timedelta = LONGEST_WAIT) -> None:
    """Give what was published the columns, views and functions that this version of the code knows, as a publication
    would: whoever reads meanwhile finds them, and nothing in columns that came since. The next publication fills them.

    Nothing happens when they are there, or nothing was published. Raises Timeout as `publish` does.
    """
    with engine.connect() as connection:
        if _is_made(connection) or not connection.scalar(text("SELECT EXISTS (SELECT FROM ops.publication)")):
            return
    with publisher(engine, wait=wait) as connection:
        asked = {"region": None, "as_of": None, "known_at": EVERYTHING}
        for mart in marts():
            made = f"CREATE TEMP TABLE {mart.name} ON COMMIT DROP AS\n{mart.statement}\nWITH NO DATA"
            connection.execute(text(made), asked)
        _prepare(connection, _shapes_aside(connection))
        _note_made(connection)


def published_dates(connection: Connection, region: str) -> list[dt.date]:
    """Every as-of date of a region that was ever published, in order."""
    dates = "SELECT DISTINCT as_of FROM ops.publication WHERE region = :region ORDER BY as_of"
    return list(connection.scalars(text(dates), {"region": region}))


def build_all(connection: Connection, region: str, dates: Sequence[dt.date]) -> None:
    """Put the rows of these dates of a region aside, into temporary tables that have the marts' names."""
    run_script(connection, PLANS)
    made = {name for name, columns in _shapes_aside(connection).items() if columns}
    for mart in marts():
        for day in dates:
            begin = (
                f"INSERT INTO pg_temp.{mart.name}"
                if mart.name in made
                else f"CREATE TEMP TABLE {mart.name} ON COMMIT DROP AS"
            )
            asked = {"region": region, "as_of": day, "known_at": EVERYTHING}
            connection.execute(text(f"{begin}\n{mart.statement}"), asked)
            made.add(mart.name)


def audit(connection: Connection, region: str) -> None:
    """Run every check on the rows of a region put aside. Raises AuditFailed at the first that finds a row."""
    for name, select in checks(marts()):
        wrong = connection.execute(text(select), {"region": region, "known_at": EVERYTHING})
        if rows := wrong.mappings().fetchmany(SHOWN_WRONG_ROWS):
            raise AuditFailed(name, [dict(row) for row in rows])


def _prepare(connection: Connection, aside: Aside) -> None:
    """Give history the columns that a SELECT has got, and make the views and functions that are missing or changed."""
    published = shapes(connection, [mart.relation for mart in marts()])
    reshaped = [mart for mart in marts() if published[mart.relation] != aside[mart.name]]
    applied = _applied(connection, [RELATION, *(mart.relation for mart in (*marts(), *views()))])
    changed = [
        mart for mart in (*marts(), *views()) if mart in reshaped or applied.get(mart.relation) != fingerprint(mart)
    ]
    tables = [mart for mart in changed if not mart.is_view]
    figures = figures_fingerprint(marts())
    has_other_figures = bool(tables) or applied.get(RELATION) != figures
    on_tables = list(views()) if has_other_figures else changed
    if not on_tables:
        return

    def reshape() -> None:
        for view in on_tables:
            run_script(connection, dropping(view))
        if has_other_figures:
            run_script(connection, f"DROP VIEW IF EXISTS {RELATION}, {PACE}")
        for mart in tables:
            run_script(connection, dropping(mart))
        for mart in reshaped:
            _extend_history(connection, mart, aside[mart.name])
        for mart in tables:
            run_script(connection, guard(mart, [name for name, _ in aside[mart.name]]))

    past_readers(connection, reshape, LONGEST_RESHAPING)
    for mart in tables:
        _make(connection, mart, [name for name, _ in aside[mart.name]])
    if has_other_figures:
        run_script(connection, figures_script(marts()))
        connection.execute(text(RECORD), {"name": RELATION, "fingerprint": figures})
    for view in on_tables:
        _make(connection, view)


def make_missing(connection: Connection) -> None:
    """Make views and functions of marts that were published and have none, as after a migration that dropped them.

    They show what was published: columns that came since, and marts that were never published, come with the next
    publication, and a view that asks for them does too.
    """
    published = []
    for mart in marts():
        had = dict(shape(connection, mart.history))
        if had:
            kept = {name: words for name, words in mart.captions.items() if name in had}
            published.append(mart if kept == mart.captions else replace(mart, captions=kept))
    for mart in published:
        if not shape(connection, mart.relation):
            run_script(connection, guard(mart, list(mart.captions)))
            _make(connection, mart, [name for name in mart.columns if name in mart.captions])
    telling = [mart for mart in published if mart.stated.columns <= mart.captions.keys()]
    if not shape(connection, RELATION) and any(mart.stated.figures for mart in telling):
        run_script(connection, figures_script(telling))
        connection.execute(text(RECORD), {"name": RELATION, "fingerprint": figures_fingerprint(telling)})
    for view in views():
        if not shape(connection, view.relation):
            with suppress(UndefinedColumn, UndefinedTable), connection.begin_nested():
                _make(connection, view)


def _is_made(connection: Connection) -> bool:
    return _applied(connection, [MADE]).get(MADE) == _made()


def _note_made(connection: Connection) -> None:
    """Keep of which version the marts are that stand in the database."""
    if not _is_made(connection):
        connection.execute(text(RECORD), {"name": MADE, "fingerprint": _made()})


def _made() -> str:
    prints = [figures_fingerprint(marts()), *map(fingerprint, (*marts(), *views()))]
    return sha256(" ".join(prints).encode()).hexdigest()


def _make(connection: Connection, mart: Mart, columns: Sequence[str] = ()) -> None:
    """Make the views and the function of a mart that has none, with their comments."""
    run_script(connection, definition(mart, columns))
    run_script(connection, mart.comments([name for name, _ in shape(connection, mart.relation)]))
    connection.execute(text(RECORD), {"name": mart.relation, "fingerprint": fingerprint(mart)})


def _extend_history(connection: Connection, mart: Mart, columns: Columns) -> None:
    """Make the table of all versions, or add the columns that are new; a column is never taken from the past."""
    before = dict(shape(connection, mart.history))
    if not before:
        run_script(
            connection,
            f"CREATE TABLE {mart.history} (LIKE pg_temp.{mart.name}, published_at timestamptz NOT NULL,"
            " replaced_at timestamptz NOT NULL DEFAULT 'infinity',"
            " PRIMARY KEY (region, as_of, position, published_at));"
            f"CREATE UNIQUE INDEX ON {mart.history} (as_of, region, position) WHERE replaced_at = 'infinity'",
        )
    for name, kind in columns if before else ():
        if name not in before:
            run_script(connection, f"ALTER TABLE {mart.history} ADD COLUMN {name} {kind}")
        elif before[name] != kind:
            run_script(connection, f"ALTER TABLE {mart.history} ALTER COLUMN {name} TYPE {kind}")


def _swap(
    connection: Connection, region: str, dates: Sequence[dt.date], run_id: int | None, aside: Aside
) -> list[Published]:
    """From a moment on the rows put aside are those of these dates in every mart; equal rows stay as they are.

    The moment is taken last, when only what differs is left to be written: who reads between it and the commit sees
    still what was before.
    """
    asked = {"region": region, "dates": list(dates)}
    differ = [mart for mart in marts() if _set_apart(connection, mart, asked, aside[mart.name])]
    at = connection.scalar(text("SELECT ops.clock()"))
    written = {}
    for mart in differ:
        # The planner knows nothing of a table just made; with the dates said it does not look through all of history.
        connection.execute(
            text(
                f"UPDATE {mart.history} AS h SET replaced_at = :at FROM pg_temp.gone_{mart.name} AS g"
                " WHERE h.as_of = g.as_of AND h.position = g.position AND h.replaced_at = 'infinity'"
                " AND h.region = :region AND h.as_of = ANY (:dates)"
            ),
            {**asked, "at": at},
        )
        columns = ", ".join(name for name, _ in aside[mart.name])
        insert = f"INSERT INTO {mart.history} ({columns}, published_at) SELECT *, :at FROM pg_temp.come_{mart.name}"
        written[mart.history] = connection.execute(text(insert), {"at": at}).rowcount
    published = []
    latest: dict[dt.date, dt.datetime | None] = {}
    for mart in marts():
        counted = f"SELECT as_of, count(*), max(known_at) FROM pg_temp.{mart.name} GROUP BY as_of"
        rows = {day: (count, known_at) for day, count, known_at in connection.execute(text(counted))}
        published += [Published(mart.name, day, rows.get(day, (0, None))[0]) for day in dates]
        for day, (_, known_at) in rows.items():
            latest[day] = max((moment for moment in (known_at, latest.get(day)) if moment), default=None)
    publications = [
        {"region": region, "as_of": day, "known_at": latest.get(day), "at": at, "run_id": run_id} for day in dates
    ]
    if publications:
        connection.execute(text(PUBLISHED), publications)
    renew_statistics(connection, {**written, "ops.publication": len(publications)})
    return sorted(published, key=lambda mart: mart.as_of)


def _set_apart(connection: Connection, mart: Mart, asked: Mapping[str, object], aside: Columns) -> int:
    """Which rows of a mart go, and which come in their place, of a region and dates; how many there are."""
    columns, differ = ", ".join(name for name, _ in aside), 0
    of_dates = "region = :region AND as_of = ANY (:dates) AND replaced_at = 'infinity'"
    held = f"SELECT {columns} FROM {mart.history} WHERE {of_dates}"
    new = f"SELECT {columns} FROM pg_temp.{mart.name}"
    for name, what in (
        (f"gone_{mart.name}", f"SELECT as_of, position FROM ({held} EXCEPT {new}) AS gone"),
        (f"come_{mart.name}", f"SELECT * FROM ({new} EXCEPT {held}) AS come ORDER BY as_of, position"),
    ):
        differ += connection.execute(text(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {what}"), asked).rowcount
    return differ


def _is_reshaped(connection: Connection, region: str, aside: Aside) -> bool:
    """Were marts of a region published, and does the SELECT of one of them now yield other columns?"""
    now = _notes(region, aside)
    return any(now[name] != before for name, before in _applied(connection, list(now)).items())


def _note_shapes(connection: Connection, region: str, aside: Aside) -> None:
    """Keep with which columns the marts of a region were published last."""
    now = _notes(region, aside)
    before = _applied(connection, list(now))
    for name, columns in now.items():
        if before.get(name) != columns:
            connection.execute(text(RECORD), {"name": name, "fingerprint": columns})


def _notes(region: str, aside: Aside) -> dict[str, str]:
    """Under which name the columns of each mart of a region are kept, and the columns as text."""
    return {
        f"{mart.history} of {region}": ", ".join(f"{name} {kind}" for name, kind in aside[mart.name])
        for mart in marts()
    }


def _shapes_aside(connection: Connection) -> Aside:
    """The columns of the rows put aside, of each mart; none of a mart that is not yet there."""
    there = shapes(connection, [f"pg_temp.{mart.name}" for mart in marts()])
    return {mart.name: there[f"pg_temp.{mart.name}"] for mart in marts()}


def _applied(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Name → the fingerprint of what is applied under it; without those under which nothing is."""
    return dict(connection.execute(text(APPLIED), {"names": list(names)}).tuples().all())
