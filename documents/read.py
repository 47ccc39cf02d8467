"""Any bytes to a grid: tells a file by its content, never by its name, and refuses what is not a table.

The guards here are cheap and run before a parser sees the file. They do not replace a worker process with limits.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePath

from contracts.grid import Grid, Range, Unreadable
from documents import text_table, workbook
from documents.workbook import CELL_LIMIT, ERRORS, Extras

UNPACKED_LIMIT = 1 << 30  # bytes of a zip's members together
RATIO_FLOOR = 100 << 20  # below this size any ratio is harmless
RATIO_LIMIT = 300  # sheets pack to 1:10 or 1:50; deflate can do 1:1032

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
XLS_ERRORS = ERRORS | {0x2B: "#GETTING_DATA"}
FORMULAS = (0x06, 0x206, 0x406)
# RK, NUMBER, LABEL, LABELSST, RSTRING, MULRK, BOOLERR: the records of an xls that fill a cell.
CELL_RECORDS = frozenset((0x27E, 0x203, 0x204, 0xFD, 0xD6, 0xBD, 0x205, *FORMULAS))
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
        return _read_xls(data)
    return text_table.read(PurePath(name).stem or name, data)


def _read_zip(data: bytes) -> Grid:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            kind = _kind_of_zip(archive)
            _check_unpacked(archive, len(data))
            return workbook.read_zip(data, archive, kind)
    except ZIP_ERRORS:
        raise Unreadable("corrupt", "The file is a damaged zip package; it may have been cut off.") from None


def _kind_of_zip(archive: zipfile.ZipFile) -> str:
    names = {name.replace("\\", "/").lower() for name in archive.namelist()}
    if any(member.flag_bits & 1 for member in archive.infolist()):
        raise Unreadable("encrypted", "The archive is protected by a password.")
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "xl/workbook.xml" in names:
        return "xlsm" if "xl/vbaproject.bin" in names else "xlsx"
    mimetype = archive.read("mimetype")[:100].decode("latin-1") if "mimetype" in archive.namelist() else ""
    if mimetype.startswith("application/vnd.oasis.opendocument.spreadsheet"):
        if b"encryption-data" in _start_of(archive, "META-INF/manifest.xml"):
            raise Unreadable("encrypted", "The workbook is protected by a password.")
        return "ods"
    what = "a zip archive without a workbook"
    if mimetype.startswith("application/vnd.oasis.opendocument"):
        what = "an OpenDocument file that is not a spreadsheet"
    elif any(name.startswith("word/") for name in names):
        what = "a Word document"
    elif any(name.startswith("ppt/") for name in names):
        what = "a PowerPoint presentation"
    raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")


def _start_of(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.namelist():
        return b""
    with archive.open(name) as member:
        return member.read(1 << 20)


def _check_unpacked(archive: zipfile.ZipFile, packed: int) -> None:
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > UNPACKED_LIMIT or (unpacked > RATIO_FLOOR and unpacked > RATIO_LIMIT * packed):
        raise Unreadable("too_large", f"The file unpacks from {packed} to {unpacked} bytes.")


def _read_xls(data: bytes) -> Grid:
    try:
        extras = _xls_extras(_workbook_stream(data))
    except (struct.error, IndexError):
        raise Unreadable("corrupt", "The file is a damaged xls workbook; it may have been cut off.") from None
    return workbook.read_xls(data, extras)


def _workbook_stream(data: bytes) -> bytes:
    """The stream of records of an xls, out of the OLE2 file system around it."""
    streams = _ole_streams(data)
    if "EncryptedPackage" in streams:
        raise Unreadable("encrypted", "The workbook is protected by a password.")
    for name in ("Workbook", "Book"):
        if name in streams:
            return streams[name]
    what = "an old Office file without a workbook"
    if "WordDocument" in streams:
        what = "a Word document"
    elif "PowerPoint Document" in streams:
        what = "a PowerPoint presentation"
    raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")


def _ole_streams(data: bytes) -> dict[str, bytes]:
    """Streams of an OLE2 file by name; only the contents of a workbook are fetched. IndexError if a chain is broken."""
    sector_shift, mini_shift = struct.unpack_from("<HH", data, 30)
    if sector_shift not in (9, 12) or mini_shift != 6:
        raise IndexError("no such sector size")
    sector_size, mini_size = 1 << sector_shift, 1 << mini_shift
    directory, _, cutoff, mini_table, _, fat_list, _ = struct.unpack_from("<3I4I", data, 48)

    def sector(number: int) -> bytes:
        start = (number + 1) * sector_size
        if start >= len(data):
            raise IndexError("sector past the end of the file")
        return data[start : start + sector_size]

    def chain(first: int, table: list[int]) -> list[int]:
        numbers: list[int] = []
        while first < 0xFFFFFFFA:  # the higher numbers mark an end
            numbers.append(first)
            if len(numbers) > len(table):
                raise IndexError("endless chain of sectors")
            first = table[first]
        return numbers

    def integers(raw: bytes) -> list[int]:
        return list(struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4]))

    fat_sectors = list(struct.unpack_from("<109I", data, 76))
    seen = 0
    while fat_list < 0xFFFFFFFA and seen * sector_size <= len(data):
        *more, fat_list = integers(sector(fat_list))
        fat_sectors += more
        seen += 1
    fat = [entry for number in fat_sectors if number < 0xFFFFFFFA for entry in integers(sector(number))]

    entries: dict[str, tuple[int, int]] = {}
    root = 0
    raw = b"".join(map(sector, chain(directory, fat)))
    if len(raw) % 128:
        raise IndexError("directory cut off")
    for at in range(0, len(raw), 128):
        length, kind = struct.unpack_from("<HB", raw, at + 64)
        start, size = struct.unpack_from("<II", raw, at + 116)
        if kind == 5:
            root = start
        elif kind == 2:
            name = raw[at : at + min(max(length, 2), 64) - 2].decode("utf-16-le", "replace")
            entries[name] = (start, size)

    streams = dict.fromkeys(entries, b"")
    for name in ("Workbook", "Book"):
        start, size = entries.get(name, (0, 0))
        if size >= cutoff:
            streams[name] = b"".join(map(sector, chain(start, fat)))[:size]
        elif size:
            small = b"".join(map(sector, chain(root, fat)))
            table = integers(b"".join(map(sector, chain(mini_table, fat))))
            pieces = (small[number * mini_size : (number + 1) * mini_size] for number in chain(start, table))
            streams[name] = b"".join(pieces)[:size]
    return {name: streams[name] for name in entries}


# xls: records of a 16-bit kind and a 16-bit length


def _xls_extras(stream: bytes) -> list[Extras]:
    sheets: list[Extras] = []
    for kind, start, size in _records(stream, 0):
        if kind == 0x2F:  # FILEPASS; calamine would go on and fail on the scrambled records after it
            raise Unreadable("encrypted", "The workbook is protected by a password.")
        if kind == 0xFC and struct.unpack_from("<I", stream, start + 4)[0] > len(stream):  # SST: how many texts
            raise IndexError("more texts than bytes")  # calamine would reserve memory for them
        if kind == 0x85 and size >= 4:  # BOUNDSHEET: where the records of a sheet begin
            sheets.append(_extras_of_sheet(stream, struct.unpack_from("<I", stream, start)[0]))
            sheets[-1].check_size(str(len(sheets)))
    return sheets


def _extras_of_sheet(stream: bytes, begin: int) -> Extras:
    extra = Extras()
    for kind, start, size in _records(stream, begin):
        if kind == 0x200:  # DIMENSIONS, for which calamine reserves memory
            top, bottom, left, right = struct.unpack_from("<IIHH" if size == 14 else "<HHHH", stream, start)
            # It subtracts without a sign: the end before the start is an immense rectangle.
            if bottom and right and ((bottom - top) % 2**32) * ((right - left) % 2**32) > CELL_LIMIT:
                raise Unreadable("too_large", f"A sheet is said to span rows {top} to {bottom}.")
        if kind == 0xE5:  # MERGECELLS, which calamine misses when a chart stands before it
            (count,) = struct.unpack_from("<H", stream, start)
            for first, last, left, right in struct.iter_unpack("<4H", stream[start + 2 : start + 2 + 8 * count]):
                extra.merged.append(Range(first, left, last, right))
        if kind not in CELL_RECORDS or size < 6:
            continue
        row, column = struct.unpack_from("<HH", stream, start)
        extra.fill(row, column)
        code = None
        if kind == 0x205 and size >= 8 and stream[start + 7]:  # BOOLERR
            code = stream[start + 6]
        # FORMULA: the last result of a formula is an error if it begins with 2 and ends with FFFF
        elif kind in FORMULAS and size >= 14 and stream[start + 12 : start + 14] == b"\xff\xff":
            code = stream[start + 8] if stream[start + 6] == 2 else None
        if code in XLS_ERRORS:
            extra.errors[row, column] = XLS_ERRORS[code]
    return extra


def _records(stream: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Kind, start and length of the records from a BOF to its EOF, leaving out charts, which have their own pair."""
    depth = 0
    while position + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, position)
        depth += (kind == 0x809) - (kind == 0x0A)
        if depth <= 0:
            return
        if depth == 1:
            yield kind, position + 4, size
        position += 4 + size
