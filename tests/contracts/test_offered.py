"""What a template offers, a rule does not refuse."""

from __future__ import annotations

import pytest

from contracts.form import Column
from contracts.forms import FORMS, form_named
from contracts.forms.offered import offered_words

REPORT = form_named("readiness_report").editions[-1]
LISTED = [
    pytest.param(column, id=f"{form.name}.{column.name}")
    for form in FORMS
    for column in form.editions[-1].columns
    if column.vocabulary
]


def test_a_position_below_a_deputy_is_not_offered() -> None:
    assert offered_words(REPORT.column("responsible_position")) == ("директор", "заместитель директора")


def test_words_that_no_rule_refuses_are_all_offered() -> None:
    assert offered_words(REPORT.column("level")) == ("базовый", "основной", "продвинутый")


def test_a_question_keeps_both_answers() -> None:
    assert offered_words(REPORT.column("rmg_in_timetable")) == ("да", "нет")


def test_a_free_text_has_no_words() -> None:
    assert offered_words(REPORT.column("order_number")) == ()


@pytest.mark.parametrize("column", LISTED)
def test_every_list_offers_something(column: Column) -> None:
    assert offered_words(column)
