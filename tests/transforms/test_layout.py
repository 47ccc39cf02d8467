"""What is said of headings: missing, unknown, and which column an unknown one probably is."""

from __future__ import annotations

import datetime as dt

import pytest
from example import Sent

from contracts.forms import FORMS, form_named
from contracts.grid import Grid, Sheet
from contracts.reading import Reading
from contracts.vocabulary import form_rows, rows
from transforms.identity.identify import Context, identify
from transforms.tables.layout import spans

REWORDED = [
    ("readiness_report", "navigators", "Кол-во навигаторов в школе"),
    ("readiness_report", "navigators_trained", "Навигаторы обученные"),
    ("readiness_report", "school_name", "Наименование школы (полностью)"),
    ("readiness_report", "level", "Уровень реализации ПМ"),
    ("readiness_report", "hours_supplementary", "Часы доп. образования"),
    ("readiness_report", "pupils_total", "Обучающихся в 6–11 классах"),
    ("readiness_report", "partner_agreements", "Соглашения с партнерами, кол-во"),
    ("registration_summary", "actual_pupils", "Фактически зарегистрировано"),
    ("readiness_summary", "rejected", "Неверные отчеты"),
]
OWN = [
    "Комментарий", "% охвата", "Примечание", "ФИО директора", "Телефон", "Адрес", "Директор школы", "Ссылка на сайт",
    "Количество учителей", "Обучающихся 1–4 классов", "Численность обучающихся 10–11 классов", "Всего учителей",
    "Наличие кабинета", "Средний балл", "Количество советников директора", "x" * 300,
]  # fmt: skip


def reworded(form: str, column: str, heading: str) -> Reading:
    """A good delivery in which a column is called otherwise."""
    title = form_named(form).editions[0].column(column).title
    sheet = Sent(form).grid().sheets[0]
    told = [[heading if value == title else value for value in row] for row in sheet.rows]
    return Sent(form, content=Grid([Sheet("Лист1", told)], "xlsx")).read()


@pytest.mark.parametrize(("form", "column", "heading"), REWORDED)
def test_a_reworded_heading_is_suggested_and_never_loaded(form: str, column: str, heading: str) -> None:
    reading = reworded(form, column, heading)
    assert reading.verdict == "refused" and reading.rows.loaded == 0
    if reading.form is None:  # the form is recognised by this column
        (message,) = reading.findings["message"]
        assert f"Возможно, «{heading}» — это столбец «" in message
        return
    (suggested,) = reading.layout.suggested
    assert (suggested.heading, suggested.column) == (heading, column) and 77 <= suggested.score <= 100
    assert column not in reading.layout.places
    missing, unknown = (reading.findings.filter(rule=rule).to_dicts() for rule in ("COM-012", "COM-013"))
    assert [each["cell"] for each in (*missing, *unknown)] == [suggested.cell.removeprefix("Лист1!")] * 2
    assert f"Возможно, это столбец «{heading}» (ячейка " in missing[0]["message"]
    assert f"Похоже на столбец «{suggested.title}» (сходство {suggested.score} из 100)." in unknown[0]["message"]
    assert unknown[0]["expected"] == suggested.title


@pytest.mark.parametrize("heading", OWN)
@pytest.mark.parametrize("missing", ["hours_total", "pupils_total", "order_number", "school_code"])
def test_a_column_of_ones_own_is_not_suggested(heading: str, missing: str) -> None:
    reading = Sent("readiness_report", without=(missing,), headings=(heading,)).read()
    assert reading.layout.suggested == () and reading.layout.unknown == (heading,)


def test_a_suggestion_is_for_the_column_that_is_missing() -> None:
    """«Верные отчёты» resembles «Неверный отчёт», but the column that it is stands in the table already."""
    reading = Sent("readiness_summary", without=("rejected",), headings=("Верные отчёты",)).read()
    assert "Возможно" not in "".join(reading.findings["message"])


def test_suggestions_are_one_to_one() -> None:
    headings = ("Навигаторы обученные", "Кол-во обученных навигаторов")
    suggested = Sent("readiness_report", without=("navigators_trained",), headings=headings).read().layout.suggested
    assert [(each.heading, each.column) for each in suggested] == [(headings[1], "navigators_trained")]


def test_an_optional_column_is_suggested_too() -> None:
    reading = Sent("registration_summary", without=("completion_rate",), headings=("Выполнение, %",)).read()
    assert reading.verdict == "accepted"
    assert [each.column for each in reading.layout.suggested] == ["completion_rate"]


def test_a_heading_that_may_be_a_name_is_neither_shown_nor_suggested() -> None:
    reading = Sent("registration_export", without=("navigator",), headings=("Навигатор Тестова Анна",)).read()
    assert reading.layout.unknown == ("скрыто",) and reading.layout.suggested == ()


def test_a_form_with_a_single_known_heading_is_named_with_the_other() -> None:
    reading = reworded("registration_plan", "plan_pupils", "План регистрации детей")
    assert reading.form is None
    (message,) = reading.findings["message"]
    assert "«План регистрации детей» — это столбец «План регистрации, чел.»" in message
    assert "Ближе всего форма «План регистрации" in message
    assert identify(Sent("registration_plan").delivery(), Context(None, b"")).nearest is None


def test_the_layout_of_several_tables_is_that_of_all() -> None:
    sheet = Sent("readiness_report", headings=("Своё",)).grid().sheets[0]
    other = Sheet("Село", [[None, *row] for row in Sent("readiness_report", headings=("Чужое",)).grid().sheets[0].rows])
    layout = Sent("readiness_report", content=Grid([sheet, other], "xlsx")).read().layout
    assert layout.unknown == ("Своё", "Чужое") and layout.missing == ()
    assert layout.places["school_code"] == "Лист1!A2"


def test_headings_that_people_add_everywhere_are_no_finding() -> None:
    for row in rows("ignored_headings"):
        assert Sent("readiness_report", headings=(row["heading"],)).read().findings.is_empty(), row


def test_approved_headings_name_columns_of_forms() -> None:
    for form in FORMS:
        columns = {column.name for edition in form.editions for column in edition.columns}
        for row in form_rows(form.name, "headings"):
            assert row["column"] in columns and row["heading"] and row["why"] and row["by"]
            dt.date.fromisoformat(row["on"])


@pytest.mark.parametrize(
    ("numbers", "said"), [([5], "строка 5"), ([5, 7, 8, 9], "строки 5, 7–9"), ([1, 2], "строки 1–2")]
)
def test_numbers_are_said_as_people_write_them(numbers: list[int], said: str) -> None:
    assert spans("строка", "строки", numbers) == said
