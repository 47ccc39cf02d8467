"""A frame as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import polars as pl

FORMULA = r"^[=+\-@\t\r]"
"""How a text begins that Excel, LibreOffice and Google Sheets take for a formula, quoted or not."""

INNER = r"(?s)(.[;\t\r\n])([=+\-@])"
"""The same after what ends a cell for a spreadsheet of another separator: that of Russian settings is «;», and it does
not heed the quotation marks around our cell when they do not begin its own."""


def mart_csv(frame: pl.DataFrame) -> str:
    """The rows with their heading. A text that could be a formula gets an apostrophe before it, by which spreadsheets
    take it for text; numbers and dates stay as they are. (OWASP, CSV Injection.)"""
    texts = pl.col(pl.String)
    inner = texts.str.replace_all(INNER, "${1}'${2}")
    safe = frame.with_columns(pl.when(texts.str.contains(FORMULA)).then("'" + inner).otherwise(inner).name.keep())
    return safe.write_csv()
