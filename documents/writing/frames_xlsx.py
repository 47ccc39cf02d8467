"""Frames as a workbook: Russian captions as headings, rates as percents, dates as dates.

Equal frames give equal bytes: a workbook says nothing of when it was written.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format

WIDEST = 48
MADE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Every workbook says that it was made then."""


def frames_xlsx(sheets: Mapping[str, pl.DataFrame], captions: Mapping[str, str]) -> bytes:
    """A sheet a frame, in their order; headings by `captions`."""
    data = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with xlsxwriter.Workbook(data, options) as book:
        book.set_properties({"created": MADE})
        formats = {
            "heading": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
            "rate": book.add_format({"num_format": "0.0%"}),
            "date": book.add_format({"num_format": "dd.mm.yyyy"}),
            "moment": book.add_format({"num_format": "dd.mm.yyyy hh:mm"}),
        }
        for title, frame in sheets.items():
            _write_sheet(book.add_worksheet(title[:31]), frame, captions, formats)
    return data.getvalue()


def _write_sheet(sheet: Any, frame: pl.DataFrame, captions: Mapping[str, str], formats: Mapping[str, Format]) -> None:
    for column, (name, dtype) in enumerate(frame.schema.items()):
        texts = [captions.get(name, name)]
        sheet.write(0, column, texts[0], formats["heading"])
        style = formats.get(_style(name, dtype) or "")
        for row, value in enumerate(frame[name], start=1):
            shown = {True: "да", False: "нет"}[value] if isinstance(value, bool) else value
            shown = ", ".join(map(str, shown)) if isinstance(shown, list | pl.Series) else shown
            if shown is not None:
                sheet.write(row, column, shown, style)
                texts.append(str(shown)[:WIDEST])
        sheet.set_column(column, column, min(max(map(len, texts)), WIDEST) + 2)
    sheet.freeze_panes(1, 0)
    if frame.width:
        sheet.autofilter(0, 0, frame.height, frame.width - 1)


def _style(name: str, dtype: pl.DataType) -> str | None:
    if isinstance(dtype, pl.Date):
        return "date"
    if isinstance(dtype, pl.Datetime):
        return "moment"
    return "rate" if name.endswith("_rate") or name == "completeness" else None
