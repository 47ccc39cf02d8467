"""The JSON document of `profmin grid --json`: what the reader saw in one file, cell by cell."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from contracts.grid import Sheet, Unreadable, Value, cell_address
from documents.read import read_grid


def grid_document(name: str, data: bytes) -> dict[str, Any]:
    """Read one file and describe it. A file that cannot be read gives an error sentence and no sheets."""
    try:
        grid = read_grid(name, data)
    except Unreadable as error:
        return {"file": name, "error": error.detail, "sheets": []}
    return {"file": name, "error": None, "sheets": [_sheet(sheet) for sheet in grid.sheets]}


def _sheet(sheet: Sheet) -> dict[str, Any]:
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
