"""Any bytes to a grid: tells a file by its content, never by its name, and refuses what is not a table.

The guards here are cheap and run before a parser sees the file. They do not replace a worker process with limits.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from pathlib import PurePath

from contracts.grid import Grid, Sheet, Unreadable
from documents import text_table, workbook
from documents.limits import LIMITS
from documents.xls import xls_extras

RATIO_FLOOR = 100 << 20  # below this size any ratio is harmless
RATIO_LIMIT = 300  # sheets pack to 1:10 or 1:50; deflate can do 1:1032
MOST_MEMBERS = 1000  # of a zip archive of deliveries
MOST_MERGED = 100_000  # ranges of a sheet

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NOT_TABLES = (
    (b"%PDF", "a PDF document"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"{\\rtf", "an RTF document"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x09\x00\x04\x00", "a workbook of Excel 2, which is too old"),
    (b"\x09\x02\x06\x00", "a workbook of Excel 3, which is too old"),
    (b"\x09\x04\x06\x00", "a workbook of Excel 4, which is too old"),
)
# What zipfile lets out when the archive is damaged.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


def read_grid(name: str, data: bytes) -> Grid:
    """Read the sheets of one file. Raises Unreadable, and nothing else, for bytes that are not a table."""
    if not data:
        raise Unreadable("empty", "The file has no bytes.")
    try:
        grid = _read(name, data)
    except MemoryError:
        raise Unreadable("too_large", "The file does not fit into memory.") from None
    if len({sheet.name for sheet in grid.sheets}) < len(grid.sheets):  # a cell would have two values then
        raise Unreadable("corrupt", "Two sheets of the workbook have the same name.")
    for sheet in grid.sheets:
        check_merged(sheet)
    if not any(sheet.rows for sheet in grid.sheets):
        raise Unreadable("empty", "No sheet of the file has a filled cell.")
    return grid


def _read(name: str, data: bytes) -> Grid:
    for magic, what in NOT_TABLES:
        if data.startswith(magic):
            raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _read_zip(data)
    if data.startswith(OLE):
        return workbook.read_xls(data, xls_extras(data))
    return text_table.read(PurePath(name).stem or name, data)


def _read_zip(data: bytes) -> Grid:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_unpacked(archive, len(data))
            kind = kind_of_zip(archive)
            if kind == "zip":
                check_members(archive)
                what = "a zip archive without a workbook, or inside another archive"
                raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")
            return workbook.read_zip(data, archive, kind)
    except ZIP_ERRORS:
        raise Unreadable("corrupt", "The file is a damaged zip package; it may have been cut off.") from None


def kind_of_zip(archive: zipfile.ZipFile) -> str:
    """xlsx, xlsm, xlsb, ods, or `zip` for an archive of other files. Raises Unreadable for other documents."""
    names = {name.replace("\\", "/").lower() for name in archive.namelist()}
    if any(member.flag_bits & 1 for member in archive.infolist()):
        raise Unreadable("encrypted", "The archive is protected by a password.")
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "xl/workbook.xml" in names:
        return "xlsm" if "xl/vbaproject.bin" in names else "xlsx"
    mimetype = _start_of(archive, "mimetype")[:100].decode("latin-1")
    if mimetype.startswith("application/vnd.oasis.opendocument.spreadsheet"):
        if b"encryption-data" in _start_of(archive, "META-INF/manifest.xml"):
            raise Unreadable("encrypted", "The workbook is protected by a password.")
        return "ods"
    if mimetype.startswith("application/vnd.oasis.opendocument"):
        what = "an OpenDocument file that is not a spreadsheet"
    elif any(name.startswith("word/") for name in names):
        what = "a Word document"
    elif any(name.startswith("ppt/") for name in names):
        what = "a PowerPoint presentation"
    else:
        return "zip"
    raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")


def check_members(archive: zipfile.ZipFile) -> None:
    """Refuse an archive of deliveries that has too many files or a damaged one: it is taken in whole or not at all."""
    if len(archive.infolist()) > MOST_MEMBERS:
        raise Unreadable("too_large", f"The archive has {len(archive.infolist())} files; {MOST_MEMBERS} are allowed.")
    for info in archive.infolist():
        with archive.open(info) as member:  # zipfile's own test opens by name, and two may have the same
            while member.read(1 << 20):
                pass


def check_merged(sheet: Sheet) -> None:
    """Refuse merged ranges beyond what people make, overlapping ones above all: each of their cells is looked at."""
    rows, width = len(sheet.rows), max(map(len, sheet.rows), default=0)
    covered = sum(
        max(0, min(each.last_row + 1, rows) - each.first_row)
        * max(0, min(each.last_column + 1, width) - each.first_column)
        for each in sheet.merged
    )
    if len(sheet.merged) > MOST_MERGED or covered > LIMITS.get().cells:
        raise Unreadable("too_large", f"Sheet {sheet.name!r} has {len(sheet.merged)} merged ranges.")


def _start_of(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.namelist():
        return b""
    with archive.open(name) as member:
        return member.read(1 << 20)


def check_unpacked(archive: zipfile.ZipFile, packed: int) -> None:
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > LIMITS.get().unpacked or (unpacked > RATIO_FLOOR and unpacked > RATIO_LIMIT * packed):
        raise Unreadable("too_large", f"The file unpacks from {packed} to {unpacked} bytes.")
