"""Letting runs come to their end before a stop, and clearing away those that nobody works on any more."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from flows.home.faults import Fault
from flows.service.prefect_api import ACTIVE, Api, FlowRun

BEGINNING = dt.timedelta(minutes=4)
"""How long a run may take from being handed to a worker to its first word: a process starts slowly beside others."""
ASKED_AGAIN_SECONDS = 35.0
"""A run that lives gives a sign each half minute, also after Prefect's server was away for longer."""
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""How long a server may be away, while its database restarts for example, before draining gives up."""
T = TypeVar("T")


def drain(api: Api, seconds: float, tell: Callable[[list[str]], None]) -> list[str]:
    """Let nothing new begin and wait for what runs; names of runs that are left after so long.

    `tell` is called with the names of those waited for, each time they change.
    """
    _patiently(lambda: api.pause_pool(True))
    deadline = time.monotonic() + seconds
    last_left: list[str] | None = None
    while True:
        left = [run["name"] for run in _patiently(lambda: api.runs(ACTIVE))]
        if left != last_left:
            tell(left)
            last_left = left
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(LOOK_SECONDS)


def _patiently(ask: Callable[[], T]) -> T:
    """What the server answers, asked again while it is away for a moment. Raises Fault when it stays away."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except Fault as error:
            if not error.passing or time.monotonic() >= deadline:
                raise
        time.sleep(LOOK_SECONDS)


def crash_left(api: Api, worker: str, why: str) -> list[FlowRun]:
    """Mark runs as crashed after their worker is gone; returns them.

    A run does not say whose it was: while other machines work on the pool, their watchdog finds the silent ones.
    """
    if any(other["status"] == "ONLINE" and other["name"] != worker for other in api.workers()):
        return []
    left = api.runs(ACTIVE)
    for run in left:
        api.crash(run, why)
    return left


def crash_silent(api: Api, silence: dt.timedelta) -> list[FlowRun]:
    """Mark runs as crashed that gave no sign of life for so long, wherever they ran; returns them. One that is silent
    is given the time for another sign.

    Prefect's automation only says that it is time to look: it forgets a run when the server stops, and fires although a
    run has spoken.
    """
    asked = dt.datetime.now(dt.UTC)
    silent = _silent(api, api.runs(("RUNNING",)), asked - silence)
    silent += _silent(api, api.runs(("PENDING", "CANCELLING")), asked - max(silence, BEGINNING))
    if silent:
        time.sleep(ASKED_AGAIN_SECONDS)
        ids = {run["id"] for run in silent}
        silent = _silent(api, [run for run in api.runs(ACTIVE) if run["id"] in ids], asked)
    for run in silent:
        api.crash(run, "no sign of life; its process must be gone")
    return silent


def _silent(api: Api, runs: Sequence[FlowRun], since: dt.datetime) -> list[FlowRun]:
    return [run for run in runs if not _has_spoken(api, run, since)]


def _has_spoken(api: Api, run: FlowRun, since: dt.datetime) -> bool:
    query = {
        "filter": {
            "occurred": {"since": since.isoformat()},
            "event": {"prefix": ["prefect.flow-run."]},
            "any_resource": {"id": [f"prefect.flow-run.{run['id']}"]},
        },
        "limit": 1,
    }
    return bool(api.call("POST", "/events/filter", query)["events"])
