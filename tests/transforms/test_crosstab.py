"""Timetables as a school draws them on the wall: which class has which lesson when, however the grid is turned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl
import pytest
from example import SCHOOLS
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.forms import form_named
from contracts.grid import Grid, Range, Sheet, Value
from contracts.reading import Reading
from transforms.cells.lesson import lesson_number
from transforms.cells.within import word_within
from transforms.identity.identify import Context, Delivery
from transforms.interpret import interpret

TITLE = "Расписание МБОУ «Тестовая СОШ» на 08.09.2023"
RMG = "Россия – мои горизонты"
DAYS = {"monday": "Понедельник", "tuesday": "Вторник", "thursday": "Четверг", "saturday": "Суббота"}
Slot = tuple[str, str, int | None]
Rows = Sequence[Sequence[Value]]


def merged(*addresses: str) -> list[Range]:
    """Ranges such as «A2:B3»."""
    ranges = []
    for address in addresses:
        (c1, r1), (c2, r2) = ((ord(cell[0]) - 65, int(cell[1:]) - 1) for cell in address.split(":"))
        ranges.append(Range(r1, c1, r2, c2))
    return ranges


def sheet(rows: Rows, *ranges: str, name: str = "Лист1", **more: object) -> Sheet:
    return Sheet(name, [list(row) for row in rows], merged(*ranges), **more)  # type: ignore[arg-type]


def read(*sheets: Sheet, file: str = "таблица.xlsx", register: pl.DataFrame | None = SCHOOLS) -> Reading:
    received = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)
    delivery = Delivery(file, "0" * 64, "chainsky", received, Grid(list(sheets), "xlsx"))
    (reading,) = interpret([delivery], Context(register=register, secret=b"test"))
    assert isinstance(reading, Reading)
    return reading


def slots(reading: Reading, subject: str = "rmg") -> dict[str, list[tuple[str, int | None]]]:
    """Class → weekday and lesson of the lessons of a subject; classes without one too."""
    found: dict[str, list[tuple[str, int | None]]] = {}
    for row in reading.facts.iter_rows(named=True):
        lessons = found.setdefault(f"{row['grade']}{row['letter'] or ''}", [])
        if row["subject"] == subject:
            lessons.append((row["weekday"], row["lesson"]))
    return found


def said(reading: Reading) -> list[tuple[str, str | None, str | None, str | None]]:
    """Rule, sheet, cell and value of each finding."""
    return list(reading.findings.select("rule", "sheet", "cell", "value").iter_rows())


LAYOUTS: dict[str, tuple[Rows, tuple[str, ...]]] = {
    "classes over the cells": (
        [[TITLE], ["День", "Урок", "6А", "6Б"],
         ["Понедельник", 1, "Алгебра", "Физика"], [None, 2, "Физика", "РМГ"],
         ["Четверг", 1, RMG, "Физика"], [None, 2, "Химия", "Химия"]],
        ("A3:A4", "A5:A6"),
    ),
    "days over the cells": (
        [[TITLE], ["Класс", "Урок", "Понедельник", "Четверг"],
         ["6А", 1, "Алгебра", RMG], [None, 2, "Физика", "Химия"],
         ["6Б", 1, "Физика", "Физика"], [None, 2, "РМГ", "Химия"]],
        (),
    ),
    "lessons under days": (
        [[TITLE], ["Класс", "Понедельник", None, "Четверг", None], [None, 1, 2, 1, 2],
         ["6А", "Алгебра", "Физика", RMG, "Химия"], ["6Б", "Физика", "РМГ", "Физика", "Химия"]],
        ("A2:A3", "B2:C2", "D2:E2"),
    ),
    "a grid a class": (
        [[TITLE], ["6 «А» класс"], ["Урок", "Понедельник", "Четверг"], [1, "Алгебра", RMG], [2, "Физика", "Химия"], [],
         ["6 «Б» класс"], ["Урок", "Понедельник", "Четверг"], [1, "Физика", "Физика"], [2, "РМГ", "Химия"]],
        (),
    ),
    "a line a day": (
        [[TITLE], ["№", "6А", "6Б"], ["ПОНЕДЕЛЬНИК"], [1, "Алгебра", "Физика"], [2, "Физика", "РМГ"],
         ["ЧЕТВЕРГ"], [1, RMG, "Физика"], [2, "Химия", "Химия"]],
        ("A3:C3", "A6:C6"),
    ),
    "rooms beside subjects, the days again at the right": (
        [[TITLE], ["День", "№ урока", "Время", "6А", None, "6Б", None, "День"],
         [None, None, None, "Предмет", "Каб.", "Предмет", "Каб.", None],
         ["П О Н Е Д Е Л Ь Н И К", 1, "8:30–9:10", "Алгебра", 12, "Физика", "7б", "Пн"],
         [None, "2 урок", "9:20–10:00", "Физика", 13, "РМГ", "8а", None],
         ["ЧТ", 1, "8:30–9:10", RMG, 12, "Физика", 5, "Чт"], [None, 2, "9:20", "Химия", None, "Химия", None, None]],
        ("A2:A3", "B2:B3", "D2:E2", "F2:G2"),
    ),
    "two rows a lesson, the lower one for the teacher": (
        [[TITLE], ["День", "Урок", "6А", "6Б"],
         ["Понедельник", 1, "Алгебра", "Физика"], [None, None, "Тестова А. Б.", "Опытный В. Г."],
         [None, 2, "Физика", "РМГ"], [None, None, "Опытный В. Г.", "Тестова А. Б."],
         ["Четверг", 1, RMG, "Физика"], [None, None, "Тестова А. Б.", None],
         [None, 2, "Химия", "Химия"], [None, None, "Пробная Д. Е.", None]],
        ("A3:A6", "B3:B4"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_timetable_is_read_from_each_layout(layout: str) -> None:
    rows, ranges = LAYOUTS[layout]
    reading = read(sheet(rows, *ranges))
    assert slots(reading) == {"6А": [("thursday", 1)], "6Б": [("monday", 2)]}
    assert len(reading.facts) == 8 and reading.verdict == "accepted"
    (late,) = said(reading)
    r, c = next((r, c) for r, row in enumerate(rows) for c, value in enumerate(row) if value == "РМГ")
    assert late == ("TT-002", "Лист1", f"{chr(65 + c)}{r + 1}", RMG)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_cell_says_besides_its_subject_is_kept_nowhere(layout: str) -> None:
    rows, ranges = LAYOUTS[layout]
    named = [[f"{value} Безымянная А. Б." if value in ("Физика", RMG) else value for value in row] for row in rows]
    reading = read(sheet([["УТВЕРЖДАЮ: директор Безымянная А. Б."], *named], *(shifted(each) for each in ranges)))
    assert slots(reading)["6А"] == [("thursday", 1)]
    for frame in (reading.findings, reading.raw_rows.explode("cells", keep_nulls=True), reading.facts):
        assert "Безымянная" not in frame.write_csv()


def shifted(address: str) -> str:
    """A range, a row further down."""
    return ":".join(f"{cell[0]}{int(cell[1:]) + 1}" for cell in address.split(":"))


def test_sheets_are_shifts_days_or_classes() -> None:
    shifts = (
        sheet([[TITLE], ["День", "Урок", "6 класс"], ["Чт", 0, "РМГ"]], name="1 смена"),
        sheet([["День", "Урок", "7А", "7Б"], ["Суббота", 8, "РМГ", "Физика"]], name="2 смена"),
    )
    assert slots(read(*shifts)) == {"6": [("thursday", 0)], "7А": [("saturday", 8)], "7Б": []}
    days = (
        sheet([[TITLE], ["Урок", "6А", "6Б"], [1, "РМГ", "Физика"]], name="Понедельник"),
        sheet([["Урок", "6А", "6Б"], [1, "Физика", "РМГ"]], name="Четверг"),
    )
    assert slots(read(*days)) == {"6А": [("monday", 1)], "6Б": [("thursday", 1)]}
    classes = (
        sheet([[TITLE], ["Урок", "Понедельник", "Четверг"], [1, "Физика", "РМГ"]], name="6А"),
        sheet([["Урок", "Понедельник", "Четверг"], [1, "РМГ", "Физика"]], name="6Б"),
    )
    assert slots(read(*classes)) == {"6А": [("thursday", 1)], "6Б": [("monday", 1)]}


def test_classes_that_learn_together_have_one_column() -> None:
    rows = [[TITLE], ["День", "Урок", "5, 6 классы", "7А, 7Б", "8А/8Б", "9А, Б"], ["Чт", 1, "РМГ", "РМГ", "РМГ", "РМГ"]]
    assert slots(read(sheet([*rows, ["Пт", 1, "Физика"]]))).keys() == {"5", "6", "7А", "7Б", "8А", "8Б", "9А", "9Б"}


def test_a_lesson_merged_over_classes_is_one_of_each() -> None:
    rows = [[TITLE], ["День", "Урок", "6А", "6Б", "7"], ["Пн", 1, "Физика", "Физика", "Физика"], ["Чт", 1, "РМГ"]]
    assert slots(read(sheet(rows, "C4:D4"))) == {"6А": [("thursday", 1)], "6Б": [("thursday", 1)], "7": []}


def test_a_grid_without_numbers_of_lessons_has_none() -> None:
    rows = [[TITLE], ["Класс", "Понедельник", "Четверг"], ["6А", "Шахматы", f"{RMG} 14.00"], ["6Б", "Хор"]]
    reading = read(sheet(rows))
    assert slots(reading) == {"6А": [("thursday", None)], "6Б": []}
    assert reading.facts["lesson"].null_count() == 3


def test_bare_numbers_over_the_cells_are_classes_or_lessons() -> None:
    classes = [
        [TITLE],
        ["День", "Урок", 6, 7, 8],
        ["Пн", 1, "Физика", "Физика", "Физика"],
        ["Чт", 1, "РМГ", "РМГ", "РМГ"],
    ]
    assert slots(read(sheet(classes))).keys() == {"6", "7", "8"}
    lessons = [[TITLE], ["Класс", "День", 1, 2], ["6А", "Пн", "Физика", "Химия"], [None, "Чт", None, "РМГ"]]
    assert slots(read(sheet(lessons))) == {"6А": [("thursday", 2)]}


@pytest.mark.parametrize(
    ("rows", "cell", "found", "expected"),
    [
        ([["Урок", "6А", "6Б"], [1, "РМГ", "РМГ"]], "B2", "класс «6А»", "день недели"),
        ([["Урок", "Понедельник", "Вторник"], [1, "РМГ", "РМГ"]], "B2", "день недели «Понедельник»", "класс"),
        ([["Пн", 1, "РМГ"], ["Вт", 1, "РМГ"], ["Ср", 1, "РМГ"]], "A2", "день недели «Пн»", "класс"),
    ],
)  # fmt: skip
def test_a_grid_that_lacks_an_edge_is_named(rows: Rows, cell: str, found: str, expected: str) -> None:
    reading = read(sheet([[TITLE], *rows], name="Расписание"))
    assert reading.verdict == "refused"
    (told,) = reading.findings.filter(rule="TT-011").to_dicts()
    assert (told["sheet"], told["cell"]) == ("Расписание", cell)
    assert f"Найдено: {found}" in told["message"] and f"не найдено: {expected}" in told["message"]
    good = sheet([[TITLE], ["День", "Урок", "7А"], ["Чт", 1, "РМГ"], ["Пт", 1, "Физика"]], name="7")
    beside = read(good, sheet([["Ещё"], *rows], name="Расписание"))
    assert slots(beside) == {"7А": [("thursday", 1)]}
    assert ("TT-011", "Расписание", cell, None) in said(beside)


def test_edges_that_say_nothing_are_told_once_each() -> None:
    rows = [
        [TITLE], ["День", "Урок", "6А", "6Ъ%", "7А"],
        ["Понедельнег", 1, "Физика", "Физика", "Физика"], ["Вторник", "первый", "Физика"], [None, 2, "Физика", "Химия"],
        *[["Среда", n, "Физика", None, "РМГ"] for n in range(1, 9)], ["Чт", 1, "РМГ"],
    ]  # fmt: skip
    errors = read(sheet(rows)).findings.filter(severity="error")
    assert errors.select("rule", "cell").rows() == [("COM-034", "A3"), ("COM-113", "D2"), ("COM-030", "B4")]


def test_a_lesson_that_stands_twice_is_told_at_its_cells() -> None:
    rows = [[TITLE], ["День", "Урок", "6А", "6Б"], ["Чт", 1, "РМГ", "РМГ"], [None, 1, "Физика"], ["Пт", 2, "Физика"]]
    errors = read(sheet(rows)).findings.filter(severity="error")
    assert errors.select("rule", "cell").rows() == [("COM-050", "C3"), ("COM-050", "C4")]


def test_a_signature_under_the_grid_is_none_of_its_lessons() -> None:
    grid = [[TITLE], ["День", "Урок", "6А", "6Б"], ["Чт", 1, "РМГ", "РМГ"], ["Пт", 1, "Физика", "Физика"]]
    signed = read(
        sheet([*grid, ["Зам. директора", None, "________", "А. Б. Тестова"], ["Исп. Тестова", None, "тел. 12"]])
    )
    assert signed.verdict == "accepted" and len(signed.facts) == 4


def test_a_class_without_a_lesson_is_named() -> None:
    rows = [[TITLE], ["День", "Урок", "6А", "6Б"], ["Чт", 1, "РМГ"], ["Пт", 1, "Физика"]]
    assert said(read(sheet(rows))) == [("TT-012", "Лист1", "D2", "6Б")]


def test_hidden_cells_that_are_read_are_named() -> None:
    rows = [[TITLE], ["День", "Урок", "6А", "6Б"], ["Чт", 1, "РМГ", "РМГ"], ["Пт", 1, "Физика", "Физика"]]
    reading = read(sheet(rows, hidden_rows=frozenset({3}), hidden_columns=frozenset({3})))
    assert said(reading) == [("COM-029", "Лист1", None, "строка 4; столбец D")]


GRID: Rows = [["День", "Урок", "6А"], ["Чт", 1, "РМГ"], ["Пт", 1, "Физика"]]


@pytest.mark.parametrize(
    ("above", "name", "file"),
    [
        (["Школа: МБОУ «Тестовая СОШ»"], "1", "т 08.09.2023.xlsx"),
        (["Расписание уроков МБОУ Тестовая СОШ, действует с 08.09.2023"], "1", "т.xlsx"),
        (["Расписание муниципального бюджетного учреждения", "Код ОО 700001"], "1", "т 08.09.2023.xlsx"),
        (["Расписание", "(1 смена)"], "МБОУ Тестовая СОШ", "т 08.09.2023.xlsx"),
        (["Расписание"], "1 смена", "Расписание МБОУ Тестовая СОШ 08.09.2023.xlsx"),
        (["Директор МБОУ «Тестовая СОШ» А. Б. Тестова", "МБОУ «Тестовая СОШ»"], "1", "т 08.09.2023.xlsx"),
    ],
)
def test_a_grid_names_its_school_above_or_in_a_name(above: list[str], name: str, file: str) -> None:
    reading = read(sheet([*([line] for line in above), *GRID], name=name), file=file)
    assert reading.facts["school_id"].unique().to_list() == [1] and reading.verdict == "accepted"


def test_a_school_that_nobody_knows_is_told_once() -> None:
    nameless = read(sheet([["Расписание на 08.09.2023"], *GRID]))
    assert [(rule, cell) for rule, _, cell, _ in said(nameless) if rule == "COM-023"] == [("COM-023", "A1")]
    unknown = read(sheet([["Расписание МБОУ «Чужая СОШ» на 08.09.2023"], *GRID]))
    assert ("COM-038", "Лист1", "A1", "МБОУ «Чужая СОШ»") in said(unknown)
    signed = read(sheet([["Директор МБОУ «Чужая СОШ» Тестова А. Б. 08.09.2023"], *GRID], name="на 08.09.2023"))
    assert not any("Тестова" in str(value) for _, _, _, value in said(signed))


def test_a_timetable_of_last_year_is_set_aside() -> None:
    rows = [["Расписание МБОУ «Тестовая СОШ» на 2022-2023 учебный год"], *GRID]
    reading = read(sheet(rows), file="т 08.09.2023.xlsx")
    assert ("TT-006", "Лист1", "A1", "2022-2023") in said(reading) and reading.rows.loaded == 0


@given(st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_every_filled_cell_of_a_grid_is_a_row(data: st.DataObject) -> None:
    """A grid is drawn with classes over its cells or with days, merged or not: each cell comes back at its place."""
    classes = data.draw(
        st.lists(st.sampled_from(["6А", "6 «Б»", "7", "8 класс", "10-А", "11 кадетский"]), min_size=2, unique=True)
    )
    days = data.draw(st.lists(st.sampled_from(list(DAYS)), min_size=2, unique=True))
    lessons = data.draw(st.integers(1, 4))
    is_merged, turned = data.draw(st.booleans()), data.draw(st.booleans())
    over, beside = (days, classes) if turned else (classes, days)
    words = [st.sampled_from([None, "Физика", "РМГ", "Мои горизонты / Труд"]) for _ in over]
    grid = {(b, n): [data.draw(word) for word in words] for b in beside for n in range(1, lessons + 1)}
    rows: list[list[Value]] = [[TITLE], ["Класс" if turned else "День", "Урок", *(DAYS.get(o, o) for o in over)]]
    ranges = []
    for b in beside:
        if is_merged and lessons > 1:
            ranges.append(f"A{len(rows) + 1}:A{len(rows) + lessons}")
        for n in range(1, lessons + 1):
            rows.append([DAYS.get(b, b) if n == 1 else None, n, *grid[b, n]])
    filled = [(r, c) for r, row in enumerate(rows[2:], 2) for c, value in enumerate(row[2:], 2) if value]
    reading = read(sheet(rows, *ranges))
    if not filled:
        return
    assert reading.rows.loaded == len(filled) == len(reading.facts)
    codes = {"Физика": "other", "РМГ": "rmg", "Мои горизонты / Труд": "rmg_in_part"}
    counted = reading.facts["subject"].value_counts().rows()
    stated = [codes[str(rows[r][c])] for r, c in filled]
    assert dict(counted) == {code: stated.count(code) for code in stated}
    part = {f"{chr(65 + c)}{r + 1}" for r, c in filled if rows[r][c] == "Мои горизонты / Труд"}
    assert set(reading.findings.filter(rule="TT-004")["cell"]) == part


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1), ("0", 0), ("3 урок", 3), ("урок 4", 4), ("5-й", 5), ("№ 6", 6), ("7.", 7), ("IV", 4), ("нулевой", 0),
        ("2 (9:20–10:00)", 2), ("1\n8.30-9.10", 1), ("8:30", None), ("1-2", None), ("Физика", None), ("2023", None),
        ("", None),
    ],
)  # fmt: skip
def test_numbers_of_lessons(text: str, number: int | None) -> None:
    assert lesson_number(text) == number


WORDINGS = (
    "Россия - мои горизонты", "Россия-мои горизонты", "Россия-мои горозонты", "Моя Россия - Мои горизонты",
    "Профминимум", "Профминимум \"Россия - мои горизонты\"", "Мои горизонты", "РМГ", "Р.М.Г.",
    "Классный час \"Россия - мои горизонты\"", "Профориентация", "РОССИЯ – МОИ ГОРИЗОНТЫ Тестова А. Б., каб. 12",
    "“Россия — мои горизонты”", "Россия – мои гори-\nзонты", "РМГ/Тестова/12",
)  # fmt: skip
"""How public timetables call the lesson (domain.md 7 (vi)), and with what beside it."""


@pytest.mark.parametrize("text", WORDINGS)
def test_wordings_of_the_lesson(text: str) -> None:
    assert word_within(text, "lesson_subjects") == RMG


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Физика Горизонтов А. Б.", "Похоже на «Россия – мои горизонты»"),
        ("Билет в будущее", "Похоже на «Россия – мои горизонты»"),
        ("Профориентационная игра", "Похоже на «Россия – мои горизонты»"),
        ("РМГ/Физика", "Россия – мои горизонты у части класса или через неделю"),
        ("РМГ / –", "Россия – мои горизонты у части класса или через неделю"),
        ("Англ. яз. / Информатика", "Другой предмет"),
        ("Тестова А. Б.", "Другой предмет"),
        ("Разговоры о важном", "Другой предмет"),
        ("–", None),
        ("#REF!", "#REF!"),
    ],
)
def test_other_words(text: str, word: str | None) -> None:
    assert word_within(text, "lesson_subjects") == word
    assert word is None or word_within(word, "lesson_subjects") == word


def test_the_form_says_its_layout() -> None:
    crosstab = form_named("timetable").crosstab
    assert crosstab is not None
    assert [axis.name for axis in crosstab.axes] == ["grade", "weekday", "lesson"]
