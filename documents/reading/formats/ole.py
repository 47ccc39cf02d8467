"""The file system of OLE2, in which an xls lies."""

from __future__ import annotations

import struct


def ole_streams(data: bytes) -> dict[str, bytes]:
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
