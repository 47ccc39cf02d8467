"""The embedded Postgres, with real processes that leave in order, leave together, or are killed."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from warehouse.server import embedded as server
from warehouse.server import programs
from warehouse.server.embedded import ServerError, embedded_server

AS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")

# A process that uses the server until its input ends.
USER = """
import sys
from pathlib import Path
from warehouse.server.embedded import embedded_server
with embedded_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pgdata = tmp_path_factory.mktemp("home") / "pgdata"
    with embedded_server(pgdata):
        pass
    return pgdata


@pytest.fixture
def pgdata(initialised: Path) -> Iterator[Path]:
    """A server's folder, made already and stopped; whatever a test leaves running there is killed."""
    yield initialised
    kill_all(initialised)


def ask(url: str, sql: str) -> object:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        result = connection.execute(sa.text(sql))
        return result.scalar() if result.returns_rows else None


def postmaster(pgdata: Path) -> int:
    return int((pgdata / "postmaster.pid").read_text().split("\n")[0])


def working_in(pgdata: Path) -> list[int]:
    """The server's processes, its first one first."""
    try:
        first = postmaster(pgdata)
    except OSError:
        return []
    found = [first]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) == first:
                found.append(int(process.name))
    return found


def kill_all(pgdata: Path) -> None:
    for pid in working_in(pgdata):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stopped(pgdata: Path) -> bool:
    """No process of the server is left: each holds the lock."""
    with server._opened(pgdata, "server") as file:
        return server._lock(file) and not (pgdata / "postmaster.pid").exists()


@contextmanager
def user(pgdata: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", USER, str(pgdata)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=300)
    assert process.returncode == 0


def test_starts_answers_and_stops(tmp_path: Path) -> None:
    pgdata = tmp_path / "home" / "pgdata"
    with embedded_server(pgdata) as url:
        assert ask(url, "SELECT current_database()") == "profmin"
        assert str(ask(url, "SHOW server_version")).startswith("18.")
        assert ask(url, "SHOW fsync") == "on"
        assert ask(url, "SHOW timezone") == "UTC"
        assert ask(url, "SELECT lower('ЁЖ')") == "ёж"
        assert len(working_in(pgdata)) > 1
        assert not stopped(pgdata)
    assert stopped(pgdata)


def test_only_a_private_socket_leads_in(pgdata: Path) -> None:
    with embedded_server(pgdata) as url:
        assert stat.S_IMODE(pgdata.stat().st_mode) == 0o700
        assert stat.S_IMODE((pgdata / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert Path(f"/proc/{postmaster(pgdata)}").stat().st_uid == pgdata.stat().st_uid != 0
        assert ask(url, "SHOW listen_addresses") == ""
        assert (pgdata / "postmaster.pid").read_text().split("\n")[5] == ""  # the first address it listens on
        assert ask(url, "SELECT string_agg(DISTINCT type, ' ') FROM pg_hba_file_rules") == "local"


def test_processes_share_one_server_until_the_last_leaves(pgdata: Path) -> None:
    with user(pgdata) as (first, url), user(pgdata) as (second, same_url):
        assert url == same_url
        pid = postmaster(pgdata)
        leave(first)
        assert postmaster(pgdata) == pid
        assert ask(url, "SELECT 1") == 1
        leave(second)
    assert stopped(pgdata)


def test_processes_that_start_together_make_one_server(tmp_path: Path) -> None:
    pgdata = tmp_path / "pgdata"
    with user(pgdata) as (first, url), user(pgdata) as (second, same_url):
        assert url == same_url != ""
        leave(second)
        assert ask(url, "SELECT 1") == 1
        leave(first)
    assert stopped(pgdata)


def test_threads_and_nested_blocks_count_as_one_process(pgdata: Path) -> None:
    answers = []

    def work() -> None:
        with embedded_server(pgdata) as url:
            answers.append(ask(url, "SELECT 1"))

    with embedded_server(pgdata) as url:
        with embedded_server(pgdata) as same_url:
            assert url == same_url
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [1] * 4
        assert ask(url, "SELECT 1") == 1
    assert stopped(pgdata)


def test_a_child_does_not_keep_the_server_of_its_parent(pgdata: Path) -> None:
    script = """
import os, subprocess, sys, time
from pathlib import Path
from warehouse.server.embedded import embedded_server
with embedded_server(Path(sys.argv[1])):
    forked = os.fork()
    if not forked:
        os.close(1)
        sys.stdin.read()
        sys.exit()  # unwinds the parent's block too
    started = subprocess.Popen(["sleep", "60"], close_fds=False, stdout=subprocess.DEVNULL)
print("left", flush=True)
sys.stdin.read()
started.kill()
os.waitpid(forked, 0)
"""
    command = [sys.executable, "-c", script, str(pgdata)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "left\n"
        assert stopped(pgdata)
        with embedded_server(pgdata):  # nor does it keep others out
            pass
        assert stopped(pgdata)
        leave(process)


def test_a_killed_user_does_not_count(pgdata: Path) -> None:
    with user(pgdata) as (killed, url):
        pid = postmaster(pgdata)
        killed.kill()
        killed.wait()
        assert ask(url, "SELECT 1") == 1
    with embedded_server(pgdata) as url:
        assert postmaster(pgdata) == pid
        assert ask(url, "SELECT 1") == 1
    assert stopped(pgdata)


@pytest.mark.parametrize("whom", ["all", "postmaster"])
def test_a_killed_server_recovers_at_the_next_start(pgdata: Path, whom: str) -> None:
    with user(pgdata) as (first, url):
        ask(url, f"CREATE TABLE kept_{whom} AS SELECT 7 AS a")
        pid = postmaster(pgdata)
        kill_all(pgdata) if whom == "all" else os.kill(pid, signal.SIGKILL)
        with embedded_server(pgdata) as same_url:  # while the first still believes in the old one
            assert postmaster(pgdata) != pid
            assert ask(same_url, f"SELECT a FROM kept_{whom}") == 7
        assert ask(url, f"SELECT a FROM kept_{whom}") == 7
        leave(first)
    assert stopped(pgdata)


def test_a_stale_pid_of_another_program_does_not_matter(pgdata: Path) -> None:
    # Of the server's own user: to Postgres a pid that it may not signal is another's anyway.
    with subprocess.Popen(["sleep", "60"], user=pgdata.stat().st_uid if AS_ROOT else None) as other:
        (pgdata / "postmaster.pid").write_text(f"{other.pid}\n{pgdata}\n1700000000\n5432\n.\n\n")
        (pgdata / ".s.PGSQL.5432.lock").write_text(f"{other.pid}\n{pgdata}\n1700000000\n5432\n\n")
        with embedded_server(pgdata) as url:
            assert ask(url, "SELECT 1") == 1
        assert other.poll() is None
        other.kill()
    assert stopped(pgdata)


def test_an_interrupted_initdb_is_begun_anew(tmp_path: Path) -> None:
    pgdata = tmp_path / "pgdata"
    command = [sys.executable, "-c", USER, str(pgdata)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 300
        while not (tmp_path / "pgdata.new" / "PG_VERSION").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.kill()
    assert not pgdata.exists()
    with embedded_server(pgdata) as url:  # initdb itself may still be running
        assert ask(url, "SELECT 1") == 1
    assert stopped(pgdata)
    assert not (tmp_path / "pgdata.new").exists()


def test_a_killed_maker_of_the_database_is_made_good(pgdata: Path) -> None:
    with embedded_server(pgdata) as url:
        postgres = sa.create_engine(sa.make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
        with postgres.connect() as connection:
            connection.execute(sa.text("DROP DATABASE profmin"))
        with user(pgdata) as (other, same_url):
            assert ask(same_url, "SELECT 1") == 1
            leave(other)
        postgres.dispose()


def test_a_home_too_deep_for_a_socket(pgdata: Path, tmp_path: Path) -> None:
    """The folder is restored from a backup, too: root copied it, so that it is root's now."""
    deep = tmp_path / "очень длинный путь, с запятой %20 и пробелами" / ("x" * 120) / "pgdata"
    shutil.copytree(pgdata, deep)
    with embedded_server(deep) as url:
        assert ask(url, "SELECT 1") == 1
        link = Path(str(sa.make_url(url).query["host"]))
        assert link.resolve() == deep
    assert stopped(deep)
    assert not link.parent.exists()


def test_a_refused_start_shows_the_log(pgdata: Path) -> None:
    settings = pgdata / "postgresql.conf"
    right = settings.read_text()
    settings.write_text(right + "no_such_setting = 1\n")
    with pytest.raises(ServerError, match="no_such_setting") as refusal, embedded_server(pgdata):
        pass
    settings.write_text(right)
    assert str(pgdata.parent / "postgres.log") in str(refusal.value)
    assert stopped(pgdata)
    assert not server._holds


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pgdata").mkdir()
    (tmp_path / "pgdata" / "letter.txt").touch()
    with pytest.raises(ServerError, match="not empty"), embedded_server(tmp_path / "pgdata"):
        pass
    assert (tmp_path / "pgdata" / "letter.txt").exists()


def test_the_log_keeps_no_values(pgdata: Path) -> None:
    with embedded_server(pgdata) as url:
        ask(url, "CREATE TABLE pupil (name text PRIMARY KEY, age int)")
        for sql in (
            "INSERT INTO pupil VALUES ('Planova'), ('Planova')",
            "SELECT 'Planova'::int",
            "SELECT 'Planova', pg_terminate_backend(pg_backend_pid())",
        ):
            with pytest.raises(sa.exc.DBAPIError):
                ask(url, sql)
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            pid = connection.scalar(sa.text("SELECT pg_backend_pid() -- Planova"))
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(sa.exc.OperationalError):
                connection.execute(sa.text("SELECT 1"))
    log = pgdata.with_name("postgres.log").read_text()
    assert "was terminated by signal 9" in log
    assert "Planova" not in log


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter; those of pytest are closed."""
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@as_root
def test_root_copies_programs_that_its_account_cannot_reach(
    pgdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_folder() as folder:
        monkeypatch.setattr(programs, "OPEN_BINARIES", tmp_path / "site")
        closed = programs.open_binaries()
        monkeypatch.setattr(programs, "OPEN_BINARIES", folder)
        monkeypatch.setattr(programs, "binaries_of_wheel", lambda: closed)
        tmp_path.chmod(0o700)
        with embedded_server(pgdata) as url:
            assert ask(url, "SELECT 1") == 1
            assert Path(f"/proc/{postmaster(pgdata)}/cmdline").read_text().startswith(str(folder))
        assert stopped(pgdata)


@as_root
def test_an_ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child loads everything as root, since the interpreter may lie under /root, and gives root up for good."""
    script = """
import os, sys
from pathlib import Path
import sqlalchemy.dialects.postgresql.psycopg2, encodings.idna
from warehouse.server import programs, embedded as server
home, uid, gid = Path(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])
programs.OPEN_BINARIES = Path(sys.argv[2])
binaries = programs.open_binaries()
programs.binaries_of_wheel = lambda: binaries
os.setgroups([]); os.setgid(gid); os.setuid(uid)
for _ in range(2):
    with server.embedded_server(home / "pgdata") as url:
        engine = server.psycopg2.connect(url.replace("+psycopg2", ""))
        with engine.cursor() as cursor:
            cursor.execute("SELECT 1")
            print(cursor.fetchone()[0], os.stat(home / "pgdata").st_uid, flush=True)
        engine.close()
"""
    nobody = pwd.getpwnam("nobody")
    with open_folder() as folder:
        home = folder / "home"
        home.mkdir(mode=0o700)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        arguments = [str(home), str(folder / "programs"), str(nobody.pw_uid), str(nobody.pw_gid)]
        command = [sys.executable, "-c", script, *arguments]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == f"1 {nobody.pw_uid}\n" * 2
        assert stopped(home / "pgdata")
        monkeypatch.setenv("PGPORT", "1")
        with embedded_server(home / "pgdata") as url:  # root joins in: the folder stays its owner's
            assert ask(url, "SELECT 1") == 1
            assert Path(f"/proc/{postmaster(home / 'pgdata')}").stat().st_uid == nobody.pw_uid
        assert stopped(home / "pgdata")
