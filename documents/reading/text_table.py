"""Tables kept as text (csv, tsv, txt): what was decided in reading them stands in notes, what is unsure in doubts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import groupby

from contracts.grid import Doubt, Grid, Sheet, Unreadable, Value
from documents.reading.formats import html_table, xml_2003
from documents.reading.formats.dialect import dialect_of
from documents.reading.formats.encoding import decoded
from documents.reading.formats.html_text import is_page
from documents.reading.formats.kinds import not_a_table, refuse_pointer
from documents.reading.formats.ods import read_flat
from documents.reading.formats.opc import DAMAGE
from documents.reading.formats.text_records import Dialect, all_records

FLAT = re.compile(r"<office:document[\s>]")
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
    refuse_pointer(text)
    if markup := _markup(data, text):
        return markup
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
    """The note of the separator that was chosen."""
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
        usual = _widths_of_tables(sizes)
        filled = {width: _last_filled(record for record in records if len(record) == width) for width in usual}
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


def _widths_of_tables(sizes: list[int]) -> set[int]:
    """The widths of the tables: of records alike that are many, or that stand alone between titles (0)."""
    widths = set()
    for has_fields, block in groupby(sizes, key=bool):
        tables = [list(group) for _, group in groupby(block)] if has_fields else []
        widths |= {table[0] for table in tables if len(table) >= (TABLE if len(tables) > 1 else 2)}
    return widths or {Counter(filter(None, sizes)).most_common(1)[0][0]} if any(sizes) else set()


def _last_filled(records: Iterable[list[str]]) -> int:
    """How many columns there are up to the last one with anything in it."""
    return max((place + 1 for record in records for place, field in enumerate(record) if field), default=0)


def _markup(data: bytes, text: str) -> Grid | None:
    """The grid of a workbook that is one XML file. Raises Unreadable for other XML."""
    try:
        if xml_2003.is_xml_2003(text):
            return xml_2003.read(data, text)
        if FLAT.search(text, 0, 4096):
            return read_flat(data)
    except DAMAGE:
        raise Unreadable("corrupt", "The XML workbook is damaged; it may have been cut off.") from None
    if text[:1000].lstrip().lower().startswith("<?xml"):
        raise not_a_table("XML that is no workbook", "markup")
    return None
