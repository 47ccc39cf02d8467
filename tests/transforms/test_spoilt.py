"""Values that a spreadsheet changed as they were typed are named; those that nobody changed stay what they are."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from example import REPORT, Sent
from hypothesis import given
from hypothesis import strategies as st
from spelling import COLUMNS, FEW, note, of

from contracts.form import Column
from contracts.forms import form_named
from contracts.grid import CellError, Value
from contracts.vocabulary import rows
from transforms.cells.cell import cell_text, percent_text
from transforms.cells.code import tidy
from transforms.cells.grade import grades

ORDER = form_named("readiness_report").editions[-1].column("order_number")
SHORT_MONTHS = ("янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя")
"""How Excel shows the months in which a grade may be hidden."""


def found(**cells: Value) -> list[tuple[str, str, str, str]]:
    columns = ("rule", "severity", "value", "expected")
    return Sent("readiness_report", cells).read().findings.select(columns).rows()


@pytest.mark.parametrize("value", [dt.date(2023, 1, 12), "12.янв", "2023-01-12", "12.01.2023"])
def test_an_order_number_that_became_a_date_is_named(value: Value) -> None:
    shown = "2023-01-12" if isinstance(value, dt.date) else value
    expected = "то, что было набрано: 12/1, 12-1 или 12.1"
    assert found(order_number=value) == [("COM-109", "warning", shown, expected)]
    assert Sent("readiness_report", {"order_number": value}).read().facts["order_number"].to_list() == [None]


@pytest.mark.parametrize(
    "text", ["12/1", "12-1", "12.1", "12.01", "1", "12-о", "№ 12 от 12.01.2023", "5Е", "1E5", "32.янв"]
)
def test_an_order_number_is_none_the_worse_for_figures(text: str) -> None:
    assert found(order_number=text) == []


@pytest.mark.parametrize(
    "text", ["nan", "None", "NULL", "-", "—", "нет", "б/н", "#", "#Н/Д", "NaN", " Б/Н ", "Без номера"]
)
def test_a_word_for_nothing_is_a_blank_order_number(text: str) -> None:
    assert [rule for rule, *_ in found(order_number=text)] == ["RDY-012"]


def test_a_month_and_a_year_are_another_way() -> None:
    ((_, _, _, expected),) = found(order_number=dt.date(2023, 12, 1))
    assert expected == "то, что было набрано: 1/12, 1-12 или 1.12; или 12/23"


def test_a_number_that_a_cell_shows_as_a_day_of_1900_is_named_in_a_text() -> None:
    assert found(order_number=dt.date(1900, 1, 17)) == [("COM-109", "warning", "1900-01-17", "число; возможно, 17")]


def test_no_stays_an_answer() -> None:
    assert [rule for rule, *_ in found(rmg_in_timetable="нет", rmg_weekday=None)] == ["RDY-015"]


@pytest.mark.parametrize("text", ["nan", "None", "NaT"])
def test_what_a_program_writes_for_nothing_is_a_blank_date_and_word(text: str) -> None:
    assert [rule for rule, *_ in found(order_date=text)] == ["RDY-013"]
    assert [rule for rule, *_ in found(rmg_weekday=text)] == ["RDY-017"]
    assert [rule for rule, *_ in found(hours_practice=text)] == ["COM-031"]


def test_a_word_for_nothing_is_no_name() -> None:
    reading = Sent("registration_export", {"full_name": "nan"}).read()
    assert reading.findings["rule"].to_list() == ["COM-040"]


@pytest.mark.parametrize("text", ["1,03E+09", "1.03E+9", "7E+05"])
def test_a_code_in_powers_of_ten_is_named(text: str) -> None:
    assert found(school_code=text) == [("COM-109", "warning", text, "все цифры")]
    reading = Sent("school_register", {"inn": text}).read()
    assert reading.findings["rule"].to_list() == ["COM-108"]


def test_a_required_code_that_became_a_date_sets_its_row_aside() -> None:
    reading = Sent("school_register", {"school_code": dt.date(2023, 10, 5)}).read()
    assert reading.findings["rule"].to_list() == ["COM-108"]
    assert reading.rows.loaded == 0


@pytest.mark.parametrize(
    ("value", "shown", "expected"),
    [
        (dt.timedelta(hours=34), "34:00", "число; возможно, 34"),
        (dt.time(4), "4:00", "число; возможно, 4"),
        (dt.timedelta(hours=4, minutes=30), "4:30", "число; возможно, 4,5"),
        ("34:00", "34:00", "число; возможно, 34"),
        (dt.time(0, 34), "0:34", "число"),
        ("34:00:00", "34:00:00", "число; возможно, 34"),
        (dt.datetime(1900, 1, 1, 10), "34:00", "число; возможно, 34"),  # noqa: DTZ001
        (dt.date(1900, 2, 3), "1900-02-03", "число; возможно, 34"),
        (dt.date(1900, 4, 29), "1900-04-29", "число; возможно, 120"),
        (dt.date(2023, 5, 2), "2023-05-02", "то, что было набрано: 2,5"),
        ("02.май", "02.май", "то, что было набрано: 2,5"),
    ],
)
def test_hours_that_became_a_time_or_a_date_are_named(value: Value, shown: str, expected: str) -> None:
    assert ("COM-108", "error", shown, expected) in found(hours_rmg=value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (dt.timedelta(hours=34), "34:00"), (dt.timedelta(days=2, minutes=5), "48:05"), (dt.timedelta(0), "0:00"),
        (dt.timedelta(seconds=-90), "-0:01:30"), (dt.time(9, 5), "9:05"), (dt.time(23, 59, 59), "23:59:59"),
    ],
)  # fmt: skip
def test_a_time_is_shown_as_its_cell_shows_it(value: Value, shown: str) -> None:
    assert cell_text(value) == shown


@FEW
@given(st.integers(1, 11), st.integers(1, 11), st.sampled_from([2023, 2024, 2031]))
def test_grades_come_back_from_the_day_that_was_made_of_them(low: int, high: int, year: int) -> None:
    """Typed as «6-11»: the sixth of November, in a cell or as a csv shows it; day and month alike are no range."""
    day = dt.date(year, high, low)
    for text in (day.isoformat(), f"{low:02}.{SHORT_MONTHS[high - 1]}", f"{low}-{SHORT_MONTHS[high - 1]}"):
        ends = f"{min(low, high)}-{max(low, high)}"
        assert of("grades", text) == ("?" if low == high else ends)
        assert note("grades", text) == (None if low == high else ("COM-110", ends.replace("-", "–")))


@pytest.mark.parametrize(
    "text", ["2023-08-25", "2023-12-11", "25.авг", "ноя.06", "06.11.2023", "2023-06-06", "1900-01-09"]
)
def test_grades_that_cannot_come_back_are_named(text: str) -> None:
    assert grades(text, COLUMNS["grades"]).rule == "COM-108"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("63.00000000000001", 63), ("62.99999999999999", 63), ("63,00000000000001", 63), ("62.5", "?"), ("63.01", "?"),
        ("62.9999", "?"),
    ],
)  # fmt: skip
def test_the_tail_of_floating_point_is_no_fraction(text: str, value: object) -> None:
    assert of("count", text) == value


@pytest.mark.parametrize(("text", "value"), [("33.99999999999999", 34.0), ("4.500000000000001", 4.5), ("0.3", 0.3)])
def test_hours_have_no_tail(text: str, value: float) -> None:
    assert of("hours", text) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [("692101.0000000001", "692101"), ("692100.9999999999", "692101"), ("692101,0000000000", "692101"),
     ("692101.5", "692101.5"), ("692101.0001", "692101.0001")],
)  # fmt: skip
def test_a_code_has_no_tail(text: str, code: str) -> None:
    assert tidy(text) == code


def test_a_percent_has_no_tail() -> None:
    assert percent_text(0.33770000000000006) == "33.77%"
    assert percent_text(1 / 3) == "33.33333333333333%"


@FEW
@given(st.integers(0, 5000), st.integers(-3, 3))
def test_a_whole_number_survives_floating_point(number: int, steps: int) -> None:
    """A few steps of the last place beside a whole number are that number, in any column of numbers."""
    value = float(number)
    for _ in range(abs(steps)):
        value = value * (1 + 2.3e-16) if steps > 0 else value * (1 - 2.3e-16)
    for kind in ("count", "hours"):
        assert of(kind, cell_text(value)) == number  # type: ignore[arg-type]


@pytest.mark.parametrize("column", [ORDER, COLUMNS["school_code"]], ids=lambda column: column.name)
def test_every_word_for_nothing_is_blank_in_a_text(column: Column) -> None:
    for row in rows("blank_words"):
        for text in (row["word"], row["word"].upper(), f" {row['word']} "):
            assert of(column.kind, text) is None, text


VALUES: st.SearchStrategy[Value] = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.dates(), st.datetimes(), st.times(), st.timedeltas(),
    st.sampled_from([CellError("#REF!"), CellError("#N/A")]), st.text(max_size=12),
    st.sampled_from(["nan", "None", "06.ноя", "1,03E+09", "34:00", "2023-13-45", "1900-99-99", "=A1", "['а']"]),
)  # fmt: skip


@FEW
@given(st.sampled_from(sorted(REPORT)), VALUES)
def test_no_value_of_a_cell_makes_a_message_speak_python(column: str, value: Value) -> None:
    for each in Sent("readiness_report", {column: value}).read().findings.to_dicts():
        said = each["message"].replace(f"«{each['value']}»", "") + str(each["expected"] or "")
        said = said.replace(value, "") if isinstance(value, str) else said
        assert not re.search(r"None|True|False|\bnan\b|timedelta|datetime|\d day|Error|dtype", said), said
