"""A simulated autumn: what comes night after night, late senders, corrections, a gap, a school that changes hands.

It is played over any region; the same region gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from documents.demo import LOCAL, File, exports
from documents.demo import fictional_pupils as pupils
from documents.demo.autumn_programme import Programme
from documents.demo.dress import STYLES
from documents.demo.region import Region
from documents.demo.reports import report

FIRST = dt.date(2023, 9, 1)
NIGHTS = 60
GAP, FILLED = 17, 21
"""The export of one night comes four nights late."""
MOVED = 30
"""The night on which a school begins to report through another unit."""
CORRECTED_AFTER = 6
STATES = ("registered", "unverified", "archived")


@dataclass(frozen=True)
class Night:
    """What came in the day before a night. `files`: sender, file name, bytes, time of receipt."""

    number: int
    as_of: dt.date
    files: tuple[File, ...]


def autumn(region: Region, nights: int = NIGHTS, programme: Programme | None = None) -> Iterator[Night]:
    """The nights in order, from the first of September on; with a programme also what schools and districts send."""
    late: list[File] = []
    for number in range(nights):
        day = FIRST + dt.timedelta(days=number)
        then = at(region, number)
        files: list[File] = list(programme.files(day)) if programme else []
        if number == 0:
            register, plan = exports.register(then), exports.plan(then)
            files.append((region.department, f"Реестр школ {day}.xlsx", register, received(day, 8, region.zone)))
            files.append((region.operator, f"План регистрации {day}.xlsx", plan, received(day, 9, region.zone)))
        if number == MOVED:
            changed = replace(then, as_of=day)
            data = exports.register(changed, day)
            files.append((region.department, f"Реестр школ {day}.xlsx", data, received(day, 8, region.zone)))
        files += reports(region, then, number, day)
        ending, data = exports.export(then)
        export = (region.operator, f"Сводный отчёт по ученикам {day}.{ending}", data, received(day, 18, region.zone))
        if number == GAP:
            late.append(export)
        else:
            files.append(export)
        if number == FILLED:
            files += [(sender, name, data, received(day, 19, region.zone)) for sender, name, data, _ in late]
        yield Night(number, day, tuple(files))


def at(region: Region, number: int) -> Region:
    """The region as it is on a night: registration grows, and one school has moved."""
    day = FIRST + dt.timedelta(days=number)
    schools = region.schools
    if number >= MOVED:
        first, second = region.units["reporting_unit"][0], region.units["reporting_unit"][1]
        moved = (pl.col("subordination") == first) & (pl.col("school_code") == moved_school(region))
        schools = schools.with_columns(subordination=pl.when(moved).then(pl.lit(second)).otherwise("subordination"))
    share = min((number + 5) / (NIGHTS + 5), 1)
    schools = schools.with_columns((pl.col(state) * share).ceil().cast(pl.Int64) for state in STATES)
    filled = pupils.fill(pupils.state_rows(schools, region.seed), day, region.seed)
    return replace(region, as_of=day, schools=schools, pupils=filled)


def moved_school(region: Region) -> str:
    """The code of the school that changes hands: the last of the first unit."""
    first = region.units["reporting_unit"][0]
    return str(region.schools.filter(pl.col("subordination") == first)["school_code"].sort()[-1])


def reports(region: Region, then: Region, number: int, day: dt.date) -> Iterator[File]:
    """Reports that come on a day: each unit once, the late ones weeks after the deadline, and its correction."""
    for turn, unit in enumerate(region.units.iter_rows(named=True)):
        first = 4 + turn * 5 % 23
        own = then.schools.filter(subordination=unit["reporting_unit"])["school_code"].to_list()
        if number not in (first, first + CORRECTED_AFTER + turn % 5) or not own:
            continue
        rows = [row for row in region.readiness.iter_rows(named=True) if row["school_code"] in own]
        wrong = region.faults.filter(reporting_unit=unit["reporting_unit"])
        raw = {row["school_code"]: (row["column"], row["raw"]) for row in wrong.to_dicts() if row["raw"] is not None}
        if number > first:  # the correction leaves out what is still wrong
            rows = [row for row in rows if row["school_code"] not in set(wrong["school_code"])] or rows
        # Every second correction is for the day of the first report, so that what was published of the past changes.
        about = FIRST + dt.timedelta(days=first) if turn % 2 else day
        rows = [row | {"order_date": row["order_date"] and min(row["order_date"], about)} for row in rows]
        name, data = report(STYLES[unit["style"]], unit, rows, raw, about)
        if about != day:
            stem, _, ending = name.rpartition(".")
            name = f"{stem} исправлено.{ending}"
        yield unit["reporting_unit"], name, data, received(day, 10 + turn % 7, region.zone)


def received(day: dt.date, hour: int, zone: dt.tzinfo = LOCAL) -> dt.datetime:
    """An hour of a day by a region's clock."""
    return dt.datetime.combine(day, dt.time(hour), zone)
