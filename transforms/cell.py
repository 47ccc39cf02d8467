"""The text of a cell."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from contracts.grid import Value


def cell_text(value: Value) -> str | None:
    """The text of a cell as a parser wants it: numbers plain, dates as ISO, errors as Excel writes them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "истина" if value else "ложь"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def percent_text(value: Value) -> str | None:
    """The text of a cell whose format shows a percent: 0.3377 is exactly «33.77%», with two decimals at least."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell_text(value)
    percent = Decimal(repr(value)) * 100
    return f"{percent:.2f}%" if percent == round(percent, 2) else f"{percent.normalize():f}%"
