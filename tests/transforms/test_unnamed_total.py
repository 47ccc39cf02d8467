"""Rows that add up others are totals whatever they are called; schools and units whose numbers fit are not."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from example import SCHOOLS, Sent, units

from contracts.forms.readiness_report.form import COLUMNS
from contracts.grid import Grid, Sheet, Value
from contracts.reading import Reading

NAMES = [column.name for column in COLUMNS]
TITLE, HEADING, GOOD = Sent("readiness_report").grid().sheets[0].rows
COUNTS = ("navigators", "navigators_trained", "parent_meetings", "practice_events", "pupils_total", "pupils_planned")
KNOWN = [f"МБОУ СОШ № {n}" for n in range(1, 7)]
REGISTER = pl.DataFrame(
    [(n, f"70000{n}", name, "chainsky", "chainsky", 120) for n, name in enumerate(KNOWN, start=1)],
    schema=SCHOOLS.schema,
    orient="row",
)


def school(number: int, **cells: Value) -> list[Value]:
    """A row of a school: each of its counts is other than that of the others."""
    counts: dict[str, Value] = {name: 2 * number + len(COUNTS) - place for place, name in enumerate(COUNTS)}
    told = {"school_code": f"70000{number}", "school_name": KNOWN[number - 1], **counts, **cells}
    return [told.get(name, value) for name, value in zip(NAMES, GOOD, strict=True)]


def summed(rows: Sequence[Sequence[Value]], name: Value, **cells: Value) -> list[Value]:
    """A row with the sums of the counts and nothing else."""
    sums = {each: sum(int(str(row[NAMES.index(each)])) for row in rows) for each in COUNTS}
    told: dict[str, Value] = {"school_name": name, **sums, **cells}
    return [told.get(each) for each in NAMES]


def read(*rows: Sequence[Value], register: pl.DataFrame | None = REGISTER) -> Reading:
    content = Grid([Sheet("Лист1", [TITLE, HEADING, *map(list, rows)])], "xlsx")
    return Sent("readiness_report", content=content, register=register).read()


def outcomes(reading: Reading) -> list[str]:
    return reading.raw_rows["outcome"].to_list()[2:]


ROWS = [school(number) for number in (1, 2, 3)]
CALLED = [
    "Чаинский район",
    "ВСЕГО ПО РАЙОНУ",
    "Школы района",
    None,
    "По муниципалитету",
    "Управление образования",
    "СОШ, все",
]


@pytest.mark.parametrize("name", CALLED)
@pytest.mark.parametrize("changed", [{}, {"hours_total": 40, "level": "базовый"}, {"pupils_planned": 1}])
def test_a_row_of_sums_is_a_total_whatever_it_is_called(name: Value, changed: dict[str, Value]) -> None:
    reading = read(*ROWS, summed(ROWS, name, **changed))
    assert outcomes(reading) == ["loaded"] * 3 + ["total"]
    assert reading.verdict == "accepted"
    told = reading.findings.filter(rule="COM-065").to_dicts()
    assert len(told) == (name != "ВСЕГО ПО РАЙОНУ")  # that one is called a total
    for each in told:
        assert each["row"] == 6 and "Сумме строк 3–5 равны числа в столбцах: " in each["message"]


@pytest.mark.parametrize("name", ["Чаинский район", None])
def test_a_row_of_sums_may_stand_over_the_others(name: Value) -> None:
    reading = read(summed(ROWS, name), *ROWS)
    assert outcomes(reading) == ["total"] + ["loaded"] * 3


def test_sums_of_groups_are_subtotals() -> None:
    first, second = ROWS, [school(number) for number in (4, 5)]
    reading = read(*first, summed(first, "Город"), *second, summed(second, "Село"), summed([*first, *second], "Район"))
    assert outcomes(reading) == ["loaded"] * 3 + ["subtotal"] + ["loaded"] * 2 + ["subtotal", "total"]
    assert reading.verdict == "accepted" and reading.rows.loaded == 5


@pytest.mark.parametrize("cells", [{}, {"school_code": None}, {"school_name": "МБОУ «Другая СОШ»"}])
def test_a_school_of_the_register_is_data_whatever_its_numbers(cells: dict[str, Value]) -> None:
    same = summed(
        ROWS, KNOWN[3], **{name: value for name, value in zip(NAMES, GOOD, strict=True) if name not in COUNTS}
    )
    told = dict(zip(NAMES, same, strict=True)) | {"school_code": "700004", "school_name": KNOWN[3]} | cells
    reading = read(*ROWS, [told[name] for name in NAMES])
    assert outcomes(reading)[-1] in ("loaded", "quarantined") and "COM-065" not in set(reading.findings["rule"])


@pytest.mark.parametrize("cells", [{"school_code": "123456"}, {"school_name": "МБОУ СОШ № 9"}])
def test_without_a_register_a_code_or_the_name_of_a_school_is_data(cells: dict[str, Value]) -> None:
    reading = read(*ROWS, summed(ROWS, "Район", **cells), register=None)
    assert outcomes(reading)[-1] == "quarantined"


def test_numbers_that_are_no_sums_are_no_total() -> None:
    few = dict.fromkeys(COUNTS[:4], 1)
    reading = read(*ROWS, summed(ROWS, "Чаинский район", **few))
    assert outcomes(reading)[-1] == "quarantined" and "COM-038" in set(reading.findings["rule"])


PLANS: list[list[Value]] = [[str(row["reporting_unit"]), 60 + place] for place, row in enumerate(units())]


def plan(*rows: list[Value]) -> Reading:
    content = Grid([Sheet("Лист1", [TITLE, ["Муниципальный район", "План"], *rows])], "xlsx")
    return Sent("registration_plan", content=content).read()


def test_a_unit_whose_only_figure_is_the_sum_is_in_doubt() -> None:
    others, last = PLANS[:-1], PLANS[-1]
    reading = plan(*others, [last[0], sum(int(str(number)) for _, number in others)])
    (found,) = reading.findings.filter(severity="error").to_dicts()
    assert (found["rule"], found["cell"], found["expected"]) == ("COM-104", "B23", "не сумма строк 3–22")
    assert (reading.rows.loaded, reading.rows.quarantined) == (20, 1)


def test_a_unit_that_stands_there_twice_is_the_total_where_it_is_the_sum() -> None:
    reading = plan(*PLANS, [PLANS[-1][0], sum(int(str(number)) for _, number in PLANS)])
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 21)
    assert reading.raw_rows["outcome"].to_list()[-1] == "total"


def monitoring(*rows: list[Value]) -> Reading:
    heading: list[Value] = ["Муниципальный район", "Кол-во школ реализующих Профминимум", "Верный отчёт", "%",
                            "Неверный отчёт", "Не предоставлен отчёт"]  # fmt: skip
    content = Grid([Sheet("Лист1", [TITLE, heading, *rows])], "xlsx")
    return Sent("readiness_summary", content=content).read()


UNITS: list[list[Value]] = [[name, 5 + place, 4 + place, None, 1, 0] for place, (name, _) in enumerate(PLANS)]


@pytest.mark.parametrize("name", [UNITS[-1][0], UNITS[3][0], None])
def test_a_total_with_wrong_figures_is_no_second_row_of_a_unit(name: Value) -> None:
    """Only its schools add up: the unit keeps its row, and the wrong figures are told."""
    schools = sum(int(str(row[1])) for row in UNITS)
    reading = monitoring(*UNITS, [name, schools, 3, None, 4, 5])
    assert reading.rows.loaded == 21 and reading.raw_rows["outcome"].to_list()[-1] == "total"
    assert {"COM-065", "RDS-003"} <= set(rules := reading.findings["rule"]) and "COM-050" not in set(rules)


def test_a_unit_of_which_one_figure_is_the_sum_is_a_row() -> None:
    others, last = UNITS[:-1], UNITS[-1]
    reading = monitoring(*others, [last[0], sum(int(str(row[1])) for row in others), 3, None, 4, 5])
    assert reading.raw_rows["outcome"].to_list()[-1] != "total" and not {"COM-065", "COM-104"} & set(
        reading.findings["rule"]
    )


def test_a_name_of_no_unit_is_a_total_where_it_is_the_sum() -> None:
    reading = plan(*PLANS, ["Область в целом", sum(int(str(number)) for _, number in PLANS)])
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 21)


@pytest.mark.parametrize(
    "name",
    [
        "в т.ч. филиал в с. Речное",
        "в том числе структурное подразделение",
        "из них МКОУ СОШ с. Речное",
        "В т. ч. корпус 2",
    ],
)
def test_a_branch_is_left_out_with_a_word(name: str) -> None:
    reading = read(*ROWS, school(3, school_code=None, school_name=name))
    (found,) = reading.findings.filter(rule="COM-101").to_dicts()
    assert (found["severity"], found["value"], found["cell"], found["row"]) == ("note", name, "B6", 6)
    assert (reading.verdict, reading.rows.loaded, outcomes(reading)[-1]) == ("accepted", 3, "subtotal")


def test_a_branch_with_a_code_of_the_register_is_a_row() -> None:
    """Its name is not that of the code's school, so it is set aside, but not left out."""
    reading = read(*ROWS, school(4, school_name="в т.ч. филиал в с. Речное"))
    assert outcomes(reading)[-1] == "quarantined" and "COM-101" not in set(reading.findings["rule"])


@pytest.mark.parametrize("name", [KNOWN[3], "филиал в с. Речное", "в т.ч. филиал в с. Речное"])
def test_a_code_and_a_name_with_nothing_else_are_no_row(name: str) -> None:
    """Nobody filled it in: the school is told to be absent, instead of each of its empty cells."""
    alone = [{"school_code": "700004", "school_name": name}.get(each) for each in NAMES]
    reading = read(*ROWS, alone)
    assert outcomes(reading)[-1] == "unfilled"
    assert "COM-062" in set(reading.findings["rule"]) and "COM-040" not in set(reading.findings["rule"])
    assert (reading.rows.loaded, reading.rows.quarantined) == (len(ROWS), 0)


def test_a_branch_with_the_code_of_its_school_is_left_out() -> None:
    reading = read(*ROWS, school(3, school_name="в т.ч. филиал в с. Речное"))
    assert (reading.rows.loaded, outcomes(reading)[-1]) == (3, "subtotal")
    assert "COM-101" in set(reading.findings["rule"])


def test_a_branch_without_the_mark_is_set_aside() -> None:
    reading = read(*ROWS, school(3, school_code=None, school_name="филиал в с. Речное"))
    assert outcomes(reading)[-1] == "quarantined" and "COM-101" not in set(reading.findings["rule"])


@pytest.mark.parametrize("name", ["в т.ч. девочек", "из них мальчиков"])
def test_a_part_that_is_no_branch_needs_no_word(name: str) -> None:
    assert "COM-101" not in set(read(*ROWS, [None, name, *GOOD[2:]]).findings["rule"])
