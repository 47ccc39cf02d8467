"""A large file read by blocks gives the reading that the same file gives when it is read whole."""

from __future__ import annotations

import io
import mmap
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from example import RECEIVED, SCHOOLS, Sent, drained
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from contracts.grid import Blocks, Grid, Unreadable
from contracts.reading import Reading
from documents.reading import blocks
from documents.reading.blocks import large_text, table_blocks
from documents.reading.read import read_grid
from documents.reading.workbook_table import write_table
from transforms.cells import parse
from transforms.fact_export import FactReading
from transforms.identity.identify import Context, Delivery
from transforms.interpret import interpret
from transforms.rows import broken

HEADING = "Муниципалитет;Образовательная организация;ФИО;Дата рождения;Класс;Статус верификации;Дата архивации"
GOOD = 'Чаинский район;"МБОУ ""Тестовая СОШ""";Тестов Иван;12.03.2010;7;Верифицирован;Нет'
LINES = [
    "Сводный отчёт по ученикам;;;;;;",
    '"Дата формирования:\n08.09.2023";;;;;;',
    HEADING,
    GOOD,
    'Чаинский район;"МБОУ\n«Тестовая СОШ»";"Тестова Анна; Образцовна";05.11.2009;8;Не верифицирован;Нет',
    ";;;;;;",
    "",
    'Чаинский район;МБОУ «Тестовая СОШ»;Примеров Пётр;;"9";;01.06.2023',
    GOOD.replace("7;", "15;"),
    GOOD.replace("Чаинский район", "Чаинская волость"),
    'Чаинский район;"";Макетов Захар;01.02.2012;6;Верифицирован;Нет',
    "Чаинский район;МБОУ «Тестовая СОШ»;Короткова Строка;01.02.2012;6",
    f"{GOOD};лишнее;ещё",
    HEADING,
    *(GOOD.replace("Иван", f"Иван-{number}") for number in range(40)),
    "Итого;;;;53;;",
]
PIECES = ['"', "a", ";", "\n", "Ы", " ", '"";', '"x"', "\r\n", "\r", ';"x\ny";']


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large, and its blocks are a few rows."""
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    monkeypatch.setattr(blocks, "BLOCK", 1500)


def read(name: str, content: Grid | Blocks) -> Reading:
    delivery = Delivery(name, "0" * 64, "regional_operator", RECEIVED, content)
    return drained([delivery], Context(register=SCHOOLS, secret=b"test"))[0]


def both(name: str, data: bytes, folder: Path) -> tuple[Reading, Reading]:
    """The reading of the whole file and of its blocks, of which there are several."""
    path = folder / name
    path.write_bytes(data)
    opened = by_blocks(path) if name.endswith(".xlsx") else large_text(name, path)
    assert isinstance(opened, Blocks)
    return read(name, read_grid(name, data)), read(name, opened)


def by_blocks(path: Path) -> Blocks:
    """A workbook as its reader process writes it, in blocks of a few rows."""
    with tempfile.TemporaryFile() as written:
        table = write_table(path, written, block_rows=7)
        written.flush()
        assert table is not None
        return table_blocks(table, mmap.mmap(written.fileno(), 0, access=mmap.ACCESS_READ))


def assert_same(whole: Reading, by_blocks: Reading) -> None:
    assert (whole.verdict, whole.rows, whole.layout) == (by_blocks.verdict, by_blocks.rows, by_blocks.layout)
    assert whole.findings.rows() == by_blocks.findings.rows()
    assert_frame_equal(whole.findings, by_blocks.findings)
    assert_frame_equal(whole.raw_rows, by_blocks.raw_rows)
    assert_frame_equal(whole.facts, by_blocks.facts)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text(encoding: str, end: str, tmp_path: Path) -> None:
    data = end.join(LINES).encode(encoding)
    assert len(list(blocks.records(io.BytesIO(data)))) > 3
    whole, by_blocks = both("отчёт.csv", data, tmp_path)
    assert whole.rows.loaded == 45
    assert_same(whole, by_blocks)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    "change",
    [
        lambda lines: ["sep=;", *lines],
        lambda lines: [*lines[:20], lines[20].replace("Тестов", 'Тестов 12" экран'), *lines[21:]],
        lambda lines: [*lines[:20], lines[20].replace("Тестов", '"Тестов'), *lines[21:]],
        lambda lines: [line.replace(";", "\t") for line in lines],
        lambda lines: [*lines[:10], "", "", *lines[10:], "", ""],
        lambda lines: [*lines[:30], *(line.replace(";7;", ';"=""7""";') for line in lines[30:])],
    ],
    ids=["separator named", "quotation mark inside", "quotation mark left open", "tabs", "blank lines", "formulas"],
)
def test_odd_text(change: Callable[[list[str]], list[str]], tmp_path: Path) -> None:
    lines = [line for line in LINES if "; " not in line]
    whole, by_blocks = both("отчёт.csv", "\n".join(change(lines)).encode(), tmp_path)
    assert whole.rows.loaded > 30
    assert_same(whole, by_blocks)


@pytest.mark.usefixtures("small_blocks")
def test_of_many_rows_is_said_what_is_said_of_few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shuffled = [*LINES[:5], *LINES[5::3], *LINES[7::3], *LINES[6::3]]
    few = both("отчёт.csv", "\n".join(shuffled).encode(), tmp_path)
    for module in (parse, broken):
        monkeypatch.setattr(module, "MANY", 1)
    monkeypatch.setattr(parse, "FEW", 1.0)
    many = both("отчёт.csv", "\n".join(shuffled).encode(), tmp_path)
    for one, other in zip(few, many, strict=True):
        assert_same(one, other)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=8))
@example(['"', ';"x\ny";', ';;"x\ny";', ';";"x\ny";\n;"x\ny";;"x\ny";"\r\n;"x\ny";;"x\ny";'])
@example([';;"x\ny";', ';"x\ny";"', ';"x\ny";\n;";"x\ny";'])
def test_every_cell_of_any_text_is_at_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parts: list[str]
) -> None:
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    monkeypatch.setattr(blocks, "BLOCK", 100)
    data = "\n".join([*LINES[:4], *parts, *LINES[14:16]]).encode()
    path = tmp_path / "отчёт.csv"
    path.write_bytes(data)
    whole = read_grid(path.name, data)
    if "no separator" in whole.notes:  # more noise than table: both judge so
        with pytest.raises(Unreadable, match="no columns"):
            large_text(path.name, path)
        return
    opened = large_text(path.name, path)
    assert isinstance(opened, Blocks)
    width = max(map(len, opened.head.rows))
    expected = [[*row, *[None] * width][:width] for row in whole.sheets[0].rows]
    found = [row for frame in opened.frames(1) for row in frame.iter_rows()]
    assert [list(row[1:]) for row in found] == expected
    assert [row[0] for row in found] == [*range(1, len(found) + 1)]


@pytest.mark.usefixtures("small_blocks")
def test_workbook(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("Отчёт")
        for r, row in enumerate([["Дата формирования: 08.09.2023"], [], *(line.split(";") for line in LINES[2:4])]):
            for c, text in enumerate(row):
                sheet.write(r, c + 1, text.strip('"').replace('""', '"'))
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for r in range(5, 30):
            sheet.write_row(r, 1, ["Чаинский район", "МБОУ «Тестовая СОШ»", f"Тестов Иван-{r}"])
            sheet.write_datetime(r, 4, RECEIVED.replace(year=2010, day=r, hour=0, tzinfo=None), day)
            sheet.write_number(r, 5, 7 if r % 9 else 15)
            sheet.write_row(r, 6, ["Верифицирован", "Нет" if r % 5 else ""])
        sheet.write_formula(11, 5, "=A0", None, "#REF!")
        sheet.write_number(12, 5, 7.5)
    whole, by_blocks = both("отчёт.xlsx", out.getvalue(), tmp_path)
    assert whole.rows.loaded == 21
    assert_same(whole, by_blocks)


@pytest.mark.usefixtures("small_blocks")
def test_a_large_file_of_another_form_is_read_whole(tmp_path: Path) -> None:
    sheet = Sent("registration_plan").grid().sheets[0]
    rows = [[*row, None, None][:3] for row in sheet.rows]
    text = "\n".join(";".join("" if cell is None else str(cell) for cell in row) for row in rows)
    whole, by_blocks = both("план.csv", text.encode(), tmp_path)
    assert whole.rows.loaded == 21
    assert_same(whole, by_blocks)


@pytest.mark.parametrize(
    ("merged", "is_table"),
    [("A4:A33", False), ("A70:A71", False), ("A1:M1", True), ("B3:B4", True), ("A70:B70", True), (None, True)],
)
def test_a_workbook_whose_rows_are_merged_is_read_cell_by_cell(
    merged: str | None, is_table: bool, tmp_path: Path
) -> None:
    path = tmp_path / "отчёт.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for r in range(90):
            sheet.write_row(r, 0, ["а"] * 13)
        if merged:
            sheet.merge_range(merged, "б")
    with tempfile.TemporaryFile() as written:
        assert (write_table(path, written) is not None) == is_table


JOURNAL = "Код ОО;Наименование ОО;Класс;Дата занятия;Предмет;Тема занятия;Часов;Присутствовали"
LESSON = "700001;МБОУ «Тестовая СОШ»;7А;07.09.2023;РМГ;Познаю себя;1;24"


def lessons() -> list[str]:
    """A journal in which rows of one key stand beside each other, and far from each other."""
    classes = [f"{grade}{letter}" for grade in range(6, 12) for letter in "АБВ"]
    days = [f"{day:02}.09.2023" for day in range(1, 9)]
    good = [LESSON.replace("7А", name).replace("07.09.2023", day) for name in classes for day in days]
    odd = [
        LESSON.replace("7А", "7Г"),
        LESSON.replace("7А", "7Г"),
        ";;;;;;;",
        JOURNAL,
        LESSON.replace("7А", "5А"),
        LESSON.replace("РМГ", "Математика").replace("7А", "8Г"),
        LESSON.replace("07.09.2023", "31.08.2023"),
        LESSON.replace("700001", "700009").replace("МБОУ «Тестовая СОШ»", "Неведомая школа"),
        LESSON.replace("7А", "9Е").replace(";24", ";все"),
        'Итого;;;;;;"150";',
    ]
    return ["Журнал занятий на 08.09.2023;;;;;;;", JOURNAL, *good[:60], *odd, *good[60:], good[3], good[3], good[5]]


def journal_read(name: str, content: Grid | Blocks) -> Reading:
    delivery = Delivery(name, "0" * 64, "chainsky", RECEIVED, content)
    return drained([delivery], Context(register=SCHOOLS, secret=b"test"))[0]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1251"])
def test_an_export_of_facts(encoding: str, tmp_path: Path) -> None:
    """What is loaded apart, less what is taken back, is what is loaded of the file when it is read whole."""
    data = "\r\n".join(lessons()).encode(encoding)
    path = tmp_path / "журнал.csv"
    path.write_bytes(data)
    opened = large_text(path.name, path)
    assert isinstance(opened, Blocks)
    whole = journal_read(path.name, read_grid(path.name, data))
    (stream,) = interpret([Delivery(path.name, "0" * 64, "chainsky", RECEIVED, opened)], Context(SCHOOLS, b"test"))
    assert isinstance(stream, FactReading)
    yielded = list(stream)
    assert len(yielded) > 3
    by_blocks, key = stream.reading(), list(stream.form.key)
    gone = stream.taken_back()
    assert len(gone) == 2, "the first rows of the keys that came again"
    facts = pl.concat(yielded).join(gone, on=key, how="anti", nulls_equal=True)
    assert whole.verdict == "partial"
    assert_frame_equal(facts.sort(key), whole.facts.select(facts.columns).sort(key))
    assert by_blocks.rows == whole.rows
    order = ["row", "rule", "column"]
    told = [
        each.findings.drop("message", "value", "row_key").sort(order, nulls_last=True) for each in (by_blocks, whole)
    ]
    assert_frame_equal(*told)
    outcomes = [each.school_outcomes.with_columns(pl.col("rules").list.sort()) for each in (by_blocks, whole)]
    assert_frame_equal(*outcomes)
    assert by_blocks.apart is not None
    assert by_blocks.apart.named["school_id"].to_list() == [1]
    assert by_blocks.apart.months == set(whole.facts["held_on"].dt.truncate("1mo"))
    assert by_blocks.facts.is_empty()
