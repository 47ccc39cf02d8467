"""Workbooks of marts: what stands in cells is text, codes are words, widths and pages are those of a finished table."""

import io
import re
import zipfile

import openpyxl
import polars as pl
import pytest

from contracts.texts import word_of
from documents.writing.mart_xlsx import LONGEST, MartSheet, Shown, TooManyRows, marts_xlsx
from warehouse.marts.columns import kind
from warehouse.marts.definitions import marts, views

HOSTILE = ["=1+1", "+7 3822 50-00-00", "@SUM(A1)", '=HYPERLINK("http://x";"а")', "http://example.invalid",
           "<b>жирный</b> & «кавычки»", "а" * 40_000, "\x1b[31m", "{=1}"]  # fmt: skip
NOTHING_SHOWN = {("delivery_health", "status"), ("readiness_by_school", "status")}
"""Codes beside which the words stand in a column of the mart itself, as `<column>_name`."""
CODE = re.compile(r"\b[a-z_]{3,}\b")


def sheet(rows: pl.DataFrame, **more: object) -> MartSheet:
    columns = [Shown(name, name, "текст" if dtype == pl.String else "целое") for name, dtype in rows.schema.items()]
    return MartSheet("лист", "=Заголовок", ["=1"], columns, rows, **more)  # type: ignore[arg-type]


def test_what_people_wrote_is_text_whatever_it_begins_with() -> None:
    made = marts_xlsx([sheet(pl.DataFrame({"=a": HOSTILE, "n": range(len(HOSTILE))}), notes=["=2"])])
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        written = book.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in written
        assert b"hyperlink" not in written
    cells = [row[0] for row in openpyxl.load_workbook(io.BytesIO(made)).active.iter_rows(4, values_only=True)]
    assert cells[0] == "=a"
    assert cells[1:7] == HOSTILE[:6]
    assert len(str(cells[7])) == LONGEST


def test_equal_marts_give_equal_bytes() -> None:
    rows = pl.DataFrame({"a": ["б"], "n": [1]})
    assert marts_xlsx([sheet(rows)]) == marts_xlsx([sheet(rows)])


def test_a_mart_that_no_sheet_takes_is_refused() -> None:
    with pytest.raises(TooManyRows, match="1000001 rows"):
        marts_xlsx([sheet(pl.DataFrame({"n": pl.int_range(1_000_001, eager=True)}))])


def test_columns_that_stand_aside_are_folded_and_a_total_is_no_row_of_the_filter() -> None:
    rows = pl.DataFrame({"имя": ["а", "б"], "n": [1, 2], "code": ["x", "y"]})
    columns = [Shown("имя", "Имя", "текст"), Shown("n", "Число", "целое"), Shown("code", "Код", "текст", is_aside=True)]
    made = marts_xlsx([MartSheet("лист", "т", [], columns, rows, total={"имя": "Итого", "n": 3})])
    told = openpyxl.load_workbook(io.BytesIO(made)).active
    assert (told.column_dimensions["C"].hidden, told.column_dimensions["A"].hidden) == (True, False)
    assert told.auto_filter.ref == "A3:C5"
    aside = told["C4"].alignment  # centred, it would show in a blank cell beside it
    assert (aside.horizontal, aside.shrink_to_fit) == ("left", True)
    assert [cell.value for cell in told[6]] == ["Итого", 3, None]


def test_a_code_has_a_word_by_its_column_or_by_how_the_column_ends() -> None:
    assert word_of("level", "basic") == "базовый"
    assert word_of("readiness_band", "green") == "зелёная"
    assert word_of("verdict", "disagrees") == "не сошлось"
    assert word_of("school_name", "basic") == "basic"
    assert word_of("level", "новый") == "новый"


def test_every_code_that_a_column_of_a_mart_says_it_holds_has_a_word() -> None:
    """What its caption lists is what it holds."""
    wordless = [
        (mart.name, column, code)
        for mart in (*marts(), *views())
        for column, words in mart.captions.items()
        if kind(column, *mart.kinds)[0] == "текст" and (mart.name, column) not in NOTHING_SHOWN
        if not {f"{column}_name", f"{column.removesuffix('_kind')}_name"} & set(mart.columns)
        for code in CODE.findall(words)
        if word_of(column, code) == code and code != "rule_states"
    ]
    assert wordless == []


def test_a_table_too_wide_for_a_page_goes_on_beside_it_with_its_first_columns() -> None:
    """None of its columns is printed too small to read: twelve texts of 38 letters are three pages."""
    names = [f"к{number}" for number in range(12)]
    rows = pl.DataFrame({"имя": ["Город Томск"], **{name: ["слово за словом " * 5] for name in names}})
    columns = [Shown(name, name, "текст") for name in rows.columns]
    told = openpyxl.load_workbook(io.BytesIO(marts_xlsx([MartSheet("лист", "т", [], columns, rows)]))).active
    assert (told.page_setup.fitToWidth, told.print_title_cols) == (3, "$A:$A")
    folded = [Shown(name, name, "текст", is_aside=name in names[4:]) for name in rows.columns]
    told = openpyxl.load_workbook(io.BytesIO(marts_xlsx([MartSheet("лист", "т", [], folded, rows)]))).active
    assert (told.page_setup.fitToWidth or 1, told.print_title_cols) == (1, None)
