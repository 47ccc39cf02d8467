"""The night: everything in the inbox, as one Prefect flow over the plain functions of `flows.intake`.

A night is of one region; a run of several has their nights one after the other, and none of them touches another. A
task takes one delivery (a batch of small ones when there are very many). Data is committed first; what is reported
afterwards can fail without failing the night. Errors reach Prefect only with texts of ours: theirs may quote a row.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from contracts.regions import zone_of
from contracts.regions.pack import Region
from flows.home.asked_region import asked_regions
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.log import logged
from flows.home.progress import report
from flows.home.sealing import seal_archive
from flows.home.settings import Settings
from flows.intake.arrival import Arrival, Key
from flows.intake.batches import batches, in_turns
from flows.intake.incoming import Incoming, Options, discover
from flows.intake.intake import Intake
from flows.intake.loading import process_all
from flows.intake.outcome import OWN_FAILURE, Outcome, exit_code, failed, in_order, unique
from flows.intake.publishing import publish_changes
from flows.intake.receiving import receive_new
from flows.intake.spread import spread_of
from flows.intake.take_in import look, recall
from flows.outbox.receipts import write_receipts
from flows.page.after_publish import write_site
from flows.runs.each_region import in_one
from flows.runs.record import COMPLETED, FAILED, recorded_run, settings_of
from flows.runs.run_page import run_page
from flows.runs.summary import Night
from flows.runs.what_counts import with_what_counts

T = TypeVar("T")
MOST_TASKS = 40
"""Deliveries of which each has a task of its own, to be seen in Prefect: twice what the source's senders send in a
night. A task costs a tenth of a second, for itself and because what it reads is read alone."""
SEVERAL_A_DAY = ("inbox", "watchdog", "publish", "backfill")
RETRIES = 2
RETRY_DELAY_SECONDS = 10
WITH_FINDINGS = "completed with findings"


class Work:
    """What the tasks of one night share; not a dataclass, so that Prefect does not look for futures inside."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.arrived: list[Arrival | Outcome] = []
        self.outcomes: dict[Key, Outcome] = {}
        self.guard = threading.Lock()

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Note what came of deliveries, in place of what came of them before; the progress shows it."""
        with self.guard:
            self.outcomes |= {outcome.key: outcome for outcome in outcomes}
            report(len(self.outcomes), len(unique(self.arrived)))

    def left(self, batch: Sequence[Arrival]) -> list[Arrival]:
        """Deliveries of a batch to work on: all at first, and in a retry those whose fault may have passed."""
        with self.guard:
            done = {key for key, outcome in self.outcomes.items() if not outcome.may_pass}
        return [arrival for arrival in batch if arrival.key not in done]

    def failed(self, arrival: Arrival) -> bool:
        """Did we fail at a delivery when it was tried before?"""
        outcome = self.outcomes.get(arrival.key)
        return outcome is not None and outcome.failure is not None

    def all_outcomes(self) -> list[Outcome]:
        """An outcome a file; one that no task came to the end of is our failure."""
        outcomes = {arrival.key: failed(arrival, Fault("the task did not finish")) for arrival in unique(self.arrived)}
        return in_order(self.arrived, outcomes | self.outcomes)


def run_name() -> str:
    """What a run is called in Prefect: the flow, its region where one is named, and the day that it is for; by day the
    minute too."""
    Settings()  # which says whose packs are in force
    code = flow_run.parameters.get("region")
    name = " ".join(filter(None, (flow_run.flow_name, code)))
    zone = zone_of(code)
    if flow_run.flow_name in SEVERAL_A_DAY:
        return f"{name} {flow_run.scheduled_start_time.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{name} {flow_run.parameters.get('as_of') or business_date(zone)}"


def business_date(zone: dt.tzinfo) -> dt.date:
    """The day on which the run was scheduled, in a time zone; a run that starts late still is for its own day."""
    scheduled: dt.datetime = flow_run.scheduled_start_time
    return scheduled.astimezone(zone).date()


@flow(
    name="nightly",
    flow_run_name=run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=Settings().workers),  # type: ignore[arg-type]
    persist_result=False,
)
def nightly(as_of: dt.date | None = None, home: str | None = None, region: str | None = None) -> State[Any]:
    """Take in the inbox and publish the marts of a business date: the day on which the run was scheduled, by the clock
    of the region. Without a region all that are in force have their nights, one after the other."""
    settings = settings_of(home)
    return taken_in(settings, asked_regions(region), as_of, "nightly")


def taken_in(settings: Settings, regions: Sequence[Region], as_of: dt.date | None, kind: str) -> State[Any]:
    """Do all of a night's work for each region, now and under the name `kind`; the state in which the flow ends, with
    the nights that came to their end. A region on which we fail stops no other. Raises Fault for one that is alone."""
    nights: list[Night] = []
    told: dict[str, str] = {}
    states: list[str] = []
    for region in regions:
        day = as_of or business_date(region.zone)
        with logged(flow_run_id=str(flow_run.id)):
            doing = f"the {kind} run of {region.code} of {day} failed"
            night = guarded(doing, partial(whole_night, settings, region, day, kind))
        if isinstance(night, Fault):
            if len(regions) == 1:
                raise night
            told[region.code] = str(night)
            states.append(FAILED)
            continue
        nights.append(night)
        get_run_logger().info("%s of %s, %s: %s", kind, region.name, day, night.sentence)
        told[region.code] = night.sentence
        states.append(state_of(night))
    message, data = in_one(told), tuple(nights)
    if FAILED in states:
        return Failed(message=message, data=data)
    worst = WITH_FINDINGS if WITH_FINDINGS in states else COMPLETED
    return Completed(name=worst.capitalize(), message=message, data=data)


def state_of(night: Night) -> str:
    """How a night ended, as the warehouse records it."""
    code = exit_code(night.outcomes)
    return FAILED if code == OWN_FAILURE else WITH_FINDINGS if code else COMPLETED


def whole_night(settings: Settings, region: Region, day: dt.date, kind: str = "nightly") -> Night:
    """Open the warehouse, record the run, and go through the steps of a region's night."""
    settings.prepare()
    with warehouse(settings) as engine:
        with recorded_run(engine, settings, kind, region, day, str(flow_run.id)) as run:
            night = steps(Work(Intake(engine, settings, region, Options(), run.run_id)), settings, day)
            run.state = state_of(night)
            run.message = night.sentence
        tell_prefect(settings, night, run.run_id, kind)
    return night


def untouched(value: T) -> T:
    """A parameter of a task that Prefect neither copies nor searches for futures."""
    return cast(T, quote(value))


def steps(work: Work, settings: Settings, day: dt.date) -> Night:
    """From the inbox to the outbox; deliveries of one turn are worked on at once."""
    archive_inbox(untouched(work), discover_inbox(str(settings.inbox)))
    deliveries = recognise_deliveries(untouched(work))
    for turn in in_turns(deliveries):
        take_in_all(work, turn)
    dates = publish_marts(untouched(work), day)
    outcomes = with_what_counts(work.intake.engine, work.all_outcomes())
    write_outbox(untouched(work), untouched(outcomes), day)
    return Night(work.intake.region, day, tuple(dates), tuple(outcomes))


def take_in_all(work: Work, deliveries: Sequence[Arrival]) -> None:
    """A task a delivery; of very many, a task a batch of small ones, or one for all that other processes read."""
    if spread_of(work.intake.settings, len(deliveries)) is not None:
        take_in.with_options(task_run_name=f"{len(deliveries)} deliveries, spread").submit(
            untouched(work), untouched(list(deliveries))
        ).wait()
        return
    most = 1 if len(deliveries) <= MOST_TASKS else -(-len(deliveries) // MOST_TASKS)
    futures = [
        take_in.with_options(task_run_name=called(batch)).submit(untouched(work), untouched(batch))
        for batch in batches(deliveries, most)
    ]
    for future in futures:
        future.wait()


@task(name="discover", cache_policy=NO_CACHE, persist_result=False)
def discover_inbox(inbox: str) -> list[Incoming]:
    """What lies in the inbox, also what cannot be taken in."""
    files = discover(Path(inbox))
    get_run_logger().info("%d files in the inbox", len(files))
    return files


@task(name="archive", cache_policy=NO_CACHE, persist_result=False)
def archive_inbox(work: Work, incoming: list[Incoming]) -> None:
    """Keep the bytes of every new file before anything looks into one."""
    work.arrived = receive_new(work.intake, incoming)
    get_run_logger().info("%d files are new or still to be read", len(work.arrived))


@task(name="recognise", cache_policy=NO_CACHE, persist_result=False)
def recognise_deliveries(work: Work) -> list[Arrival]:
    """What is new, and what each of it is; what was read before keeps its outcome."""
    arrivals = unique(work.arrived)
    work.record(recall(work.intake, arrivals).values())
    deliveries, wrong = look(work.intake, [arrival for arrival in arrivals if arrival.key not in work.outcomes])
    work.record(wrong)
    get_run_logger().info("%d deliveries, %d of them new", len(arrivals), len(deliveries) + len(wrong))
    return deliveries


def fault_may_pass(_task: Any, _task_run: Any, state: State[Any]) -> bool:
    """Is it a fault of ours that trying again may cure? Bad input never is."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, Fault) and error.passing


@task(
    name="take in",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=fault_may_pass,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def take_in(work: Work, batch: list[Arrival]) -> None:
    """Read, check and load deliveries. Fails only by our own fault, after each of them has its outcome."""
    logger = get_run_logger()
    left = work.left(batch)
    if any(work.failed(arrival) for arrival in left):  # a commit may have come through after all
        recalled = guarded("asking what was loaded", partial(recall, work.intake, left))
        if not isinstance(recalled, Fault):
            work.record(recalled.values())
            left = [arrival for arrival in left if work.failed(arrival)]
    outcomes: list[Outcome] = []
    for done in process_all(work.intake, list(batches(left))):
        work.record(done)
        outcomes += done
    for outcome in outcomes:
        logger.info(
            "delivery %s, %s of %s: %s; rows read %d, loaded %d, quarantined %d; %d findings",
            outcome.sha256[:8], outcome.form or "no form", outcome.place, outcome.result,
            outcome.rows.read, outcome.rows.loaded, outcome.rows.quarantined, len(outcome.findings),
        )  # fmt: skip
    if wrong := [outcome for outcome in outcomes if outcome.failure]:
        text = f"{len(wrong)} of {len(outcomes)} deliveries failed, the first: {wrong[0].failure}"
        raise Fault(text, passing=any(outcome.may_pass for outcome in wrong))


@task(
    name="publish",
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_SECONDS,
    retry_condition_fn=fault_may_pass,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def publish_marts(work: Work, day: dt.date) -> list[dt.date]:
    """Publish the marts of the business date and of all dates that what came has changed; the dates. Raises Fault."""
    intake = work.intake
    changes = partial(publish_changes, intake.engine, intake.settings, intake.region, day, intake.run_id)
    dates = guarded("publishing the marts", changes)
    if isinstance(dates, Fault):
        raise dates
    get_run_logger().info("published marts as of %s", ", ".join(map(str, dates)))
    return dates


@task(name="write receipts", cache_policy=NO_CACHE, persist_result=False)
def write_outbox(work: Work, outcomes: list[Outcome], day: dt.date) -> None:
    """Write the receipts of what came and of what an earlier run left unanswered, and the page."""
    written = write_receipts(work.intake.engine, work.intake.settings, work.intake.region, outcomes, day)
    get_run_logger().info("%d new receipts in the outbox", len(written))
    guarded("sealing what names people", partial(seal_archive, work.intake.engine, work.intake.settings))
    write_site(work.intake.engine, work.intake.settings, work.intake.region)


def tell_prefect(settings: Settings, night: Night, run_id: int, kind: str) -> None:
    """Put the tables on the run's page. The data is committed: a page that cannot be written changes nothing.

    Tags are set here, and tasks have none: Prefect asks the server for a concurrency slot for each tag of each task,
    and 26 tasks then took 25 s in place of 8. The sender and the form are in a task's name instead.
    """

    def tell() -> None:
        with get_client(sync_client=True) as client:
            tags = client.read_flow_run(flow_run.id).tags  # of the nights before this one, where there are several
            client.update_flow_run(flow_run.id, tags={*tags, kind, night.region.code, str(night.as_of)})
        with warehouse(settings) as engine, engine.connect() as connection:
            text = run_page(connection, night, run_id, settings.outbox)
        create_markdown_artifact(text, key=page_key(kind, night.region), description=night.sentence)

    if isinstance(guarded("writing the run's page", tell), Fault):
        get_run_logger().warning("the run's page was not written; the data is loaded and published")


def page_key(kind: str, region: Region) -> str:
    """The name of a run's page in Prefect, which takes small letters, figures and dashes."""
    return f"{kind}-{region.code}".replace("_", "-")


def called(batch: Sequence[Arrival]) -> str:
    """The name of a task: the sender and the form, or how many of a form."""
    form = batch[0].form or "unrecognised"
    return f"{form}, {_sender(batch[0])}" if len(batch) == 1 else f"{form}, {len(batch)} deliveries"


def _sender(arrival: Arrival) -> str:
    return arrival.sender or arrival.folder or "unknown sender"
