"""Tables kept as text (csv, tsv, txt): what was decided in reading them stands in notes, what is unsure in doubts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

from contracts.grid import Doubt, Grid, Sheet, Unreadable, Value
from documents import html_table
from documents.dialect import dialect_of
from documents.encoding import decoded
from documents.html_text import is_page
from documents.text_records import Dialect, all_records

MARKUP = (
    (("<?xml", "<workbook"), "XML; it may be saved again as xlsx"),
    (("mime-version:",), "a saved web page"),
)
ONE_COLUMN = Dialect("\t")
NAMED_ROWS = 10
"""How many rows a doubt names."""
TABLE = 3
"""Records of one width in a row that make a table of their own."""


def read(stem: str, data: bytes) -> Grid:
    """Read a text, or the tables of a web page, as one sheet named after the file."""
    text, encoding, doubts = decoded(data)
    if is_page(text):
        return html_table.read(stem, data, text, encoding, doubts)
    _refuse_markup(text)
    dialect, begin, unsure = dialect_of(text)
    records, odd = all_records(text[begin:], dialect or ONE_COLUMN)
    notes = [f"encoding {encoding}", separator_note(dialect)]
    if odd:
        notes.append(f"odd quotation marks in {len(odd)} records")
    rows: list[list[Value]] = [[field or None for field in record] for record in records]
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    return Grid([Sheet(stem, rows)], "csv", tuple(notes), (*doubts, *unsure, *uneven(records, odd)))


def separator_note(dialect: Dialect | None) -> str:
    if dialect is None:
        return "no separator"
    return f"separator {'tab' if dialect.separator == chr(9) else repr(dialect.separator)}"


def uneven(records: list[list[str]], odd: list[int]) -> tuple[Doubt, ...]:
    """The doubt about records that were read with odd quotation marks or do not have the columns of their table.

    Records with one filled cell are titles and notes. Where several tables stand in a file, each has its own width.
    """
    found = set(odd)
    if len(set(map(len, records))) > 1:
        sizes = [len(record) if sum(map(bool, record)) > 1 else 0 for record in records]
        usual = widths_of_tables(sizes)
        filled = {width: last_filled(record for record in records if len(record) == width) for width in usual}
        found |= {
            place
            for place, size in enumerate(sizes)
            if size and size not in usual and not any(filled[width] <= size <= width for width in usual)
        }
    if not found:
        return ()
    places = sorted(found)
    named = ", ".join(str(place + 1) for place in places[:NAMED_ROWS])
    more = f" и ещё {len(places) - NAMED_ROWS}" if len(places) > NAMED_ROWS else ""
    return (Doubt("records", f"{'строка' if len(places) == 1 else 'строки'} {named}{more}"),)


def widths_of_tables(sizes: list[int]) -> set[int]:
    """The widths of the tables: of records alike that are many, or that stand alone between titles (0)."""
    found = set()
    for has_fields, block in groupby(sizes, key=bool):
        tables = [list(group) for _, group in groupby(block)] if has_fields else []
        found |= {table[0] for table in tables if len(table) >= (TABLE if len(tables) > 1 else 2)}
    return found or {Counter(filter(None, sizes)).most_common(1)[0][0]} if any(sizes) else set()


def last_filled(records: Iterable[list[str]]) -> int:
    """How many columns there are up to the last one with anything in it."""
    return max((place + 1 for record in records for place, field in enumerate(record) if field), default=0)


def _refuse_markup(text: str) -> None:
    start = text[:1000].lstrip().lower()
    for openings, what in MARKUP:
        if start.startswith(openings):
            raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")
