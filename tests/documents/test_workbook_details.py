"""What stands beside the values: hidden rows and columns, percents, formulas without a result, both date systems."""

from __future__ import annotations

import datetime as dt
import io
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import workbook_writers as write
from hypothesis import given, settings
from hypothesis import strategies as st
from workbook_writers import Cell, Page

from contracts.grid import CellError, Doubt, Range, Sheet, Unreadable, Value
from documents.reading.formats.limits import LIMITS, Limits
from documents.reading.formats.number_format import kind_of
from documents.reading.grid_json import document_of
from documents.reading.read import read_grid

FILES = Path(__file__).with_name("files")
MOMENT = dt.datetime.fromisoformat("2021-01-01 10:10:10")
SPAN = dt.timedelta(hours=255, minutes=10, seconds=10)
WRITERS: dict[str, Callable[[Page], bytes]] = {
    "xlsx": write.xlsx,
    "ods": write.ods,
    "xls": write.xls,
    "xls of Excel 95": lambda page: write.xls(page, version=5),
    "xlsb": write.xlsb,
    "xml 2003": write.xml_2003,
    "fods": write.fods,
}


def only_sheet(data: bytes) -> Sheet:
    (sheet,) = read_grid("a.xls", data).sheets
    return sheet


def trimmed(rows: list[list[Value]]) -> list[list[Value]]:
    """Rows without the blanks at their ends."""
    return [line[: max((c + 1 for c, value in enumerate(line) if value is not None), default=0)] for line in rows]


# any page in any format

TEXTS = st.text("абвгдежзиклмнопрстуфхцчшщыьэюяАБВГД№«»-1", min_size=1, max_size=9)
FRACTIONS = st.integers(-(10**6), 10**6).map(lambda value: value / 1000)
DATES = st.dates(dt.date(1905, 1, 1), dt.date(2100, 1, 1))
MOMENTS = st.builds(dt.datetime.combine, DATES, st.times().map(lambda at: at.replace(microsecond=0)))
CELLS = st.one_of(
    st.builds(Cell, st.integers(-(10**6), 10**6) | FRACTIONS, is_formula=st.booleans()),
    st.builds(Cell, FRACTIONS | st.just(1), st.just("percent"), is_formula=st.booleans()),
    st.builds(Cell, MOMENTS | DATES, st.just("moment"), st.booleans()),
    st.builds(
        Cell, st.timedeltas(dt.timedelta(1), dt.timedelta(50)).map(lambda t: t // 10**6 * 10**6), st.just("span")
    ),
    st.builds(Cell, TEXTS, is_formula=st.booleans()),
    st.builds(Cell, st.booleans()),
    st.builds(Cell, st.sampled_from(list(write.ERROR_CODES)).map(CellError), is_formula=st.booleans()),
    st.builds(Cell, st.none(), st.sampled_from(("number", "percent")), is_formula=st.just(True)),
)
NUMBERS = st.frozensets(st.integers(0, 12), max_size=4)
PAGES = st.builds(
    Page,
    st.dictionaries(st.tuples(st.integers(0, 12), st.integers(0, 9)), CELLS, min_size=1, max_size=25),
    NUMBERS,
    NUMBERS,
    st.sampled_from(((), (Range(20, 1, 21, 3), Range(24, 0, 24, 1)))),
    st.booleans(),
)


def expected_rows(page: Page) -> list[list[Value]]:
    rows: list[list[Value]] = [[None] * 10 for _ in range(1 + max(row for row, _ in page.cells))]
    for (r, c), cell in page.cells.items():
        at = cell.value
        is_midnight = isinstance(at, dt.datetime) and at.time() == dt.time.min
        rows[r][c] = at.date() if is_midnight and isinstance(at, dt.datetime) else at
    return trimmed(rows)


@pytest.mark.parametrize("format_", WRITERS)
@settings(max_examples=60, deadline=None)
@given(page=PAGES)
def test_a_page_is_read_back_exactly(format_: str, page: Page) -> None:
    if format_ == "xlsb":  # its formulas always have a result
        page = Page({place: c for place, c in page.cells.items() if c.value is not None} or {(0, 0): Cell(1)},
                    page.hidden_rows, page.hidden_columns, page.merged, page.is_1904)  # fmt: skip
    sheet = only_sheet(WRITERS[format_](page))
    height, width = 1 + max(r for r, _ in page.cells), 1 + max(c for _, c in page.cells)
    assert trimmed(sheet.rows) == expected_rows(page)
    assert sheet.hidden_rows == {row for row in page.hidden_rows if row < height}
    assert sheet.hidden_columns == {column for column in page.hidden_columns if column < width}
    percents = {place for place, c in page.cells.items() if c.shown == "percent" and c.value is not None}
    assert sheet.percents == percents
    assert sheet.unvalued == {place for place, c in page.cells.items() if c.value is None}
    assert sheet.merged == ([] if format_ == "xls of Excel 95" else list(page.merged))
    assert all(sheet.rows[r][c] is None for r, c in sheet.unvalued)


@pytest.mark.parametrize("is_1904", [False, True])
@pytest.mark.parametrize("format_", [name for name in WRITERS if "ods" not in name])
def test_both_date_systems(format_: str, is_1904: bool) -> None:
    moments = {(0, 0): Cell(dt.date(2021, 1, 1), "moment"), (0, 1): Cell(MOMENT, "moment"), (0, 2): Cell(SPAN, "span")}
    sheet = only_sheet(WRITERS[format_](Page(moments, is_1904=is_1904)))
    assert sheet.rows == [[dt.date(2021, 1, 1), MOMENT, SPAN]]


# what other programs write


@pytest.mark.parametrize("name", ["libreoffice.xls", "libreoffice.ods", "sheetjs.xls", "sheetjs.xlsb"])
def test_the_same_table_from_other_programs(name: str) -> None:
    shown, hidden = read_grid(name, (FILES / name).read_bytes()).sheets
    assert (shown.name, shown.visible, hidden.name, hidden.visible) == ("Свод", True, "Тайный", False)
    assert [line[:4] for line in shown.rows] == [
        ["Школа", "Доля", "Дата", "Ошибка"],
        ["МАОУ СОШ № 1", 0.5, dt.date(2023, 9, 8), CellError("#N/A")],
        ["Гимназия «Ёлка»", 1, dt.datetime.fromisoformat("2023-09-08 10:30"), CellError("#DIV/0!")],
        [None, 5, dt.timedelta(hours=255), True],
        [None, 0.25, dt.date(2023, 9, 9), None],
    ]
    assert shown.merged == [Range(1, 5, 2, 6)]
    assert shown.percents == {(1, 1), (2, 1), (4, 1)}
    assert shown.hidden_columns == {3}
    assert shown.hidden_rows == (set() if name == "sheetjs.xls" else {2})  # which does not write it
    assert hidden.rows == [[1]]


def test_an_indented_ods_is_read() -> None:
    shown, _ = read_grid("a.ods", (FILES / "sheetjs.ods").read_bytes()).sheets
    assert [line[:2] for line in shown.rows[:3]] == [["Школа", "Доля"], ["МАОУ СОШ № 1", 0.5], ["Гимназия «Ёлка»", 1]]
    assert shown.merged == [Range(1, 5, 2, 6)]


def test_texts_of_excel_95_with_several_fonts_are_read() -> None:
    text = "Школа № 1".encode("cp1251")
    label = write.record(0x204, struct.pack("<HHHH", 0, 0, 0, len(text)) + text)
    rich = write.record(0xD6, struct.pack("<HHHH", 0, 0, 0, len(text)) + text + b"\1\0\0")
    data = write.xls(Page({(0, 0): Cell("Школа № 1"), (0, 1): Cell(1)}), version=5)
    assert label in data
    assert only_sheet(write.ole("Book", data[1536:].replace(label, rich))).rows == [["Школа № 1", 1]]


# xlsx


def xlsx_of(sheet: str, root: str = "worksheet", styles: str | None = None) -> bytes:
    """A workbook with this inside its sheet; style 1 is a percent."""
    data = write.xlsx(Page({(0, 0): Cell(1, "percent")}))
    prefix = root.rpartition("worksheet")[0]
    space = f'xmlns{":" * bool(prefix)}{prefix[:-1]}="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name.endswith("sheet1.xml"):
                part = f'<?xml version="1.0"?><{root} {space}>{sheet}</{root}>'.encode()
            if name.endswith("styles.xml") and styles is not None:
                part = styles.encode()
            target.writestr(name, part)
    return out.getvalue()


@pytest.mark.parametrize(
    ("cell", "unvalued"),
    [
        ("<c r='A1'><f>1+1</f><v></v></c>", True),
        ("<c r='A1'><f>1+1</f><v/></c>", True),
        ("<c r='A1'><f>1+1</f>\n  <v />\n</c>", True),
        ("<c r='A1'><f>1+1</f></c>", True),
        ("<c r='A1'><f t='shared' si='0'/></c>", True),
        ("<c r='A1' t='str'><f>1+1</f></c>", True),
        ("<c r='A1' t='str'><f>B1</f><v></v></c>", False),
        ("<c r='A1'><f>1+1</f><v>2</v></c>", False),
        ("<c r='A1'><f t='shared' si='0'/><v>2</v></c>", False),
        ("<c r='A1'/>", False),
    ],
)
def test_a_formula_without_result(cell: str, unvalued: bool) -> None:
    sheet = only_sheet(xlsx_of(f"<sheetData><row r='1'>{cell}<c r='B1'><v>7</v></c></row></sheetData>"))
    assert sheet.unvalued == ({(0, 0)} if unvalued else set())
    assert sheet.rows[0][1] == 7


def test_openpyxl_writes_formulas_without_results() -> None:
    workbook, out = openpyxl.Workbook(), io.BytesIO()
    workbook.worksheets[0].append(["Итого", "=SUM(C1:D1)", 1])
    workbook.worksheets[0].row_dimensions[3].hidden = True
    workbook.worksheets[0].append(["b", 1])
    workbook.worksheets[0].append(["c", 1])
    workbook.save(out)
    sheet = only_sheet(out.getvalue())
    assert (sheet.unvalued, sheet.hidden_rows, sheet.rows[0]) == ({(0, 1)}, {2}, ["Итого", None, 1])
    assert document_of("a.xlsx", read_grid("a.xlsx", out.getvalue()))["sheets"][0]["formulas_without_result"] == ["B1"]


def test_a_workbook_of_formulas_without_results_is_not_empty() -> None:
    sheet = only_sheet(write.xlsx(Page({(1, 1): Cell(None, is_formula=True)})))
    assert (sheet.rows, sheet.used_range, sheet.unvalued) == ([[], [None, None]], None, {(1, 1)})


def test_names_of_elements_may_have_a_prefix() -> None:
    cells = "<x:c r='A1'><x:f>1</x:f></x:c><x:c r='B1'><x:f t='shared' si='0'/><x:v/></x:c>"
    cells += "<x:c r='C1' s='1'><x:v>0.5</x:v></x:c>"
    columns = "<x:cols><x:col min='2' max='2' hidden='true'/></x:cols>"
    data = xlsx_of(f"{columns}<x:sheetData><x:row r='1' hidden='1'>{cells}</x:row></x:sheetData>", "x:worksheet")
    sheet = only_sheet(data)
    assert (sheet.unvalued, sheet.percents) == ({(0, 0), (0, 1)}, {(0, 2)})
    assert (sheet.hidden_rows, sheet.hidden_columns) == ({0}, {1})


def test_a_percent_is_a_number_with_a_percent_style() -> None:
    formats = (
        "<numFmts><numFmt numFmtId='170' formatCode='0&quot;%&quot;'/>"
        "<numFmt numFmtId='171' formatCode='0.0\\ %'/></numFmts>"
        "<cellStyleXfs><xf numFmtId='9'/></cellStyleXfs>"
        "<cellXfs><xf/><xf numFmtId='9'/><xf numFmtId='10'/><xf numFmtId='170'/><xf numFmtId='171'/></cellXfs>"
        "<dxfs><dxf><numFmt numFmtId='170' formatCode='0%'/></dxf></dxfs>"
    )
    cells = "".join(f"<c r='{'ABCDE'[style]}1' s='{style}'><v>0.5</v></c>" for style in range(5))
    cells += (
        "<c r='F1' s='1'/><c r='G1' s='1' t='str'><v>5 %</v></c><c r='H1' s='1'><f>A1</f></c><c r='I1'><v>1</v></c>"
    )
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    data = xlsx_of(
        f"<sheetData><row r='1'>{cells}</row></sheetData>", styles=f"<styleSheet xmlns='{space}'>{formats}</styleSheet>"
    )
    sheet = only_sheet(data)
    assert sheet.percents == {(0, 1), (0, 2), (0, 4)}
    assert sheet.rows[0] == [0.5] * 5 + [None, "5 %", None, 1]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("0%", "percent"),
        ("0.00\\ %;[Red]\\-0.00\\ %", "percent"),
        ('0" %"', None),
        ("0\\%", None),
        ("0_%", None),
        ("[$%-419]0", None),
        ("General", None),
        ('# ##0"р."', None),
        ("dd.mm.yyyy", "moment"),
        ('[$-419]d mmmm yyyy" г.";@', "moment"),
        ("[h]:mm:ss", "span"),
        ("[Red]0;[Blue]yyyy", None),
        ('"день "0', None),
        ("@", None),
    ],
)
def test_what_a_number_format_shows(code: str, kind: str | None) -> None:
    assert kind_of(code) == kind


def test_what_is_hidden_beyond_the_table_is_not_told() -> None:
    rows = "<row r='1'><c r='B1'><v>5</v></c></row><row r='2' hidden='1'/><row r='1048576' hidden='1'/>"
    sheet = only_sheet(xlsx_of(f"<cols><col min='1' max='16384' hidden='1'/></cols><sheetData>{rows}</sheetData>"))
    assert (sheet.hidden_rows, sheet.hidden_columns) == (set(), {0, 1})


# hostile


@pytest.mark.parametrize("address", ["AAAAA1", "A99999999", "XFE1", "A1048577", "A" * 100_000 + "1"])
def test_an_address_past_the_end_of_a_sheet_is_refused(address: str) -> None:
    with pytest.raises(Unreadable):
        read_grid("a.xlsx", xlsx_of(f"<sheetData><row r='1'><c r='{address}' t='e'><v>#N/A</v></c></row></sheetData>"))


def test_long_pieces_of_xml_take_no_longer_than_their_length() -> None:
    row = "<row r='1'><c r='A1' t=\"e\"><v>#SPILL!</v></c></row>"
    for piece in ("<c t=", "<f ", "</f> ", "<v><f/>"):
        begin = time.process_time()
        sheet = only_sheet(xlsx_of(f"<!--{piece * 1_000_000}--><sheetData>{row}</sheetData>"))
        assert sheet.rows == [[CellError("#SPILL!")]]
        assert time.process_time() - begin < 10  # a second; a minute when the comment is begun anew with each piece


def test_overlapping_columns_are_hidden_once() -> None:
    columns = "<col min='1' max='16384' hidden='1'/>" * 50_000
    assert only_sheet(xlsx_of(f"<cols>{columns}</cols><sheetData><row r='1'><c r='C1'><v>1</v></c></row></sheetData>")
                      ).hidden_columns == {0, 1, 2}  # fmt: skip


@pytest.mark.parametrize("kind", ["percentage' office:value='0.5", "float' table:formula='of:=1"])
def test_a_repeat_of_marked_cells_in_an_ods_is_bounded(kind: str) -> None:
    cell = f"<table:table-cell office:value-type='{kind}' table:number-columns-repeated='1000'/>"
    data = write.ods(Page({(0, 0): Cell(1)}))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml").decode()
    row = f"<table:table-row table:number-rows-repeated='5000'>{cell}</table:table-row>"
    parts = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}
    changed = content.replace("</table:table>", f"{row}</table:table>").encode()
    with pytest.raises(Unreadable, match="too_large"):
        read_grid("a.ods", write.package({**parts, "content.xml": changed}))


def test_a_sheet_of_an_xlsb_has_a_limit_of_cells() -> None:
    page = Page({(0, 0): Cell(1), (1_048_575, 16_383): Cell(2)})
    grid = read_grid("a.xlsb", write.xlsb(page))  # one cell far away is left out by name
    assert (grid.sheets[0].rows, grid.doubts) == ([[1]], (Doubt("far_cells", "лист «Свод»: XFD1048576"),))
    token = LIMITS.set(Limits(cells=50))
    try:
        with pytest.raises(Unreadable, match="too_large"):
            read_grid("a.xlsb", write.xlsb(Page({(0, 0): Cell(1), (50, 0): Cell(2)})))
    finally:
        LIMITS.reset(token)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(("xls", "xls of Excel 95", "xlsb", "ods")), st.integers(0, 10**6), st.binary(min_size=1, max_size=4)
)
def test_a_damaged_page_gives_a_grid_or_a_refusal(format_: str, at: int, junk: bytes) -> None:
    data = WRITERS[format_](Page({(0, 0): Cell("Школа"), (1, 1): Cell(0.5, "percent"), (2, 0): Cell(MOMENT, "moment")}))
    parts = {"": data}
    if not format_.startswith("xls") or format_ == "xlsb":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
    name = sorted(parts)[at % len(parts)]
    place = at % len(parts[name])
    parts[name] = parts[name][:place] + junk + parts[name][place + len(junk) :]
    try:
        read_grid("a", parts[""] if "" in parts else write.package(parts))
    except Unreadable as error:
        assert error.reason in {"empty", "encrypted", "corrupt", "unknown", "too_large"}


# the kind of a file is told by its content


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.csv", "a"])
def test_a_name_does_not_tell_the_kind(name: str) -> None:
    page = Page({(0, 0): Cell("Школа"), (0, 1): Cell(1)})
    found = {format_: read_grid(name, writer(page)) for format_, writer in WRITERS.items()}
    assert {format_: grid.format for format_, grid in found.items()} == {
        "xlsx": "xlsx",
        "ods": "ods",
        "xls": "xls",
        "xls of Excel 95": "xls",
        "xlsb": "xlsb",
        "xml 2003": "xml 2003",
        "fods": "fods",
    }
    assert all(grid.sheets[0].rows == [["Школа", 1]] for grid in found.values())


@pytest.mark.parametrize(
    "text",
    [
        "<html><body><table><tr><td>Школа</td></tr></table></body></html>",
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\n",
    ],
)
def test_markup_named_xls_is_refused_in_words(text: str) -> None:
    with pytest.raises(Unreadable, match=r"unknown: The file is not a table; it looks like .+\."):
        read_grid("выгрузка.xls", text.encode())


# the JSON document


def test_the_document_tells_what_is_beside_the_values_only_where_there_is_any() -> None:
    cells = {(0, 0): Cell(1), (1, 1): Cell(0.5, "percent"), (2, 2): Cell(None, is_formula=True)}
    data = write.xlsx(Page(cells, frozenset({1}), frozenset({1, 2})))
    (sheet,) = document_of("a.xlsx", read_grid("a.xlsx", data))["sheets"]
    assert sheet == {
        "name": "Свод",
        "visible": True,
        "used_range": "A1:B2",
        "merged": [],
        "cells": [["A1", 1], ["B2", 0.5]],
        "hidden_rows": [2],
        "hidden_columns": ["B", "C"],
        "percents": ["B2"],
        "formulas_without_result": ["C3"],
    }
    plain = document_of("a.xlsx", read_grid("a.xlsx", write.xlsx(Page({(0, 0): Cell(1)}))))
    assert set(plain["sheets"][0]) == {"name", "visible", "used_range", "merged", "cells"}
    assert document_of("b.xls", Unreadable("corrupt", "It is damaged.")) == {
        "file": "b.xls",
        "error": "It is damaged.",
        "sheets": [],
    }
