"""A frame as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import polars as pl

FORMULA = r"^[=+\-@\t\r]"
"""How a text begins that Excel, LibreOffice and Google Sheets take for a formula, quoted or not."""


def mart_csv(frame: pl.DataFrame) -> str:
    """The rows with their heading. A text that could be a formula gets an apostrophe before it, by which spreadsheets
    take it for text; numbers and dates stay as they are. (OWASP, CSV Injection.)"""
    texts = pl.col(pl.String)
    safe = frame.with_columns(pl.when(texts.str.contains(FORMULA)).then("'" + texts).otherwise(texts).name.keep())
    return safe.write_csv()
