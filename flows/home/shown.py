"""Values as people read them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from contracts.texts import word_of
from contracts.texts.figures import percent, points, whole
from warehouse.marts.columns import CHANGE_OF_SHARE

NUMBERS = ("номер", "год", "класс")
"""Units of numbers that only name: they have no thousands."""


def kind_shown(kind: str, unit: str) -> str:
    """The kind of a column, more exactly where its unit says how it is shown: a number that only names, a difference
    of shares."""
    return "номер" if unit in NUMBERS else unit if unit == CHANGE_OF_SHARE else kind


def local_time(moment: dt.datetime, local: ZoneInfo) -> str:
    """Day and minute by the clocks of `local`."""
    return f"{moment.astimezone(local):%d.%m.%Y %H:%M}"


def cell(name: str, value: object, local: ZoneInfo, of_kind: str = "") -> str:
    """A value of a column in Russian: shares as percents, codes in words, moments by the clocks of `local`.

    `of_kind` is what kind of figure a mart has there (`kind_shown`); without it a number is a count.
    """
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, dt.datetime):
        return local_time(value, local)
    if isinstance(value, dt.date):
        return f"{value:%d.%m.%Y}"
    if (told := word_of(name, str(value))) != str(value):
        return told
    if not isinstance(value, int | float) or of_kind == "номер":
        return str(value)
    if of_kind == "доля":
        return percent(value)
    return f"{points(value)} п. п." if of_kind == CHANGE_OF_SHARE else whole(round(value, 4))
