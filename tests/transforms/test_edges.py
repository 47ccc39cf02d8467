"""Where a table ends to the right and the left, and which of several columns under one heading is read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import pytest
from example import SCHOOLS, Sent, units
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.forms.readiness_report.form import COLUMNS
from contracts.grid import Grid, Range, Sheet, Value
from contracts.reading import Reading

Rows = list[list[Value]]
TITLE, *TABLE = Sent("readiness_report").grid().sheets[0].rows
WIDTH = len(COLUMNS)
LEVELS: Rows = [["Уровень", "Часы, не меньше"], ["базовый", 40], ["основной", 60], ["продвинутый", 80]]
PLANS = [(str(row["reporting_unit"]), 60 + place) for place, row in enumerate(units())]


def beside(left: Rows, right: Rows, gap: int, width: int | None = None) -> Rows:
    """Two tables side by side with blank columns between them."""
    wide = max(map(len, left)) if width is None else width
    return [
        [*(one or []), *[None] * (wide - len(one or []) + gap), *(other or [])]
        for one, other in zip_longest(left, right)
    ]


def read(rows: Rows, merged: Sequence[Range] = (), form: str = "readiness_report") -> Reading:
    return Sent(form, content=Grid([Sheet("Лист1", [TITLE, *rows], list(merged))], "xlsx")).read()


def rules(reading: Reading) -> list[str]:
    return reading.findings["rule"].to_list()


@pytest.mark.parametrize("gap", [1, 2, 5])
@pytest.mark.parametrize("other", [LEVELS, LEVELS[:2], [["Справка", "Значение"], ["школ", 3], ["классов", 8]]])
def test_a_list_past_a_blank_column_is_not_part_of_the_table(other: Rows, gap: int) -> None:
    on_the_right, on_the_left = read(beside(TABLE, other, gap)), read(beside(other, TABLE, gap))
    for reading in (on_the_right, on_the_left):
        assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 1, ["COM-100"])
        assert "продвинутый" not in str(reading.raw_rows["cells"].to_list())
    assert on_the_right.facts.equals(on_the_left.facts)


def test_rows_that_only_the_list_has_are_blank() -> None:
    reading = read(beside(TABLE, LEVELS, 2))
    assert reading.raw_rows["outcome"].to_list() == ["title", "heading", "loaded", "blank", "blank"]


def test_a_column_after_a_blank_one_that_is_filled_with_the_rows_is_of_the_table() -> None:
    parted: Rows = [[*row[:5], None, *row[5:]] for row in TABLE]
    reading = read(parted)
    assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 1, [])


def test_a_column_without_a_heading_is_no_blank_one() -> None:
    rows: Rows = [
        [*row, note, "Комментарий" if r == 0 else "есть"]
        for r, (row, note) in enumerate(zip(TABLE, (None, 1), strict=True))
    ]
    assert rules(read(rows)) == ["COM-013"]


def test_a_list_that_has_the_missing_column_does_not_fill_it() -> None:
    place = [column.name for column in COLUMNS].index("level")
    without: Rows = [[value for c, value in enumerate(row) if c != place] for row in [*TABLE, *[TABLE[1]] * 5]]
    reading = read(beside(without, LEVELS, 2))
    assert reading.verdict == "refused" and reading.layout.missing == ("Уровень реализации",)


@pytest.mark.parametrize("gap", [0, 1, 3])
def test_two_halves_side_by_side_are_two_tables(gap: int) -> None:
    reading = read(beside(TABLE, TABLE, gap))
    (found,) = reading.findings.filter(severity="refuse").to_dicts()
    assert (found["rule"], reading.verdict, reading.rows.loaded) == ("COM-099", "refused", 0)
    assert "COM-014" not in rules(reading) and "ничего не удаляя" in found["message"]


def test_two_columns_of_one_heading_are_still_named() -> None:
    assert "COM-014" in rules(read([[*row, row[2]] for row in TABLE]))


ASSIGNED: Rows = [
    ["№", "№ поручения", "Поручение", "Срок", "Исполнитель", "Статус", "Подтверждение"],
    [1, "2.1", "Сдать отчёты", "11.09.2023", "муниципалитеты", "Выполнено", "протокол № 4"],
    [2, "2.4", "Внести занятия в расписание", "15.09.2023", "школы", "Выполнено", "протокол № 5"],
]


def assigned(rows: Rows) -> Reading:
    return read(rows, (), "assignments")


@pytest.mark.parametrize("called", ["№", "№ п/п", "N п/п"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("many", [1, 2])
def test_numbers_of_rows_are_no_second_column_beside_the_numbers_of_assignments(
    called: str, order: tuple[int, int], many: int
) -> None:
    rows = [[*(row[c] for c in order), *row[2:]] for row in ASSIGNED[: 1 + many]]
    rows[0][order.index(0)] = called
    reading = assigned(rows)
    assert (reading.verdict, rules(reading)) == ("accepted", [])
    assert reading.facts["number"].to_list() == ["2.1", "2.4"][:many]
    assert reading.layout.unknown == (called,) and reading.layout.matched["№ поручения"] == "number"


def test_a_number_sign_is_the_number_of_an_assignment_where_nothing_else_is() -> None:
    alone = assigned([[row[1 if r else 0], *row[2:]] for r, row in enumerate(ASSIGNED)])
    assert (alone.facts["number"].to_list(), alone.layout.matched["№"]) == (["2.1", "2.4"], "number")


def test_two_columns_of_numbers_that_number_no_rows_are_one_too_many() -> None:
    for first, second in (("1.1", "1.2"), (2, 4), (1, 1)):
        rows = [ASSIGNED[0], *([number, *row[1:]] for number, row in zip((first, second), ASSIGNED[1:], strict=True))]
        assert "COM-014" in rules(assigned(rows)), (first, second)


def by_grades(parts: Sequence[Value], merged: bool, *, second: Sequence[Value] = ()) -> Reading:
    upper: list[Value] = ["№", "Муниципальный район", "План, чел.", *[None] * (len(parts) - 1)]
    lower: list[Value] = [None, None, *parts]
    rows: Rows = [upper, lower]
    for number, (unit, plan) in enumerate(PLANS, start=1):
        rows.append([number, unit, *([10] * (len(parts) - 1)), plan])
    ranges = [Range(1, 0, 2, 0), Range(1, 1, 2, 1), Range(1, 2, 1, 1 + len(parts))] if merged else []
    return read(rows, ranges, "registration_plan")


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("total", ["Всего", "Итого", "ВСЕГО:", "итого по классам"])
def test_of_the_parts_of_a_figure_the_whole_is_read(total: str, merged: bool) -> None:
    reading = by_grades([6, 7, 8, 9, 10, 11, total], merged)
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 21)
    assert sorted(reading.facts["plan_pupils"]) == sorted(plan for _, plan in PLANS)
    assert sorted(rules(reading)) == ["COM-060", "COM-098"]
    assert reading.layout.places["plan_pupils"] == "Лист1!I3"


@pytest.mark.parametrize("merged", [True, False])
def test_parts_of_a_figure_without_the_whole_are_refused_for_the_true_reason(merged: bool) -> None:
    reading = by_grades(["январь", "февраль", "март"], merged)
    (found,) = reading.findings.filter(severity="refuse").to_dicts()
    assert (found["rule"], found["value"]) == ("COM-097", "C3, D3, E3")
    assert reading.rows.loaded == 0


def test_a_heading_over_two_columns_is_that_of_the_filled_one() -> None:
    rows: Rows = [["Муниципальный район", "План", None], *([unit, None, plan] for unit, plan in PLANS)]
    reading = read(rows, [Range(1, 1, 1, 2)], "registration_plan")
    assert (reading.rows.loaded, rules(reading)) == (21, ["COM-060"])
    both = read(
        [[*row[:2], row[2] if r else None] for r, row in enumerate(rows)], [Range(1, 1, 1, 2)], "registration_plan"
    )
    assert both.facts.equals(reading.facts)
    filled = read(
        [row if r == 0 else [row[0], 5, row[2]] for r, row in enumerate(rows)], [Range(1, 1, 1, 2)], "registration_plan"
    )
    assert "COM-097" in rules(filled)


def test_of_two_years_that_of_the_report_is_read() -> None:
    heading: list[Value] = ["Муниципальный район", "План на 2022/2023 уч. год", "План на 2023/2024 уч. год"]
    reading = read([heading, *([unit, 1, plan] for unit, plan in PLANS)], (), "registration_plan")
    assert sorted(reading.facts["plan_pupils"]) == sorted(plan for _, plan in PLANS)
    assert sorted(rules(reading)) == ["COM-060", "COM-098"]


def test_a_heading_of_last_year_is_told() -> None:
    rows: Rows = [["Муниципальный район", "План на 2022/2023 учебный год"], *map(list, PLANS)]
    (found,) = read(rows, (), "registration_plan").findings.filter(rule="COM-103").to_dicts()
    assert (found["severity"], found["cell"], found["expected"]) == ("warning", "B2", "2023/2024 учебный год")


@pytest.mark.parametrize(
    "page",
    [
        [[None, None, "чел.", "ак. ч", "ед."]],
        [["ед. изм.", None, "чел.", None, "шт."]],
        [[None, "час.", "ак.ч.", "Ак.час", "акад. ч"]],
        [["А", "Б", *range(1, WIDTH - 1)]],
        [[f"({n})" for n in range(1, WIDTH + 1)]],
        [[f"{n}." for n in range(1, WIDTH + 1)]],
        [[None, None, "выберите из списка", "например, 6–11", "ак. ч"], [*range(1, WIDTH + 1)]],
        [[None, "текст", "дд.мм.гггг", "да/нет"]],
    ],
)  # fmt: skip
def test_rows_of_units_and_numbers_are_no_data(page: Rows) -> None:
    reading = read([TABLE[0], *page, TABLE[1], TABLE[0], *page, [], *page])
    assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 1, [])


@pytest.mark.parametrize(
    ("column", "heading"),
    [
        ("hours_total", "Часы: всего (ак. ч)"), ("hours_total", "Всего часов (ак. ч, не менее 40)"),
        ("hours_total", "Часы: всего (ак.ч.)"), ("hours_total", "Часы: всего, акад.час."),
        ("school_code", "Код ОО (6 цифр)"), ("school_code", "Код ОО — 6 цифр"),
        ("order_date", "Дата приказа, дд.мм.гггг"), ("order_date", "Дата приказа (ДД.ММ.ГГГГ)"),
        ("order_date", "Дата приказа дд.мм.гггг"), ("order_number", "Номер приказа\n(при наличии)"),
        ("order_number", "N приказа"), ("order_number", "№приказа"),
        ("school_name", "Наименование ОО (кратко, по уставу)"),
        ("level", "Уровень (выберите из списка)"), ("level", "Уровень: выберите из списка"),
        ("rmg_in_timetable", "РМГ в расписании, да/нет"), ("navigators", "Педагогов-навигаторов, ед."),
        ("pupils_total", "Обучающихся 6–11 классов на 01.09.2023, чел."),
        ("pupils_total", "Обучающихся 6–11 классов в 2023/24 уч. году"),
        ("parent_meetings", "Родительских собраний (цифрой, на 2023-2024 учебный год)"),
    ],
)  # fmt: skip
def test_a_heading_with_a_hint_or_a_year_is_that_heading(column: str, heading: str) -> None:
    place = [each.name for each in COLUMNS].index(column)
    reading = read([[*TABLE[0][:place], heading, *TABLE[0][place + 1 :]], TABLE[1]])
    assert (reading.verdict, rules(reading)) == ("accepted", [])
    assert column in reading.layout.matched.values()


@pytest.mark.parametrize(
    "heading", ["Часы: всего, %", "Часы: всего (мин)", "Часы: всего (по плану)", "Навигаторы (ФИО)"]
)
def test_what_else_a_heading_says_keeps_it_apart(heading: str) -> None:
    reading = read([[*row, text] for row, text in zip(TABLE, (heading, None), strict=True)])
    assert rules(reading) == ["COM-013"] and reading.verdict == "accepted"


@pytest.mark.parametrize("column", [column for column in COLUMNS if column.required], ids=lambda column: column.name)
def test_one_unknown_heading_never_makes_the_form_unknown(column: object) -> None:
    heading = ["Что-то своё" if text == column.title else text for text in TABLE[0]]  # type: ignore[attr-defined]
    reading = read([heading, TABLE[1]])
    assert (reading.form, reading.verdict) == ("readiness_report", "refused")
    assert reading.layout.missing == (column.title,) and "COM-010" not in rules(reading)  # type: ignore[attr-defined]


def test_an_export_without_the_heading_of_names_is_an_export() -> None:
    rows = Sent("registration_export", without=("full_name",), headings=("Ребёнок",)).grid().sheets[0].rows
    reading = read(rows[1:], (), "registration_export")
    assert (reading.form, reading.layout.missing) == ("registration_export", ("ФИО",))
    assert reading.raw_rows.is_empty()


SIDE = st.lists(
    st.lists(st.sampled_from([None, "Уровень", "базовый", 40, "Итого", "1", "чел."]), max_size=4), max_size=6
)


@settings(max_examples=40, deadline=None)
@given(SIDE, st.integers(1, 3), st.booleans())
def test_whatever_stands_beside_each_row_has_one_outcome(side: Rows, gap: int, left: bool) -> None:
    table: Rows = [TABLE[0], TABLE[1], ["Итого"], []]
    width = 4 if left else WIDTH
    rows = beside(side, table, gap, width) if left else beside(table, side, gap, width)
    reading = Sent("readiness_report", content=Grid([Sheet("Лист1", [TITLE, *rows])], "xlsx"), register=SCHOOLS).read()
    counted = reading.rows
    assert counted.read == len(rows) + 1 == counted.loaded + counted.quarantined + counted.not_data
    assert reading.verdict == "refused" or counted.loaded == 1


@pytest.mark.parametrize(
    "page",
    [
        [[None, *range(2, 30)]], [[*range(1, 30)]], [["А", "Б", *range(1, 28)]], [[f"({n})" for n in range(1, 30)]],
        [[None, None, None, "дд.мм.гггг", "число"]], [["текст", "текст", "текст", "дд.мм.гггг"], [*range(1, 30)]],
    ],
)  # fmt: skip
def test_rows_of_units_and_numbers_are_no_pupils(page: Rows) -> None:
    heading, pupil = Sent("registration_export").grid().sheets[0].rows[1:]
    cut: Rows = [row[: len(heading)] for row in page]
    reading = read([heading, *cut, pupil, heading, *cut], (), "registration_export")
    assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 1, [])


def test_a_pupil_without_a_name_is_no_row_of_a_page() -> None:
    heading, pupil = Sent("registration_export", {"full_name": None}).grid().sheets[0].rows[1:]
    assert read([heading, pupil], (), "registration_export").rows.quarantined == 1
