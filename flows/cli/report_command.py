"""`profmin report`: the marts of a region or a unit in one workbook; `profmin mart --matrix`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

from rich.console import Console

from contracts.vocabulary import reporting_units
from documents.writing.mart_csv import mart_csv
from flows.cli.mart_command import PIPE_WIDTH, put_data, to_file
from flows.cli.terminal import console, in_russian
from flows.home.asked_region import asked_region
from flows.home.bi_database import readable
from flows.home.json_output import plain
from flows.home.settings import Settings
from flows.home.usage import UsageError, in_zone, must_be_known
from flows.presentation.figure_matrix import Matrix
from flows.presentation.mart_sheets import Asked
from flows.presentation.officer_report import make_report
from warehouse.marts.matrix import figures_of, matrix
from warehouse.marts.published import latest, mart_names

MATRIX_FORMATS = ("table", "csv", "json", "xlsx")


def write_report(
    settings: Settings, unit: str | None, as_of: dt.date | None, known_at: dt.datetime | None, to: Path | None,
    region: str | None,
) -> None:  # fmt: skip
    """Write a report into a file, and say where. Raises UsageError for an unknown unit, and without publication."""
    chosen = asked_region(region)
    units = {
        row["reporting_unit"]: row["name"]
        for row in reporting_units(as_of or dt.date.max, chosen.code).iter_rows(named=True)
    }
    must_be_known([unit] if unit else [], sorted(units), "unit")
    asked = Asked(as_of, in_zone(known_at, chosen.zone) if known_at else None)
    with readable(settings, in_russian) as engine, engine.connect() as connection:
        day = latest(connection, chosen.code, asked.as_of, asked.known_at)
        if day is None:
            raise UsageError(
                "nothing of that date was published (by then): profmin mart readiness_region says what there is",
                "за эту дату (к этому времени) ничего не опубликовано; что есть, скажет profmin mart readiness_region",
            )
        name = units[unit] if unit else chosen.name
        data = make_report(connection, chosen, unit, name, Asked(day, asked.known_at))
    file = to or Path(f"Отчёт {name} {day:%Y-%m-%d}.xlsx")
    put_data(data, file)
    console(error=True).print(f"Отчёт на {day:%d.%m.%Y}: {file}", soft_wrap=True, highlight=False)


def print_matrix(
    settings: Settings, name: str, figure: str, as_of: dt.date | None, known_at: dt.datetime | None,
    format_: str | None, to: Path | None, region: str | None,
) -> None:  # fmt: skip
    """Write a figure as of each date and as known at each publication. Raises UsageError for unknown names."""
    chosen = asked_region(region)
    must_be_known([name], mart_names(), "mart")
    must_be_known([figure], figures_of(name), "figure")
    kind = format_ or (to.suffix[1:].lower() if to else "table")
    must_be_known([kind], MATRIX_FORMATS, "format")
    moment = in_zone(known_at, chosen.zone) if known_at else None
    with readable(settings, in_russian) as engine, engine.connect() as connection:
        cells = matrix(connection, name, figure, chosen.code, as_of, moment)
    found = Matrix(name, figure, chosen, cells)
    if kind == "xlsx":
        if to is None and sys.stdout.isatty():
            raise UsageError(
                "a workbook does not go to a terminal; write it to a file: … --to matrix.xlsx",
                "книгу на экран не вывести, запишите её в файл: … --to matrix.xlsx",
            )
        put_data(found.workbook(), to)
    elif kind == "csv":
        put_data(mart_csv(cells).encode(), to)
    elif kind == "json":
        rows = [plain(row) for row in cells.iter_rows(named=True)]
        put_data(f"{json.dumps(rows, ensure_ascii=False)}\n".encode(), to)
    elif to is not None:
        with to_file(to) as file:
            Console(file=file, width=PIPE_WIDTH, highlight=False).print(found.table())
    else:
        out = console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, highlight=False)
        out.print(found.table())
