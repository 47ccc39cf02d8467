"""Figures before and after: kept as texts of an SQL type, shown as people or programs read them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from contracts.forms import FORMS
from contracts.texts import in_words
from contracts.vocabulary import sender_name, words
from flows.home import json_output
from flows.home import shown as values
from flows.home.shown import kind_shown
from warehouse.marts.columns import everywhere

MAY_HOLD_NAMES = frozenset(
    column.name
    for form in FORMS
    for edition in form.editions
    for column in edition.columns
    if column.kind == "text" or column.open_vocabulary
)
"""Columns of free text: somebody may have written anything there."""
SHARES = frozenset(
    column.name for form in FORMS for edition in form.editions for column in edition.columns if column.kind == "percent"
)
"""Columns of facts that are shares; what columns of marts are, their own lines say."""
Show = Callable[[str | None, str | None, str, ZoneInfo], object]
UNITS = ("reporting_unit", "subordination", "territory", "sender")
WHOLE = ("smallint", "integer", "bigint")
FRACTION = ("numeric", "real", "double precision")


def _words_by_code() -> dict[str, dict[str, str]]:
    """Column of codes → code → word."""
    by_column = {
        column.name: {code: word for word, code in reversed(words(column.vocabulary).items())}
        for form in FORMS
        for edition in form.editions
        for column in edition.columns
        if column.vocabulary and column.kind == "choice"
    }
    by_column["severity"] = in_words("severity")
    by_column["verdict"] = in_words("verdict")
    return by_column


WORDS = _words_by_code()


def _typed(text: str | None, kind: str | None) -> Any:
    """The value that a text of an SQL type stands for: a number without needless zeros, a truth, a date, a text."""
    if text is None or kind is None:
        return text
    if kind in WHOLE:
        return int(text)
    if kind in FRACTION:
        number = float(text)
        return int(number) if number.is_integer() else number
    if kind == "boolean":
        return text == "true"
    if kind == "date":
        return dt.date.fromisoformat(text)
    if kind.startswith("timestamp"):
        return dt.datetime.fromisoformat(text)
    if kind.endswith("[]"):
        return ", ".join(map(str, json.loads(text)))
    return text


def shown(text: str | None, kind: str | None, column: str, timezone: ZoneInfo) -> str:
    """The value as a Russian table prints it."""
    value = _typed(text, kind)
    if value is None or value == "":
        return "—"
    if column in UNITS:
        return sender_name(str(value))
    said = WORDS.get(column, {}).get(str(value))
    of_kind = kind_shown(*everywhere(column)) or ("доля" if column in SHARES else "")
    return said or values.cell(column, value, timezone, of_kind)


def number_or_shown(text: str | None, kind: str | None, column: str, timezone: ZoneInfo) -> int | float | str:
    """A count as a number for a cell of a workbook; everything else as a table prints it."""
    value = _typed(text, kind)
    as_printed = shown(text, kind, column, timezone)
    return value if type(value) in (int, float) and not as_printed.endswith("%") else as_printed


def plain(row: dict[str, Any]) -> json_output.Document:
    """A row of figures for a program: numbers, truths, and dates in ISO form."""
    values = {name: _typed(row[name], row["type"]) for name in ("before", "after")}
    return json_output.plain({name: value for name, value in {**row, **values}.items() if name != "type"})
