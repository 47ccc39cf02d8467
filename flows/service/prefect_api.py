"""Prefect's API as plain JSON over HTTP, for what must be quick: `import prefect` takes two seconds."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, TypedDict

from flows.home.faults import Fault
from flows.service.prefect_environment import POOL

MOST_WORDS = 300
ACTIVE = ("RUNNING", "PENDING", "CANCELLING")


class RunState(TypedDict):
    """The state of a run: `type` is one of Prefect's, `name` our own word for it."""

    type: str
    name: str


class FlowRun(TypedDict):
    """What we read of a run on our pool; all of them are of deployments."""

    id: str
    name: str
    deployment_id: str
    expected_start_time: str
    parameters: dict[str, Any]
    tags: list[str]
    state: RunState


class Deployment(TypedDict):
    """What we read of a deployment."""

    id: str
    name: str
    version: str | None


class Worker(TypedDict):
    """What we read of a worker."""

    name: str
    status: str
    last_heartbeat_time: str


@dataclass(frozen=True)
class Api:
    """A Prefect server at `url` (…/api); `auth` is name:password where it asks for them."""

    url: str
    auth: str | None = field(default=None, repr=False)

    def call(self, method: str, path: str, body: object = None, seconds: float = 30) -> Any:
        """The answer as JSON; None when empty or when there is no such thing. Raises Fault, passing when it is away."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        if self.auth:
            request.add_header("Authorization", "Basic " + base64.b64encode(self.auth.encode()).decode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                reply = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            why = error.read(MOST_WORDS).decode("utf-8", "replace")
            text = f"Prefect's server answered {error.code} to {method} {path}: {why}"
            raise Fault(text, passing=error.code >= 500) from None
        except (OSError, ValueError) as error:
            raise Fault(f"no Prefect server answers at {self.url}", passing=True) from error
        return json.loads(reply) if reply else None

    def is_there(self) -> bool:
        """Does the server answer?"""
        try:
            self.call("GET", "/health", seconds=5)
        except Fault:
            return False
        return True

    def deployments(self) -> list[Deployment]:
        """The deployments on our pool."""
        query = {"work_pools": {"name": {"any_": [POOL]}}}
        return list(self.call("POST", "/deployments/filter", query))

    def runs(self, states: tuple[str, ...], **more: object) -> list[FlowRun]:
        """Runs on our pool in these states, the oldest first."""
        query = {
            "work_pools": {"name": {"any_": [POOL]}},
            "flow_runs": {"state": {"type": {"any_": list(states)}}, **more},
            "sort": "EXPECTED_START_TIME_ASC",
        }
        return list(self.call("POST", "/flow_runs/filter", query))

    def begin(self, deployment: str, parameters: dict[str, Any], tags: list[str], once: str) -> FlowRun:
        """Let a deployment run now; whoever asks with the same `once` later is given the same run."""
        body = {"parameters": parameters, "tags": tags, "idempotency_key": once, "state": {"type": "SCHEDULED"}}
        run: FlowRun = self.call("POST", f"/deployments/{deployment}/create_flow_run", body)
        return run

    def workers(self) -> list[Worker]:
        """The workers of our pool, with those that are gone."""
        return self.call("POST", f"/work_pools/{POOL}/workers/filter", {}) or []

    def is_pool_paused(self) -> bool:
        """Does our pool begin no run?"""
        return bool((self.call("GET", f"/work_pools/{POOL}") or {}).get("is_paused"))

    def pause_pool(self, is_paused: bool) -> None:
        """Let our pool begin no run any more, or again."""
        self.call("PATCH", f"/work_pools/{POOL}", {"is_paused": is_paused})

    def crash(self, run: FlowRun, why: str) -> None:
        """Take a run that no process works on out of the way, so that it holds no slot."""
        state = {"type": "CRASHED", "name": "Crashed", "message": why}
        self.call("POST", f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
