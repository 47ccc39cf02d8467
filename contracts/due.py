"""Until when what a document speaks for has to be sent, and for which month one speaks."""

from __future__ import annotations

import datetime as dt

from contracts.form import Form
from contracts.regions import code_at
from contracts.vocabulary import academic_year, add_working_days, rows


def due_on(form: Form, as_of: dt.date, campaign: str | None = None, sender: str | None = None) -> dt.date | None:
    """The last day to send a document of a date: of its campaign, month or academic year; None where there is none, and
    of a night, which is told otherwise."""
    if campaign is not None:
        named = [row for row in rows("campaigns") if row["campaign"] == campaign and row["region"] == code_at(sender)]
        deadline = next((row["deadline"] for row in named), None)
        return dt.date.fromisoformat(deadline) if deadline else None
    if form.owed is None:
        return None
    if form.owed.every == "month":
        month_end = month_before(as_of.replace(day=1) + dt.timedelta(days=31))
        return add_working_days(month_end, form.owed.working_days, sender)
    if form.owed.every == "academic_year" and form.owed.until is not None:
        month, day = form.owed.until
        return dt.date(academic_year(as_of) + (month < 9), month, day)
    return None


def month_owed(form: Form, day: dt.date) -> dt.date | None:
    """The last day of the month that is over on a day, if the form is owed of it."""
    last = month_before(day)
    is_owed = form.owed is not None and form.owed.every == "month" and last.month in form.owed.months
    return last if is_owed else None


def month_before(day: dt.date) -> dt.date:
    """The last day of the month before that of a day."""
    return day.replace(day=1) - dt.timedelta(days=1)
