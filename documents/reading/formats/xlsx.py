"""Workbooks of the kind xlsx: which part is what, and which sheets are plain enough for calamine.

Calamine is fast. It knows neither error texts, nor what is hidden, nor percents, nor formulas without a result; it
expects the usual names of parts and refuses a whole workbook for one odd reference. Most sheets have nothing of the
kind, so a look at the bytes decides who reads a sheet: calamine, or `xlsx_cells`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from contracts.grid import Doubt
from documents.reading.formats.extras import walk
from documents.reading.formats.limits import LIMITS
from documents.reading.formats.opc import DAMAGE, Package, is_utf8
from documents.reading.formats.xlsx_cells import YES, Shared, column_number, local, shared_texts, style_kinds

ADDRESS = re.compile(rb"""r=["']([A-Za-z]+)([0-9]+)["']""")
FAR_ADDRESS = re.compile(rb"""r=["'](?:[A-Za-z]{3,}[0-9]|[A-Za-z]+[0-9]{5})""")  # past column ZZ or row 9999
TEXT_COUNT = re.compile(rb"""uniqueCount=["']([0-9]+)""")
ERROR_MARKS = (b't="e"', b"t='e'")
HIDDEN = re.compile(rb"""hidden\s*=\s*["'](?:1|true)["']""")
STYLE = re.compile(rb"""\ss=["']([0-9]{1,6})["']""")
ROOT = re.compile(rb"<(\w+:)?worksheet[\s>]")
PERCENT_HINT = re.compile(rb"""%|numFmtId=["'](?:9|10)["']""")
OPEN_MERGE = re.compile(rb"""mergeCell\s[^<>]*?ref=["'](?![A-Za-z]{1,3}[0-9]{1,7}:[A-Za-z]{1,3}[0-9]{1,7}["'])""")
DIMENSION = re.compile(rb"""dimension\s[^<>]*?ref=["'](?![A-Za-z]{1,3}[0-9]{1,7}(?::[A-Za-z]{1,3}[0-9]{1,7})?["'])""")
VALUE_FIRST = re.compile(rb"</(?:\w+:)?v>\s*<(?:\w+:)?f[\s/>]")
LONG_START = 1 << 20
CHUNK = 1 << 22
BORDER = 4096  # longer than anything that is looked for
CELL_SHEETS = ("worksheet", "xlmacrosheet", "xlintlmacrosheet")
WITHOUT_CELLS = {"chartsheet": "ChartSheet", "dialogsheet": "DialogSheet"}
STATES = ("visible", "hidden", "veryHidden")


class SheetPart(NamedTuple):
    """A sheet that has cells; `member` is "" when its part is not there."""

    name: str
    visible: bool
    member: str


@dataclass
class Workbook:
    """The parts of a workbook, and what was odd about them."""

    package: Package
    sheets: list[SheetPart] = field(default_factory=list)
    texts: str = ""
    styles: str = ""
    is_1904: bool = False
    is_usual: bool = True
    """Whether the parts lie where calamine looks for them, in UTF-8."""
    notes: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    def shared(self) -> Shared:
        """Texts and styles for reading sheets ourselves. A damaged part of texts raises; without styles numbers stay
        numbers."""
        texts = shared_texts(self.package, self.texts) if self.texts else []
        try:
            return Shared(texts, style_kinds(self.package, self.styles) if self.styles else [], self.is_1904)
        except (*DAMAGE, KeyError):
            self.doubts.append(Doubt("parts", "оформление ячеек; даты и проценты могли прочитаться как числа"))
            return Shared(texts, [], self.is_1904)


def workbook_of(package: Package) -> Workbook:
    """The parts of a workbook by its relations. Raises what a damaged main part raises (`opc.DAMAGE`)."""
    main = package.main_part
    book = Workbook(package, is_usual=main == "xl/workbook.xml" and is_utf8(package.start(main)))
    relations = package.relations(main)
    kinds = {relation.kind: relation.member for relation in relations.values()}
    book.texts = kinds.get("sharedstrings") or package.member("xl/sharedStrings.xml")
    book.styles = kinds.get("styles") or package.member("xl/styles.xml")
    for member, usual in ((book.texts, "xl/sharedstrings.xml"), (book.styles, "xl/styles.xml")):
        if member and (member.lower() != usual or not is_utf8(package.start(member))):
            book.is_usual = False
    if book.texts and _promised_texts(package, book.texts) > package.archive.getinfo(book.texts).file_size:
        book.is_usual = False  # calamine would reserve memory for as many

    def start(tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        if tag == "workbookPr":
            book.is_1904 = attributes.get("date1904", "").lower() in YES
        elif tag == "sheet":
            add_sheet(attributes)

    def add_sheet(attributes: dict[str, str]) -> None:
        name = attributes.get("name", "")
        target = next((value for key, value in attributes.items() if key.endswith(":id") or key == "id"), "")
        relation = relations.get(target)
        if relation is not None and relation.kind not in CELL_SHEETS:
            what = WITHOUT_CELLS.get(relation.kind, relation.kind)
            book.notes.append(f"sheet {name!r} has no cells: it is a {what}")
            return
        member = relation.member if relation else ""
        if not relations:  # the part that says which sheet is which is gone
            member = package.member(f"xl/worksheets/sheet{len(book.sheets) + 1}.xml")
        state = attributes.get("state", "visible")
        if state not in STATES:
            book.notes.append(f"sheet {name!r} has the unknown state {state[:40]!r}")
        if not member or state not in STATES:
            book.is_usual = False
        book.sheets.append(SheetPart(name, state not in STATES[1:], member))

    walk(package.open(main), start)
    return book


def is_ordinary(package: Package) -> bool:
    """Whether the readers of large tables see in a workbook what is there: they look for parts at the usual names, and
    lose values that stand before their formulas. A writer does so in all cells, so the beginning tells."""
    try:
        if package.main_part != package.member("xl/workbook.xml"):
            return False
        book = workbook_of(package)
        starts = [head(package, sheet.member) for sheet in book.sheets]
    except DAMAGE:
        return False
    return book.is_usual and not any(VALUE_FIRST.search(start) or not is_utf8(start) for start in starts)


def head(package: Package, member: str) -> bytes:
    """The first bytes of a sheet, its first cells among them."""
    with package.open(member) as part:
        return part.read(LONG_START)


def _promised_texts(package: Package, member: str) -> int:
    """How many shared texts the part says that it has."""
    promised = TEXT_COUNT.search(package.start(member))
    return int(promised[1][:20]) if promised else 0


def percent_styles(book: Workbook) -> frozenset[int]:
    """Numbers of the cell styles that show a percent."""
    if not book.styles or not has(book.package, book.styles, PERCENT_HINT):
        return frozenset()
    return frozenset(at for at, kind in enumerate(style_kinds(book.package, book.styles)) if kind == "percent")


def has(package: Package, member: str, mark: re.Pattern[bytes]) -> bool:
    """Whether a mark stands anywhere in a part."""
    chunk = b""
    with package.open(member) as part:
        while fresh := part.read(CHUNK):
            chunk = chunk[-BORDER:] + fresh
            if mark.search(chunk):
                return True
    return False


def is_plain(package: Package, member: str, percents: frozenset[int]) -> bool:
    """Whether calamine tells all of a sheet: a quick look at its bytes."""
    if 0 in percents:
        return False
    is_far = has_addresses = False
    chunk, prefix = b"", None
    with package.open(member) as part:
        while fresh := part.read(CHUNK):
            if prefix is None:
                root = ROOT.search(fresh, 0, BORDER)
                if root is None or not is_utf8(fresh[:BORDER]) or DIMENSION.search(fresh, 0, BORDER):
                    return False
                prefix = root[1] or b""
            chunk = chunk[-BORDER:] + fresh
            if is_odd(chunk, prefix, percents):
                return False
            is_far = is_far or FAR_ADDRESS.search(chunk) is not None
            has_addresses = has_addresses or ADDRESS.search(chunk) is not None
    return has_addresses and not (is_far and rectangle(package, member) > LIMITS.get().cells)


def is_odd(chunk: bytes, prefix: bytes, percents: frozenset[int]) -> bool:
    """Whether a piece of a sheet holds what calamine does not tell."""
    return (
        any(mark in chunk for mark in ERROR_MARKS)
        or (b"hidden" in chunk and HIDDEN.search(chunk) is not None)
        or (b"mergeCell" in chunk and OPEN_MERGE.search(chunk) is not None)
        or (b"<%bf" % prefix in chunk and any(mark.search(chunk) for mark in _formula_marks(prefix)))
        or (bool(percents) and not percents.isdisjoint(map(int, STYLE.findall(chunk))))
    )


@cache
def _formula_marks(prefix: bytes) -> tuple[re.Pattern[bytes], ...]:
    """How the end of a formula looks when no value follows it, or when its value stands before it; all begin with plain
    text, which is found fast."""
    p = re.escape(prefix)
    nothing = rb"\s*(?:</%bc>|<%bv(?:\s[^<>]*)?(?:/>|>\s*</))" % (p, p)
    return (
        re.compile(rb"</%bf>" % p + nothing),
        re.compile(rb"<%bf[\s/][^<>]*/?>" % p + nothing),
        re.compile(rb"</%bv>\s*<%bf[\s/>]" % (p, p)),
        re.compile(rb"</%bis>\s*<%bf[\s/>]" % (p, p)),
    )


def rectangle(package: Package, member: str) -> int:
    """Cells up to the farthest address of a large sheet, blank cells that are only formatted included."""
    columns: set[bytes] = set()
    rows = 0
    chunk = b""
    with package.open(member) as part:
        while fresh := part.read(1 << 20):
            chunk = chunk[-40:] + fresh
            addresses = ADDRESS.findall(chunk)
            columns.update(column[:9] for column, _ in addresses)
            rows = max(rows, max((int(row[:9]) for _, row in addresses), default=0))
    return rows * max((column_number(column.decode()) for column in columns), default=0)
