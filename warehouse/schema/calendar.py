"""The working calendar, and for which years we have it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from sqlalchemy import Connection, text

PROVISIONAL = "Предварительно"
"""So begins the reason of a day that the Labour Code names before the government has moved the days of its year."""
DECREED_BY = 10
"""The month by which the government has moved the days off of the next year."""

UNSETTLED = """
SELECT y.year, CASE WHEN count(e.day) = 0 THEN 'missing' ELSE 'provisional' END
FROM unnest(cast(:years AS integer[])) AS y (year)
LEFT JOIN ref.calendar_day e ON e.region = '' AND extract(year FROM e.day) = y.year
GROUP BY y.year
HAVING count(e.day) = 0 OR bool_or(starts_with(e.why, :provisional))
ORDER BY y.year
"""


def calendars_wanted(connection: Connection, day: dt.date) -> list[tuple[int, Literal["missing", "provisional"]]]:
    """Of the year of a day and the next one, those whose days off are not known, or not finally.

    A provisional next year is wanted from October on: the government has moved its days off by then.
    """
    years = [day.year, day.year + 1]
    unsettled = connection.execute(text(UNSETTLED), {"years": years, "provisional": PROVISIONAL}).tuples().all()
    return [
        (year, state) for year, state in unsettled if state == "missing" or year == day.year or day.month >= DECREED_BY
    ]


WORKING = "SELECT ref.is_working_day(:region, :day)"


def is_working_day(connection: Connection, region: str, day: dt.date) -> bool:
    """Is the day worked, by the calendar of a region?"""
    return bool(connection.scalar(text(WORKING), {"region": region, "day": day}))
