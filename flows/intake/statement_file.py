"""«Сообщать нечего» as a text file: what a sender means by it, and the answer that goes back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from contracts.circumstances import NothingToReport
from contracts.forms.folders import whole_table
from contracts.grid import Unreadable
from contracts.regions import zone_at
from contracts.texts import phrases
from contracts.texts.spans import span_words
from documents.reading.formats.encoding import decoded
from documents.receipts.make import receipt_name
from flows.home.archived import parts
from flows.home.keyring import Keyring
from flows.intake.arrival import Arrival
from warehouse.incidents.nothing_to_report import Duty, Unanswered, duties, duty_of_month

if TYPE_CHECKING:
    from sqlalchemy import Connection

LARGEST = 20_000
"""Bytes of a text that can still be a statement."""
FIRST_LINES = 5
LONGEST_REASON = 500
TABLE = re.compile(r"\t|;.*;|\|.*\|")
DATE = re.compile(r"(?<!\d)(?:(\d{1,2})[./](\d{1,2})[./](\d{4})|(\d{4})-(\d{2})-(\d{2}))(?!\d)")
MONTHS = (
    "январ", "феврал", "март", "апрел", "ма[йяе]", "июн", "июл", "август", "сентябр", "октябр", "ноябр", "декабр",
)  # fmt: skip
MONTH = re.compile(rf"\b(?:{'|'.join(f'({month})' for month in MONTHS)})[а-я]{{0,2}}\b(?: (\d{{4}}))?")
BY = "файл отправителя"


def statement_text(arrival: Arrival, keyring: Keyring) -> str | None:
    """The text of a file that says that there is nothing to report, in its name or its first lines; None for any other
    file, and for one that holds a table."""
    if PurePath(arrival.file).suffix.lower() != ".txt" or arrival.size > LARGEST:
        return None
    data = b"".join(parts(arrival.path, keyring))
    try:
        text = decoded(data)[0] if data.strip() else ""
    except Unreadable:
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    beginning = plain(" ".join([PurePath(arrival.file).stem, *lines[:FIRST_LINES]]))
    if "nothing" not in meant(beginning) or sum(bool(TABLE.search(line)) for line in lines) > 1:
        return None
    return text


def understood(
    connection: Connection, arrival: Arrival, sender: str | None, text: str, came_at: dt.datetime
) -> NothingToReport | str:
    """What a text of a sender states that came at a time, or the code of the phrase that says what is not understood.

    The day decides for which campaign, night or month it is: the same words are others next year.
    """
    day = came_at.astimezone(zone_at(sender)).date()
    owed = duties(connection, sender, day) if sender is not None else []
    if not owed or sender is None:
        return "statement.unclear.sender"
    words = f"{PurePath(arrival.file).stem} {text}"
    duty = chosen(owed, plain(words))
    if duty is None:
        return "statement.unclear.form"
    if duty.campaign is not None:
        return NothingToReport(duty.form, sender, duty.campaign, None)
    if duty.expected == "month":
        month = month_in(words, duty.owed_from, day)
        if month is None or month > day or duty_of_month(connection, sender, duty.form, month) is None:
            return "statement.unclear.month"
        return NothingToReport(duty.form, sender, None, month)
    if duty.expected != "day":
        return NothingToReport(duty.form, sender, None, duty.owed_from)
    night = dated(words, day - dt.timedelta(days=1))
    if night is None or night > day:
        return "statement.unclear.night"
    return NothingToReport(duty.form, sender, None, night)


def reason_of(arrival: Arrival, text: str) -> str:
    """The words of a sender, as far as they are kept."""
    return re.sub(r"\s+", " ", text).strip()[:LONGEST_REASON] or PurePath(arrival.file).stem


def chosen(owed: Collection[Duty], words: str) -> Duty | None:
    """The one form that is named; where none is, that of the campaign that runs, else the only one that is owed."""
    named = meant(words) - {"nothing"} | {duty.form for duty in owed if plain(duty.form_title) in words}
    of_campaign = [duty for duty in owed if duty.campaign is not None]
    fitting = [duty for duty in owed if duty.form in named] if named else of_campaign or list(owed)
    return fitting[0] if len(fitting) == 1 else None


def dated(words: str, otherwise: dt.date) -> dt.date | None:
    """The one date that is named, the other one when none is, None when there are several or it is no date."""
    dates = set(DATE.findall(words))
    if not dates:
        return otherwise
    if len(dates) > 1:
        return None
    ((day, month, year, iso_year, iso_month, iso_day),) = dates
    try:
        return dt.date(int(year or iso_year), int(month or iso_month), int(day or iso_day))
    except ValueError:
        return None


def month_in(words: str, otherwise: dt.date, day: dt.date) -> dt.date | None:
    """The first day of the one month that is named, by a date in it too; the other one when none is, None when there
    are several. A month without a year is the last of that name that has begun on the day."""
    if DATE.search(words):
        named = dated(words, otherwise)
        return named and named.replace(day=1)
    months = set()
    for match in MONTH.finditer(plain(words)):
        month = next(number for number in range(1, 13) if match[number])
        year = int(match[13]) if match[13] else day.year - (month > day.month)
        if not dt.MINYEAR < year < dt.MAXYEAR:
            return None
        months.add(dt.date(year, month, 1))
    return months.pop() if len(months) == 1 else None if months else otherwise


def meant(words: str) -> set[str]:
    """What the words of a plain text mean: `nothing`, and forms."""
    return {means for word, means in _means().items() if word in words}


@cache
def _means() -> dict[str, str]:
    return {plain(row["word"]): row["means"] for row in whole_table("statement_words")}


def plain(text: str) -> str:
    """Lower case, ё as е, single spaces instead of everything that is no letter or digit."""
    return re.sub(r"[\W_]+", " ", text.casefold().replace("ё", "е")).strip()


def answer_name(file: str, sha256: str) -> str:
    """The name of the text that answers a statement, beside the receipts of its sender."""
    return receipt_name(file, sha256).removesuffix(".xlsx") + ".txt"


def answer(statement: Unanswered) -> bytes:
    """What was understood; readable in Notepad."""
    texts = phrases()
    zone = zone_at(statement.sender)
    what = texts["statement.campaign"] if statement.campaign else texts["statement.night"]
    day = span_words(statement.expected, statement.as_of) if statement.as_of else ""
    lines = [
        texts["statement.accepted"],
        what.format(form=statement.form_title, campaign=statement.campaign_title or "", day=day),
        texts["statement.received"].format(
            file=statement.file, when=f"{statement.stated_at.astimezone(zone):%d.%m.%Y %H:%M}"
        ),
        texts["statement.reason"].format(reason=statement.reason),
        texts["statement.later"],
        texts["statement.schools"],
    ]
    return _in_notepad(lines)


def came_back_answer(file: str, sentences: Sequence[str]) -> bytes:
    """What came of a receipt that came back without a table."""
    texts = phrases()
    return _in_notepad([
        texts["receipt.explained.answer"].format(file=file), *sentences, texts["receipt.explained.next"]
    ])  # fmt: skip


def unclear(code: str, file: str) -> bytes:
    """What was not understood, and how to say it."""
    texts = phrases()
    return _in_notepad([texts["statement.unclear"].format(file=file), texts[code], texts["statement.example"]])


def _in_notepad(lines: list[str]) -> bytes:
    return "\r\n\r\n".join([*lines, ""]).encode("utf-8-sig")
