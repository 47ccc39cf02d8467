"""The records of a text: csv reads what is written by its rules, the rest is read with the fewest odd quotation marks.

A record that csv's strict rules reject is cut at every separator; then pieces are joined into quoted fields again, so
that it gets as many fields as its neighbours. It is reported as odd, because another reading may have been meant.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from contracts.grid import Unreadable

FIELD_LIMIT = csv.field_size_limit()
"""The longest field in characters."""
LINES_OF_RECORD = 20
"""How many lines a record with odd quotation marks may have."""
PIECES_OF_RECORD = 5000
STRAY_MARKS = 6
"""How many odd marks inside one quoted field are looked at."""
LITERAL = 3  # an opening mark that is taken for text is odder than a stray mark inside a quoted field
SEPARATED, MARK, BACKSLASH = "\ufdd0", "\ufdd1", "\ufdd2"
"""What stands for a separator of several characters, an escaped mark, an escaped backslash: never in a Unicode text."""


@dataclass(frozen=True)
class Dialect:
    """How a text is divided. `widths` are the usual numbers of fields of its records, the most usual first."""

    separator: str
    quote: str = '"'
    escaped: bool = False
    widths: tuple[int, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether polars knows the dialect."""
        return len(self.separator) == 1 and not self.escaped

    @property
    def delimiter(self) -> str:
        """The one character that csv divides by."""
        return self.separator if len(self.separator) == 1 else SEPARATED

    def reader(self, lines: Iterable[str], strict: bool = True) -> Iterator[list[str]]:
        """The records of encoded lines, by csv. Raises csv.Error for odd marks when strict."""
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=strict)

    def encoded(self, text: str) -> str:
        """The text with one character for each separator and each escaped character."""
        if self.is_plain:
            return text
        if any(mark in text for mark in (SEPARATED, MARK, BACKSLASH)):
            raise Unreadable("corrupt", "The text has characters that no text may have.")
        if self.escaped:
            text = text.replace("\\\\", BACKSLASH).replace("\\" + self.quote, MARK)
        return text if len(self.separator) == 1 else text.replace(self.separator, SEPARATED)

    def decoded(self, record: list[str]) -> list[str]:
        """The fields of an encoded record as they stand in the text."""
        if self.is_plain:
            return record
        record = [field.replace(SEPARATED, self.separator) for field in record]
        if self.escaped:
            return [field.replace(MARK, self.quote).replace(BACKSLASH, "\\") for field in record]
        return record


def all_records(text: str, dialect: Dialect) -> tuple[list[list[str]], list[int]]:
    """The records of a text and the places of the odd ones. Raises Unreadable for a field without end."""
    try:
        whole = [dialect.decoded(record) for record in dialect.reader(io.StringIO(dialect.encoded(text), newline=""))]
        if max(text.count("\n"), text.count("\r")) <= len(whole):
            return whole, []
        return whole, [place for place, record in enumerate(whole) if _is_several(record, dialect)]
    except csv.Error:
        pass
    mended = list(records(io.StringIO(text, newline=""), dialect))
    return [record for record, _ in mended], [place for place, (_, is_odd) in enumerate(mended) if is_odd]


def records(lines: Iterable[str], dialect: Dialect) -> Iterator[tuple[list[str], bool]]:
    """The records of lines (with their ends) one by one, and whether a record is odd."""
    source = Lines(map(dialect.encoded, lines))
    reader = dialect.reader(source)
    last = 0
    while True:
        source.taken.clear()
        try:
            record, is_odd = next(reader), False
        except StopIteration:
            return
        except csv.Error:
            widths = sorted(dialect.widths, key=lambda width: width != last)
            record, is_odd = source.mended(replace(dialect, widths=tuple(widths))), True
            if any(len(field) > FIELD_LIMIT for field in record):
                raise Unreadable("corrupt", f"The text has a field of more than {FIELD_LIMIT} characters.") from None
        last, record = len(record), dialect.decoded(record)
        yield record, is_odd or (len(source.taken) > 1 and _is_several(record, dialect))


class Lines:
    """Lines that can be put back. `taken` are those given since it was cleared."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.waiting: list[str] = []
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.waiting.pop() if self.waiting else next(self.lines)
        self.taken.append(line)
        return line

    def mended(self, dialect: Dialect) -> list[str]:
        """The odd record that begins with the lines taken; the lines after it are put back."""
        self.waiting += reversed(self.taken)
        self.taken.clear()
        text = next(self)
        for _ in range(LINES_OF_RECORD):
            for width in dialect.widths:
                record = joined(text, dialect, width)
                if record is not None:
                    return record
            line = next(self, None)
            if line is None:
                break
            text += line
            if _is_record(line, dialect):
                break
        first, *others = self.taken
        self.waiting += reversed(others)
        record = joined(first, dialect, None) if dialect.widths else None
        return record or next(dialect.reader([first], strict=False), [])


def _is_several(record: list[str], dialect: Dialect) -> bool:
    """Whether a record of several lines may be several records between two stray marks: its ends look like records."""
    places = [place for place, field in enumerate(record) if "\n" in field or "\r" in field]
    if not places:
        return False
    first, last = record[places[0]].splitlines()[0], record[places[-1]].splitlines()[-1]
    before = places[0] + 1 + first.count(dialect.separator)
    after = len(record) - places[-1] + last.count(dialect.separator)
    return before in dialect.widths and after >= min(dialect.widths) > 1


def _is_record(line: str, dialect: Dialect) -> bool:
    """Whether the line alone is a record like the others."""
    try:
        return len(next(dialect.reader([line]))) in dialect.widths
    except csv.Error:
        return False


def joined(text: str, dialect: Dialect, width: int | None) -> list[str] | None:
    """The record with the fewest odd marks that has so many fields (any number for None); None if there is none."""
    quote, delimiter = dialect.quote, dialect.delimiter
    text = text.rstrip("\r\n")
    pieces = text.split(delimiter)
    if len(pieces) > PIECES_OF_RECORD or (width is not None and len(pieces) < width):
        return None
    # best[i][n]: the odd marks of the first i pieces made into n fields, where the last field begins, and the field
    best: list[dict[int, tuple[int, int, str]]] = [{} for _ in range(len(pieces) + 1)]
    best[0][0] = (0, 0, "")
    for start, piece in enumerate(pieces):
        if not best[start]:
            continue
        for end, oddness, field in _fields_from(pieces, start, piece, quote, delimiter):
            for count, (before, _, _) in best[start].items():
                key = count + 1 if width is not None else 0
                rival = best[end].get(key)
                if (width is None or key <= width) and (rival is None or before + oddness < rival[0]):
                    best[end][key] = (before + oddness, start, field)
    count, place = (width or 0), len(pieces)
    if count not in best[place]:
        return None
    record = []
    while place:
        _, place_before, field = best[place][count]
        record.append(field)
        place, count = place_before, count - 1 if width is not None else 0
    return record[::-1]


def _fields_from(
    pieces: list[str], start: int, piece: str, quote: str, delimiter: str
) -> Iterator[tuple[int, int, str]]:
    """Each field that may begin with this piece: the place after it, its odd marks, its text."""
    is_open = piece.startswith(quote)
    if "\n" not in piece and "\r" not in piece:
        yield start + 1, LITERAL if is_open else 0, piece
    if not is_open:
        return
    marks = -1
    for end in range(start, len(pieces)):
        marks += pieces[end].replace(quote * 2, "").count(quote)
        closed = pieces[end].rstrip(" ")
        if closed.endswith(quote) and (end > start or len(closed) > 1):
            field = delimiter.join(pieces[start : end + 1]).rstrip(" ")[1:-1]
            spaces = closed != pieces[end]
            yield end + 1, field.replace(quote * 2, "").count(quote) + spaces, field.replace(quote * 2, quote)
        if marks > STRAY_MARKS:
            return
