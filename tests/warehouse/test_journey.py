"""How far pupils of an academic year came: random histories against what polars reckons from whole exports.

Exports come late, are corrected, taken back, destroyed, leave out a counter or whether pupils are verified; a pupil may
stand on several rows, move, be archived and come back. `PROFMIN_HISTORIES` says how many histories are lived.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Mapping, Sequence
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
    read,
    reading,
    school_ids,
    school_register,
    taken_back,
)

from contracts.reading import Layout, Rows, kept
from warehouse.core.transaction import begun
from warehouse.deliveries.load import load_stream
from warehouse.deliveries.pupil_series import forget
from warehouse.marts.publication import AuditFailed, publish
from warehouse.marts.pupil_journey import follow

HISTORIES = int(os.environ.get("PROFMIN_HISTORIES", "2"))
STEPS = 7
FIRST = dt.date(2023, 9, 4)
HOUR = dt.timedelta(hours=1)
COUNTED, UNVERIFIED, ARCHIVED = 1, 2, 3
STATED = ("verification", "diagnostics", "trials")
ASIDE = ("registration_journey", "registration_journey_region")
CHECKS = ("journey_is_of_its_year", "journey_loses_nobody")
STEPS_OF = {"verified": "verified", "diagnosed": "diagnostics", "trial": "trials"}
Row = dict[str, int | None]
"""pupil, school_id, grade, state, diagnostics, trials."""


@pytest.fixture
def schools(engine: sa.Engine) -> dict[int, str]:
    """School → its unit."""
    loaded(engine, school_register({"asinovsky": 2, "chainsky": 2}))
    return {number: code.split("-")[0] for code, number in school_ids(engine).items()}


def row(pupil: int, school: int, grade: int = 9, state: int = COUNTED, diagnostics: int = 0, trials: int = 0) -> Row:
    return {"pupil": pupil, "school_id": school, "grade": grade, "state": state, "diagnostics": diagnostics,
            "trials": trials}  # fmt: skip


def sent(engine: sa.Engine, rows: Sequence[Row], day: dt.date, step: int, stated: Sequence[str] = STATED) -> int | None:
    """Load an export of these rows that states these columns; its reading, or None when it does not count."""
    blank = {name: None for name in ("diagnostics", "trials") if name not in stated}
    told = [{**each, **blank} for each in rows]
    frame = pl.DataFrame(
        [
            {
                **dict.fromkeys(OF_EXPORT.counters), **each, "row": place, "is_whole": True, "is_clean": True,
                "pupil_key": hashlib.sha256(str(each["pupil"]).encode()).digest()[:16], "namesake": each["pupil"],
                "line": hash(tuple(each.values())),
            }
            for place, each in enumerate(told)
        ]
    ).select(pl.lit(None).alias(name) if name not in KNOWN else name for name in kept(OF_EXPORT))  # fmt: skip
    once = pl.DataFrame(rows).sort("state", "school_id", "grade").unique("pupil", keep="first")
    facts = once.group_by("school_id", "grade").agg(
        (pl.col("state") == state).sum().cast(pl.Int64).alias(name)
        for name, state in (("actual_pupils", 1), ("unverified_pupils", 2), ("archived_pupils", 3))
    )
    made = reading("registration_export", "regional_operator", facts, as_of=day, sha256=f"{step:064d}")
    made = replace(made, rows=Rows(len(rows) + 1, len(rows), 0, 1), layout=Layout({name: name for name in stated}))
    whole = frame.cast(dict(kept(OF_EXPORT)))
    result = load_stream(engine, Stream([whole], made), delivery(engine, NOON + step * HOUR), VERSION)
    return result.reading_id if result.status == "current" else None


KNOWN = {
    "row", "pupil_key", "school_id", "grade", "state", "line", "namesake", "is_whole", "is_clean", *OF_EXPORT.counters
}  # fmt: skip


@dataclass
class Model:
    """Every export: its rows and what it states; which count on which day, the last one first known; which are kept."""

    exports: dict[int, tuple[Sequence[Row], Sequence[str]]] = field(default_factory=dict)
    counts: dict[dt.date, list[int]] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)
    told: set[tuple[int, ...]] = field(default_factory=set)

    def rows(self, day: dt.date) -> pl.DataFrame | str:
        """All rows of all exports of the year up to a day, or how it stands where nothing is counted."""
        begin = dt.date(day.year - (day.month < 9), 9, 1)
        chain = {each: numbers[-1] for each, numbers in self.counts.items() if numbers and begin <= each <= day}
        if not chain:
            return "no_export"
        made_of = tuple(chain[each] for each in sorted(chain))
        if made_of not in self.told and not self.kept.issuperset(made_of):
            return "not_kept"
        self.told.add(made_of)
        return pl.concat(
            pl.DataFrame(self.exports[number][0]).with_columns(
                pl.lit(each).alias("as_of"),
                *(pl.lit(name in self.exports[number][1]).alias(f"states_{name}") for name in STATED),
            )
            for each, number in chain.items()
        )


def first(when: pl.Expr) -> pl.Expr:
    return pl.col("as_of").filter(when & (pl.col("state") < ARCHIVED)).min()


def journeys(rows: pl.DataFrame, schools: Mapping[int, str]) -> pl.DataFrame:
    """A row a pupil of the year: his unit and grade, whether he is still there, the days of his steps."""
    last = rows["as_of"].max()
    states = {name: pl.col(f"states_{name}") for name in STATED}
    own = (
        rows.sort(pl.col("as_of").rank("dense", descending=True), "state", "school_id", "grade")
        .group_by("pupil", maintain_order=True)
        .agg(pl.first("school_id", "grade", "state"), last=pl.first("as_of"))
    )
    days = rows.group_by("pupil").agg(
        seen=first(pl.lit(True)),
        verified=first(states["verification"] & (pl.col("state") == COUNTED)),
        verified_not=first(states["verification"] & (pl.col("state") == UNVERIFIED)),
        diagnosed=first(states["diagnostics"] & (pl.col("diagnostics") > 0)),
        diagnosed_not=first(states["diagnostics"] & (pl.col("diagnostics") == 0)),
        trial=first(states["trials"] & (pl.col("trials") > 0)),
        trial_not=first(states["trials"] & (pl.col("trials") == 0)),
    )
    return (
        own.join(days, on="pupil")
        .filter(pl.col("seen").is_not_null())
        .with_columns(
            unit=pl.col("school_id").replace_strict(dict(schools), return_dtype=pl.String),
            joined=pl.col("seen") > rows["as_of"].min(),
            remaining=(pl.col("last") == last) & (pl.col("state") < ARCHIVED),
        )
    )


def figures(own: pl.DataFrame, stated: set[str]) -> dict[str, Any]:
    """The columns of a row of the mart, for the pupils of a unit or the region."""
    eleven = own.filter(pl.col("grade") == 11)
    told: dict[str, Any] = {
        "pupils_of_year": own.height, "pupils_joined": int(own["joined"].sum()),
        "pupils_remaining": int(own["remaining"].sum()), "grade_11_pupils": eleven.height,
    }  # fmt: skip
    for step in STEPS_OF:
        followed = own.filter(pl.col(f"{step}_not") < pl.col(step))
        is_known = step in stated
        told |= {
            f"{step}_pupils": own[step].count() if is_known else None,
            f"{step}_followed": followed.height if is_known else None,
            f"days_to_{step}": (followed[step] - followed["seen"]).dt.total_days().median(),
            f"grade_11_{step}": eleven[step].count() if is_known else None,
        }
    return told


def published(engine: sa.Engine, day: dt.date) -> dict[str, list[dict[str, Any]]]:
    """The rows of the marts for a day, which pass their checks."""
    return built(engine, day, follow, ASIDE, CHECKS)


def compared(engine: sa.Engine, model: Model, day: dt.date, schools: Mapping[int, str]) -> None:
    found = published(engine, day)
    (region,) = found["registration_journey_region"]
    units = {each["reporting_unit"]: each for each in found["registration_journey"]}
    rows = model.rows(day)
    if isinstance(rows, str):
        assert {each["journey_status"] for each in (region, *units.values())} == {rows}
        assert {each["pupils_of_year"] for each in (region, *units.values())} == {None}
        return
    own = journeys(rows, schools)
    stated = {"verified"} if rows["states_verification"].any() else set()
    stated |= {step for step, name in STEPS_OF.items() if name in ("diagnostics", "trials")
               and rows.filter(pl.col(f"states_{name}") & (pl.col("state") < ARCHIVED)).height}  # fmt: skip
    for unit in (None, "asinovsky", "chainsky", "seversk"):
        pupils = own if unit is None else own.filter(pl.col("unit") == unit)
        told = region if unit is None else units[unit]
        assert told["exports"] == rows["as_of"].n_unique() and told["export_as_of"] == rows["as_of"].max()
        wanted = figures(pupils, stated)
        assert {name: told[name] for name in wanted} == wanted, (day, unit)


def changed(random: Random, pupils: dict[int, list[Row]], schools: Sequence[int]) -> None:
    """Some pupils come, move, are archived, or are told of by two rows; some do something."""
    for pupil in random.sample(range(24), 9):
        pupils[pupil] = [
            row(pupil, random.choice(schools), random.choice([9, 10, 11]), random.choice([1, 1, 2, 2, 3]),
                random.choice([0, 0, 1, 3]), random.choice([0, 0, 0, 2]))
            for _ in range(random.choice([0, 1, 1, 1, 1, 2]))
        ]  # fmt: skip


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_how_far_pupils_came_is_what_polars_says(engine: sa.Engine, schools: dict[int, str], seed: int) -> None:
    random, model = Random(seed), Model()
    pupils: dict[int, list[Row]] = {}
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
        else:
            changed(random, pupils, sorted(schools))
            if event == "late":
                day = FIRST + dt.timedelta(days=random.randint(0, 2 * step + 9))
            elif event == "corrected" and told:
                day = random.choice(told)
            elif event == "other year":
                day -= dt.timedelta(days=370)
            rows = [each for places in pupils.values() for each in places]
            stated = [name for name in STATED if random.random() < 0.7]
            if rows and (number := sent(engine, rows, day, step, stated)) is not None:
                model.exports[number] = rows, stated
                model.kept.add(number)
                model.counts.setdefault(day, []).append(number)
        days = sorted(model.counts)
        for each in {day, day + dt.timedelta(days=1), random.choice(days) if days else day}:
            compared(engine, model, each, schools)


def night(engine: sa.Engine, rows: Sequence[Row], day: dt.date, step: int, *also: dt.date) -> None:
    assert sent(engine, rows, day, step)
    publish(engine, "69", [day, *also])


def told_of(engine: sa.Engine, day: dt.date, *columns: str, known_at: dt.datetime | None = None) -> tuple[Any, ...]:
    """What the mart says of a unit on a day."""
    rows = read(engine, "registration_journey", day, known_at)
    return rows.filter(pl.col("reporting_unit") == "asinovsky").select(columns).row(0)


def looked_at(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM ops.restricted_access")) or 0)


def test_a_late_export_says_when_it_was_and_what_was_known_stays(engine: sa.Engine, schools: dict[int, str]) -> None:
    """Verified on the tenth day by what was known; an export of the fourth, which comes late, shows it earlier."""
    school, last = min(schools), FIRST + dt.timedelta(days=10)
    unverified = [row(pupil, school, state=UNVERIFIED) for pupil in range(10)]
    verified = [row(pupil, school) for pupil in range(10)]
    night(engine, unverified, FIRST, 1)
    night(engine, verified, last, 2)
    assert told_of(engine, last, "verified_pupils", "verified_followed", "days_to_verified") == (10, 10, 10)
    with engine.connect() as connection:
        before = connection.scalar(sa.text("SELECT ops.clock()"))
    night(engine, verified[:6] + unverified[6:], FIRST + dt.timedelta(days=4), 3, last)
    assert told_of(engine, last, "days_to_verified", "exports") == (4, 3)
    assert told_of(engine, last, "days_to_verified", "exports", known_at=before) == (10, 2)


def test_pupils_are_looked_at_once_for_the_same_exports(engine: sa.Engine, schools: dict[int, str]) -> None:
    """A day published again, and one without an export of its own, look at nobody; another unit of a school does."""
    night(engine, [row(pupil, min(schools)) for pupil in range(10)], FIRST, 1)
    assert looked_at(engine) == 1
    publish(engine, "69", [FIRST, FIRST + dt.timedelta(days=1)])
    assert looked_at(engine) == 1
    assert told_of(engine, FIRST + dt.timedelta(days=1), "export_as_of", "pupils_of_year") == (FIRST, 10)
    moved = school_register({"asinovsky": 2, "chainsky": 2})
    codes = pl.col("subordination").replace("asinovsky", "seversk")
    loaded(engine, replace(moved, facts=moved.facts.with_columns(codes), as_of=FIRST, sha256="1" * 64))
    publish(engine, "69", [FIRST])
    assert looked_at(engine) == 2
    assert told_of(engine, FIRST, "pupils_of_year", "journey_status") == (0, "counted")


def test_what_was_counted_outlives_the_rows(engine: sa.Engine, schools: dict[int, str]) -> None:
    """After the rows of an export are destroyed its day is what it was; of the next nobody can know."""
    next_day = FIRST + dt.timedelta(days=1)
    night(engine, [row(pupil, min(schools), diagnostics=1) for pupil in range(10)], FIRST, 1)
    with engine.connect() as connection, begun(connection):
        first_reading = connection.scalar(sa.text("SELECT reading_id FROM restricted.pupil_reading"))
        forget(connection, [first_reading])
    night(engine, [row(pupil, min(schools), diagnostics=1) for pupil in range(11)], next_day, 2, FIRST)
    assert told_of(engine, FIRST, "diagnosed_pupils", "journey_status") == (10, "counted")
    assert told_of(engine, next_day, "diagnosed_pupils", "journey_status") == (None, "not_kept")


def test_a_school_of_a_later_register_changes_nothing_of_the_year_before(
    engine: sa.Engine, schools: dict[int, str]
) -> None:
    """Neither is anybody looked at again, nor does what was counted go when its rows are destroyed."""
    night(engine, [row(pupil, min(schools), diagnostics=1) for pupil in range(10)], FIRST, 1)
    before = looked_at(engine)
    loaded(engine, school_register({"asinovsky": 3, "chainsky": 2}, as_of=dt.date(2024, 9, 1)))
    publish(engine, "69", [FIRST])
    assert looked_at(engine) == before
    with engine.connect() as connection, begun(connection):
        forget(connection, [connection.scalar(sa.text("SELECT reading_id FROM restricted.pupil_reading"))])
    publish(engine, "69", [FIRST])
    assert told_of(engine, FIRST, "diagnosed_pupils", "journey_status") == (10, "counted")


def test_one_pupil_too_many_stops_the_publication(engine: sa.Engine, schools: dict[int, str]) -> None:
    night(engine, [row(pupil, min(schools)) for pupil in range(10)], FIRST, 1)
    for wrong, check in (("counted", "journey_loses_nobody"), ("verified", "journey_is_of_its_year")):
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE core.pupil_journey SET {wrong} = 11 WHERE {wrong} = 10"))
        with pytest.raises(AuditFailed, match=check):
            publish(engine, "69", [FIRST])
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE core.pupil_journey SET {wrong} = 10 WHERE {wrong} = 11"))
