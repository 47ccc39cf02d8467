"""Merged cells over rows of data: a value belongs to every row that it covers, a quantity does not."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from example import PUPIL, SCHOOLS, Sent
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.forms.readiness_report.form import COLUMNS
from contracts.grid import Grid, Range, Sheet, Value, column_letters
from contracts.reading import Reading
from transforms.tables.merged import seen_cells

NAMES = [column.name for column in COLUMNS]
ROWS = 3
REGISTER = pl.DataFrame(
    [(n, f"70000{n}", f"МБОУ СОШ № {n}", "chainsky", "chainsky", 120) for n in range(1, ROWS + 1)],
    schema=SCHOOLS.schema,
    orient="row",
)
FIRST = 2
"""The row of the first school: a title and the heading stand over it."""


def place(column: str) -> int:
    return NAMES.index(column)


def report(
    ranges: Sequence[tuple[str, str, int, int]] = (), hidden: Value = None, **under: Value
) -> tuple[Reading, list[list[Value]]]:
    """A report of three schools of one sender; ranges are first and last column, first and last row of the rows.

    What stands under a merged range is `hidden`; `under` are values of the first row.
    """
    title, heading, good = Sent("readiness_report").grid().sheets[0].rows
    rows = [list(good) for _ in range(ROWS)]
    for r, row in enumerate(rows):
        row[place("school_code")], row[place("school_name")] = f"70000{r + 1}", f"МБОУ СОШ № {r + 1}"
    for name, value in under.items():
        rows[0][place(name)] = value
    merged = []
    for start, end, top, bottom in ranges:
        for r in range(top, bottom + 1):
            for c in range(place(start), place(end) + 1):
                if (r, c) != (top, place(start)) and r < len(rows):
                    rows[r][c] = hidden
        merged.append(Range(top + FIRST, place(start), bottom + FIRST, place(end)))
    content = Grid([Sheet("Лист1", [title, heading, *rows], merged)], "xlsx")
    return Sent("readiness_report", content=content, register=REGISTER).read(), rows


def errors(reading: Reading) -> list[tuple[str, str]]:
    found = reading.findings.filter(severity="error")
    return list(found.select("rule", "cell").iter_rows())


@pytest.mark.parametrize(
    "column",
    ["level", "grades", "hours_rmg", "responsible_position", "order_number", "order_date", "rmg_in_timetable",
     "rmg_weekday"],
)  # fmt: skip
@pytest.mark.parametrize("hidden", [None, "да", 7])
def test_a_value_merged_over_rows_belongs_to_each(column: str, hidden: Value) -> None:
    apart, _ = report()
    reading, _ = report([(column, column, 0, 2)], hidden)
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 3)
    assert reading.facts.equals(apart.facts)
    assert ("COM-096" in set(reading.findings["rule"])) == (hidden is not None)


def test_what_is_hidden_under_a_merged_cell_is_no_value() -> None:
    reading, _ = report([("level", "level", 0, 2)], "продвинутый")
    assert reading.facts["level"].to_list() == ["basic"] * 3
    (note,) = reading.findings.filter(rule="COM-096").to_dicts()
    assert (note["severity"], note["value"], note["sheet"]) == ("note", "C3:C5", "Лист1")


def test_a_range_over_some_of_the_rows_says_nothing_of_the_others() -> None:
    reading, _ = report([("rmg_weekday", "rmg_weekday", 0, 1)])
    assert (reading.rows.loaded, errors(reading)) == (3, [])
    below, _ = report([("rmg_weekday", "rmg_weekday", 0, 1)], rmg_weekday=None)
    assert (below.rows.loaded, [rule for rule, _ in errors(below)]) == (1, ["RDY-017", "RDY-017"])


def test_a_count_merged_over_rows_is_not_one_count_each() -> None:
    reading, _ = report([("navigators", "navigators", 0, 1)], navigators=6)
    letters = column_letters(place("navigators"))
    assert errors(reading) == [("COM-095", f"{letters}3"), ("COM-095", f"{letters}4")]
    assert (reading.rows.loaded, reading.rows.quarantined) == (1, 2)
    (expected,) = set(reading.findings.filter(rule="COM-095")["expected"])
    assert expected == f"число в каждой ячейке (объединены {letters}3:{letters}4)"


def test_a_total_counts_a_merged_number_once() -> None:
    title, heading, good = Sent("readiness_report").grid().sheets[0].rows
    total: list[Value] = [None] * len(NAMES)
    total[place("school_name")], total[place("navigators")] = "Итого", 2
    second = [*good[: place("navigators")], None, *good[place("navigators") + 1 :]]
    c = place("navigators")
    sheet = Sheet("Лист1", [title, heading, good, second, total], [Range(2, c, 3, c)])
    reading = Sent("readiness_report", content=Grid([sheet], "xlsx")).read()
    assert "RDY-031" not in set(reading.findings["rule"])


@pytest.mark.parametrize("value", [0, "–", "нет"])
def test_nothing_merged_over_rows_is_nothing_in_each(value: Value) -> None:
    reading, _ = report([("partner_agreements", "partner_agreements", 0, 2)], partner_agreements=value)
    single, _ = report(partner_agreements=value)
    assert errors(reading)[:1] == errors(single)[:1] and "COM-095" not in set(reading.findings["rule"])


def test_a_text_over_two_columns_belongs_to_both() -> None:
    reading, _ = report([("hours_curricular", "hours_rmg", 0, 0)], hours_curricular="–", hours_total=2)
    assert {(rule, cell) for rule, cell in errors(reading)} == {("RDY-001", "E3"), ("RDY-002", "F3"), ("RDY-008", "K3")}


def test_a_number_over_two_columns_is_that_of_neither() -> None:
    reading, _ = report([("hours_curricular", "hours_rmg", 0, 0)], hours_curricular=38)
    assert errors(reading)[:2] == [("COM-095", "E3"), ("COM-095", "F3")] and reading.rows.loaded == 2


def test_a_name_over_code_and_name_is_the_name() -> None:
    reading, _ = report([("school_code", "school_name", 0, 0)], school_code="МБОУ СОШ № 1")
    assert (reading.rows.loaded, errors(reading)) == (3, [])
    by_code, _ = report([("school_code", "school_name", 0, 0)], school_code=700001)
    assert (by_code.rows.loaded, errors(by_code)) == (3, [])


def test_a_range_that_reaches_below_the_table_makes_no_rows() -> None:
    reading, _ = report([("level", "level", 0, 2)])
    sheet_rows = 8
    title, heading, good = Sent("readiness_report").grid().sheets[0].rows
    blank: list[list[Value]] = [[None] * len(NAMES) for _ in range(sheet_rows)]
    sheet = Sheet("Лист1", [title, heading, good, *blank], [Range(2, place("level"), 10, place("level"))])
    longer = Sent("readiness_report", content=Grid([sheet], "xlsx")).read()
    assert (longer.verdict, longer.rows.loaded) == (reading.verdict, 1)
    assert longer.raw_rows["outcome"].to_list()[3:] == ["blank"] * sheet_rows


def test_a_count_over_one_row_of_data_is_that_of_the_row() -> None:
    title, heading, good = Sent("readiness_report").grid().sheets[0].rows
    sheet = Sheet("Лист1", [title, heading, good, []], [Range(2, place("navigators"), 3, place("navigators"))])
    assert Sent("readiness_report", content=Grid([sheet], "xlsx")).read().verdict == "accepted"


def test_a_school_over_the_rows_of_its_pupils() -> None:
    title, heading, first = Sent("registration_export").grid().sheets[0].rows
    names = list(PUPIL)
    blank = [names.index(name) for name in ("municipality", "school_name", "grade", "diagnostics")]
    second = [None if c in blank else value for c, value in enumerate(first)]
    second[names.index("full_name")] = "Тестова Анна Образцовна"
    c, counter = names.index("school_name"), heading.index("Количество пройденных диагностик (за календарный год)")
    ranges = [Range(2, 0, 3, 0), Range(2, c, 3, c), Range(2, names.index("grade"), 3, names.index("grade"))]
    rows = [title, heading, first, second]

    def read(*more: Range) -> Reading:
        sheet = Sheet("Лист1", rows, [*ranges, *more])
        return Sent("registration_export", content=Grid([sheet], "xlsx")).read()

    assert (read().verdict, read().rows.loaded, read().facts["actual_pupils"].to_list()) == ("accepted", 2, [2])
    assert errors(read(Range(2, counter, 3, counter))) == [
        ("COM-095", f"{column_letters(counter)}{row}") for row in (3, 4)
    ]


RANGES = st.builds(
    lambda r, c, height, width: Range(r, c, r + height, c + width),
    st.integers(FIRST, 8), st.integers(0, len(NAMES)), st.integers(0, 9), st.integers(0, 5),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(RANGES, max_size=6), st.integers(0, 4))
def test_every_row_has_one_outcome_however_cells_are_merged(merged: list[Range], blank: int) -> None:
    title, heading, good = Sent("readiness_report").grid().sheets[0].rows
    rows = [title, heading, *([] for _ in range(blank)), good, list(good), ["Итого"], good]
    reading = Sent("readiness_report", content=Grid([Sheet("Лист1", rows, merged)], "xlsx")).read()
    counted = reading.rows
    assert counted.read == len(rows) == counted.loaded + counted.quarantined + counted.not_data
    assert counted.loaded == len(reading.facts)


@settings(max_examples=60, deadline=None)
@given(st.lists(RANGES, max_size=8))
def test_cells_as_seen_are_the_first_of_their_range_or_in_none(merged: list[Range]) -> None:
    sheet = Sheet("Лист1", [[r * 100 + c for c in range(12)] for r in range(12)], merged)
    seen, covered = seen_cells(sheet)
    for r, row in enumerate(seen.rows):
        for c, value in enumerate(row):
            over = [m for m in seen.merged if m.first_row <= r <= m.last_row and m.first_column <= c <= m.last_column]
            assert len(over) <= 1
            is_first = all((m.first_row, m.first_column) == (r, c) for m in over)
            assert value == (sheet.rows[r][c] if is_first else None)
    assert set(covered) <= set(merged)
