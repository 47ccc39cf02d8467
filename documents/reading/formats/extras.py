"""What the raw parts of a workbook say beside its values, and the sheet that comes of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from contracts.grid import Place, Range, Sheet, Unreadable, Value, is_blank

MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14  # the largest sheet of Excel and of LibreOffice
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
CHUNK = 1 << 22  # expat begins an unfinished tag or comment anew with each piece of it


class Spans:
    """Numbers of rows or columns as first and last of each run: a workbook hides a million rows in one word."""

    def __init__(self) -> None:
        self.runs: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Take a run in, from its first number to its last."""
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
    """What the raw sheet says beside the values. All numbers are zero-based."""

    merged: list[Range] = field(default_factory=list)
    percents: set[Place] = field(default_factory=set)
    unvalued: set[Place] = field(default_factory=set)
    hidden_rows: Spans = field(default_factory=Spans)
    hidden_columns: Spans = field(default_factory=Spans)

    def sheet(self, name: str, rows: list[list[Value]], *, visible: bool) -> Sheet:
        """The sheet of these values and of what is known beside them.

        Rows at the end that show nothing are dropped, and so are columns at the right that have white space alone;
        every place of `percents` and `unvalued` lies within the rows. What is hidden to the right of and below all of
        it is not told.
        """
        last = max((row for row, _ in self.unvalued), default=-1)
        while len(rows) > last + 1 and all(map(is_blank, rows[-1])):
            rows.pop()
        width = max(map(len, rows), default=0)
        if _ends_in_white_space(rows, width):
            width = 1 + max((c for row in rows for c, value in enumerate(row) if not is_blank(value)), default=-1)
            width = max(width, 1 + max((column for _, column in self.unvalued), default=-1))
            for row in rows:
                del row[width:]
        merged = sorted(sound(self.merged), key=lambda m: (m.first_row, m.first_column, m.last_row, m.last_column))
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


def sound(merged: Iterable[Range]) -> set[Range]:
    """The ranges with their corners in order, once each; those of one cell or past the end of a sheet are none."""
    ranges = set()
    for area in merged:
        top, bottom = sorted((area.first_row, area.last_row))
        left, right = sorted((area.first_column, area.last_column))
        if (top, left) != (bottom, right) and bottom <= MOST_ROWS and right <= MOST_COLUMNS:
            ranges.add(Range(top, left, bottom, right))
    return ranges


def _ends_in_white_space(rows: list[list[Value]], width: int) -> bool:
    """Is the last column there only for white space?"""
    last = [row[-1] for row in rows if len(row) == width and row and row[-1] is not None]
    return bool(last) and all(map(is_blank, last))


def walk(
    stream: IO[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
    encoding: str | None = None,
) -> None:
    """Stream XML through expat and close it, in the encoding that it names if no other is given.

    A spreadsheet needs no DTD, and entity bombs do: it is refused.
    """

    def refuse(*_: object) -> None:
        raise Unreadable("corrupt", "The workbook declares XML entities, which no spreadsheet program writes.")

    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    with stream:
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk)
    parser.Parse(b"", True)
