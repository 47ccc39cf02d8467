"""A csv whose codes are formulas of one text: what they state is read, and nothing else is computed."""

from __future__ import annotations

import polars as pl
import pytest
from example import Sent
from hypothesis import given
from hypothesis import strategies as st
from spelling import FEW

from contracts.grid import Blocks, Grid, Sheet, Value
from transforms.cells.text_formula import plain_value, without_text_formulas


def csv_of(**cells: Value) -> Sent:
    """A report as a csv."""
    grid = Sent("readiness_report", cells).grid()
    return Sent("readiness_report", content=Grid(grid.sheets, "csv"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('="692101"', "692101"), ("=692101", "692101"), ('="12/1"', "12/1"), (' ="06.11" ', "06.11"), ('=""', None),
        ('="МБОУ ""Школа"""', 'МБОУ "Школа"'), ("=-1,5", "-1,5"), ("=A1+B1", "=A1+B1"), ('="a"&"b"', '="a"&"b"'),
        ('=HYPERLINK("x")', '=HYPERLINK("x")'), ("692101", "692101"), (None, None), (5, 5),
    ],
)  # fmt: skip
def test_a_formula_of_one_text_is_that_text(text: Value, value: Value) -> None:
    assert plain_value(text) == value


def test_a_code_as_a_formula_is_the_code() -> None:
    reading = csv_of(school_code='="700001"', order_number='="12/1"', navigators="=2").read()
    assert reading.findings.is_empty()
    assert reading.facts.select("school_code", "order_number", "navigators").rows() == [("700001", "12/1", 2)]


@pytest.mark.parametrize("formula", ['=A1&"-о"', "=СЕГОДНЯ()", '=cmd|"/c calc"!A1'])
def test_any_other_formula_is_no_text(formula: str) -> None:
    reading = csv_of(order_number=formula).read()
    assert reading.findings.select("rule", "value").rows() == [("COM-043", formula)]


def test_a_workbook_that_holds_such_a_text_is_left_as_it_is() -> None:
    grid = Sent("readiness_report", {"order_number": '="12/1"'}).grid()
    assert without_text_formulas(grid) is grid


@FEW
@given(st.lists(st.one_of(st.none(), st.text('=" 1a,', max_size=8), st.text(max_size=4).map(lambda t: f'="{t}"'))))
def test_blocks_say_what_a_grid_says(texts: list[str | None]) -> None:
    """A large file is read by blocks: each text means the same in both."""
    texts = [text or None for text in texts]
    frame = pl.DataFrame({"row": pl.Series(range(len(texts)), dtype=pl.Int32), "c0": pl.Series(texts, dtype=pl.String)})
    large = without_text_formulas(Blocks(Sheet("a", [[text] for text in texts]), "csv", lambda _: iter([frame])))
    small = without_text_formulas(Grid([Sheet("a", [[text] for text in texts])], "csv"))
    assert isinstance(large, Blocks) and isinstance(small, Grid)
    assert [frame["c0"].to_list() for frame in large.frames(1)] == [[row[0] for row in small.sheets[0].rows]]
    assert large.head.rows == small.sheets[0].rows
