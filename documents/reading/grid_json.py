"""The JSON document of `profmin grid --json`: what the reader saw in one file, cell by cell."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from contracts.grid import Grid, Sheet, Unreadable, Value, cell_address, column_letters

TEXTS = (".csv", ".tsv", ".txt")


def document_of(name: str, read: Grid | Unreadable) -> dict[str, Any]:
    """Describe a file that was read, or say why it was not. An empty text is a text without cells."""
    if isinstance(read, Unreadable) and read.reason == "empty" and name.lower().endswith(TEXTS):
        return {"file": name, "error": None, "sheets": []}
    if isinstance(read, Unreadable):
        return {"file": name, "error": read.detail, "sheets": []}
    return {"file": name, "error": None, "sheets": [_sheet(sheet) for sheet in read.sheets]}


def _sheet(sheet: Sheet) -> dict[str, Any]:
    beside: dict[str, list[int] | list[str]] = {
        "hidden_rows": [row + 1 for row in sorted(sheet.hidden_rows)],
        "hidden_columns": [column_letters(column) for column in sorted(sheet.hidden_columns)],
        "percents": [cell_address(r, c) for r, c in sorted(sheet.percents)],
        "formulas_without_result": [cell_address(r, c) for r, c in sorted(sheet.unvalued)],
    }
    return {
        "name": sheet.name,
        "visible": sheet.visible,
        "used_range": sheet.used_range,
        "merged": [merged.address for merged in sheet.merged],
        "cells": [
            [cell_address(r, c), _json_value(value)]
            for r, row in enumerate(sheet.rows)
            for c, value in enumerate(row)
            if value is not None
        ],
        **{key: found for key, found in beside.items() if found},
    }


def _json_value(value: Value) -> str | float | bool:
    """Text, number or boolean as they are; dates in ISO form, durations as hours:minutes:seconds, errors as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dt.timedelta):
        sign, seconds = ("-", -value) if value < dt.timedelta(0) else ("", value)
        whole, fraction = divmod(seconds, dt.timedelta(seconds=1))
        text = f"{sign}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
        return f"{text}.{fraction.microseconds:06}" if fraction else text
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
