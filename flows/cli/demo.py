"""`profmin demo` and `profmin run nightly`: a night with nothing set up."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import polars as pl
from rich.markup import escape

from contracts.circumstances import INBOX
from contracts.regions.pack import Region as Pack
from documents.demo import Region, deliveries, eve, of_pack, programme_files, put, tomsk, write_deliveries
from documents.demo.autumn import FIRST, autumn
from documents.demo.autumn_programme import Programme, of_offices
from documents.demo.region import TOMSK
from flows.cli.night_tables import show_night
from flows.cli.terminal import console, progress
from flows.home.asked_region import asked_region, asked_regions
from flows.home.connection import warehouse
from flows.home.faults import log_to
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.outcome import ACCEPTED, OWN_FAILURE, exit_code
from flows.runs.summary import Night, Tables, read_tables
from flows.service.supervisor import joined
from flows.service.temporary_server import orchestrator


def write_files(folder: Path, code: str | None) -> None:
    """Only write the files of a region, a folder a sender."""
    region = _truth(asked_region(code))
    programme = (*programme_files.early(region), *programme_files.deliveries(region))
    written = [*write_deliveries(region, folder), *put(programme, folder)]
    console(error=True).print(f"{len(written)} files in {folder}", soft_wrap=True)


def _truth(region: Pack) -> Region:
    """What is true of a region in the demo: of Tomsk the source's numbers, of another one what is invented.

    Raises UsageError for a pack of which no demo can be made.
    """
    if region.code == TOMSK:
        return tomsk()
    try:
        return of_pack(region)
    except ValueError as error:
        raise UsageError(f"no demo can be made of it: {error}", f"для неё примера не сделать: {error}") from None


def run_demo(settings: Settings, code: str | None) -> int:
    """Run two nights of a region, the second with corrections of the first, and show that; 0 when the region came out
    as it was generated."""
    os.environ["PROFMIN_VOUCHED_CHANNELS"] = INBOX  # the files play the past: their times are those of receipt
    pack = asked_region(code)
    region = _truth(pack)
    evening = eve.on_the_eve(region).as_of
    with _prefect(settings) as wait, progress(f"ночи на {evening:%d.%m.%Y} и {region.as_of:%d.%m.%Y}"):
        put([*programme_files.early(region), *eve.before(region)], settings.inbox)
        later = [*eve.corrections(region), *deliveries(region), *programme_files.deliveries(region)]  # while it starts
        _nights(settings, evening, pack.code, wait)
        put(later, settings.inbox)
        ((night, tables),) = _nights(settings, region.as_of, pack.code, wait)
    out = console()
    show_night(out, night, tables, settings)
    wrong = _differences(tables, region)
    if wrong:
        out.print("[red]Регион получился не таким, каким был задуман:[/red]")
        for line in wrong:
            out.print(f"  {line}")
        return OWN_FAILURE
    out.print(
        "[green]Регион получился таким, каким был задуман[/green]: неверных строк вписано намеренно "
        f"{tables.set_aside}, и все они найдены."
    )
    return ACCEPTED


def run_autumn(settings: Settings, code: str | None, until: dt.date | None) -> int:
    """Live the nights of an autumn one after the other, to the end of January or `until`, a line each, and show the
    last one; 0 when each was lived. Raises UsageError for an end before the first night."""
    os.environ["PROFMIN_VOUCHED_CHANNELS"] = INBOX  # the files play the past: their times are those of receipt
    last = until or dt.date(FIRST.year + 1, 1, 31)
    if last < FIRST:
        raise UsageError(f"the autumn begins on {FIRST}", f"осень начинается {FIRST:%d.%m.%Y}")
    pack = asked_region(code)
    region = _truth(pack)
    nights = autumn(region, (last - FIRST).days + 1, Programme(region, FIRST, last))
    with _prefect(settings) as wait, warehouse(settings):
        for lived in nights:
            put([*lived.files, *of_offices(region, lived.as_of)], settings.inbox)
            ((night, tables),) = _nights(settings, lived.as_of, pack.code, wait)
            console(error=True).print(
                f"{night.as_of:%d.%m.%Y}: новых файлов {len(night.outcomes)}, строк в карантине {night.quarantined}"
            )
    show_night(console(), night, tables, settings)
    return ACCEPTED


def run_night(settings: Settings, as_of: dt.date | None, code: str | None) -> int:
    """Run the nightly flow now, of a region or of all, and show each night; returns their exit code."""
    chosen = asked_regions(code)
    with _prefect(settings) as wait, progress("ночь"):
        nights = _nights(settings, as_of, code, wait)
    for night, tables in nights:
        if len(chosen) > 1:
            console().rule(f"[bold]{escape(night.region.name)}[/bold]", align="left")
        show_night(console(), night, tables, settings)
    for region in chosen:
        if region not in [night.region for night, _ in nights]:
            console().print(f"[red]{escape(region.name)}: ночь не удалась из-за нашего сбоя[/red]; profmin status")
    if len(nights) < len(chosen):
        return OWN_FAILURE
    return exit_code([outcome for night, _ in nights for outcome in night.outcomes])


def _prefect(settings: Settings) -> AbstractContextManager[Callable[[], None]]:
    settings.prepare()
    log_to(settings.log_file, settings.log_level, settings.log_format)
    return orchestrator(settings.home / "prefect", settings.home / "prefect.log", joined(settings))


def _nights(
    settings: Settings, as_of: dt.date | None, code: str | None, wait: Callable[[], None]
) -> list[tuple[Night, Tables]]:
    """The flow in this process, while we hold the database open to read the tables after it."""
    with warehouse(settings) as engine:
        from flows.nightly import nightly  # imports prefect, whose environment is complete only now

        wait()
        state = nightly(as_of, str(settings.home), code, return_state=True)
        nights: tuple[Night, ...] | BaseException = state.result(raise_on_failure=False)  # type: ignore[assignment]
        if isinstance(nights, BaseException):
            raise nights
        with engine.connect() as connection:
            return [(night, read_tables(connection, night.region, night.as_of)) for night in nights]


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
    planted = region.schools.filter(pl.col("status") == "rejected").height + programme_files.set_aside(region)
    if tables.set_aside != planted:
        lines.append(f"строк в карантине: {planted} → {tables.set_aside}")
    return sorted(lines)
