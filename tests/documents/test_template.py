"""What a template holds before anybody fills it in: headings, hints, lists, guards, and what is locked."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from functools import cache

import openpyxl
import pytest
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from contracts.form import Column, Form
from contracts.forms import FORMS, form_named
from contracts.vocabulary import reporting_units, rows, words
from documents.reading.read import read_grid
from documents.writing.template import template_xlsx
from documents.writing.template_column import expectation, hint

AS_OF = dt.date(2023, 9, 8)
SCHOOLS = [{"school_code": "007001", "school_name": "МБОУ «Опытная СОШ»"}]
FILLED_IN = [form for form in FORMS if form.pupils is None]
COLUMNS = [(form, column) for form in FILLED_IN for column in form.edition_at(AS_OF).columns]
NAMES = [f"{form.name}-{column.name}" for form, column in COLUMNS]
LONGEST_MESSAGE = 255


@cache
def made(form: Form, as_of: dt.date = AS_OF) -> openpyxl.Workbook:
    is_report = form.key == ("school_id",)
    data = template_xlsx(form, as_of, "Томская область" if is_report else None, SCHOOLS if is_report else [])
    return openpyxl.load_workbook(io.BytesIO(data))


def table(form: Form) -> Worksheet:
    return made(form).worksheets[0]


def heading(form: Form) -> int:
    first = form.edition_at(AS_OF).columns[0].title
    return next(row for row in range(1, 20) if table(form).cell(row, 1).value == first)


def place(form: Form, column: Column) -> int:
    return [each.name for each in form.edition_at(AS_OF).columns].index(column.name) + 1


def guards_at(form: Form, row: int, column: int) -> Iterator[DataValidation]:
    for each in table(form).data_validations.dataValidation:
        if any(r.min_row <= row <= r.max_row and r.min_col <= column <= r.max_col for r in each.sqref.ranges):
            yield each


def first_cell(form: Form, column: Column) -> tuple[int, int]:
    return heading(form) + 1, place(form, column)


@pytest.mark.parametrize(("form", "column"), COLUMNS, ids=NAMES)
def test_each_column_has_its_heading_and_one_hint(form: Form, column: Column) -> None:
    row, at = first_cell(form, column)
    assert table(form).cell(row - 1, at).value == column.title
    (guard,) = guards_at(form, row, at)
    (at_heading,) = guards_at(form, row - 1, at)
    assert guard.prompt == at_heading.prompt == hint(column)
    assert guard.prompt.startswith(column.description)
    assert len(guard.prompt) <= LONGEST_MESSAGE
    assert column.unit is None or column.unit in guard.prompt
    assert ("Обязательно" in guard.prompt) != column.nullable
    if guard.type:
        assert expectation(column) in guard.error


@pytest.mark.parametrize(("form", "column"), COLUMNS, ids=NAMES)
def test_guards_are_those_of_the_contract(form: Form, column: Column) -> None:
    (guard,) = guards_at(form, *first_cell(form, column))
    if column.vocabulary or column.kind == "unit":
        sheet, cells = guard.formula1.lstrip("=").split("!")
        offered = [cell.value for (cell,) in made(form)[sheet.strip("'")][cells]]
        if column.vocabulary:
            codes = words(column.vocabulary)
            refused = {"responsible_position": {"other"}, "subject": {"rmg_perhaps"}}.get(column.name, set())  # RDY-010
            refused |= {"other"} if form.name == "lesson_journal" else set()  # LSN-004
            assert [codes[word] for word in offered] == [c for c in dict.fromkeys(codes.values()) if c not in refused]
        else:
            assert offered == reporting_units(AS_OF)["name"].to_list()
        assert guard.showErrorMessage != (column.open_vocabulary or column.within)
    elif column.kind in ("count", "grade", "lesson", "hours", "amount", "percent"):
        assert guard.type == ("whole" if column.kind in ("count", "grade", "lesson", "amount") else "decimal")
        low, high = float(guard.formula1), float(guard.formula2)
        assert low == column.minimum if column.minimum is not None else low <= 0
        assert high == column.maximum if column.maximum is not None else high >= 10
    elif column.kind in ("inn", "oktmo"):
        assert (guard.type, guard.operator) == ("textLength", "equal")
        assert guard.formula1 in column.description
    else:
        assert guard.type == ("date" if column.kind == "date" else None)


@pytest.mark.parametrize(("form", "column"), COLUMNS, ids=NAMES)
def test_text_stays_text_and_may_be_written(form: Form, column: Column) -> None:
    row, at = first_cell(form, column)
    cell = table(form).cell(row, at)
    text = column.kind not in ("count", "grade", "lesson", "hours", "amount", "percent", "date")
    assert (cell.number_format == "@") == text
    assert not cell.protection.locked
    assert table(form).cell(row - 1, at).protection.locked


@pytest.mark.parametrize("form", FILLED_IN, ids=lambda form: form.name)
def test_only_headings_are_protected_and_without_a_password(form: Form) -> None:
    protection = table(form).protection
    assert (protection.sheet, protection.password) == (True, None)
    assert not (protection.formatColumns or protection.formatRows or protection.insertRows or protection.deleteRows)
    widths = table(form).column_dimensions
    assert max(each.max for each in widths.values()) == 16_384, "a column of one's own may be added"
    assert not any(each.protection.locked for each in widths.values())


@pytest.mark.parametrize("form", FILLED_IN, ids=lambda form: form.name)
def test_page_is_a_landscape_a4_as_wide_as_the_table(form: Form) -> None:
    sheet = table(form)
    setup = sheet.page_setup
    assert (setup.orientation, setup.paperSize, setup.fitToWidth, setup.fitToHeight) == ("landscape", 9, None, 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == f"${heading(form)}:${heading(form)}"
    assert sheet.freeze_panes.endswith(str(heading(form) + 1))


@pytest.mark.parametrize("form", FILLED_IN, ids=lambda form: form.name)
def test_used_range_is_that_of_the_cells(form: Form) -> None:
    with zipfile.ZipFile(io.BytesIO(template_xlsx(form, AS_OF, None, []))) as archive:
        stated = re.search(rb'<dimension ref="A1:([A-Z]+)', archive.read("xl/worksheets/sheet1.xml"))
    assert stated and stated[1].decode() == get_column_letter(len(form.edition_at(AS_OF).columns))


def test_what_is_known_stands_there() -> None:
    report = form_named("readiness_report")
    texts = [[cell.value for cell in row] for row in table(report)["A1:B10"]]
    assert texts[1][0] == "Муниципальное образование: Томская область"
    assert texts[2][0] == "по состоянию на 08.09.2023"
    assert texts[heading(report)] == ["007001", "МБОУ «Опытная СОШ»"]


@pytest.mark.parametrize("name", ["registration_plan", "readiness_summary", "registration_summary"])
def test_units_are_there_and_a_total_that_is_right_while_nothing_is(name: str) -> None:
    form = form_named(name)
    data = template_xlsx(form, AS_OF, None, [])
    (sheet,) = [sheet for sheet in read_grid("template.xlsx", data).sheets if sheet.visible]
    body = sheet.rows[heading(form) :]
    units = reporting_units(AS_OF)["name"].to_list()
    assert [row[0] for row in body] == [*units, "Итого"]
    columns = form.edition_at(AS_OF).columns
    summed = {control.stated for control in form.controls}
    assert (
        body[-1][1:]
        == [0 if each.name in summed and each.required else None for each in columns[1:]][: len(body[-1]) - 1]
    )
    for at, column in enumerate(columns, start=1):
        if column.name in summed and column.required:
            letter = table(form).cell(1, at).column_letter
            first = heading(form) + 1
            formula = table(form).cell(first + len(units), at).value
            assert formula == f"=SUM({letter}{first}:{letter}{first + len(units) - 1})"


def test_units_are_called_as_on_the_date() -> None:
    plan = form_named("registration_plan")
    called = [
        {cell.value for (cell,) in made(plan, day).worksheets[0]["A1:A30"]} for day in (AS_OF, dt.date(2026, 1, 1))
    ]
    names = [row["name"] for row in rows("reporting_units") if row["reporting_unit"] == "kedrovy"]
    assert [[name for name in names if name in there] for there in called] == [names[:1], names[1:]]


def test_a_report_of_nobody_lets_its_sender_be_chosen() -> None:
    report = form_named("readiness_report")
    book = openpyxl.load_workbook(io.BytesIO(template_xlsx(report, AS_OF, None, [])))
    sheet = book.worksheets[0]
    (guard,) = [each for each in sheet.data_validations.dataValidation if "A2" in each.sqref]
    cells = guard.formula1.lstrip("=").split("!")[1]
    offered = [cell.value for (cell,) in book.worksheets[1][cells]]
    assert offered == [f"Муниципальное образование: {name}" for name in reporting_units(AS_OF)["name"]]
    assert not sheet["A2"].protection.locked


def test_lists_are_hidden() -> None:
    for form in FILLED_IN:
        assert [sheet.sheet_state for sheet in made(form).worksheets] == ["visible", "hidden"]


def test_the_same_template_is_the_same_bytes() -> None:
    form = form_named("readiness_report")
    assert template_xlsx(form, AS_OF, None, SCHOOLS) == template_xlsx(form, AS_OF, None, SCHOOLS)
