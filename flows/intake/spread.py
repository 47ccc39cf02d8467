"""Opening and interpreting spread over processes of dask.distributed, here or on other machines (`PROFMIN_DASK`).

Loading stays with the run. What cannot be spread is read here: exports of pupils, which are loaded while they are read;
and whatever a worker could not bring to its end. So a cluster that is lost costs time, and no figure.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from contracts.reading import Reading, Stream
from contracts.regions import read_from, regions
from contracts.versions.rule_versions import contract_version
from flows.home.faults import LOGGER, Fault, describe
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.arrival import Arrival
from flows.intake.readings import DeliveryFiles, readings, recognised
from transforms.interpret import Context

T = TypeVar("T")
R = TypeVar("R")
LOCAL = "local:"
CONNECT_SECONDS = 10
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
            here = partial(readings, job.batch, job.context, _files(settings))
            yield job, _brought(found, job.batch, here)

    def recognised(self, arrivals: Sequence[Arrival], settings: Settings) -> Iterator[Arrival | Fault]:
        """What each of some arrivals is, in their order."""
        told = without_secrets(settings)
        parts = [arrivals[start : start + LOOKED_AT] for start in range(0, len(arrivals), LOOKED_AT)]
        answers: dict[int, Sequence[Arrival | Fault]] = {}

        def call(place: int) -> tuple[Any, ...]:
            return look_there, told, _rules(parts[place]), parts[place]

        for place, found in self._completed(call, range(len(parts))):
            here = partial(_looked, parts[place], _files(settings))
            answers[place] = _brought(found, parts[place], here)
        for place in range(len(parts)):
            yield from answers[place]

    def _completed(self, call: Callable[[T], tuple[Any, ...]], things: Iterable[T]) -> Iterator[tuple[T, Any]]:
        """Things with what came of the call for each, or the exception, as they come to their end. Few are in flight
        at once, and what is handed over is released."""
        from distributed import as_completed

        waiting = iter(things)
        running: dict[Any, T] = {}

        def begun(thing: T) -> Any:
            future = self.client.submit(*call(thing), pure=False)
            running[future] = thing
            return future

        first = islice(waiting, AHEAD * max(1, len(self.client.nthreads())))
        done = as_completed([begun(thing) for thing in first], loop=self.client.loop)
        for future in done:
            thing = running.pop(future)
            try:
                found = future.result()
            except Exception as error:  # noqa: BLE001 - a scheduler that is gone, a machine without the archive
                found = error
            future.release()
            for following in islice(waiting, 1):
                done.add(begun(following))
            yield thing, found


def _brought(found: Any, batch: Sequence[Arrival], here: Callable[[], Sequence[R]]) -> Sequence[R | Fault]:
    """What deliveries come to. Those that no process brought to an end are read here, unless they ended processes."""
    if not isinstance(found, Exception):
        return [each.fault if isinstance(each, Failed) else each for each in found]
    if type(found).__name__ == "KilledWorker":
        return [Fault("reading it ended the processes that tried")] * len(batch)
    LOGGER.warning("%d deliveries are read here and not by a process of PROFMIN_DASK: %s", len(batch), describe(found))
    return here()


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


@cache
def _at(address: str) -> Spread | None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise UsageError("PROFMIN_DASK needs dask.distributed: pip install 'profmin[dask]'") from None
    try:
        return Spread(address)
    except (OSError, TimeoutError, ValueError) as error:
        LOGGER.warning("PROFMIN_DASK: no cluster answers (%s); everything is read here", describe(error))
        return None


def spread_of(settings: Settings, deliveries: int) -> Spread | None:
    """The cluster of the settings; None where they name none, none answers, or so few deliveries are not worth it.

    Raises UsageError without the library.
    """
    return _at(settings.dask) if settings.dask and deliveries >= WORTH else None
