"""A login of a reporting tool does what it likes, and the night publishes all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg2
import pytest
import sqlalchemy as sa
from clusters import OURS, Cluster, cluster, programs_with_tls
from hand_made import DAY, loaded, plan, report, school_ids, school_register

from warehouse.marts.publication import publish
from warehouse.schema.access import grant, grants, revoke, seen_by
from warehouse.schema.bi import CONNECTIONS, NoLogin, make_login
from warehouse.schema.upgrade import connect, upgrade
from warehouse.watch.law import examined

CALLS = """
SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname ~ '^pg_(try_)?advisory_' OR proname ~ '^lo_(create|put)$')
"""


@pytest.fixture(scope="module", params=["ours", "of the machine"])
def server(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A server with few connections: that of the package, and an older one when there is one."""
    binaries = OURS if request.param == "ours" else programs_with_tls()
    if binaries is None:
        pytest.skip("no Postgres of the machine's own")
    with cluster(binaries, settings=["max_connections=25"]) as there:
        yield there


@pytest.fixture(scope="module", params=["superuser", "owner"])
def region(server: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A template: a published region whose role is a superuser, as in the embedded server, or owns it and no more.

    What an owner may not take from PUBLIC the administrator takes, as docs/operate.md says.
    """
    server.run("CREATE ROLE profmin LOGIN CREATEROLE PASSWORD 'p'")
    if request.param == "superuser":
        server.run("ALTER ROLE profmin SUPERUSER")
    server.run("CREATE DATABASE region OWNER profmin TEMPLATE template0")
    made = connect(server.url("profmin", "p", "region"))
    try:
        upgrade(made)
        if request.param == "owner":
            server.run(ADMINISTRATOR, database="region")
        loaded(made, school_register({"asinovsky": 10}))
        ids = school_ids(made)
        loaded(made, report(ids, "asinovsky", [1, 2, 3, 4, 5, 6]))
        loaded(made, plan({"asinovsky": 100}))
        publish(made, "69", [DAY])
        made.dispose()
        yield "region"
    finally:
        made.dispose()
        roles = "bi_reader, mart_audience, mart_reader, public_reader"
        server.run("DROP DATABASE region WITH (FORCE)", f"DROP ROLE IF EXISTS {roles}")
        server.run("DROP OWNED BY profmin CASCADE", "DROP ROLE profmin")


@pytest.fixture
def engine(server: Cluster, region: str) -> Iterator[sa.Engine]:
    """A copy of it; the login that a test makes goes with it."""
    server.run(f"CREATE DATABASE warehouse OWNER profmin TEMPLATE {region}")
    server.run("REVOKE TEMPORARY ON DATABASE warehouse FROM PUBLIC")  # rights on a database do not come with its copy
    made = connect(server.url("profmin", "p", "warehouse"))
    try:
        yield made
    finally:
        made.dispose()
        server.run("DROP DATABASE warehouse WITH (FORCE)", "DROP ROLE IF EXISTS tableau, clerk")


# As docs/operate.md has it; its owner and superuser run it once.
ADMINISTRATOR = """
DO $$
DECLARE
    what regprocedure;
BEGIN
    FOR what IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND (proname ~ '^pg_(try_)?advisory_'
               OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put',
                                                               'lowrite'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', what);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO profmin', what);
    END LOOP;
END
$$
"""


def broken(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return next(list(law.broken) for law in examined(connection) if law.name == "bi_hinders_nobody")


@contextmanager
def session(server: Cluster, password: str | None, user: str = "tableau") -> Iterator[psycopg2.extensions.connection]:
    opened = psycopg2.connect(host="127.0.0.1", port=server.port, user=user, password=password, dbname="warehouse")
    try:
        yield opened
    finally:
        opened.close()


def test_a_login_takes_all_it_can_and_the_night_publishes(server: Cluster, engine: sa.Engine) -> None:
    password = make_login(engine, "tableau")
    assert password
    assert broken(engine) == []
    with ExitStack() as stack:
        sessions = []
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            for _ in range(25):
                sessions.append(stack.enter_context(session(server, password)))
        assert len(sessions) == CONNECTIONS
        lazy, locking, busy, trying, _ = sessions
        with lazy.cursor() as cursor:
            cursor.execute("SHOW jit")
            assert cursor.fetchone() == ("off",)
            for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SHOW {setting}")
                assert cursor.fetchone() != ("0",)
                cursor.execute(f"SET {setting} = 0")  # it may: this is against mistakes only
            cursor.execute("SET default_transaction_read_only = off")
            lazy.commit()
            cursor.execute("SELECT * FROM mart.readiness_by_school")  # and goes home with the transaction open
        with locking.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT format('%I.%I', schemaname, viewname) FROM pg_views WHERE schemaname = 'mart'")
            for (view,) in cursor.fetchall():
                cursor.execute(f"LOCK TABLE {view} IN ACCESS SHARE MODE")
        busy.autocommit = True
        with trying.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            trying.commit()
            cursor.execute(CALLS)
            calls = [name for (name,) in cursor.fetchall()]
            trying.rollback()
            assert len(calls) > 20
            for call in calls:
                name, types = call.rstrip(")").split("(")
                arguments = ", ".join(
                    "''::bytea" if kind == "bytea" else f"0::{kind}" for kind in types.split(",") if kind
                )
                refused(trying, f"SELECT {name}({arguments})")
            for statement in (
                "CREATE TEMP TABLE t (a int)", "CREATE TABLE public.t (a int)", "CREATE SCHEMA s",
                "CREATE TABLE mart.t (a int)", "LOCK TABLE mart.readiness_by_school IN SHARE MODE",
                "SELECT * FROM ops.reading",
                "LOCK TABLE ops.reading IN ACCESS SHARE MODE", "SELECT * FROM mart.readiness_by_school FOR UPDATE",
            ):  # fmt: skip
                refused(trying, statement)
        with engine.begin() as connection:  # the next version of the code has other views, and one other mart
            connection.execute(sa.text("UPDATE ops.applied SET fingerprint = 'of before'"))
        upgrade(engine)
        published = publish(engine, "69", [DAY])
        assert {each.mart for each in published} >= {"readiness_by_school"}
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM mart.readiness_by_school")) == 10


def refused(session: psycopg2.extensions.connection, statement: str) -> None:
    is_no_table = psycopg2.errors.ObjectNotInPrerequisiteState  # a view that nobody can write to
    with session.cursor() as cursor, pytest.raises((psycopg2.errors.InsufficientPrivilege, is_no_table)):
        cursor.execute(statement)
    session.rollback()


def test_a_login_that_was_made_by_hand_is_told_and_mended(server: Cluster, engine: sa.Engine) -> None:
    server.run("CREATE ROLE tableau LOGIN PASSWORD 'x'", "GRANT bi_reader TO tableau")
    if not superuser(engine):  # who made it decides who may change it
        server.run("GRANT tableau TO profmin WITH ADMIN OPTION")
    told = dict(broken(engine))
    assert told == {"login tableau": told["login tableau"]}
    assert "profmin db bi-login tableau" in told["login tableau"]
    assert make_login(engine, "tableau") is None
    assert broken(engine) == []
    with session(server, "x") as there, there.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mart.readiness_by_school")
    password = make_login(engine, "tableau", new_password=True)
    with session(server, password):
        pass


def superuser(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")))


def test_a_name_of_something_else_is_refused(engine: sa.Engine) -> None:
    for name in ("postgres", "profmin", "bi_reader", "pg_monitor", "Tableau", 'a"b', "x; DROP ROLE y", ""):
        with pytest.raises(NoLogin):
            make_login(engine, name)


def test_an_owner_is_told_what_the_administrator_has_to_do(server: Cluster, engine: sa.Engine) -> None:
    """Nothing is said before there is a login that could do harm."""
    if superuser(engine):
        pytest.skip("a superuser does it itself")
    server.run("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC", database="warehouse")
    assert broken(engine) == []
    make_login(engine, "tableau")
    assert broken(engine) == [("pg_advisory_lock(bigint)", "PUBLIC may call it: see docs/operate.md, BI logins")]


def rows(session: psycopg2.extensions.connection, statement: str) -> list[tuple[object, ...]]:
    with session.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_clerk_reads_his_own_and_no_way_leads_further(server: Cluster, engine: sa.Engine) -> None:
    """No other role, no other schema, nobody's queries, no error that quotes a row."""
    with pytest.raises(NoLogin, match="no unit 'nowhere'"):
        grant(engine, "clerk", "69", "nowhere")
    with pytest.raises(NoLogin, match="no region '99'"):
        grant(engine, "clerk", "99")
    password = grant(engine, "clerk", "69", "asinovsky")
    assert password and grant(engine, "clerk", "69", "asinovsky") is None
    assert broken(engine) == []
    with engine.connect() as connection:
        stored = connection.scalar(
            sa.text("SELECT count(*) FROM ops.applied WHERE fingerprint LIKE :p"), {"p": password}
        )
        assert stored == 0
        assert [(each.login, each.region, each.reporting_unit) for each in grants(connection)] == [
            ("bi_reader", None, None),
            ("clerk", "69", "asinovsky"),
        ]
    with session(server, password, "clerk") as there, engine.connect() as busy:
        busy.execute(sa.text("SELECT 'of the owner', pg_sleep(0)"))
        assert rows(there, "SELECT DISTINCT reporting_unit FROM mart.readiness_by_municipality") == [("asinovsky",)]
        assert rows(there, "SELECT count(*) FROM mart.readiness_by_school") == [(10,)]
        assert rows(there, "SELECT count(*) FROM mart.partners") == [(0,)]
        told = rows(there, "SELECT query FROM pg_stat_activity WHERE usename <> current_user")
        assert not any("of the owner" in str(query) for (query,) in told)
        assert rows(there, "SELECT * FROM pg_stats WHERE schemaname IN ('history', 'core', 'ops', 'ref')") == []
        divided = "1 / (CASE WHEN reporting_unit <> 'asinovsky' THEN 0 ELSE 1 END) = 1"
        known = "mart.readiness_by_municipality_as_known('2023-09-08', now())"
        for relation in ("mart.readiness_by_municipality", known):
            assert len(rows(there, f"SELECT * FROM {relation} WHERE {divided}")) == 1
        with pytest.raises(psycopg2.errors.InvalidTextRepresentation) as error:
            rows(there, "SELECT * FROM mart.municipality_profile WHERE reporting_unit::integer = 1")
        assert "asinovsky" in str(error.value)
        there.rollback()
        with there.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
        there.commit()
        for statement in (
            "SET ROLE bi_reader", "SET ROLE mart_audience", "SELECT * FROM history.readiness_by_school",
            "SELECT * FROM ref.access", "SELECT * FROM ref.my_access", "SELECT * FROM core.readiness_report_fact",
            "SELECT * FROM restricted.pupil_version", "SELECT * FROM ops.finding", "CREATE TEMP TABLE t (a int)",
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql RETURN 1",
            "CREATE FUNCTION mart.f() RETURNS int LANGUAGE sql RETURN 1",
            "UPDATE mart.readiness_by_school SET status = 'accepted'",
        ):  # fmt: skip
            refused(there, statement)
        with there.cursor() as cursor:
            cursor.execute("SET ROLE mart_reader")  # its own: it sees nothing by itself
        assert rows(there, "SELECT count(*) FROM mart.readiness_by_school") == [(0,)]
    grant(engine, "clerk", "69")
    assert revoke(engine, "clerk", "69", "asinovsky") is False
    with pytest.raises(NoLogin):
        revoke(engine, "clerk", "69", "asinovsky")
    with session(server, password, "clerk") as there:
        assert rows(there, "SELECT count(*) FROM mart.readiness_by_municipality") == [(21,)]
        assert revoke(engine, "clerk") is True
        with pytest.raises(psycopg2.OperationalError):
            rows(there, "SELECT count(*) FROM mart.readiness_by_municipality")
    with pytest.raises(psycopg2.OperationalError), session(server, password, "clerk"):
        pass


def test_the_owner_reads_as_an_audience_without_being_a_superuser(engine: sa.Engine) -> None:
    with seen_by(engine, "69", "asinovsky") as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM mart.readiness_by_municipality")) == 1
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.execute(sa.text("SELECT * FROM ops.reading"))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM mart.readiness_by_municipality")) == 21
