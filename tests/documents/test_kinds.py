"""What is no table is named: for engineers in English, for its sender by a sentence of its own."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import workbook_writers as write

from contracts.grid import Unreadable
from contracts.texts import phrases
from documents.reading.answers import Refusal, raised
from documents.reading.read import read_grid

TABLE = "".join(f"<tr><td>Школа {n}</td><td>{n}</td></tr>" for n in range(3))
ROWS = [["Школа 0", "0"], ["Школа 1", "1"], ["Школа 2", "2"]]


def refusal(data: bytes, name: str = "Отчёт.xlsx") -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_grid(name, data)
    return caught.value


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"<?xml version='1.0'?><x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"%PDF-1.4 x", "pdf"),
        (b"\xff\xd8\xff\xe0 x", "picture"),
        (b"\x89PNG\r\n", "picture"),
        (b"\0\0\0\x18ftypheic", "picture"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "picture"),
        (b"BM" + (1000).to_bytes(4, "little") + bytes(994), "picture"),
        (b"Rar!\x1a\x07", "archive"),
        (b"7z\xbc\xaf\x27\x1c", "archive"),
        (b"\0\x01\0\0Standard ACE DB", "database"),
        (b"L\0\0\0\x01\x14\x02\0 x", "pointer"),
        (packed("word/document.xml", "[Content_Types].xml"), "word"),
        (packed("ppt/presentation.xml"), "presentation"),
        (packed("Index/Tables/Tile.iwa", "Index/Document.iwa", "Metadata/Properties.plist"), "numbers"),
        (packed("Index.zip", "Metadata/Properties.plist"), "numbers"),
        (packed("META-INF/MANIFEST.MF", "x.class"), "program"),
        (packed("AndroidManifest.xml", "classes.dex"), "program"),
        (packed("DataModel", "Report/Layout"), "another_program"),
        (write.package({"mimetype": b"application/epub+zip"}), "document"),
        (write.package({"mimetype": b"application/vnd.oasis.opendocument.text"}), "document"),
        (write.ole("WordDocument", b"x"), "word"),
        (b"<?xml version='1.0'?><x/>", "markup"),
        (b"<html><body><p>x</p></body></html>", "page"),
        (b"From: a@b.ru\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x--", "letter"),
        (b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<html><p>x</p></html>", "page"),
    ],
)
def test_what_is_no_table_has_a_sentence(data: bytes, looks: str) -> None:
    error = refusal(data)
    assert (error.reason, error.looks) == ("unknown", looks)
    assert error.detail.startswith("The file is not a table; it looks like ")
    assert phrases()[f"unreadable.{looks}"].endswith(".")
    again = raised(Refusal(error.reason, error.detail, error.looks), "")  # as a reader process tells it
    assert isinstance(again, Unreadable)
    assert again.looks == looks


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 18342\n"


@pytest.mark.parametrize(
    "text",
    [
        LFS,
        LFS.replace("\n", "\r\n"),
        "version https://hawser.github.com/spec/v1\noid sha256:0\n",
        "/annex/objects/SHA256E-s18342--0.xlsx\n",
        "../.git/annex/objects/aa/bb/SHA256E-s1--0.xlsx",
        "[InternetShortcut]\r\nURL=https://example.org/\r\n",
        "\ufeff[InternetShortcut]\nURL=file:///C:/a.xlsx",
        "[Desktop Entry]\nType=Link\nURL=https://example.org\n",
        '<?xml version="1.0"?><plist version="1.0"><dict><key>URL</key><string>x</string></dict></plist>',
        json.dumps({"url": "https://docs.google.com/open?id=1", "doc_id": "1", "email": "a@example.org"}),
        '{\n "doc_id": "1", "resource_key": ""}',
        "https://docs.google.com/spreadsheets/d/1/edit\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_pointer_is_not_the_file(text: str, encoding: str) -> None:
    assert refusal(text.encode(encoding)).looks == "pointer"


@pytest.mark.parametrize(
    "text",
    [
        "Школа;Ссылка\nСОШ № 1;https://example.org/1\nСОШ № 2;https://example.org/2\n",
        "version;oid\n1;2\n",
        '{"Школа": "СОШ"}\n{"Школа": "Лицей"}\n',
    ],
)
def test_a_table_with_addresses_is_a_table(text: str) -> None:
    assert read_grid("a.csv", text.encode()).sheets[0].rows


@pytest.mark.parametrize("text", ["", "\ufeff", " \n\t\n", "\r\n\r\n", "sep=;", "sep=;\r\n", "\xa0\n", ";;;\n;;;\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_an_empty_text_is_empty(text: str, encoding: str) -> None:
    if encoding == "cp1251":
        text = text.replace("\ufeff", "")
    assert refusal(text.encode(encoding)).reason == "empty"


@pytest.mark.parametrize("kind", ["xlsx", "xls", "xlsb", "ods", "fods", "xml_2003"])
@pytest.mark.parametrize("space", [None, "\u00a0"])
def test_an_empty_workbook_is_empty(kind: str, space: str | None) -> None:
    cells = {(3, 3): write.Cell(space)} if space else {}
    assert refusal(getattr(write, kind)(write.Page(cells))).reason == "empty"


def test_a_file_of_zeros_is_empty() -> None:
    assert refusal(bytes(4096)).reason == "empty"


# web pages saved as one file


def saved(*parts: tuple[str, str], encoding: str = "windows-1251", transfer: str = "quoted-printable") -> bytes:
    """Pages of a saved web page: where each lay, and its text."""
    import base64
    import quopri

    out = b'MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\nContent-Type: multipart/related; boundary="=_b"\r\n\r\n'
    for place, text in parts:
        raw = text.encode(encoding)
        body = quopri.encodestring(raw) if transfer == "quoted-printable" else base64.encodebytes(raw)
        head = f"--=_b\r\nContent-Location: file:///C:/x/{place}\r\nContent-Transfer-Encoding: {transfer}\r\n"
        out += head.encode() + f'Content-Type: text/html; charset="{encoding}"\r\n\r\n'.encode() + body + b"\r\n"
    return out + b"--=_b--\r\n"


def page(rows: str) -> str:
    return f"<html><head></head><body><table>{rows}</table></body></html>"


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-8"])
@pytest.mark.parametrize("transfer", ["quoted-printable", "base64"])
def test_a_saved_page_is_read(encoding: str, transfer: str) -> None:
    grid = read_grid("Отчёт.xls", saved(("book.htm", page(TABLE)), encoding=encoding, transfer=transfer))
    assert (grid.format, grid.sheets[0].name, grid.sheets[0].rows) == ("mht", "Отчёт", ROWS)


@pytest.mark.parametrize("before", [b"\r\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n "])
def test_what_stands_before_a_saved_page_does_no_harm(before: bytes) -> None:
    grid = read_grid("Отчёт.xls", before + saved(("book.htm", page(TABLE))))
    assert (grid.format, grid.sheets[0].rows, grid.doubts) == ("mht", ROWS, ())


@pytest.mark.parametrize("transfer", ["quoted-printable", "base64"])
def test_a_page_that_was_cut_off_is_read_with_a_doubt(transfer: str) -> None:
    """Half a report would else be one of a sender who forgot some schools."""
    whole, plain = saved(("book.htm", page(TABLE * 9)), transfer=transfer), page(TABLE * 9).encode()
    for data in (whole, plain):
        assert read_grid("a.xls", data).doubts == ()
        (doubt,) = read_grid("a.xls", data[: len(data) * 2 // 3]).doubts
        assert (doubt.reason, doubt.decided) == ("parts", "конец файла: страница оборвана")


def of_excel(number: int, name: str, more: str = "") -> str:
    """What the first page says of a sheet."""
    source = f"<x:WorksheetSource HRef='book.files/sheet00{number}.htm'/>"
    return f"<x:ExcelWorksheet><x:Name>{name}</x:Name>{source}{more}</x:ExcelWorksheet>"


def test_sheets_of_excel_in_a_saved_page() -> None:
    hidden = "<x:WorksheetOptions><x:Visible>SheetHidden</x:Visible></x:WorksheetOptions>"
    about = of_excel(1, "Свод &amp; план") + of_excel(2, "Тайный", hidden)
    data = saved(
        ("book.htm", f"<html><head><xml>{about}</xml></head><frameset></frameset></html>"),
        ("book.files/tabstrip.htm", page("<tr><td>Свод</td><td>Тайный</td></tr>" * 2)),
        ("book.files/sheet001.htm", page(TABLE)),
        ("book.files/sheet002.htm", page(TABLE)),
    )
    grid = read_grid("a.xls", data)
    assert [(sheet.name, sheet.visible, sheet.rows) for sheet in grid.sheets] == [
        ("Свод & план", True, ROWS),
        ("Тайный", False, ROWS),
    ]


# XML Spreadsheet 2003


def test_xml_2003_declares_no_entities_and_ends() -> None:
    data = write.xml_2003(write.Page({(0, 0): write.Cell("а"), (1, 0): write.Cell(1)}))
    bomb = data.replace(b"<Workbook", b'<!DOCTYPE x [<!ENTITY a "aa">]><Workbook', 1)
    assert refusal(bomb).reason == "corrupt"
    assert refusal(data[: len(data) - 30]).reason == "corrupt"
    far = data.replace(b'<Row ss:Index="2">', b'<Row ss:Index="9999999999">')
    assert refusal(far).reason == "too_large"


def test_xml_2003_whose_encoding_is_another_than_it_says() -> None:
    data = write.xml_2003(write.Page({(0, 0): write.Cell("Наименование школы"), (1, 0): write.Cell("Лицей № 1")}))
    said = data.decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>').encode("cp1251")
    assert read_grid("a.xls", said).sheets[0].rows == [["Наименование школы"], ["Лицей № 1"]]
    named = data.decode().replace('<?xml version="1.0"?>', '<?xml version="1.0" encoding="windows-1251"?>')
    assert read_grid("a.xls", named.encode("cp1251")).sheets[0].rows == [["Наименование школы"], ["Лицей № 1"]]
