"""The sheet «Квитанция», and what is in a receipt beside it: the own table, its likeness, or nothing."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet
from receipt_cases import (
    INJECTIONS,
    comments,
    finding,
    formulas,
    made,
    marked,
    opened,
    parts,
    receipt,
    receipt_bytes,
    whole,
    workbook,
)
from test_receipt_cells import packed

from contracts.forms import FORMS, RULES
from contracts.grid import Unreadable
from contracts.reading import Layout, Rows
from contracts.receipt import SHEET, TITLE, OtherDelivery, Overdue, Total, WrongSchool, is_receipt
from documents.reading.read import read_grid
from documents.receipts.findings import sentences_of
from documents.receipts.make import copies_table, make_overdue, make_receipt, overdue_name, receipt_name
from documents.receipts.sheet import WIDTHS

GOLDEN = Path(__file__).parents[1] / "golden" / "readiness_report"
TEXT_TABLE = "Школа;Уровень\r\nМБОУ «СОШ с. Дальнее»;=1+1\r\n".encode("utf-8-sig")


def lines(page: Worksheet) -> list[str]:
    """Texts of each line of a sheet, put together."""
    return [
        " | ".join(str(value) for value in row if value is not None and not str(value).startswith("profmin-"))
        for row in page.iter_rows(values_only=True)
    ]


def place(book: openpyxl.Workbook, begins: str) -> int:
    """The line of «Квитанция» that begins so."""
    return next(n for n, line in enumerate(lines(book.worksheets[0])) if line.startswith(begins))


def test_the_message_comes_first_and_the_code_last() -> None:
    book = made(receipt(finding()), workbook())
    told_lines = lines(book.worksheets[0])
    start = place(book, "1. Обученных навигаторов больше")
    assert told_lines[start + 1].startswith("Строка не принята. Столбец «Из них обучено». Как исправить: ")
    assert told_lines[start + 2] == "Где | Школа | Указано | Ожидается | Разница"
    assert told_lines[start + 3] == "F3 | МБОУ «СОШ с. Дальнее» | 5 | ≤ 3 | 2"
    assert told_lines[start + 4] == "Правило RDY-011"
    assert "RDY-011" not in "\n".join(told_lines[: start + 4])


def test_the_counts_balance_and_the_checksum_proves_submission() -> None:
    text = whole(made(receipt(finding()), workbook()))
    assert "прочитано 5 = принято 1 + отложено 1 + не данные 3" in text
    assert "0123456789abcdef" * 4 in text and "подтверждает сдачу" in text
    assert "08.09.2023 15:06 (UTC+7)" in text
    assert "Асиновский муниципальный район" in text and "Отчёт Дальний 08.09.2023.xlsx" in text
    assert "Принято частично. Строк с данными: 2, из них принято 1, отложено из-за ошибок 1." in text


def test_findings_are_gathered_by_rule_and_column_the_worst_first() -> None:
    navigators = {"rule": "RDY-021", "severity": "warning", "column": "navigators"}
    doubts = [finding(**navigators, cell=f"C{row}", row=row) for row in (3, 4)]
    blank = [
        finding(rule="COM-040", cell=cell, row=4, column=column) for cell, column in (("B4", "level"), ("F4", "grades"))
    ]
    book = made(receipt(*doubts, *blank), workbook())
    last = place(book, f"3. {RULES['RDY-021'].what}")
    assert place(book, "1. Обязательная ячейка пуста.") < place(book, "2. Обязательная ячейка пуста.") < last
    told_lines = lines(book.worksheets[0])
    assert [line[:2] for line in told_lines[last:] if re.match("[A-Z][0-9]", line)] == ["C3", "C4"]


def test_all_allowed_values_are_listed() -> None:
    found = finding(
        rule="COM-034", scope="cell", column="level", cell="B3", value="средний", expected=None, difference=None
    )
    book = made(receipt(found), workbook())
    assert "Допустимые значения: базовый, основной, продвинутый." in whole(book)
    assert "Допустимые значения: базовый, основной, продвинутый." in comments(book["Лист1"])["B3"]


@pytest.mark.parametrize("name", ["Лист1", "Лист '1' год", 'Свод <&> "5"', "=1+1"])
def test_links_lead_to_the_cells(name: str) -> None:
    found = [finding(sheet=name), finding(sheet=name, cell="F4", row=4)]
    data = receipt_bytes(receipt(*found), workbook(name))
    book = opened(data)
    links = [cell.hyperlink for row in book.worksheets[0].iter_rows() for cell in row if cell.hyperlink]
    assert len(links) == 2
    for link, cell in zip(links, ("F3", "F4"), strict=True):
        sheet, _, where = link.location.rpartition("!")
        assert sheet == "'" + name.replace("'", "''") + "'" and where == cell
        assert book[sheet[1:-1].replace("''", "'")][where].value == 5
        assert link.target is None


def test_places_on_several_sheets_name_them() -> None:
    source = openpyxl.Workbook()
    assert source.active is not None
    source.active.title = "Лист1"
    source.create_sheet("Лист2")
    for sheet in source.worksheets:
        sheet["F3"] = 5
    data = io.BytesIO()
    source.save(data)
    book = made(receipt(finding(), finding(sheet="Лист2")), data.getvalue())
    assert {"F3, Лист1", "F3, Лист2"} <= {line.split(" | ")[0] for line in lines(book.worksheets[0])}
    assert [list(marked(book[name])) for name in ("Лист1", "Лист2")] == [["F3"], ["F3"]]


def test_schools_are_told_by_name() -> None:
    schools = {
        "accepted": ("МБОУ «СОШ № 1»",), "absent": ("МКОУ «ООШ с. Тихое»", "МКОУ «ООШ с. Дальнее»"),
        "wrong": (WrongSchool("МАОУ «Гимназия»", ("RDY-011", "COM-040")),),
    }  # fmt: skip
    book = made(receipt(finding(), **schools), workbook())
    told_lines = lines(book.worksheets[0])
    wrong = place(book, "Школы, отчёт которых не принят: 1")
    assert told_lines[wrong + 1].startswith("МАОУ «Гимназия» | Обученных навигаторов больше")
    assert told_lines[wrong + 1].endswith("Обязательная ячейка пуста.")
    absent = place(book, "Школы, по которым принятых сведений нет: 2")
    assert told_lines[absent + 1] == "1. МКОУ «ООШ с. Тихое» | 2. МКОУ «ООШ с. Дальнее»"
    accepted = place(book, "Школы, отчёт которых принят: 1")
    assert told_lines[accepted + 1].rstrip(" |") == "1. МБОУ «СОШ № 1»"


def test_stated_totals_are_set_against_computed_ones() -> None:
    totals = (
        Total(None, "navigators", 19, 19, 0, True),
        Total(None, "pupils_planned", 3551, 3569, -18, False),
        Total("asinovsky", "navigators", 3, 3, 0, True),
        Total("seversk", "navigators", 5, 3, 2, False),
    )
    told_lines = lines(made(receipt(finding(), totals=totals), workbook()).worksheets[0])
    assert "Педагогов-навигаторов | 19 | 19 | сходится" in told_lines
    assert "Из них планируется охватить | 3551 | 3569 | -18" in told_lines
    assert "ЗАТО Северск: Педагогов-навигаторов | 5 | 3 | +2" in told_lines
    assert "Сходятся ещё строк: 1." in told_lines


def test_other_deliveries_own_columns_and_the_deadline_are_told() -> None:
    other = OtherDelivery(
        "replaced", "прежний.xlsx", dt.datetime(2023, 9, 7, 9, 5, tzinfo=dt.timezone(dt.timedelta(hours=7)))
    )
    text = whole(made(receipt(finding(), other=other, layout=Layout(unknown=("Телефон", "=1+1"))), workbook()))
    assert "заменил принятый ранее «прежний.xlsx» (получен 07.09.2023 09:05 (UTC+7))" in text
    assert "«Телефон»; «=1+1»" in text
    assert "Срок: 11.09.2023." in text


def test_an_accepted_report_asks_for_nothing() -> None:
    text = whole(made(receipt(verdict="accepted", rows=Rows(5, 2, 0, 3)), workbook()))
    assert "Принято. Строк с данными: 2, приняты все." in text and "Ничего делать не нужно." in text
    assert "исправьте" not in text.lower()


def test_the_sheet_prints_on_a4() -> None:
    long = finding(value="слово " * 60, subject="МБОУ «Средняя общеобразовательная школа села Дальнее»")
    page = made(receipt(long), workbook()).worksheets[0]
    setup = page.page_setup
    assert (setup.paperSize, setup.orientation) in ((9, "portrait"), ("9", "portrait"))
    assert page.sheet_properties.pageSetUpPr.fitToPage and (int(setup.fitToWidth), int(setup.fitToHeight)) == (1, 0)
    assert page.print_title_rows == "$1:$1"
    assert "&P" in page.oddFooter.right.text and "&N" in page.oddFooter.right.text
    assert page.page_margins.left <= 0.6
    filled = [cell for row in page.iter_rows(max_col=len(WIDTHS)) for cell in row if cell.value is not None]
    assert all(cell.alignment.wrap_text for cell in filled)
    spans = {str(merged).split(":")[0]: range_boundaries(str(merged)) for merged in page.merged_cells.ranges}
    for cell in filled:
        first, _, last, _ = spans.get(cell.coordinate, (cell.column, 0, cell.column, 0))
        room = sum(WIDTHS[first - 1 : last])
        assert len(str(cell.value)) / room * 0.7 * cell.font.sz <= page.row_dimensions[cell.row].height


@pytest.mark.parametrize("value", INJECTIONS)
def test_a_senders_value_is_never_a_formula(value: str) -> None:
    changed = {
        "file": f"{value}.xlsx", "layout": Layout(unknown=(value,)), "sender_name": value,
        "accepted": (value,), "absent": (value,), "wrong": (WrongSchool(value, ("RDY-011",)),),
        "other": OtherDelivery("holds", value, dt.datetime(2023, 9, 7, tzinfo=dt.UTC)),
    }  # fmt: skip
    found = finding(value=value, expected=value, subject=value)
    data = receipt_bytes(receipt(found, **changed), workbook())
    assert formulas(data) == [b"<f>C3*2"]
    page = opened(data).worksheets[0]
    filled = [cell for row in page.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in filled} == {"s"}
    assert all(cell.quotePrefix for cell in filled), "it stays a text when somebody edits it"
    lean = value.replace("\r", "\n")
    assert sum(cell.value == lean for cell in filled) >= 4
    table = f'Школа;Часы\n"{value}";"{value}"\n'.encode()
    data = receipt_bytes(receipt(finding(value=value, sheet="отчёт", cell="B2"), file="отчёт.csv"), table)
    assert formulas(data) == []
    cell = opened(data)["отчёт"]["B2"]
    assert cell.data_type == "s" and cell.quotePrefix


def test_the_likeness_of_a_text_table_keeps_addresses() -> None:
    told_here = receipt(finding(sheet="Отчёт", cell="B2", value="=1+1"), file="Отчёт.csv")
    data = receipt_bytes(told_here, TEXT_TABLE)
    assert read_grid("a.xlsx", data).sheets[1].rows == read_grid("Отчёт.csv", TEXT_TABLE).sheets[0].rows
    book = opened(data)
    assert list(marked(book["Отчёт"])) == ["B2"]
    assert "перенесена из вашего файла в формат xlsx" in whole(book)


@pytest.mark.parametrize("case", ["kept_as_xls", "kept_as_ods", "error_cells_in_xls", "error_cells_in_ods"])
def test_the_likeness_of_a_workbook_reads_like_it(case: str) -> None:
    source = next(path for path in (GOLDEN / case).iterdir() if path.suffix in (".xls", ".ods"))
    own = read_grid(source.name, source.read_bytes())
    data = receipt_bytes(receipt(file=source.name), source)
    likeness = read_grid("a.xlsx", data)
    assert [sheet.name for sheet in likeness.sheets[1:]] == [sheet.name for sheet in own.sheets]
    for ours, theirs in zip(likeness.sheets[1:], own.sheets, strict=True):
        assert ours.rows == theirs.rows and ours.merged == theirs.merged and ours.visible == theirs.visible


def test_odd_names_of_sheets_are_made_allowed() -> None:
    name = "Отчёт о готовности 😀 [проект] школ: район 2023"
    book = made(receipt(finding(sheet=name, cell="B2"), file=f"{name}.csv"), TEXT_TABLE)
    (sheet,) = book.sheetnames[1:]
    assert len(sheet) <= 31 and list(marked(book[sheet])) == ["B2"]
    (link,) = (cell.hyperlink for row in book.worksheets[0].iter_rows() for cell in row if cell.hyperlink)
    assert link.location == f"'{sheet}'!B2"


def test_macros_are_dropped_and_that_is_said() -> None:
    source = parts(workbook())
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    source["[Content_Types].xml"] = (
        source["[Content_Types].xml"]
        .replace(kind, b"application/vnd.ms-excel.sheet.macroEnabled.main+xml")
        .replace(b"</Types>", b'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>')
    )
    source["xl/vbaProject.bin"] = b"macro"
    source["xl/_rels/workbook.xml.rels"] = source["xl/_rels/workbook.xml.rels"].replace(
        b"</Relationships>",
        b'<Relationship Id="rId90" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject"'
        b' Target="vbaProject.bin"/></Relationships>',
    )
    data = receipt_bytes(receipt(finding()), packed(source))
    made_parts = parts(data)
    assert "xl/vbaProject.bin" not in made_parts
    assert b"vbaProject" not in made_parts["xl/_rels/workbook.xml.rels"]
    assert b"macroEnabled" not in made_parts["[Content_Types].xml"]
    assert list(marked(opened(data)["Лист1"])) == ["F3"] and "Макросы" in whole(opened(data))


def test_an_unusual_workbook_comes_back_as_its_likeness() -> None:
    source = parts(workbook())
    source["xl/styles.xml"] = re.sub(rb"<borders.*?</borders>", b"", source["xl/styles.xml"])
    data = receipt_bytes(receipt(finding()), packed(source))
    assert "устроена необычно" in whole(opened(data))
    assert list(marked(opened(data)["Лист1"])) == ["F3"]
    assert read_grid("a.xlsx", data).sheets[1].rows == read_grid("a.xlsx", workbook()).sheets[0].rows


def test_what_is_not_copied_is_said() -> None:
    pupils = next(form.name for form in FORMS if form.pupils)
    refused = {"verdict": "refused", "rows": Rows(), "form": None, "edition": None, "sender": None, "sender_name": None}
    unread = finding(
        rule="COM-003", severity="refuse", sheet=None, cell=None, row=None, column=None, expected=None, difference=None,
        value="The file is a damaged zip package; it may have been cut off.", subject=None,
    )  # fmt: skip
    for told_here, source, said in (
        (receipt(finding(), form=pupils), workbook(), "персональные данные"),
        (receipt(unread, **refused), b"PK\x03\x04", "форма не узнана"),
        (receipt(finding(), **refused), workbook(), "форма не узнана"),
        (receipt(finding()), None, "нет в архиве"),
        (receipt(finding()), workbook() + b" " * 5_000_001, "Файл большой"),
        (receipt(finding()), ";".join("1" * 100_000).encode() + b"\n" + b"1;" * 150_000, "Файл большой"),
        (receipt(finding()), b"PK\x03\x04 broken", "не читается"),
    ):
        book = made(told_here, source)
        assert book.sheetnames == [SHEET]
        assert said in whole(book)
        assert "damaged" not in whole(book), "what is for engineers is not told to a clerk"
        assert not [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.hyperlink]


def test_what_was_read_elsewhere_is_not_read_again() -> None:
    grid = read_grid("a.xlsx", workbook())
    assert make_receipt(receipt(finding()), workbook(), grid) == receipt_bytes(receipt(finding()), workbook())
    unread = make_receipt(receipt(finding()), workbook(), Unreadable("too_slow", "late"))
    assert opened(unread).sheetnames == [SHEET]
    assert copies_table(receipt(), 100) and not copies_table(receipt(form=None), 100)


def test_very_many_places_are_counted() -> None:
    found = [finding(cell=f"F{row}", row=row) for row in range(3, 1503)]
    book = made(receipt(*found), workbook())
    assert "… и ещё мест: 500." in whole(book)
    assert len(marked(book["Лист1"])) == 1500


def test_the_name_of_a_receipt_begins_like_the_senders_own() -> None:
    checksum = "20230908" + "a" * 56
    assert receipt_name("Отчёт Асино 08.09.2023.xlsx", checksum) == "Отчёт Асино 08.09.2023.2023090.квитанция.xlsx"
    again = receipt_name("Отчёт Асино 08.09.2023.2023090.квитанция.xlsx", "f" * 64)
    assert again == "Отчёт Асино 08.09.2023.fffffff.квитанция.xlsx"
    assert len(receipt_name("д" * 300 + ".csv", checksum)) == 80 + len(".2023090.квитанция.xlsx")


@pytest.mark.parametrize(
    ("name", "first", "is_ours"),
    [
        (SHEET, TITLE, True),
        ("Лист1", f" {TITLE} ", True),
        (SHEET, f"{TITLE} (копия)", True),
        (SHEET, "Сведения о готовности", False),
        (SHEET, None, False),
        ("Лист1", 5, False),
    ],
)
def test_a_receipt_is_known_by_its_title(name: str, first: object, is_ours: bool) -> None:
    assert is_receipt(name, [first, None]) is is_ours


def test_a_message_is_taken_apart_as_it_was_put_together() -> None:
    said = sentences_of(finding(value="5. Ожидается: 3", expected="≤ 3", subject="МБОУ: школа"))
    assert said.subject == "МБОУ: школа" and said.what.startswith("Обученных навигаторов больше")
    odd = finding()._replace(message="Так было написано раньше.")
    assert (sentences_of(odd).subject, sentences_of(odd).what, sentences_of(odd).mend) == (
        None,
        "Так было написано раньше.",
        None,
    )


def test_nothing_received_is_told() -> None:
    overdue = Overdue(
        "readiness_report", "Отчёт о готовности", "asinovsky", "Асиновский район", "readiness-2023", "Готовность",
        dt.date(2023, 9, 11), dt.date(2023, 9, 12), is_received=False, schools=("МБОУ «СОШ № 1»",),
    )  # fmt: skip
    book = opened(make_overdue(overdue))
    text = whole(book)
    assert book.sheetnames == [SHEET] and text.startswith(TITLE)
    for said in (
        "Не получено: «Отчёт о готовности», срок сдачи 11.09.2023",
        "Асиновский район",
        "1. МБОУ «СОШ № 1»",
        "шаблон",
    ):
        assert said in text
    assert (
        overdue_name("readiness_report", "readiness-2023")
        == "readiness_report readiness-2023.не получен.квитанция.xlsx"
    )
