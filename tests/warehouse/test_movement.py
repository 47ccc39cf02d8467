"""Where registered pupils went between two exports: random histories against a model in plain Python.

Exports come late, are corrected, sent with rows in another order, taken back, destroyed; a pupil may stand on several
rows. `PROFMIN_HISTORIES` says how many histories are lived.

Slow: each step of a history loads an export and builds the marts of two days.
"""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import (
    NOON,
    OF_EXPORT,
    VERSION,
    Stream,
    built,
    delivery,
    loaded,
    reading,
    school_ids,
    school_register,
    taken_back,
)

from contracts.reading import Rows, kept
from warehouse.core.transaction import begun
from warehouse.deliveries.load import load_stream
from warehouse.deliveries.pupil_series import forget
from warehouse.incidents.condition import conditions, find
from warehouse.marts.publication import publish
from warehouse.marts.pupil_flow import compare

HISTORIES = int(os.environ.get("PROFMIN_HISTORIES", "2"))
STEPS = 7
FIRST = dt.date(2023, 9, 4)
HOUR = dt.timedelta(hours=1)
COUNTED, UNVERIFIED, ARCHIVED = 1, 2, 3
Row = tuple[int, int, int, int]
"""Pupil, school, grade, state."""
Cell = tuple[int, int]
Counts = dict[str, Counter[Cell]]
ASIDE = ("registration_movement", "registration_movement_by_unit", "registration_by_municipality")
CAME = ("came", "verified", "restored", "moved_in", "grade_in")
WENT = ("left", "archived", "unverified", "moved_out", "grade_out")
CHECKS = ("movement_balances", "movement_is_of_its_figures", "recounted_pupils_stay")


@pytest.fixture
def schools(engine: sa.Engine) -> dict[int, str]:
    """School → its unit."""
    loaded(engine, school_register({"asinovsky": 2, "chainsky": 2}))
    return {number: code.split("-")[0] for code, number in school_ids(engine).items()}


def sent(engine: sa.Engine, rows: Sequence[Row], day: dt.date, step: int) -> int | None:
    """Load an export of these rows in this order; its reading, or None when it does not count."""
    frame = pl.DataFrame(
        [
            {
                "row": place, "pupil_key": hashlib.sha256(str(pupil).encode()).digest()[:16], "school_id": school,
                "grade": grade, "state": state, "line": hash((pupil, school, grade, state)), "namesake": pupil,
                "is_whole": True, "is_clean": True, **dict.fromkeys(OF_EXPORT.counters),
            }
            for place, (pupil, school, grade, state) in enumerate(rows)
        ],
        schema=kept(OF_EXPORT),
    )  # fmt: skip
    cells = Counter((school, grade, state) for school, grade, state in once(rows).values())
    facts = pl.DataFrame(
        [
            {"school_id": school, "grade": grade, "actual_pupils": cells[school, grade, COUNTED],
             "unverified_pupils": cells[school, grade, UNVERIFIED], "archived_pupils": cells[school, grade, ARCHIVED]}
            for school, grade in sorted({(school, grade) for school, grade, _ in cells})
        ]
    )  # fmt: skip
    made = reading("registration_export", "regional_operator", facts, as_of=day, sha256=f"{step:064d}")
    made = replace(made, rows=Rows(len(rows) + 1, len(rows), 0, 1))
    result = load_stream(engine, Stream([frame], made), delivery(engine, NOON + step * HOUR), VERSION)
    return result.reading_id if result.status == "current" else None


def once(rows: Sequence[Row]) -> dict[int, tuple[int, int, int]]:
    """Pupil → school, grade and state by which he counts."""
    best: dict[int, tuple[int, int, int]] = {}
    for pupil, school, grade, state in rows:
        now = (state, school, grade)
        best[pupil] = min(best.get(pupil, now), now)
    return {pupil: (school, grade, state) for pupil, (state, school, grade) in best.items()}


@dataclass
class Model:
    """What the warehouse was told, and which exports count."""

    rows: dict[int, list[Row]] = field(default_factory=dict)
    counts: dict[dt.date, list[int]] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)
    compared: set[tuple[int, int]] = field(default_factory=set)

    def pair(self, day: dt.date) -> tuple[int | None, int | None, dt.date | None]:
        """The export of a day, the one before it, and its date."""
        days = [each for each, readings in self.counts.items() if readings and same_year(each, day) and each < day]
        now = self.counts.get(day) or [None]
        before = max(days, default=None)
        return now[-1], self.counts[before][-1] if before else None, before

    def movement(self, day: dt.date) -> tuple[str, dt.date | None, Counts]:
        now, before, before_day = self.pair(day)
        if now is None:
            return ("gap" if before else "no_export"), None, {}
        if before is None:
            return "first", None, {}
        if (now, before) not in self.compared and not {now, before} <= self.kept:
            return "not_kept", before_day, {}
        self.compared.add((now, before))
        return "compared", before_day, moved(once(self.rows[before]), once(self.rows[now]))


def same_year(day: dt.date, other: dt.date) -> bool:
    return (day - dt.timedelta(days=243)).year == (other - dt.timedelta(days=243)).year


def moved(was: Mapping[int, tuple[int, int, int]], now: Mapping[int, tuple[int, int, int]]) -> Counts:
    told: Counts = {name: Counter() for name in ("opening", *CAME, *WENT, "recounted", "closing")}
    for pupil in {*was, *now}:
        school, grade, state = was.get(pupil, (0, 0, 0))
        to_school, to_grade, to_state = now.get(pupil, (0, 0, 0))
        told["opening"][school, grade] += state == COUNTED
        told["closing"][to_school, to_grade] += to_state == COUNTED
        if (school, grade, state) == (to_school, to_grade, to_state):
            continue
        if to_state == COUNTED:
            how = {0: "came", UNVERIFIED: "verified", ARCHIVED: "restored"}.get(
                state, "grade_in" if school == to_school else "moved_in"
            )
            told[how][to_school, to_grade] += 1
        if state == COUNTED:
            how = {0: "left", UNVERIFIED: "unverified", ARCHIVED: "archived"}.get(
                to_state, "grade_out" if school == to_school else "moved_out"
            )
            told[how][school, grade] += 1
    return told


def columns(counts: Counts) -> dict[str, str]:
    return {name: f"{name}_pupils" if name in ("opening", "closing") else f"pupils_{name}" for name in counts}


def published(engine: sa.Engine, day: dt.date) -> dict[str, list[dict[str, Any]]]:
    """The rows of the marts for a day, which pass their checks."""
    return built(engine, day, compare, ASIDE, CHECKS)


def compared_with_model(engine: sa.Engine, model: Model, day: dt.date, schools: Mapping[int, str]) -> None:
    found = published(engine, day)
    status, before, counts = model.movement(day)
    codes = school_ids(engine)
    units = found["registration_movement_by_unit"]
    assert {(row["movement_status"], row["previous_as_of"]) for row in units} == {(status, before)}
    cells = found["registration_movement"]
    assert {row["movement_status"] for row in cells} <= {status}
    if status != "compared":
        assert {row["pupils_left"] for row in (*units, *cells)} <= {None}
        return
    for name, column in columns(counts).items():
        told = {(codes[row["school_code"]], row["grade"]): row[column] for row in cells if row[column]}
        assert told == {cell: many for cell, many in counts[name].items() if many}, (day, column)
    for unit in units:
        own = [school for school, of in schools.items() if of == unit["reporting_unit"]]
        of_unit = {
            name: sum(many for (school, _), many in each.items() if school in own) for name, each in counts.items()
        }
        same = ("opening", "came", "verified", "restored", "left", "archived", "unverified", "recounted", "closing")
        for name in same:
            assert unit[columns(counts)[name]] == of_unit[name], (unit["reporting_unit"], name)
        assert unit["pupils_moved_in"] + unit["pupils_moved_within"] == of_unit["moved_in"]
        assert unit["pupils_moved_out"] + unit["pupils_moved_within"] == of_unit["moved_out"]


def history(random: Random, engine: sa.Engine, schools: Sequence[int]) -> Iterator[tuple[Model, dt.date]]:
    model = Model()
    pupils: dict[int, list[tuple[int, int, int]]] = {}
    for step in range(STEPS):
        event = random.choice(["night"] * 4 + ["late", "corrected", "other year", "taken back", "dropped"])
        day = FIRST + dt.timedelta(days=2 * step + 10)
        told = [each for each, readings in model.counts.items() if readings]
        if event == "taken back" and (several := [each for each in told if len(model.counts[each]) > 1]):
            day = random.choice(several)
            taken_back(engine, model.counts[day].pop(), model.counts[day][-1], day)
        elif event == "dropped" and model.kept:
            gone = random.choice(sorted(model.kept))
            with engine.connect() as connection, begun(connection):
                forget(connection, [gone])
            model.kept.remove(gone)
            day = random.choice(told) if told else day
        else:
            for pupil in random.sample(range(24), 9):
                places = [
                    (random.choice(schools), 8 + random.randrange(2), random.choice([1, 1, 1, 2, 3])) for _ in "ab"
                ]
                pupils[pupil] = places[: random.choice([0, 1, 1, 1, 1, 2])]
            if event == "late":
                day = FIRST + dt.timedelta(days=random.randint(0, 2 * step + 9))
            elif event == "corrected" and told:
                day = random.choice(told)
            elif event == "other year":
                day -= dt.timedelta(days=370)
            rows = [(pupil, *place) for pupil, places in pupils.items() for place in places]
            random.shuffle(rows)
            if (number := sent(engine, rows, day, step)) is not None:
                model.rows[number] = rows
                model.kept.add(number)
                model.counts.setdefault(day, []).append(number)
        yield model, day


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_what_moved_is_what_a_model_says(engine: sa.Engine, schools: dict[int, str], seed: int) -> None:
    random = Random(seed)
    for model, day in history(random, engine, sorted(schools)):
        days = sorted(model.counts)
        after = {day + dt.timedelta(days=1)} if len(days) == 2 else set()
        for each in {day, random.choice(days) if days else day} | after:
            compared_with_model(engine, model, each, schools)


RECOUNTED = """
INSERT INTO ref.school_identity (school_code, region) VALUES ('in no register', '69');
UPDATE core.registration_export_fact SET actual_pupils = actual_pupils - 2
WHERE reading_id = (SELECT min(reading_id) FROM core.registration_export_fact);
INSERT INTO core.registration_export_fact
    (reading_id, school_id, grade, actual_pupils, unverified_pupils, archived_pupils)
SELECT (SELECT min(reading_id) FROM core.registration_export_fact), s.school_id, 9, 1, 0, 0
FROM ref.school_identity s WHERE s.school_code IN ('chainsky-1', 'in no register')
"""
ONE_TOO_MANY = "UPDATE core.pupil_flow SET pupils = pupils + 1 WHERE to_state = 3"


def test_pupils_may_be_recounted_and_a_wrong_flow_is_found(engine: sa.Engine, schools: dict[int, str]) -> None:
    """Of two pupils the export before was read when another of their rows counted, one of a school in no register."""
    everyone = [(pupil, min(schools), 9, COUNTED) for pupil in range(20)]
    day = FIRST + dt.timedelta(days=1)
    assert sent(engine, everyone, FIRST, 1) and sent(engine, [*everyone[:17], (17, min(schools), 9, ARCHIVED)], day, 2)
    published(engine, day)
    with engine.begin() as connection:
        connection.exec_driver_sql(RECOUNTED)
    units = {row["reporting_unit"]: row for row in published(engine, day)["registration_movement_by_unit"]}
    assert (units["asinovsky"]["pupils_recounted"], units["chainsky"]["pupils_recounted"]) == (2, -1)
    with engine.begin() as connection:
        connection.execute(sa.text(ONE_TOO_MANY))
    with pytest.raises(AssertionError, match="recounted_pupils_stay"):
        published(engine, day)


def night(engine: sa.Engine, rows: Sequence[Row], day: dt.date, step: int) -> None:
    assert sent(engine, rows, day, step)
    publish(engine, "69", [each for each in published_days(engine) if each >= day] + [day])


def published_days(engine: sa.Engine) -> list[dt.date]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT DISTINCT as_of FROM ops.publication")))


def test_a_publication_that_looks_at_pupils_is_noted_once(engine: sa.Engine, schools: dict[int, str]) -> None:
    """The first publication has no pair and counts the pupils of its year, the second compares two pairs, and for the
    third nothing is left."""
    days = [FIRST + dt.timedelta(days=number) for number in range(3)]
    noted = []
    for come, of_publication in ((days[:1], days[:1]), (days[1:], days), ([], days)):
        for day in come:
            assert sent(engine, [(pupil, min(schools), 9, COUNTED) for pupil in range(day.day)], day, day.day)
        publish(engine, "69", of_publication)
        with engine.connect() as connection:
            noted.append(connection.execute(sa.text("SELECT who, command FROM ops.restricted_access")).tuples().all())
    assert noted == [[(getpass.getuser(), "publish")] * many for many in (1, 2, 2)]


def found(engine: sa.Engine, condition: str, now: dt.datetime) -> dict[str | None, dict[str, Any]]:
    """Sender → details of what a condition finds."""
    with engine.begin() as connection:
        today = now.date()
        assert find(connection, "69", now, today, [conditions()[condition]], 25) == set()
        rows = connection.execute(sa.text("SELECT sender, details FROM pg_temp.incident_found")).tuples()
        return dict(rows.all())


def test_whoever_tells_that_figures_fell_says_by_what(engine: sa.Engine, schools: dict[int, str]) -> None:
    """Forty fewer: archived, moved to the other unit, lost. A corrected export takes a part of it back."""
    (first, _, other, _) = sorted(schools)
    everyone = [(pupil, first, 9, COUNTED) for pupil in range(200)]
    night(engine, everyone, FIRST, 1)
    assert found(engine, "registrations_dropped", NOON) == {}
    fewer = [(pupil, first, 9, ARCHIVED if pupil < 31 else COUNTED) for pupil in range(200) if not 31 <= pupil < 40]
    fewer += [(pupil, other, 9, COUNTED) for pupil in range(31, 38)]
    night(engine, fewer, FIRST + dt.timedelta(days=2), 2)
    dropped = found(engine, "registrations_dropped", NOON)
    assert {unit: (each["was"], each["became"]) for unit, each in dropped.items()} == {"asinovsky": (200, 160)}
    assert dropped["asinovsky"]["movement"] == (
        "Движение: архивированы −31, перешли в другие единицы −7, нет в выгрузке −2."
    )
    corrected = [(pupil, school, grade, COUNTED if pupil < 20 else state) for pupil, school, grade, state in fewer]
    night(engine, corrected, FIRST + dt.timedelta(days=2), 3)
    with engine.connect() as connection:
        told = connection.execute(sa.text(
            "SELECT was, became FROM mart.corrections WHERE metric = 'movement_words' AND code = 'asinovsky'"
        )).tuples().all()  # fmt: skip
    assert told == [(
        "архивированы −31, перешли в другие единицы −7, нет в выгрузке −2",
        "архивированы −11, перешли в другие единицы −7, нет в выгрузке −2",
    )]  # fmt: skip


def test_a_total_that_moved_says_what_of_its_movement_is_another(engine: sa.Engine, schools: dict[int, str]) -> None:
    first, last = min(schools), max(schools)
    pupils = [(pupil, first, 9, COUNTED) for pupil in range(100)]
    night(engine, pupils, FIRST, 1)
    night(engine, pupils[:95], FIRST + dt.timedelta(days=1), 2)
    with engine.connect() as connection:
        now = connection.scalar(sa.text("SELECT clock_timestamp()"))
    night(engine, [*pupils[:90], (95, last, 9, COUNTED)], FIRST + dt.timedelta(days=1), 3)
    details = found(engine, "total_moved", now + HOUR)[None]
    assert details["totals"][0] == {"metric": "actual_pupils", "was": 95, "became": 91}
    assert details["movement"] == (
        "Движение за эту дату изменилось: нет в выгрузке −4, перешли в другие единицы −1, пришли из других единиц +1."
    )
    with engine.begin() as connection:  # as after an upgrade that brought the mart
        connection.exec_driver_sql("DELETE FROM history.registration_movement_by_unit WHERE replaced_at < 'infinity'")
    assert "movement" not in found(engine, "total_moved", now + HOUR)[None]
