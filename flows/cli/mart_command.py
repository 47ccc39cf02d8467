"""`profmin mart`: a mart as a table, csv, json or a workbook."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.table import Table

from contracts.regions import region_named, zone_of
from contracts.vocabulary import contacts_of
from documents.writing.mart_csv import mart_csv
from documents.writing.mart_xlsx import IN_QUESTION, TooManyRows, marts_xlsx
from flows.cli.terminal import console, in_russian
from flows.home.asked_region import asked_region, asked_regions
from flows.home.bi_database import readable
from flows.home.json_output import plain
from flows.home.settings import Settings
from flows.home.shown import cell
from flows.home.usage import UsageError, in_zone, must_be_known
from flows.presentation.mart_catalogue import beside, csvw
from flows.presentation.mart_sheets import Asked, region_row, sheet_of, shown_kind, whose
from flows.presentation.on_paper import on_paper
from warehouse.marts.country import COUNTRY
from warehouse.marts.definitions import Mart
from warehouse.marts.published import column_captions, first_published, mart, mart_named, mart_names

if TYPE_CHECKING:
    from sqlalchemy import Connection

FORMATS = ("table", "csv", "json", "xlsx")
HIDDEN = ("position", "oktmo")
OF_RULE, OF_CODE = "_rule_version", "_standing"
"""Columns that a table on a terminal leaves out, with the codes of what it names; the other formats have them all."""
NAMES = ("{}_name", "{}_title")
WITH_INSTALLATION = ("incidents",)
"""Marts that have rows of no one region."""
WITH_CALLS = ("delivery_health",)
"""Marts of what senders owe, beside which an officer reads whom to call."""
CALL, OWING = "whom_to_call", ("missing", "refused")
PIPE_WIDTH = 1000
NEAREST = 6
"""How many published dates are named when a date has no publication."""


def print_mart(
    settings: Settings,
    name: str,
    as_of: dt.date | None,
    known_at: dt.datetime | None,
    format_: str | None = None,
    to: Path | None = None,
    region: str | None = None,
) -> None:
    """Write a mart of a region, of all or of the country to standard output or into a file. Raises UsageError for an
    unknown name, format or region. Beside a csv file lies what its columns are (CSVW).

    `known_at` without a zone is in the region's time. Where a region has no row, standard error says why.
    """
    chosen = asked_regions(region)
    must_be_known([name], mart_names(), "mart")
    of_country = mart_named(name).audience.kind == "country"
    if of_country and region is not None:
        raise UsageError(
            f"{name} is of the country, and no region has rows in it: leave --region out",
            f"{name} — витрина страны, у регионов в ней строк нет: спросите её без --region",
        )
    kind = format_ or (to.suffix[1:].lower() if to else "table")
    if to is not None and not kind:
        raise UsageError(
            f"the name {to.name!r} says no format: give --format, or end it in .csv, .json or .xlsx",
            f"имя «{to.name}» не говорит, какой это вид: дайте --format или окончание .csv, .json, .xlsx",
        )
    must_be_known([kind], FORMATS, "format")
    if kind == "xlsx" and to is None and sys.stdout.isatty():
        raise UsageError(
            "a workbook does not go to a terminal; write it to a file: … --to mart.xlsx",
            "книгу на экран не вывести, запишите её в файл: … --to mart.xlsx",
        )
    moment = known_at
    if known_at is not None and known_at.tzinfo is None:
        moment = in_zone(known_at, asked_region(region).zone)
    asked = Asked(as_of, moment)
    zone = zone_of(chosen[0].code if len(chosen) == 1 else None)
    with readable(settings, in_russian) as engine, engine.connect() as connection:
        frames = {each.code: mart(connection, name, as_of, moment, each.code) for each in chosen if not of_country}
        empty = [each for each in chosen if each.code in frames and frames[each.code].is_empty()]
        published = {each.code: first_published(connection, each.code) for each in empty}
        of_no_region = _of_no_region(connection, name, as_of, moment) if region is None else []
        totals = (
            {code: region_row(connection, mart_named(name), region_named(code), asked) for code in frames}
            if kind == "xlsx"
            else {}
        )
        anybody = first_published(connection) if of_country and of_no_region[0].is_empty() else None
    frame = pl.concat([*frames.values(), *of_no_region])
    captions = column_captions(name)
    if kind == "xlsx":
        put_data(_workbook(mart_named(name), frames, of_no_region, totals, asked), to)
    elif kind == "csv":
        put_data(mart_csv(frame).encode(), to)
        if to is not None and to.is_file():  # and not a device or a pipe
            described = csvw(mart_named(name), frame.columns, to.name)
            put_data(json.dumps(described, ensure_ascii=False, indent=2).encode(), to.with_name(beside(to)))
    elif kind == "json":
        text = json.dumps([plain(row) for row in frame.iter_rows(named=True)], ensure_ascii=False)
        put_data(f"{text}\n".encode(), to)
    elif to is not None:
        with to_file(to) as file:
            _print_table(name, frame, captions, zone, Console(file=file, width=PIPE_WIDTH, highlight=False))
    elif not frame.is_empty():
        out = console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, highlight=False)
        _print_table(name, frame, captions, zone, out)
    for each in empty:
        of_whom = f"{each.name}: " if len(chosen) > 1 else ""
        sys.stderr.write(f"{of_whom}{why_empty(published[each.code], as_of, moment, each.zone)}\n")
    if anybody is not None:
        sys.stderr.write(f"{why_empty(anybody, as_of, moment, zone)}\n")


def _of_no_region(
    connection: Connection, name: str, as_of: dt.date | None, known_at: dt.datetime | None
) -> list[pl.DataFrame]:
    """The rows of a mart that are of no one region: those of the country, incidents of the installation."""
    if mart_named(name).audience.kind == "country":
        return [mart(connection, name, as_of, known_at, COUNTRY)]
    if name not in WITH_INSTALLATION:
        return []
    return [mart(connection, name, as_of, known_at).filter(pl.col("region").is_null())]


def _workbook(
    definition: Mart,
    frames: Mapping[str, pl.DataFrame],
    of_no_region: list[pl.DataFrame],
    totals: Mapping[str, dict[str, Any] | None],
    asked: Asked,
) -> bytes:
    """A workbook with a sheet a region; what is of none stands on the last. Raises UsageError for too many rows."""
    if len(frames) == 1:
        ((code, frame),) = frames.items()
        only = pl.concat([frame, *of_no_region])
        sheets = [sheet_of(definition, only, region_named(code), asked, total=totals[code])]
    else:
        sheets = [
            sheet_of(definition, frame, region_named(code), asked, region_named(code).name, totals[code])
            for code, frame in frames.items()
        ]
        rest = [frame for frame in of_no_region if not frame.is_empty()]
        sheets += [sheet_of(definition, frame, None, asked, whose(definition) if frames else "") for frame in rest]
    try:
        return marts_xlsx(on_paper(sheet, definition) for sheet in sheets)
    except TooManyRows as error:
        raise UsageError(
            f"a sheet takes {error.most} rows, the mart has {error.rows}: ask for csv or for one region",
            f"на лист входит {error.most} строк, а в витрине {error.rows}: возьмите csv или один регион",
        ) from None


def put_data(data: bytes, to: Path | None) -> None:
    """Write to standard output, or into a file. Raises UsageError when that cannot be written."""
    if to is None:
        sys.stdout.buffer.write(data)
        return
    with to_file(to) as file:
        file.buffer.write(data)


@contextmanager
def to_file(path: Path) -> Iterator[TextIOWrapper]:
    """A file to write anew. Raises UsageError when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise UsageError(
            f"{str(path)!r} cannot be written: {error.strerror}", f"«{path}» не записать: {error.strerror}"
        ) from None


def why_empty(
    published: Mapping[dt.date, dt.datetime], day: dt.date | None, known_at: dt.datetime | None, zone: ZoneInfo
) -> str:
    """Why a mart has no rows: the date was not published (by then), with the nearest that were; or it has none."""
    published_by_then = sorted(date for date, at in published.items() if known_at is None or at <= known_at)
    then = f" к {known_at.astimezone(zone):%d.%m.%Y %H:%M}" if known_at else ""
    if not published:
        return "Ещё ничего не опубликовано: profmin run nightly примет файлы и опубликует витрины."
    if (day is None and published_by_then) or day in published_by_then:
        return "На эту дату здесь нет ни одной строки; дата опубликована."
    if not published_by_then:
        first = min(published.values()).astimezone(zone)
        return f"Тогда ничего ещё не было опубликовано: первая публикация — {first:%d.%m.%Y %H:%M}."
    nearest = sorted(published_by_then, key=lambda date: abs((date - (day or date)).days))[:NEAREST]
    days = ", ".join(f"{date:%Y-%m-%d}" for date in sorted(nearest))
    left = len(published_by_then) - len(nearest)
    more = f" и ещё {left} с {published_by_then[0]:%Y-%m-%d} по {published_by_then[-1]:%Y-%m-%d}" if left else ""
    later = published.get(day) if day else None
    came = f" Она опубликована позже, {later.astimezone(zone):%d.%m.%Y %H:%M}." if later else ""
    return f"Дата {day:%Y-%m-%d}{then} не опубликована.{came} Есть: {days}{more}."


def _print_table(of: str, frame: pl.DataFrame, captions: dict[str, str], local: ZoneInfo, out: Console) -> None:
    """Rows as a table; a single row as a list of its figures. What is the same in every row is said once, below."""
    if of in WITH_CALLS:
        frame, captions = _with_calls(frame), captions | {CALL: "Кому звонить"}
    definition, left = mart_named(of), _left_out(frame)
    kinds = {name: shown_kind(definition, name) for name in definition.columns}
    rows = [
        {name: cell(name, value, local, kinds.get(name, "")) for name, value in row.items() if name not in left}
        for row in frame.iter_rows(named=True)
    ]
    if len(rows) == 1:
        longest = max(len(captions.get(name, name)) for name in rows[0])
        for name, told in rows[0].items():
            out.print(f"{captions.get(name, name):<{longest}} {told}", soft_wrap=True)
        return
    same = [name for name in frame.columns if name not in left and frame[name].n_unique() == 1]
    table = Table(box=None, padding=(0, 1))
    shown = [name for name in frame.columns if name not in left and name not in same]
    for name in shown:
        table.add_column(captions.get(name, name), justify="right" if frame.schema[name].is_numeric() else "left")
    waits = frame[IN_QUESTION] if IN_QUESTION in frame.columns else repeat(None)
    for row, is_grey in zip(rows, waits, strict=False):
        table.add_row(*(row[name] for name in shown), style="bright_black" if is_grey else None)
    out.print(table)
    for name in same:
        out.print(f"[dim]{captions.get(name, name)}: {rows[0][name]}[/dim]")


def _with_calls(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows, and whom to call where something is owed; without the column where nobody is to be called."""
    rows = frame.select("sender", "status").iter_rows()
    calls = ["; ".join(contacts_of(sender)) if status in OWING else None for sender, status in rows]
    return frame.with_columns(pl.Series(CALL, calls, dtype=pl.String)) if any(calls) else frame


def _left_out(frame: pl.DataFrame) -> set[str]:
    """Columns that a table for people does without."""
    coded = {name for name in frame.columns for pattern in NAMES if pattern.format(name) in frame.columns}
    return coded.union(HIDDEN, (name for name in frame.columns if name.endswith((OF_RULE, OF_CODE))))
