"""A figure as of each date and as known at each publication, as a workbook: what changed is marked."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence

import xlsxwriter

from documents.writing.frames_xlsx import MADE
from documents.writing.mart_xlsx import CELL, HEADING, formats_of, put, set_page, write_title

CHANGED = {"bg_color": "#FFEB9C", "bold": True}
LEGEND = (
    "Строка — дата, за которую цифра; столбец — публикация. Выделено: прежняя публикация знала другую цифру."
    " Пусто: цифры не было или дату тогда не публиковали."
)
TO_THE_SECOND = "dd.mm.yyyy hh:mm:ss"


def matrix_xlsx(
    title: str,
    lines: Sequence[str],
    moments: Sequence[dt.datetime],
    rows: Mapping[dt.date, Mapping[dt.datetime, tuple[float | None, bool]]],
    kind: str,
) -> bytes:
    """A sheet with a row a date and a column a publication; `rows` has figures and whether they changed. `moments` are
    shown as they are, without a zone."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"constant_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": MADE})
        formats = formats_of(book)
        sheet = book.add_worksheet("Матрица")
        top = write_title(sheet, title, [*lines, LEGEND], formats)
        put(sheet, top, 0, "На дату", formats(**HEADING))
        sheet.set_column(0, 0, 12)
        sheet.set_column(1, max(1, len(moments)), 20)
        for place, moment in enumerate(moments, start=1):
            put(sheet, top, place, moment, formats(**HEADING, num_format=TO_THE_SECOND), "момент")
        for row, (day, cells) in enumerate(rows.items(), start=top + 1):
            put(sheet, row, 0, day, formats("дата", **CELL, align="center"), "дата")
            for place, moment in enumerate(moments, start=1):
                value, is_changed = cells.get(moment, (None, False))
                put(sheet, row, place, value, formats(kind, **CELL, **(CHANGED if is_changed else {})))
        sheet.freeze_panes(top + 1, 1)
        sheet.repeat_rows(top)
        sheet.repeat_columns(0)
        set_page(sheet, title)
    return data.getvalue()
