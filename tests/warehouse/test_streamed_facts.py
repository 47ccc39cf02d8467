"""An export of facts is loaded block by block: what is taken back is gone, and what fails leaves nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import polars as pl
import psycopg2
import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, VERSION, Stream, delivery, loaded, reading, school_ids, school_register

from contracts.reading import RAW_ROWS, Apart, Reading, Rows
from warehouse.core.frames import frame
from warehouse.deliveries.load import load_stream
from warehouse.watch.law import examined

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def school(engine: sa.Engine) -> int:
    """The id of a school of a loaded register."""
    loaded(engine, school_register({"asinovsky": 2}))
    return school_ids(engine)["asinovsky-1"]


def rows(engine: sa.Engine, sql: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return frame(connection, sql, {}).rows()


def lessons(school: int, *days: int) -> pl.DataFrame:
    """Facts of a journal: lessons of a class on days of September."""
    dates = [dt.date(2023, 9, day) for day in days]
    return pl.DataFrame({"school_id": [school] * len(days), "grade": 7, "letter": "А", "held_on": dates}).with_columns(
        theme=pl.lit('Тема; "первая"\nи вторая'), hours=pl.lit(1.5), present=20, absent=pl.lit(None, pl.Int64)
    )


@dataclass
class Journal(Stream):
    """A journal in the making, of which some facts are taken back."""

    gone: pl.DataFrame = field(default_factory=pl.DataFrame)

    def taken_back(self) -> pl.DataFrame:
        return self.gone


def journal(school: int, rows_loaded: int, **changes: Any) -> Reading:
    made = reading("lesson_journal", "asinovsky", pl.DataFrame(), as_of=DAY, slice="lesson_journal/asinovsky/2023")
    named = Apart(pl.DataFrame({"school_id": [school]}))
    return replace(made, rows=Rows(rows_loaded, rows_loaded, 0, 0), apart=named, **changes)


def test_facts_are_loaded_while_they_are_read(engine: sa.Engine, school: int) -> None:
    kept = """
        SELECT extract(day FROM held_on)::integer, hours::float8, theme FROM core.lesson_journal_fact
        ORDER BY reading_id, held_on
    """
    twice = lessons(school, 12).select("school_id", "grade", "letter", "held_on")
    stream = Journal([lessons(school, 5, 6), lessons(school, 12)], journal(school, 2), gone=twice)
    first = load_stream(engine, stream, delivery(engine), VERSION)
    assert (first.status, first.reading.rows.loaded) == ("current", 2)
    assert rows(engine, kept) == [(day, 1.5, 'Тема; "первая"\nи вторая') for day in (5, 6)]
    refused = journal(school, 0, verdict="refused", slice=None)
    load_stream(engine, Journal([lessons(school, 7)], refused), delivery(engine, NOON + HOUR), VERSION)
    assert [row[0] for row in rows(engine, kept)] == [5, 6], "of a refused one nothing stays"
    fewer = Journal([lessons(school, 5)], journal(school, 1))
    assert load_stream(engine, fewer, delivery(engine, NOON + 2 * HOUR), VERSION).status == "held"
    more = Journal([lessons(school, 5, 6, 7)], journal(school, 3))
    last = load_stream(engine, more, delivery(engine, NOON + 3 * HOUR), VERSION)
    assert (last.status, last.superseded) == ("current", first.reading_id)


def test_a_journal_of_a_later_month_alone_is_held(engine: sa.Engine, school: int) -> None:
    def sent(hours: int, *months: int) -> str:
        blocks = [lessons(school, 5, 12, 19, 26).with_columns(pl.col("held_on").dt.offset_by(f"{n}mo")) for n in months]
        told = frozenset(day for block in blocks for day in block["held_on"].dt.truncate("1mo"))
        made = journal(school, 4 * len(months), as_of=dt.date(2023, 10, 31))
        made = replace(made, apart=Apart(pl.DataFrame({"school_id": [school]}), told))
        result = load_stream(engine, Journal(blocks, made), delivery(engine, NOON + hours * HOUR), VERSION)
        return f"{result.status}: {'; '.join(result.history['message'])}"

    assert sent(0, 0) == "current: "
    alone = sent(1, 1)
    assert alone.startswith("held: ") and "нет ни одной строки за 09.2023 (было строк: 4)" in alone
    assert sent(2, 0, 1) == "current: "


def test_the_digest_tells_facts_that_were_loaded_apart(engine: sa.Engine, school: int) -> None:
    digests = "SELECT count(DISTINCT digest) FROM ops.reading WHERE form = 'lesson_journal'"
    for turn, days in enumerate(((5, 6), (5, 7))):
        load_stream(
            engine, Journal([lessons(school, *days)], journal(school, 2)), delivery(engine, NOON + turn * HOUR), VERSION
        )
    assert rows(engine, digests) == [(2,)]
    found = rows(engine, "SELECT status FROM ops.reading WHERE form = 'lesson_journal' ORDER BY reading_id")
    assert found == [("superseded",), ("current",)]


def test_the_digest_is_of_what_was_read_and_knows_no_number(engine: sa.Engine, school: int) -> None:
    blocks = [lessons(school, 5).with_columns(theme=pl.lit("Тема \0первая")), lessons(school, 6)]
    made = load_stream(engine, Journal(blocks, journal(school, 2)), delivery(engine), VERSION)
    first, second = 'Тема первая",1.5,20,\n', 'Тема; ""первая""\nи вторая",1.5,20,\n'
    sent = f'{school},7,"А","2023-09-05",,"{first}{school},7,"А","2023-09-06",,"{second}'
    assert made.reading.apart is not None
    assert made.reading.apart.digest == sha256(sent.encode()).hexdigest(), "digests are kept: their text never changes"
    kept = f"SELECT theme FROM core.lesson_journal_fact WHERE reading_id = {made.reading_id} ORDER BY held_on"
    assert rows(engine, kept) == [("Тема первая",), ('Тема; "первая"\nи вторая',)]


def test_facts_of_a_stream_that_fails_leave_nothing(engine: sa.Engine, school: int) -> None:
    with pytest.raises(RuntimeError, match="the stream broke"):
        blocks = [lessons(school, day) for day in range(1, 9)]
        load_stream(engine, Journal(blocks, journal(school, 8), fails_after=5), delivery(engine), VERSION)
    again = Journal([lessons(school, 5), lessons(school, 5)], journal(school, 2))
    with pytest.raises(psycopg2.errors.UniqueViolation):
        load_stream(engine, again, delivery(engine, NOON + HOUR), VERSION)
    assert rows(engine, "SELECT count(*) FROM core.lesson_journal_fact") == [(0,)]


def test_of_a_large_file_rows_that_were_set_aside_are_kept(engine: sa.Engine, school: int) -> None:
    aside = pl.DataFrame([("Журнал", 9, "quarantined", ["700001"])], schema=RAW_ROWS, orient="row")
    made = replace(journal(school, 2), rows=Rows(4, 2, 1, 1), raw_rows=aside, verdict="partial")
    load_stream(engine, Journal([lessons(school, 5, 6)], made), delivery(engine), VERSION)
    with engine.connect() as connection:
        assert [law.name for law in examined(connection) if law.times] == []
