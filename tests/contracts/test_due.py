"""Until when a document of a date has to be sent, and of which month it is owed."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.due import due_on, month_owed
from contracts.forms import form_named
from contracts.vocabulary import add_working_days


@pytest.mark.parametrize(
    ("form", "as_of", "campaign", "due"),
    [
        ("readiness_report", "2023-09-08", "readiness-2023", "2023-09-11"),
        ("readiness_report", "2023-09-08", None, None),
        ("event_plan", "2023-09-30", None, "2023-10-06"),
        ("event_plan", "2023-10-01", None, "2023-11-08"),  # the 6th of November was a holiday
        ("event_plan", "2023-12-31", None, "2024-01-15"),  # nobody works until the 9th of January
        ("parent_meetings", "2023-09-08", None, "2023-10-10"),
        ("parent_meetings", "2024-05-08", None, "2023-10-10"),
        ("partner_agreements", "2024-09-01", None, "2024-09-30"),
        ("registration_plan", "2023-09-08", None, None),
        ("registration_export", "2023-09-08", None, None),
        ("readiness_summary", "2023-09-08", None, None),
    ],
)
def test_a_document_of_a_date_has_its_deadline(form: str, as_of: str, campaign: str | None, due: str | None) -> None:
    found = due_on(form_named(form), dt.date.fromisoformat(as_of), campaign, "chainsky")
    assert found == (due and dt.date.fromisoformat(due))


@pytest.mark.parametrize(
    ("day", "month"),
    [("2023-10-01", "2023-09-30"), ("2024-03-31", "2024-02-29"), ("2023-09-30", None), ("2024-07-01", None)],
)
def test_the_month_that_is_over_is_owed(day: str, month: str | None) -> None:
    day_asked = dt.date.fromisoformat(day)
    assert month_owed(form_named("event_plan"), day_asked) == (month and dt.date.fromisoformat(month))
    assert month_owed(form_named("parent_meetings"), day_asked) is None


def test_no_working_day_after_a_day_is_itself_or_the_next_one() -> None:
    assert add_working_days(dt.date(2023, 9, 8), 0, "chainsky") == dt.date(2023, 9, 8)
    assert add_working_days(dt.date(2023, 9, 9), 0, None) == dt.date(2023, 9, 11)
    assert add_working_days(dt.date(2023, 9, 8), 1, None) == dt.date(2023, 9, 11)
