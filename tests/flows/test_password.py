"""A warehouse on a Postgres that asks for a password, with and without TLS: nothing secret is shown to anybody."""

from __future__ import annotations

import datetime as dt
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from clusters import OURS, Cluster, cluster, programs_with_tls

from flows.home.settings import Settings
from warehouse.schema.upgrade import connect, upgrade
from warehouse.server.clients import Server, connection_words, program_for, programs, version_of
from warehouse.server.dump import dump, restore, snapshot
from warehouse.server.programs import ServerError

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PASSWORD = "п@ss w'or\\d\"/%:?#&=1"
USER = "офицер 'o\"@:1"
OLDER = programs_with_tls()
with_older = pytest.mark.skipif(OLDER is None, reason="no Postgres of the machine's own")


@contextmanager
def two_databases(there: Cluster) -> Iterator[tuple[str, str]]:
    """The names of two new databases of a login that has a password with every odd sign in it."""
    quoted = USER.replace('"', '""')
    secret = PASSWORD.replace("'", "''")
    there.run("SET standard_conforming_strings = on", f"CREATE ROLE \"{quoted}\" LOGIN PASSWORD '{secret}'")
    there.run(*(f'CREATE DATABASE {name} OWNER "{quoted}" TEMPLATE template0' for name in ("first", "second")))
    yield "first", "second"
    there.run(*(f"DROP DATABASE {name} WITH (FORCE)" for name in ("first", "second")), f'DROP ROLE "{quoted}"')


@pytest.fixture(scope="module")
def asking() -> Iterator[Cluster]:
    """A server of the package's version."""
    with cluster() as there, two_databases(there):
        yield there


@pytest.fixture(scope="module")
def encrypting() -> Iterator[Cluster]:
    """A server that lets in by TLS alone."""
    if OLDER is None:
        pytest.skip("no Postgres of the machine's own, and that of the package knows no TLS")
    with cluster(OLDER, tls=True) as there, two_databases(there):
        yield there


@contextmanager
def watched() -> Iterator[list[bytes]]:
    """Collect the arguments of every process that is seen meanwhile."""
    seen: set[bytes] = set()
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            for place in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    seen.add((place / "cmdline").read_bytes())
            time.sleep(0.005)

    watcher = threading.Thread(target=look)
    watcher.start()
    found: list[bytes] = []
    try:
        yield found
    finally:
        is_over.set()
        watcher.join()
        found += seen


def there_and_back(profmin: Run, tmp_path: Path, first: str, second: str) -> None:
    """Back one database up, restore it as the other, ask psql; and nobody hears of the password."""
    homes = [Settings(home=tmp_path / name, database_url=url) for name, url in (("1", first), ("2", second))]  # type: ignore[arg-type]
    said = []
    with watched() as processes:
        for home, *command in (
            (homes[0], "db", "upgrade"),
            (homes[0], "backup", tmp_path / "backup"),
            (homes[1], "restore", tmp_path / "backup"),
            (homes[1], "db", "psql", "-Atc", "SELECT current_user"),
        ):
            done = profmin(*command, settings=home)
            said += [done.stdout, done.stderr]
            assert done.returncode == 0, done.stderr
    assert said[-2].strip() == USER
    assert any(b"pg_dump" in each for each in processes)
    texts = [*said, *(each.decode(errors="replace") for each in processes)]
    texts += [path.read_text(errors="replace") for path in tmp_path.rglob("*.log")]
    for secret in (PASSWORD, "п@ss", "%D0%BF%40ss", "w'or"):
        assert not [text for text in texts if secret in text]


def test_a_password_with_odd_signs(asking: Cluster, profmin: Run, tmp_path: Path) -> None:
    urls = [asking.url(USER, PASSWORD, name) for name in ("first", "second")]
    assert "%40ss" in urls[0]
    there_and_back(profmin, tmp_path, *urls)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_password_over_tls(encrypting: Cluster, profmin: Run, tmp_path: Path, mode: str) -> None:
    query = (
        {"sslmode": mode}
        if mode == "require"
        else {"sslmode": mode, "sslrootcert": str(encrypting.folder / "server.crt")}
    )
    encrypting.run(
        "DROP DATABASE second WITH (FORCE)", "CREATE DATABASE second TEMPLATE template0 OWNER " + '"офицер \'o""@:1"'
    )
    there_and_back(profmin, tmp_path, *(encrypting.url(USER, PASSWORD, name, **query) for name in ("first", "second")))


def test_a_wrong_password_is_told_without_it(asking: Cluster, profmin: Run, tmp_path: Path) -> None:
    url = asking.url(USER, "geheim " + PASSWORD, "first")
    for command in (("backup", tmp_path / "b"), ("restore", tmp_path), ("db", "psql"), ("db", "upgrade")):
        done = profmin(*command, PROFMIN_DATABASE_URL=url, PROFMIN_HOME=str(tmp_path / "home"))
        assert done.returncode in (1, 2)
        assert "Traceback" not in done.stderr
        assert "geheim" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@ss:gehe/im@127.0.0.1/d",
        "postgresql://u:x@geheim@127.0.0.1/d",
        "geheim",
        "mysql://u:geheim@h/d",
    ],
)
def test_a_url_that_cannot_be_read_is_not_quoted(profmin: Run, tmp_path: Path, url: str) -> None:
    for command in (("backup", tmp_path / "b"), ("db", "upgrade"), ("freshness",)):
        done = profmin(*command, PROFMIN_DATABASE_URL=url, PROFMIN_HOME=str(tmp_path / "home"))
        assert done.returncode == 2
        assert "PROFMIN_DATABASE_URL: " in done.stderr
        assert "Traceback" not in done.stderr
        assert "gehe" not in done.stdout + done.stderr


def test_what_is_secret_goes_by_the_environment_and_a_closed_file() -> None:
    engine = sa.create_engine(
        "postgresql+psycopg2://u:a%20b@h:5433/d?sslmode=require&sslpassword=geheim&target_session_attrs=any"
    )
    with connection_words(engine) as (target, environment):
        file = Path(environment["PGSERVICEFILE"])
        assert environment["PGPASSWORD"] == "a b"
        assert file.read_text() == "[profmin]\nsslpassword=geheim\n"
        assert file.stat().st_mode & 0o077 == 0
        assert "a b" not in target and "geheim" not in target
        assert "sslmode=require" in target and "service=profmin" in target
    assert not file.exists()
    in_query = sa.create_engine("postgresql+psycopg2:///d?host=/run/x&password=p&user=u")
    with connection_words(in_query) as (target, environment):
        assert environment == {"PGPASSWORD": "p"}
        assert target == "dbname=d host=/run/x user=u"


@with_older
def test_programs_newer_than_the_server_bring_a_backup_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_restore 17 and newer begins with a setting that older servers refuse."""
    assert OLDER is not None
    if version_of(OLDER / "postgres") >= 17:
        pytest.skip("the machine's own Postgres is not older")
    monkeypatch.setenv("PATH", "/nonexistent")
    with cluster(OLDER) as there, two_databases(there):
        first, second = (connect(there.url(USER, PASSWORD, name)) for name in ("first", "second"))
        upgrade(first)
        with snapshot(first) as seen:
            dump(first, seen.name, tmp_path / "dump", dt.timedelta(minutes=1))
        restore(second, tmp_path / "dump")
        upgrade(second)
        counts = []
        for engine in (first, second):
            with engine.connect() as connection:
                counts.append(connection.execute(sa.text("SELECT count(*), max(rule) FROM ref.rule")).one())
        assert counts[0] == counts[1]
        with second.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA mart, core, ops, history, restricted CASCADE"))
        with pytest.raises(ServerError, match="already exists"):  # ref is in the way: nothing is brought back
            restore(second, tmp_path / "dump")
        with second.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM pg_namespace WHERE nspname = 'ops'")) == 0
        for engine in (first, second):
            engine.dispose()


def test_programs_of_the_package_are_not_taken_for_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert list(programs("pg_dump", encrypted=False).values()) == [OURS / "pg_dump"]
    with pytest.raises(ServerError, match="pg_dump of that version which knows TLS is needed, there is: none"):
        program_for("pg_dump", Server(15, encrypted=True))
