"""`profmin demo` and `profmin run nightly`: a night with nothing set up."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl

from contracts.circumstances import INBOX
from documents.demo import Region, eve, put, tomsk, write_deliveries
from flows.cli.night_tables import show_night
from flows.cli.terminal import console, progress
from flows.home.connection import warehouse
from flows.home.faults import log_to
from flows.home.settings import Settings
from flows.intake.outcome import ACCEPTED, OWN_FAILURE, exit_code
from flows.runs.summary import Night, Tables, read_tables
from flows.service.supervisor import joined
from flows.service.temporary_server import orchestrator


def write_files(folder: Path) -> None:
    """Only write the files of the region, a folder a sender."""
    written = write_deliveries(tomsk(), folder)
    console(error=True).print(f"{len(written)} files in {folder}", soft_wrap=True)


def run_demo(settings: Settings) -> int:
    """Run two nights of the region, the second with corrections of the first, and show that; 0 when the region came out
    as it was generated."""
    os.environ["PROFMIN_VOUCHED_CHANNELS"] = INBOX  # the files play the past: their times are those of receipt
    region = tomsk()
    evening = eve.on_the_eve(region).as_of
    with _prefect(settings) as wait, progress(f"ночи на {evening:%d.%m.%Y} и {region.as_of:%d.%m.%Y}"):
        put(eve.before(region), settings.inbox)
        _night(settings, evening, wait)
        put(eve.corrections(region), settings.inbox)
        write_deliveries(region, settings.inbox)
        night, tables = _night(settings, region.as_of, wait)
    out = console()
    show_night(out, night, tables, settings)
    wrong = _differences(tables, region)
    if wrong:
        out.print("[red]Регион получился не таким, каким был задуман:[/red]")
        for line in wrong:
            out.print(f"  {line}")
        return OWN_FAILURE
    out.print(
        f"[green]Регион получился таким, каким был задуман[/green]: {tables.set_aside} неверных строк вписаны "
        "намеренно, и все они найдены."
    )
    return ACCEPTED


def run_night(settings: Settings, as_of: dt.date | None) -> int:
    """Run the nightly flow now and show the night; returns its exit code."""
    with _prefect(settings) as wait, progress("ночь"):
        night, tables = _night(settings, as_of, wait)
    show_night(console(), night, tables, settings)
    return exit_code(night.outcomes)


def _prefect(settings: Settings) -> AbstractContextManager[Callable[[], None]]:
    settings.prepare()
    log_to(settings.log_file, settings.log_level, settings.log_format)
    return orchestrator(settings.home / "prefect", settings.home / "prefect.log", joined(settings))


def _night(settings: Settings, as_of: dt.date | None, wait: Callable[[], None]) -> tuple[Night, Tables]:
    """The flow in this process, while we hold the database open to read the tables after it."""
    with warehouse(settings) as engine:
        from flows.nightly import nightly  # imports prefect, whose environment is complete only now

        wait()
        state = nightly(as_of, str(settings.home), return_state=True)
        night: Night | BaseException = state.result(raise_on_failure=False)  # type: ignore[assignment]
        if isinstance(night, BaseException):
            raise night
        with engine.connect() as connection:
            return night, read_tables(connection, night.as_of)


def _differences(tables: Tables, region: Region) -> list[str]:
    """Where what was published differs from the region that was generated."""
    statuses = region.schools.group_by(reporting_unit="subordination").agg(
        schools=pl.len().cast(pl.Int64),
        accepted=(pl.col("status") == "accepted").sum().cast(pl.Int64),
        rejected=(pl.col("status") == "rejected").sum().cast(pl.Int64),
        missing=(pl.col("status") == "missing").sum().cast(pl.Int64),
        actual_pupils=pl.col("registered").sum(),
    )
    truth = statuses.join(region.plan, on="reporting_unit", how="left")
    units = {table.mart.name: table.units for table in tables.of_units}
    published = units["readiness_by_municipality"].join(
        units["registration_by_municipality"], on="reporting_unit", how="left"
    )
    lines = []
    for row in truth.join(published, on="reporting_unit", how="left", suffix="_published").iter_rows(named=True):
        for column in ("schools", "accepted", "rejected", "missing", "plan_pupils", "actual_pupils"):
            if row[column] != row[f"{column}_published"]:
                lines.append(f"{row['reporting_unit']}, {column}: {row[column]} → {row[f'{column}_published']}")
    planted = region.schools.filter(pl.col("status") == "rejected").height
    if tables.set_aside != planted:
        lines.append(f"строк в карантине: {planted} → {tables.set_aside}")
    return sorted(lines)
