"""Exports read by what changed give the warehouse that a whole copy a night gives: two are lived side by side.

Random nights of real files: late, sent again, corrected, of another register, with rows that come, go, stand twice and
are wrong. Readings are equal by their digests, which are of all that a reading tells, every mart is equal row by row,
as it is and as it was known. `PROFMIN_HISTORIES` says how many histories are lived.

Slow: each night is loaded and published twice.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from hand_made import NOON, VERSION, delivery, load_many, loaded, plan, school_register

from contracts.grid import Blocks
from contracts.known_rows import KnownRows
from documents.reading import blocks
from documents.reading.blocks import large_text
from transforms.identity.identify import Context, Delivery
from transforms.interpret import interpret
from transforms.pupils import PupilReading
from warehouse.deliveries.load import load_stream, record_arrival
from warehouse.marts.definitions import marts
from warehouse.marts.publication import publish
from warehouse.marts.published import register
from warehouse.schema.upgrade import connect
from warehouse.watch.law import examined

HISTORIES = int(os.environ.get("PROFMIN_HISTORIES", "2"))
NIGHTS = 5
FIRST = dt.date(2023, 9, 4)
HOUR = dt.timedelta(hours=1)
HEADING = "Муниципалитет;Образовательная организация;ФИО;Дата рождения;Класс;Дата архивации;Дата последнего входа"
SAID = "SELECT digest, facts_digest, status, verdict, rows_loaded, slice FROM ops.reading ORDER BY reading_id"
MOMENTS = """
SELECT string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
WHERE a.attrelid = to_regclass(:mart) AND a.attnum > 0 AND a.atttypid <> 'timestamptz'::regtype
"""


class Copy(PupilReading):
    """An export of which nothing is known: each row is understood, and kept anew."""

    def since(self, known: KnownRows) -> None:
        pass


@pytest.fixture
def copies(databases: Any) -> Iterator[sa.Engine]:
    """The warehouse of whole copies."""
    with databases.fresh() as url:
        made = connect(url)
        yield made
        made.dispose()


def line(random: Random, number: int) -> str:
    unit, school = random.choice([("Асиновский район", 1), ("Асиновский", 2), ("Чаинский район", 1)])
    slug = "asinovsky" if unit.startswith("А") else "chainsky"
    name = random.choice([f"Школа {slug}-{school}", f"школа  {slug}-{school}", f"Школа {slug}-{school}"])
    born = random.choice(["12.03.2010", "05.11.2009", "", "01.01.1999"])
    grade = random.choice(["7", "8", "9 класс"] * 8 + ["15"])
    archived = random.choice(["Нет", "Нет", "01.06.2023"] * 5 + ["06.09.2023"])
    seen = random.choice(["", "04.09.2023", "06.09.2023", "08.09.2023"])
    return f"{unit};{name};Тестов Пример-{number};{born};{grade};{archived};{seen}"


def night(
    engine: sa.Engine, kind: type[PupilReading], lines: Sequence[str], day: dt.date, step: int, path: Path
) -> None:
    path.write_text("\n".join([f"Дата формирования: {day:%d.%m.%Y};;;;;;", HEADING, *lines, ""]), encoding="utf-8")
    with engine.connect() as connection:
        context = Context(register(connection, "69", day), b"secret" * 8)
    came = NOON + step * HOUR
    content = large_text(path.name, path)
    assert isinstance(content, Blocks)
    sha256 = f"{hash((day, *lines)) & (1 << 60) - 1:064x}"
    (made,) = interpret([Delivery(path.name, sha256, "regional_operator", came, content)], context)
    assert isinstance(made, PupilReading)
    with engine.begin() as connection:
        number, _ = record_arrival(connection, sha256, path.name, path.stat().st_size, came, path.name)
    load_stream(engine, kind(made.delivery, context), number, VERSION)


def warehouse(engine: sa.Engine, dates: Sequence[dt.date]) -> dict[object, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        found: dict[object, list[tuple[object, ...]]] = {
            "said": [tuple(row) for row in connection.execute(sa.text(SAID))]
        }
        moments = connection.scalars(sa.text("SELECT DISTINCT published_at FROM ops.publication ORDER BY 1")).all()
        for mart in marts():
            columns = connection.scalar(sa.text(MOMENTS), {"mart": mart.relation})
            for place, moment in enumerate(moments):
                for day in dates:
                    statement = f"SELECT row({columns})::text FROM {mart.relation}_as_known(:day, :moment) ORDER BY 1"
                    asked = {"day": day, "moment": moment}
                    found[mart.name, place, day] = [tuple(row) for row in connection.execute(sa.text(statement), asked)]
    return found


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_changed_says_what_copies_say(
    engine: sa.Engine, copies: sa.Engine, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LARGE_TEXT", 0)
    monkeypatch.setattr(blocks, "BLOCK", 2500)
    random, dates = Random(seed), [FIRST]
    for each in (engine, copies):
        loaded(each, school_register({"asinovsky": 3, "chainsky": 2}, as_of=FIRST))
        load_many(each, [(plan({"asinovsky": 100, "chainsky": 50}, as_of=FIRST), delivery(each))], VERSION)
    lines = [line(random, number) for number in range(60)]
    for step in range(NIGHTS):
        for place in sorted(random.sample(range(len(lines)), 4), reverse=True):
            lines.pop(place)
        for number in range(random.randint(2, 6)):
            lines.insert(random.randint(0, len(lines)), line(random, 100 * step + number))
        lines.insert(random.randint(0, len(lines)), random.choice(lines))
        day = FIRST + dt.timedelta(days=random.choice([step, step, step, random.randint(0, 4)]))
        dates = sorted({*dates, day})
        if step == NIGHTS - 2:
            for each in (engine, copies):
                changed = school_register({"asinovsky": 4, "chainsky": 1}, as_of=day)
                load_many(each, [(changed, delivery(each, NOON + step * HOUR))], VERSION)
        for each, kind in ((engine, PupilReading), (copies, Copy)):
            night(each, kind, lines, day, step, tmp_path / "выгрузка.csv")
            publish(each, "69", [day])
    said = warehouse(engine, dates)
    assert said == warehouse(copies, dates)
    assert sum(map(len, said.values())) > 100
    assert len([row for row in said["said"] if str(row[5]).startswith("registration_export")]) > 2
    with engine.connect() as connection:
        assert [law.name for law in examined(connection) if law.times and "pupil" in law.name] == []
        kept, read = connection.execute(
            sa.text("SELECT (SELECT count(*) FROM restricted.pupil_version), (SELECT sum(rows_loaded) FROM ops.reading"
                    " WHERE form = 'registration_export' AND slice IS NOT NULL)")
        ).one()  # fmt: skip
        assert kept < read / 2
