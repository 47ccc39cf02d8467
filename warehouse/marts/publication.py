"""Publishing: marts are built aside, audited, and swapped in together, or yesterday's stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from warehouse.core.copying import run_script
from warehouse.core.slices import LONGEST_WAIT, publisher
from warehouse.core.transaction import retried
from warehouse.marts.auditing import checks
from warehouse.marts.definitions import DEFINITION, Mart, marts, views
from warehouse.marts.told import RELATION, figures_fingerprint, figures_script
from warehouse.schema.bi import past_readers
from warehouse.schema.input_versions import pin

EVERYTHING = "infinity"
"""Publishing uses all that is known: `known_at` of the rows says what that was."""

SHAPE = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE a.attrelid = to_regclass(:relation) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
APPLIED = "SELECT fingerprint FROM ops.applied WHERE name = :name"
RECORD = """
INSERT INTO ops.applied (name, fingerprint) VALUES (:name, :fingerprint)
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, applied_at = clock_timestamp()
"""
PUBLISHED = """
INSERT INTO ops.publication (as_of, known_at, published_at, run_id) VALUES (:as_of, :known_at, :at, :run_id)
"""
SHOWN_WRONG_ROWS = 5
LONGEST_RESHAPING = 20.0
"""Seconds for which a publication waits for readers when the columns of a mart have changed."""
# Whatever a mart asks for has an index, by reading or by date; the planner, which knows little of tables that grow each
# night, else reads all of history. Sorts of a mart stay in memory, and compiling a SELECT takes longer than running it.
PLANS = "SET LOCAL enable_seqscan = off; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"


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
    engine: Engine, as_of_dates: Collection[dt.date], run_id: int | None = None, wait: dt.timedelta = LONGEST_WAIT
) -> list[Published]:
    """Publish every mart for these dates; returns what was published.

    All of it is one transaction on one snapshot: a reader sees the marts of before or the marts of after. When a mart
    has got other columns, the dates published so far are published again with it. Raises AuditFailed; Timeout when
    somebody else publishes for longer than `wait`; GaveUp.
    """
    with publisher(engine, wait=wait, run_id=run_id) as connection:
        return publish_within(connection, as_of_dates, run_id)


def publish_within(
    connection: Connection, as_of_dates: Collection[dt.date], run_id: int | None = None
) -> list[Published]:
    """Publish in a REPEATABLE READ transaction of the caller, who is the publisher."""
    dates = sorted(set(as_of_dates))
    pin(connection, dates)
    build_all(connection, dates)
    if any(_is_reshaped(connection, mart) for mart in marts()):
        earlier = sorted(set(published_dates(connection)) - set(dates))
        build_all(connection, earlier)
        dates = sorted({*dates, *earlier})
    audit(connection)
    _prepare(connection)
    return _swap(connection, dates, run_id)


def published_dates(connection: Connection) -> list[dt.date]:
    """Every as-of date that was ever published, in order."""
    return list(connection.scalars(text("SELECT DISTINCT as_of FROM ops.publication ORDER BY as_of")))


def build_all(connection: Connection, dates: Sequence[dt.date]) -> None:
    """Put the rows of these dates aside, into temporary tables that have the marts' names."""
    run_script(connection, PLANS)
    for mart in marts():
        _build(connection, mart, dates)


def _build(connection: Connection, mart: Mart, dates: Sequence[dt.date]) -> None:
    """Make a mart's temporary table, or add to it the rows of further dates."""
    for day in dates:
        exists = connection.scalar(text("SELECT to_regclass(:aside)"), {"aside": f"pg_temp.{mart.name}"})
        begin = f"INSERT INTO pg_temp.{mart.name}" if exists else f"CREATE TEMP TABLE {mart.name} ON COMMIT DROP AS"
        connection.execute(text(f"{begin}\n{mart.statement}"), {"as_of": day, "known_at": EVERYTHING})


def audit(connection: Connection) -> None:
    """Run every check on the rows put aside. Raises AuditFailed at the first that finds a row."""
    for name, select in checks(marts()):
        wrong = connection.execute(text(select), {"known_at": EVERYTHING})
        if rows := wrong.mappings().fetchmany(SHOWN_WRONG_ROWS):
            raise AuditFailed(name, [dict(row) for row in rows])


def _prepare(connection: Connection) -> None:
    """Give history the columns that a SELECT has got, and make the views and functions that are missing or changed."""
    reshaped = [mart for mart in marts() if _columns_of(connection, mart) != shape(connection, f"pg_temp.{mart.name}")]
    changed = [
        mart
        for mart in (*marts(), *views())
        if mart in reshaped or not _is_applied(connection, mart.relation, mart.fingerprint)
    ]
    tables = [mart for mart in changed if not mart.is_view]
    figures = figures_fingerprint(marts())
    has_other_figures = bool(tables) or not _is_applied(connection, RELATION, figures)
    on_tables = list(views()) if has_other_figures else changed
    if not on_tables:
        return

    def reshape() -> None:
        for view in on_tables:
            run_script(connection, _dropping(view))
        if has_other_figures:
            run_script(connection, f"DROP VIEW IF EXISTS {RELATION}")
        for mart in tables:
            run_script(connection, _dropping(mart))
        for mart in reshaped:
            _extend_history(connection, mart)

    past_readers(connection, reshape, LONGEST_RESHAPING)
    for mart in tables:
        _make(connection, mart)
    if has_other_figures:
        run_script(connection, figures_script(marts()))
        connection.execute(text(RECORD), {"name": RELATION, "fingerprint": figures})
    for view in on_tables:
        _make(connection, view)


def _dropping(mart: Mart) -> str:
    """Statements after which nothing of a mart is left but its history."""
    function = f"{mart.as_known}(date, timestamptz)"
    return f"DROP FUNCTION IF EXISTS {function}; DROP VIEW IF EXISTS {mart.latest}, {mart.relation}"


def _make(connection: Connection, mart: Mart) -> None:
    """Make the view and the function of a mart that has none, with their comments."""
    run_script(connection, _definition(connection, mart))
    run_script(connection, mart.comments([name for name, _ in shape(connection, mart.relation)]))
    connection.execute(text(RECORD), {"name": mart.relation, "fingerprint": mart.fingerprint})


def _extend_history(connection: Connection, mart: Mart) -> None:
    """Make the table of all versions, or add the columns that are new; a column is never taken from the past."""
    before = dict(shape(connection, mart.history))
    if not before:
        run_script(
            connection,
            f"CREATE TABLE {mart.history} (LIKE pg_temp.{mart.name}, published_at timestamptz NOT NULL,"
            " replaced_at timestamptz NOT NULL DEFAULT 'infinity', PRIMARY KEY (as_of, position, published_at));"
            f"CREATE UNIQUE INDEX ON {mart.history} (as_of, position) WHERE replaced_at = 'infinity'",
        )
    for name, kind in shape(connection, f"pg_temp.{mart.name}") if before else ():
        if name not in before:
            run_script(connection, f"ALTER TABLE {mart.history} ADD COLUMN {name} {kind}")
        elif before[name] != kind:
            run_script(connection, f"ALTER TABLE {mart.history} ALTER COLUMN {name} TYPE {kind}")


def _definition(connection: Connection, mart: Mart) -> str:
    """The view on what holds now, that of the last date, and the function for what was published at a moment.

    A view that looks at versions of rows itself does so by the parameter `:known_at`.
    """
    if mart.is_view:
        now = mart.select.replace(":known_at", "'infinity'::timestamptz")
        then = mart.select.replace(":known_at", "$2")
        for base in marts():
            then = then.replace(f"FROM {base.relation} AS", f"FROM {base.as_known}($1, $2) AS")
        then = (
            f"SELECT * FROM ({then}) AS k WHERE k.as_of = $1 AND coalesce(k.known_at <= $2, true) ORDER BY k.position"
        )
    else:
        columns = ", ".join(name for name, _ in shape(connection, f"pg_temp.{mart.name}"))
        now = f"SELECT {columns} FROM {mart.history} WHERE replaced_at = 'infinity'"
        then = (
            f"SELECT {columns} FROM {mart.history} AS h"
            " WHERE h.as_of = $1 AND h.published_at <= $2 AND h.replaced_at > $2 ORDER BY h.position"
        )
    return DEFINITION.format(relation=mart.relation, latest=mart.latest, as_known=mart.as_known, now=now, then=then)


def _swap(connection: Connection, dates: Sequence[dt.date], run_id: int | None) -> list[Published]:
    """From a moment on the rows put aside are those of these dates in every mart; equal rows stay as they are.

    The moment is taken last, when only what differs is left to be written: who reads between it and the commit sees
    still what was before.
    """
    for mart in marts():
        _set_apart(connection, mart, dates)
    at = connection.scalar(text("SELECT ops.clock()"))
    for mart in marts():
        # The planner knows nothing of a table just made; with the dates said it does not look through all of history.
        connection.execute(
            text(
                f"UPDATE {mart.history} AS h SET replaced_at = :at FROM pg_temp.gone_{mart.name} AS g"
                " WHERE h.as_of = g.as_of AND h.position = g.position AND h.replaced_at = 'infinity'"
                " AND h.as_of = ANY (:dates)"
            ),
            {"at": at, "dates": list(dates)},
        )
        columns = ", ".join(name for name, _ in shape(connection, f"pg_temp.{mart.name}"))
        insert = f"INSERT INTO {mart.history} ({columns}, published_at) SELECT *, :at FROM pg_temp.come_{mart.name}"
        connection.execute(text(insert), {"at": at})
    published = []
    latest: dict[dt.date, dt.datetime | None] = {}
    for mart in marts():
        counted = f"SELECT as_of, count(*), max(known_at) FROM pg_temp.{mart.name} GROUP BY as_of"
        rows = {day: (count, known_at) for day, count, known_at in connection.execute(text(counted))}
        published += [Published(mart.name, day, rows.get(day, (0, None))[0]) for day in dates]
        for day, (_, known_at) in rows.items():
            latest[day] = max((moment for moment in (known_at, latest.get(day)) if moment), default=None)
    publications = [{"as_of": day, "known_at": latest.get(day), "at": at, "run_id": run_id} for day in dates]
    if publications:
        connection.execute(text(PUBLISHED), publications)
    return sorted(published, key=lambda mart: mart.as_of)


def _set_apart(connection: Connection, mart: Mart, dates: Sequence[dt.date]) -> None:
    """Which rows of a mart go, and which come in their place."""
    columns = ", ".join(name for name, _ in shape(connection, f"pg_temp.{mart.name}"))
    held = f"SELECT {columns} FROM {mart.history} WHERE as_of = ANY (:dates) AND replaced_at = 'infinity'"
    new = f"SELECT {columns} FROM pg_temp.{mart.name}"
    for name, what in (
        (f"gone_{mart.name}", f"SELECT as_of, position FROM ({held} EXCEPT {new}) AS gone"),
        (f"come_{mart.name}", f"SELECT * FROM ({new} EXCEPT {held}) AS come ORDER BY as_of, position"),
    ):
        connection.execute(text(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {what}"), {"dates": list(dates)})


def _is_reshaped(connection: Connection, mart: Mart) -> bool:
    """Was the mart published, and does its SELECT now yield other columns?"""
    before = _columns_of(connection, mart)
    return bool(before) and before != shape(connection, f"pg_temp.{mart.name}")


def _columns_of(connection: Connection, mart: Mart) -> list[tuple[str, str]]:
    """Names and types of a mart's columns as it is published; empty when it is not."""
    return shape(connection, mart.relation)


def shape(connection: Connection, relation: str) -> list[tuple[str, str]]:
    """Names and types of a relation's columns in order; empty when there is no such relation."""
    return [(name, kind) for name, kind in connection.execute(text(SHAPE), {"relation": relation})]


def _is_applied(connection: Connection, relation: str, fingerprint: str) -> bool:
    """Is a view that which a fingerprint is of?"""
    return bool(connection.scalar(text(APPLIED), {"name": relation}) == fingerprint)
