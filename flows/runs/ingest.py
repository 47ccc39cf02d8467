"""Taking files in without Prefect: archive, check, load, publish, write receipts. The way out when Prefect is down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.regions import region_of, regions
from contracts.regions.pack import Region
from flows.home.connection import warehouse
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.log import logged
from flows.home.sealing import seal_archive
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.arrival import REGISTER_FORM, Arrival
from flows.intake.incoming import Incoming, Options, discover, named
from flows.intake.intake import Intake
from flows.intake.outcome import ACCEPTED, OWN_FAILURE, QUARANTINED, REFUSED, Outcome, exit_code, first_failure
from flows.intake.publishing import publish_changes
from flows.intake.receiving import receive, receive_new
from flows.intake.take_in import take_in
from flows.messages.after_run import write_down
from flows.outbox.receipts import write_receipts
from flows.page.after_publish import write_site
from flows.runs.each_region import of_each
from flows.runs.record import LONGEST_MESSAGE
from flows.runs.what_counts import with_what_counts, with_what_others_say
from warehouse.deliveries.received import finish_run, start_run
from warehouse.marts.publication import published_dates

if TYPE_CHECKING:
    from sqlalchemy import Engine

WITH_FINDINGS = "completed with findings"
RUN_STATES = {ACCEPTED: "completed", QUARANTINED: WITH_FINDINGS, REFUSED: WITH_FINDINGS, OWN_FAILURE: "failed"}


def ingest(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """Take in the files, registers first, and publish what they change; an outcome a file, in the order given, region
    by region: each has a run of its own, and a failure of one stops no other.

    Without any, those that are new in the inbox, and what was received and not read yet: what the night would take in.
    The register that the options name is taken in before them; one that is refused is wrong usage. Raises Fault.
    """
    settings.prepare()
    with warehouse(settings) as engine:
        if paths:
            files = named(paths, settings.inbox)
            of_regions = {region: _of_region(region, files, options) for region in regions()}
            taking = {region: partial(receive, incoming=own) for region, own in of_regions.items() if own}
        else:
            taking = {region: partial(receive_new, inbox=discover(settings.inbox)) for region in regions()}
        done = of_each(
            list(taking),
            "taking in files",
            lambda region: _ingested(engine, settings, region, taking[region], options),
        )
    return [outcome for outcomes in done.values() for outcome in outcomes]


def _of_region(region: Region, files: Sequence[Incoming], options: Options) -> list[Incoming]:
    """The named files that are of a region: by what is said of them, else by their folders."""
    if options.sender is not None:
        return list(files) if region_of(options.sender) == region else []
    return [file for file in files if region_of(file.owner) == region]


def _ingested(
    engine: Engine,
    settings: Settings,
    region: Region,
    taking: Callable[[Intake], list[Arrival | Outcome]],
    options: Options,
) -> list[Outcome]:
    """The run of a region; `taking` receives what is its."""
    with engine.begin() as connection:
        run_id = start_run(connection, "ingest", options.as_of, region=region.code)
    state, message = "failed", None
    try:
        with logged(run_id=run_id):
            if options.register is not None:
                registers = Intake(engine, settings, region, Options(form=REGISTER_FORM), run_id)
                take_in_register(registers, options.register)
            intake = Intake(engine, settings, region, options, run_id)
            outcomes = with_what_counts(engine, take_in(intake, taking(intake)))
            dates = publish_changes(engine, settings, region, options.as_of, run_id)
            LOGGER.info("published marts as of %s", ", ".join(map(str, dates)) or "no date")
            outcomes = with_what_others_say(engine, outcomes)
            with engine.connect() as connection:
                published = published_dates(connection, region.code)  # by a run, too, that died before its receipts
            write_receipts(engine, settings, region, outcomes, max(dates or published, default=options.as_of))
            guarded("sealing what names people", partial(seal_archive, engine, settings))
            write_site(engine, settings, region)
            state, message = RUN_STATES[exit_code(outcomes)], first_failure(outcomes)
    finally:
        with engine.begin() as connection:
            finish_run(connection, run_id, state, message and message[:LONGEST_MESSAGE])
    return outcomes


def ingest_by_hand(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """`ingest`; what is wrong then becomes incidents. Their messages go out with the next run or `messages send`."""
    settings.prepare()
    with warehouse(settings) as engine:
        outcomes = ingest(paths, options, settings)
        for region in regions():
            noticed = partial(write_down, engine, settings, region, dt.datetime.now(dt.UTC))
            guarded(f"noticing incidents of {region.code}", noticed)
    return outcomes


def take_in_register(intake: Intake, path: Path) -> None:
    """Take in a register that is named beside the files. Raises UsageError for what is none, Fault."""
    outcome, *others = take_in(intake, receive(intake, [Incoming(path, None)]))
    if others:
        raise UsageError(f"{path} is an archive of {len(others) + 1} files, not a register.")
    if outcome.failure is not None:
        raise Fault(outcome.failure)
    if outcome.verdict == "refused":
        why = next((finding.message for finding in outcome.findings if finding.severity == "refuse"), "")
        raise UsageError(f"{path} is not a register that can be used: {why}")
