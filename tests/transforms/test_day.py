"""Dates in the habits of many offices: read as meant, or refused with every meaning."""

from __future__ import annotations

import datetime as dt

import pytest
from example import SCHOOLS, Sent, drained
from hypothesis import given
from hypothesis import strategies as st
from spelling import FEW, MANY, of, one

from contracts.form import Column
from contracts.vocabulary import rows
from transforms.cells.day import MONTHS, day_of_year
from transforms.identity.identify import Context

ORDERED = Column("order_date", "Дата приказа", "date", "")
ARCHIVED = Column("archived_on", "Дата архивации", "date", "", blank_words=("нет",))
DATES = st.dates(dt.date(1955, 1, 1), dt.date(2063, 12, 31))
FORMS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y-%m-%d", "%Y.%m.%d", "%d,%m,%Y", "%d.%m.%y", "%d/%m/%y",
         "%m/%d/%y", "%d-%m-%y", "%y-%m-%d", "%d %m %Y")  # fmt: skip


@MANY
@given(DATES, st.sampled_from(FORMS), st.sampled_from(["", " г.", "г.", " года", " 10:30", " 10:30:00"]))
def test_a_date_in_any_habit_is_itself_or_among_the_meanings(day: dt.date, form: str, end: str) -> None:
    said = of("date", day.strftime(form) + end)
    assert said == day or (isinstance(said, list) and f"{day:%d.%m.%Y}" in said)


@FEW
@given(DATES)
def test_dates_of_one_meaning(day: dt.date) -> None:
    serial = (day - dt.date(1899, 12, 30)).days
    words = [word for word, number in MONTHS.items() if number == day.month]
    for text in (
        f"{day:%d.%m.%Y}", f" {day:%d.%m.%Y} г.", f"{day.day}.{day.month}.{day.year}", f"{day:%d.%m.%Y} года",
        f"от {day:%d.%m.%Y}", f"{day:%d. %m. %Y}", f"{day:%d,%m,%Y}", f"{day:%d-%m-%Y}", f"{day:%Y-%m-%d}",
        f"{day:%Y.%m.%d}", f"{day:%Y-%m-%d} 10:30:00", f"{day:%Y-%m-%d}T00:00:00", f"{day:%d.%m.%Y} 10:30",
        f"{day:%d %m %Y}", f"«{day:%d}» {words[0]} {day.year} г.", f"{serial}", f"{serial}.5",
        *(f"{day.day} {word}{dot} {day.year}" for word in words for dot in ("", ".")),
        *(f"{day.day}-{word.upper()}-{day.year}" for word in words),
    ):  # fmt: skip
        assert of("date", text) == day, text
    if 2000 <= day.year < 2030:
        assert of("date", f"{day:%d.%m.%y}") == day
        assert of("date", f"{day.day} {words[0]} {day:%y} г.") == day


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        ("09/08/2023", ["09.08.2023", "08.09.2023"]), ("9/8/23", ["09.08.2023", "08.09.2023"]),
        ("08-09-23", ["08.09.2023", "23.09.2008"]), ("14.05.85", ["14.05.1985", "14.05.2085"]),
        ("09/08/2023 10:30", ["09.08.2023", "08.09.2023"]),
    ],
)  # fmt: skip
def test_two_meanings_are_both_shown_and_none_is_read(text: str, meanings: list[str]) -> None:
    assert of("date", text) == meanings


@pytest.mark.parametrize(("text", "day"), [("13/09/2023", 13), ("09/28/2023", 28), ("09/09/2023", 9)])
def test_a_slash_is_no_doubt_where_only_one_order_is_a_date(text: str, day: int) -> None:
    assert of("date", text) == dt.date(2023, 9, day)


@pytest.mark.parametrize(
    "text",
    [
        "31.02.2023", "сентябрь 2023", "09.2023", "2023", "08.09.223", "08..09.2023", "08.09/2023", "12345678", "99999",
        "01.09.2023–08.09.2023", "с 01.09.2023", "8 зарева 2023", "2023-13-01", "№ 17 от 08.09.2023", "нет", "#Н/Д",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert one(text, ORDERED) == "?"


def test_words_for_nothing() -> None:
    assert one("Нет", ARCHIVED) is None
    assert one("Да", ARCHIVED) == "?"


def test_months_are_twelve_and_a_word_is_one_of_them() -> None:
    assert set(MONTHS.values()) == set(range(1, 13))
    assert len(MONTHS) == len(rows("months"))


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("14 сентября", dt.date(2023, 9, 14)), ("14 СЕНТ.", dt.date(2023, 9, 14)), ("14.09", dt.date(2023, 9, 14)),
        ("14.09.", dt.date(2023, 9, 14)), ("5 марта", dt.date(2024, 3, 5)), ("29 февраля", dt.date(2024, 2, 29)),
        ("31 августа", dt.date(2024, 8, 31)), ("«1» сентября", dt.date(2023, 9, 1)),
        ("12.1", None), ("31 июня", None), ("сентябрь", None), ("14", None), ("14/09", None), ("14 по плану", None),
        ("14 сентября 23 г.", None),
    ],
)  # fmt: skip
def test_a_day_without_a_year_is_of_the_academic_year(written: str, day: dt.date | None) -> None:
    assert day_of_year(written, 2023) == day


@pytest.mark.parametrize("form", ["parent_meetings", "practice_events"])
def test_a_date_without_a_year_is_that_of_the_report_and_told(form: str) -> None:
    reading = Sent(form, {"held_on": "7 сентября"}).read()
    assert reading.facts["held_on"].to_list()[0] == dt.date(2023, 9, 7)
    (note,) = reading.findings.filter(rule="COM-115").to_dicts()
    assert (note["severity"], note["value"], note["expected"]) == ("note", "7 сентября", "07.09.2023")


def test_where_no_year_is_to_lean_on_it_is_asked_for() -> None:
    reading = Sent("partner_agreements", {"signed_on": "4 сентября"}).read()
    assert reading.findings.filter(severity="error")["rule"].to_list() == ["COM-032"]
    assert reading.facts.is_empty()


def test_of_two_reports_read_together_each_has_its_own_year() -> None:
    sent = [
        Sent("parent_meetings", {"held_on": "5 сентября"}, above=(f"на {day}",), received=received)
        for day, received in (
            ("08.09.2023", dt.datetime(2023, 9, 8, tzinfo=dt.UTC)),
            ("08.09.2024", dt.datetime(2024, 9, 8, tzinfo=dt.UTC)),
        )
    ]  # fmt: skip
    read = drained([each.delivery() for each in sent], Context(register=SCHOOLS, secret=b"test"))
    assert [each.facts["held_on"].to_list()[0].year for each in read] == [2023, 2024]
    assert [each.findings.filter(rule="COM-115")["expected"].to_list() for each in read] == [
        ["05.09.2023"],
        ["05.09.2024"],
    ]
