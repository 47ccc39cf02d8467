"""Taking files in without Prefect: archive, check, load, publish, write receipts. The way out when Prefect is down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from flows.home.connection import warehouse
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.log import logged
from flows.home.progress import report
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.batches import REGISTER_FORM, Known, Options, batches, turns
from flows.intake.incoming import Arrival, Incoming, discover, named
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome, exit_code, first_failure, in_order, unique
from flows.messages.after_run import write_down
from flows.outbox.receipts import write_receipts
from flows.runs.record import LONGEST_MESSAGE
from flows.runs.what_counts import with_what_counts
from warehouse.deliveries.received import finish_run, start_run
from warehouse.marts.publication import published_dates

RUN_STATES = {0: "completed", 3: "completed with findings", 4: "completed with findings", 1: "failed"}


def ingest(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """Take in the files, registers first, and publish what they change; an outcome a file, in the order given.

    Without any, those that are new in the inbox, and what was received and not read yet: what the night would take in.
    The register that the options name is taken in before them; one that is refused is wrong usage.
    """
    settings.prepare()
    with warehouse(settings) as engine:
        with engine.begin() as connection:
            run_id = start_run(connection, "ingest", options.as_of)
        state, message = "failed", None
        try:
            with logged(run_id=run_id):
                if options.register is not None:
                    take_in_register(Intake(engine, settings, Options(form=REGISTER_FORM), run_id), options.register)
                intake = Intake(engine, settings, options, run_id)
                if paths:
                    arrived = intake.receive(named(paths, settings.inbox))
                else:
                    arrived = intake.receive_new(discover(settings.inbox))
                told = with_what_counts(engine, take_in(intake, arrived), ZoneInfo(settings.timezone))
                dates = intake.publish(options.as_of)
                LOGGER.info("published marts as of %s", ", ".join(map(str, dates)) or "no date")
                with engine.connect() as connection:
                    published = published_dates(connection)  # by a run, too, that died before its receipts
                write_receipts(engine, settings, told, max(dates or published, default=options.as_of))
                state, message = RUN_STATES[exit_code(told)], first_failure(told)
        finally:
            with engine.begin() as connection:
                finish_run(connection, run_id, state, message and message[:LONGEST_MESSAGE])
    return told


def ingest_by_hand(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """`ingest`; what is wrong then becomes incidents. Their messages go out with the next run or `messages send`."""
    settings.prepare()
    with warehouse(settings) as engine:
        outcomes = ingest(paths, options, settings)
        guarded("noticing incidents", partial(write_down, engine, settings, dt.datetime.now(dt.UTC)))
    return outcomes


def take_in(intake: Intake, arrived: Sequence[Arrival | Outcome]) -> list[Outcome]:
    """Interpret and load what is new."""
    arrivals = unique(arrived)
    outcomes = intake.recall(arrivals)
    known, wrong = intake.look([each for each in arrivals if each.key not in outcomes])
    outcomes |= {outcome.key: outcome for outcome in wrong}
    report(len(outcomes), len(arrivals))
    for part in (*turns(registers(known)), *turns(others(known))):
        for batch in batches(part):
            outcomes |= {outcome.key: outcome for outcome in intake.process(batch)}
            report(len(outcomes), len(arrivals))
    return in_order(arrived, outcomes)


def take_in_register(intake: Intake, path: Path) -> None:
    outcome, *others = take_in(intake, intake.receive([Incoming(path, None)]))
    if others:
        raise UsageError(f"{path} is an archive of {len(others) + 1} files, not a register.")
    if outcome.failure is not None:
        raise Fault(outcome.failure)
    if outcome.verdict == "refused":
        why = next((finding.message for finding in outcome.findings if finding.severity == "refuse"), "")
        raise UsageError(f"{path} is not a register that can be used: {why}")


def registers(known: Sequence[Known]) -> list[Known]:
    return [each for each in known if each.is_register]


def others(known: Sequence[Known]) -> list[Known]:
    return [each for each in known if not each.is_register]
