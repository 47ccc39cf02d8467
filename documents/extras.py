"""What the raw parts of a workbook say beside its values, and the sheet that comes of both."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from contracts.grid import CellError, Place, Range, Sheet, Unreadable, Value
from documents.limits import LIMITS

MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14  # the largest sheet of Excel and of LibreOffice
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
CHUNK = 1 << 22  # expat begins an unfinished tag or comment anew with each piece of it


class Spans:
    """Numbers of rows or columns as first and last of each run: a workbook hides a million rows in one word."""

    def __init__(self) -> None:
        self.runs: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        if self.runs and self.runs[-1][1] + 1 == first <= last:
            first = self.runs.pop()[0]
        self.runs.append((first, last))

    def below(self, limit: int) -> frozenset[int]:
        """The numbers from 0 up to `limit`."""
        numbers: set[int] = set()
        done = 0
        for first, last in sorted(self.runs):
            numbers.update(range(max(first, done), min(last + 1, limit)))
            done = max(done, last + 1)
        return frozenset(numbers)


@dataclass
class Extras:
    """What the raw sheet says beside the values, and the size of the filled rectangle. All numbers are zero-based."""

    errors: dict[Place, str] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    percents: set[Place] = field(default_factory=set)
    unvalued: set[Place] = field(default_factory=set)
    hidden_rows: Spans = field(default_factory=Spans)
    hidden_columns: Spans = field(default_factory=Spans)
    values: dict[Place, Value] = field(default_factory=dict)
    """Values that calamine gets wrong or passes over."""
    rows: int = 0
    columns: int = 0

    def fill(self, row: int, column: int) -> None:
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)

    def check_size(self, name: str) -> None:
        is_larger = self.rows > MOST_ROWS or self.columns > MOST_COLUMNS
        if is_larger or self.rows * self.columns > LIMITS.get().cells:
            raise Unreadable("too_large", f"Sheet {name!r} spans {self.rows} rows and {self.columns} columns.")

    def sheet(self, name: str, rows: list[list[Value]], *, visible: bool) -> Sheet:
        """The sheet of these values and of what is known beside them.

        Blank rows at the end are dropped; every place of `percents` and `unvalued` lies within the rows. What is
        hidden to the right of and below all of it is not told.
        """
        self._place(rows)
        last = max((row for row, _ in self.unvalued), default=-1)
        while len(rows) > last + 1 and all(value is None for value in rows[-1]):
            rows.pop()
        width = max(map(len, rows), default=0)
        merged = sorted(set(self.merged), key=lambda m: (m.first_row, m.first_column, m.last_row, m.last_column))
        return Sheet(
            name,
            rows,
            merged,
            visible,
            self.hidden_rows.below(len(rows)),
            self.hidden_columns.below(width),
            frozenset(self.percents),
            frozenset(self.unvalued),
        )

    def _place(self, rows: list[list[Value]]) -> None:
        for places in (self.errors, self.values, self.unvalued):
            for r, c in places:
                rows.extend([] for _ in range(r + 1 - len(rows)))
                rows[r].extend(None for _ in range(c + 1 - len(rows[r])))
        for (r, c), text in self.errors.items():
            rows[r][c] = CellError(text)
        for (r, c), value in self.values.items():
            rows[r][c] = value
        for r, c in self.unvalued:
            rows[r][c] = None


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """Member of the archive for each relation that the part `part` of `xl` has; empty for one that is not there."""
    parts = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
    targets: dict[str, str] = {}

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag.endswith("Relationship"):
            path = posixpath.normpath(posixpath.join("/xl", attributes.get("Target", "")))
            targets[attributes.get("Id", "")] = parts.get(path.lstrip("/").lower(), "")

    if member := parts.get(f"xl/_rels/{part}.rels"):
        walk(archive, member, relation)
    return targets


def walk(
    archive: zipfile.ZipFile,
    member: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Stream a part through expat. A spreadsheet needs no DTD, and entity bombs do: it is refused."""

    def refuse(*_: object) -> None:
        raise Unreadable("corrupt", "The workbook declares XML entities, which no spreadsheet program writes.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    with archive.open(member) as part:
        while chunk := part.read(CHUNK):
            parser.Parse(chunk)
        parser.Parse(b"", True)
