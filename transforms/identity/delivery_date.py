"""For which date a delivery is, and which sheets of a workbook are of it: a sheet a week is read as the newest."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence

from contracts.due import due_on, month_owed
from contracts.form import Form
from contracts.grid import Sheet
from contracts.reading import Finding
from contracts.rules import AS_OF_UNKNOWN, MONTH_JUST_BEGUN, OLDER_SHEETS, SCHOOL_YEAR_DIFFERS, YEAR_TO_COME
from contracts.texts.spans import span_words
from contracts.vocabulary import academic_year
from transforms.cells.cell import cell_text
from transforms.cells.day import MONTHS, date
from transforms.cells.key import key
from transforms.findings.finding import finding
from transforms.headings.header import Heading
from transforms.headings.row_kind import mark_of
from transforms.identity.whose import contradiction
from transforms.tables.find import lines_above
from transforms.tables.origin import (
    FIRST_MONTH,
    MONTH_OF_NEXT_YEAR,
    as_of_in,
    as_of_in_name,
    date_of,
    in_force_from,
    month_ends_in,
    months_in,
    names_of,
    real_date,
    school_years_in,
    school_years_of,
)

Headings = list[tuple[Sheet, Heading]]
SHORT_DAY = re.compile(rf"(?<![\d.])(\d{{1,2}})(?:[._](\d{{1,2}})|\s+({'|'.join(MONTHS)}))(?![\d.])")
KEYS = ("school_code", "school_name", "short_name", "reporting_unit", "full_name")
"""Columns that say whose a row is."""
FEWEST_CELLS = 3
OF_A_YEAR = ("academic_year", "month")
"""Periods of documents that hold within their academic year."""


def date_of_delivery(
    form: Form,
    file: str,
    titles: list[list[str]],
    sheet_day: dt.date | None,
    asked: dt.date | None,
    answered: dt.date | None = None,
) -> tuple[dt.date | None, list[Finding]]:
    """The as-of date; it is refused when it is nowhere, or not the same everywhere.

    What states none is of the day from which it holds, if it says that; of a form of months the last day of the only
    one that is named with its year; else of the date that our own receipt in it `answered`: a receipt may come back
    under any name, and the date may have stood in the name alone.
    """
    stated = [
        (place, day)
        for place, day in (
            ("в таблице", as_of_in(titles)),
            ("в имени листа", sheet_day),
            ("в имени файла", as_of_in_name(file)),
            ("в параметре --as-of", asked),
        )
        if day is not None
    ]
    if len({day for _, day in stated}) > 1:
        return stated[0][1], [contradiction("Дата указана", [(place, f"{day:%d.%m.%Y}") for place, day in stated])]
    day = stated[0][1] if stated else in_force_from(titles) or _of_month(form, file, titles) or answered
    return (day, []) if day is not None else (None, [finding(AS_OF_UNKNOWN)])


def _of_month(form: Form, file: str, titles: list[list[str]]) -> dt.date | None:
    """The last day of the month that a form of months is of, where titles and the name of the file name but one."""
    if form.period != "month":
        return None
    months = month_ends_in([*(text for line in titles for text in line), names_of(file)[0]])
    return months.pop() if len(months) == 1 else None


def newest_tables(
    headings: Headings, file: str, asked: dt.date | None
) -> tuple[Headings, dt.date | None, list[Finding]]:
    """Of sheets with the same table for different dates only those of the newest, its date if a sheet's name says it.

    The date of a sheet stands over its table; where that is the same on all, in its name. The newest is read when all
    that the older sheets name is on it too, with a warning; else the delivery is refused with the dates. Sheets of one
    date, or without one, are all read.
    """
    sheets = {id(sheet): sheet for sheet, _ in headings}
    if len(sheets) < 2:
        return headings, None, []
    above = {
        place: day
        for place, sheet in sheets.items()
        if (
            day := as_of_in(
                line
                for own_sheet, heading in headings
                if own_sheet is sheet
                for line in lines_above(own_sheet, heading)
            )
        )
    }
    stated_days = [*above.values(), as_of_in_name(file), asked]
    year = next((day.year for day in stated_days if day is not None), None)
    named = {place: day for place, sheet in sheets.items() if (day := day_in_sheet_name(sheet.name, year))}
    by_name = len(set(above.values())) < 2 and len(named) > 1
    days = named if by_name else above
    if len(set(days.values())) < 2:
        return headings, None, []
    newest = max(days.values())
    older = [place for place, day in days.items() if day < newest]
    sheet_days = [(f"лист «{sheets[place].name}»", f"{days[place]:%d.%m.%Y}") for place in sheets if place in days]
    kept = [(sheet, heading) for sheet, heading in headings if id(sheet) not in older]
    current = _names_on((sheet, heading) for sheet, heading in kept if id(sheet) in days)
    if not _names_on((sheet, heading) for sheet, heading in headings if id(sheet) in older) <= current:
        return headings, None, [contradiction("Дата указана", sheet_days)]
    shown = ", ".join(f"{sheet} — {day}" for sheet, day in sheet_days)
    return kept, newest if by_name else None, [finding(OLDER_SHEETS, value=shown, expected=f"{newest:%d.%m.%Y}")]


def day_in_sheet_name(name: str, year: int | None) -> dt.date | None:
    """The date in the name of a sheet, the last of several; without a year it is of the year given."""
    whole = as_of_in_name(f"{name}.xlsx") or date_of(name)
    if whole is not None or year is None:
        return whole
    days = [
        day
        for match in SHORT_DAY.finditer(" ".join(name.lower().split()))
        if (day := real_date(year, int(match[2]) if match[2] else MONTHS[match[3]], int(match[1])))
    ]
    return days[-1] if days else None


def _names_on(tables: Iterable[tuple[Sheet, Heading]]) -> set[str]:
    """Keys of what the rows of tables name, but for totals and notes."""
    keys: set[str] = set()
    for sheet, heading in tables:
        named = dict.fromkeys((*KEYS, *(part.marked for part in heading.form.grain)))
        places = [heading.columns[name] for name in named if name in heading.columns]
        for r in heading.below(sheet):
            row = sheet.rows[r]
            if sum(value is not None and value != "" for value in row) < FEWEST_CELLS:
                continue
            texts = [text for c in places if c < len(row) and (text := cell_text(row[c]))]
            if not any(mark_of(text) for text in texts):
                keys.update(map(key, texts))
    return keys


def _texts_about(file: str, titles: list[list[str]], headings: Sequence[tuple[Sheet, Heading]]) -> list[str]:
    """What may say of which time a document is: its titles, the names of its sheets and of its file."""
    return [*(text for line in titles for text in line), *(sheet.name for sheet, _ in headings), names_of(file)[0]]


def school_year_doubts(
    file: str, titles: list[list[str]], headings: Sequence[tuple[Sheet, Heading]], as_of: dt.date | None
) -> list[Finding]:
    """A warning when the school year that titles, sheets or the file name state is not that of the date."""
    stated = school_years_in(_texts_about(file, titles, headings))
    if as_of is None or not stated or any(year in stated for year in school_years_of(as_of)):
        return []
    year = academic_year(as_of)
    expected = f"{year}/{year + 1}, раз данные на {as_of:%d.%m.%Y}"
    return [finding(SCHOOL_YEAR_DIFFERS, value=", ".join(stated.values()), expected=expected)]


def year_to_come(
    form: Form,
    file: str,
    titles: list[list[str]],
    headings: Sequence[tuple[Sheet, Heading]],
    as_of: dt.date | None,
    asked: dt.date | None,
) -> tuple[dt.date | None, list[Finding]]:
    """The date of a document that was made before the academic year of which it speaks: the first day of that year.
    A date that was `asked` for holds, with a warning that the year is another.

    A plan of August for the year that is about to begin says nothing of the year that ends. Which year is meant say
    titles, sheets or the name of the file; of a file of August that names none, its days of that year.
    """
    if as_of is None or form.period not in OF_A_YEAR or not MONTH_OF_NEXT_YEAR <= as_of.month < FIRST_MONTH:
        return as_of, []
    coming = academic_year(as_of) + 1
    stated = school_years_in(_texts_about(file, titles, headings))
    is_ahead = set(stated) == {coming}
    if not stated and as_of.month == FIRST_MONTH - 1:
        days = _days_of_year(headings)
        is_ahead = any(academic_year(day) == coming for day in days) and min(days) >= as_of.replace(day=1)
    if not is_ahead:
        return as_of, []
    if asked is not None:
        expected = f"{coming - 1}/{coming}, раз данные на {asked:%d.%m.%Y}"
        return as_of, [finding(SCHOOL_YEAR_DIFFERS, value=f"{coming}/{coming + 1}", expected=expected)]
    first = dt.date(coming, FIRST_MONTH, 1)
    expected = f"{first:%d.%m.%Y}: {coming}/{coming + 1} учебный год"
    return first, [finding(YEAR_TO_COME, value=f"{as_of:%d.%m.%Y}", expected=expected)]


def _days_of_year(headings: Sequence[tuple[Sheet, Heading]]) -> set[dt.date]:
    """The days, with their year, of columns that are of the academic year of their document."""
    days = set[dt.date]()
    for sheet, heading in headings:
        columns = [column for column in heading.form.editions[-1].columns if column.of_year and column.kind == "date"]
        places = {column: heading.columns[column.name] for column in columns if column.name in heading.columns}
        for r in heading.below(sheet):
            for column, c in places.items():
                text = cell_text(sheet.rows[r][c]) if c < len(sheet.rows[r]) else None
                if text and isinstance(day := date(text, column).value, dt.date):
                    days.add(day)
    return days


def month_doubts(
    form: Form,
    file: str,
    titles: list[list[str]],
    headings: Sequence[tuple[Sheet, Heading]],
    as_of: dt.date | None,
    sender: str | None,
) -> list[Finding]:
    """A warning when the date lies in the days in which the month before it is to be sent: it may be of that one.

    None where titles, sheets or the file name say that the month of the date is meant.
    """
    before = month_owed(form, as_of) if as_of is not None else None
    if as_of is None or before is None or as_of > (due_on(form, before, sender=sender) or before):
        return []
    named = months_in(_texts_about(file, titles, headings), as_of.year)
    if as_of.month in named and before.month not in named:
        return []
    expected = f"{before:%d.%m.%Y}, если данные за {span_words('month', before)}"
    return [finding(MONTH_JUST_BEGUN, value=f"{as_of:%d.%m.%Y}", expected=expected)]
