"""One run's work on files: archive, interpret, load, publish. Nothing here needs Prefect."""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from contracts.circumstances import NOTHING_STATED, Stated
from contracts.forms import FORMS
from contracts.reading import PupilStream, Reading, answer
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.log import logged
from flows.home.pupil_key import checked_key
from flows.home.settings import Settings
from flows.home.whole_file import write_changed
from flows.intake.batches import Known, Options, first_looks, readings
from flows.intake.incoming import Arrival, Key
from flows.intake.opening import Opener
from flows.intake.outcome import Outcome, failed, outcome_of
from flows.intake.receiving import Receiver
from flows.intake.seen import recalled
from transforms.interpret import Context
from warehouse.deliveries.load import LoadResult, counts_at, load_many, load_pupils, readings_of
from warehouse.deliveries.recall import stored_readings, unpublished
from warehouse.marts.publication import publish, published_dates
from warehouse.marts.published import register

if TYPE_CHECKING:
    from sqlalchemy import Engine

STANDING_FORMS = frozenset(form.name for form in FORMS if form.defines_schools or form.slice_by == "academic_year")
"""A register and a plan are not for a date of their own: they hold for the dates of the other forms."""

NEED_SCHOOLS = frozenset(
    form.name
    for form in FORMS
    if any(column.kind == "school_name" for edition in form.editions for column in edition.columns)
)
"""Forms whose facts are of schools."""
NO_SCHOOLS = "no register of schools is loaded yet; the delivery is archived and read once there is one"


class Intake(Receiver):
    """Takes in files for one run."""

    def __init__(self, engine: Engine, settings: Settings, options: Options, run_id: int | None) -> None:
        super().__init__(engine, settings, options, run_id)
        self.secret = checked_key(engine, settings)
        self.opener = Opener(settings)
        self._registers: dict[dt.date | None, pl.DataFrame | None] = {}
        self._guard = threading.Lock()

    def recall(self, arrivals: Sequence[Arrival]) -> dict[Key, Outcome]:
        """Outcomes of arrivals that were read before; one that older rules refused is to be read again."""
        asked = [each.delivery_id for each in arrivals if each.delivery_id is not None]
        with self.engine.connect() as connection:
            answering = readings_of(connection, asked, self.version)
            stored = stored_readings(connection, set(answering.values()))
        return {
            each.key: recalled(each, stored[answering[each.delivery_id]])
            for each in arrivals
            if each.delivery_id in answering
        }

    def look(self, arrivals: Sequence[Arrival]) -> tuple[list[Known], list[Outcome]]:
        """What each arrival is, the older first; with those at which even a look failed."""
        context = self.context(None)
        known, wrong = [], []
        for arrival, found in zip(arrivals, first_looks(arrivals, context, self.opener), strict=True):
            if isinstance(found, Fault):
                wrong.append(failed(arrival, found))
            else:
                known.append(found)
        turn = counts_at(self.engine, [each.arrival.delivery_id or 0 for each in known])
        known.sort(key=lambda each: (turn[each.arrival.delivery_id or 0], each.arrival.delivery_id))
        return known, wrong

    def process(self, batch: Sequence[Known]) -> list[Outcome]:
        """Interpret and load deliveries of one form and date; an outcome for each, whatever happens."""
        arrivals = [known.arrival for known in batch]
        if not batch:
            return []
        context = partial(self.context, batch[0].as_of, arrivals[0].stated)
        found = guarded("reading the register", context)
        if isinstance(found, Fault):
            return [failed(arrival, found) for arrival in arrivals]
        if found.register is None and batch[0].form in NEED_SCHOOLS:
            return [failed(arrival, Fault(NO_SCHOOLS)) for arrival in arrivals]
        outcomes: dict[Key, Outcome] = {}
        whole: list[tuple[Arrival, Reading]] = []
        for arrival, reading in zip(arrivals, readings(arrivals, found, self.opener), strict=True):
            if isinstance(reading, Fault):
                outcomes[arrival.key] = failed(arrival, reading)
            elif isinstance(reading, Reading):
                whole.append((arrival, reading))
            else:
                outcomes[arrival.key] = self._load_pupils(arrival, reading)
        outcomes |= {outcome.key: outcome for outcome in self._load(whole)}
        if any(known.is_register for known in batch):
            self.forget_registers()
        return [outcomes[arrival.key] for arrival in arrivals]

    def context(self, as_of: dt.date | None, stated: Stated = NOTHING_STATED) -> Context:
        """What deliveries of a date are read with: the register that holds on it, the newest when there is no date."""
        day = stated.as_of or as_of
        with self._guard:
            if day not in self._registers:
                with self.engine.connect() as connection:
                    schools = register(connection, day)
                self._registers[day] = None if schools.is_empty() else schools
            schools_then = self._registers[day]
        return Context(schools_then, self.secret, stated.form, stated.sender, stated.as_of)

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
            write_changed(self.settings.register, copy.getvalue())

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

    def _load(self, whole: list[tuple[Arrival, Reading]]) -> list[Outcome]:
        if not whole:
            return []
        pairs = [(reading, arrival.delivery_id or 0) for arrival, reading in whole]
        results = guarded(
            f"loading {len(pairs)} deliveries from {whole[0][0].sha256[:8]} on",
            lambda: load_many(self.engine, pairs, self.version, self.run_id, self.settings.lock_wait),
            delivery=whole[0][0].sha256 if len(whole) == 1 else None,
        )
        if not isinstance(results, Fault):
            return [self._loaded(arrival, result) for (arrival, _), result in zip(whole, results, strict=True)]
        if len(whole) == 1:
            return [failed(whole[0][0], results)]
        return [outcome for each in whole for outcome in self._load([each])]

    def _load_pupils(self, arrival: Arrival, stream: PupilStream) -> Outcome:
        result = guarded(
            f"loading delivery {arrival.sha256[:8]}",
            lambda: load_pupils(
                self.engine, stream, arrival.delivery_id or 0, self.version, self.run_id, self.settings.lock_wait
            ),
            delivery=arrival.sha256,
        )
        return failed(arrival, result) if isinstance(result, Fault) else self._loaded(arrival, result)

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
            outcome_of(reading, arrival), reading_id=result.reading_id, is_repeat=result.status == "same",
            verdict=answer(reading.verdict, result.status), status=result.status,
        )  # fmt: skip
