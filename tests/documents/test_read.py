"""The readers see what is in the file, at its address, and refuse in one sentence what is not a table."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import struct
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from workbook_writers import ole

from contracts.grid import CellError, Doubt, Grid, Range, Unreadable
from documents.reading.formats.encoding import one_byte_encoding
from documents.reading.formats.limits import LIMITS, Limits
from documents.reading.grid_json import document_of
from documents.reading.read import read_grid

SHEET_PART = "xl/worksheets/sheet1.xml"


def book(fill: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    """An xlsx drawn by xlsxwriter."""
    out = io.BytesIO()
    workbook = xlsxwriter.Workbook(out, {"in_memory": True})
    fill(workbook)
    workbook.close()
    return out.getvalue()


def small_book(workbook: xlsxwriter.Workbook) -> None:
    sheet = workbook.add_worksheet("Лист1")
    sheet.write("B2", " Школа ")
    sheet.write("C4", 5)
    sheet.write("D4", 0.5)


def edited(data: bytes, edit: Callable[[bytes], bytes], part: str = SHEET_PART) -> bytes:
    """The same workbook with one part changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, edit(source.read(name)) if name == part else source.read(name))
    return out.getvalue()


def package(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, text in parts.items():
            target.writestr(name.replace("__", "/").replace("_DOT_", "."), text)
    return out.getvalue()


def ods(table: str) -> bytes:
    names = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
        "manifest": "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0",
    }
    spaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in names.items())
    return package(
        mimetype="application/vnd.oasis.opendocument.spreadsheet",
        content_DOT_xml=f"<office:document-content {spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{table}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>",
        **{
            "META-INF__manifest_DOT_xml": f"<manifest:manifest {spaces}>"
            '<manifest:file-entry manifest:full-path="/" manifest:media-type="x"/></manifest:manifest>'
        },
    )


def refusal(data: bytes, name: str = "a.xlsx") -> str:
    with pytest.raises(Unreadable) as caught:
        read_grid(name, data)
    assert caught.value.detail.endswith(".")
    return caught.value.reason


# workbooks


def test_cells_keep_their_addresses_and_kinds() -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        sheet = workbook.add_worksheet("Свод")
        sheet.write("B3", " a\nb ")
        sheet.write("C3", 12)
        sheet.write("D3", 1.5)
        sheet.write("E3", True)
        sheet.write("F3", "00123")
        sheet.write("G3", 1e20)
        day = workbook.add_format({"num_format": "dd.mm.yyyy"})
        sheet.write_datetime("B4", dt.date(2023, 9, 8), day)
        sheet.write_datetime("C4", dt.datetime.fromisoformat("2023-09-08 10:30"), day)
        sheet.write_datetime("D4", dt.time(8, 30), workbook.add_format({"num_format": "hh:mm"}))
        sheet.write_datetime("E4", dt.timedelta(hours=30), workbook.add_format({"num_format": "[h]:mm"}))
        sheet.write_blank("H9", None, day)

    (sheet,) = read_grid("a.xlsx", book(fill)).sheets
    assert sheet.used_range == "B3:G4"
    assert sheet.rows[2][1:] == [" a\nb ", 12, 1.5, True, "00123", 1e20]
    assert [type(value) for value in sheet.rows[2][1:5]] == [str, int, float, bool]
    moments = [
        dt.date(2023, 9, 8),
        dt.datetime.fromisoformat("2023-09-08 10:30"),
        dt.time(8, 30),
        dt.timedelta(hours=30),
    ]
    assert sheet.rows[3][1:5] == moments
    assert len(sheet.rows) == 4


def test_merges_hidden_sheets_and_charts() -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        first = workbook.add_worksheet("Отчёт")
        first.merge_range("C10:E11", "m")
        first.merge_range("B2:D2", "Всего")
        chart = workbook.add_chart({"type": "line"})
        chart.add_series({"values": "='Отчёт'!$A$1:$A$2"})
        workbook.add_chartsheet("График").set_chart(chart)
        hidden = workbook.add_worksheet("Список")
        hidden.write_formula("A2", "=1/0", None, "#DIV/0!")
        hidden.hide()

    grid = read_grid("a.xlsx", book(fill))
    assert [(sheet.name, sheet.visible) for sheet in grid.sheets] == [("Отчёт", True), ("Список", False)]
    assert grid.sheets[0].merged == [Range(1, 1, 1, 3), Range(9, 2, 10, 4)]
    assert grid.sheets[1].rows == [[None], [CellError("#DIV/0!")]]
    assert "График" in grid.notes[0]


@pytest.mark.parametrize("text", ["#REF!", "#N/A", "#NAME?", "#SPILL!", "#GETTING_DATA"])
def test_an_error_cell_is_an_error_even_if_calamine_does_not_know_it(text: str) -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        sheet = workbook.add_worksheet()
        sheet.write("A1", "#REF!")
        sheet.write_formula("C2", "=1/0", None, "#DIV/0!")

    data = edited(book(fill), lambda part: part.replace(b"#DIV/0!", text.encode()))
    (sheet,) = read_grid("a.xlsx", data).sheets
    assert sheet.rows[0][0] == "#REF!"
    assert sheet.rows[1][2] == CellError(text)


def test_cells_without_addresses_follow_one_another() -> None:
    sheet_data = b'<row><c><v>1</v></c><c t="e"><v>#N/A</v></c></row><row><c t="e"><v>#REF!</v></c></row>'
    data = edited(book(small_book), lambda part: part[: part.index(b"<row")] + sheet_data + b"</sheetData></worksheet>")
    assert read_grid("a.xlsx", data).sheets[0].rows[0] == [1, CellError("#N/A")]
    assert read_grid("a.xlsx", data).sheets[0].rows[1][0] == CellError("#REF!")


def test_a_formula_never_calculated_is_blank() -> None:
    workbook, out = openpyxl.Workbook(), io.BytesIO()
    workbook.worksheets[0]["B2"] = "=1+1"
    workbook.worksheets[0]["A1"] = "x"
    workbook.save(out)
    (sheet,) = read_grid("a.xlsx", out.getvalue()).sheets
    assert sheet.rows == [["x"], [None, None]]
    assert (sheet.used_range, sheet.unvalued) == ("A1:A1", {(1, 1)})


def test_ods_repeats_merges_and_errors() -> None:
    grid = read_grid(
        "a.ods",
        ods(
            '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
            '<table:table-row><table:table-cell/><table:table-cell office:value-type="string"'
            ' table:number-columns-spanned="2" table:number-rows-spanned="2"><text:p>Школа</text:p></table:table-cell>'
            '<table:covered-table-cell/><table:table-cell office:value-type="float" office:value="0"'
            ' table:formula="of:=1/0" table:number-columns-repeated="2"><text:p>#DIV/0!</text:p></table:table-cell>'
            '<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>'
            "</table:table-row>"
            '<table:table-row table:number-rows-repeated="1048573"><table:table-cell/></table:table-row>'
        ),
    )
    error = CellError("#DIV/0!")
    assert grid.sheets[0].rows == [[None] * 6, [None] * 6, [None, "Школа", None, error, error, 7]]
    assert grid.sheets[0].merged == [Range(2, 1, 3, 2)]
    assert grid.format == "ods"


# refusals


def test_bombs_and_endless_sheets_are_refused() -> None:
    data = book(small_book)
    # One cell far away is left out by name; its sheet is as large as what else is filled.
    far = read_grid("a.xlsx", edited(data, lambda part: part.replace(b'r="D4"', b'r="XFD1048576"')))
    assert far.sheets[0].used_range == "B2:C4"
    assert far.doubts == (Doubt("far_cells", "лист «Лист1»: XFD1048576"),)
    # A blank cell that is only formatted may be far away: it takes no memory.
    styled = edited(data, lambda part: part.replace(b"</row></sheetData>", b'<c r="XFD4" s="0"/></row></sheetData>'))
    assert read_grid("a.xlsx", styled).sheets[0].used_range == "B2:D4"
    cell = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="999999999"/>'
    row = f'<table:table-row table:number-rows-repeated="999999999">{cell}</table:table-row>'
    assert refusal(ods(row)) == "too_large"
    token = LIMITS.set(Limits(unpacked=1000))
    assert refusal(data) == "too_large"
    LIMITS.reset(token)


def test_an_entity_bomb_is_refused() -> None:
    dtd = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    data = edited(book(small_book), lambda part: part.replace(b"?>", b"?>" + dtd, 1), "xl/workbook.xml")
    assert refusal(data) == "corrupt"


def test_refusals_name_what_the_file_looks_like() -> None:
    data = book(small_book)
    assert refusal(b"") == "empty"
    assert refusal(b"\r\n \n"[:2]) == "empty"
    assert refusal(book(lambda workbook: workbook.add_worksheet() and None)) == "empty"
    assert refusal(data[: len(data) // 2]) == "corrupt"
    assert refusal(edited(data, lambda part: part[:300])) == "corrupt"
    assert refusal(package(word__document_DOT_xml="<w/>")) == "unknown"
    assert refusal(package(mimetype="application/vnd.oasis.opendocument.text")) == "unknown"
    assert refusal(package(readme="x")) == "unknown"
    for start in (
        b"%PDF-1.7",
        b"\xff\xd8\xff\xe0",
        b"<!DOCTYPE html><p>",
        b'\xef\xbb\xbf<?xml version="1.0"?><x/>',
    ):
        assert refusal(start + b" and more", "a.xls") == "unknown"
    assert refusal(bytes(range(1, 32)) * 20, "a.csv") == "unknown"
    assert refusal(b"a;b\x00c\n", "a.csv") == "corrupt"


def test_an_xls_keeps_its_error_cells() -> None:
    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    begin, end = record(0x809, struct.pack("<8H", 0x600, 5, 0, 0, 0, 0, 0, 0)), record(0x0A, b"")
    sheet = begin.replace(b"\x05", b"\x10")
    sheet += record(0x203, struct.pack("<HHHd", 1, 1, 0, 12)) + record(0x205, struct.pack("<HHHBB", 1, 2, 0, 0x2A, 1))
    sheet += record(0x06, struct.pack("<HHH6BHHIH", 2, 1, 0, 2, 0, 0x17, 0, 0, 0, 0xFFFF, 0, 0, 0))
    sheet += begin + record(0x205, struct.pack("<HHHBB", 0, 0, 0, 0x2A, 1)) + end  # a chart keeps its own numbers
    sheet += record(0xE5, struct.pack("<5H", 1, 3, 4, 1, 2)) + end
    name = struct.pack("<HBB", 0, 1, 0) + b"S"
    start = len(begin) + 4 + 4 + len(name) + len(end)
    data = ole("Workbook", begin + record(0x85, struct.pack("<I", start) + name) + end + sheet)
    grid = read_grid("a.xls", data)
    assert grid.sheets[0].rows == [
        [None] * 3,
        [None, 12, CellError("#N/A")],
        [None, CellError("#REF!"), None],
    ]
    assert grid.sheets[0].merged == [Range(3, 1, 4, 2)]
    assert (
        refusal(data.replace(struct.pack("<HHHd", 1, 1, 0, 12), struct.pack("<HHHd", 65535, 65535, 0, 12)))
        == "too_large"
    )


def test_password_protected_and_other_office_files() -> None:
    begin, end = struct.pack("<HHHH", 0x809, 4, 0x600, 5), struct.pack("<HH", 0x0A, 0)
    locked = begin + struct.pack("<HHI", 0x2F, 4, 0) + end
    assert refusal(ole("EncryptedPackage", b"x")) == "encrypted"
    assert refusal(ole("Workbook", locked)) == "encrypted"
    assert refusal(ole("WordDocument", b"x"), "a.xls") == "unknown"
    assert refusal(ole("Workbook", begin + end)[:1000]) == "corrupt"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=20), st.integers(0, 10**6), st.data())
def test_any_bytes_give_a_grid_or_a_refusal(changes: list[tuple[int, int]], cut: int, draw: st.DataObject) -> None:
    start = draw.draw(st.sampled_from((SMALL, SMALL_STORED, SMALL_OLE, SMALL_TEXT)))
    data = bytearray(start)
    for at, byte in changes:
        data[at % len(data)] = byte
    if cut % 3 == 0:
        del data[cut % len(data) :]
    try:
        assert isinstance(read_grid("a.xlsx", bytes(data)), Grid)
    except Unreadable as error:
        assert error.reason in {"empty", "encrypted", "corrupt", "unknown", "too_large"}


SMALL = book(small_book)
SMALL_STORED = edited(SMALL, lambda part: part)  # not packed, so a changed byte reaches the XML (and fails its CRC)
SMALL_OLE = ole("Workbook", struct.pack("<HHHHHHH", 0x809, 4, 0x600, 5, 0x0A, 0, 0))
SMALL_TEXT = "Школа;Всего\n№ 1;5,5\n".encode()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=6))
def test_a_damaged_sheet_gives_a_grid_or_a_refusal(at: int, junk: bytes) -> None:
    def damage(part: bytes) -> bytes:
        place = at % len(part)
        return part[:place] + junk + part[place + len(junk) :]

    try:
        read_grid("a.xlsx", edited(SMALL, damage))
    except Unreadable as error:
        assert error.reason in {"empty", "corrupt", "too_large"}


# text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251", "cp866", "koi8-r"])
@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_encodings_and_separators(encoding: str, separator: str) -> None:
    rows = [["Школа", "Да", "Нет"], ["МАОУ СОШ № 1" if encoding != "koi8-r" else "СОШ 1", "1", "2"], ["Итого", "", "2"]]
    text = "".join(separator.join(row) + "\r\n" for row in rows)
    grid = read_grid("свод.csv", text.encode(encoding))
    assert grid.sheets[0].rows == [[value or None for value in row] for row in rows]
    assert (grid.format, grid.sheets[0].name) == ("csv", "свод")
    assert encoding.removesuffix("-sig") in grid.notes[0]
    assert ("tab" if separator == "\t" else separator) in grid.notes[1]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("Школа;Доля\n№1;5,5\n№2;6,5\n", [["Школа", "Доля"], ["№1", "5,5"], ["№2", "6,5"]]),
        ("1,5;2,5\n3,5;4,5\n", [["1,5", "2,5"], ["3,5", "4,5"]]),
        ("Отчёт, 2023\n\na;b;c\n1;2;\n;;\n", [["Отчёт, 2023"], [], ["a", "b", "c"], ["1", "2", None]]),
        ('a;"x;\ny"\n1;2', [["a", "x;\ny"], ["1", "2"]]),
        ('ОУ;n\n"Ромашка;5\nб;6\n', [["ОУ", "n"], ['"Ромашка', "5"], ["б", "6"]]),
        ("sep=|\na|b;c\n", [["a", "b;c"]]),
        ("одна\nколонка\n", [["одна"], ["колонка"]]),
    ],
)
def test_text_tables(text: str, rows: list[list[str | None]]) -> None:
    assert read_grid("a.txt", text.encode()).sheets[0].rows == rows


def test_damaged_utf8_is_not_taken_for_another_encoding() -> None:
    assert refusal("Школа;Всего\nПервая;5\n".encode()[:-6], "a.csv") == "corrupt"
    assert one_byte_encoding("ИТОГО;ДА;НЕТ".encode("cp1251"))[0] == "cp1251"


CYRILLIC = st.text("абвгдежзиклмнопрстуфхцчшщыьэюяАБВГД №;,.\"'\n0123456789-", max_size=12)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(CYRILLIC, min_size=3, max_size=3), min_size=2, max_size=6), st.sampled_from(("cp1251", "utf-8"))
)
def test_what_csv_writes_is_read_back(table: list[list[str]], encoding: str) -> None:
    rows = [["Муниципалитет", "Наименование школы", "Всего"], *table]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    read_rows = read_grid("a.csv", out.getvalue().encode(encoding)).sheets[0].rows
    expected = [[value or None for value in row] for row in rows]
    while not any(expected[-1]):
        expected.pop()
    assert read_rows == expected


# the JSON document


def test_grid_document() -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        sheet = workbook.add_worksheet("Лист1")
        sheet.merge_range("B2:D2", "Всего")
        sheet.write_datetime("B3", dt.date(2023, 9, 8), workbook.add_format({"num_format": "dd.mm.yyyy"}))
        sheet.write_row("C3", [5, 0.5, True])
        sheet.write_formula("B4", "=A0", None, "#REF!")
        sheet.write_datetime("C4", dt.timedelta(hours=255, minutes=10), workbook.add_format({"num_format": "[h]:mm"}))

    document = document_of("a.xlsx", read_grid("a.xlsx", book(fill)))
    cells = [
        ["B2", "Всего"],
        ["B3", "2023-09-08"],
        ["C3", 5],
        ["D3", 0.5],
        ["E3", True],
        ["B4", "#REF!"],
        ["C4", "255:10:00"],
    ]
    sheet = {"name": "Лист1", "visible": True, "used_range": "B2:E4", "merged": ["B2:D2"], "cells": cells}
    assert json.loads(json.dumps(document)) == {"file": "a.xlsx", "error": None, "sheets": [sheet]}
    assert document_of("b.xls", Unreadable("unknown", "It is a PDF document.")) == {
        "file": "b.xls",
        "error": "It is a PDF document.",
        "sheets": [],
    }
    nothing = Unreadable("empty", "The file has no bytes.")
    assert document_of("b.csv", nothing)["error"] is None
    assert document_of("b.xlsx", nothing)["error"] == "The file has no bytes."
