"""What calamine does not tell of an xlsx: error cells, what is hidden, percents, formulas without a result.

A cell is <c r="B2" s="3" t="e"><f>1/0</f><v>#DIV/0!</v></c>. Most sheets have nothing of the kind, so a look at the
bytes decides whether a sheet is parsed at all.
"""

from __future__ import annotations

import io
import re
import zipfile
from functools import cache

from contracts.grid import Unreadable
from documents.extras import ERRORS, MOST_COLUMNS, Extras, relations, walk
from documents.limits import LIMITS
from documents.number_format import BUILT_IN, kind_of

ADDRESS = re.compile(rb"""r=["']([A-Za-z]+)([0-9]+)["']""")
FAR_ADDRESS = re.compile(rb"""r=["'](?:[A-Za-z]{3,}[0-9]|[A-Za-z]+[0-9]{5})""")  # past column ZZ or row 9999
CELL_ADDRESS = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
TEXT_COUNT = re.compile(rb"""uniqueCount=["']([0-9]+)""")
ERROR_TAG = re.compile(rb"""(<(?:\w+:)?c\s[^<>]*?\bt=)(?:"e"|'e')""")
ERROR_MARKS = (b't="e"', b"t='e'")
HIDDEN = re.compile(rb"""hidden\s*=\s*["'](?:1|true)["']""")
STYLE = re.compile(rb"""\ss=["']([0-9]{1,6})["']""")
ROOT = re.compile(rb"<(\w+:)?worksheet[\s>]")
PERCENT_HINT = re.compile(rb"""%|numFmtId=["'](?:9|10)["']""")
CHUNK = 1 << 22
BORDER = 4096  # longer than anything that is looked for


def xlsx_extras(archive: zipfile.ZipFile) -> tuple[list[Extras], bytes | None]:
    """What is beside the values, sheet by sheet; and the workbook anew when calamine would refuse it as it is."""
    _check_text_count(archive)
    members = _members(archive)
    percents = _percent_styles(archive)
    extras = [_sheet_extras(archive, name, member, percents) for name, member in members]
    odd = {
        member
        for (_, member), extra in zip(members, extras, strict=True)
        if not set(ERRORS.values()).issuperset(extra.errors.values())
    }
    return extras, _with_errors_as_text(archive, odd) if odd else None


def _members(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Name of each sheet and the part that holds it, in the order of the workbook."""
    targets = relations(archive, "workbook.xml")
    sheets: list[tuple[str, str]] = []

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            target = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            sheets.append((attributes.get("name", ""), targets.get(target, "")))

    for name in archive.namelist():
        if name.replace("\\", "/").lower() == "xl/workbook.xml":
            walk(archive, name, sheet)
    return sheets


def _percent_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    """Numbers of the cell styles that show a percent."""
    names = [name for name in archive.namelist() if name.replace("\\", "/").lower() == "xl/styles.xml"]
    if not names or not _has(archive, names[0], PERCENT_HINT):
        return frozenset()
    parser = _StylesParser()
    walk(archive, names[0], parser.start, parser.end)
    return frozenset(parser.percents)


def _has(archive: zipfile.ZipFile, member: str, mark: re.Pattern[bytes]) -> bool:
    chunk = b""
    with archive.open(member) as part:
        while fresh := part.read(CHUNK):
            chunk = chunk[-BORDER:] + fresh
            if mark.search(chunk):
                return True
    return False


class _StylesParser:
    def __init__(self) -> None:
        self.percents: list[int] = []
        self.shows_percent = {number: kind == "percent" for number, kind in BUILT_IN.items()}
        self.count = 0
        self.is_cell_style = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "cellXfs":
            self.is_cell_style = True
        elif tag == "numFmt" and not self.count:  # those of conditional formats come later and are no cell's own
            self.shows_percent[int(attributes["numFmtId"])] = kind_of(attributes.get("formatCode", "")) == "percent"
        elif tag == "xf" and self.is_cell_style:
            if self.shows_percent.get(int(attributes.get("numFmtId", 0))):
                self.percents.append(self.count)
            self.count += 1

    def end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "cellXfs":
            self.is_cell_style = False


def _sheet_extras(archive: zipfile.ZipFile, name: str, member: str, percents: frozenset[int]) -> Extras:
    """A quick look at the bytes; only a sheet with something to tell, no addresses or far addresses is parsed."""
    if not member:
        return Extras()
    is_odd = 0 in percents
    is_far = has_addresses = False
    chunk, prefix = b"", None
    with archive.open(member) as part:
        while fresh := part.read(CHUNK):
            chunk = chunk[-BORDER:] + fresh
            if prefix is None:
                root = ROOT.search(chunk, 0, BORDER)
                prefix = (root[1] or b"") if root else b""
                is_odd = is_odd or root is None
            is_odd = is_odd or _is_odd(chunk, prefix, percents)
            is_far = is_far or FAR_ADDRESS.search(chunk) is not None
            has_addresses = has_addresses or ADDRESS.search(chunk) is not None
    if is_odd or not has_addresses or (is_far and _rectangle(archive, member) > LIMITS.get().cells):
        parser = _SheetParser(percents)
        walk(archive, member, parser.start, parser.end, parser.text)
        parser.extra.check_size(name)
        return parser.extra
    return Extras()


def _is_odd(chunk: bytes, prefix: bytes, percents: frozenset[int]) -> bool:
    return (
        any(mark in chunk for mark in ERROR_MARKS)
        or (b"hidden" in chunk and HIDDEN.search(chunk) is not None)
        or any(mark.search(chunk) for mark in _formula_marks(prefix))
        or (bool(percents) and not percents.isdisjoint(map(int, STYLE.findall(chunk))))
    )


@cache
def _formula_marks(prefix: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """How the end of a formula looks when no value follows it; both begin with plain text, which is found fast."""
    p = re.escape(prefix)
    nothing = rb"\s*(?:</%bc>|<%bv(?:\s[^<>]*)?(?:/>|>\s*</))" % (p, p)
    return re.compile(rb"</%bf>" % p + nothing), re.compile(rb"<%bf[\s/][^<>]*/?>" % p + nothing)


def _rectangle(archive: zipfile.ZipFile, member: str) -> int:
    """Cells up to the farthest address of a large sheet, blank cells that are only formatted included."""
    columns: set[bytes] = set()
    rows = 0
    chunk = b""
    with archive.open(member) as part:
        while fresh := part.read(1 << 20):
            chunk = chunk[-40:] + fresh
            found = ADDRESS.findall(chunk)
            columns.update(column[:9] for column, _ in found)
            rows = max(rows, max((int(row[:9]) for _, row in found), default=0))
    return rows * max((_column_number(column.decode()) for column in columns), default=0)


def _check_text_count(archive: zipfile.ZipFile) -> None:
    """Calamine reserves memory for as many shared texts as the part promises."""
    for member in archive.infolist():
        if member.filename.lower().endswith("sharedstrings.xml"):
            with archive.open(member) as part:
                promised = TEXT_COUNT.search(part.read(4096))
            if promised and int(promised[1]) > member.file_size:
                raise Unreadable("corrupt", "The workbook promises more texts than it has bytes.")


class _SheetParser:
    """Finds what is beside the values and the filled rectangle. Cells without an address follow one another."""

    def __init__(self, percents: frozenset[int]) -> None:
        self.extra = Extras()
        self.percents = percents
        self.row = self.column = -1
        self.type = ""
        self.is_percent = self.is_formula = self.has_value = False
        self.value: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "c":
            self.column += 1
            if address := attributes.get("r"):
                match = CELL_ADDRESS.fullmatch(address)
                if not match:
                    raise Unreadable("corrupt", "A cell of the workbook has an address that does not exist.")
                self.column, self.row = _column_number(match[1]) - 1, int(match[2]) - 1
            self.type = attributes.get("t", "n")
            self.is_percent = self.type == "n" and int(attributes.get("s", 0)) in self.percents
            self.is_formula = self.has_value = False
        elif tag in ("v", "is"):
            self.extra.fill(self.row, self.column)
            self.has_value = self.type == "str" or tag == "is"  # an empty text is a result
            self.value = [] if self.type == "e" or self.is_formula or self.is_percent else None
        elif tag == "f":
            self.is_formula = True
        elif tag == "row":
            self.row = int(attributes.get("r", self.row + 2)) - 1
            self.column = -1
            if attributes.get("hidden") in ("1", "true"):
                self.extra.hidden_rows.add(self.row, self.row)
        elif tag == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = int(attributes.get("min", 1)), int(attributes.get("max", 1))
            self.extra.hidden_columns.add(first - 1, min(last, MOST_COLUMNS) - 1)

    def text(self, text: str) -> None:
        if self.value is not None:
            self.value.append(text)

    def end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "v" and self.value is not None:
            text = "".join(self.value).strip()
            if text and self.type == "e":
                self.extra.errors[self.row, self.column] = text
            self.has_value = self.has_value or text != ""
            self.value = None
        elif tag == "c":
            if self.is_formula and not self.has_value:
                self.extra.fill(self.row, self.column)
                self.extra.unvalued.add((self.row, self.column))
            elif self.is_percent and self.has_value:
                self.extra.percents.add((self.row, self.column))


def _column_number(letters: str) -> int:
    """A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _with_errors_as_text(archive: zipfile.ZipFile, members: set[str]) -> bytes:
    """The workbook with the error cells of some sheets turned into texts: calamine refuses errors it does not know."""
    patched = io.BytesIO()
    with zipfile.ZipFile(patched, "w") as copy:
        for name in archive.namelist():
            part = archive.read(name)
            copy.writestr(name, ERROR_TAG.sub(rb'\1"str"', part) if name in members else part)
    return patched.getvalue()
