"""Workbooks of all kinds: plain sheets of an xlsx through calamine, all others by readers of our own.

Calamine drops the text of error cells, refuses a whole workbook for one odd reference, and takes memory for the whole
rectangle of a sheet at once. So the raw sheets are looked at before it reads them, and what it refuses is read anew.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, load_workbook

from contracts.grid import Doubt, Grid, Range, Sheet, Unreadable, Value
from documents.reading.formats.extras import Extras
from documents.reading.formats.limits import LIMITS
from documents.reading.formats.number_format import EXACT
from documents.reading.formats.ods import read_ods
from documents.reading.formats.opc import DAMAGE, Package
from documents.reading.formats.xlsb import read_xlsb
from documents.reading.formats.xlsx import SheetPart, Workbook, is_plain, percent_styles, workbook_of
from documents.reading.formats.xlsx_cells import Shared, read_cells


def read_zip(data: bytes, package: Package, kind: str) -> Grid:
    """Read xlsx, xlsm, xlsb or ods; the package is the same bytes, opened."""
    try:
        if kind == "ods":
            return read_ods(package.archive)
        if kind == "xlsb":
            return read_xlsb(package)
        return read_xlsx(data, workbook_of(package), kind)
    except DAMAGE:
        raise Unreadable("corrupt", f"The {kind} workbook has a damaged part.") from None


def read_xlsx(data: bytes, book: Workbook, kind: str) -> Grid:
    """Plain sheets by calamine, the others by our own reader; all by our own when calamine refuses one."""
    plain: set[str] = set()
    if book.is_usual:
        try:
            percents = percent_styles(book)
            plain = {each.member for each in book.sheets if is_plain(book.package, each.member, percents)}
        except DAMAGE:
            plain = set()
    sheets: dict[int, Sheet] = {}
    if plain:
        try:
            sheets = by_calamine(data, book, plain, kind)
        except Unreadable as refused:
            if refused.reason != "corrupt":
                raise
    own = [place for place in range(len(book.sheets)) if place not in sheets]
    shared = book.shared() if own else Shared()
    for place in own:
        sheet = own_sheet(book, book.sheets[place], shared)
        if sheet is not None:
            sheets[place] = sheet
    return Grid([sheets[place] for place in sorted(sheets)], kind, tuple(book.notes), tuple(book.doubts))


def own_sheet(book: Workbook, about: SheetPart, shared: Shared) -> Sheet | None:
    """A sheet by our own reader. None, with a doubt, for one whose part is not there or that is hidden and damaged;
    a damaged sheet that people see raises (`opc.DAMAGE`): a part of its rows would pass for all of them."""
    if not about.member:
        book.doubts.append(Doubt("parts", f"лист «{about.name}»: его содержимого в файле нет"))
        return None
    try:
        filled, notes = read_cells(book.package, about.name, about.member, shared)
    except DAMAGE:
        if about.visible:
            raise
        book.doubts.append(Doubt("parts", f"скрытый лист «{about.name}»: повреждён"))
        return None
    book.notes += notes
    sheet, doubts = filled.sheet(visible=about.visible)
    book.doubts += doubts
    return sheet


def by_calamine(data: bytes, book: Workbook, plain: set[str], kind: str) -> dict[int, Sheet]:
    """The plain sheets by their place among those that have cells. Raises Unreadable when calamine refuses one."""
    sheets: dict[int, Sheet] = {}
    with refusals(kind):
        read = load_workbook(io.BytesIO(data))
        places = {name: place for place, name in enumerate(read.sheet_names)}
        for place, about in enumerate(book.sheets):
            if about.member in plain:
                sheet = _sheet(read, places[about.name], about)
                if sheet is not None:
                    sheets[place] = sheet
    return sheets


@contextmanager
def refusals(kind: str) -> Iterator[None]:
    """Turn the failures of calamine into Unreadable. Their texts may quote cells, so they are not passed on."""
    corrupt = Unreadable("corrupt", f"The {kind} workbook is damaged and cannot be read.")
    try:
        yield
    except PasswordError:
        raise Unreadable("encrypted", "The workbook is protected by a password.") from None
    except (CalamineError, LookupError, ValueError, OverflowError, OSError):
        raise corrupt from None
    except BaseException as error:
        # A panic of the Rust code is no Exception, and its class cannot be imported.
        if type(error).__module__ == "pyo3_runtime":
            raise corrupt from None
        raise


def _sheet(book: CalamineWorkbook, index: int, about: SheetPart) -> Sheet | None:
    """A sheet; None for one too large to be laid out whole."""
    source = book.get_sheet_by_index(index)
    if source.end is not None and (source.end[0] + 1) * (source.end[1] + 1) > LIMITS.get().cells:
        return None
    # Calamine gives every number of xlsx as float; a blank and an empty text are the same to it.
    rows: list[list[Value]] = [
        [
            value or None
            if value.__class__ is str
            else int(value)
            if value.__class__ is float and value.is_integer() and -EXACT < value < EXACT
            else value
            for value in row
        ]
        for row in source.to_python(skip_empty_area=False)
    ]
    extra = Extras()
    for (top, left), (bottom, right) in source.merged_cell_ranges or ():
        extra.merged.append(Range(top, left, bottom, right))
    return extra.sheet(about.name, rows, visible=about.visible)
