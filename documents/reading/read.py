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

from contracts.grid import Grid, Sheet, Unreadable, is_blank
from documents.reading import text_table, workbook
from documents.reading.formats import web_archive
from documents.reading.formats.kinds import MIMETYPES, OFFICE, PACKAGES, not_a_table, refuse_other_kinds
from documents.reading.formats.limits import LIMITS
from documents.reading.formats.opc import BINARY_WORKBOOK, Package, normal, root_of
from documents.reading.formats.xls import read_xls

RATIO_FLOOR = 100 << 20  # below this size any ratio is harmless
RATIO_LIMIT = 300  # sheets pack to 1:10 or 1:50; deflate can do 1:1032
MOST_MEMBERS = 1000  # of a zip archive of deliveries
MOST_MERGED = 100_000  # ranges of a sheet

SPREADSHEET = "application/vnd.oasis.opendocument.spreadsheet"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
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
    if not data.strip(b"\0"):
        raise Unreadable("empty", "The file has no bytes." if not data else "The file has only zero bytes.")
    try:
        grid = _read(name, data)
    except MemoryError:
        raise Unreadable("too_large", "The file does not fit into memory.") from None
    if len({sheet.name for sheet in grid.sheets}) < len(grid.sheets):  # a cell would have two values then
        raise Unreadable("corrupt", "Two sheets of the workbook have the same name.")
    for sheet in grid.sheets:
        check_merged(sheet)
    if all(is_blank(value) for sheet in grid.sheets for row in sheet.rows for value in row) and not any(
        sheet.unvalued for sheet in grid.sheets
    ):
        raise Unreadable("empty", "No sheet of the file has a filled cell.")
    return grid


def _read(name: str, data: bytes) -> Grid:
    refuse_other_kinds(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _read_zip(data)
    if data.startswith(OLE):
        return read_xls(data)
    stem = PurePath(name).stem or name
    return web_archive.read(stem, data) if web_archive.is_message(data) else text_table.read(stem, data)


def _read_zip(data: bytes) -> Grid:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_unpacked(archive, len(data))
            package = Package(archive)
            kind = kind_of_package(package)
            if kind == "zip":
                check_members(archive)
                what = "a zip archive without a workbook, or inside another archive"
                raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")
            return workbook.read_zip(data, package, kind)
    except ZIP_ERRORS:
        raise Unreadable("corrupt", "The file is a damaged zip package; it may have been cut off.") from None


def kind_of_zip(archive: zipfile.ZipFile) -> str:
    """xlsx, xlsm, xlsb, ods, or `zip` for an archive of other files. Raises Unreadable for other documents."""
    return kind_of_package(Package(archive))


def kind_of_package(package: Package) -> str:
    """The same of an archive whose parts are known."""
    if any(member.flag_bits & 1 for member in package.archive.infolist()):
        raise Unreadable("encrypted", "The archive is protected by a password.")
    if main := package.main_part:
        start = package.start(main)
        if start.startswith(BINARY_WORKBOOK):
            return "xlsb"
        root = root_of(start)
        if root in OFFICE:
            raise not_a_table(*OFFICE[root])
        if root == "workbook" or normal(main) == "xl/workbook.xml":
            return "xlsm" if "xl/vbaproject.bin" in package.members else "xlsx"
        if normal(main) == "xl/workbook.bin":
            return "xlsb"
        raise not_a_table("an Office document that is not a workbook", "document")
    mimetype = _start_of(package, "mimetype")[:100].decode("latin-1")
    manifest = _start_of(package, "META-INF/manifest.xml")
    if mimetype.startswith(SPREADSHEET) or (not mimetype and SPREADSHEET.encode() in manifest):
        if b"encryption-data" in manifest:
            raise Unreadable("encrypted", "The workbook is protected by a password.")
        return "ods"
    for begin, what, looks in MIMETYPES:
        if mimetype.startswith(begin):
            raise not_a_table(what, looks)
    for told, what, looks in PACKAGES:
        if told in package.members or (told.endswith("/") and any(name.startswith(told) for name in package.members)):
            raise not_a_table(what, looks)
    return "zip"


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


def _start_of(package: Package, path: str) -> bytes:
    member = package.member(path)
    if not member:
        return b""
    with package.archive.open(member) as part:
        return part.read(1 << 20)


def check_unpacked(archive: zipfile.ZipFile, packed: int) -> None:
    """Raises Unreadable for an archive that unpacks to more than it should."""
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > LIMITS.get().unpacked or (unpacked > RATIO_FLOOR and unpacked > RATIO_LIMIT * packed):
        raise Unreadable("too_large", f"The file unpacks from {packed} to {unpacked} bytes.")
