"""Tables, views and functions of marts, as this version of the code has them: laid out empty with the schema, so that
who connects before the first publication finds them, and brought along when a SELECT yields other columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256

from sqlalchemy import Connection, Engine, text

from warehouse.core.copying import run_script
from warehouse.core.transaction import TRIES, retried
from warehouse.marts.definitions import FOLDER, Mart, marts, views
from warehouse.marts.public_release import lay_out_public
from warehouse.marts.relations import definition, dropping, fingerprint, guard
from warehouse.marts.shapes import Columns, shape, shapes
from warehouse.marts.states import drop_states, make_states
from warehouse.marts.told import FLOW, PACE, RELATION, figures_fingerprint, figures_script
from warehouse.schema.bi import past_readers
from warehouse.schema.upgrade import LONGEST_WAIT, UPGRADE_LOCK, unhindered

Aside = Mapping[str, Columns]
"""The columns of the rows put aside, by the names of the marts."""
MARTS = "marts"
"""Under this name it is kept as what marts were laid out last."""
SHAPE = "the shape of marts"
"""Under this name whoever reshapes them says so: marts are of all regions, and two cannot both change one row."""
APPLIED = "SELECT name, fingerprint FROM ops.applied WHERE name = ANY (:names)"
RECORD = """
INSERT INTO ops.applied (name, fingerprint) VALUES (:name, :fingerprint)
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, applied_at = clock_timestamp()
"""
NOBODY = {"region": "", "as_of": dt.date.min, "known_at": "infinity"}
"""What a SELECT is asked for when only the columns that it yields are wanted."""
LONGEST_RESHAPING = 20.0
"""Seconds for which a publication waits for readers when the columns of a mart have changed."""


@retried
def bring_up(engine: Engine) -> None:
    """Lay marts out as this version of the code has them; nothing happens when they are.

    What was published stays, and has nothing in columns that came since until its region publishes again. Raises
    GaveUp when others hold what it needs; ServerError as `unhindered` does.
    """
    with engine.connect() as connection:
        if is_laid_out(connection):
            return
    with unhindered(), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        if not is_laid_out(connection):
            past_readers(connection, lambda: lay_out(connection), LONGEST_WAIT / TRIES)


def is_laid_out(connection: Connection) -> bool:
    """Are marts as this version of the code has them?"""
    return applied(connection, [MARTS]).get(MARTS) == of_files()


def lay_out(connection: Connection) -> None:
    """The same in a transaction of the caller, whatever is laid out."""
    make_states(connection)
    for mart in marts():
        connection.execute(text(f"CREATE TEMP TABLE {mart.name} AS {mart.statement} WITH NO DATA"), NOBODY)
    prepare(connection, shapes_aside(connection))
    run_script(connection, "DROP TABLE " + ", ".join(f"pg_temp.{mart.name}" for mart in marts()))
    drop_states(connection)
    lay_out_public(connection)
    record(connection, MARTS, of_files())


@cache
def of_files() -> str:
    """A hash of all that marts are made by."""
    made = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".csv", ".py", ".sql"))
    return sha256(b"".join(path.read_bytes() for path in made)).hexdigest()


def prepare(connection: Connection, aside: Aside) -> None:
    """Give history the columns that a SELECT has got, and make the views and functions that are missing or changed."""
    every = (*marts(), *views())
    there = shapes(connection, [RELATION, *(mart.relation for mart in every)])
    made = applied(connection, [RELATION, *(mart.relation for mart in every)])
    reshaped = [mart for mart in marts() if there[mart.relation] != aside[mart.name]]
    changed = [
        mart
        for mart in every
        if mart in reshaped or not there[mart.relation] or made.get(mart.relation) != fingerprint(mart)
    ]
    tables = [mart for mart in changed if not mart.is_view]
    figures = figures_fingerprint(marts())
    has_other_figures = bool(tables) or not there[RELATION] or made.get(RELATION) != figures
    on_tables = list(views()) if has_other_figures else changed
    if not on_tables:
        return
    record(connection, SHAPE, figures)  # of two publications that find marts old the later one begins anew

    def reshape() -> None:
        for view in on_tables:
            run_script(connection, dropping(view))
        if has_other_figures:
            run_script(connection, f"DROP VIEW IF EXISTS {RELATION}, {PACE}, {FLOW}")
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
        record(connection, RELATION, figures)
    for view in on_tables:
        _make(connection, view)
    record(connection, MARTS, of_files())  # a run of an older version puts its own back: the next command sees it


def _make(connection: Connection, mart: Mart, columns: Sequence[str] = ()) -> None:
    """Make the views and the function of a mart that has none, with their comments."""
    run_script(connection, definition(mart, columns))
    run_script(connection, mart.comments([name for name, _ in shape(connection, mart.relation)]))
    record(connection, mart.relation, fingerprint(mart))


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


def shapes_aside(connection: Connection) -> Aside:
    """The columns of the rows put aside, of each mart; none of a mart that is not yet there."""
    there = shapes(connection, [f"pg_temp.{mart.name}" for mart in marts()])
    return {mart.name: there[f"pg_temp.{mart.name}"] for mart in marts()}


def applied(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Name → the fingerprint of what is applied under it; without those under which nothing is."""
    return dict(connection.execute(text(APPLIED), {"names": list(names)}).tuples().all())


def record(connection: Connection, name: str, made: str) -> None:
    """Write down what is applied under a name."""
    connection.execute(text(RECORD), {"name": name, "fingerprint": made})
