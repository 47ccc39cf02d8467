"""The embedded server lets logins of reporting tools in by TCP, and nobody else; by default it listens nowhere."""

import socket
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from warehouse.schema.bi import make_login
from warehouse.server.embedded import ServerError, embedded_server
from warehouse.server.listening import Listening

ROLES = """
CREATE ROLE bi_reader NOLOGIN;
CREATE ROLE mart_reader NOLOGIN;
CREATE ROLE clerk LOGIN PASSWORD 'known' IN ROLE mart_reader;
CREATE ROLE other LOGIN PASSWORD 'known';
ALTER ROLE postgres PASSWORD 'known'
"""


@pytest.fixture
def free() -> Listening:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return Listening("127.0.0.1", found.getsockname()[1])


@pytest.fixture(scope="module")
def pgdata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server with a login of a tool, another one, and an owner with a password."""
    made = tmp_path_factory.mktemp("home") / "pgdata"
    with embedded_server(made) as url:
        ask(url, ROLES)
    return made


@pytest.fixture(scope="module")
def password(pgdata: Path) -> str:
    with embedded_server(pgdata) as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        made = make_login(engine, "tableau")
    assert made
    return made


def ask(url: str, sql: str) -> object:
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        result = connection.execute(sa.text(sql))
        return result.scalar() if result.returns_rows else None


def enter(there: Listening, user: str, password: str | None, database: str = "profmin") -> str:
    """Whose session it is. Raises OperationalError."""
    address, port = there
    with (
        closing(
            psycopg2.connect(
                host=address, port=port, user=user, password=password, dbname=database, passfile="/nowhere",
                sslmode="disable",
            )
        ) as session,
        session.cursor() as cursor,
    ):  # fmt: skip
        cursor.execute("SELECT session_user")
        (found,) = cursor.fetchone() or ("",)
    return str(found)


def listening_on(pgdata: Path) -> set[str]:
    """Addresses on which the server's first process listens by TCP, by the kernel's word."""
    pid = (pgdata / "postmaster.pid").read_text().split("\n")[0]
    sockets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    return {line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def test_a_login_of_a_tool_enters_and_nobody_else(pgdata: Path, password: str, free: Listening) -> None:
    with embedded_server(pgdata, free) as url:
        assert enter(free, "tableau", password) == "tableau"
        assert enter(free, "clerk", "known") == "clerk"
        for user, word, database, said in (
            ("tableau", "wrong", "profmin", "password authentication failed"),
            ("tableau", None, "profmin", "no password supplied"),
            ("tableau", password, "postgres", "pg_hba.conf rejects"),
            ("postgres", "known", "profmin", "pg_hba.conf rejects"),
            ("other", "known", "profmin", "pg_hba.conf rejects"),
            ("nobody", "known", "profmin", "pg_hba.conf rejects"),
        ):
            with pytest.raises(psycopg2.OperationalError, match=said):
                enter(free, user, word, database)
        ask(url, "GRANT bi_reader TO postgres")  # not even when somebody makes the owner one of them
        with pytest.raises(psycopg2.OperationalError, match=r"pg_hba.conf rejects"):
            enter(free, "postgres", "known")
        ask(url, "REVOKE bi_reader FROM postgres")
        assert ask(url, "SELECT session_user") == "postgres"  # by the socket, as before
        assert len(listening_on(pgdata)) == 1


def test_by_default_it_listens_nowhere_and_restarts_with_and_without(
    pgdata: Path, password: str, free: Listening
) -> None:
    for there in (None, free, None):
        with embedded_server(pgdata, there) as url:
            assert ask(url, "SELECT session_user") == "postgres"
            assert len(listening_on(pgdata)) == (there is not None)
            if there is None:
                with pytest.raises(psycopg2.OperationalError, match="refused"):
                    enter(free, "tableau", password)
            else:
                assert enter(free, "tableau", password) == "tableau"


def test_an_edited_list_of_who_may_enter_opens_nothing(pgdata: Path, free: Listening) -> None:
    """Nor is a link followed that somebody put in its place: root would write where it leads."""
    elsewhere = pgdata.with_name("elsewhere")
    elsewhere.write_text("host all all all trust\n")
    (pgdata / "pg_hba.conf").unlink()
    (pgdata / "pg_hba.conf").symlink_to(elsewhere)
    with embedded_server(pgdata, free), pytest.raises(psycopg2.OperationalError, match=r"pg_hba.conf rejects"):
        enter(free, "postgres", "known")
    assert elsewhere.read_text() == "host all all all trust\n"


def test_a_port_in_use_is_told_in_words(pgdata: Path, free: Listening) -> None:
    with socket.socket() as other:
        other.bind(free)
        other.listen()
        with (
            pytest.raises(ServerError, match=rf"PROFMIN_PG_LISTEN={free}: .* \(Address already in use\)"),
            embedded_server(pgdata, free),
        ):
            pass
    with embedded_server(pgdata, free):
        assert listening_on(pgdata)


def test_a_running_server_that_does_not_listen_is_told_and_goes_on(pgdata: Path, free: Listening) -> None:
    with embedded_server(pgdata) as url:
        with pytest.raises(ServerError, match=f"does not listen on {free}"), embedded_server(pgdata, free):
            pass
        assert ask(url, "SELECT 1") == 1
    with embedded_server(pgdata, free), embedded_server(pgdata) as joined:
        assert ask(joined, "SELECT 1") == 1


@pytest.mark.parametrize("stated", ["127.0.0.1:6543", "[::1]:6543", "127.0.0.5:5432"])
def test_loopback_is_an_address(stated: str) -> None:
    assert str(Listening.of(stated)) == stated


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("0.0.0.0:6543", "knows no TLS"), ("[::]:6543", "knows no TLS"), ("192.168.1.5:6543", "knows no TLS"),
        ("localhost:6543", "no address in figures"), (":6543", "no address in figures"),
        ("127.0.0.1", "no address and port"), ("127.0.0.1:0", "no address and port"),
        ("127.0.0.1:65536", "no address and port"), ("6543", "no address and port"),
    ],
)  # fmt: skip
def test_another_address_is_refused_with_the_reason(stated: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Listening.of(stated)
