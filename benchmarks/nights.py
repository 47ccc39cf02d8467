"""The work of W4: one night after the other, as the schedule runs them, and what the second and the last one cost.

Every night brings an export of the same size. Each sender reports once in between, none in the nights that are
compared; corrections would publish earlier days again and are left out. Of three nights the median counts: the second
to the fourth, and the last ones. What is measured is the flow's own steps without Prefect.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.child import report
from contracts import regions

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from contracts.regions.pack import Region as Pack
    from documents.demo import File, Region
    from flows.home.settings import Settings
    from flows.intake.outcome import Outcome

GROWN = 30
"""The registration of this night of the autumn is that of every night here."""
SHIPPED = regions.FOLDER / "69-tomsk"


def region_of(times: int) -> Region:
    """Tomsk oblast, or a country of as many regions of its size."""
    from documents import demo

    if times == 1:
        return demo.tomsk()
    return demo.synthetic(demo.Sizes(3, regions=times, senders=21 * times, schools=285 * times, pupils=9000 * times))


def write_pack(region: Region, folder: Path) -> None:
    """The shipped pack with the region's units, senders and names added."""
    shutil.copytree(SHIPPED, folder)
    units = [
        unit | {"municipality_type": "муниципальный район", "valid_from": "0001-01-01", "valid_to": "9999-12-31"}
        for unit in region.units.to_dicts()
    ]
    further: dict[str, list[dict[str, Any]]] = {
        "reporting_units": units,
        "senders": [unit | {"sender": unit["reporting_unit"], "kind": "reporting_unit"} for unit in units],
        "sender_addresses": [
            {"channel": "inbox", "address": unit["reporting_unit"], "sender": unit["reporting_unit"]} for unit in units
        ],
        "reporting_unit_aliases": [alias | {"why": "generated"} for alias in region.aliases.to_dicts()],
    }
    for name, lines in further.items():
        path = folder / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            shipped, columns = list(reader), list(reader.fieldnames or ())
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows([*shipped, *lines])


def live(url: str, home: Path, times: int, nights: int) -> Iterator[dict[str, float]]:
    """Night after night on a new warehouse: seconds, and bytes of write-ahead log."""
    import sqlalchemy as sa

    from flows.home.settings import Settings
    from warehouse.schema.upgrade import connect, upgrade

    engine = connect(url)
    upgrade(engine)
    settings = Settings(home=home, database_url=url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]
    settings.prepare()
    for day, files in arriving(region_of(times), nights):
        for sender, name, data, received_at in files:
            path = settings.inbox / sender / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (received_at.timestamp(), received_at.timestamp()))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("CHECKPOINT"))  # each night then writes whole pages under the same conditions
            before = connection.scalar(sa.text("SELECT pg_current_wal_lsn()"))
        start = time.perf_counter()
        told = night(engine, settings, regions.regions()[0], day)
        seconds = time.perf_counter() - start
        if len(told) != len(files):
            raise RuntimeError(f"of {len(files)} files of {day} {len(told)} were taken in")
        with engine.connect() as connection:
            wal = connection.scalar(
                sa.text("SELECT pg_current_wal_lsn() - cast(:before AS pg_lsn)"), {"before": before}
            )
        yield {"seconds": seconds, "wal": float(wal or 0), "pupils": max(outcome.rows.read for outcome in told)}


def night(engine: Engine, settings: Settings, region: Pack, day: dt.date) -> list[Outcome]:
    """A region's night: what lies in the inbox, published, with its receipts. Raises RuntimeError where we fail."""
    from flows.intake.incoming import Options, discover
    from flows.intake.intake import Intake
    from flows.intake.outcome import exit_code
    from flows.intake.publishing import publish_changes
    from flows.intake.receiving import receive_new
    from flows.intake.take_in import take_in
    from flows.outbox.receipts import write_receipts
    from warehouse.deliveries.received import finish_run, start_run

    with engine.begin() as connection:
        run_id = start_run(connection, "nightly", day, region=region.code)
    intake = Intake(engine, settings, region, Options(), run_id)
    told = take_in(intake, receive_new(intake, discover(settings.inbox)))
    publish_changes(engine, settings, region, day, run_id)
    write_receipts(engine, settings, region, told, day)
    with engine.begin() as connection:
        finish_run(connection, run_id, "completed")
    if exit_code(told) == 1:
        raise RuntimeError(f"the night of {day} failed: {[each.failure for each in told]}")
    return told


def arriving(region: Region, nights: int) -> Iterator[tuple[dt.date, list[File]]]:
    """What comes before each night."""
    from documents.demo import autumn, exports

    grown = autumn.at(region, GROWN)
    reported: set[str] = set()
    for number in range(nights):
        day = autumn.FIRST + dt.timedelta(days=number)
        then = replace(grown, as_of=day)
        files = [each for each in autumn.reports(region, then, number, day) if each[0] not in reported]
        reported |= {each[0] for each in files}
        if number == 0:
            files.append((then.department, f"Реестр школ {day}.xlsx", exports.register(then), autumn.received(day, 8)))
            files.append((then.operator, f"План {day}.xlsx", exports.plan(then), autumn.received(day, 9)))
        ending, data = exports.export(then)
        name = f"Сводный отчёт по ученикам {day}.{ending}"
        files.append((then.operator, name, data, autumn.received(day, 18)))
        yield day, files


def main(url: str, home: Path, times: int, nights: int) -> dict[str, Any]:
    """What the second and the last night cost."""
    if times > 1:
        os.environ["PROFMIN_REGIONS"] = str(home / "packs")
    each = list(live(url, home, times, nights))
    return {"second": medians(each[1:4]), "last": medians(each[-3:])}


def medians(nights: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(night[name] for night in nights) for name in nights[0]}


if __name__ == "__main__":
    server, folder, size, count = sys.argv[1:]
    report(partial(main, server, Path(folder), int(size), int(count)))
