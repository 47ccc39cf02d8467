"""Which process is the server: by the kernel's word, not by a file that outlives it."""

from __future__ import annotations

import socket
import struct
from pathlib import Path


def behind(address: Path) -> int | None:
    """The pid of the server behind the socket, by the kernel's word; nothing if it is dead or in another container.

    The pid in `postmaster.pid` may by now be another program's, or mean another one in this container.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(address))
        except OSError:
            return None
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", credentials)[0]
    return pid or None


def started_by_hand(pgdata: Path) -> bool:
    """Whether `postmaster.pid` names a server that works in this folder although the `server` lock is free."""
    try:
        pid = int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
        return Path(f"/proc/{pid}/cwd").samefile(pgdata)
    except (OSError, ValueError):
        return False
