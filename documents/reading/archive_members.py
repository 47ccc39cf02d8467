"""The files of a plain zip archive: people pack several reports into one and send that."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from contracts.grid import Unreadable
from documents.reading.formats.limits import LIMITS, Limits
from documents.reading.names import from_bytes, shown
from documents.reading.read import MOST_MEMBERS, ZIP_ERRORS, check_members, check_unpacked, kind_of_zip

ENTRY = b"PK\x01\x02"
MOST_ENTRIES = 100 * MOST_MEMBERS  # workbooks that are stored unpacked bring the marks of their own directories
CHUNK = 1 << 20
NAME_IS_UTF8 = 0x800
NO_PART = ("", ".", "..")


def members(path: Path, unpacked: int = Limits.unpacked) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each file of a plain zip archive, in its order.

    None when the file is something else, a workbook for instance, and none when the archive cannot be unpacked whole:
    reading it as a table then says why. `unpacked` bytes are the most that all files may have together. The name tells
    where in the archive the file lay; it is no path to write to.
    """
    if not _is_sound(path, unpacked):
        return
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir() and (name := _member_name(info)):
                with archive.open(info) as content:
                    yield name, content


def unpacked_size(file: IO[bytes]) -> tuple[int, int]:
    """How many files come out of an archive, and how many bytes by its directory; none of a file of another kind.

    Reading a member never yields more than the directory says, so that nothing has to be unpacked to know.
    """
    try:
        if not _may_be_archive(file):
            return 0, 0
        with zipfile.ZipFile(file) as archive:
            if kind_of_zip(archive) != "zip":
                return 0, 0
            files = [info for info in archive.infolist() if not info.is_dir()]
            return len(files), sum(info.file_size for info in files)
    except (Unreadable, *ZIP_ERRORS):
        return 0, 0
    finally:
        file.seek(0)


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name that its sender saw: folders divided by `/`, nothing that leads out of the archive.

    Without its flag of UTF-8 a name is taken for cp437. Mac writes UTF-8 then, and programs in Russia cp866 or cp1251.
    """
    name = info.filename
    if not info.flag_bits & NAME_IS_UTF8:
        raw = name.encode("cp437")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = from_bytes(raw, "cp866")
    parts = [part for part in name.replace("\\", "/").split("/") if part.strip() not in NO_PART]
    return "/".join(shown(part) for part in parts)


def _is_sound(path: Path, unpacked: int) -> bool:
    with path.open("rb") as file:
        if not _may_be_archive(file):
            return False
    before = LIMITS.set(Limits(unpacked=unpacked))
    try:
        with zipfile.ZipFile(path) as archive:
            if kind_of_zip(archive) != "zip":
                return False
            check_unpacked(archive, path.stat().st_size)
            check_members(archive)
    except (Unreadable, *ZIP_ERRORS):
        return False
    finally:
        LIMITS.reset(before)
    return True


def _may_be_archive(file: IO[bytes]) -> bool:
    """The directory of an archive is read into memory whole, and this runs in our own process."""
    return file.read(4) == b"PK\x03\x04" and _entries(file) <= MOST_ENTRIES


def _entries(file: IO[bytes]) -> int:
    """How many entries the directory of an archive can have at most."""
    count, rest = 0, b""
    while chunk := file.read(CHUNK):
        count += (rest + chunk).count(ENTRY)
        rest = chunk[-len(ENTRY) + 1 :]
    return count
