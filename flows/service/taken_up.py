"""Nights whose machine died are begun again, by whichever worker is there: their region does not wait for tomorrow."""

from __future__ import annotations

import datetime as dt

from contracts.regions import zone_of
from flows.service.deployments import whose
from flows.service.prefect_api import Api, FlowRun

NIGHT = "nightly"
AGAIN = "again"
"""The tag of a night that was begun again; one more each time."""
MOST_TIMES = 2
"""What dies a third time dies of itself: of its memory, say."""
LOOKS_BACK = dt.timedelta(hours=6)
"""A night that died earlier is over: what it left is taken in by the inbox, and the next night comes."""


def take_up(api: Api, now: dt.datetime) -> list[FlowRun]:
    """Begin nights anew that crashed, each for the day that it was for; the runs that were begun.

    A night is begun once for each that crashed, however often and from wherever one looks; not after another of its
    region came to its end.
    """
    nights = {
        deployment["id"]: region
        for deployment in api.deployments()
        for kind, region in [whose(deployment["name"])]
        if kind == NIGHT
    }
    since = {"after_": (now - LOOKS_BACK).isoformat()}
    ended = api.runs(("COMPLETED", "FAILED"), end_time=since)
    return [
        _begun(api, run, nights[run["deployment_id"]])
        for run in api.runs(("CRASHED",), end_time=since)
        if run["deployment_id"] in nights
        and _times(run) < MOST_TIMES
        and not any(_is_later(run, each) for each in ended)
    ]


def _times(run: FlowRun) -> int:
    """How often its night was begun again before."""
    return sum(tag.startswith(AGAIN) for tag in run["tags"])


def _is_later(run: FlowRun, other: FlowRun) -> bool:
    """Is the other one of the same nights, and not before this one?"""
    is_same = other["deployment_id"] == run["deployment_id"]
    return is_same and other["expected_start_time"] >= run["expected_start_time"]


def _begun(api: Api, run: FlowRun, region: str | None) -> FlowRun:
    scheduled = dt.datetime.fromisoformat(run["expected_start_time"]).astimezone(zone_of(region))
    parameters = run["parameters"] | {"as_of": run["parameters"].get("as_of") or scheduled.date().isoformat()}
    tags = [f"{AGAIN}-{number}" for number in range(1, _times(run) + 2)]
    return api.begin(run["deployment_id"], parameters, tags, once=f"{AGAIN} {run['id']}")
