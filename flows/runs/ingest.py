"""Taking files in without Prefect: archive, check, load, publish, write receipts. The way out when Prefect is down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from contracts.regions import regions
from flows.home.connection import warehouse
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.log import logged
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.arrival import REGISTER_FORM
from flows.intake.incoming import Incoming, Options, discover, named
from flows.intake.intake import Intake
from flows.intake.outcome import ACCEPTED, OWN_FAILURE, QUARANTINED, REFUSED, Outcome, exit_code, first_failure
from flows.intake.publishing import publish_changes
from flows.intake.receiving import receive, receive_new
from flows.intake.take_in import take_in
from flows.messages.after_run import write_down
from flows.outbox.receipts import write_receipts
from flows.runs.record import LONGEST_MESSAGE
from flows.runs.what_counts import with_what_counts, with_what_others_say
from warehouse.deliveries.received import finish_run, start_run
from warehouse.marts.publication import published_dates

WITH_FINDINGS = "completed with findings"
RUN_STATES = {ACCEPTED: "completed", QUARANTINED: WITH_FINDINGS, REFUSED: WITH_FINDINGS, OWN_FAILURE: "failed"}


def ingest(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """Take in the files, registers first, and publish what they change; an outcome a file, in the order given.

    Without any, those that are new in the inbox, and what was received and not read yet: what the night would take in.
    The register that the options name is taken in before them; one that is refused is wrong usage.
    """
    settings.prepare()
    with warehouse(settings) as engine:
        with engine.begin() as connection:
            region = regions()[0].code
            run_id = start_run(connection, "ingest", options.as_of, region=region)
        state, message = "failed", None
        try:
            with logged(run_id=run_id):
                if options.register is not None:
                    take_in_register(Intake(engine, settings, Options(form=REGISTER_FORM), run_id), options.register)
                intake = Intake(engine, settings, options, run_id)
                if paths:
                    arrived = receive(intake, named(paths, settings.inbox))
                else:
                    arrived = receive_new(intake, discover(settings.inbox))
                outcomes = with_what_counts(engine, take_in(intake, arrived))
                dates = publish_changes(engine, settings, options.as_of, run_id)
                LOGGER.info("published marts as of %s", ", ".join(map(str, dates)) or "no date")
                outcomes = with_what_others_say(engine, outcomes)
                with engine.connect() as connection:
                    published = published_dates(connection, region)  # by a run, too, that died before its receipts
                write_receipts(engine, settings, outcomes, max(dates or published, default=options.as_of))
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
        guarded("noticing incidents", partial(write_down, engine, settings, dt.datetime.now(dt.UTC)))
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
