"""A fictional region to show and to test with: the source's numbers, or any size, as the files that people send.

`tomsk()`, `synthetic(sizes)` and `of_pack(region)` give the truth; `write_deliveries` dresses it as workbooks, a folder
a sender.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from documents.demo import exports
from documents.demo.dress import STYLES
from documents.demo.exports import write_export_csv
from documents.demo.mistakes import Row
from documents.demo.region import LOCAL, Region, Sizes, of_pack, synthetic, tomsk
from documents.demo.reports import report

__all__ = ["LOCAL", "Region", "Sizes", "of_pack", "put", "synthetic", "tomsk", "write_deliveries", "write_export_csv"]

File = tuple[str, str, bytes, dt.datetime]
"""Sender, file name, bytes, time of receipt."""


def write_deliveries(region: Region, folder: Path) -> list[Path]:
    """Write every delivery as `folder/<sender>/<file>`, dated when it was received; the same region, the same bytes."""
    return put(deliveries(region), folder)


def put(files: Iterable[File], folder: Path) -> list[Path]:
    """Write files into an inbox, as if they had come when they are said to have; their paths.

    One that lies there as it is stays as it is: to write it again would be to send it again.
    """
    written = []
    for sender, name, data, received in files:
        path = folder / sender / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (path.exists() and path.read_bytes() == data):
            path.write_bytes(data)
            os.utime(path, (received.timestamp(), received.timestamp()))
        written.append(path)
    return written


def deliveries(region: Region) -> Iterator[File]:
    """Sender, file name, bytes and time of receipt: the register first, then reports, plan, export and summaries."""
    begun = exports.september(region).isoformat()
    day = region.as_of.isoformat()
    yield region.department, f"Реестр школ {begun}.xlsx", exports.register(region), received_at(region, 3, 9, 12)
    yield from _reports(region)
    yield region.operator, f"План регистрации {begun}.xlsx", exports.plan(region), received_at(region, 2, 10, 5)
    ending, data = exports.export(region)
    yield region.operator, f"Сводный отчёт по ученикам {day}.{ending}", data, received_at(region, 0, 18, 31)
    if region.published:
        office, summaries = region.department, (exports.readiness_table(), exports.registration_table())
        yield office, f"Мониторинг готовности {day}.xlsx", summaries[0], received_at(region, 0, 19, 2)
        yield office, f"Мониторинг регистрации {day}.xlsx", summaries[1], received_at(region, 0, 19, 4)


def _reports(region: Region) -> Iterator[tuple[str, str, bytes, dt.datetime]]:
    """The readiness reports, one a sender that sent anything."""
    rows: dict[str, list[Row]] = {unit: [] for unit in region.units["reporting_unit"]}
    for row in region.readiness.iter_rows(named=True):
        rows[row["reporting_unit"]].append(row)
    raw = {
        code: (column, text)
        for code, column, text in region.faults.select("school_code", "column", "raw").iter_rows()
        if text is not None
    }
    for turn, unit in enumerate(region.units.iter_rows(named=True)):
        own = rows[unit["reporting_unit"]]
        if own:
            name, data = report(STYLES[unit["style"]], unit, own, raw, region.as_of)
            yield unit["reporting_unit"], name, data, received_at(region, 0, 9 + turn * 3 % 8, turn * 17 % 60)


def received_at(region: Region, days_before: int, hour: int, minute: int) -> dt.datetime:
    """A working hour of the region's time zone, so many days before the as-of date."""
    return dt.datetime.combine(region.as_of - dt.timedelta(days=days_before), dt.time(hour, minute), region.zone)
