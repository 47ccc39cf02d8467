"""Which sheets of a workbook are of the delivery's date: of a sheet a week only the newest is read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from example import Sent, drained

from contracts.grid import Grid, Sheet, Value
from contracts.reading import Reading
from contracts.receipt import SHEET
from contracts.receipt import TITLE as RECEIPT
from transforms.identity.delivery_date import day_in_sheet_name
from transforms.identity.identify import Context

TITLE, HEADING, GOOD = Sent("readiness_report").grid().sheets[0].rows
DAY = dt.date(2023, 9, 8)
OTHER: list[Value] = ["700004", "МБОУ «Школа-сад»", *GOOD[2:]]


def sheet(name: str, title: str | None, *rows: list[Value]) -> Sheet:
    return Sheet(name, [[title], HEADING, *map(list, rows or (GOOD,))])


def read(*sheets: Sheet, file: str = "таблица.xlsx") -> Reading:
    return Sent("readiness_report", content=Grid(list(sheets), "xlsx"), file=file).read()


def rules(reading: Reading) -> list[str]:
    return reading.findings["rule"].to_list()


def on(day: str) -> str:
    return f"по состоянию на {day}"


@pytest.mark.parametrize(
    "days", [("01.09.2023", "08.09.2023"), ("08.09.2023", "01.09.2023"), ("25.08.2023", "08.09.2023")]
)
@pytest.mark.parametrize("name", ["Неделя {}", "Лист{}"])
def test_of_a_sheet_a_week_the_newest_is_read(days: tuple[str, str], name: str) -> None:
    changed: list[Value] = [*GOOD]
    changed[HEADING.index("Обучающихся 6–11 классов")] = 119
    sheets = [
        sheet(name.format(n), on(day), changed if day == "08.09.2023" else GOOD) for n, day in enumerate(days, start=1)
    ]
    reading = read(*sheets)
    assert (reading.verdict, reading.as_of, reading.rows.loaded) == ("accepted", dt.date(2023, 9, 8), 1)
    assert reading.facts["pupils_total"].to_list() == [119]
    (told,) = reading.findings.to_dicts()
    assert (told["rule"], told["severity"], told["expected"]) == ("COM-102", "warning", "08.09.2023")
    assert all(f"лист «{name.format(n)}» — {day}" in told["value"] for n, day in enumerate(days, start=1))
    assert reading.rows.read == len(reading.raw_rows) == 6


@pytest.mark.parametrize(
    "names",
    [("01.09", "08.09"), ("01.09.2023", "08.09.2023"), ("1 сентября", "8 сентября"), ("25.08-01.09", "02.09-08.09")],
)
def test_where_titles_are_the_same_the_names_of_the_sheets_tell(names: tuple[str, str]) -> None:
    reading = read(*(sheet(name, on("08.09.2023")) for name in names))
    assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 1, ["COM-102"])
    in_name = read(*(sheet(name, None) for name in names), file="отчёт 08.09.2023.xlsx")
    assert (in_name.verdict, in_name.as_of, in_name.rows.loaded) == ("accepted", dt.date(2023, 9, 8), 1)


def test_a_title_that_was_copied_with_the_sheet_is_refused_with_both_dates() -> None:
    reading = read(sheet("01.09", on("01.09.2023")), sheet("08.09", on("01.09.2023")))
    (told,) = reading.findings.filter(rule="COM-016").to_dicts()
    assert told["value"] == "в таблице — 01.09.2023, в имени листа — 08.09.2023"
    assert reading.verdict == "refused"


def test_a_newer_sheet_that_lacks_a_school_is_refused_with_both_dates() -> None:
    reading = read(sheet("А", on("01.09.2023"), GOOD, OTHER), sheet("Б", on("08.09.2023")))
    (told,) = reading.findings.filter(rule="COM-016").to_dicts()
    assert told["value"] == "лист «А» — 01.09.2023, лист «Б» — 08.09.2023"
    assert (reading.verdict, reading.rows.loaded) == ("refused", 0)


def test_totals_and_notes_of_an_older_sheet_are_no_schools() -> None:
    total: list[Value] = [None, "Итого", *[None] * 9, 40]
    reading = read(sheet("А", on("01.09.2023"), GOOD, total, ["Исп. Тестов"]), sheet("Б", on("08.09.2023")))
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 1)


@pytest.mark.parametrize("titles", [("08.09.2023", "08.09.2023"), ("08.09.2023", None), (None, "08.09.2023")])
def test_sheets_of_one_date_or_without_one_are_all_read(titles: tuple[str | None, str | None]) -> None:
    one, other = (day and on(day) for day in titles)
    reading = read(sheet("Школа 1", one), sheet("Школа 2", other, OTHER))
    assert reading.rows.loaded + reading.rows.quarantined == 2 and "COM-102" not in rules(reading)


def test_a_hidden_older_sheet_is_told_as_hidden() -> None:
    older = Sheet("01.09", [[on("01.09.2023")], HEADING, GOOD], visible=False)
    assert rules(read(older, sheet("08.09", on("08.09.2023")))) == ["COM-025"]


def test_an_export_a_week_is_read_as_the_newest() -> None:
    rows = Sent("registration_export").grid().sheets[0].rows[1:]
    sheets = [Sheet(day, [[on(day)], *rows]) for day in ("01.09.2023", "08.09.2023")]
    reading = Sent("registration_export", content=Grid(sheets, "xlsx")).read()
    assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 1, ["COM-102"])


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("08.09.2023", dt.date(2023, 9, 8)), ("2023-09-08", dt.date(2023, 9, 8)), ("на 08.09", dt.date(2023, 9, 8)),
        ("8 сентября", dt.date(2023, 9, 8)), ("8 сентября 2023", dt.date(2023, 9, 8)), ("08_09", dt.date(2023, 9, 8)),
        ("08.09.23", dt.date(2023, 9, 8)), ("Лист1", None), ("5-6", None), ("Школа 12", None), ("31.02", None),
        ("6-11 классы", None), ("2023-2024", None),
    ],
)  # fmt: skip
def test_days_in_the_names_of_sheets(name: str, day: dt.date | None) -> None:
    assert day_in_sheet_name(name, 2023) == day


@pytest.mark.parametrize(
    ("title", "file", "is_doubted"),
    [
        ("План мероприятий", "план.xlsx", True), ("План на октябрь 2023 года", "план.xlsx", False),
        ("План мероприятий", "План_октябрь_2023.xlsx", False), ("План мероприятий в октябре", "план.xlsx", False),
        ("План за сентябрь", "план.xlsx", True), ("План на сентябрь – октябрь", "план.xlsx", True),
        ("План за сентябрь", "план на октябрь.xlsx", True), ("План на октябрь 2022 года", "план.xlsx", True),
        ("Утверждён 2 октября", "план.xlsx", True), ("Утверждён 2 октября 2023 г.", "план.xlsx", True),
    ],
)  # fmt: skip
def test_a_plan_that_names_its_month_is_not_doubted_in_its_first_days(title: str, file: str, is_doubted: bool) -> None:
    sent = Sent("event_plan", above=(title, on("02.10.2023")), file=file)
    assert ("COM-112" in rules(sent.read())) is is_doubted
    late = Sent("event_plan", above=(title, on("09.10.2023")), file=file)
    assert "COM-112" not in rules(late.read())


@pytest.mark.parametrize(("title", "day"), [(None, DAY), (on("07.09.2023"), dt.date(2023, 9, 7))])
def test_a_receipt_under_another_name_is_of_the_date_that_it_answers(title: str | None, day: dt.date) -> None:
    receipt = Sheet(SHEET, [[RECEIPT], [None], ["Данные на", f"{DAY:%d.%m.%Y}"]])
    reading = read(receipt, sheet("Лист1", title), file="ответ.xlsx")
    assert (reading.as_of, "COM-018" in rules(reading)) == (day, False)


def test_a_receipt_that_answers_no_date_dates_nothing() -> None:
    receipt = Sheet(SHEET, [[RECEIPT], [None], ["Файл", "Отчёт 08.09.2023.xlsx"]])
    assert "COM-018" in rules(read(receipt, sheet("Лист1", None), file="ответ.xlsx"))


@pytest.mark.parametrize(
    ("title", "file", "day"),
    [
        ("Выполнение часов за октябрь 2023 г.", "часы.xlsx", dt.date(2023, 10, 31)),
        ("Выполнение часов", "Часы за ДЕКАБРЬ 2023.xlsx", dt.date(2023, 12, 31)),
        ("Часы за октябрь 2023", "часы октябрь 2023.xlsx", dt.date(2023, 10, 31)),
        ("Часы за октябрь", "часы.xlsx", None), ("Часы за сентябрь 2023 и октябрь 2023", "часы.xlsx", None),
        ("Утверждено 5 октября 2023 года", "часы.xlsx", None),
        (f"Часы за октябрь 2023, {on('15.11.2023')}", "часы.xlsx", dt.date(2023, 11, 15)),
    ],
)  # fmt: skip
def test_a_report_of_a_month_is_of_its_last_day(title: str, file: str, day: dt.date | None) -> None:
    reading = Sent("hours_delivered", {"month": "сентябрь"}, above=(title,), file=file).read()
    assert (reading.as_of, "COM-018" in rules(reading)) == (day, day is None)


def test_a_month_dates_no_list_of_a_year() -> None:
    assert "COM-018" in rules(Sent("level_choice", above=("Уровни, сентябрь 2023",)).read())


AUGUST = dt.date(2023, 8, 24)
PLAN = Sent("event_plan", above=("План на 2023/2024 учебный год",))


@pytest.mark.parametrize("more", [(), (on("24.08.2023"),)])
def test_a_day_that_somebody_states_holds_though_the_plan_is_of_the_year_to_come(more: tuple[str, ...]) -> None:
    """It is said that the plan speaks of another year; without the statement the plan is of that year."""
    plan = replace(PLAN, above=(*PLAN.above, *more))
    context = Context(register=None, secret=b"test", as_of=AUGUST)
    reading = drained([plan.delivery()], context)[0]
    assert (reading.as_of, "COM-117" in rules(reading), "COM-111" in rules(reading)) == (AUGUST, False, True)
    dated = replace(PLAN, above=(*PLAN.above, on("24.08.2023"))).read()
    assert (dated.as_of, "COM-117" in rules(dated)) == (dt.date(2023, 9, 1), True)
