"""The connection, and bringing a database up to what this version of the code expects."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import psycopg2.extensions
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from contracts.form import Form
from contracts.forms import FORMS
from warehouse.core.copying import run_script
from warehouse.schema.assignments import assignments
from warehouse.schema.bi import past_readers
from warehouse.schema.dimensions import dimension
from warehouse.schema.facts import ensure_fact_tables, reach, statements
from warehouse.schema.input_versions import input_records
from warehouse.schema.levels import levels
from warehouse.schema.reference import form_record, region_records, rule_records, sync_reference, version_records
from warehouse.schema.rules_across import across_at
from warehouse.server.programs import ServerError

HERE = Path(__file__).parent
WAREHOUSE = HERE.parent
MIGRATIONS = WAREHOUSE / "migrations"
UPGRADE_LOCK = 7_364_001
LONGEST_WAIT = 300.0
"""Seconds for which an upgrade waits for runs that use its tables."""
SCRIPTS = (
    "schema/made_anew.sql", "schema/clock.sql", "schema/inputs.sql", "schema/calendar.sql", "schema/views.sql",
    "schema/explanations.sql", "schema/access.sql", "schema/calendar_view.sql", "incidents/incidents.sql",
    "schema/grants.sql", "schema/public_grants.sql",
)  # fmt: skip
MADE = """
:fingerprint || (SELECT repeat(' no role', 4 - count(*)::integer) FROM pg_roles
                 WHERE rolname IN ('bi_reader', 'mart_reader', 'public_reader', 'mart_audience'))
"""
APPLIED = f"SELECT (SELECT fingerprint FROM ops.applied WHERE name = 'schema') = {MADE}"
RECORD = f"""
INSERT INTO ops.applied (name, fingerprint) SELECT 'schema', {MADE}
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, applied_at = clock_timestamp()
"""

OLDEST_SERVER = 15
SERVER = """
SELECT current_setting('server_version_num')::integer, current_setting('server_version'),
    current_setting('server_encoding'), current_database()
"""
COPIES = """
SELECT (SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('restricted.pupil_fact')),
    current_setting('max_locks_per_transaction')::integer, current_setting('max_connections')::integer
"""
LOCKS_A_COPY, OTHER_LOCKS = 14, 2_000
"""Of each table of pupils of before, which the upgrade reads and drops (13 were counted), and of all else (400)."""

CALLED = {
    "client_encoding": "utf8", "fallback_application_name": "profmin",
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
}  # fmt: skip
"""Our end finds out within a minute that the server's machine is gone."""
SESSION = """
SET jit = off;
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3
"""

HINDERED = ("2BP01", "42501")
"""Other objects depend on it, and insufficient privilege."""

NO_URL = (
    "this is not a URL; write postgresql+psycopg2://user:password@host/database, in which signs such as @ : / ? # % of "
    "user and password are %40 %3A %2F %3F %23 %25"
)

log = logging.getLogger(__name__)


def target(url: str) -> URL:
    """Where a Postgres URL leads, by psycopg2. Raises ValueError for another database or driver, or for no URL at all;
    what it says quotes nothing of it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        raise ValueError(NO_URL) from None
    if "@" in (parsed.host or ""):  # the rest of a password with that sign: the driver would tell it as a host's name
        raise ValueError(NO_URL)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    if parsed.drivername != "postgresql+psycopg2":
        raise ValueError(f"the warehouse is Postgres through psycopg2, not {parsed.drivername!r}")
    return parsed


def connect(url: str | URL) -> Engine:
    """An engine on a Postgres URL; raises as `target` does."""
    parsed = target(url) if isinstance(url, str) else url
    engine = create_engine(parsed, pool_pre_ping=True, connect_args=CALLED)
    event.listen(engine, "connect", _interpret)
    return engine


def _interpret(connection: psycopg2.extensions.connection, _: object) -> None:
    """A session that interprets its statements: to compile one of a mart of marts takes ten times as long as to run it.
    And one that the server ends within a minute when our machine is gone, as its locks hold up others until then: by
    itself it would ask after two hours.

    Said after connecting, as a pooler between us and the server may refuse options.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(SESSION)


def upgrade(
    engine: Engine, forms: Sequence[Form] = FORMS, afterwards: Callable[[Connection], None] = lambda _: None
) -> None:
    """Bring the database up to this version of the code; nothing happens when it is.

    Migrations, fact tables, views, reference data, what is to be done `afterwards`, and grants are applied in one
    transaction, by one process at a time. Raises ServerError for a server or a database that cannot hold a warehouse,
    and as `unhindered` does.
    """
    wanted = fingerprint(forms)
    with engine.connect() as connection:
        if is_applied(connection, wanted):
            return
        must_fit(connection)
    with unhindered(), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        if is_applied(connection, wanted):
            return
        past_readers(connection, lambda: _bring_up(connection, forms, afterwards), LONGEST_WAIT)
        connection.execute(text(RECORD), {"fingerprint": wanted})


@contextmanager
def unhindered() -> Iterator[None]:
    """Raises ServerError in the server's words, which name objects alone, where something made by hand depends on what
    is to be made anew, or our role has not the right."""
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        said = getattr(error, "orig", error)
        if not isinstance(said, psycopg2.Error) or said.pgcode not in HINDERED:
            raise
        words = ". ".join(filter(None, (said.diag.message_primary, said.diag.message_detail)))
        raise ServerError(f"the warehouse cannot be brought up to this version: {words}") from error


def must_fit(connection: Connection) -> None:
    """Raises ServerError for a server that is too old, for a database that cannot hold every letter, and for a server
    that cannot keep as many locks as it takes to bring over what is there."""
    number, version, encoding, name = connection.execute(text(SERVER)).one()
    if wrong := unfit(number, version, encoding, name) or too_few_locks(*connection.execute(text(COPIES)).one()):
        raise ServerError(wrong)


def unfit(number: int, version: str, encoding: str, name: str) -> str | None:
    """Why a database cannot hold a warehouse, in a sentence; `number` is that of `server_version_num`."""
    if number < OLDEST_SERVER * 10_000:
        return f"the server is Postgres {version}; {OLDEST_SERVER} or newer is needed"
    if encoding != "UTF8":
        made = "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        return f"the database {name!r} keeps texts in {encoding}; UTF8 is needed: make another one ({made})"
    return None


def too_few_locks(copies: int, locks: int, connections: int) -> str | None:
    """Why a server cannot bring over so many copies of exports, in a sentence: each is a table, and all are dropped in
    one transaction (revision 0026). `locks` is its `max_locks_per_transaction`: the server keeps that many for each
    connection that it may have, and any of them may take all."""
    wanted = copies * LOCKS_A_COPY + OTHER_LOCKS
    if not copies or wanted <= locks * connections:
        return None
    return (
        f"the warehouse has {copies} copies of exports, which become versions in one transaction of {wanted} locks; "
        f"the server keeps {locks * connections}: ALTER SYSTEM SET max_locks_per_transaction = "
        f"{-(-wanted // connections)}, start the server again, then repeat this (afterwards it may be as before)"
    )


def _bring_up(connection: Connection, forms: Sequence[Form], afterwards: Callable[[Connection], None]) -> None:
    """Apply everything, whatever is applied already."""
    migrate(connection)
    made_anew, *views, grants, public_grants = ((WAREHOUSE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    run_script(connection, made_anew)
    ensure_fact_tables(connection, forms)
    for script in (*views, levels(forms), assignments(), across_at(forms), *filter(None, map(dimension, forms))):
        run_script(connection, script)
    sync_reference(connection, forms)
    afterwards(connection)
    run_script(connection, grants)
    run_script(connection, public_grants)
    for notice in connection.connection.driver_connection.notices:  # type: ignore[union-attr]
        if notice.startswith("WARNING"):  # SQLAlchemy drops the notices with its next statement
            log.warning(notice.strip())


def is_applied(connection: Connection, wanted: str) -> bool:
    """Is the database up to date? `wanted` is the fingerprint that it then bears."""
    if connection.scalar(text("SELECT to_regclass('ops.applied')")) is None:
        return False
    return bool(connection.scalar(text(APPLIED), {"fingerprint": wanted}))


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, revision)


def fingerprint(forms: Sequence[Form] = FORMS) -> str:
    """A hash of everything that `upgrade` applies."""
    applied: list[object] = [sorted(path.name for path in (MIGRATIONS / "versions").glob("*.py"))]
    applied += [(WAREHOUSE / name).read_text(encoding="utf-8") for name in SCRIPTS]
    applied += [(HERE / name).read_text(encoding="utf-8") for name in ("reference.py", "input_versions.py")]
    applied += [statements(form) for form in forms]
    applied += [*reach(forms), levels(forms), assignments(), across_at(forms)]
    applied += [dimension(form) for form in forms]
    applied += [dict(record) for record in region_records()]
    applied += [dict(record) for record in input_records()]
    applied += [dict(form_record(form)) for form in forms]
    applied += [dict(record) for record in rule_records(forms)]
    applied += [dict(record) for record in version_records(forms)]
    return hashlib.sha256(json.dumps(applied, ensure_ascii=False).encode()).hexdigest()
