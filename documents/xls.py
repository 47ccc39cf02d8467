"""What calamine does not tell of an xls: its error cells, its merges, and the size that its records promise.

An xls is a stream of records inside the file system of OLE2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from contracts.grid import Range, Unreadable
from documents.extras import CELL_LIMIT, ERRORS, Extras

XLS_ERRORS = ERRORS | {0x2B: "#GETTING_DATA"}
FORMULAS = (0x06, 0x206, 0x406)
# RK, NUMBER, LABEL, LABELSST, RSTRING, MULRK, BOOLERR: the records of an xls that fill a cell.
CELL_RECORDS = frozenset((0x27E, 0x203, 0x204, 0xFD, 0xD6, 0xBD, 0x205, *FORMULAS))


def xls_extras(data: bytes) -> list[Extras]:
    """What is beside the values, sheet by sheet. Raises Unreadable for what is no sound workbook."""
    try:
        return _extras(_workbook_stream(data))
    except (struct.error, IndexError):
        raise Unreadable("corrupt", "The file is a damaged xls workbook; it may have been cut off.") from None


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


# Records of a 16-bit kind and a 16-bit length


def _extras(stream: bytes) -> list[Extras]:
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
