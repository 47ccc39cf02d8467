"""Whatever a killed pytest leaves behind is ended: a process of its own waits for pytest's end, then kills what is its.

A process is pytest's by a mark in its environment, or, since servers clear theirs, by a working folder among pytest's
temporary ones. Each worker of xdist has such a watcher, and so has the process that gives them their work.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

MARK = "STARTED_BY_TESTS_OF"
QUIET_SECONDS = 2.0
"""Once nothing was found for so long, nothing comes any more: a service that is dying starts nothing anew."""


def watched(rubbish: Path | None) -> subprocess.Popen[bytes]:
    """Start the watcher of this process and mark what this process will start.

    The folder is removed at the end; others, at whose processes to look, are named on the watcher's input.
    """
    os.environ[MARK] = f"{os.getpid()} {time.time_ns()}"
    command = [sys.executable, "-S", "-E", __file__, os.environ[MARK], *([str(rubbish)] if rubbish else [])]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env={}, start_new_session=True)


def ours(mark: bytes, folders: list[str]) -> list[int]:
    """The processes with the mark, or at work in one of the folders or below."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            at = str((place / "cwd").readlink())
            inside = any(at == folder or at.startswith(f"{folder}/") for folder in folders)
            if inside or mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return [pid for pid in found if pid != os.getpid()]


def main() -> None:
    mark = f"{MARK}={sys.argv[1]}".encode()
    rubbish = sys.argv[2:]
    folders = rubbish + [line.rstrip("\n") for line in sys.stdin]  # until pytest ends, in whatever way
    quiet_since = time.monotonic()
    while time.monotonic() < quiet_since + QUIET_SECONDS:
        for pid in ours(mark, folders):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                quiet_since = time.monotonic()
        time.sleep(0.05)
    for folder in rubbish:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
