"""The evening before the demo's night: who had reported by then, and what came the day after about that evening.

So the demo has a second night: figures of the first one are corrected, and the ledger says by which document.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from documents.demo import File, exports, received_at
from documents.demo import fictional_pupils as pupils
from documents.demo.autumn import STATES
from documents.demo.dress import STYLES
from documents.demo.region import Region
from documents.demo.reports import report

GROWN = 0.97
"""The share of the night's pupils who were registered the evening before."""
CORRECTED = "kolpashevsky"
"""A unit whose report of that evening lacked its last two schools, and was sent anew the day after; in a region without
it one with schools enough has its part."""
LEFT_OUT = 2
FEWEST = 5


def before(region: Region) -> Iterator[File]:
    """Sender, file name, bytes and time of receipt of what had come: register, plan, every second report, an export."""
    then = on_the_eve(region)
    begun = exports.september(region).isoformat()
    yield region.department, f"Реестр школ {begun}.xlsx", exports.register(region), received_at(region, 3, 9, 12)
    yield region.operator, f"План регистрации {begun}.xlsx", exports.plan(region), received_at(region, 2, 10, 5)
    sent = set(region.readiness["reporting_unit"])
    for turn, unit in enumerate(region.units["reporting_unit"]):
        if unit in sent and (turn % 2 == 1 or unit == corrected(region)):
            name, data = _reported(then, unit, LEFT_OUT if unit == corrected(region) else 0)
            yield unit, name, data, received_at(region, 1, 10, turn)
    ending, data = exports.export(then)
    yield region.operator, f"Сводный отчёт по ученикам {then.as_of}.{ending}", data, received_at(region, 1, 18, 31)


def corrections(region: Region) -> Iterator[File]:
    """What came the day after about that evening."""
    unit = corrected(region)
    name, data = _reported(on_the_eve(region), unit, 0)
    stem, _, ending = name.rpartition(".")
    yield unit, f"{stem} исправлено.{ending}", data, received_at(region, 0, 8, 40)


def corrected(region: Region) -> str:
    """The unit that corrects its report of the evening before."""
    reported = region.readiness["reporting_unit"].value_counts(sort=True)
    if CORRECTED in reported["reporting_unit"]:
        return CORRECTED
    enough = reported.filter(pl.col("count") >= FEWEST)["reporting_unit"].to_list()
    return str(min(enough or reported["reporting_unit"][:1]))


def on_the_eve(region: Region) -> Region:
    """The region as it was the evening before, with fewer pupils."""
    day = region.as_of - dt.timedelta(days=1)
    schools = region.schools.with_columns((pl.col(state) * GROWN).ceil().cast(pl.Int64) for state in STATES)
    filled = pupils.fill(pupils.state_rows(schools, region.seed), day, region.seed)
    return replace(region, as_of=day, schools=schools, pupils=filled)


def _reported(region: Region, unit: str, left_out: int) -> tuple[str, bytes]:
    """File name and bytes of a unit's report without its last schools; no order is of a day to come."""
    about = region.units.row(by_predicate=pl.col("reporting_unit") == unit, named=True)
    rows = region.readiness.filter(reporting_unit=unit).to_dicts()
    rows = [row | {"order_date": row["order_date"] and min(row["order_date"], region.as_of)} for row in rows]
    wrong = region.faults.filter(reporting_unit=unit).to_dicts()
    raw = {row["school_code"]: (row["column"], row["raw"]) for row in wrong if row["raw"] is not None}
    return report(STYLES[about["style"]], about, rows[: len(rows) - left_out], raw, region.as_of)
