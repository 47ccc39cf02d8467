"""Whose a delivery is and for which date: from its content, its file name, its folder, or what the caller says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import PurePath

from contracts.form import Form
from contracts.regions import kept
from contracts.vocabulary import academic_year, rows, rows_in
from transforms.cells.day import MONTHS
from transforms.cells.key import key

DAY = r"(?<!\d)(\d{1,2})\s*[./]\s*(\d{1,2})\s*[./]\s*(\d{4}|\d{2})(?!\d)"
ISO_DAY = r"(\d{4})-(\d{2})-(\d{2})"
WORD_DAY = rf"(\d{{1,2}})\s+({'|'.join(MONTHS)})\s+(\d{{4}}|\d{{2}}(?=\s*г))"
AS_OF = re.compile(
    r"(?:по состоянию на|состояни[ею] на|на дату|дата отчета|отчетная дата|дата формирования|дата выгрузки|"
    r"сформирован\w*|данные на|на)\W{0,3}(?:дату\W{0,3})?(?=\d)"
)
IN_FORCE = re.compile(r"(?:действу\w+|вводится|введен\w*|применяется|вступает в силу) с (?=\d)")
LABEL_ONLY = re.compile(r"(?:по состоянию на|дата отчета|отчетная дата|дата формирования|дата выгрузки|на дату)\W*$")
IN_FILE_NAME = (
    (re.compile(r"(?<!\d)(\d{4})([-_.])(\d{2})\2(\d{2})(?!\d)"), (1, 3, 4)),
    (re.compile(r"(?<!\d)(\d{2})([-_.])(\d{2})\2(\d{4})(?!\d)"), (4, 3, 1)),
    (re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?!\d)"), (1, 2, 3)),
    (re.compile(r"(?<!\d)(\d{2})(\d{2})(20\d{2})(?!\d)"), (3, 2, 1)),
    (re.compile(r"(?<!\d)(\d{2})([-_.])(\d{2})\2(\d{2})(?!\d)"), (4, 3, 1)),
)
FIRST_YEAR, LAST_YEAR = 2015, 2050
"""Years that two digits may mean in a title or a file name: «23-09-08» is no day of 2008."""
SCHOOL_YEAR = re.compile(r"(?<![\d.])(20\d{2})\s*[-–—/\\]\s*(20\d{2}|\d{2})(?![\d]|[-./]\d)")
SHORT_SCHOOL_YEAR = re.compile(r"(?<![\d./-])(\d{2})\s*[-–—/\\]\s*(\d{2})(?=\s*уч)", re.IGNORECASE)
NAMED_MONTHS = MONTHS | {word[:-1] + "е": month for word, month in MONTHS.items() if word.endswith(("а", "я"))}
"""Months also as in «в октябре»."""
MONTH = re.compile(
    rf"(?<![\w.])(?P<day>\d{{1,2}}[ .]*)?(?P<month>{'|'.join(NAMED_MONTHS)})(?!\w)(?:\W{{0,2}}(?P<year>20\d{{2}}))?"
)
"""A month in words; with a day before it it is a date's."""
FIRST_MONTH, MONTH_OF_NEXT_YEAR = 9, 4
"""From April on a table may be about the school year that is to come."""
SENDER_LABEL = re.compile(
    r"^(?:муниципальное образование|муниципалитет|территория|отправитель|отчитывается|"
    r"(?:муниципальный )?орган управления образованием|управление образования(?: администрации)?|"
    r"отдел образования(?: администрации)?|департамент образования(?: администрации)?|моуо|район)\s*[:-]?\s*(.+)$"
)
WORDS_APART = re.compile(r"[\s_.,()]+")


def date_of(text: str) -> dt.date | None:
    """The first date of a text, in figures or with the month in words."""
    plain = " ".join(text.lower().split())
    for pattern, order in ((ISO_DAY, (1, 2, 3)), (DAY, (3, 2, 1)), (WORD_DAY, (3, 2, 1))):
        match = re.search(pattern, plain)
        if match:
            year, month, day = (match.group(place) for place in order)
            return real_date(_whole_year(year), MONTHS.get(month) or int(month), int(day))
    return None


def _whole_year(text: str) -> int:
    """A year of four digits or of two: «23» is 2023, and 0, which is no year, where two digits mean none."""
    year = int(text) if len(text) == 4 else 2000 + int(text)
    return year if len(text) == 4 or FIRST_YEAR <= year <= LAST_YEAR else 0


def school_years_in(texts: Iterable[str]) -> dict[int, str]:
    """First calendar year → how it is written, of each school year that texts name: «2023/2024», «2023-24 уч. г.»."""
    years: dict[int, str] = {}
    for text in texts:
        for match in (*SCHOOL_YEAR.finditer(text), *SHORT_SCHOOL_YEAR.finditer(text)):
            start, end = int(match[1]) % 100 + 2000, int(match[2])
            if end % 100 == (start + 1) % 100:
                years.setdefault(start, match[0])
    return years


def months_in(texts: Iterable[str], year: int) -> set[int]:
    """The months that texts name as such, «на октябрь», «план октябрь 2023»; not those of dates or of other years."""
    return {NAMED_MONTHS[match["month"]] for match in _months_named(texts) if int(match["year"] or year) == year}


def month_ends_in(texts: Iterable[str]) -> set[dt.date]:
    """The last days of the months that texts name with their year: «за октябрь 2023 г.» is 31.10.2023."""
    named = {(int(match["year"]), NAMED_MONTHS[match["month"]]) for match in _months_named(texts) if match["year"]}
    return {dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1) for year, month in named}


def _months_named(texts: Iterable[str]) -> list[re.Match[str]]:
    """Months that stand without a day, which would be a date's."""
    found = [match for text in texts for match in MONTH.finditer(" ".join(text.lower().replace("_", " ").split()))]
    return [match for match in found if not match["day"]]


def school_years_of(as_of: dt.date) -> tuple[int, ...]:
    """First calendar years of the school years that a table of a date may be about."""
    year = academic_year(as_of)
    return (year, year + 1) if MONTH_OF_NEXT_YEAR <= as_of.month < FIRST_MONTH else (year,)


def real_date(year: int, month: int, day: int) -> dt.date | None:
    """The date of three numbers; None when the calendar has none."""
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def as_of_in(titles: Iterable[list[str]]) -> dt.date | None:
    """The date that the lines above a table state («по состоянию на …»), also with the date in the next cell."""
    for line in titles:
        for place, text in enumerate(line):
            plain = key(text)
            match = AS_OF.search(plain)
            day = date_of(plain[match.end() :]) if match else None
            if day is None and LABEL_ONLY.search(plain) and place + 1 < len(line):
                day = date_of(line[place + 1])
            if day:
                return day
    return None


def in_force_from(titles: Iterable[list[str]]) -> dt.date | None:
    """The last date from which the lines above tables say that they hold («действует с …»)."""
    texts = (key(text) for line in titles for text in line)
    days = [date_of(text[match.end() :]) for text in texts if (match := IN_FORCE.search(text))]
    return max((day for day in days if day is not None), default=None)


def as_of_in_name(file: str) -> dt.date | None:
    """The date in a file name: 2023-09-08, 08.09.2023, 20230908, 08092023 or 08.09.23."""
    for name in names_of(file):
        for pattern, order in IN_FILE_NAME:
            for match in pattern.finditer(name):
                year, month, day = (match.group(place) for place in order)
                date = real_date(_whole_year(year), int(month), int(day))
                if date and 2000 <= date.year <= 2100:
                    return date
    return None


@lru_cache(maxsize=1_000)
def names_of(file: str) -> tuple[str, ...]:
    """The name of a file, then, from near to far, those of the folders and the zip archive around it; no endings."""
    *around, own = PurePath(file).parts or ("",)
    return (PurePath(own).stem, *(re.sub(r"(?i)\.zip$", "", part) for part in reversed(around)))


@kept
def labelled_only() -> frozenset[str]:
    """The units of schools that a region runs itself: they bear its name, which stands above the table of any unit."""
    return frozenset(row["reporting_unit"] for row in rows("reporting_units") if row["kind"] == "region_direct")


def sender_in(titles: Iterable[list[str]], aliases: Mapping[str, str]) -> str | None:
    """The reporting unit that the lines above a table name, alone in a cell or after a label."""
    for line in titles:
        for text in line:
            plain = key(text)
            if plain in aliases and aliases[plain] not in labelled_only():
                return aliases[plain]
            match = SENDER_LABEL.match(plain)
            named = match.group(1).strip(" :-") if match else ""
            if named in aliases:
                return aliases[named]
    return None


def sender_in_name(file: str, aliases: Mapping[str, str], slugs: Collection[str]) -> str | None:
    """The reporting unit that a file name names, by an alias or by its name in the warehouse; None when it names
    several."""
    return next((who for name in names_of(file) if (who := _unit_named(name, aliases, slugs))), None)


def _unit_named(name: str, aliases: Mapping[str, str], slugs: Collection[str]) -> str | None:
    words = WORDS_APART.split(key(name).replace("_", " "))
    units: set[str] = set()
    start = 0
    while start < len(words):
        for end in range(min(len(words), start + 5), start, -1):
            phrase = " ".join(words[start:end])
            named = aliases.get(phrase) or (phrase if phrase in slugs else None)
            named = named or (slug if (slug := "_".join(words[start:end])) in slugs else None)
            if named:
                units.add(named)
                start = end - 1
                break
        start += 1
    units -= labelled_only() if len(units) > 1 else set()
    return units.pop() if len(units) == 1 else None


def only_sender(form: Form) -> str | None:
    """The sender of a form that only one may send, in the region in which it is read; of none, None."""
    if form.sender_kind == "reporting_unit" or form.region is None:
        return None
    return next((row["sender"] for row in rows_in("senders", form.region) if row["kind"] == form.sender_kind), None)
