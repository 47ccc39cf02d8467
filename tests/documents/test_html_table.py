"""The tables of a web page are read as a browser shows them, or the page is refused in words."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.grid import CellError, Grid, Range, Unreadable, Value
from documents.reading import blocks
from documents.reading.blocks import large_text
from documents.reading.formats.limits import LIMITS, Limits
from documents.reading.read import read_grid

SMALL = "<table><tr><td>Школа<td>Всего<tr><td>Первая<td>5</table>"
SMALL_ROWS = [["Школа", "Всего"], ["Первая", "5"]]


def grid(page: str | bytes) -> Grid:
    return read_grid("выгрузка.xls", page if isinstance(page, bytes) else page.encode())


def rows(page: str | bytes) -> list[list[Value]]:
    return grid(page).sheets[0].rows


def cell(written: str, attributes: str = "") -> Value:
    return rows(f"<table><tr><td {attributes}>{written}<td>1<tr><td>a<td>b<tr><td>c<td>d</table>")[0][0]


# what is written is read back

LETTERS = st.one_of(st.sampled_from("абвАБ№ 1,;<>&\"'=%-\n\xa0"), st.characters(exclude_categories=("C", "Z")))
TEXTS = st.text(LETTERS, max_size=12).filter(
    lambda text: "  " not in text and all(line == line.strip() for line in text.split("\n")) and text == text.strip()
)
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=2, max_size=6)
)
ENDS = st.sampled_from(("", "</td>", "</td>\n  ", "\n"))


@settings(max_examples=300, deadline=None)
@given(
    TABLES,
    ENDS,
    st.sampled_from(("", "</tr>", "</tr>\r\n")),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
    st.data(),
)
def test_any_table_is_read_back(
    table: list[list[str]], cell_end: str, row_end: str, encoding: str, data: st.DataObject
) -> None:
    table[0][:2] = table[1][:2] = ["а", "б"]
    page, merged, expected, r = "", [], {}, 0
    for row in table:
        down, c = data.draw(st.integers(1, 3)), 0  # a row is followed by those over which its cells reach
        page += "<tr>"
        for text in row:
            across = data.draw(st.integers(1, 3))
            page += f"<td rowspan={down} colspan='{across}'>" + escape(text).replace("\n", "<br>") + cell_end
            if text:
                expected[r, c] = text
            if across > 1 or down > 1:
                merged.append(Range(r, c, r + down - 1, c + across - 1))
            c += across
        page += row_end + f"<tr>{row_end}" * (down - 1)
        r += down
    found = grid(f"<table>{page}</table>".encode(encoding))
    (sheet,) = found.sheets
    cells = {(r, c): value for r, row in enumerate(sheet.rows) for c, value in enumerate(row) if value is not None}
    assert (found.format, sheet.merged, cells) == ("html", merged, expected)


def test_text_around_tables_stands_in_rows_of_its_own() -> None:
    page = f"<title>x</title><h1>Отчёт</h1>по состоянию<br>на <b>08.09</b>.2023{SMALL}<p>Директор</p>{SMALL}"
    above = [["Отчёт"], ["по состоянию"], ["на 08.09.2023"]]
    assert rows(page) == [*above, *SMALL_ROWS, ["Директор"], *SMALL_ROWS]
    assert grid(page).sheets[0].name == "выгрузка"
    loose = SMALL.replace("<tr>", "<caption>Отчёт</caption>стоит вне ячеек<tr>", 1)
    assert rows(loose) == [["Отчёт"], ["стоит вне ячеек"], *SMALL_ROWS]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (" много \n\t пробелов ", "много пробелов"),
        ("1&nbsp;234", "1\xa0234"),
        ("&nbsp;", None),
        ("&laquo;a&raquo; &lt;b&gt; &#1046;&amp", "«a» <b> Ж&"),
        ("a<br>b<br/><br>c<br>", "a\nb\n\nc"),
        ("<p>a</p>\n<p>b</p>", "a\nb"),
        ("a<!-- <td>b -->c<script>if (1<td) '</td>'</script>d", "acd"),
        ("5 < 6 и <1", "5 < 6 и <1"),
        ("<font color='>'>a</font><SPAN title=\"<td>\">b</SPAN>", "ab"),
        ("<table><tr><td>a<td>b</tr><tr><td>c</table>d", "a b\nc\nd"),
    ],
)
def test_text_of_a_cell(written: str, value: Value) -> None:
    assert cell(written) == value


@pytest.mark.parametrize(
    ("attributes", "shown", "value"),
    [
        ('x:num="0.3377"', "34%", 0.3377),
        ("x:num='1234'", "1&nbsp;234", 1234),
        ("x:num", "1 234", "1 234"),
        ('x:num="45177"', "08.09.2023", "08.09.2023"),
        ('x:num="45177"', "8.09", "8.09"),
        ('x:num="nan"', "nan", "nan"),
        ('x:num="12"', "", None),
        ('sdval="0.5" sdnum="1033;0;0,0"', "0,5", 0.5),
        ("x:str", "0123", "0123"),
        ('x:err="#REF!"', "#REF!", CellError("#REF!")),
    ],
)
def test_a_number_is_one_where_the_page_keeps_what_it_shows(attributes: str, shown: str, value: Value) -> None:
    assert cell(shown, attributes) == value
    assert type(cell(shown, attributes)) is type(value)


def test_percents_and_hidden_rows_keep_their_places() -> None:
    page = (
        "<p>Отчёт</p><table><tr><td x:num='0.5'>50%<td x:num=0.5 style=\"mso-number-format:'0%'\">0,5"
        "<tr style='DISPLAY: none'><td>a<td>b<tr hidden><td>c<td x:num=1>1</table>"
    )
    sheet = grid(page).sheets[0]
    assert sheet.percents == {(1, 0), (1, 1)}
    assert sheet.hidden_rows == {2, 3}


def test_spans_end_with_their_group_and_their_width() -> None:
    page = "<table><thead><tr><td rowspan=9>a<td rowspan=0>b<tr><td>c<tbody><tr><td colspan=5000>d<td>e</table>"
    sheet = grid(page).sheets[0]
    assert sheet.merged == [Range(0, 0, 1, 0), Range(0, 1, 1, 1), Range(2, 0, 2, 999)]
    assert [[value for value in row if value] for row in sheet.rows] == [["a", "b"], ["c"], ["d", "e"]]
    assert sheet.rows[1].index("c") == 2
    assert sheet.rows[2].index("e") == 1000
    ignored = grid("<table><tr><td colspan=2 style='mso-ignore:colspan'>a<td>b<tr><td>1<td>2</table>").sheets[0]
    assert (ignored.merged, ignored.rows[0]) == ([], ["a", None, "b"])


# encodings


def named(charset: str) -> str:
    return f"<meta http-equiv=Content-Type content='text/html; charset={charset}'>{SMALL}"


@pytest.mark.parametrize(
    ("charset", "encoding", "doubts"),
    [
        ("windows-1251", "cp1251", 0),
        ("koi8-r", "koi8-r", 0),
        ("iso-8859-5", "iso8859-5", 0),
        ("windows-1251", "utf-8", 0),
        ("unicode", "utf-16", 0),
        ("iso-8859-1", "cp1251", 1),
        ("zlib", "cp1251", 0),
    ],
)
def test_the_page_names_its_encoding(charset: str, encoding: str, doubts: int) -> None:
    text = named(charset).replace("Школа", "Наименование образовательной организации")
    found = grid(text.encode(encoding))
    assert found.sheets[0].rows[0][0] == "Наименование образовательной организации"
    assert len(found.doubts) == doubts


def test_what_the_page_says_settles_a_doubt() -> None:
    page = "<table><tr><td>a<td>b<tr><td>1<td>ЙЦ</table>"
    assert grid(page.encode("koi8-r")).doubts
    found = grid(b"<meta charset=koi8-r>" + page.encode("koi8-r"))
    assert (found.sheets[0].rows[1][1], found.doubts) == ("ЙЦ", ())


# what is refused


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><html><body><p>Сессия истекла</p></body></html>",
        "<table><tr><td>a<td>b</table>",
        "<table><tr><td>a<tr><td>b</table>",
        "<div><table><tr><td><table>" + "<tr><td>a<td>b" * 3,
    ],
)
def test_a_page_without_a_table_is_refused_in_words(page: str) -> None:
    with pytest.raises(Unreadable, match=r"unknown: The file is not a table; it looks like a web page"):
        grid(page)


@pytest.mark.parametrize(
    "start", ["<html>", "\ufeff  <!doctype HTML>", '<?xml version="1.0"?><html>', "<br><b>Notice</b>", "<center>"]
)
def test_a_page_is_known_by_its_beginning(start: str) -> None:
    assert rows(start + SMALL)[-2:] == SMALL_ROWS


@pytest.mark.parametrize("page", ["<td colspan=1000>" * 17, "<td colspan=900>a<tr>" * 20, "<tr>" * 9000 + "<td>a<td>b"])
def test_a_page_of_too_many_cells_is_refused(page: str) -> None:
    token = LIMITS.set(Limits(cells=10_000))
    with pytest.raises(Unreadable, match="too_large"):
        grid(f"<table>{page}</table>")
    LIMITS.reset(token)


@pytest.mark.parametrize(
    "trap",
    ["<a", "<a ", "<a b='", "<!--", "<!", "<?", "</a ", "<", "&#", "<script>", "<script></scrip", "<table>", "<td>",
     "<table><td>", "<a = ", "<b>", "<tbody>", "<td rowspan=9><tbody>", "<br>", "<![CDATA["],
)  # fmt: skip
def test_time_grows_with_the_size_only(trap: str) -> None:
    """A reader by the square of the size would take minutes: it looks for the end again from each `<`."""
    begun = time.process_time()
    assert rows(f"{SMALL}{trap * 100_000}")[:2] == SMALL_ROWS
    assert time.process_time() - begun < 20


def test_an_entity_of_many_digits_is_refused() -> None:
    with pytest.raises(Unreadable, match="corrupt"):
        cell(f"&#{'9' * 5000};")


def test_a_large_page_is_no_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    path = tmp_path / "a.xls"
    for start in (b"", b"\xef\xbb\xbf<html>"):
        path.write_bytes(start + SMALL.encode())
        assert large_text(path.name, path) is None
