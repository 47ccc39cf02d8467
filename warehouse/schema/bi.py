"""Logins of others' reporting tools: what makes one that can read marts and hinder nobody, and what a night does when
one of them holds a table that it needs."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from warehouse.core.copying import run_script
from warehouse.core.transaction import LOCK_NOT_AVAILABLE

LOG = logging.getLogger("profmin.warehouse")
READER = "bi_reader"
"""The role of logins that see the marts of the whole country."""
READER_OF_OWN = "mart_reader"
"""The role of logins that see what `ref.access` says (warehouse/schema/access.py)."""
READER_OF_PUBLIC = "public_reader"
"""The role of logins that see what is public and nothing else: the schema `mart_public`."""
CONNECTIONS = 5
SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "10min",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "5min",
    "jit": "off",
}
"""Of each login, since a role does not hand its settings down to its members. A login may change them for itself: they
are against mistakes; against the rest there are `_end_readers` and rights. To compile a query takes longer than to
answer it."""
MOST_TEMPORARY = "5GB"
"""Of files that queries of a login put aside, at once; only a superuser may say so."""
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
IS_OTHER = """
SELECT r.rolname IN ('bi_reader', 'mart_reader', 'public_reader', 'mart_audience', current_user)
       OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
       OR r.rolname LIKE 'pg\\_%%'
       OR NOT pg_has_role(r.oid, :reader, 'MEMBER') OR EXISTS (
           SELECT FROM pg_roles b
           WHERE (b.rolname IN ('bi_reader', 'mart_reader', 'public_reader') AND b.rolname <> :reader
                  OR b.rolname LIKE 'pg\\_%%')
             AND pg_has_role(r.oid, b.oid, 'MEMBER'))
FROM pg_roles r WHERE r.rolname = :name
"""
MAY = """
SELECT rolsuper, rolsuper OR rolcreaterole, EXISTS (SELECT FROM pg_roles b WHERE b.rolname = :reader)
FROM pg_roles WHERE rolname = current_user
"""
HOLDERS = """
SELECT a.pid, a.usename, string_agg(DISTINCT n.nspname || '.' || c.relname, ', ') AS held,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR pg_has_role(current_user, r.oid, 'USAGE')
        OR pg_has_role(current_user, 'pg_signal_backend', 'USAGE') AS may
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
JOIN pg_roles r ON r.oid = a.usesysid
JOIN pg_class c ON c.oid = l.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND n.nspname IN ('ref', 'ops', 'core', 'restricted', 'history', 'mart', 'mart_public')
  AND r.rolname <> current_user AND NOT r.rolsuper
  AND EXISTS (SELECT FROM pg_roles b
              WHERE b.rolname IN ('bi_reader', 'mart_reader', 'public_reader') AND pg_has_role(r.oid, b.oid, 'MEMBER'))
GROUP BY a.pid, a.usename, r.oid
ORDER BY a.pid
"""
PATIENCE = "SET LOCAL lock_timeout = '5s'"
"""Readers queue behind whoever waits for a table that another reader holds."""
PAUSE = 0.1


class NoLogin(ValueError):
    """A login cannot be made; the text says why."""


def make_login(
    engine: Engine, name: str, *, new_password: bool = False, reader: str = READER, password: str | None = None
) -> str | None:
    """Make a login that reads marts, or bring one to the limits of today; its password when it has got a new one.

    Raises NoLogin for a name that is no plain one or that something else has, and when our role may make no roles.
    """
    with engine.begin() as connection:
        return make_login_within(connection, name, new_password=new_password, reader=reader, password=password)


def make_login_within(
    connection: Connection, name: str, *, new_password: bool, reader: str, password: str | None
) -> str | None:
    """The same in a transaction of the caller. A `password` that is not given is made."""
    if not NAME.fullmatch(name):
        raise NoLogin(f"{name!r} is no plain name of a role: write small Latin letters, digits and _")
    is_superuser, may_make, has_reader = connection.execute(text(MAY), {"reader": reader}).one()
    if not may_make:
        raise NoLogin("our role may make no roles: give it CREATEROLE, or run this with another PROFMIN_DATABASE_URL")
    if not has_reader:
        raise NoLogin(f"there is no role {reader}: run profmin db upgrade with a role that may make it")
    is_other = connection.scalar(text(IS_OTHER), {"name": name, "reader": reader})
    if is_other:
        raise NoLogin(f"the role {name} is there for something else")
    if is_other is None:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(text(f"GRANT {reader} TO {name}"))
    if not is_superuser:  # so that we may end its sessions
        connection.execute(text(f"GRANT {name} TO CURRENT_USER"))
    connection.execute(text(f"ALTER ROLE {name} LOGIN CONNECTION LIMIT {CONNECTIONS}"))
    for setting, value in SETTINGS.items():
        connection.execute(text(f"ALTER ROLE {name} SET {setting} = '{value}'"))
    if is_superuser:
        connection.execute(text(f"ALTER ROLE {name} SET temp_file_limit = '{MOST_TEMPORARY}'"))
    if is_other is not None and not new_password and password is None:
        return None
    password = password or secrets.token_urlsafe(24)
    hashed = psycopg2.extensions.encrypt_password(
        password, name, scope=connection.connection.driver_connection, algorithm="scram-sha-256"
    )
    run_script(connection, f"ALTER ROLE {name} PASSWORD '{hashed}'")
    return password


def past_readers(connection: Connection, work: Callable[[], None], seconds: float) -> None:
    """Do some work of a transaction that needs tables for itself, again and again for so long.

    A login that reads marts and holds one for longer than a moment loses its session: it can begin anew, and a night
    that waits for it would not end. Raises what the server said at last.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with connection.begin_nested():
                connection.execute(text(PATIENCE))
                work()
                connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
            return
        except (DBAPIError, psycopg2.Error) as error:
            if getattr(getattr(error, "orig", error), "pgcode", None) != LOCK_NOT_AVAILABLE:
                raise
            _end_readers(connection)
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)


def _end_readers(connection: Connection) -> None:
    """End the sessions of logins that read marts and hold tables of ours; the log names them."""
    for pid, login, held, may_end in connection.execute(text(HOLDERS)).tuples():
        if may_end:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            LOG.warning("ended the session %d of the login %s, which held %s for too long", pid, login, held)
        else:
            LOG.warning("the login %s, process %d, holds %s, and our role may not end its session", login, pid, held)
