"""Publishing: marts are built aside, audited, and swapped in together, or yesterday's stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from warehouse.core.copying import run_script
from warehouse.core.planner_statistics import renew_statistics
from warehouse.core.slices import LONGEST_WAIT, publisher
from warehouse.core.transaction import retried
from warehouse.marts.auditing import checks
from warehouse.marts.bringing_up import Aside, applied, prepare, record, shapes_aside
from warehouse.marts.definitions import Mart, marts
from warehouse.marts.pupil_flow import compare
from warehouse.marts.pupil_journey import follow
from warehouse.marts.shapes import Columns
from warehouse.marts.states import put_states_aside
from warehouse.schema.input_versions import pin
from warehouse.schema.restricted import account, note_access

EVERYTHING = "infinity"
"""Publishing uses all that is known: `known_at` of the rows says what that was."""

PUBLISHED = """
INSERT INTO ops.publication (region, as_of, known_at, published_at, run_id)
VALUES (:region, :as_of, :known_at, :at, :run_id)
"""
APART = """
CREATE TEMP TABLE apart (mart text, as_of date, position integer, goes boolean, comes boolean) ON COMMIT DROP
"""
"""Which places of a mart on a date have a row that goes, and which one that comes."""
SHOWN_WRONG_ROWS = 5
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
    is new or has got other columns, the dates published so far are published again with it; other regions do so when
    they publish next, and until then their rows have nothing there. Raises AuditFailed; Timeout when somebody else
    publishes the region for longer than `wait`; GaveUp.
    """
    with publisher(engine, region, wait=wait, run_id=run_id) as connection:
        return publish_within(connection, region, as_of_dates, run_id)


def publish_within(
    connection: Connection, region: str, as_of_dates: Collection[dt.date], run_id: int | None = None
) -> list[Published]:
    """Publish in a REPEATABLE READ transaction of the caller, who is the region's publisher."""
    dates = sorted(set(as_of_dates))
    pin(connection, region, dates)
    looked_at = build_all(connection, region, dates)
    aside = shapes_aside(connection)
    if _is_reshaped(connection, region, aside):
        earlier = sorted(set(published_dates(connection, region)) - set(dates))
        looked_at += build_all(connection, region, earlier)
        dates = sorted({*dates, *earlier})
        aside = shapes_aside(connection)
    if looked_at:
        note_access(connection, account(), "publish", run_id)
    audit(connection, region)
    prepare(connection, aside)
    _note_shapes(connection, region, aside)
    return _swap(connection, region, dates, run_id, aside)


def published_dates(connection: Connection, region: str) -> list[dt.date]:
    """Every as-of date of a region that was ever published, in order."""
    dates = "SELECT DISTINCT as_of FROM ops.publication WHERE region = :region ORDER BY as_of"
    return list(connection.scalars(text(dates), {"region": region}))


def marts_published(connection: Connection, region: str) -> list[Mart]:
    """The marts that a region has published: one that came with a new version is laid out, and has nothing of it."""
    names = {f"{mart.history} of {region}": mart for mart in marts()}
    return [names[name] for name in sorted(applied(connection, list(names)))]


def build_all(connection: Connection, region: str, dates: Sequence[dt.date]) -> int:
    """Put the rows of these dates of a region aside, into temporary tables that have the marts' names.

    Returns of how many pairs and sets of exports rows of pupils were looked at for it: who calls notes the access.
    """
    run_script(connection, PLANS)
    looked_at = compare(connection, region, dates, EVERYTHING) + follow(connection, region, dates, EVERYTHING)
    made = {name for name, columns in shapes_aside(connection).items() if columns}
    for day in dates:
        put_states_aside(connection, region, day, EVERYTHING)
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
    return looked_at


def audit(connection: Connection, region: str) -> None:
    """Run every check on the rows of a region put aside. Raises AuditFailed at the first that finds a row."""
    for name, select in checks(marts()):
        wrong = connection.execute(text(select), {"region": region, "known_at": EVERYTHING})
        if rows := wrong.mappings().fetchmany(SHOWN_WRONG_ROWS):
            raise AuditFailed(name, [dict(row) for row in rows])


def _swap(
    connection: Connection, region: str, dates: Sequence[dt.date], run_id: int | None, aside: Aside
) -> list[Published]:
    """From a moment on the rows put aside are those of these dates in every mart; equal rows stay as they are.

    The moment is taken last, when only what differs is left to be written: who reads between it and the commit sees
    still what was before.
    """
    run_script(connection, APART)
    asked = {"region": region, "dates": list(dates)}
    differ = [mart for mart in marts() if _set_apart(connection, mart, asked, aside[mart.name])]
    if differ:
        run_script(connection, "ANALYZE pg_temp.apart")
    at = connection.scalar(text("SELECT ops.clock()"))
    written = {}
    for mart in differ:
        # The planner knows nothing of a table just made; with the dates said it does not look through all of history.
        connection.execute(
            text(
                f"UPDATE {mart.history} AS h SET replaced_at = :at FROM pg_temp.apart AS a"
                f" WHERE a.mart = '{mart.name}' AND a.goes AND h.as_of = a.as_of AND h.position = a.position"
                " AND h.replaced_at = 'infinity' AND h.region = :region AND h.as_of = ANY (:dates)"
            ),
            {**asked, "at": at},
        )
        columns = [name for name, _ in aside[mart.name]]
        insert = (
            f"INSERT INTO {mart.history} ({', '.join(columns)}, published_at)"
            f" SELECT {_listed('n', columns)}, :at FROM pg_temp.{mart.name} AS n JOIN pg_temp.apart AS a"
            f" ON a.mart = '{mart.name}' AND a.comes AND n.as_of = a.as_of AND n.position = a.position"
            " ORDER BY n.as_of, n.position"
        )
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
    """Note which rows of a mart go, and which come in their place, of a region and dates; returns how many places
    these are."""
    columns = [name for name, _ in aside]
    differ = (
        "INSERT INTO pg_temp.apart (mart, as_of, position, goes, comes)"
        f" SELECT '{mart.name}', coalesce(h.as_of, n.as_of), coalesce(h.position, n.position),"
        " h.as_of IS NOT NULL, n.as_of IS NOT NULL"
        f" FROM (SELECT {', '.join(columns)} FROM {mart.history}"
        " WHERE region = :region AND as_of = ANY (:dates) AND replaced_at = 'infinity') AS h"
        f" FULL JOIN pg_temp.{mart.name} AS n ON n.as_of = h.as_of AND n.position = h.position"
        f" WHERE ROW({_listed('h', columns)}) IS DISTINCT FROM ROW({_listed('n', columns)})"
    )
    return connection.execute(text(differ), asked).rowcount


def _listed(row: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{row}.{name}" for name in columns)


def _is_reshaped(connection: Connection, region: str, aside: Aside) -> bool:
    """Were marts of a region published, and is one new since, or does its SELECT now yield other columns?"""
    now = _notes(region, aside)
    before = applied(connection, list(now))
    return bool(before) and any(before.get(name) != columns for name, columns in now.items())


def _note_shapes(connection: Connection, region: str, aside: Aside) -> None:
    """Keep with which columns the marts of a region were published last."""
    now = _notes(region, aside)
    before = applied(connection, list(now))
    for name, columns in now.items():
        if before.get(name) != columns:
            record(connection, name, columns)


def _notes(region: str, aside: Aside) -> dict[str, str]:
    """Under which name the columns of each mart of a region are kept, and the columns as text."""
    return {
        f"{mart.history} of {region}": ", ".join(f"{name} {kind}" for name, kind in aside[mart.name])
        for mart in marts()
    }
