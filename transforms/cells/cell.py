"""The text of a cell."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from contracts.grid import Value
from transforms.cells.number import TAIL_DECIMALS

DAY_ZERO = dt.datetime(1899, 12, 31)  # noqa: DTZ001 - a workbook keeps local time
MOST_WRITTEN = 6
"""Decimals of a percent that anybody writes: the noughts behind them and a last digit are floating point."""


def cell_text(value: Value) -> str | None:
    """The text of a cell as a parser wants it: numbers plain, dates as ISO, errors as Excel writes them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "истина" if value else "ложь"
    if isinstance(value, dt.datetime) and value.year <= DAY_ZERO.year + 1 and value.time() != dt.time():
        return _clock_text(value.replace(tzinfo=None) - DAY_ZERO)  # hours above 24 in a cell that shows h:mm
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.timedelta | dt.time):
        return _clock_text(value)
    return str(value)


def _clock_text(value: dt.timedelta | dt.time) -> str:
    """A time or a duration as a cell shows it: «4:00», «34:00»; seconds only where there are some."""
    if isinstance(value, dt.time):
        value = dt.timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
    seconds = round(abs(value.total_seconds()))
    shown = f"{seconds // 3600}:{seconds // 60 % 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")
    return f"-{shown}" if value < dt.timedelta() else shown


def percent_text(value: Value) -> str | None:
    """The text of a cell whose format shows a percent: 0.3377 is exactly «33.77%», with two decimals at least."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell_text(value)
    percent = Decimal(repr(value)) * 100
    if round(percent, TAIL_DECIMALS) == round(percent, MOST_WRITTEN):
        percent = round(percent, MOST_WRITTEN)
    return f"{percent:.2f}%" if percent == round(percent, 2) else f"{percent.normalize():f}%"
