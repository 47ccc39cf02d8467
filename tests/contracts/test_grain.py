"""A form that contradicts itself is refused where it is written, in words that name what is owed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from contracts.form import Column, Edition, Form
from contracts.forms import FORMS, form_named
from contracts.grain import SCHOOL, UNIT, Defines, Key, Owed

REPORT = form_named("readiness_report")
MEETINGS = Form(
    name="meetings",
    title="Собрания",
    description="Кто и когда собирался.",
    sender_kind="reporting_unit",
    grain=(SCHOOL, Key("held_on", "date")),
    row_is="школа × дата",
    cadence="раз в месяц",
    period="month",
    owed=Owed("month", working_days=5),
    recognised_by=("held_on",),
    editions=(
        Edition(
            "2023",
            dt.date(2023, 9, 1),
            (
                Column("school_name", "Школа", "school_name", "Школа.", fact=False),
                Column("held_on", "Дата", "date", "Когда было собрание."),
            ),
            (),
        ),
    ),
)


def test_a_key_of_several_columns_is_the_grain() -> None:
    assert MEETINGS.key == ("school_id", "held_on")
    assert MEETINGS.has("school")
    assert not MEETINGS.has("unit")


@pytest.mark.parametrize(
    ("changed", "owed"),
    [
        ({"grain": ()}, "it has no grain"),
        ({"grain": (UNIT,)}, "has no column 'reporting_unit', in which its grain is stated"),
        ({"editions": ()}, "it has no edition"),
        ({"recognised_by": ("hours",)}, "has no column 'hours', by which the form is recognised"),
        ({"defines": Defines("partner", "inn")}, "has no column 'inn', by which it defines a partner"),
        ({"period": "night"}, "it is owed every month, so its period has to be 'month', not 'night'"),
        ({"owed": None, "period": "campaign"}, "it has to be owed every campaign"),
        ({"covers": "units"}, "it covers reporting units, so a unit has to be in its grain"),
        ({"covers": "schools", "grain": (Key("held_on", "date"),)}, "it covers schools, so a school"),
    ],
)
def test_a_form_that_contradicts_itself_is_refused(changed: dict[str, object], owed: str) -> None:
    with pytest.raises(ValueError, match="the form 'meetings' cannot be: ") as refused:
        replace(MEETINGS, **changed)  # type: ignore[arg-type]  # the fields are of several types
    assert owed in str(refused.value)


def test_only_what_speaks_for_its_whole_period_holds_before_its_date() -> None:
    assert {form.name for form in FORMS if form.holds_before_first} == {"school_register", "registration_plan"}
    assert REPORT.covers == "schools"
    assert form_named("registration_plan").covers == "units"


def test_rows_of_an_export_are_judged_each_for_itself() -> None:
    levels = form_named("level_choice")
    with pytest.raises(ValueError, match="it is read by blocks") as refused:
        replace(levels, by_blocks=True)
    assert "COV-005 of edition 2023 asks other rows" in str(refused.value)
    assert "it can have neither totals nor a crosstab" in str(refused.value)
    assert [form.name for form in FORMS if form.by_blocks] == ["lesson_journal"]
