"""Pupils of exports are kept as what changed, and are those of a copy a night: random histories against that model.

Exports come late, are sent again, corrected, refused, held; some are destroyed. `PROFMIN_HISTORIES` says how many
histories are lived.

Slow: each history has its warehouse's series, and each of its readings is compared after each step.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import NOON, OF_EXPORT, VERSION, Stream, delivery, export, loaded, refused, school_ids, school_register

from contracts.pseudonym import rewrapped
from contracts.reading import Rows, kept
from warehouse.core.slices import Timeout, holding
from warehouse.core.transaction import begun
from warehouse.deliveries import known_pupils, pupil_series
from warehouse.deliveries.load import load_stream
from warehouse.deliveries.pupil_series import GROUPS, forget, group_of, series_of
from warehouse.schema import keys
from warehouse.watch.destruction import pupil_rows, record
from warehouse.watch.law import examined

HISTORIES = int(os.environ.get("PROFMIN_HISTORIES", "6"))
STEPS = 12
FIRST = dt.date(2023, 9, 4)
HOUR = dt.timedelta(hours=1)
WAIT = dt.timedelta(seconds=20)
OF = """
SELECT r.reading_id, p.pupil_key, p.school_id, p.grade, p.state, p.diagnostics
FROM restricted.pupil_reading r, restricted.pupils_of(r.reading_id) p
"""
SIZES = """
SELECT pg_relation_size(inhrelid) FROM pg_inherits WHERE inhparent = 'restricted.pupil_version'::regclass
"""
Bag = Counter[tuple[object, ...]]


@pytest.fixture
def schools(engine: sa.Engine) -> list[int]:
    loaded(engine, school_register({"asinovsky": 3, "chainsky": 2}))
    return list(school_ids(engine).values())


def block(random: Random, schools: list[int], pupils: dict[int, int]) -> pl.DataFrame:
    """Rows of pupils by what each of them is now; some of them stand twice."""
    told = [
        (pupil, state) for pupil, state in pupils.items() for _ in range(1 + (pupil % 7 == 0) * random.randint(0, 2))
    ]
    random.shuffle(told)
    rows = [
        {
            "row": place, "pupil_key": hashlib.sha256(str(pupil).encode()).digest()[:16],
            "school_id": schools[(pupil + state) % len(schools)], "grade": 6 + pupil % 6, "state": 1 + state % 3,
            "line": pupil * 1000 + state, "namesake": pupil, "is_whole": True, "is_clean": True,
            **dict.fromkeys(OF_EXPORT.counters, state or None),
        }
        for place, (pupil, state) in enumerate(told)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=kept(OF_EXPORT))


def bag(frame: pl.DataFrame) -> Bag:
    return Counter(frame.select("pupil_key", "school_id", "grade", "state", "diagnostics").rows())


def held(engine: sa.Engine) -> dict[int, Bag]:
    found: dict[int, Bag] = {}
    with engine.connect() as connection:
        for reading_id, key, *rest in connection.execute(sa.text(OF)):
            found.setdefault(reading_id, Counter())[(bytes(key), *rest)] += 1
    return found


def history(random: Random, engine: sa.Engine, schools: list[int]) -> Iterator[dict[int, Bag]]:
    """Live one, and tell after each step which copies there would be."""
    copies: dict[int, Bag] = {}
    deliveries: dict[int, int] = {}
    pupils, numbers, sent = dict.fromkeys(range(30), 0), count(100), []
    for step in range(STEPS):
        event = random.choice(["night"] * 5 + ["late", "again", "refused", "other year", "dropped", "destroyed"])
        day = FIRST + dt.timedelta(days=step + 10)
        if event in ("dropped", "destroyed") and copies:
            gone = random.choice(list(copies))
            if event == "dropped":
                with engine.connect() as connection, begun(connection):
                    forget(connection, [gone])
            else:
                with engine.connect() as connection:
                    told = pupil_rows(connection, [deliveries[gone]])
                assert told == {deliveries[gone]: copies[gone].total()}
                record(engine, [deliveries[gone]], "Проверка", NOON + step * HOUR, WAIT, None)
            del copies[gone]
        else:
            for pupil in random.sample(sorted(pupils), min(4, len(pupils))):
                if random.random() < 0.4:
                    del pupils[pupil]
                else:
                    pupils[pupil] = random.randint(0, 4)
            pupils |= {next(numbers): 0 for _ in range(random.randint(0, 3))}
            if event == "late":
                day = FIRST + dt.timedelta(days=random.randint(0, step + 9))
            elif event == "other year":
                day -= dt.timedelta(days=400)
            rows = random.choice(sent) if event == "again" and sent else block(random, schools, pupils)
            sent.append(rows)
            cut = random.randint(0, len(rows))
            made = export(school_ids(engine), {"asinovsky-1": len(rows)}, as_of=day)
            made = replace(made, rows=Rows(len(rows) + 1, len(rows), 0, 1), sha256=f"{step:064d}")
            if event == "refused":
                made = replace(refused("registration_export", "regional_operator"), as_of=day)
            number = delivery(engine, NOON + step * HOUR)
            result = load_stream(engine, Stream([rows[:cut], rows[cut:]], made), number, VERSION)
            if result.reading.verdict != "refused" and result.status != "same":
                copies[result.reading_id] = bag(rows)
                deliveries[result.reading_id] = number
        yield copies


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_each_reading_has_the_rows_of_its_copy(engine: sa.Engine, schools: list[int], seed: int) -> None:
    for step, copies in enumerate(history(Random(seed), engine, schools)):
        assert held(engine) == {reading: rows for reading, rows in copies.items() if rows}, step
        with engine.connect() as connection:
            wrong = {law.name for law in examined(connection) if law.times}
        assert not wrong & {"pupils_have_a_reading", "rows_balance"}, step


def test_what_no_reading_has_is_gone_from_its_pages(engine: sa.Engine, schools: list[int]) -> None:
    *_, last = history(Random(0), engine, schools)
    assert last
    with engine.connect() as connection, begun(connection):
        forget(connection, list(connection.scalars(sa.text("SELECT reading_id FROM restricted.pupil_reading"))))
    with engine.connect() as connection:
        sizes = connection.scalars(sa.text(SIZES))
        assert set(sizes) == {0}


def test_one_loads_pupils_of_a_sender_at_a_time(engine: sa.Engine, schools: list[int]) -> None:
    rows = block(Random(1), schools, dict.fromkeys(range(20), 0))
    made = export(school_ids(engine), {"asinovsky-1": len(rows)})
    with (
        holding(engine, ["pupils of registration_export/regional_operator/2023"]),
        pytest.raises(Timeout, match="for pupils of registration_export/regional_operator/2023"),
    ):
        load_stream(engine, Stream([rows], made), delivery(engine), VERSION, wait=dt.timedelta(seconds=0.2))
    assert held(engine) == {}


def test_rows_of_the_export_before_lie_where_they_are_told_to(
    engine: sa.Engine, schools: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the system may be small, or lie in memory: here it is none at all."""
    rows = block(Random(1), schools, dict.fromkeys(range(20), 0))
    made = export(school_ids(engine), {"asinovsky-1": len(rows)})
    first = load_stream(engine, Stream([rows], made), delivery(engine), VERSION)
    next_day = replace(made, as_of=FIRST + dt.timedelta(days=1), sha256="2" * 64)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    number = delivery(engine, NOON + HOUR)
    with pytest.raises(FileNotFoundError):
        load_stream(engine, Stream([rows], next_day), number, VERSION)
    second = load_stream(engine, Stream([rows], next_day), number, VERSION, aside=tmp_path)
    assert held(engine) == {first.reading_id: bag(rows), second.reading_id: bag(rows)}
    assert list(tmp_path.iterdir()) == []


def test_rows_are_closed_by_slices_and_a_whole_series_at_once(
    engine: sa.Engine, schools: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_pupils, "SLICE_ROWS", 4)
    named: list[int] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(_0: object, _1: object, statement: str, asked: dict[str, list[str]], _2: object, _3: object) -> None:
        if "AS tid[]" in statement:
            named.append(len(asked["rows"]))

    pupils, copies = dict.fromkeys(range(1, 7), 0) | dict.fromkeys(range(8, 13), 0), {}
    for step, changed in enumerate(([], range(8, 13), range(1, 13))):
        pupils |= {pupil: step for pupil in changed if pupil in pupils}
        rows = block(Random(step), schools, pupils)
        made = export(school_ids(engine), {"asinovsky-1": len(rows)}, as_of=FIRST + dt.timedelta(days=step))
        result = load_stream(engine, Stream([rows], made), delivery(engine, NOON + step * HOUR), VERSION)
        copies[result.reading_id] = bag(rows)
    assert held(engine) == copies
    assert named == [4, 1]


def test_the_first_export_of_a_year_holds_up_no_other(
    engine: sa.Engine, schools: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its own group of regions, whose partition it makes, or of another one."""
    rows = block(Random(1), schools, dict.fromkeys(range(20), 0))
    made = export(school_ids(engine), {"asinovsky-1": len(rows)}, as_of=FIRST)
    with engine.connect() as first, first.begin():
        assert series_of(first, Stream([rows], made)) is not None
        for place in (0, 1):
            group = (group_of("69") + place) % GROUPS
            monkeypatch.setattr(pupil_series, "group_of", lambda _, group=group: group)
            other = replace(made, sender="asinovsky", as_of=FIRST)
            with engine.connect() as second, second.begin() as transaction:
                assert series_of(second, Stream([rows], other), dt.timedelta(seconds=1)) is not None
                transaction.rollback()


def test_a_reader_does_not_wait_for_a_partition(engine: sa.Engine, schools: list[int]) -> None:
    """Nor does a load wait for a reader: of an academic year the first export makes one."""
    rows = block(Random(1), schools, dict.fromkeys(range(20), 0))
    for day in (FIRST, FIRST - dt.timedelta(days=400)):
        with engine.connect() as reader:
            reader.execute(sa.text("SET lock_timeout = '2s'"))
            before = reader.scalar(sa.text("SELECT count(*) FROM restricted.pupil_version"))
            made = export(school_ids(engine), {"asinovsky-1": len(rows)}, as_of=day)
            load_stream(engine, Stream([rows], made), delivery(engine), VERSION, wait=WAIT)
            now = reader.scalar(sa.text("SELECT count(*) FROM restricted.pupil_version"))
            assert (before or 0) + len(rows) == now
    assert len(held(engine)) == 2


def test_a_pseudonym_of_several_versions_is_wrapped_once(engine: sa.Engine, schools: list[int]) -> None:
    pupils = dict.fromkeys(range(20), 0)
    for step in range(3):
        rows = block(Random(step), schools, {pupil: step * (pupil % 2) for pupil in pupils})
        made = export(school_ids(engine), {"asinovsky-1": len(rows)}, as_of=FIRST + dt.timedelta(days=step))
        load_stream(engine, Stream([rows], made), delivery(engine, NOON + step * HOUR), VERSION)
    before = held(engine)
    with engine.begin() as connection:
        assert keys._rewrap(connection, 2023, lambda each: rewrapped(each, b"", b"k" * 32)) == len(pupils)
    after = held(engine)
    assert after.keys() == before.keys() and len(after) == 3
    for reading_id, rows_of in before.items():
        wrapped = Counter({(rewrapped(key, b"", b"k" * 32), *rest): n for (key, *rest), n in rows_of.items()})
        assert after[reading_id] == wrapped
