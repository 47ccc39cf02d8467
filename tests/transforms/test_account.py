"""No row is lost and no fault is overlooked, whatever stands between the rows and wherever a cell is corrupted."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from example import AS_OF, RECEIVED, REPORT, SCHOOLS, Sent, drained
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.form import Column
from contracts.forms import FORMS
from contracts.forms.readiness_report.form import COLUMNS
from contracts.grid import Grid, Sheet, Value
from contracts.reading import Reading
from documents import demo
from documents.demo import Region, Sizes, synthetic
from documents.reading.read import read_grid
from transforms.cells.key import key
from transforms.cells.parse import TEXT_KINDS
from transforms.identity.identify import Context, Delivery

HEADING: list[Value] = [column.title for column in COLUMNS]
GOOD_ROW: list[Value] = [REPORT[column.name] for column in COLUMNS]
CELLS = st.none() | st.text(max_size=6) | st.integers(0, 999) | st.dates() | st.sampled_from(["Итого", "*", "1", "да"])
ROWS = st.one_of(
    st.just(GOOD_ROW),
    st.just(HEADING),
    st.just(list(range(1, len(HEADING) + 1))),
    st.just([]),
    st.sampled_from(["Итого", "Всего:", "Примечание: нет", "* сноска", "исп. Тестов", "Директор"]).map(
        lambda text: [text]
    ),
    st.lists(CELLS, max_size=len(HEADING) + 2),
    st.tuples(st.integers(0, len(HEADING) - 1), CELLS).map(
        lambda change: [*GOOD_ROW[: change[0]], change[1], *GOOD_ROW[change[0] + 1 :]]
    ),
)


def assert_accounted(reading: Reading) -> None:
    rows = reading.rows
    assert rows.read == rows.loaded + rows.quarantined + rows.not_data
    outcomes = dict(reading.raw_rows["outcome"].value_counts().iter_rows())
    assert outcomes.get("loaded", 0) == rows.loaded == len(reading.facts)
    assert outcomes.get("quarantined", 0) == rows.quarantined
    assert (reading.verdict == "refused") == ("refuse" in reading.findings["severity"])
    if reading.verdict == "accepted":
        assert rows.quarantined == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, max_size=8), st.lists(st.lists(CELLS, max_size=3), max_size=3))
def test_every_row_of_a_report_has_one_outcome(rows: list[list[Value]], above: list[list[Value]]) -> None:
    table = [*above, ["по состоянию на 08.09.2023"], HEADING, *rows]
    reading = Sent("readiness_report", content=Grid([Sheet("Лист1", table)], "xlsx")).read()
    assert reading.rows.read == len(reading.raw_rows) == len(table)
    assert reading.raw_rows["row"].to_list() == [*range(1, len(table) + 1)]
    assert_accounted(reading)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=8), max_size=6), st.sampled_from(FORMS))
def test_no_grid_is_too_odd(rows: list[list[Value]], form: object) -> None:
    name = form.name
    table = [*rows, *Sent(name).grid().sheets[0].rows, *rows]
    reading = Sent(name, content=Grid([Sheet("Лист1", table), Sheet("Лист2", rows)], "xlsx")).read()
    rows_read = reading.rows
    assert rows_read.read == rows_read.loaded + rows_read.quarantined + rows_read.not_data


@pytest.fixture(scope="module")
def region() -> Region:
    return synthetic(Sizes(seed=11, regions=1, senders=18, schools=360, pupils=100, bad_share=0.3))


@pytest.fixture(scope="module")
def readings(region: Region) -> dict[str, Reading]:
    """The readings of all reports of a generated region, by sender."""
    register = region.schools.with_row_index("school_id", 1).cast({"school_id": pl.Int64})
    aliases = {key(name): unit for unit, name in region.units.select("reporting_unit", "name").iter_rows()}
    aliases |= {key(alias): unit for alias, unit in region.aliases.select("alias", "reporting_unit").iter_rows()}
    context = Context(register=register.select(SCHOOLS.columns), secret=b"test", aliases=aliases)
    sent = [
        Delivery(name, hashlib.sha256(data).hexdigest(), sender, RECEIVED, read_grid(name, data))
        for sender, name, data, _ in demo.deliveries(region)
        if sender in set(region.units["reporting_unit"])
    ]
    return {delivery.folder or "": reading for delivery, reading in zip(sent, drained(sent, context), strict=True)}


def test_every_fault_is_found_at_its_school_and_column(region: Region, readings: dict[str, Reading]) -> None:
    expected = {(row["school_code"], row["column"], row["rule"]) for row in region.faults.to_dicts()}
    also = {row["school_code"]: set(row["also"]) for row in region.faults.to_dicts()}
    found = {place for reading in readings.values() for place in broken_cells(reading, region)}
    assert len(expected) > 80
    assert expected <= found
    assert {(school, rule) for school, _, rule in found - expected} == {
        (school, rule) for school, rules in also.items() for rule in rules
    }


def broken_cells(reading: Reading, region: Region) -> list[tuple[str, str, str]]:
    """School, column and rule of each finding of severity error, the school by the row that is set aside."""
    codes = {key(name): code for name, code in region.schools.select("short_name", "school_code").iter_rows()}
    rows = {
        row: next(codes[key(cell)] for cell in cells if cell and key(cell) in codes)
        for row, outcome, cells in reading.raw_rows.select("row", "outcome", "cells").iter_rows()
        if outcome == "quarantined"
    }
    errors = reading.findings.filter(pl.col("severity") == "error")
    return [(rows[row], column, rule) for row, column, rule in errors.select("row", "column", "rule").iter_rows()]


def test_rows_set_aside_are_those_of_schools_with_a_fault(region: Region, readings: dict[str, Reading]) -> None:
    for reading in readings.values():
        assert reading.as_of == AS_OF
        assert_accounted(reading)
    loaded = pl.concat([reading.facts.select("school_id") for reading in readings.values()])
    reported = region.schools.filter(pl.col("status") == "accepted")
    assert loaded["school_id"].n_unique() == len(loaded) == len(reported)


CHECKED = [column for column in COLUMNS if column.kind not in TEXT_KINDS and not column.open_vocabulary]


@pytest.mark.parametrize("column", CHECKED, ids=lambda column: column.name)
def test_a_corrupted_cell_is_found_at_its_address(column: Column) -> None:
    reading = Sent("readiness_report", {column.name: "сколько-то"}).read()
    (cell,) = reading.findings.filter(pl.col("severity") == "error")["cell"].to_list()
    place = [each.name for each in COLUMNS].index(column.name)
    assert cell == f"{chr(65 + place)}3"
