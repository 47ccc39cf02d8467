"""Files that are still on their way into the inbox: copied over a network, saved by a program, uploaded.

Such a file grows in place, so a look at it finds a part. It is left for the next look, which loses nothing; and a file
that has lain still for long enough is taken as it is, since a lock that its owner forgot must not keep it away.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flows.home.faults import LOGGER
from flows.intake.incoming import Incoming, NotTaken, opened, stamp

PATIENCE = 600.0
"""Seconds without a change after which a file is taken in although a program has it open, or its end is missing."""
ZIP_BEGINS, ZIP_ENDS = b"PK\x03\x04", b"PK\x05\x06"
LONGEST_ZIP_END = (1 << 16) + 22


def settled(files: Sequence[Incoming], seconds: float) -> list[Incoming]:
    """New files less those that are left for the next look; the log hears of these, without their names."""
    left = unsettled(files, seconds)
    for file in files:
        if file.path in left:
            place = file.folder or "no sender"
            LOGGER.warning("a new file of %s is left for the next look: %s", place, left[file.path])
    return [file for file in files if file.path not in left]


def unsettled(files: Sequence[Incoming], seconds: float) -> dict[Path, str]:
    """Of new files, those to leave for the next look, each with why.

    Waits once, and no longer than `seconds`, when some of them changed within so many.
    """
    began = time.time()
    left: dict[Path, str] = {}
    young: dict[Path, str] = {}
    youngest = seconds
    for file in files:
        path = file.path
        if file.left_out is not None:
            continue
        try:
            status = path.lstat()
            age = abs(began - status.st_ctime)  # of the last change of any kind: a copier sets the time of writing back
            if age < PATIENCE and (why := _unfinished(file, status.st_size)):
                left[path] = why
            elif age < seconds:
                young[path] = stamp(status)
                youngest = min(youngest, age)
        except (OSError, NotTaken):
            continue  # gone, or not to be read: taking it in will say so
    if young:
        time.sleep(seconds - youngest)
        for path, before in young.items():
            with suppress(OSError):
                if stamp(path.lstat()) != before:
                    left[path] = "it is growing"
                elif is_written_to(path):
                    left[path] = "a program writes to it"
    return left


def _unfinished(incoming: Incoming, size: int) -> str | None:
    path = incoming.path
    if size == 0:
        return "it is empty so far"
    if any(os.path.lexists(path.with_name(lock)) for lock in (f"~${path.name}", f".~lock.{path.name}#")):
        return "an office program has it open"
    if is_written_to(path):
        return "a program writes to it"
    return None if _has_its_end(incoming, size) else "its end is missing"


def is_written_to(path: Path) -> bool:
    """Has some process on this machine the file open for writing? False where the system does not tell.

    The kernel grants a read lease only on a file that nobody has open for writing. Who opens it for writing while we
    hold the lease waits a moment, and we would be sent a signal: one that is ignored unless somebody asks for it.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:  # not our file, or a file system without leases
        return False
    finally:
        os.close(file)
    return False


def _has_its_end(incoming: Incoming, size: int) -> bool:
    """Is it no zip file (workbooks are zip files), or one with the directory that is written last?"""
    with opened(incoming) as file:
        if file.read(len(ZIP_BEGINS)) != ZIP_BEGINS:
            return True
        file.seek(max(0, size - LONGEST_ZIP_END))
        return ZIP_ENDS in file.read()
