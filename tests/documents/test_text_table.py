"""A text table is read as it was written, or its doubts say that it may have been meant otherwise."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from contracts.grid import Blocks, Unreadable
from documents import demo
from documents.reading import blocks
from documents.reading.blocks import large_text
from documents.reading.formats.encoding import one_byte_encoding
from documents.reading.read import read_grid

GOLDEN = Path(__file__).parents[1] / "golden"
HEADER = "Муниципалитет;Образовательная организация;Всего"


def rows_of(text: str | bytes) -> list[list[str | None]]:
    return read_grid("a.csv", text if isinstance(text, bytes) else text.encode()).sheets[0].rows  # type: ignore[return-value]


def doubts_of(text: str | bytes) -> set[str]:
    return {doubt.reason for doubt in read_grid("a.csv", text if isinstance(text, bytes) else text.encode()).doubts}


# what is written by the rules of csv

LETTERS = st.sampled_from("абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГД")
TEXTS = st.text(st.one_of(LETTERS, LETTERS, LETTERS, st.sampled_from(" ;,.|\t\"'№0123456789-\\\n:/")), max_size=14)
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=4, max_size=12)
)


def written(table: list[list[str]], **dialect: object) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows(table)  # type: ignore[arg-type]
    return out.getvalue()


def as_read(table: list[list[str]]) -> list[list[str | None]]:
    rows: list[list[str | None]] = [[text or None for text in row] for row in table]
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


@settings(max_examples=400, deadline=None)
@given(
    TABLES,
    st.sampled_from(";,\t|"),
    st.sampled_from('""\''),
    st.sampled_from(("\r\n", "\n", "\r")),
    st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    st.booleans(),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "cp866", "koi8-r")),
)
@example([["", ""], ["", ""], ["", ""], ["'", "'"]], ";", '"', "\r\n", csv.QUOTE_MINIMAL, False, "utf-8")
@example([["", ""], ["", ""], ["", ""], ["'А", "Б'"]], ";", '"', "\r\n", csv.QUOTE_MINIMAL, False, "utf-8")
def test_any_table_is_read_back_or_doubted(
    table: list[list[str]], separator: str, mark: str, end: str, quoting: int, is_escaped: bool, encoding: str
) -> None:
    heading = ["Наименование образовательной организации", "Всего обучающихся", "Охват", "Примечание", "Класс"]
    table = [heading[: len(table[0])], *table]
    dialect = {"delimiter": separator, "quotechar": mark, "lineterminator": end, "quoting": quoting}
    if encoding == "koi8-r":
        table = [[text.replace("№", "") for text in row] for row in table]
    if "\n" not in end:  # the writer would not quote a line feed
        table = [[text.replace("\n", " ") for text in row] for row in table]
    if is_escaped and mark == '"':
        texts = "".join(itertools.chain(*table))
        assume("\\" not in texts or mark in texts)  # else nothing tells that a backslash escapes
        dialect |= {"doublequote": False, "escapechar": "\\"}
    text = written(table, **dialect)
    assume(mark == '"' or "'" in text or '"' not in text)
    data = text.encode(encoding)
    grid = read_grid("a.csv", data)
    assert grid.sheets[0].rows == as_read(table) or grid.doubts


@settings(max_examples=150, deadline=None)
@given(TABLES, st.sampled_from((", ", "; ")), st.sampled_from(("\n", "\r\n")))
def test_a_separator_with_a_space(table: list[list[str]], separator: str, end: str) -> None:
    cells = [[text.translate(str.maketrans("", "", ",;\"'\n\t|")).strip() or "-" for text in row] for row in table]
    grid = read_grid("a.csv", "".join(separator.join(row) + end for row in cells).encode())
    assert grid.sheets[0].rows == cells or grid.doubts


# encodings

SENTENCE = "Школа;Всего\nМАОУ «Тестовая школа»;5\nВторая школа;6\n"


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r", "mac_cyrillic", "iso8859_5"])
def test_cyrillic_encodings(encoding: str) -> None:
    text = SENTENCE if encoding in ("cp1251", "mac_cyrillic") else SENTENCE.replace("«", "").replace("»", "")
    assert rows_of(text.encode(encoding))[1][0] == text.splitlines()[1].split(";")[0]
    assert one_byte_encoding(text.encode(encoding)) == (encoding, ())


@pytest.mark.parametrize("text", ["Café;naïve\nMüller;Größe\n", "Name;Ort\nÖztürk;Köln\n", "à la carte;déjà vu\n"])
def test_western_letters_do_not_become_cyrillic(text: str) -> None:
    for encoding in ("cp1252", "latin-1"):
        assert rows_of(text.encode(encoding)) == [line.split(";") for line in text.splitlines()]
        assert doubts_of(text.encode(encoding)) == {"encoding"}


LONG = "Школа;Всего обучающихся\n" + "".join(f"МБОУ СОШ {n};{n}\n" for n in range(12))


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r", "mac_cyrillic", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("sign", [b"\xa3", b"\x98", b"\xff", b"\x81", b"\xb9", b"\xd0"])
def test_a_lone_sign_decides_no_encoding(encoding: str, sign: bytes) -> None:
    """Most of the text does: the sign itself is read as that has it, or a doubt says that it has no meaning."""
    data = LONG.encode(encoding).replace(b";5\n", b";5" + sign + b"\n")
    rows = rows_of(data)
    assert [row[0] for row in rows] == [line.split(";")[0] for line in LONG.splitlines()]
    assert "\ufffd" not in str(rows) or "parts" in doubts_of(data)


def test_a_text_that_is_cut_off_is_no_text_with_lone_signs() -> None:
    with pytest.raises(Unreadable, match="corrupt"):
        read_grid("a.csv", LONG.encode()[: LONG.encode().index("МБОУ".encode()) + 1])


def test_few_letters_leave_a_doubt() -> None:
    grid = read_grid("a.csv", "a;b\n1;ЙЦ\n".encode("koi8-r"))
    assert [doubt.reason for doubt in grid.doubts] == ["encoding"]
    assert {grid.doubts[0].decided, grid.doubts[0].other} & {"koi8-r", "cp1251"}


# dialects


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a\tb\n1\t2\n", [["a", "b"], ["1", "2"]]),
        ("sep=;\na,1;b\nc,2;d\n", [["a,1", "b"], ["c,2", "d"]]),
        ("a;b\r1;2\r3;4", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("a;b\r\n1;2\n3;4\r5;6", [["a", "b"], ["1", "2"], ["3", "4"], ["5", "6"]]),
        ("Отчёт\n\na;b\n1;2\n\nПримечание\n", [["Отчёт"], [], ["a", "b"], ["1", "2"], [], ["Примечание"]]),
        ("ФИО;Рост\nА Б;5' 10\"\nВ Г;6' 1\"\n", [["ФИО", "Рост"], ["А Б", "5' 10\""], ["В Г", "6' 1\""]]),
        ("n;t\n1;'a;b'\n2;'c''d'\n", [["n", "t"], ["1", "a;b"], ["2", "c'd"]]),
        ('n;t;k\n1;"a \\"b\\"; c";2\n3;"d\\\\";4\n', [["n", "t", "k"], ["1", 'a "b"; c', "2"], ["3", "d\\", "4"]]),
        ('a,"b, c",d\n1,"2, 3",4\n', [["a", "b, c", "d"], ["1", "2, 3", "4"]]),
        ('a, "b, c", d\n1, "2, 3", 4\n', [["a", "b, c", "d"], ["1", "2, 3", "4"]]),
        ('x y "z w"\n1 2 "3 4"\n5 6 "7 8"\n', [["x", "y", "z w"], ["1", "2", "3 4"], ["5", "6", "7 8"]]),
        ("ФИО\nТестов Пётр Первый\nТестов Иван Второй\n", [["ФИО"], ["Тестов Пётр Первый"], ["Тестов Иван Второй"]]),
        ("a;b\n1;2\n;\n3;4\n\n5;6\n", [["a", "b"], ["1", "2"], [None, None], ["3", "4"], [], ["5", "6"]]),
    ],
)  # fmt: skip
def test_dialects(text: str, rows: list[list[str | None]]) -> None:
    assert rows_of(text) == rows


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ('1;МБОУ "Лицей";5', ["1", 'МБОУ "Лицей"', "5"]),
        ('1;"МБОУ "Лицей"";5', ["1", 'МБОУ "Лицей"', "5"]),
        ('1;"Лицей" № 3;5', ["1", '"Лицей" № 3', "5"]),
        ('1;"Лицей;5', ["1", '"Лицей', "5"]),
        ('1;""Лицей; сад";5', ["1", '"Лицей; сад', "5"]),
        ('1;"Лицей" ;5', ["1", "Лицей", "5"]),
        ('1;"два\nэтажа "А"";5', ["1", 'два\nэтажа "А"', "5"]),
    ],
)
def test_odd_quotation_marks(line: str, row: list[str]) -> None:
    """The odd record gets its columns, and none of the others is drawn into it."""
    others = [[str(number), f'Школа "{number}"', "7"] for number in range(2, 6)]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(others)
    text = f"№;Школа;Всего\r\n{line}\r\n{out.getvalue()}"
    assert rows_of(text) == [["№", "Школа", "Всего"], row, *others]
    assert doubts_of(text) == (set() if line.startswith("1;МБОУ") else {"records"})


# doubts


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("a;b;c\n1;2;3\n4;5;6\n", set()),
        ("Отчёт, 2023\nза сентябрь\na;b;c\n1;2,5;3\n4;5,5;6\nИтого;;\n", set()),
        ("a;b\n1;2\n3;4\n\nВторая\nc;d;e\n5;6;7\n8;9;0\n", set()),
        ("a;b;c\n1;2;3;\n4;5;6;\n7;8;9;\n", set()),
        ("a;b,c\n1;2,d\n3;4,e\n", {"separator"}),
        ("a;b;c\n1;2;3\n4;5\n6;7;8\n9;1;2\n", {"records"}),
        ("a;b;c\n1;2;3\n4;5;6;7\n6;7;8\n9;1;2\n", {"records"}),
        ("a;b\n1;'2'\n3;'4'\n", {"separator"}),
        ('a;b\n1;"\n2;"\n3;4\n', {"records"}),
        ("г. Томск, ул. Мира\nс. Чажемто\nг. Асино, ул. 9 Мая, 5\nс. Парабель\nс. Бакчар\n", {"separator"}),
    ],
)  # fmt: skip
def test_doubts(text: str, reasons: set[str]) -> None:
    assert doubts_of(text) == reasons


INSTRUCTED = """1. Заполните лист, строку на школу.
2. Не меняйте заголовки, столбцы.
Школа;Всего;Охват;Класс
СОШ 1;5;4;6
СОШ 2;5;4;7
СОШ 3;5;4;8
Итого;15;12
"""


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        # Commas divide the heading; a «;» in the cells below does not make decimal marks of them.
        ("a,b,c\nх,4,29-61\nу,9,29; 30\nф,11,29; 31\n", {3}),
        # Instructions with commas above a table whose total is short.
        (INSTRUCTED, {1, 3, 4}),
    ],
)  # fmt: skip
def test_signs_above_and_below_the_heading(text: str, columns: set[int]) -> None:
    assert {len(row) for row in rows_of(text)} == columns


CLASSES = "1А, 1Б, 1В, 2А, 2Б, 3А, 3Б"


@pytest.mark.parametrize(
    "rows",
    [
        [["Школа", "Классы"], *([f"СОШ № {n}", CLASSES] for n in range(30))],
        [["№", "Школа", "Классы"], *([str(n), "СОШ", CLASSES if n % 2 else "1А"] for n in range(30))],
        [["Школа", "Адрес"], *([f"СОШ {n}", f"г. Томск, ул. Мира, {n}"] for n in range(10))],
        [["Школа", "Дни"], *([f"СОШ {n}", "пн/вт/ср/чт"] for n in range(10))],
        [["№", "Школа, код", "Классы, буквы"], *([str(n), f"СОШ, {n}", "1А, 1Б"] for n in range(10))],
    ],
)
@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("inside", [", ", ",", "; ", ";", "|", "/"])
def test_a_list_within_the_cells_cuts_nothing(rows: list[list[str]], separator: str, inside: str) -> None:
    if "код" in rows[0][1] and (separator == "," or inside in ";,|"):
        return  # such a list stands in the heading too: nothing tells but the space after its signs
    table = [[cell.replace(", ", inside).replace("/", inside) for cell in row] for row in rows]
    assert rows_of(written(table, delimiter=separator)) == table


@pytest.mark.parametrize(
    "lines",
    [
        ["Наименование", *(f"СОШ № {n}" for n in range(30)), "Лицей; филиал"],
        ["Замечания", *(f"пришли {n}; исправлено" if n % 3 else f"хорошо {n}" for n in range(30))],
        ["Классы", *(["1А; 1Б; 1В"] * 30)],
        ["Классы", *(["1А;1Б;1В"] * 30)],
        ["Классы", *([CLASSES] * 30)],
        ["Классы", *(", ".join(CLASSES.split(", ")[: n % 7 + 1]) for n in range(30))],
        ["г. Томск, ул. Мира", "с. Чажемто", "г. Асино, ул. 9 Мая, 5", "с. Парабель", "с. Бакчар"],
    ],
)
def test_a_text_of_one_column_is_not_cut(lines: list[str]) -> None:
    assert rows_of("\n".join(lines)) == [[line] for line in lines]


WORDS = st.text("абвгдежзиклмн №0123456789,;|", min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(WORDS, min_size=n, max_size=n), min_size=3, max_size=12)),
    st.sampled_from(";\t|"),
    st.lists(st.sampled_from(["Отчёт", "за сентябрь 2023", ""]), max_size=3),
)
def test_the_heading_tells_the_separator(table: list[list[str]], separator: str, titles: list[str]) -> None:
    """Whatever the cells hold, the separator of a heading without other separators is that of the table."""
    heading = ["Школа", "Всего", "Охват", "Уровень", "Классы"][: len(table[0])]
    cells = [[cell.strip().replace(separator, " ") or "х" for cell in row] for row in table]
    grid = read_grid("a.csv", "\n".join([*titles, *(separator.join(row) for row in (heading, *cells))]).encode())
    named = "separator tab" if separator == "\t" else f"separator {separator!r}"
    assert named in grid.notes or grid.doubts


def test_a_doubt_names_its_rows() -> None:
    lines = ["a;b;c", *("1;2;3" for _ in range(40))]
    for place in (4, 16):
        lines[place] = "1;2"
    grid = read_grid("a.csv", "\n".join(lines).encode())
    assert [doubt.decided for doubt in grid.doubts] == ["строки 5, 17"]
    lines[5:40] = ["1;2;3;4", "1;2"] * 17
    grid = read_grid("a.csv", "\n".join(lines).encode())
    found = next(doubt.decided for doubt in grid.doubts if doubt.reason == "records")
    assert found.startswith("строки 5, ") and " и ещё " in found


def test_ordinary_files_have_no_doubts(tmp_path: Path) -> None:
    demo.write_deliveries(demo.tomsk(), tmp_path)
    sent = [path for path in (*GOLDEN.glob("*/*/delivery.csv"), *tmp_path.rglob("*.csv")) if is_text(path)]
    assert len(sent) > 4
    for path in sent:
        assert read_grid(path.name, path.read_bytes()).doubts == (), path


def is_text(path: Path) -> bool:
    """Whether a case is sent as the text that it is kept as, not drawn as a workbook."""
    told = path.parent / "reading.json"
    return not told.exists() or str(json.loads(told.read_text(encoding="utf-8"))["file"]).endswith(".csv")


# small and large


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "koi8-r"])
@pytest.mark.parametrize(
    "dialect",
    [
        {"delimiter": ";"},
        {"delimiter": ",", "quotechar": "'"},
        {"delimiter": "\t", "quoting": csv.QUOTE_ALL},
        {"delimiter": ";", "doublequote": False, "escapechar": "\\"},
    ],
)
def test_a_large_file_is_decided_like_a_small_one(
    encoding: str, dialect: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    monkeypatch.setattr(blocks, "BLOCK", 2000)
    table = [HEADER.split(";"), *([f"Чаинский район{n % 3}", f'МБОУ "Школа, {n}"; сад', "don't"] for n in range(200))]
    path = tmp_path / "a.csv"
    path.write_bytes(written(table, **dialect).encode(encoding))
    large, small = large_text(path.name, path), read_grid(path.name, path.read_bytes())
    assert isinstance(large, Blocks)
    assert (large.grid().sheets, large.notes[1], large.doubts) == (small.sheets, small.notes[1], small.doubts)
    assert small.sheets[0].rows == table


def test_letters_far_from_the_beginning_tell_the_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    path = tmp_path / "a.csv"
    path.write_bytes(b"id;name\n" + b"1;John\n" * 20_000 + "2;Тестова Школа Образцовна\n".encode("cp866"))
    large = large_text(path.name, path)
    assert isinstance(large, Blocks)
    assert large.grid().sheets[0].rows[-1] == ["2", "Тестова Школа Образцовна"]


@pytest.mark.parametrize("damage", [b"\0", b"\xff"])
def test_a_large_text_that_goes_on_otherwise_is_refused(
    damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    path = tmp_path / "a.csv"
    path.write_bytes("Школа;Всего\n".encode() * 10_000 + damage + b";5\n")
    large = large_text(path.name, path)
    assert isinstance(large, Blocks)
    with pytest.raises(Unreadable) as refused:
        large.grid()
    assert refused.value.reason == "corrupt"


@example([['"', ";", '"', "\n"]])
@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(['"', "'", ";", ",", " ", "\n", "а", "1", "\\"]), max_size=20), max_size=12))
def test_no_character_is_lost(lines: list[list[str]]) -> None:
    """Whatever stands between separators and marks comes out, in its order."""
    text = "Школа;Всего;Доля\n" + "\n".join("".join(line) for line in lines)
    grid = read_grid("a.csv", text.encode())
    found = "".join(str(value) for row in grid.sheets[0].rows for value in row if value is not None)
    assert [letter for letter in found if letter in "а1"] == [letter for letter in text if letter in "а1"]
