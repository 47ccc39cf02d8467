"""An export of which the one before is known gives the reading that it gives alone, and the rows that differ.

Slow: many nights of random exports, each read twice.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from example import RECEIVED, SCHOOLS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from contracts.grid import Blocks
from contracts.known_rows import KnownRows
from contracts.reading import PupilStream, Reading
from documents.reading import blocks
from documents.reading.blocks import large_text
from transforms.identity.identify import Context, Delivery
from transforms.interpret import interpret
from transforms.pupils import PupilReading

HEADING = (
    "Муниципалитет;Образовательная организация;ФИО;Дата рождения;Класс;Буква класса;Статус верификации;"
    "Дата последнего входа на платформу;Дата архивации;Количество пройденных диагностик (за календарный год)"
)
ROW = st.tuples(
    st.sampled_from(["Чаинский район", "Чаинский", "Чаинская волость", "Город Томск", "Муниципалитет"]),
    st.sampled_from(["МБОУ «Тестовая СОШ»", "мбоу тестовая  СОШ", "Нет такой", "МАОУ гимназия № 1", ""]),
    st.sampled_from(["Тестов Иван", "тестов  иван", "Тестова Анна", "Примеров Пётр", "Макетов Захар", ""]),
    st.sampled_from(["12.03.2010", "05.11.2009", "01.01.1900", "", "2010-03-12", "завтра", "01.01.2000"]),
    st.sampled_from(["7", "8А", "9", "15", "", "7 класс", "11"]),
    st.sampled_from(["А", "Б", ""]),
    st.sampled_from(["Верифицирован", "Не верифицирован", "верифицирован ", "", "да", "Верифицирован полностью"]),
    st.sampled_from(["", "07.09.2023", "08.09.2023", "09.09.2023", "10.09.2023", "нет"]),
    st.sampled_from(["Нет", "нет", "", "01.06.2023", "09.09.2023"]),
    st.sampled_from(["", "0", "3", "-1", "20000"]),
).map(";".join)
GOOD = [
    f"Чаинский район;МБОУ «Тестовая СОШ»;Образцов Пример-{number};12.03.2010;7;А;Верифицирован;07.09.2023;Нет;{number}"
    for number in range(24)
]
DAYS = [dt.date(2023, 9, day) for day in (7, 8, 9, 10)]
CONTEXTS = [Context(register=SCHOOLS, secret=b"test"), Context(register=SCHOOLS.head(1), secret=b"test")]


def stream(lines: Sequence[str], day: dt.date, context: Context, folder: Path) -> PupilReading:
    path = folder / "выгрузка.csv"
    rows = ["Сводный отчёт по ученикам;;;;;;;;;", f"Дата формирования: {day:%d.%m.%Y};;;;;;;;;", HEADING, *lines]
    path.write_text("\n".join([*rows, ""]), encoding="utf-8")
    content = large_text(path.name, path)
    assert isinstance(content, Blocks)
    (made,) = interpret([Delivery(path.name, "0" * 64, "regional_operator", RECEIVED, content)], context)
    assert isinstance(made, PupilReading)
    assert isinstance(made, PupilStream)
    return made


def taken(made: PupilReading) -> tuple[pl.DataFrame, Reading]:
    """The rows that came, and the whole."""
    came = [pl.DataFrame(schema=made.kept), *made]
    return pl.concat(came), made.reading()


def known(rows: pl.DataFrame, *, is_trusted: bool) -> KnownRows:
    order = rows["line"].arg_sort()
    return KnownRows(
        rows["line"].gather(order).set_sorted(), order.cast(pl.UInt32), rows["is_clean"].gather(order),
        lambda places: rows[places], is_trusted=is_trusted,
    )  # fmt: skip


def bag(rows: pl.DataFrame) -> Counter[tuple[object, ...]]:
    return Counter(rows.drop("row", "is_clean").rows())


def same(found: Reading, wanted: Reading) -> None:
    for name in ("findings", "raw_rows", "facts"):
        assert_frame_equal(getattr(found, name), getattr(wanted, name))
    for name in ("rows", "verdict", "layout", "slice"):
        assert getattr(found, name) == getattr(wanted, name)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large, and its blocks are a few rows."""
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    monkeypatch.setattr(blocks, "BLOCK", 3000)


@st.composite
def nights(draw: st.DrawFn) -> list[tuple[list[str], dt.date, int]]:
    """Exports that follow one another: lines go, come, come twice and change their order."""
    lines, told = [*GOOD, *draw(st.lists(ROW, max_size=12))], []
    for _ in range(draw(st.integers(2, 4))):
        gone = draw(st.sets(st.integers(0, len(lines) - 1), max_size=6))
        lines = [line for place, line in enumerate(lines) if place not in gone]
        again = draw(st.lists(st.sampled_from(lines), max_size=3))
        come = [*again, *draw(st.lists(ROW, max_size=5))]
        for line in come:
            lines.insert(draw(st.integers(0, len(lines))), line)
        told.append((list(lines), draw(st.sampled_from(DAYS)), draw(st.sampled_from([0, 0, 0, 1]))))
    return told


@given(nights())
@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@pytest.mark.usefixtures("small_blocks")
def test_a_reading_by_difference_is_the_reading_of_the_whole(told: list[tuple[list[str], dt.date, int]]) -> None:
    holds: pl.DataFrame | None = None
    before: tuple[str, dt.date] | None = None
    with tempfile.TemporaryDirectory() as folder:
        for lines, day, context in told:
            alone, wanted = taken(stream(lines, day, CONTEXTS[context], Path(folder)))
            if holds is None:
                holds, before = alone, (stream(lines, day, CONTEXTS[context], Path(folder)).circumstances(), day)
                continue
            following = stream(lines, day, CONTEXTS[context], Path(folder))
            assert before
            trusted = before[0] == following.circumstances() and before[1] <= day
            base = known(holds, is_trusted=trusted)
            following.since(base)
            came, found = taken(following)
            same(found, wanted)
            gone, again = base.difference(following.unchanged())
            stay = holds.with_row_index("place").filter(~pl.col("place").is_in(gone.implode())).drop("place")
            more = base.rows(again).select(*holds.columns)
            holds = pl.concat([stay, came, more])
            assert bag(holds) == bag(alone)
            before = (following.circumstances(), day)


@pytest.mark.usefixtures("small_blocks")
def test_only_what_differs_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, _ = taken(stream(GOOD, DAYS[0], CONTEXTS[0], tmp_path))
    following = stream([GOOD[0].replace(";7;", ";8;"), *GOOD[2:], GOOD[5]], DAYS[1], CONTEXTS[0], tmp_path)
    base = known(alone, is_trusted=True)
    following.since(base)
    checked: list[int] = []
    part = PupilReading.part
    monkeypatch.setattr(PupilReading, "part", lambda self, *a: (checked.append(len(a[1])), part(self, *a))[1])
    came, found = taken(following)
    gone, again = base.difference(following.unchanged())
    assert (found.rows.loaded, len(came), len(gone), len(again)) == (24, 1, 2, 1)
    assert sum(checked) < 12, "the first rows of each text in a block, and the one that is new"


@pytest.mark.usefixtures("small_blocks")
def test_a_text_that_stands_first_in_no_row_of_data_is_told_of_at_the_next(tmp_path: Path) -> None:
    """A heading that is printed again says it first, and nothing is told of a heading."""
    tailed = GOOD[0].replace("Верифицирован", "Верифицирован полностью")
    heading = "Муниципалитет;Нет такой;Примеров Пётр;12.03.2010;9;;Верифицирован полностью;08.09.2023;;0"
    alone, _ = taken(stream([*GOOD[1:4], tailed], DAYS[0], CONTEXTS[0], tmp_path))
    lines = [heading, *GOOD[1:4], tailed]
    following = stream(lines, DAYS[1], CONTEXTS[0], tmp_path)
    following.since(known(alone, is_trusted=True))
    _, found = taken(following)
    assert (found.rows.loaded, found.findings.filter(rule="COM-107")["row"].to_list()) == (4, [8])
    same(found, taken(stream(lines, DAYS[1], CONTEXTS[0], tmp_path))[1])
