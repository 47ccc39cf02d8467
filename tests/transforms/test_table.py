"""Where a heading stands and which rows are data, in the ways in which people lay out a table."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from example import SCHOOLS, TOTAL_OF_REPORT, Cells, Sent, units

from contracts.forms import form_named
from contracts.forms.readiness_report.form import COLUMNS
from contracts.grid import Grid, Range, Sheet, Value
from contracts.reading import Reading
from transforms.cells.cell import percent_text
from transforms.cells.key import heading_key
from transforms.cells.numbering import is_numbering
from transforms.cells.parse import UNVALUED
from transforms.tables.which_form import FIRST_ROWS, MOST_ROWS, ROWS_AT_ONCE, seen_on

Rows = list[list[Value]]
PLAN = form_named("registration_plan")
SUMMARY = form_named("registration_summary")
DATE: list[Value] = ["по состоянию на 08.09.2023"]
HEADING: list[Value] = ["Муниципальный район", "План, чел."]
UNITS: Rows = [[str(row["reporting_unit"]), 50 + place] for place, row in enumerate(units())]
SUM = sum(50 + place for place in range(len(UNITS)))
TOTAL: list[Value] = ["Итого", SUM]


def plan(rows: Rows, *more: Rows, merged: Sequence[Range] = ()) -> Reading:
    sheets = [Sheet("Лист1", rows, list(merged)), *(Sheet(f"Лист{n}", each) for n, each in enumerate(more, start=2))]
    return Sent("registration_plan", content=Grid(sheets, "xlsx")).read()


def report(*rows: Sequence[Value]) -> Reading:
    """A report of good rows and of those given under them."""
    first, *good = Sent("readiness_report").grid().sheets[0].rows
    return Sent("readiness_report", content=Grid([Sheet("Лист1", [first, *good, *map(list, rows)])], "xlsx")).read()


def outcomes(reading: Reading) -> list[str]:
    return reading.raw_rows["outcome"].to_list()


def rules(reading: Reading) -> list[str]:
    return reading.findings["rule"].to_list()


def as_row(**cells: Value) -> list[Value]:
    return [cells.get(column.name) for column in COLUMNS]


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("План¹", "План"),
        ("План*", "План"),
        ("План 1)", "План"),
        ("План [2]", "План"),
        ("План, чел.", "План чел"),
        ("План (чел.)", "План, чел"),
        ("образова-\nтельная", "Образовательная"),
        ("практико-\nориентированный", "Практико-ориентированный"),
        ("% выполнени я", "% выполнения"),
        ("прoцентов", "процентов"),  # the o is Latin
    ],
)
def test_a_heading_is_the_same_however_it_is_written(written: str, known: str) -> None:
    assert heading_key(written) == heading_key(known)


@pytest.mark.parametrize(
    ("one", "other"), [("Классы (6–11)", "Классы"), ("План, %", "План"), ("Верный отчёт", "Неверный отчёт")]
)
def test_headings_that_differ_stay_apart(one: str, other: str) -> None:
    assert heading_key(one) != heading_key(other)


@pytest.mark.parametrize("above", [0, FIRST_ROWS - 1, FIRST_ROWS, FIRST_ROWS + ROWS_AT_ONCE - 1, 900])
def test_a_heading_is_found_however_far_down_and_right(above: int) -> None:
    lines: Rows = [[f"{place}. Заполните план и муниципальный район."] for place in range(above)]
    table = [[None, None, *row] for row in (HEADING, *UNITS, TOTAL)]
    reading = plan([DATE, *lines, *table])
    assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 21, [])
    assert reading.layout.places == {"reporting_unit": f"Лист1!C{above + 2}", "plan_pupils": f"Лист1!D{above + 2}"}


def test_a_sheet_is_not_searched_for_ever() -> None:
    sheet = Sheet("Лист1", [[None]] * (MOST_ROWS + ROWS_AT_ONCE) + [list(HEADING)])
    assert seen_on(sheet, [PLAN]) == []


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_a_heading_may_be_one_to_five_rows_deep(depth: int) -> None:
    words = ["Муниципальный", "район"], ["План", "на", "учеб-", "ный", "год"]
    rows: Rows = [[None, None] for _ in range(depth)]
    for c, text in enumerate(words):
        for place, word in enumerate(text):
            r = min(place, depth - 1)
            rows[r][c] = f"{rows[r][c] or ''} {word}".strip()
    reading = plan([DATE, *rows, *UNITS, TOTAL])
    assert (reading.rows.loaded, rules(reading)) == (21, [])
    assert list(reading.layout.matched) == ["Муниципальный район", "План на учеб- ный год"]
    assert outcomes(reading).count("heading") == depth


@pytest.mark.parametrize(
    "texts",
    [
        ["1", "2", "3"], ["1.", "2.", "3."], ["(1)", "(2)", "(3)"], ["А", "Б", "1", "2"], ["0", "1", "2"],
        ["1", "2", "3=1+2", "4"], ["1)", "2)"], ["А", "1", "2"], ["а", "б", "3", "4"],
    ],
)  # fmt: skip
def test_column_numbers_are_known(texts: list[str]) -> None:
    assert is_numbering(texts)


@pytest.mark.parametrize(
    "texts", [["1"], ["1", "3"], ["5", "6", "7"], ["1", "школа", "3"], ["Б", "1", "2"], ["А", "Б"]]
)
def test_other_rows_are_no_column_numbers(texts: list[str]) -> None:
    assert not is_numbering(texts)


def test_column_numbers_may_stand_between_the_rows_of_a_heading() -> None:
    heading: Rows = [["Муниципальный", "План"], ["1", "2"], ["район", "чел."]]
    reading = plan([DATE, *heading, *UNITS, TOTAL])
    assert (reading.rows.loaded, rules(reading)) == (21, [])
    assert reading.layout.places["plan_pupils"] == "Лист1!B4"


def test_the_heading_of_a_group_over_its_first_column_holds_for_all_of_them() -> None:
    first, upper, lower, row = 15, *(as_row() for _ in range(3))
    good = Sent("readiness_report").grid().sheets[0].rows
    upper, lower, row = list(good[1]), [None] * len(COLUMNS), good[2]
    names = [column.name for column in COLUMNS]
    groups = {"navigators": ("Педагоги-навигаторы", "всего"), "navigators_trained": (None, "обучено")}
    groups |= {"pupils_total": ("Обучающиеся 6–11 классов", "всего"), "pupils_planned": (None, "планируется охватить")}
    for name, (group, own) in groups.items():
        upper[names.index(name)], lower[names.index(name)] = group, own
    content = Grid([Sheet("Лист1", [good[0], upper, lower, row])], "xlsx")
    reading = Sent("readiness_report", content=content).read()
    assert (reading.verdict, rules(reading)) == ("accepted", [])
    assert first and reading.layout.matched["Педагоги-навигаторы: обучено"] == "navigators_trained"


def test_a_heading_may_say_its_unit() -> None:
    good = Sent("readiness_report").grid().sheets[0].rows
    heading = [f"{column.title} (чел.)" if column.unit == "чел." else column.title for column in COLUMNS]
    reading = Sent("readiness_report", content=Grid([Sheet("Лист1", [good[0], heading, good[2]])], "xlsx")).read()
    assert (reading.verdict, rules(reading)) == ("accepted", [])


def test_a_second_table_of_the_form_is_read_by_its_own_heading() -> None:
    other = [["План, чел.", "Муниципальный район"], *([number, name] for name, number in UNITS[10:])]
    reading = plan([DATE, HEADING, *UNITS[:10], [], ["Остальные районы"], *other])
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 21)
    assert dict(zip(reading.facts["reporting_unit"], reading.facts["plan_pupils"], strict=True)) == dict(
        zip(plan([DATE, HEADING, *UNITS]).facts["reporting_unit"], (number for _, number in UNITS), strict=True)
    )
    assert outcomes(reading)[11:15] == ["loaded", "blank", "title", "heading"]


def test_findings_of_a_second_table_name_its_own_cells() -> None:
    other = [["План, чел.", "Муниципальный район"], ["много", UNITS[10][0]]]
    (cell,) = plan([DATE, HEADING, *UNITS[:10], [], *other]).findings.filter(severity="error")["cell"]
    assert cell == "A15"


def test_the_smaller_of_two_tables_is_read_too() -> None:
    first = [HEADING, *UNITS[:3]]
    second = [[*HEADING, "Основание"], *([*row, "Приказ"] for row in UNITS[3:])]
    reading = plan([DATE, *first, [], *second])
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 21)


@pytest.mark.parametrize("page", [[HEADING], [HEADING, ["1", "2"]]])
def test_a_heading_printed_again_is_no_row(page: Rows) -> None:
    reading = plan([DATE, *page, *UNITS[:10], *page, *UNITS[10:], TOTAL])
    assert (reading.verdict, reading.rows.loaded, rules(reading)) == ("accepted", 21, [])


def test_sheets_may_differ_in_their_order_of_columns() -> None:
    second: Rows = [["План, чел.", "Основание", "Муниципальный район"], *([n, "Приказ", u] for u, n in UNITS[10:])]
    reading = plan([DATE, HEADING, *UNITS[:10]], second)
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 21)


def test_a_column_that_the_second_sheet_lacks_is_named() -> None:
    sheet = Sent("readiness_report").grid().sheets[0]
    place = [column.name for column in COLUMNS].index("level")
    short = Sheet("Село", [[value for c, value in enumerate(row) if c != place] for row in sheet.rows])
    reading = Sent("readiness_report", content=Grid([sheet, short], "xlsx")).read()
    assert reading.verdict == "refused" and reading.layout.missing == ("Уровень реализации",)
    missing = reading.findings.filter(rule="COM-012")
    assert missing["sheet"].to_list() == ["Село"]


@pytest.mark.parametrize(
    "other",
    [
        [["Школа", "Телефон"], ["МБОУ СОШ", "2-11-11"]],
        [["Территория", "Число учителей"], [UNITS[20][0], 12]],
        [["Наименование", "Учителей"], [UNITS[20][0], 12]],
    ],
)
def test_another_table_under_the_table_is_not_read(other: Rows) -> None:
    reading = plan([DATE, HEADING, *UNITS[:20], [], ["Приложение"], *other])
    own = [*outcomes(plan([DATE, HEADING, *UNITS[:20]]))]
    assert reading.rows.loaded == 20
    assert reading.raw_rows["cells"].to_list()[-1] == [] and "COM-048" in rules(reading)
    assert outcomes(reading)[: len(own)] == own


def test_another_table_is_named_and_counted() -> None:
    reading = plan([DATE, HEADING, *UNITS, TOTAL, [], ["Приложение"], ["Школа", "Телефон"], ["МБОУ СОШ", "2-11-11"]])
    (found,) = reading.findings.to_dicts()
    assert (found["rule"], found["cell"], found["sheet"]) == ("COM-048", "A27", "Лист1")
    assert outcomes(reading)[-4:] == ["blank", *["another_table"] * 3]
    assert "2-11-11" not in str(reading.raw_rows["cells"].to_list())


@pytest.mark.parametrize(
    "other", [Sent("readiness_summary").grid().sheets[0].rows, [["Район", "План", "Факт"], [UNITS[20][0], 7, 5]]]
)
def test_another_whole_form_under_the_table_is_ambiguous(other: Rows) -> None:
    assert rules(plan([DATE, HEADING, *UNITS[:20], [], *other])) == ["COM-011"]


@pytest.mark.parametrize(
    "row",
    [
        [UNITS[5][0], "уточняется"],
        ["Чаинская волость", "уточняется"],
        ["Чаинская волость", "по плану района"],
    ],
)
def test_an_odd_row_after_a_blank_one_is_no_table(row: list[Value]) -> None:
    reading = plan([DATE, HEADING, *UNITS[:5], [], row, [], *UNITS[6:]])
    assert reading.rows.quarantined == 1 and "COM-048" not in rules(reading)


@pytest.mark.parametrize(
    "text",
    ["Итого", "ИТОГО:", "Всего", "Всего по району", "Сумма", "Итог по МО", "Общий итог", "итого, чел.", "Итого -"],
)
def test_totals_by_many_names(text: str) -> None:
    assert rules(plan([DATE, HEADING, *UNITS, [text, SUM]])) == []
    assert rules(plan([DATE, HEADING, *UNITS, [text, SUM + 1]])) == ["PLN-003"]


def test_a_total_may_stand_in_a_later_column() -> None:
    rows: Rows = [["№", *HEADING], *([place + 1, *row] for place, row in enumerate(UNITS)), [None, "итого", SUM]]
    assert rules(plan([DATE, *rows])) == []


def test_a_total_may_stand_over_the_rows() -> None:
    assert rules(plan([DATE, HEADING, ["Всего", SUM + 1], *UNITS])) == ["PLN-003"]


def test_a_subtotal_is_not_the_total() -> None:
    parts: Rows = [*UNITS[:5], ["Итого по городам", 1], *UNITS[5:], ["Итого по районам", 2], ["Всего", SUM]]
    reading = plan([DATE, HEADING, *parts])
    assert rules(reading) == [] and outcomes(reading).count("subtotal") == 2


def test_the_subtotal_of_the_last_section_is_not_the_total() -> None:
    parts: Rows = [*UNITS[:5], ["Итого", 1], *UNITS[5:], ["Итого", 2]]
    assert rules(plan([DATE, HEADING, *parts])) == ["COM-060"]


def test_a_total_without_a_name_is_one() -> None:
    reading = plan([DATE, HEADING, *UNITS, [None, SUM]])
    assert rules(reading) == ["COM-065"] and outcomes(reading)[-1] == "total"


@pytest.mark.parametrize("number", [SUM + 1, 7])
def test_a_number_without_a_name_is_a_row_unless_it_is_the_sum(number: int) -> None:
    reading = plan([DATE, HEADING, *UNITS, [None, number]])
    assert outcomes(reading)[-1] == "quarantined" and "COM-065" not in rules(reading)


def test_a_unit_whose_plan_is_that_of_all_others_is_no_total() -> None:
    rows: Rows = [[UNITS[0][0], 10], [UNITS[1][0], 20], [UNITS[2][0], 30]]
    assert plan([DATE, HEADING, *rows]).rows.loaded == 3


@pytest.mark.parametrize("name", ["Всеволодовская СОШ", "Итоговая школа", "МБОУ «Директорская СОШ»", "Суммарная школа"])
def test_a_school_whose_name_begins_like_a_mark_is_data(name: str) -> None:
    good = Sent("readiness_report").grid().sheets[0].rows[2]
    reading = report([None, name, *good[2:]])
    assert outcomes(reading)[-1] == "quarantined" and "COM-038" in rules(reading)


@pytest.mark.parametrize(
    "row",
    [
        ["(1) На начало года"], ["¹ По реестру"], ["* Кратко"], ["1) По реестру"], ["Примечание: нет"],
        [None, "Директор", None, "__________", "Подпись"], ["Исп. Тестов, тел. 2-11-11"], [None, None, "М.П."],
        [None, "Начальник управления", None, None, "________"], [None, "Согласовано", "________"],
        [None, "________________", "(подпись)"],
    ],
)  # fmt: skip
def test_notes_and_signatures_are_no_rows(row: list[Value]) -> None:
    reading = report([], row)
    assert outcomes(reading)[-1] == "note" and rules(reading) == []
    assert reading.raw_rows["cells"].to_list()[-1] == row


def test_a_row_of_words_is_no_note_because_it_begins_like_one() -> None:
    """A register has no numbers; and blanks to fill in are no line of signatures when a school stands before them."""
    register = Sent("school_register").grid().sheets[0].rows
    places = [register[1].index(title) for title in ("Код ОО", "Краткое наименование", "Территория", "Подчинение")]
    rows = [register[0], *([row[place] for place in places] for row in register[1:])]
    rows.append(["700009", "«Источник»", rows[2][2], rows[2][3]])
    reading = Sent("school_register", content=Grid([Sheet("Лист1", rows)], "xlsx")).read()
    assert (reading.rows.loaded, rules(reading)) == (2, [])
    assert outcomes(report([None, "МАОУ гимназия № 1", "____", "____"]))[-1] == "quarantined"


@pytest.mark.parametrize("label", ["Городские школы", "I. Школы города", "Сельские"])
def test_a_lone_label_between_rows_is_a_section(label: str) -> None:
    good = Sent("readiness_report").grid().sheets[0].rows[2]
    assert outcomes(report([None, label], [None, "МБОУ СОШ", *good[2:]]))[-2:] == ["section", "quarantined"]


def test_a_school_alone_in_its_row_is_told_once() -> None:
    alone = {"school_name": "МАОУ гимназия № 1"}
    known, unknown = (Sent("readiness_report", more=(alone,), register=each).read() for each in (SCHOOLS, None))
    assert outcomes(known)[-1] == outcomes(unknown)[-1] == "unfilled"
    assert "COM-049" not in rules(known)  # the register tells who is absent, by name
    (found,) = unknown.findings.filter(rule="COM-049").to_dicts()
    assert (found["value"], found["row"], found["sheet"]) == ("строка 4", 4, "Лист1")


def test_a_numbered_name_alone_is_a_row_that_nobody_filled_in() -> None:
    reading = plan([DATE, ["№", *HEADING], [1, *UNITS[0]], [2, "Чаинская волость"], [3, *UNITS[2]]])
    assert outcomes(reading)[3] == "unfilled"


def test_a_merged_label_is_a_section_whatever_it_says() -> None:
    rows = [DATE, HEADING, *UNITS[:2], [UNITS[2][0]], *UNITS[3:], TOTAL]
    assert outcomes(plan(rows))[4] == "unfilled"
    assert outcomes(plan(rows, merged=[Range(4, 0, 4, 1)]))[4] == "section"


def test_an_export_is_read_past_a_repeated_heading_and_not_into_another_table() -> None:
    good = Sent("registration_export").grid().sheets[0].rows
    second = [*good[2]]
    second[2] = "Тестова Анна Образцовна"
    rows = [*good, good[1], second, [], ["Школа", "Директор"], ["МБОУ СОШ", "Тестов"]]
    reading = Sent("registration_export", content=Grid([Sheet("Лист1", rows)], "xlsx")).read()
    assert (reading.rows.read, reading.rows.loaded, reading.rows.quarantined) == (8, 2, 0)
    assert rules(reading) == ["COM-048"]


def test_senders_own_columns_stay_in_the_raw_rows() -> None:
    good = Sent("readiness_report", headings=("Комментарий",)).grid().sheets[0].rows
    good[2] = [*good[2], "своё"]
    reading = Sent("readiness_report", content=Grid([Sheet("Лист1", good)], "xlsx")).read()
    assert reading.layout.unknown == ("Комментарий",) and reading.rows.loaded == 1
    assert reading.raw_rows["cells"].to_list()[2][-1] == "своё"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.3377, "33.77%"), (0.5, "50.00%"), (1, "100.00%"), (0.07, "7.00%"), (1 / 3, "33.33333333333333%"), (0, "0.00%")],
)
def test_a_cell_shown_as_a_percent_says_exactly_that(value: Value, text: str) -> None:
    assert percent_text(value) == text


def test_percents_and_formulas_of_the_sheet_reach_the_row() -> None:
    row: Cells = {"reporting_unit": "Чаинский муниципальный район", "plan_pupils": 4, "actual_pupils": 1}
    rows: Rows = [DATE, ["Район", "План", "Факт", "%"], [*row.values(), 0.25], [UNITS[1][0], 4, None, 0.25]]
    sheet = Sheet("Лист1", rows, percents=frozenset({(2, 3)}), unvalued=frozenset({(3, 2)}))
    reading = Sent("registration_summary", content=Grid([sheet], "xlsx")).read()
    assert reading.raw_rows["cells"].to_list()[2:] == [
        ["Чаинский муниципальный район", "4", "1", "25.00%"], [UNITS[1][0], "4", UNVALUED, "0.25"],
    ]  # fmt: skip


def test_hidden_rows_and_columns_are_told_only_where_the_table_has_data() -> None:
    rows: Rows = [DATE, HEADING, *UNITS, TOTAL, [], ["Примечание: нет"]]

    def hidden(hidden_rows: set[int], columns: set[int]) -> list[str | None]:
        sheet = Sheet("Лист1", rows, hidden_rows=frozenset(hidden_rows), hidden_columns=frozenset(columns))
        found = Sent("registration_plan", content=Grid([sheet], "xlsx")).read().findings
        return found.filter(rule="COM-029")["value"].to_list()

    assert hidden({0, 1, 24, 25}, {5}) == []
    assert hidden({4, 6, 7, 8}, set()) == ["строки 5, 7–9"]
    assert hidden({4}, {1}) == ["строка 5; столбец B"]


@pytest.mark.parametrize(
    "text", [" " * 50_000 + "x", "1" + " " * 50_000 + "x", "_" * 50_000, "(" * 50_000, "1)" * 20_000]
)
def test_a_long_text_takes_no_longer_than_it_is(text: str) -> None:
    begun = time.monotonic()
    plan([DATE, HEADING, *([text, text] for _ in range(10)), [], [text, text], *UNITS])
    assert time.monotonic() - begun < 5


def test_our_own_receipt_in_the_workbook_is_left_out() -> None:
    receipt = Sheet(
        "Квитанция", [["Квитанция о приёме документа"], ["Муниципальный район", "План, чел."], ["Чаинский", 5]]
    )
    reading = Sent(
        "registration_plan", content=Grid([receipt, *Sent("registration_plan").grid().sheets], "xlsx")
    ).read()
    assert (reading.verdict, rules(reading)) == ("accepted", [])
    assert set(reading.raw_rows["sheet"]) == {"Лист1"}


def test_a_total_under_a_report_may_be_missing_its_name() -> None:
    second = {"school_code": "700002", "school_name": "МАОУ гимназия № 1", "navigators": 3, "pupils_total": 5}
    sums = as_row(navigators=TOTAL_OF_REPORT["navigators"] + 3 + 4, pupils_total=120 + 5 + 6)  # type: ignore[operator]
    third = {"school_name": "МБОУ «Школа-сад»", "navigators": 4, "pupils_total": 6}
    reading = report(as_row(**second), as_row(**third), sums)
    assert outcomes(reading)[-1] == "total" and "COM-065" in rules(reading)
