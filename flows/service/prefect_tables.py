"""The tables of a temporary Prefect server, made once for an environment of Python.

Prefect makes them by every migration that it ever had, one after the other: ten seconds of a core for a new home, in
which nobody who asked for a night can do anything. `python -m flows.service.prefect_tables` makes them beforehand, and
a new home begins with a copy. They belong to a version of Prefect; without them, or where they cannot be read, it makes
its own, as ever.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path

from flows.home.whole_file import replace

DATABASE = "prefect.db"
"""What Prefect calls its SQLite file in its home."""
LOGS = ("-wal", "-shm")
"""What SQLite keeps beside it."""


def prepared() -> Path:
    """Where those of this environment lie, if somebody made them."""
    return Path(sys.prefix, "share", "profmin", f"prefect-{version('prefect')}.db")


def make(path: Path) -> None:
    """Make a file of tables without a row of anybody's. Raises CalledProcessError when Prefect cannot."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"]
        own = {
            "PREFECT_HOME": home,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/{DATABASE}",
        }  # whatever a file says that Prefect finds in its folder, which is not where somebody called us
        subprocess.run(command, env=others | own, cwd=home, check=True, stdout=subprocess.DEVNULL)
        whole = Path(home, "whole.db")
        with closing(sqlite3.connect(Path(home, DATABASE))) as made:
            made.execute("VACUUM INTO ?", [str(whole)])  # one file, without a log beside it
        replace(path, whole.read_bytes())


def begin_with(home: Path) -> None:
    """Put the tables of this environment into a home of Prefect that has none, if there are some."""
    own = home / DATABASE
    if own.exists():
        return
    with suppress(OSError):  # none are made, or somebody else's may not be read
        tables = prepared().read_bytes()
        for log in LOGS:  # of a database that somebody took away: it would be played into this one
            own.with_name(own.name + log).unlink(missing_ok=True)
        replace(own, tables)


if __name__ == "__main__":
    if not prepared().exists():
        make(prepared())
