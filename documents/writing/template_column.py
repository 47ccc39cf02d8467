"""A column of a form in a template: what its hint says, what its cells take, how wide it is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from contracts.form import Column
from contracts.forms.offered import offered_words
from contracts.texts import phrases

LONGEST_MESSAGE = 255
"""Characters of a message that Excel shows beside a cell."""
LARGEST = {"percent": 10}
"""What a number without a bound of its own may be at most: ten is 1000 percent."""
HUGE = 1_000_000_000
FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2099, 12, 31)
NUMBERS = ("count", "grade", "lesson", "amount", "hours", "percent")
DIGITS = {"inn": 10, "oktmo": 8}
KEYS = ("school_code", "school_name", "unit")
WIDTHS = {
    "school_code": 9, "school_name": 38, "unit": 34, "choice": 14, "yes_no": 13, "date": 12, "grades": 9, "letter": 9,
}  # fmt: skip
FORMATS = {
    "count": "0",
    "grade": "0",
    "lesson": "0",
    "amount": "0",
    "hours": "General",
    "percent": "0.00%",
    "date": "dd.mm.yyyy",
}


def is_required(column: Column) -> bool:
    """True where each row has to say something."""
    return not column.nullable


def allowed(column: Column) -> tuple[str, ...]:
    """The words of the drop-down list; none where anything may be written. Those of a `unit` are not the column's."""
    return offered_words(column)


def hint(column: Column) -> str:
    """What the column is, its unit, and what a cell takes: at most 255 characters."""
    say = phrases()
    sentences = [column.description]
    if is_required(column):
        sentences.append(say["template.hint.required"])
    if column.unit:
        sentences.append(say["template.hint.unit"].format(unit=column.unit.removesuffix(".")))
    sentences.append(expectation(column))
    return " ".join(sentence for sentence in sentences if sentence)


def expectation(column: Column) -> str:
    """What a cell of the column takes, in words; nothing for a free text."""
    say = phrases()
    if column.kind == "unit":
        return say["template.hint.choose_one"]
    if words := allowed(column):
        listed = say["template.hint.choose"].format(words=", ".join(words))
        short = listed if len(listed) <= LONGEST_MESSAGE // 2 else say["template.hint.choose_one"]
        return f"{short} {say['template.hint.or_other']}" if column.open_vocabulary else short
    if column.kind in ("date", "percent", "grades", "letter"):
        return say[f"template.hint.{column.kind}"]
    if column.kind in DIGITS:
        return say["template.hint.digits"].format(count=DIGITS[column.kind])
    if column.kind in NUMBERS:
        kind = say["template.hint.decimal" if column.kind == "hours" else "template.hint.whole"]
        return f"{kind} {_bounds(column)}".rstrip()
    return ""


def _bounds(column: Column) -> str:
    """The bounds of a number in words; nothing without a least value."""
    if column.minimum is None:
        return ""
    if column.maximum is None:
        return phrases()["template.hint.at_least"].format(minimum=_number(column.minimum))
    between = phrases()["template.hint.between"]
    return between.format(minimum=_number(column.minimum), maximum=_number(column.maximum))


def _number(value: float) -> str:
    """A number as people write it: thousands apart, a decimal comma."""
    return f"{value:,.15g}".replace(",", "\u00a0").replace(".", ",")


def guard(column: Column, source: str | None) -> dict[str, Any]:
    """The data validation of the column's cells for xlsxwriter; `source` is the reference to its list, if any."""
    validation: dict[str, Any] = {"validate": "any", "input_message": hint(column)}
    if source is not None:
        validation |= {
            "validate": "list",
            "source": source,
            "show_error": not (column.open_vocabulary or column.within),
        }
    elif column.kind == "date":
        validation |= {"validate": "date", "criteria": "between", "minimum": FIRST_DAY, "maximum": LAST_DAY}
    elif column.kind in DIGITS:
        validation |= {"validate": "length", "criteria": "==", "value": DIGITS[column.kind]}
    elif column.kind in NUMBERS:
        least = -HUGE if column.kind == "amount" else 0
        low = least if column.minimum is None else column.minimum
        high = LARGEST.get(column.kind, HUGE) if column.maximum is None else column.maximum
        kind = "decimal" if column.kind in ("hours", "percent") else "integer"
        validation |= {"validate": kind, "criteria": "between", "minimum": low, "maximum": high}
    if validation["validate"] != "any":
        message = phrases()["template.guard"].format(wanted=expectation(column))
        validation |= {"error_title": phrases()["template.guard.title"], "error_message": message}
    return validation


def width(column: Column, *, is_narrow: bool) -> float:
    """Characters of the column; a form with many columns has its numbers under upright headings."""
    if column.kind in NUMBERS:
        return 7 if is_narrow else 20
    if column.kind in ("text", "markup", "items"):
        return 16 if is_narrow else 28
    return max(WIDTHS.get(column.kind, 12), *(len(word) + 2 for word in allowed(column)), 0)


def look(column: Column) -> dict[str, Any]:
    """The format of a cell to fill in."""
    align = "left" if column.kind in (*KEYS, "text", "markup", "items") else "center"
    return {"locked": False, "align": align, "num_format": number_format(column)}


def number_format(column: Column) -> str:
    """What stands as text stays text: Excel neither eats a leading zero nor makes a date of «6–11»."""
    return FORMATS.get(column.kind, "@")
