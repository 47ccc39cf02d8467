"""Good files, spoiled: in their bytes, in the parts of their zip package, in their cells. A number makes a mutant."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

from cells import spoiled_cells, written
from corpus import Good, corpus

from contracts.grid import Grid
from documents.reading.read import read_grid

Spoil = Callable[[Random, bytes], bytes]

WORDS = (b"\0", b"\xff", b"\x7f\xff", b"\xff\xff", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\x80",
         b"\0\0\0\0", b'"', b"<", b">", b"&", b";", b"\t", b"\r", b"\n", b"\x1a", b"\xef\xbb\xbf", b"\xff\xfe", b"\xd0",
         "я".encode(), b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # fmt: skip
NUMBERS = ("0", "-1", "1", "2", "65535", "65536", "1048576", "1048577", "16384", "4294967295", "4294967296",
           "18446744073709551616", "", "x", "NaN", "1e9", "1.5", "99999999999999999999999999")  # fmt: skip
VALUES = {
    b"r": ("A1", "A0", "A-1", "XFD1048576", "XFE1", "ZZZZZZZ1", "A9999999999", "1A", "a1", "$A$1", "", "R1C1", "B2:C"),
    b"t": ("s", "str", "inlineStr", "n", "b", "e", "d", "", "x"),
    b"ref": ("A1", "A1:A1", "A1:XFD1048576", "B2:A1", "A1:", ":", "A1:B2:C3", "A0:A0", ""),
    b"Target": ("", "..", "/xl/worksheets/sheet1.xml", "worksheets/sheet9.xml", "../../../etc/passwd", "\\a", "http://x/"),
    b"formatCode": ("0%", "General", "dd.mm.yyyy", "[h]:mm:ss", ";;;", "\"", "[$-419]", "0" * 500, ""),
    b"encoding": ("UTF-16", "windows-1251", "x", "", "UTF-7", "ascii"),
    b"state": ("hidden", "veryHidden", "", "x"),
    b"date1904": ("1", "true", "0", "x"),
    b"standalone": ("no", "x"),
    b"office:value-type": ("float", "percentage", "date", "time", "boolean", "string", "currency", "void", ""),
    b"office:date-value": ("2023-09-08", "2023-99-99", "", "0000-00-00", "99999-01-01", "2023-09-08T25:61:61"),
    b"office:time-value": ("PT0S", "P", "PT99999999999H", "-PT1S", ""),
}  # fmt: skip
ATTRIBUTE = re.compile(rb"""\s([\w:]+)=(?:"([^"<]*)"|'([^'<]*)')""")
ELEMENT = re.compile(rb"<(\w[\w:]*)[^<>]*/>|<(\w[\w:]*)(?:\s[^<>]*)?>[^<]*</\2>")
TEXT = re.compile(rb">([^<>]+)<")
OPENINGS = (
    b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>",
    b"<!-- x -->",
    b"<?x y?>",
    b"<![CDATA[<]]>",
    b"&a;",
    b"&#0;",
    b"<",
    b"\0",
)


@dataclass(frozen=True)
class Mutant:
    """A spoiled file and how it was spoiled; `spoil(number)` makes it again."""

    number: int
    name: str
    folder: str | None
    world: str
    how: str
    data: bytes


def spoil(number: int, seed: int = 0) -> Mutant:
    """The mutant of a number. The same number makes the same mutant."""
    random = Random(f"{seed} {number}")
    good = random.choice(corpus())
    kind = random.choices(("bytes", "parts", "cells"), (25, 30, 45))[0]
    name = good.name
    if kind == "cells":
        name, data, how = in_cells(random, good)
    elif kind == "parts" and good.data.startswith(b"PK"):
        data, how = in_parts(random, good)
    else:
        data, how = in_bytes(random, good.data)
    if random.random() < 0.05:
        name, how = (
            random.choice((f"{name}.csv", "x.xls", "", ".", "а" * 300, "/", "\0.xlsx", "31.12.9999.xlsx")),
            f"{how}, renamed",
        )
    return Mutant(number, name, good.folder, good.world, f"{good.name}: {how}", data)


# Bytes


def flip(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 5, 30))):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut_end(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def cut_start(random: Random, data: bytes) -> bytes:
    return data[random.randrange(min(len(data), 600) + 1) :]


def take_out(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + data[start + random.choice((1, 2, 4, 100, 512)) :]


def insert(random: Random, data: bytes) -> bytes:
    place = random.randrange(len(data) + 1)
    added = random.choice((random.choice(WORDS), random.randbytes(random.choice((1, 4, 512))), b" " * 70_000))
    return data[:place] + added + data[place:]


def overwrite(random: Random, data: bytes) -> bytes:
    for _ in range(random.choice((1, 1, 3, 10))):
        place, word = random.randrange(len(data) + 1), random.choice(WORDS)
        data = data[:place] + word + data[place + len(word) :]
    return data


def repeat(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    end = start + random.choice((1, 16, 512, 4096))
    return data[:end] + data[start:end] * random.choice((1, 2, 50)) + data[end:]


def number_in_place(random: Random, data: bytes) -> bytes:
    """A little-endian number changed by little or to an edge: lengths, counts and offsets of binary formats."""
    size, mark = random.choice(((2, "<H"), (4, "<I")))
    if len(data) < size:
        return data
    place = random.randrange(len(data) - size + 1)
    (old,) = struct.unpack_from(mark, data, place)
    top = (1 << 8 * size) - 1
    new = random.choice((old + 1, old - 1, old * 2, 0, 1, top, top >> 1, top - 1)) & top
    return data[:place] + struct.pack(mark, new) + data[place + size :]


def splice(random: Random, data: bytes) -> bytes:
    other = random.choice(corpus()).data
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


BYTES: tuple[Spoil, ...] = (flip, cut_end, cut_start, take_out, insert, overwrite, repeat, number_in_place, splice)


def in_bytes(random: Random, data: bytes) -> tuple[bytes, str]:
    chosen = [random.choice(BYTES) for _ in range(random.choice((1, 1, 1, 2, 4)))]
    for change in chosen:
        data = change(random, data)
    return data, "bytes " + ", ".join(change.__name__ for change in chosen)


# Parts of a zip package


def attribute(random: Random, part: bytes) -> bytes:
    """Another value of an attribute; the rarer kinds of attributes are as likely as the address of a cell."""
    found = list(ATTRIBUTE.finditer(part))
    if not found:
        return part
    name = random.choice(sorted({match[1] for match in found}))
    same = [match for match in found if match[1] == name]
    for match in random.sample(same, min(len(same), random.choice((1, 1, 1, 5, 1000))))[:50]:
        value = random.choice(VALUES.get(name, NUMBERS) if random.random() < 0.7 else NUMBERS)
        part = part.replace(match[0], b' %s="%s"' % (name, value.encode()), 1)
    return part


def no_attribute(random: Random, part: bytes) -> bytes:
    found = list(ATTRIBUTE.finditer(part))
    return part.replace(random.choice(found)[0], b"", random.choice((1, -1))) if found else part


def element(random: Random, part: bytes) -> bytes:
    """An element left out, repeated, or moved to another place."""
    found = list(ELEMENT.finditer(part))
    if not found:
        return part
    match, other = random.choice(found), random.choice(found)
    turned = random.choice((b"", match[0] * 2, match[0] * 1000, other[0]))
    return part[: match.start()] + turned + part[match.end() :]


def text(random: Random, part: bytes) -> bytes:
    """Another text: an index of a shared text, a number, a formula's result."""
    found = list(TEXT.finditer(part))
    if not found:
        return part
    match = random.choice(found)
    new = random.choice((*NUMBERS, "&#10;", "&amp;", "_x0000_", "#REF!", "Err:509", "true", " " * 1000, "я" * 40_000))
    return part[: match.start(1)] + new.encode() + part[match.end(1) :]


def opening(random: Random, part: bytes) -> bytes:
    place = random.choice([match.end() for match in re.finditer(rb">", part)] or [0])
    return part[:place] + random.choice(OPENINGS) + part[place:]


PART: tuple[Spoil, ...] = (attribute, attribute, attribute, no_attribute, element, element, text, text, opening)


def in_parts(random: Random, good: Good) -> tuple[bytes, str]:
    parts = unpacked(good.data)
    told = []
    for _ in range(random.choice((1, 1, 2, 4))):
        if not parts:
            break
        name = random.choice([part for part in parts if "sheet" in part or "content" in part] or list(parts))
        name = random.choice((name, random.choice(list(parts))))
        kind = random.choices(
            ("spoil", "bytes", "drop", "swap", "cut", "foreign", "rename", "add"), (12, 3, 1, 1, 1, 1, 1, 1)
        )[0]
        told.append(f"{kind} {name}")
        other = random.choice(list(parts))
        if kind == "spoil" and name.endswith((".xml", ".rels")):
            change = random.choice(PART)
            parts[name] = change(random, parts[name])
            told[-1] = f"{change.__name__} in {name}"
        elif kind in ("bytes", "spoil"):
            parts[name] = in_bytes(random, parts[name])[0]
        elif kind == "drop":
            del parts[name]
        elif kind == "swap":
            parts[name], parts[other] = parts[other], parts[name]
        elif kind == "cut":
            parts[name] = cut_end(random, parts[name])
        elif kind == "foreign":
            foreign = unpacked(random.choice([each.data for each in corpus() if each.data.startswith(b"PK")]))
            parts[name] = random.choice(list(foreign.values()))
        elif kind == "rename":
            parts[random.choice((name.upper(), name.replace("/", "\\"), f"../{name}", "xl/workbook.bin"))] = parts.pop(
                name
            )
        else:
            parts[random.choice(("xl/vbaProject.bin", "mimetype", "word/document.xml", "xl/worksheets/sheet2.xml"))] = (
                parts[other]
            )
    twice = random.random() < 0.03
    data = packed([*parts.items(), *parts.items()] if twice else [*parts.items()])
    return data, "parts " + ", ".join(told) + ", twice" * twice


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: list[tuple[str, bytes]]) -> bytes:
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        warnings.simplefilter("ignore")  # names that are there twice are meant so
        for name, part in parts:
            info = zipfile.ZipInfo(name)  # with the same bytes each time
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, part)
    return made.getvalue()


# Cells


@cache
def grids() -> dict[Good, Grid]:
    return {good: read_grid(good.name, good.data) for good in corpus()}


def in_cells(random: Random, good: Good) -> tuple[str, bytes, str]:
    sheet = grids()[good].sheets[-1]
    cells, merged, told = spoiled_cells(random, sheet)
    ending, data, how = written(random, cells, merged)
    if ending == "xlsx" and random.random() < 0.15:
        data, more = in_parts(random, Good(good.name, good.folder, data, good.world))
        how = f"{how}, {more}"
    return f"{good.name.rpartition('.')[0]}.{ending}", data, f"cells {', '.join(told)}; {how}"
