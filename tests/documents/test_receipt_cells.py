"""Cells of the sender's own workbook: marked, commented, and given back as they were."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from receipt_cases import (
    comments,
    finding,
    made,
    marked,
    opened,
    parts,
    receipt,
    receipt_bytes,
    saved,
    texts,
    workbook,
)

from contracts.reading import Rows
from contracts.receipt import AUTHOR, SHEET, TITLE
from documents.reading.read import read_grid
from documents.receipts.styles import MARKS


def test_a_bad_cell_is_coloured_and_says_what_to_do() -> None:
    page = made(receipt(finding()), workbook())["Лист1"]
    assert marked(page) == {"F3": MARKS["error"]}
    note = page["F3"].comment
    assert note is not None and note.author == AUTHOR
    said = ["СТРОКА НЕ ПРИНЯТА", "больше", "Указано: «5»", "Ожидается: ≤ 3", "Проверьте оба числа", "RDY-011"]
    places = [note.text.find(word) for word in said]
    assert -1 not in places and places == sorted(places)


def test_the_worst_severity_colours_a_cell_and_all_findings_are_told() -> None:
    doubt = finding(rule="RDY-022", severity="warning", value="5", expected="≥ 1", difference=None)
    alone = finding(rule="RDY-021", severity="warning", cell="C4", row=4, column="navigators")
    noted = finding(rule="COM-022", severity="note", cell="A3", column="school_name", value="МБОУ", expected=None)
    page = made(receipt(doubt, finding(), alone, noted), workbook())["Лист1"]
    assert marked(page) == {"F3": MARKS["error"], "C4": MARKS["warning"]}
    told = comments(page)
    assert told["F3"].index("СТРОКА НЕ ПРИНЯТА") < told["F3"].index("ПРОВЕРЬТЕ")
    assert "(profmin: RDY-011, RDY-022)" in told["F3"]
    assert told["A3"].startswith("К СВЕДЕНИЮ")


def test_everything_else_stays_as_it_was() -> None:
    source = workbook()
    data = receipt_bytes(receipt(finding()), source)
    before, after = read_grid("a.xlsx", source), read_grid("a.xlsx", data)
    assert after.sheets[1].rows == before.sheets[0].rows
    assert after.sheets[1].rows[2][4] == 80, "the result of a formula"
    page, own = opened(data)["Лист1"], opened(source)["Лист1"]
    assert page["E3"].value == "=C3*2"
    assert (page["F3"].number_format, page["F3"].font.b) == ("0.00", True)
    assert page["F4"].fill.fgColor.rgb == own["F4"].fill.fgColor.rgb == "FF00B0F0"
    assert parts(data)["xl/charts/chart1.xml"] == parts(source)["xl/charts/chart1.xml"]
    assert {name for name in parts(source) if name not in parts(data)} == set()


def test_the_sheet_comes_first_and_alone_is_selected() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Лист1"
    book.active["A1"] = "Сведения"
    book.create_sheet("Второй").print_title_rows = "2:3"
    book.active = 1
    after = made(receipt(finding()), saved(book))
    assert after.sheetnames == [SHEET, "Лист1", "Второй"]
    assert after.worksheets[0]["A1"].value == TITLE
    assert after.active is after.worksheets[0]
    assert [bool(sheet.sheet_view.tabSelected) for sheet in after.worksheets] == [True, False, False]
    assert after["Второй"].print_title_rows == "$2:$3"
    assert after["Лист1"].print_title_rows is None


def test_a_senders_sheet_of_our_name_is_kept() -> None:
    data = receipt_bytes(receipt(finding(sheet=SHEET)), workbook(SHEET))
    assert opened(data).sheetnames == [f"{SHEET} (2)", SHEET]
    assert list(marked(opened(data)[SHEET])) == ["F3"]


def test_cells_that_are_not_there_are_made() -> None:
    found = [finding(cell=cell, row=row) for cell, row in (("B1", 1), ("Z3", 3), ("D9", 9), ("C9", 9), ("B30", 30))]
    data = receipt_bytes(receipt(*found), workbook())
    page = opened(data)["Лист1"]
    assert set(marked(page)) == {"B1", "Z3", "C9", "D9", "B30"} == set(comments(page)) - {"A3"}
    sheet = next(part for name, part in parts(data).items() if name.endswith("sheet1.xml"))
    rows = [int(number) for number in re.findall(rb'<row r="(\d+)"', sheet)]
    assert rows == sorted(set(rows))


def test_a_finding_about_a_row_is_told_at_its_beginning() -> None:
    found = finding(rule="COM-023", cell=None, column=None, value=None, expected=None, difference=None, row=4)
    assert list(marked(made(receipt(found), workbook())["Лист1"])) == ["A4"]


def test_a_covered_cell_is_marked_at_the_corner_of_its_range() -> None:
    source = workbook(merge_range=("B6:C8", "базовый"))
    page = made(receipt(finding(cell="C7", row=7), finding(cell="B8", row=8)), source)["Лист1"]
    assert list(marked(page)) == ["B6"]
    assert comments(page)["B6"].count("СТРОКА НЕ ПРИНЯТА") == 2


def test_the_senders_comment_stays_under_ours_and_comes_back() -> None:
    first = receipt_bytes(receipt(finding(cell="A3", column="school_name")), workbook())
    assert comments(opened(first)["Лист1"])["A3"].endswith("Примечание отправителя:\nПроверил отдел кадров")
    second = receipt_bytes(receipt(finding()), first)
    told = comments(opened(second)["Лист1"])
    assert told["A3"] == "Проверил отдел кадров" and set(told) == {"A3", "F3"}


def through_openpyxl(data: bytes) -> bytes:
    return saved(opened(data))


def with_a_row_above(data: bytes) -> bytes:
    book = opened(data)
    book["Лист1"].insert_rows(1)
    return saved(book)


@pytest.mark.parametrize("edited", [bytes, through_openpyxl, with_a_row_above])
def test_marks_are_taken_off_a_receipt_that_comes_back(edited: object) -> None:
    found = [finding(), finding(cell="C4", row=4, column="navigators", rule="RDY-021", severity="warning")]
    returned = edited(receipt_bytes(receipt(*found), workbook()))  # type: ignore[operator]
    after = made(receipt(verdict="accepted", rows=Rows(5, 2, 0, 3)), returned)
    page = after["Лист1"]
    assert after.sheetnames == [SHEET, "Лист1"]
    assert marked(page) == {}
    assert set(comments(page).values()) == {"Проверил отдел кадров"}
    coloured = {c.coordinate for row in page.iter_rows() for c in row if c.fill.fgColor.rgb == "FF00B0F0"}
    assert coloured == ({"F4", "F5"} if edited is with_a_row_above else {"F3", "F4"})
    boxes = [part for name, part in parts(receipt_bytes(receipt(), returned)).items() if name.endswith(".vml")]
    assert sum(part.count(b":Row>") // 2 for part in boxes) == 1


def test_a_receipt_of_a_receipt_is_the_same() -> None:
    once = receipt_bytes(receipt(finding()), workbook())
    again = receipt_bytes(receipt(finding()), once)
    first, second = opened(once), opened(again)
    assert first.sheetnames == second.sheetnames
    assert texts(first.worksheets[0]) == texts(second.worksheets[0])
    assert marked(first["Лист1"]) == marked(second["Лист1"])
    assert comments(first["Лист1"]) == comments(second["Лист1"])


def test_a_colour_of_a_theme_is_given_back() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Лист1"
    book.active["F3"] = 5
    theme = openpyxl.styles.colors.Color(theme=4, tint=0.4)
    book.active["F3"].fill = PatternFill("solid", fgColor=theme)
    book.active["F3"].comment = Comment("своё", "Отдел")
    first = receipt_bytes(receipt(finding()), saved(book))
    after = made(receipt(), first)["Лист1"]
    assert after["F3"].fill.fgColor.theme == 4 and after["F3"].fill.fgColor.tint == 0.4
    assert after["F3"].comment is not None and after["F3"].comment.text == "своё"


def test_the_same_receipt_has_the_same_bytes() -> None:
    told, source = receipt(finding()), workbook()
    assert receipt_bytes(told, source) == receipt_bytes(told, source)


def test_rows_and_cells_without_addresses_are_counted() -> None:
    source = parts(workbook())
    source["xl/worksheets/sheet1.xml"] = re.sub(rb' r="[A-Z]*\d+"', b"", source["xl/worksheets/sheet1.xml"])
    page = made(receipt(finding(cell="C3", row=3)), packed(source))["Лист1"]
    assert list(marked(page)) == ["C3"] and page["C3"].value == 40


def test_a_workbook_with_a_prefix_is_marked_too() -> None:
    source = parts(workbook())
    for name in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"):
        text = re.sub(rb"<(/?)(?=[A-Za-z])(?!\w+:)", rb"<\1x:", source[name])
        source[name] = text.replace(b"<x:?xml", b"<?xml").replace(b" xmlns=", b" xmlns:x=")
    data = receipt_bytes(receipt(finding(), finding(cell="Z3", row=3)), packed(source))
    page = opened(data)["Лист1"]
    assert set(marked(page)) == {"F3", "Z3"}
    assert read_grid("a.xlsx", data).sheets[1].rows[:4] == read_grid("a.xlsx", workbook()).sheets[0].rows[:4]


def packed(source: dict[str, bytes]) -> bytes:
    import zipfile

    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, part in source.items():
            archive.writestr(name, part)
    return data.getvalue()


def test_marks_are_taken_off_when_another_program_dropped_their_author_and_colour() -> None:
    source = parts(receipt_bytes(receipt(finding(), finding(cell="A3")), workbook()))
    source["docProps/app.xml"] = source["docProps/app.xml"].replace(b"Microsoft Excel", b"LibreOffice/7.4")
    source["xl/styles.xml"] = source["xl/styles.xml"].replace(
        b'<bgColor rgb="FF00B0F0"/>', b'<bgColor rgb="FFF8CBAD"/>'
    )
    notes = next(name for name in source if "omments" in name and name.endswith(".xml"))
    source[notes] = source[notes].replace(b">profmin<", b"> <")
    page = made(receipt(), packed(source))["Лист1"]
    assert marked(page) == {} and comments(page) == {"A3": "Проверил отдел кадров"}
    assert page["F3"].fill.fill_type is None
