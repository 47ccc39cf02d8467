"""Reading the past again: planning a backfill over archived bytes, and applying, reverting, cancelling it."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from contracts.forms import FORMS
from contracts.reading import Reading, Stream
from contracts.regions import region_at, region_named
from contracts.regions.pack import Region
from contracts.versions.rule_versions import contract_version
from contracts.vocabulary import campaign_at, rows_in
from flows.home.archived import is_kept
from flows.home.asked_region import asked_region
from flows.home.faults import LOGGER, Fault
from flows.home.log import logged
from flows.home.progress import report
from flows.home.pupil_key import PupilSecrets
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.arrival import Arrival
from flows.intake.batches import batches, registers_first
from flows.intake.readings import NEED_SCHOOLS, Contexts, DeliveryFiles, readings, recognised
from flows.intake.receiving import archived_arrivals
from warehouse.backfill.apply import Status, apply, cancel, revert, status_of
from warehouse.backfill.comparison import affected_dates, compare
from warehouse.backfill.proposals import alone, look_through, propose_readings, propose_stream, waiting
from warehouse.backfill.requests import Refused, Request, open_backfill, seconds_a_delivery
from warehouse.deliveries.received import finish_run, start_run
from warehouse.marts.publication import Published
from warehouse.marts.published import register

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

DAY = dt.timedelta(days=1)
Interpreted = Reading | Stream | Fault
CHUNK = 400
"""Deliveries between two records of progress: what a plan that was interrupted reads again at most."""


def requested(
    forms: Sequence[str],
    senders: Sequence[str],
    since: dt.date | None,
    until: dt.date | None,
    reason: str,
    *,
    campaign: str | None = None,
    register_known_at: dt.datetime | None = None,
    requested_by: str | None = None,
    flow_run_id: str | None = None,
    inputs: Sequence[str] | None = None,
    keeps_inputs: bool = False,
    region: str | None = None,
) -> Request:
    """A request under today's contracts, by default of whoever is logged in, of the region of a code, of its senders,
    or of the only one in force. Raises Refused for open ends, and where nothing says which region is meant.

    Deliveries are read again and the dates judged by today's inputs. With `inputs` the dates are only judged by these;
    with `keeps_inputs`, or for some senders only, deliveries are only read again.
    """
    if inputs and (keeps_inputs or forms or senders):
        raise Refused("--input judges whole dates anew and reads nothing: leave out --form, --sender and --keep-inputs")
    home = region_meant(region, senders)
    if campaign is not None:
        if since is not None or until is not None:
            raise Refused("a campaign says which dates are meant: leave out --from and --to, or --campaign")
        of_campaign, since, until = days_of_campaign(campaign, home.code)
        if odd := [form for form in forms if form not in of_campaign]:
            raise Refused(f"{odd[0]} is no form of campaign {campaign}; there are: {', '.join(of_campaign)}")
        forms = () if inputs else forms or of_campaign
    if since is None or until is None:
        raise Refused(
            "a backfill needs both ends of its dates, so that nobody reads all of the past by mistake: "
            "give --from and --to, or --campaign"
        )
    if until < since:
        raise Refused(f"--to {until} is before --from {since}")
    if register_known_at is not None and register_known_at > dt.datetime.now(dt.UTC):
        raise Refused(f"{register_known_at} is still to come; nobody knows what the register will say")
    return Request(
        home.code, requested_by or getpass.getuser(), reason, tuple(forms), tuple(senders), since, until,
        contract_version(home.code), campaign, register_known_at, flow_run_id,
        tuple(inputs) if inputs else () if keeps_inputs or senders else None, reads=not inputs,
    )  # fmt: skip


def region_meant(code: str | None, senders: Sequence[str]) -> Region:
    """The region of a code, of senders, or the only one in force: a backfill is of one. Raises Refused."""
    of_senders = {region.code: region.name for sender in senders if (region := region_at(sender)) is not None}
    if len(of_senders) > 1:
        names = ", ".join(f"{code} ({name})" for code, name in of_senders.items())
        raise Refused(f"a backfill is of one region, and these senders are of {names}: ask for each by itself")
    try:
        region = asked_region(code, senders[0] if senders else None)
    except UsageError as error:
        raise Refused(str(error)) from None
    if any(each != region.code for each in of_senders):
        raise Refused(f"these senders are not of region {region.code}: leave out --region, or name its own")
    return region


def region_of_backfill(engine: Engine, backfill_id: int) -> Region:
    """The region of a backfill. Raises Refused when there is none of the number."""
    with engine.connect() as connection:
        return region_named(status_of(connection, backfill_id).region)


def days_of_campaign(campaign: str, region: str) -> tuple[list[str], dt.date, dt.date]:
    """Forms whose deliveries belong to a campaign of a region, and the first and the last day on which it runs.

    Raises Refused.
    """
    campaigns = {row["campaign"]: row for row in rows_in("campaigns", region)}
    if campaign not in campaigns:
        raise Refused(f"no campaign is named {campaign!r}; there are: {', '.join(campaigns)}")
    owner = campaigns[campaign]["form"]
    first = last = dt.date.fromisoformat(campaigns[campaign]["starts_on"])
    while (running := campaign_at(owner, last + DAY, region)) and running["campaign"] == campaign:
        last += DAY
    return [form.name for form in FORMS if owner in (form.name, form.campaign_form)], first, last


def plan(engine: Engine, settings: Settings, request: Request, announce: Callable[[str], None] = LOGGER.info) -> int:
    """Open a backfill and read its deliveries again; returns its id. Raises Refused, and then nothing stays open.

    `announce` hears first how much there is to read, and about how long it takes.
    """
    backfill_id = open_backfill(engine, request)
    announce(expected(engine, backfill_id))
    try:
        resume(engine, settings, backfill_id)
    except Refused:
        cancel(engine, backfill_id)
        raise
    return backfill_id


def expected(engine: Engine, backfill_id: int) -> str:
    """How much there is to read again and about how long it takes, in a sentence."""
    with engine.connect() as connection:
        work = len(waiting(connection, backfill_id))
        pace = seconds_a_delivery(connection)
    sentence = f"backfill {backfill_id}: {work} deliveries to read again"
    if pace is None:
        return sentence
    seconds = round(pace * work)
    about = f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{max(1, seconds)} s"
    return f"{sentence}, about {about} at the pace at which they were taken in"


def resume(engine: Engine, settings: Settings, backfill_id: int) -> None:
    """Read what a plan has not read yet, then compare and store what would change. Raises Refused, Timeout, Fault."""
    with alone(engine, backfill_id):
        with engine.connect() as connection:
            status = status_of(connection, backfill_id)
            if status.status != "planning":
                raise Refused(f"backfill {backfill_id} is {status.status}; there is nothing left to plan")
            if status.contract_version != contract_version(status.region):
                raise Refused(f"the rules changed after backfill {backfill_id} was begun: cancel it and plan anew")
            work = waiting(connection, backfill_id)
        with run_of(engine, backfill_id, "backfill plan") as run_id:
            read_again(engine, settings, backfill_id, status, work, run_id)
            compare(engine, backfill_id, wait=settings.lock_wait, on_wait=LOGGER.warning)


@contextmanager
def run_of(engine: Engine, backfill_id: int, kind: str) -> Iterator[int]:
    """Record a run of a backfill, and how it ended. Raises Refused when there is no such backfill."""
    with engine.begin() as connection:
        region = status_of(connection, backfill_id).region
        run_id = start_run(connection, kind, backfill_id=backfill_id, region=region)
    state = "failed"
    try:
        with logged(run_id=run_id):
            yield run_id
        state = "completed"
    finally:
        with engine.begin() as connection:
            finish_run(connection, run_id, state)


def read_again(
    engine: Engine,
    settings: Settings,
    backfill_id: int,
    plan: Status,
    work: Sequence[int],
    run_id: int,
) -> None:
    """Read archived deliveries, registers first, and propose what comes out otherwise. Raises Refused, Fault."""
    kept = still_archived(engine, settings, work)
    files = DeliveryFiles(settings)
    arrivals = looked_at(list(kept.values()), files)
    secret_of = PupilSecrets(engine, settings).of
    register_known_at, version = plan.register_known_at, contract_version(plan.region)
    done = 0
    report(done, len(arrivals))
    for group in registers_first(arrivals):
        contexts = Contexts(partial(register_then, engine, backfill_id, register_known_at), secret_of)
        for batch, answers in read_ahead(group, contexts, register_known_at, settings.workers, files):
            whole: list[tuple[Reading, int]] = []
            for arrival, reading in zip(batch, answers, strict=True):
                if isinstance(reading, Fault):
                    raise reading
                if isinstance(reading, Reading):
                    whole.append((reading, arrival.recorded_id))
                else:
                    propose_stream(
                        engine,
                        backfill_id,
                        reading,
                        arrival.recorded_id,
                        version,
                        run_id,
                        settings.scratch or settings.home,
                    )
            if whole:
                propose_readings(engine, backfill_id, whole, version, run_id)
            done += len(batch)
            report(done, len(arrivals))


def looked_at(arrivals: Sequence[Arrival], files: DeliveryFiles) -> list[Arrival]:
    """Archived deliveries with what each is by today's contracts. Raises Fault."""
    deliveries = []
    for recognition in recognised(arrivals, files):
        if isinstance(recognition, Fault):
            raise recognition
        deliveries.append(recognition)
    return deliveries


def register_then(
    engine: Engine, backfill_id: int, known_at: dt.datetime | None, _region: str | None, day: dt.date | None
) -> pl.DataFrame | None:
    """The register of a region that holds on a day: as it was known at a moment, else with what a backfill proposes."""
    with engine.connect() as connection:
        if known_at is None:
            look_through(connection, backfill_id)
        return register(connection, status_of(connection, backfill_id).region, day, known_at)


def read_ahead(
    group: Sequence[Arrival], contexts: Contexts, known_at: dt.datetime | None, workers: int, files: DeliveryFiles
) -> Iterator[tuple[list[Arrival], Sequence[Interpreted]]]:
    """Batches with their readings, several read at once and handed over in the order in which they were received.

    Raises Refused for a form of schools of which no register was known by `known_at`.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="backfill") as pool:
        waiting_for: list[tuple[list[Arrival], Future[Sequence[Interpreted]]]] = []
        for batch in batches(group, CHUNK):
            context = contexts.of(batch)
            if context.register is None and batch[0].form in NEED_SCHOOLS:
                then = "" if known_at is None else f" by {known_at:%Y-%m-%dT%H:%M%z}"
                raise Refused(f"no register of schools was known{then}, and {batch[0].form} cannot be read without one")
            waiting_for.append((batch, pool.submit(copy_context().run, readings, batch, context, files)))
            if len(waiting_for) > workers:
                first, future = waiting_for.pop(0)
                yield first, future.result()
        for batch, future in waiting_for:
            yield batch, future.result()


def still_archived(engine: Engine, settings: Settings, deliveries: Sequence[int]) -> dict[int, Arrival]:
    """Delivery id → its archived bytes, in the order received. Raises Refused when bytes are gone."""
    with engine.connect() as connection:
        arrivals = archived_arrivals(connection, settings.archive, deliveries)
    gone = [
        f"{delivery_id}, {arrival.sha256[:8]}" for delivery_id, arrival in arrivals.items() if not is_kept(arrival.path)
    ]
    if gone:
        raise Refused(
            f"the bytes of {len(gone)} deliveries are no longer in the archive, the first: delivery {gone[0]}; where a "
            "purge destroyed them, leave their form out: --form names those to read"
        )
    return arrivals


def _dates_of(backfill_id: int) -> Callable[[Connection], Collection[dt.date]]:
    return lambda connection: affected_dates(connection, backfill_id)


def apply_backfill(
    engine: Engine, settings: Settings, backfill_id: int, approved_by: str | None = None
) -> list[Published]:
    """Make a plan current and publish, by default by leave of whoever is logged in. Raises Refused, Timeout."""
    with run_of(engine, backfill_id, "backfill apply") as run_id:
        version = contract_version(region_of_backfill(engine, backfill_id).code)
        return apply(
            engine, backfill_id, version, _dates_of(backfill_id),
            oldest=dt.timedelta(days=settings.plan_days), wait=settings.lock_wait,
            on_wait=LOGGER.warning, approved_by=approved_by or getpass.getuser(), run_id=run_id,
        )  # fmt: skip


def revert_backfill(engine: Engine, settings: Settings, backfill_id: int) -> list[Published]:
    """Bring back what was before an applied backfill, and publish. Raises Refused, Timeout."""
    with run_of(engine, backfill_id, "backfill revert") as run_id:
        return revert(
            engine, backfill_id, _dates_of(backfill_id), wait=settings.lock_wait,
            on_wait=LOGGER.warning, run_id=run_id,
        )  # fmt: skip
