"""`profmin mart`: a mart as a table, csv, json or a workbook."""

from __future__ import annotations

import datetime as dt
import json
import sys
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.table import Table

from documents.mart_csv import mart_csv
from documents.mart_xlsx import mart_xlsx
from flows.intake import warehouse
from flows.settings import Settings
from flows.summary import percent, whole
from flows.tables import BANDS
from flows.terminal import console
from flows.usage import UsageError
from warehouse.query import column_captions, mart, mart_names

FORMATS = ("table", "csv", "json", "xlsx")
HIDDEN = ("position", "band_rule_version", "oktmo")
"""Columns that a table on a terminal leaves out, with the codes of what it names; the other formats have them all."""
NAMES = ("{}_name", "{}_title")
PIPE_WIDTH = 1000


def print_mart(settings: Settings, name: str, as_of: dt.date | None, known_at: dt.datetime | None, to: str) -> None:
    """Write a mart to standard output. Raises UsageError for an unknown name or format."""
    if name not in mart_names():
        raise UsageError(f"no mart is named {name!r}; there are: {', '.join(mart_names())}")
    if to not in FORMATS:
        raise UsageError(f"no format is named {to!r}; there are: {', '.join(FORMATS)}")
    if to == "xlsx" and sys.stdout.isatty():
        raise UsageError("a workbook does not go to a terminal; write it to a file: … --format xlsx > mart.xlsx")
    with warehouse(settings) as engine, engine.connect() as connection:
        frame = mart(connection, name, as_of, known_at)
    if to == "csv":
        sys.stdout.write(mart_csv(frame))
    elif to == "json":
        sys.stdout.write(json.dumps([plain(row) for row in frame.iter_rows(named=True)], ensure_ascii=False) + "\n")
    elif to == "xlsx":
        sys.stdout.buffer.write(mart_xlsx(frame, column_captions(name), name))
    else:
        print_table(frame, column_captions(name), settings.timezone)


def plain(row: dict[str, object]) -> dict[str, object]:
    """Dates and times in ISO form; numbers and texts as they are."""
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row.items()}


def print_table(frame: pl.DataFrame, captions: dict[str, str], timezone: str) -> None:
    """Rows as a table; a single row as a list of its figures. What is the same in every row is said once, below."""
    out = console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, highlight=False)
    local = ZoneInfo(timezone)
    if frame.is_empty():
        out.print("Нет строк: на эту дату витрина не публиковалась.")
        return
    if frame.height == 1:
        for name, value in frame.row(0, named=True).items():
            if name not in left_out(frame):
                out.print(f"{captions.get(name, name):<28} {cell(name, value, local)}")
        return
    left = left_out(frame)
    same = [name for name in frame.columns if name not in left and frame[name].n_unique() == 1]
    table = Table(box=None, padding=(0, 1))
    shown = [name for name in frame.columns if name not in left and name not in same]
    for name in shown:
        table.add_column(captions.get(name, name), justify="right" if frame.schema[name].is_numeric() else "left")
    for row in frame.iter_rows(named=True):
        table.add_row(*(cell(name, row[name], local) for name in shown))
    out.print(table)
    for name in same:
        out.print(f"[dim]{captions.get(name, name)}: {cell(name, frame[name][0], local)}[/dim]")


def left_out(frame: pl.DataFrame) -> set[str]:
    coded = {name for name in frame.columns for pattern in NAMES if pattern.format(name) in frame.columns}
    return coded.union(HIDDEN)


def cell(name: str, value: object, local: ZoneInfo) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(local):%d.%m.%Y %H:%M}"
    if isinstance(value, dt.date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, int | float):
        return percent(value) if name.endswith("_rate") or name == "completeness" else whole(value)
    if name == "band" or name.endswith("_band"):
        return BANDS.get(str(value), str(value))
    return str(value)
