"""What people wrote in cells runs nothing in the spreadsheet that opens an export."""

import csv
import datetime as dt
import io

import polars as pl
import pytest

from documents.writing.mart_csv import mart_csv

FORMULAS = ["=1+1", "+7 3822 50-00-00", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x";"а, б")']


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    told = list(csv.reader(io.StringIO(mart_csv(pl.DataFrame({"a": [text, None], "n": [-5.0, 0.5]})), newline="")))
    assert told == [["a", "n"], ["'" + text, "-5.0"], ["", "0.5"]]


@pytest.mark.parametrize("separator", ";\t\r\n")
@pytest.mark.parametrize("sign", "=+-@")
def test_a_formula_behind_the_separator_of_another_spreadsheet_is_text(separator: str, sign: str) -> None:
    text = f"Приказ{separator}{sign}1+1{separator}"
    cells = mart_csv(pl.DataFrame({"a": [text]})).split(separator)
    assert [cell for cell in cells if "1+1" in cell] == [f"'{sign}1+1"]


def test_what_is_no_text_and_texts_that_are_harmless_stay() -> None:
    frame = pl.DataFrame(
        {"name": ["МБОУ «СОШ № 1»", " =1", "a=b", "'; - 1"], "n": [-1, 2, None, 0], "on": [dt.date(2023, 9, 8)] * 4}
    )
    assert mart_csv(frame) == frame.write_csv()
