"""Who sees what of marts: logins, what they may see, and a connection that sees what an audience does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from warehouse.schema.bi import READER_OF_OWN, READER_OF_PUBLIC, NoLogin, make_login, make_login_within

AUDIENCE = "mart_audience"
"""The role as which the owner of the warehouse reads what an audience sees."""
GRANTS = """
SELECT a.login, a.region, a.reporting_unit, u.name AS unit_name, a.granted_by, a.granted_at,
    EXISTS (SELECT FROM pg_roles r WHERE r.rolname = a.login) AS is_there, false AS is_of_public
FROM ref.access a
LEFT JOIN LATERAL (
    SELECT v.name FROM ref.reporting_unit v WHERE v.region = a.region AND v.reporting_unit = a.reporting_unit
    ORDER BY v.valid_to DESC LIMIT 1
) u ON true
UNION ALL
SELECT l.rolname, NULL, NULL, NULL, NULL, NULL, true, true
FROM pg_auth_members m JOIN pg_roles b ON b.oid = m.roleid JOIN pg_roles l ON l.oid = m.member
WHERE b.rolname = 'public_reader' AND l.rolcanlogin AND l.rolname <> current_user
ORDER BY 1, 2 NULLS FIRST, 3 NULLS FIRST
"""
SEES = """
INSERT INTO ref.access (login, region, reporting_unit) VALUES (:login, :region, :unit) ON CONFLICT DO NOTHING
"""
SEES_NO_MORE = """
DELETE FROM ref.access WHERE login = :login AND (CAST(:region AS text) IS NULL OR region = :region)
    AND (CAST(:unit AS text) IS NULL OR reporting_unit = :unit)
"""
END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = :login"
IS_AUDIENCE = "SELECT set_config('profmin.sees_region', :region, true), set_config('profmin.sees_unit', :unit, true)"
EVERYWHERE = "*"
"""The word of `ref.my_access` for the country; an empty setting is what an earlier transaction left, and nothing."""
UNIT = "SELECT EXISTS (SELECT FROM ref.reporting_unit WHERE region = :region AND reporting_unit = :unit)"


@dataclass(frozen=True)
class Grant:
    """What a role may see: a reporting unit of a region; without a unit the region, without a region the country. Of
    one that sees what is public alone nobody wrote down who granted it."""

    login: str
    region: str | None
    reporting_unit: str | None
    unit_name: str | None
    granted_by: str | None
    granted_at: dt.datetime | None
    is_there: bool
    is_of_public: bool


def grants(connection: Connection) -> list[Grant]:
    """Who may see what, by login."""
    return [Grant(**row) for row in connection.execute(text(GRANTS)).mappings()]


def grant(
    engine: Engine,
    login: str,
    region: str | None,
    reporting_unit: str | None = None,
    *,
    new_password: bool = False,
    password: str | None = None,
) -> str | None:
    """Let a login see a unit of a region, the region or the country, beside what it sees; make it where there is none.

    Returns its password when it has got a new one. Raises NoLogin as `make_login` does, and for a region or a unit that
    there is not.
    """
    with engine.begin() as connection:
        _must_be_there(connection, region, reporting_unit)
        said = make_login_within(connection, login, new_password=new_password, reader=READER_OF_OWN, password=password)
        connection.execute(text(SEES), {"login": login, "region": region, "unit": reporting_unit})
        return said


def grant_public(engine: Engine, login: str, *, new_password: bool = False, password: str | None = None) -> str | None:
    """Make a login that sees what is public and nothing else; its password when it has got a new one. Raises NoLogin as
    `make_login` does, also for a login that sees something of its own."""
    return make_login(engine, login, new_password=new_password, reader=READER_OF_PUBLIC, password=password)


def revoke(engine: Engine, login: str, region: str | None = None, reporting_unit: str | None = None) -> bool:
    """Take from a login what it may see, or what of it is of a region or a unit; left with nothing it goes, with its
    sessions. True when it has gone. Raises NoLogin when it may see no such thing.
    """
    with engine.begin() as connection:
        asked = {"login": login, "region": region, "unit": reporting_unit}
        before = [each for each in grants(connection) if each.login == login]
        is_of_public = region is None and any(each.is_of_public for each in before)
        if not connection.execute(text(SEES_NO_MORE), asked).rowcount and not is_of_public:
            raise NoLogin(f"{login} may see no such thing: profmin access list")
        left = [each for each in grants(connection) if each.login == login and not each.is_of_public]
        if left or not connection.scalar(text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :login)"), asked):
            return False
        reader = READER_OF_PUBLIC if is_of_public else READER_OF_OWN
        if not connection.scalar(text(f"SELECT pg_has_role(:login, '{reader}', 'MEMBER')"), asked):
            return False
        connection.execute(text(f"ALTER ROLE {_quoted(login)} NOLOGIN"))
        connection.execute(text(END_SESSIONS), asked)
        connection.execute(text(f"DROP ROLE {_quoted(login)}"))
        return True


@contextmanager
def seen_by(engine: Engine, region: str | None, reporting_unit: str | None = None) -> Iterator[Connection]:
    """A connection that sees of marts what those see who may see a unit of a region, the region, or the country.

    It reads the schema `mart` and nothing else, in one transaction on one snapshot, and writes nothing: it can be had
    on a standby. No login need be there for this audience. Raises NoLogin for a region or unit that there is not.
    """
    one_snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with one_snapshot as connection, connection.begin() as opened:
        _must_be_there(connection, region, reporting_unit)
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(IS_AUDIENCE), {"region": region or EVERYWHERE, "unit": reporting_unit or ""})
        connection.execute(text(f"SET LOCAL ROLE {AUDIENCE}"))
        try:
            yield connection
        finally:
            opened.rollback()


@contextmanager
def seen_by_public(engine: Engine) -> Iterator[Connection]:
    """A connection that sees what is public and nothing else, in one transaction on one snapshot."""
    one_snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with one_snapshot as connection, connection.begin() as opened:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL ROLE {READER_OF_PUBLIC}"))
        try:
            yield connection
        finally:
            opened.rollback()


@contextmanager
def seen_as(engine: Engine, login: str) -> Iterator[Connection]:
    """A connection that sees what a login does, until its transaction ends. Raises NoLogin when there is none."""
    with engine.connect() as connection, connection.begin() as opened:
        if not connection.scalar(text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :login)"), {"login": login}):
            raise NoLogin(f"there is no role {login}: profmin access list")
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL ROLE {_quoted(login)}"))
        try:
            yield connection
        finally:
            opened.rollback()


def _must_be_there(connection: Connection, region: str | None, reporting_unit: str | None) -> None:
    """Raises NoLogin for a region or a unit that there is not, and for a unit of no region."""
    known = connection.scalars(text("SELECT region FROM ref.region ORDER BY position")).all()
    if region is not None and region not in known:
        raise NoLogin(f"there is no region {region!r}; there are: {', '.join(known)}")
    if reporting_unit is None:
        return
    if region is None:
        raise NoLogin("a unit is of a region: say which")
    if not connection.scalar(text(UNIT), {"region": region, "unit": reporting_unit}):
        raise NoLogin(f"region {region} has no unit {reporting_unit!r}")


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
