"""One run's work on files: archive, interpret, load, publish. Nothing here needs Prefect."""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from contracts.forms import FORMS
from contracts.reading import PupilStream, Reading
from flows.inbox import Arrival, Incoming, LeftOut, NotTaken, archive, is_bare, unpack
from flows.journal import logged
from flows.left_out import entry, gone, not_taken
from flows.opener import Opener
from flows.outbox import write
from flows.outcome import Outcome, failed, outcome_of
from flows.pupil_key import checked_key
from flows.quota import Quota
from flows.reader import Known, Options, contract_version, first_looks, readings
from flows.seen import recalled, unseen
from flows.settings import Settings
from flows.settling import settled
from flows.statements import take_statements
from flows.trouble import LOGGER, Fault, guarded
from flows.usage import UsageError
from transforms.interpret import Context
from warehouse import left_out
from warehouse.database import connect, upgrade
from warehouse.deliveries import archived, waiting
from warehouse.load import LoadResult, load_many, load_pupils, readings_of, record_arrival
from warehouse.publish import publish, published_dates
from warehouse.query import register
from warehouse.server import embedded_server
from warehouse.stored import StoredReading, stored_readings, unpublished

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

STANDING_FORMS = frozenset(form.name for form in FORMS if form.defines_schools or form.slice_by == "academic_year")
"""A register and a plan are not for a date of their own: they hold for the dates of the other forms."""

NEED_SCHOOLS = frozenset(
    form.name
    for form in FORMS
    if any(column.kind == "school_name" for edition in form.editions for column in edition.columns)
)
"""Forms whose facts are of schools."""
NO_SCHOOLS = "no register of schools is loaded yet; the delivery is archived and read once there is one"


@contextmanager
def warehouse(settings: Settings) -> Iterator[Engine]:
    """An engine on the warehouse, brought up to date: the embedded server's, or that of the settings."""
    if settings.database_url is not None:
        with _engine(settings.database_url.get_secret_value()) as engine:
            yield engine
        return
    with embedded_server(settings.pgdata) as url, _engine(url) as engine:
        yield engine


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    with connected(url) as engine:
        upgrade(engine)
        yield engine


@contextmanager
def connected(url: str) -> Iterator[Engine]:
    """An engine on a database as it is. Raises UsageError for a URL that is none of ours."""
    try:
        engine = connect(url)
    except ValueError as error:  # its text is about the driver; the password is masked
        raise UsageError(f"PROFMIN_DATABASE_URL: {error}") from None
    try:
        yield engine
    finally:
        engine.dispose()


class Intake:
    """Takes in files for one run."""

    def __init__(self, engine: Engine, settings: Settings, options: Options, run_id: int | None) -> None:
        self.engine = engine
        self.settings = settings
        self.options = options
        self.run_id = run_id
        self.secret = checked_key(engine, settings)
        self.version = contract_version()
        self.opener = Opener(settings)
        self.quota = Quota(settings, self._used)
        self.left_out: set[str] = set()
        self.ids: dict[str, int] = {}
        self.stated: dict[tuple[str, str | None], Outcome] = {}
        self._registers: dict[dt.date | None, pl.DataFrame | None] = {}
        self._guard = threading.Lock()

    def receive(self, incoming: Incoming) -> list[Arrival | Outcome]:
        """Archive a file and record that it came, before anything can go wrong with it; a zip archive, then its files.

        The deliveries that it is: itself, or the files in it.
        """

        is_inbox = incoming.inbox_path is not None

        def work() -> list[Arrival | Outcome] | LeftOut:
            try:
                arrival = archive(incoming, self.settings.archive, self.quota.of(incoming.folder, is_inbox=is_inbox))
            except NotTaken as error:
                self._note_left_out(incoming, error.left_out)
                return error.left_out
            except FileNotFoundError:
                if not is_inbox:
                    raise
                return [gone(incoming)]
            self._record([arrival])
            deliveries = self._unpacked(arrival)
            inside = deliveries if deliveries != [arrival] else []
            self.quota.note(incoming.folder, 1 + len(inside), arrival.size + sum(each.size for each in inside))
            return [self.stated.get((each.sha256, each.folder), each) for each in deliveries]

        found = guarded("archiving a file", work)
        if isinstance(found, Fault):
            return [failed(incoming.file, "", incoming.folder, found)]
        return [not_taken(incoming, found)] if isinstance(found, LeftOut) else found

    def receive_new(self, inbox: Sequence[Incoming]) -> list[Arrival | Outcome]:
        """Receive those files of the inbox that did not lie there before as they are; then what is still to be read of
        what was received earlier, from the archive: late and failed deliveries are never skipped. A file that is still
        being written is left for the next look."""
        whole = settled(unseen(self.engine, inbox), self.settings.settle_seconds)
        if is_bare(self.settings.inbox) and self._has_seen_files():
            whole.append(Incoming(self.settings.inbox, None, ".", LeftOut("gone", "it is empty", is_folder=True)))
        self.left_out.clear()
        arrived = [each for file in whole for each in self.receive(file)]
        guarded("noting what is taken in now", self._forget_others)
        return arrived + self._still_waiting()

    def _note_left_out(self, incoming: Incoming, why: LeftOut) -> None:
        if incoming.inbox_path is not None:
            self.left_out.add(incoming.inbox_path)
            with self.engine.begin() as connection:
                left_out.note(connection, entry(incoming, why), self.run_id)

    def _forget_others(self) -> None:
        with self.engine.begin() as connection:
            left_out.forget_others(connection, self.left_out)

    def _has_seen_files(self) -> bool:
        with self.engine.connect() as connection:
            return left_out.has_seen_files(connection)

    def _used(self, folder: str | None, since: dt.datetime) -> left_out.Used:
        with self.engine.connect() as connection:
            return left_out.used(connection, folder, since)

    def _still_waiting(self) -> list[Arrival | Outcome]:
        with self.engine.connect() as connection:
            kept = archived_arrivals(connection, self.settings.archive, waiting(connection, self.version))
        found: list[Arrival | Outcome] = []
        for delivery_id, arrival in kept.items():
            if arrival.sha256 not in self.ids:
                self.ids[arrival.sha256] = delivery_id
                inside = guarded("unpacking a delivery", partial(self._unpacked, arrival), delivery=arrival.sha256)
                found += [self._failed(arrival, inside)] if isinstance(inside, Fault) else inside
        return found

    def _unpacked(self, arrival: Arrival) -> list[Arrival]:
        inside = unpack(arrival, self.settings.archive, self.settings.reader_limits)
        self._record(inside)
        return inside or [arrival]

    def _record(self, arrivals: Sequence[Arrival]) -> None:
        with self.engine.begin() as connection:
            for arrival in sorted(arrivals, key=lambda each: each.sha256):  # in one order: no deadlock
                place = arrival.path.relative_to(self.settings.archive).as_posix()
                self.ids[arrival.sha256], _ = record_arrival(
                    connection, arrival.sha256, arrival.file, arrival.size, arrival.received_at, place,
                    sender_folder=arrival.folder, run_id=self.run_id,
                    container_id=self.ids[arrival.container] if arrival.container else None,
                    inbox_path=arrival.inbox_path, stamp=arrival.stamp,
                )  # fmt: skip
            self.stated |= take_statements(
                connection, [(arrival, self.ids[arrival.sha256]) for arrival in arrivals], self.settings,
                self.options.sender, self.run_id,
            )  # fmt: skip

    def recall(self, arrivals: Sequence[Arrival]) -> dict[str, Outcome]:
        """Outcomes of arrivals that were read before, by sha256; one that older rules refused is to be read again."""
        ids = {self.ids[arrival.sha256]: arrival for arrival in arrivals}
        with self.engine.connect() as connection:
            found = stored_readings(connection, readings_of(connection, list(ids), self.version).values())
        return {
            ids[stored.delivery_id].sha256: recalled(ids[stored.delivery_id], stored)
            for stored in found.values()
            if self._still_answers(stored)
        }

    def look(self, arrivals: Sequence[Arrival]) -> tuple[list[Known], list[Outcome]]:
        """What each arrival is; with those at which even a look failed."""
        context = self.context(None)
        known, wrong = [], []
        for arrival, found in zip(arrivals, first_looks(arrivals, context, self.opener), strict=True):
            if isinstance(found, Fault):
                wrong.append(self._failed(arrival, found))
            else:
                known.append(found)
        return known, wrong

    def process(self, batch: Sequence[Known]) -> list[Outcome]:
        """Interpret and load deliveries of one form and date; an outcome for each, whatever happens."""
        arrivals = [known.arrival for known in batch]
        found = guarded("reading the register", lambda: self.context(batch[0].as_of if batch else None))
        if isinstance(found, Fault):
            return [self._failed(arrival, found) for arrival in arrivals]
        if found.register is None and batch[0].form in NEED_SCHOOLS:
            return [self._failed(arrival, Fault(NO_SCHOOLS)) for arrival in arrivals]
        outcomes: dict[str, Outcome] = {}
        whole: list[tuple[Arrival, Reading]] = []
        for arrival, reading in zip(arrivals, readings(arrivals, found, self.opener), strict=True):
            if isinstance(reading, Fault):
                outcomes[arrival.sha256] = self._failed(arrival, reading)
            elif isinstance(reading, Reading):
                whole.append((arrival, reading))
            else:
                outcomes[arrival.sha256] = self._load_pupils(arrival, reading)
        outcomes |= {outcome.sha256: outcome for outcome in self._load(whole)}
        if any(known.is_register for known in batch):
            self.forget_registers()
        return [outcomes[arrival.sha256] for arrival in arrivals]

    def context(self, as_of: dt.date | None) -> Context:
        """What deliveries of a date are read with: the register that holds on it, the newest when there is no date."""
        options = self.options
        day = options.as_of or as_of
        with self._guard:
            if day not in self._registers:
                with self.engine.connect() as connection:
                    schools = register(connection, day)
                self._registers[day] = None if schools.is_empty() else schools
            schools_then = self._registers[day]
        return Context(schools_then, self.secret, options.form, options.sender, options.as_of)

    def forget_registers(self) -> None:
        """A register was loaded: ask anew."""
        with self._guard:
            self._registers.clear()

    def keep_register(self) -> None:
        """Keep a copy of the newest register for checks without a database, whichever run loaded it."""
        schools = self.context(None).register
        if schools is not None:
            copy = io.BytesIO()
            schools.write_parquet(copy)
            write(self.settings.register, copy.getvalue())

    def dates_to_publish(self, as_of: dt.date | None) -> list[dt.date]:
        """The asked date, the dates of what is new since the last publication, and published dates after those."""
        with self.engine.connect() as connection:
            published = published_dates(connection)
            new = unpublished(connection)
        dates = {day for form, day in new if form not in STANDING_FORMS}
        if as_of is not None:
            dates.add(as_of)
        if any(form in STANDING_FORMS for form, _ in new):
            return sorted(dates.union(published))
        return sorted(dates.union(day for day in published if dates and new and day > min(dates)))

    def publish(self, as_of: dt.date | None) -> list[dt.date]:
        """Publish the marts of every date that what came may have changed; returns the dates."""
        dates = self.dates_to_publish(as_of)
        if dates:
            publish(self.engine, dates, self.run_id, self.settings.lock_wait)
        guarded("keeping a copy of the register", self.keep_register)
        return dates

    def _still_answers(self, stored: StoredReading) -> bool:
        """Was it read with what the caller says now?"""
        options = self.options
        return all(
            said is None or said == then
            for said, then in (
                (options.form, stored.form), (options.sender, stored.sender), (options.as_of, stored.as_of),
            )
        )  # fmt: skip

    def _load(self, whole: list[tuple[Arrival, Reading]]) -> list[Outcome]:
        if not whole:
            return []
        pairs = [(reading, self.ids[arrival.sha256]) for arrival, reading in whole]
        results = guarded(
            f"loading {len(pairs)} deliveries from {whole[0][0].sha256[:8]} on",
            lambda: load_many(self.engine, pairs, self.version, self.run_id, self.settings.lock_wait),
            delivery=whole[0][0].sha256 if len(whole) == 1 else None,
        )
        if not isinstance(results, Fault):
            return [self._loaded(arrival, result) for (arrival, _), result in zip(whole, results, strict=True)]
        if len(whole) == 1:
            return [self._failed(whole[0][0], results)]
        return [outcome for each in whole for outcome in self._load([each])]

    def _load_pupils(self, arrival: Arrival, stream: PupilStream) -> Outcome:
        result = guarded(
            f"loading delivery {arrival.sha256[:8]}",
            lambda: load_pupils(
                self.engine, stream, self.ids[arrival.sha256], self.version, self.run_id, self.settings.lock_wait
            ),
            delivery=arrival.sha256,
        )
        return self._failed(arrival, result) if isinstance(result, Fault) else self._loaded(arrival, result)

    def _loaded(self, arrival: Arrival, result: LoadResult) -> Outcome:
        reading = result.reading
        with logged(delivery=arrival.sha256):
            LOGGER.info(
                "delivery %s: %s of %s for %s is %s; read %d, loaded %d, quarantined %d, %d findings; reading %d is %s",
                arrival.sha256[:8], reading.form, reading.sender, reading.as_of, reading.verdict, reading.rows.read,
                reading.rows.loaded, reading.rows.quarantined, reading.findings.height, result.reading_id,
                result.status,
            )  # fmt: skip
        return replace(
            outcome_of(reading, arrival.folder), delivery_id=self.ids[arrival.sha256], reading_id=result.reading_id
        )

    def _failed(self, arrival: Arrival, fault: Fault) -> Outcome:
        outcome = failed(arrival.file, arrival.sha256, arrival.folder, fault)
        return replace(outcome, delivery_id=self.ids.get(arrival.sha256))


def archived_arrivals(connection: Connection, folder: Path, deliveries: Collection[int]) -> dict[int, Arrival]:
    """Delivery id → the bytes that the archive in `folder` keeps of it, in the order in which they were received."""
    return {
        delivery_id: Arrival(name, sender_folder, sha256, size, received_at, folder / place)
        for delivery_id, name, sha256, size, received_at, place, sender_folder in archived(connection, deliveries)
    }
