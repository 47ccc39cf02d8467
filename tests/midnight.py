"""Run pytest, with the arguments given, while a day ends: in local time, and in the region's as Python knows it.

Nobody's clock is set: the time zones are. TZ is so far from UTC that midnight comes half a minute after the start, and
so is `Asia/Tomsk` in a time zone file of our own, from two days ago on; what was before stays what it was. Postgres has
its own time zones and keeps them.
"""

from __future__ import annotations

import datetime as dt
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ZONE, SHIFT = "Asia/Tomsk", 7 * 3600
SECONDS_BEFORE = 30
DAY = 24 * 3600


def offset(now: dt.datetime) -> int:
    """How many seconds east of UTC a day ends soon after this moment; at most half a day either way."""
    past = now.hour * 3600 + now.minute * 60 + now.second
    return (DAY - SECONDS_BEFORE - past + DAY // 2) % DAY - DAY // 2


def named(seconds: int) -> str:
    """The offset as POSIX writes it, where west is positive."""
    hours, rest = divmod(abs(seconds), 3600)
    return f"<END>{'-' if seconds >= 0 else '+'}{hours:02}:{rest // 60:02}:{rest % 60:02}"


def zone_file(since: dt.datetime, seconds: int) -> bytes:
    """A zone (RFC 9636, version 2) that has the region's offset, and another from a moment on."""
    names = b"+07\0END\0"
    header = b"TZif2" + bytes(15)
    empty = header + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", SHIFT, 0, 0) + b"+07\0"
    counts = struct.pack(">6l", 0, 0, 0, 1, 2, len(names))
    body = struct.pack(">qB", int(since.timestamp()), 1)
    types = struct.pack(">lbblbb", SHIFT, 0, 0, seconds, 0, 4)
    return empty + header + counts + body + types + names + f"\n{named(seconds)}\n".encode()


def main() -> int:
    now = dt.datetime.now(dt.UTC)
    seconds = offset(now)
    with tempfile.TemporaryDirectory() as folder:
        zone = Path(folder, ZONE)
        zone.parent.mkdir()
        zone.write_bytes(zone_file(now - dt.timedelta(days=2), seconds))
        for place in (Path(folder), zone.parent):  # programs of other accounts read it as well
            place.chmod(0o755)
        places = f"{folder}{os.pathsep}/usr/share/zoneinfo"
        environment = os.environ | {"TZ": named(seconds), "PYTHONTZPATH": places}
        return subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
