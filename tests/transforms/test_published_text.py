"""Texts of a site without its marks, lists of them as items, and terms of study as months."""

from __future__ import annotations

import csv

import pytest
from example import GOLDEN

from contracts.form import Column
from contracts.forms import form_named
from transforms.cells.answer import choice
from transforms.cells.published_text import items, markup
from transforms.cells.term import months

EDITION = form_named("programme_catalogue").editions[-1]
COMPETENCIES = EDITION.column("competencies")


def test_each_programme_of_the_source_has_six_competencies() -> None:
    with (GOLDEN / "programme_catalogue" / "as_published" / "facts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [len(row["competencies"].split("; ")) for row in rows] == [6, 6, 6]


@pytest.mark.parametrize(
    ("text", "value", "lost"),
    [
        ("Сборка; Ремонт", "Сборка; Ремонт", None),
        ('<ul style="list-style-type: none"> Сборка узлов; Чтение схем', "Сборка узлов; Чтение схем", None),
        ("<ul><li>Сборка</li><li>Чтение.</li></ul>", "Сборка; Чтение", None),
        ("Сборка<br>Чтение<br/>Расчёт", "Сборка; Чтение; Расчёт", None),
        ("• сборка\n• чтение", "сборка; чтение", None),
        ("Сборка&nbsp;узлов &amp; машин", "Сборка узлов & машин", None),
        ("Работа при U < 1000 В; Ремонт", "Работа при U < 1000 В; Ремонт", None),
        ("Сборка узлов Чтение схем", "Сборка узлов; Чтение схем", "пунктов 2: разделителя нет перед «Чтение»"),
        ("Нормы Российской Федерации; по ТЗ заказчика", "Нормы Российской Федерации; по ТЗ заказчика", None),
        ("Умение ПОДГОТОВКА", "Умение ПОДГОТОВКА", None),
        ("<ul></ul>", None, None),
        (" ; ; ", None, None),
        ("—", None, None),
    ],
)
def test_items_of_a_list(text: str, value: str | None, lost: str | None) -> None:
    read = items(text, COMPETENCIES)
    assert (read.value, read.rule, read.shown) == (value, "CAT-004" if lost else None, lost)
    assert read.blank == (value is None)


@pytest.mark.parametrize("text", ["Сборка узлов Чтение схем", "<ul> Сборка;Чтение", "Нормы; Расчёт.", "<b>Пуск</b>"])
def test_what_was_read_is_read_as_itself(text: str) -> None:
    value = str(items(text, COMPETENCIES).value)
    again = items(value, COMPETENCIES)
    assert (again.value, again.rule) == (value, None)


def test_a_text_is_one_line_without_marks() -> None:
    column = Column("title", "Название", "markup", "")
    assert markup("<p>Клуб &quot;Истоки&quot;</p>\n<p>и&nbsp;друзья</p>", column).value == 'Клуб "Истоки" и друзья'
    assert markup("<br>", column).blank


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10 мес.", 10), ("10 месяцев", 10), ("10", 10), ("10,0 мес", 10), ("1 год", 12), ("1,5 года", 18),
        ("2 года 10 мес.", 34), ("2 г. и 10 мес.", 34), ("полгода", 6), ("Год", 12), ("36 недель", None),
        ("1 учебный год", None), ("0,3 года", None), ("10-12 мес.", None), ("122 ч", None),
    ],
)  # fmt: skip
def test_terms(text: str, value: int | None) -> None:
    assert months(text, EDITION.column("term_months")).value == value


def test_a_known_misspelling_is_understood_and_told() -> None:
    form = EDITION.column("study_form")
    told = choice("очно-звочное", form)
    assert (told.value, told.rule, told.shown) == ("part_time", "COM-022", "Очно-заочная")
    assert (choice("очно-заочное", form).value, choice("очно-заочное", form).rule) == ("part_time", None)
