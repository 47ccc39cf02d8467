"""The before/after report of a backfill as a workbook: a sheet a question."""

from __future__ import annotations

import io
from collections.abc import Mapping

import polars as pl
import xlsxwriter

WIDEST = 60


def backfill_xlsx(sheets: Mapping[str, pl.DataFrame], captions: Mapping[str, str]) -> bytes:
    """One sheet for each frame, in their order; headings by `captions`, the first row stays in sight."""
    data = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with xlsxwriter.Workbook(data, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        moment = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        for title, frame in sheets.items():
            sheet = book.add_worksheet(title[:31])
            for column, (name, dtype) in enumerate(frame.schema.items()):
                heading = captions.get(name, name)
                sheet.write(0, column, heading, bold)
                style = day if dtype == pl.Date else moment if isinstance(dtype, pl.Datetime) else None
                width = len(heading)
                for row, value in enumerate(frame[name], start=1):
                    if value is not None:
                        sheet.write(row, column, value, style)
                        width = max(width, min(len(str(value)), WIDEST))
                sheet.set_column(column, column, width + 2)
            sheet.freeze_panes(1, 0)
            if frame.width:
                sheet.autofilter(0, 0, max(frame.height, 1), frame.width - 1)
    return data.getvalue()
