"""`make bench`: W1, a million-row pupil export, and that of the next night, one row in a hundred another; W2, three
hundred readiness workbooks; W3, only opening these; W4, the sixtieth night against the second; W5, an autumn read
again; W6, one workbook checked from the shell; W7, a million-row journal of lessons. `--only country` alone measures
a country, which takes an hour (`benchmarks/country.py`).

Each has a database of its own, so that `--only` runs any of them alone."""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from benchmarks.child import measure, measured_whole
from benchmarks.country import country
from benchmarks.journal import write_journal
from benchmarks.nights import region_of, write_pack
from contracts.reading import Reading
from documents import demo
from documents.demo.autumn import NIGHTS
from documents.demo.region import Region
from documents.reading.read import read_grid
from transforms.cells.key import key
from transforms.interpret import Context, Delivery, interpret
from warehouse.deliveries.load import load, record_arrival
from warehouse.schema.reference import sync_reference
from warehouse.schema.upgrade import connect, upgrade
from warehouse.server.embedded import embedded_server

RECEIVED = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)
CASES = ("W1", "W2", "W3", "W4", "W5", "W6", "W7")
REPORTS = "reports"
RECEIVED_ON = RECEIVED.date()
WAL = "SELECT pg_current_wal_lsn() - cast(:before AS pg_lsn)"
PUPILS_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits
WHERE inhparent = 'restricted.pupil_version'::regclass
"""
CLEAN_TYPES = {pl.String: "text", pl.Date: "date", pl.Int64: "bigint"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000, help="rows of W1 and W7")
    arguments.add_argument("--workbooks", type=int, default=300, help="workbooks of W2")
    arguments.add_argument("--repeat", type=int, default=3, help="runs of W1 to W3, W6 and W7; medians are printed")
    arguments.add_argument("--only", choices=(*CASES, "country"), help="one of them")
    asked = arguments.parse_args()
    if asked.only == "country":
        country()
        return
    cases = CASES if asked.only is None else (asked.only,)
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder) / "pgdata") as url:
        if "W1" in cases:
            exports(database_of(url, "exports"), Path(folder), asked.rows, asked.repeat)
        if "W7" in cases:
            journals(database_of(url, "journals"), Path(folder), asked.rows, asked.repeat)
        if {"W2", "W3", "W6"}.intersection(cases):
            written = Path(folder) / "workbooks"
            region = write_workbooks(written, asked.workbooks)
            if "W2" in cases:
                workbooks(url, written, region, asked.repeat)
            if "W3" in cases:
                opened(written / REPORTS, asked.repeat)
            if "W6" in cases:
                checked(written / REPORTS, asked.repeat)
        if "W4" in cases:
            for times in (1, 20):
                nights(database_of(url, f"nights_{times}"), Path(folder) / f"nights_{times}", times)
        if "W5" in cases:
            backfills(database_of(url, "autumn"))


def exports(url: str, folder: Path, rows: int, repeat: int) -> None:
    """W1: file → validated + quarantined + facts loaded + marts published, against COPY of the clean rows; then the
    export of the next night, against the whole one of the night before."""
    engine = connect(url)
    upgrade(engine)
    region = demo.tomsk()
    deliveries = folder / "tomsk"
    demo.write_deliveries(region, deliveries)
    take_register(engine, register_in(deliveries), None)
    engine.dispose()  # a database is copied when nobody is connected to it
    export = folder / f"Сводный отчёт по ученикам {RECEIVED_ON}.csv"
    demo.write_export_csv(export, rows, region, 0.005, 2023)
    next_day = RECEIVED_ON + dt.timedelta(days=1)
    following = folder / f"Сводный отчёт по ученикам {next_day}.csv"
    write_next_night(export, following)
    clean = folder / "clean.csv"
    columns = write_clean(export, clean, "ФИО")
    floors, works, nights = [], [], []
    for turn in range(repeat):
        anew = database_of(url, f"exports_{turn}", make_url(url).database)
        dsn = make_url(anew).set(drivername="postgresql").render_as_string(hide_password=False)
        floors.append(measure("benchmarks.export_floor", dsn, clean, columns))
        works.append(measured_wal(anew, export, "1" * 64, RECEIVED_ON))
        nights.append(measured_wal(anew, following, "2" * 64, next_day))
    told("W1", f"{works[0]['rows']:,} pupils, {export.stat().st_size / 1e6:.0f} MB", floors, works, "rows")
    told("W1", "the next night, one row in a hundred another, against the whole export", works, nights, "rows")


def measured_wal(url: str, export: Path, sha256: str, as_of: dt.date) -> dict[str, Any]:
    """An export taken in, with the MB of write-ahead log and of pupils' tables; pages are written whole after a
    checkpoint."""
    engine = connect(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        before = connection.scalar(text("SELECT pg_current_wal_lsn()"))
        found = measure("benchmarks.export_load", url, export, sha256, "regional_operator", as_of)
        asked = {"before": before}
        found["wal_mb"] = round(float(connection.scalar(text(WAL), asked) or 0) / 1e6)
        found["pupils_mb"] = round(float(connection.scalar(text(PUPILS_SIZE)) or 0) / 1e6)
    engine.dispose()
    return found


def write_next_night(export: Path, following: Path) -> None:
    """The export a day later: one line in two hundred gone, as many new ones, and the grade of one in a hundred."""
    lines = export.read_bytes().splitlines(keepends=True)
    head = next(place for place, line in enumerate(lines) if "ФИО".encode() in line) + 1
    name = lines[head - 1].split(b";").index("ФИО".encode())
    then, day = f"{RECEIVED_ON:%d.%m.%Y}".encode(), f"{RECEIVED_ON + dt.timedelta(days=1):%d.%m.%Y}".encode()
    written = [line.replace(then, day) for line in lines[:head]]
    for place, line in enumerate(lines[head:]):
        if place % 200 != 7:
            written.append(line.replace(b";7;", b";8;", 1).replace(b";6;", b";7;", 1) if place % 100 == 3 else line)
        if place % 200 == 11:
            fields = line.split(b";")
            fields[name] += " Новый".encode()
            written.append(b";".join(fields))
    following.write_bytes(b"".join(written))


def journals(url: str, folder: Path, rows: int, repeat: int) -> None:
    """W7: a journal of lessons → facts and marts, against COPY of the clean rows."""
    engine = connect(url)
    upgrade(engine)
    register, journal = write_journal(folder, rows)
    take_register(engine, register, None)
    against_copy("W7", "lessons", url, journal, "Дата урока", repeat, "tomsk_city", dt.date(2024, 5, 31))


def against_copy(
    name: str, things: str, url: str, export: Path, heading: str, repeat: int, sender: str, as_of: dt.date
) -> None:
    """An export from file to marts against COPY of its clean rows; `heading` is one of its headings."""
    clean = export.with_name("clean.csv")
    columns = write_clean(export, clean, heading)
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    floors, works = [], []
    for turn in range(repeat):
        floors.append(measure("benchmarks.export_floor", dsn, clean, columns))
        works.append(measure("benchmarks.export_load", url, export, f"{turn:064x}", sender, as_of))
    told(name, f"{works[0]['rows']:,} {things}, {export.stat().st_size / 1e6:.0f} MB", floors, works, "rows")


def write_workbooks(folder: Path, count: int) -> Region:
    """A generated region whose deliveries are written into the folder, and so many reports into `REPORTS` of it."""
    senders = count * 9 // 8 + 1  # one style in nine is a csv
    region = demo.synthetic(
        demo.Sizes(seed=3, regions=12, senders=senders, schools=senders * 37, pupils=senders, bad_share=0.02)
    )
    demo.write_deliveries(region, folder)
    reports = folder / REPORTS
    reports.mkdir()
    for unit in region.units["reporting_unit"]:
        (folder / unit).rename(reports / unit)
    for path in sorted(reports.rglob("*"))[::-1]:  # openpyxl reads no csv
        if path.is_file() and path.suffix != ".xlsx":
            path.unlink()
    return region


def workbooks(url: str, folder: Path, region: Region, repeat: int) -> None:
    """W2: readiness workbooks → facts, against openpyxl reading them."""
    prepared = database_of(url, "workbooks")
    engine = connect(prepared)
    upgrade(engine)
    aliases = region.aliases.with_columns(why=pl.lit("generated"))
    unit_frame = region.units.select(
        "reporting_unit", "name", "kind", municipality_type=pl.lit("район"), oktmo=pl.lit("00000000"),
        valid_from=pl.lit("0001-01-01"), valid_to=pl.lit("9999-12-31"),
    )  # fmt: skip
    with engine.begin() as connection:
        sync_reference(connection, units=unit_frame, aliases=aliases)
    known = {key(alias): unit for alias, unit in region.aliases.select("alias", "reporting_unit").iter_rows()}
    (folder / "aliases.json").write_text(json.dumps(known))
    take_register(engine, register_in(folder), known)
    engine.dispose()  # a database is copied when nobody is connected to it
    reports = folder / REPORTS
    floors, quick, works = [], [], []
    for turn in range(repeat):
        floors.append(measure("benchmarks.workbooks_floor", reports, "default"))
        quick.append(measure("benchmarks.workbooks_floor", reports, "read_only"))
        anew = database_of(url, f"workbooks_{turn}", "workbooks")  # what was taken in before is quicker
        works.append(measure("benchmarks.workbooks_load", anew, reports, folder / "aliases.json"))
    what = f"{floors[0]['files']} workbooks, {floors[0]['cells']:,} cells, against openpyxl"
    told("W2", what, floors, works, "files")
    told("W2", f"{what} in its read-only mode", quick, works, "files")


def opened(reports: Path, repeat: int) -> None:
    """W3: what the reader processes cost."""
    here = [measure("benchmarks.files_read", reports, "here") for _ in range(repeat)]
    there = [measure("benchmarks.files_read", reports, "there") for _ in range(repeat)]
    what = "the same workbooks opened in reader processes, against the same reader in our own"
    told("W3", what, here, there, "files")


def checked(reports: Path, repeat: int) -> None:
    """W6: `profmin check` of one workbook as a whole process, against Python that only imports polars."""
    path = min(reports.rglob("*.xlsx"))
    floors = [measured_whole(reports, "-c", "import polars") for _ in range(repeat)]
    works = [measured_whole(reports, "-m", "flows.cli.app", "check", path) for _ in range(repeat)]
    told("W6", "one workbook checked from the shell, against Python that imports polars", floors, works, "files")


def backfills(url: str) -> None:
    """W5: an autumn read again by another rule and applied, against taking it in night after night."""
    work = measure("benchmarks.backfill_autumn", url)
    floor = {**work, "seconds": work["ingested"]}
    work = {**work, "seconds": work["planned"] + work["applied"]}
    told("W5", "an autumn of 60 nights planned and applied, against taking it in", [floor], [work], "deliveries")


def nights(url: str, home: Path, times: int) -> None:
    """W4: the last of sixty nights against the second, when the same came; medians of three nights."""
    home.mkdir()
    if times > 1:
        write_pack(region_of(times), home / "packs" / "69-tomsk")
    work = measure("benchmarks.nights", url, home, times, NIGHTS)
    second, last = work["second"], work["last"]
    print(f"W4  night {NIGHTS} against night 2, {285 * times:,} schools, {int(second['pupils']):,} pupils")
    print(f"    night 2  {second['seconds']:6.2f} s   {second['wal'] / 1e6:8.2f} MB of WAL")
    print(f"    night {NIGHTS} {last['seconds']:6.2f} s   {last['wal'] / 1e6:8.2f} MB of WAL")
    print(f"    ratio    {last['seconds'] / second['seconds']:6.2f}     {last['wal'] / second['wal']:8.2f}", flush=True)


def database_of(url: str, name: str, template: str = "template0") -> str:
    """The URL of a new database on the same server, a copy of `template`."""
    engine = connect(url)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()  # the next copy of it is made when nobody is connected
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def register_in(deliveries: Path) -> Path:
    """The register among the deliveries of a region."""
    return next(path for path in sorted(deliveries.rglob("*.xlsx")) if "еестр" in path.name)


def take_register(engine: Engine, path: Path, aliases: dict[str, str] | None) -> None:
    """Load the region's register, so that schools are known."""
    data = path.read_bytes()
    delivery = Delivery(path.name, hashlib.sha256(data).hexdigest(), "department", RECEIVED, read_grid(path.name, data))
    (reading,) = interpret([delivery], Context(None, b"", aliases=aliases))
    if not isinstance(reading, Reading):
        raise TypeError("a register is not a pupil export")
    with engine.begin() as connection:
        delivery_id, _ = record_arrival(connection, delivery.sha256, path.name, len(data), RECEIVED, path.name)
    load(engine, reading, delivery_id, "benchmark")


def write_clean(export: Path, clean: Path, heading: str) -> str:
    """The rows of the export below a heading, clean and typed, as csv; returns the columns of their table."""
    lines = export.read_bytes().split(b"\n", 60)
    above = next(number for number, line in enumerate(lines) if heading.encode() in line)
    rows = pl.read_csv(export, separator=";", skip_rows=above, infer_schema=False, truncate_ragged_lines=True)
    typed = rows.with_row_index("row_no").select("row_no", *(clean_column(rows[name]) for name in rows.columns))
    typed.write_csv(clean, include_header=False)
    return ", ".join(f"c{n} {CLEAN_TYPES[type(dtype)]}" for n, dtype in enumerate(typed.dtypes[1:]))


def clean_column(texts: pl.Series) -> pl.Series:
    """A column as the type that most of its cells have."""
    for typed in (texts.cast(pl.Int64, strict=False), texts.str.to_date("%d.%m.%Y", strict=False)):
        if typed.null_count() < len(typed) * (0.5 if texts.null_count() < len(texts) * 0.5 else 1) and typed.count():
            return typed
    return texts


def told(name: str, what: str, floors: list[dict[str, Any]], works: list[dict[str, Any]], unit: str) -> None:
    """Print the medians of a pair of measurements."""
    floor = statistics.median(each["seconds"] for each in floors)
    work = statistics.median(each["seconds"] for each in works)
    count, peak = works[0][unit], max(each["peak_mib"] for each in works)
    came = ", ".join(f"{name} {value}" for name, value in works[0].items() if name not in ("seconds", "peak_mib"))
    print(f"{name}  {what}")
    print(f"    floor {floor:6.2f} s   {count / floor:10,.0f} {unit}/s")
    print(f"    ours  {work:6.2f} s   {count / work:10,.0f} {unit}/s   peak {peak:,.0f} MiB")
    print(f"    ratio {work / floor:6.2f}   {came}", flush=True)


if __name__ == "__main__":
    main()
