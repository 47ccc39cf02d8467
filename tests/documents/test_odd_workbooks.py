"""What is odd beside the cells spoils nothing: all that can be read is read, with a note on what could not."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import workbook_writers as write
from hypothesis import given, settings
from test_workbook_details import PAGES
from workbook_writers import Cell, Page

from contracts.grid import Grid, Range, Unreadable
from documents import demo
from documents.reading import blocks, workbook
from documents.reading.formats.opc import Package
from documents.reading.formats.xlsx import is_ordinary
from documents.reading.read import read_grid

SHEET = "xl/worksheets/sheet1.xml"
PAGE = Page({(0, 0): Cell("Школа"), (0, 1): Cell("Всего"), (1, 0): Cell("СОШ № 1"), (1, 1): Cell(5)}, name="Лист1")
ROWS = [["Школа", "Всего"], ["СОШ № 1", 5]]


def changed(data: bytes, edits: dict[str, Callable[[bytes], bytes | None]]) -> bytes:
    """The same workbook with some parts changed; a part that becomes None is left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = edits.get(name, bytes)(source.read(name))
            if part is not None:
                target.writestr(name, part)
    return out.getvalue()


def renamed(data: bytes, names: dict[str, str], edits: dict[str, tuple[str, str]] | None = None) -> bytes:
    """The same workbook with members at other places; in some a text is replaced by another."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            old, new = (edits or {}).get(name, ("", ""))
            part = source.read(name)
            assert old.encode() in part
            target.writestr(names.get(name, name), part.replace(old.encode(), new.encode()) if old else part)
    return out.getvalue()


def in_place_of(old: str, new: str) -> Callable[[bytes], bytes]:
    def edit(part: bytes) -> bytes:
        assert re.search(old.encode(), part), part[:2000]
        return re.sub(old.encode(), new.encode().replace(b"\\", b"\\\\"), part, count=1)

    return edit


def utf16(part: bytes) -> bytes:
    return part.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")


def cp1251(part: bytes) -> bytes:
    return part.decode().replace('encoding="UTF-8"', 'encoding="windows-1251"').encode("cp1251")


def nothing(_: bytes) -> None:
    return None


def broken(part: bytes) -> bytes:
    return part[: len(part) // 2] + b"<<"


XLSX = write.xlsx(PAGE)


@pytest.mark.parametrize(
    "edits",
    [
        {SHEET: in_place_of('ref="A1:B2"', 'ref="1:49"')},
        {SHEET: in_place_of('ref="A1:B2"', 'ref="A:A"')},
        {SHEET: in_place_of('ref="A1:B2"', 'ref="XFD1048576:A1"')},
        {SHEET: in_place_of('ref="A1:B2"', 'ref="нет"')},
        {"xl/workbook.xml": in_place_of("<sheet ", '<sheet state="unheard" ')},
        {SHEET: utf16},
        {"xl/sharedStrings.xml": utf16},
        {"xl/workbook.xml": utf16},
        {"xl/styles.xml": utf16},
        {"xl/sharedStrings.xml": cp1251},
        {"xl/workbook.xml": cp1251},
        {"xl/sharedStrings.xml": in_place_of('count="3" uniqueCount="3"', 'count="1" uniqueCount="4000000000"')},
        {"xl/sharedStrings.xml": in_place_of('count="3" uniqueCount="3"', 'count="-1" uniqueCount="x"')},
        {"xl/sharedStrings.xml": in_place_of('count="3" uniqueCount="3"', 'count="0" uniqueCount="0"')},
        {"xl/styles.xml": nothing},
        {"xl/theme/theme1.xml": nothing},
        {"xl/theme/theme1.xml": broken},
        {"docProps/app.xml": nothing, "docProps/core.xml": broken},
        {"[Content_Types].xml": nothing},
        {"[Content_Types].xml": broken},
        {"_rels/.rels": nothing},
        {"_rels/.rels": broken},
        {"xl/_rels/workbook.xml.rels": nothing},
        {SHEET: in_place_of("</worksheet>", '<drawing r:id="rId9"/><legacyDrawing r:id="rId8"/></worksheet>')},
        {SHEET: in_place_of('<row r="1"[^>]*>', '<row r="1" spans="7:3" ht="x">')},
    ],
)
def test_an_odd_part_spoils_nothing(edits: dict[str, Callable[[bytes], bytes | None]]) -> None:
    grid = read_grid("a.xlsx", changed(XLSX, edits))
    assert [(sheet.name, sheet.visible, sheet.rows) for sheet in grid.sheets] == [("Лист1", True, ROWS)]
    assert grid.doubts == ()


def test_without_readable_styles_numbers_stay_numbers_and_the_sender_is_told() -> None:
    page = Page({(0, 0): Cell(0.5, "percent"), (0, 1): Cell("а")}, name="Лист1")
    grid = read_grid("a.xlsx", changed(write.xlsx(page), {"xl/styles.xml": broken}))
    assert grid.sheets[0].rows == [[0.5, "а"]]
    assert [doubt.reason for doubt in grid.doubts] == ["parts"]


@pytest.mark.parametrize(
    ("reference", "merged"),
    [
        ("A1:B1", [Range(0, 0, 0, 1)]),
        ("B1:A1", [Range(0, 0, 0, 1)]),
        ("$A$1:$B$1", [Range(0, 0, 0, 1)]),
        ("A1", []),
        ("A:A", []),  # a column of data is not merged away
        ("1:1", []),
        ("3:3", [Range(2, 0, 2, 1)]),
        ("1:1048576", []),
        ("", []),
        ("чушь", []),
        ("A0:B1", []),
        ("ZZZ1:A1", []),
    ],
)
def test_any_merged_reference(reference: str, merged: list[Range]) -> None:
    merge = in_place_of("</sheetData>", f'</sheetData><mergeCells><mergeCell ref="{reference}"/></mergeCells>')
    grid = read_grid("a.xlsx", changed(XLSX, {SHEET: merge}))
    assert (grid.sheets[0].rows, grid.sheets[0].merged) == (ROWS, merged)


@pytest.mark.parametrize("reference", ["1:1", "A:A"])
def test_a_whole_row_that_is_merged_over_one_cell(reference: str) -> None:
    page = Page({(0, 0): Cell("Отчёт"), (1, 1): Cell("Школа"), (2, 1): Cell("СОШ")}, name="Лист1")
    merge = in_place_of("</sheetData>", f'</sheetData><mergeCells><mergeCell ref="{reference}"/></mergeCells>')
    sheet = read_grid("a.xlsx", changed(write.xlsx(page), {SHEET: merge})).sheets[0]
    assert sheet.merged == [Range(0, 0, 0, 1) if reference == "1:1" else Range(0, 0, 2, 0)]


def test_a_sheet_without_its_part_is_told_and_the_others_are_read() -> None:
    more = in_place_of("</sheets>", '<sheet name="Пропал" sheetId="7" r:id="rId77"/></sheets>')
    grid = read_grid("a.xlsx", changed(XLSX, {"xl/workbook.xml": more}))
    assert [sheet.rows for sheet in grid.sheets] == [ROWS]
    assert [(doubt.reason, doubt.decided) for doubt in grid.doubts] == [
        ("parts", "лист «Пропал»: его содержимого в файле нет")
    ]


def two_sheets(state: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(XLSX)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "xl/workbook.xml":
                part = in_place_of(
                    "</sheets>", f'<sheet name="Ещё" sheetId="7" state="{state}" r:id="rId77"/></sheets>'
                )(part)
            if name.endswith("workbook.xml.rels"):
                kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
                part = part.replace(
                    b"</Relationships>",
                    f'<Relationship Id="rId77" Type="{kind}" Target="worksheets/sheet2.xml"/></Relationships>'.encode(),
                )
            target.writestr(name, part)
        target.writestr("xl/worksheets/sheet2.xml", broken(source.read(SHEET)))
    return out.getvalue()


def test_a_damaged_sheet_is_left_out_only_when_nobody_sees_it() -> None:
    """A part of the rows that people see would pass for all of them."""
    grid = read_grid("a.xlsx", two_sheets("hidden"))
    assert ([sheet.rows for sheet in grid.sheets], [doubt.reason for doubt in grid.doubts]) == ([ROWS], ["parts"])
    with pytest.raises(Unreadable, match="corrupt"):
        read_grid("a.xlsx", two_sheets("visible"))


@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml"])
def test_what_holds_the_cells_must_be_whole(part: str) -> None:
    with pytest.raises(Unreadable, match="corrupt"):
        read_grid("a.xlsx", changed(XLSX, {part: broken}))


# where parts lie


@pytest.mark.parametrize(
    ("names", "edits"),
    [
        ({"xl/workbook.xml": "xl/Книга.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/Книга.xml.rels"},
         {"_rels/.rels": ("xl/workbook.xml", "xl/Книга.xml")}),
        ({"xl/workbook.xml": "xl/Книга.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/Книга.xml.rels"},
         {"_rels/.rels": ("xl/workbook.xml", "/xl/%D0%9A%D0%BD%D0%B8%D0%B3%D0%B0.xml")}),
        ({"xl/workbook.xml": "workbook.xml", "xl/_rels/workbook.xml.rels": "_rels/workbook.xml.rels",
          "xl/worksheets/sheet1.xml": "worksheets/sheet1.xml", "xl/sharedStrings.xml": "sharedStrings.xml",
          "xl/styles.xml": "styles.xml"},
         {"_rels/.rels": ("xl/workbook.xml", "/workbook.xml")}),
        ({"xl/workbook.xml": "xl/workbook22.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/workbook22.xml.rels"},
         {"_rels/.rels": ("xl/workbook.xml", "\\xl\\workbook22.xml")}),
        ({}, {"xl/_rels/workbook.xml.rels": ('Target="worksheets/sheet1.xml"', 'Target="/xl/worksheets/sheet1.xml"')}),
        ({}, {"xl/_rels/workbook.xml.rels": ('Target="worksheets/sheet1.xml"', 'Target="worksheets\\sheet1.xml"')}),
        ({}, {"xl/_rels/workbook.xml.rels": ("worksheets/sheet1.xml", "./../xl/worksheets/SHEET1.xml")}),
        ({SHEET: "xl/Листы/Лист 1.xml"},
         {"xl/_rels/workbook.xml.rels": ("worksheets/sheet1.xml", "Листы/Лист%201.xml")}),
        ({"xl/sharedStrings.xml": "xl/strings/тексты.xml"},
         {"xl/_rels/workbook.xml.rels": ("sharedStrings.xml", "strings/тексты.xml")}),
        ({"xl/sharedStrings.xml": "xl/SharedStrings.xml"}, {}),
        ({name: name.replace("/", "\\") for name in zipfile.ZipFile(io.BytesIO(XLSX)).namelist()}, {}),
    ],
)  # fmt: skip
def test_parts_are_found_by_relations(names: dict[str, str], edits: dict[str, tuple[str, str]]) -> None:
    grid = read_grid("a.xlsx", renamed(XLSX, names, edits))
    assert ([sheet.rows for sheet in grid.sheets], grid.doubts, grid.format) == ([ROWS], (), "xlsx")


def test_a_workbook_left_at_the_usual_place_is_not_the_one_that_counts() -> None:
    """Where relations name another workbook, a forgotten `xl/workbook.xml` is passed over."""
    moved = renamed(
        XLSX,
        {"xl/workbook.xml": "xl/real.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/real.xml.rels"},
        {"_rels/.rels": ("xl/workbook.xml", "xl/real.xml")},
    )
    out = io.BytesIO(moved)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/workbook.xml", b"<workbook><sheets/></workbook>")
    assert [sheet.rows for sheet in read_grid("a.xlsx", out.getvalue()).sheets] == [ROWS]


def test_an_xlsb_is_found_by_relations_too() -> None:
    data = write.xlsb(PAGE)
    names = {"xl/workbook.bin": "xl/книга.bin", "xl/_rels/workbook.bin.rels": "xl/_rels/книга.bin.rels"}
    grid = read_grid("a.xlsb", renamed(data, names, {"_rels/.rels": ("xl/workbook.bin", "xl/книга.bin")}))
    assert (grid.format, [sheet.rows for sheet in grid.sheets]) == ("xlsb", [ROWS])


# cells


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("<c r='B2'><v>5</v><f>2+3</f></c>", 5),
        ("<c r='B2'><v>5</v>\n <f t='shared' si='0'/></c>", 5),
        ("<c r='B2' t='str'><v>да</v><f>A1</f></c>", "да"),
        ("<c r='B2' t='inlineStr'><is><t>да</t></is><f>A1</f></c>", "да"),
        ("<c r='B2'><extLst><ext/></extLst><f>2+3</f><v>5</v></c>", 5),
        ("<c r='B2'><v>5</v></c>", 5),
        ("<c r='B2' t='inlineStr'><is><r><t>д</t></r><r><rPr/><t>а</t></r><rPh><t>иероглиф</t></rPh></is></c>", "да"),
        ("<c r='B2' t='n'><v> 5 </v></c>", 5),
        ("<c r='B2' t='b'><v>true</v><f>1=1</f></c>", True),
    ],
)
def test_children_of_a_cell_in_any_order(cell: str, value: object) -> None:
    head = "<row r='1'><c r='A1' t='inlineStr'><is><t>х</t></is></c></row>"
    rows = re.escape("<sheetData>") + ".*" + re.escape("</sheetData>")
    sheet = in_place_of(rows, f"<sheetData>{head}<row r='2'>{cell}</row></sheetData>")
    grid = read_grid("a.xlsx", changed(XLSX, {SHEET: sheet}))
    assert (grid.sheets[0].rows[1][1], grid.sheets[0].unvalued) == (value, frozenset())


@settings(max_examples=60, deadline=None)
@given(page=PAGES)
def test_our_reader_of_xlsx_sees_what_calamine_sees(page: Page) -> None:
    data = write.xlsx(page)
    seen = read_grid("a.xlsx", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook, "is_plain", lambda *_: False)
        assert read_grid("a.xlsx", data).sheets == seen.sheets


def test_our_reader_sees_the_same_in_the_files_of_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.write_deliveries(demo.tomsk(), tmp_path)
    sent = sorted(path for path in tmp_path.rglob("*.xlsx") if path.stat().st_size < 100_000)
    seen = [read_grid(path.name, path.read_bytes()).sheets for path in sent]
    assert len(seen) > 20
    monkeypatch.setattr(workbook, "is_plain", lambda *_: False)
    assert [read_grid(path.name, path.read_bytes()).sheets for path in sent] == seen


# the size of a sheet is what is filled

FAR = {
    "xlsx": (1_048_575, 16_383),
    "xls": (65_535, 255),
    "xlsb": (1_048_575, 16_383),
    "ods": (1_048_575, 16_383),
    "xml_2003": (1_048_575, 16_383),
}


@pytest.mark.parametrize("kind", FAR)
@pytest.mark.parametrize("space", [" ", "\u00a0", "\n \t "])
def test_white_space_in_the_last_cell_makes_no_table(kind: str, space: str) -> None:
    if kind in ("ods", "xml_2003") and space != "\u00a0":
        space = "\u00a0"  # XML is where other white space is nothing
    page = Page({**PAGE.cells, FAR[kind]: Cell(space)}, name="Лист1")
    grid = read_grid("a.xlsx", getattr(write, kind)(page))
    assert ([sheet.rows for sheet in grid.sheets], grid.doubts) == ([ROWS], ())


@pytest.mark.parametrize("kind", [kind for kind in FAR if kind != "xls"])  # in an xls nothing is so far
def test_a_value_in_the_last_cell_is_left_out_by_name(kind: str) -> None:
    page = Page({**PAGE.cells, FAR[kind]: Cell(7)}, name="Лист1")
    grid = read_grid("a.xlsx", getattr(write, kind)(page))
    assert [sheet.rows for sheet in grid.sheets] == [ROWS]
    assert [(doubt.reason, doubt.decided) for doubt in grid.doubts] == [("far_cells", "лист «Лист1»: XFD1048576")]


def test_rows_that_are_only_formatted_take_no_room() -> None:
    rows = "".join(
        f'<row r="{r}" s="0" customFormat="1">{"".join(f"""<c r="{c}{r}" s="0"/>""" for c in "ABCDEFGH")}</row>'
        for r in range(3, 20_000)
    )
    last = '<row r="1048576"><c r="XFD1048576" s="0"/></row>'
    data = changed(XLSX, {SHEET: in_place_of("</sheetData>", f"{rows}{last}</sheetData>")})
    grid = read_grid("a.xlsx", data)
    assert ([sheet.rows for sheet in grid.sheets], grid.doubts) == ([ROWS], ())


# xls


def xls_edited(data: bytes, *edits: tuple[bytes, bytes]) -> bytes:
    """The records of an xls with some bytes replaced, packed anew."""
    stream = data[1536:]
    for old, new in edits:
        assert old in stream
        stream = stream.replace(old, new)
    return write.ole("Workbook", stream)


def page_in_code_page(code_page: int) -> bytes:
    record = write.record(0x42, struct.pack("<H", 1200))
    return xls_edited(write.xls(PAGE), (record, write.record(0x42, struct.pack("<H", code_page))))


@pytest.mark.parametrize("code_page", [1251, 1252, 866, 10007, 65001, 932, 0, 31337])
def test_texts_of_excel_97_have_no_code_page(code_page: int) -> None:
    assert [sheet.rows for sheet in read_grid("a.xls", page_in_code_page(code_page)).sheets] == [ROWS]


@pytest.mark.parametrize("code_page", [1251, 866])
def test_texts_of_excel_95_have_one(code_page: int) -> None:
    page = Page({(0, 0): Cell("Школа"), (0, 1): Cell("Ёлка")}, name="Лист")
    (sheet,) = read_grid("a.xls", write.xls(page, version=5, code_page=code_page)).sheets
    assert (sheet.name, sheet.rows) == ("Лист", [["Школа", "Ёлка"]])


def test_letters_of_one_byte_are_the_lower_half_of_utf16() -> None:
    code_page = write.record(0x42, struct.pack("<H", 1251))
    label = write.record(0x204, struct.pack("<HHHHB", 0, 0, 0, 4, 0) + "café".encode("latin-1"))
    assert read_grid("a.xls", xls_of(code_page, label)).sheets[0].rows == [["café"]]


@pytest.mark.parametrize("sizes", [(49, 0, 9, 0), (0, 2**32 - 1, 0, 65_535), (5, 5, 5, 5), (2**31, 2**31 - 1, 300, 2)])
def test_what_a_sheet_says_of_its_size_does_no_harm(sizes: tuple[int, int, int, int]) -> None:
    begin = write.record(0x809, struct.pack("<HHHH", 0x600, 0x10, 0, 0).ljust(16, b"\0"))
    dimensions = write.record(0x200, struct.pack("<IIHHH", *sizes, 0))
    data = xls_edited(write.xls(PAGE), (begin, begin + dimensions))
    assert [sheet.rows for sheet in read_grid("a.xls", data).sheets] == [ROWS]


@pytest.mark.parametrize("cut", range(9, 60, 3))
@pytest.mark.parametrize("stated", [0, 3, 2**31])
def test_shared_texts_that_go_on_in_the_next_record(cut: int, stated: int) -> None:
    """A text that is cut goes on after a byte of bits of its own; narrow and wide, with fonts and reading aids."""
    texts = ["Школа", "cafe", "Всего обучающихся", "№ 1"]
    body, starts = struct.pack("<II", stated, stated), []
    for text in texts:
        is_wide = not text.isascii()
        raw = text.encode("utf-16-le" if is_wide else "latin-1")
        fonts = struct.pack("<H", 1) if text == "Школа" else b""
        body += struct.pack("<HB", len(text), is_wide | 8 * bool(fonts)) + fonts
        starts.append((len(body), len(raw), is_wide))
        body += raw + bytes(4 * bool(fonts))
    within = next(((start, wide) for start, size, wide in starts if start < cut < start + size), None)
    if within is None:
        pieces = [body[:cut], body[cut:]]
    else:
        cut -= (cut - within[0]) % 2 if within[1] else 0
        pieces = [body[:cut], bytes((within[1],)) + body[cut:]]
    sst = write.record(0xFC, pieces[0]) + write.record(0x3C, pieces[1])
    data = xls_of(sst, b"".join(write.record(0xFD, struct.pack("<HHHI", 0, c, 0, c)) for c in range(len(texts))))
    assert read_grid("a.xls", data).sheets[0].rows == [texts]


def xls_of(globals_: bytes, cells: bytes) -> bytes:
    begin = write.record(0x809, struct.pack("<HHHH", 0x600, 5, 0, 0).ljust(16, b"\0"))
    end, name = write.record(0x0A, b""), struct.pack("<HBB", 0, 1, 0) + b"S"
    start = len(begin) + len(globals_) + 4 + 4 + len(name) + len(end)
    head = begin + globals_ + write.record(0x85, struct.pack("<I", start) + name) + end
    return write.ole("Workbook", head + begin + cells + end)


def test_a_text_that_is_not_there_is_damage() -> None:
    with pytest.raises(Unreadable, match="corrupt"):
        read_grid("a.xls", xls_of(b"", write.record(0xFD, struct.pack("<HHHI", 0, 0, 0, 5))))


def test_a_sheet_of_an_xls_without_records_is_told() -> None:
    begin = write.record(0x809, struct.pack("<HHHH", 0x600, 5, 0, 0).ljust(16, b"\0"))
    lost = write.record(0x85, struct.pack("<IHBB", 10**6, 0, 4, 0) + b"Lost")
    data = xls_of(lost, write.record(0x203, struct.pack("<HHHd", 0, 0, 0, 7)))
    grid = read_grid("a.xls", data)
    assert ([sheet.rows for sheet in grid.sheets], [doubt.reason for doubt in grid.doubts]) == ([[[7]]], ["parts"])
    assert begin in data


def test_a_grid_is_the_same_whichever_kind() -> None:
    grids: list[Grid] = [
        read_grid("a", getattr(write, kind)(PAGE)) for kind in ("xlsx", "xls", "xlsb", "ods", "xml_2003")
    ]
    assert all(grid.sheets == grids[0].sheets for grid in grids)


def test_only_ordinary_workbooks_go_to_the_reader_of_large_tables() -> None:
    """It looks for parts at the usual names and loses values that stand before their formulas."""
    first = in_place_of("<v>5</v>", "<v>5</v><f>2+3</f>")
    others = (
        changed(XLSX, {SHEET: first}),
        changed(XLSX, {SHEET: utf16}),
        changed(XLSX, {"xl/workbook.xml": broken}),
        renamed(
            XLSX, {"xl/sharedStrings.xml": "xl/s.xml"}, {"xl/_rels/workbook.xml.rels": ("sharedStrings.xml", "s.xml")}
        ),
    )
    assert [is_ordinary(Package(zipfile.ZipFile(io.BytesIO(data)))) for data in (XLSX, *others)] == [True, *[False] * 4]


def test_a_large_workbook_in_one_xml_file_is_no_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    path = tmp_path / "a.xls"
    path.write_bytes(write.xml_2003(PAGE))
    assert blocks.large_text(path.name, path) is None
    path.write_bytes(b"%PDF-1.7 " + b"a;b\n" * 100)
    with pytest.raises(Unreadable, match="PDF"):
        blocks.large_text(path.name, path)
