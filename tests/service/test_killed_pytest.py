"""A killed pytest leaves no service, no database and no process behind, and neither does a killed worker of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

PATIENCE_SECONDS = 300


def at_work_in(*folders: str) -> dict[int, str]:
    """The processes that have a folder in their environment or command, or work below it; and what they are."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = [(place / name).read_bytes() for name in ("environ", "cmdline")]
            told.append(os.fsencode((place / "cwd").readlink()))
            if any(os.fsencode(folder) in each for folder in folders for each in told):
                found[int(place.name)] = told[1].replace(b"\0", b" ").decode(errors="replace")[:100]
    return found


@pytest.mark.parametrize(
    ("workers", "test", "programs"),
    [
        (0, "test_with_a_database", ("postgres",)),
        (1, "test_with_a_service", ("postgres", "supervisor", "prefect server", "prefect worker")),
    ],
    ids=["pytest itself", "a worker"],
)
def test_nothing_is_left(workers: int, test: str, programs: tuple[str, ...], tmp_path: Path) -> None:
    """Slow: a whole service is started to be left."""
    told, folder = tmp_path / "told", tmp_path / "inner"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers)]
    command += [f"--basetemp={folder}", f"{Path(__file__).with_name('alone.py')}::{test}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment | {"TOLD_IN": str(told)}, stdout=log, stderr=log)
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        while not (told.exists() and told.read_text()):
            assert process.poll() is None and time.monotonic() < until, (tmp_path / "log").read_text()
            time.sleep(0.1)
        pid, server = told.read_text().split()
        folders = (str(folder), server)
        running = at_work_in(*folders)
        for program in programs:
            assert any(program in each for each in running.values()), f"no {program} in {running}"
        os.kill(int(pid), signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)
        while left := at_work_in(*folders) or Path(server).exists():
            assert time.monotonic() < until, left
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
