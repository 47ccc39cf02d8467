"""Opening and interpreting spread over processes of dask.distributed, here or on other machines (`PROFMIN_DASK`).

Loading stays with the run. What cannot be spread is read here: exports of pupils, which are loaded while they are read;
and whatever no worker brought to its end. So a cluster that is lost, or has no worker, costs time, and no figure.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from pydantic import SecretStr

from contracts.reading import Reading, Stream
from contracts.regions import read_from, regions
from contracts.versions.rule_versions import contract_version
from flows.home.faults import LOGGER, Fault, describe
from flows.home.settings import Settings
from flows.intake.arrival import Arrival
from flows.intake.readings import DeliveryFiles, readings, recognised
from transforms.interpret import Context

T = TypeVar("T")
R = TypeVar("R")
LOCAL = "local:"
CONNECT_SECONDS = 10
NOBODY_SECONDS = 60.0
"""How long a cluster may be without a process, such as one that starts again, before the run reads by itself."""
FETCH_SECONDS = 60.0
"""How long what a process has read may take to come here; it may have gone with what it read."""
LOOK_SECONDS = 5.0
"""When nothing has come back for so long, a look is taken whether anybody is there."""
WORTH = 300
"""Deliveries of a turn from which on processes are asked; fewer are read here sooner than they are handed over."""
AHEAD = 2
"""Parts in flight for each process: one that it works on and one that waits there."""
LOOKED_AT = 100
"""Deliveries that are looked at together."""


@dataclass(frozen=True)
class Failed:
    """A fault as it travels: an exception does not keep all that it says."""

    text: str
    is_passing: bool

    @property
    def fault(self) -> Fault:
        """The same here."""
        return Fault(self.text, passing=self.is_passing)


@dataclass(frozen=True)
class Job:
    """Deliveries of one form and date, and what they are read with."""

    batch: Sequence[Arrival]
    context: Context


class Spread:
    """The processes of a cluster, for all runs of this process."""

    def __init__(self, address: str) -> None:
        from distributed import Client, LocalCluster

        if address.startswith(LOCAL):
            count = int(address.removeprefix(LOCAL))
            cluster = LocalCluster(
                n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0,
                env={"POLARS_MAX_THREADS": str(max(1, (os.cpu_count() or 1) // count))},
            )  # fmt: skip
            self.client = Client(cluster, set_as_default=False)
        else:
            self.client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)

    def read(self, jobs: Iterable[Job], settings: Settings) -> Iterator[tuple[Job, Sequence[Reading | Stream | Fault]]]:
        """Jobs with what their deliveries say, in the order in which they come back."""
        told = without_secrets(settings)

        def call(job: Job) -> tuple[Any, ...]:
            return read_there, told, _rules(job.batch), job.batch, job.context

        for job, found in self._completed(call, jobs):
            here = partial(readings, context=job.context, files=_files(settings))
            yield job, _brought(found, job.batch, here)

    def recognised(self, arrivals: Sequence[Arrival], settings: Settings) -> Iterator[Arrival | Fault]:
        """What each of some arrivals is, in their order."""
        told = without_secrets(settings)
        parts = [arrivals[start : start + LOOKED_AT] for start in range(0, len(arrivals), LOOKED_AT)]
        answers: dict[int, Sequence[Arrival | Fault]] = {}

        def call(place: int) -> tuple[Any, ...]:
            return look_there, told, _rules(parts[place]), parts[place]

        for place, found in self._completed(call, range(len(parts))):
            answers[place] = _brought(found, parts[place], partial(_looked, files=_files(settings)))
        for place in range(len(parts)):
            yield from answers[place]

    def _completed(self, call: Callable[[T], tuple[Any, ...]], things: Iterable[T]) -> Iterator[tuple[T, Any]]:
        """Things with what came of the call for each, or the exception, as they come to their end. Few are in flight
        at once, and what is handed over is released."""
        flight: _Flight[T] = _Flight(self.client)
        try:
            for thing in things:
                if (refused := flight.begin(thing, call(thing))) is not None:
                    yield thing, refused
                elif len(flight.things) >= flight.room:
                    yield flight.landed()
            while flight.things:
                yield flight.landed()
        finally:
            for future in flight.things:
                future.release()


class _Flight(Generic[T]):
    """What was handed to a cluster and has not come back. That nobody is left who would work on it nobody tells: a
    scheduler waits for workers for ever."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.things: dict[Any, T] = {}
        self.room = AHEAD * self._processes()
        self._lost = None if self.room else Fault("the cluster has no process")
        self._ended: SimpleQueue[Any] = SimpleQueue()

    def _processes(self) -> int:
        """How many there are, as far as the scheduler says; none where it says nothing."""
        try:
            return len(self.client.nthreads(callback_timeout=CONNECT_SECONDS))
        except Exception:  # noqa: BLE001 - whatever comes of a connection that breaks just now
            return 0

    def begin(self, thing: T, call: tuple[Any, ...]) -> Exception | None:
        """Hand a thing over; the exception where that cannot be."""
        if self._lost is not None:
            return self._lost
        try:
            future = self.client.submit(*call, pure=False)
            future.add_done_callback(self._ended.put)
        except Exception as error:  # noqa: BLE001 - a client that is closed, since its scheduler is gone
            return error
        self.things[future] = thing
        return None

    def landed(self) -> tuple[T, Any]:
        """The next thing that comes to its end, with what came of it; once the cluster is lost, any."""
        until = time.monotonic() + NOBODY_SECONDS
        while self._lost is None:
            try:
                future = self._ended.get(timeout=LOOK_SECONDS)
            except Empty:
                if self._processes():
                    until = time.monotonic() + NOBODY_SECONDS
                elif time.monotonic() >= until:
                    self._lost = Fault("the cluster has no process any more")
                continue
            try:
                found = future.result(timeout=FETCH_SECONDS)
            except Exception as error:  # noqa: BLE001 - a scheduler that is gone, a machine without the archive
                found = error
            future.release()
            return self.things.pop(future), found
        future, thing = self.things.popitem()
        future.release()
        return thing, self._lost


def _brought(found: Any, batch: Sequence[Arrival], here: Callable[[Sequence[Arrival]], list[R]]) -> list[R | Fault]:
    """What deliveries come to. Those that no process brought to an end are read here: one by one, where they, or others
    that lay beside them, ended processes, since together they may take too much."""
    if not isinstance(found, Exception):
        return [each.fault if isinstance(each, Failed) else each for each in found]
    LOGGER.warning("%d deliveries are read here and not by a process of PROFMIN_DASK: %s", len(batch), describe(found))
    if type(found).__name__ == "KilledWorker":
        return [answer for arrival in batch for answer in here([arrival])]
    return list(here(batch))


def _looked(arrivals: Sequence[Arrival], files: DeliveryFiles) -> list[Arrival | Fault]:
    return list(recognised(arrivals, files))


def read_there(
    settings: Settings, rules: tuple[str, str], batch: Sequence[Arrival], context: Context
) -> list[Reading | Failed]:
    """Open and interpret deliveries, in a process of the cluster. Raises Fault where that has other rules."""
    _must_be_alike(settings, rules)
    found: list[Reading | Failed] = []
    for answer in readings(batch, context, _files(settings)):
        if isinstance(answer, Fault):
            found.append(Failed(str(answer), answer.passing))
        elif isinstance(answer, Reading):
            found.append(answer)
        else:
            raise Fault("it is as large as an export, and loaded while it is read")
    return found


def look_there(settings: Settings, rules: tuple[str, str], arrivals: Sequence[Arrival]) -> list[Arrival | Failed]:
    """Find out what each delivery is, in a process of the cluster. Raises Fault where that has other rules."""
    _must_be_alike(settings, rules)
    found = _looked(arrivals, _files(settings))
    return [Failed(str(each), each.passing) if isinstance(each, Fault) else each for each in found]


def _rules(batch: Sequence[Arrival]) -> tuple[str, str]:
    code = batch[0].region or regions()[0].code
    return code, contract_version(code)


def _must_be_alike(settings: Settings, rules: tuple[str, str]) -> None:
    _packs(settings.regions)
    region, version = rules
    if (own := contract_version(region)) != version:
        raise Fault(f"this process has the rules {own}, and the run {version}: it needs the same version of the code")


@cache
def _packs(folder: Path | None) -> None:
    read_from(folder)


_own: dict[str, DeliveryFiles] = {}
_guard = threading.Lock()


def _files(settings: Settings) -> DeliveryFiles:
    """The reader processes of this process for a home."""
    with _guard:
        return _own.setdefault(settings.model_dump_json(), DeliveryFiles(settings))


def without_secrets(settings: Settings) -> Settings:
    """What a worker is told: where things lie and how much a file may take, and no password. It opens one file at once,
    as there are as many workers as cores."""
    secret = [name for name in type(settings).model_fields if isinstance(getattr(settings, name), SecretStr)]
    return settings.model_copy(update={**dict.fromkeys(secret), "reader_processes": 1})


WITHOUT_LIBRARY = "PROFMIN_DASK needs dask.distributed, which is not installed: pip install 'profmin[dask]'"


def has_library() -> bool:
    """Is dask.distributed installed?"""
    return find_spec("distributed") is not None


@cache
def _at(address: str) -> Spread | None:
    if not has_library():
        LOGGER.warning("%s; everything is read here", WITHOUT_LIBRARY)
        return None
    try:
        return Spread(address)
    except (OSError, TimeoutError, ValueError) as error:
        LOGGER.warning("PROFMIN_DASK: no cluster answers (%s); everything is read here", describe(error))
        return None


def spread_of(settings: Settings, deliveries: int) -> Spread | None:
    """The cluster of the settings; None where they name none, none answers, the library is missing, or so few
    deliveries are not worth it."""
    return _at(settings.dask) if settings.dask and deliveries >= WORTH else None
