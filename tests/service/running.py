"""A running service: `profmin up` as it is, on a home and a port of its own, with its schedules at rest."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from flows.home.connection import warehouse
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.service.control import CHILDREN, LOCK, ask_service, is_alive
from flows.service.prefect_api import ACTIVE, Api
from flows.service.prefect_environment import auth_string, url_of

LOOK_SECONDS = 0.5


def waited(asked_for: Callable[[], Any], seconds: float, said: Callable[[], str]) -> Any:
    """Whatever the function gives, once it is something; meanwhile the server may be away. What was `said` is told of
    one that comes to nothing."""
    deadline = time.monotonic() + seconds
    found = None
    while not found:
        with suppress(Fault):
            found = asked_for()
        assert found or time.monotonic() < deadline, f"{asked_for} came to nothing; {said()}"
        time.sleep(0 if found else LOOK_SECONDS)
    return found


@dataclass
class RunningService:
    """The service of a home; `environment` is what its commands get beside the home and the port."""

    settings: Settings
    port: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return Api(url_of(self.port), auth_string(self.settings))

    def profmin(self, *arguments: object, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command in this home."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PROFMIN_", "PREFECT_"))}
        own |= {"PROFMIN_HOME": str(self.settings.home), "PROFMIN_PREFECT_PORT": str(self.port)}
        own["PROFMIN_VOUCHED_CHANNELS"] = "inbox"  # its files play the past
        return subprocess.run(
            [sys.executable, "-m", "flows.cli.app", *map(str, arguments)],
            cwd=self.settings.home.parent,
            env=own | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def status(self) -> dict[str, Any]:
        """What the service says of itself."""
        found = ask_service(self.settings.home, "status")
        assert found is not None, "the service does not answer"
        return found

    def pid(self, name: str) -> int:
        """The process of the `Prefect server` or the `worker`; fails when there is none."""
        found = self.status()["children"][name]["pid"]
        assert isinstance(found, int), f"the {name} is not there"
        return found

    def deployment(self, name: str) -> dict[str, Any]:
        return next(each for each in self.api.deployments() if each["name"] == name)

    def rest(self, *names: str) -> None:
        """Take these deployments (all, when none is named) off their schedules, and wait for what runs already."""
        for each in self.api.deployments():
            if not names or each["name"] in names:
                self.api.call("POST", f"/deployments/{each['id']}/pause_deployment")
        self.until(lambda: not self.api.runs(ACTIVE))

    def wake(self, *names: str) -> None:
        """Put deployments on their schedules again."""
        for name in names:
            self.api.call("POST", f"/deployments/{self.deployment(name)['id']}/resume_deployment")

    def start(self, name: str, **parameters: object) -> str:
        """Run a deployment now, on the worker; returns the id of the run."""
        path = f"/deployments/{self.deployment(name)['id']}/create_flow_run"
        return str(self.api.call("POST", path, {"parameters": parameters})["id"])

    def state(self, run_id: str) -> str:
        """The name of a run's state."""
        return str(self.api.call("GET", f"/flow_runs/{run_id}")["state"]["name"])

    def ended(self, run_id: str, seconds: float = 300) -> dict[str, Any]:
        """A run once it has come to its end."""

        def over() -> dict[str, Any] | None:
            run: dict[str, Any] = self.api.call("GET", f"/flow_runs/{run_id}")
            return run if run["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None

        return self.until(over, seconds)  # type: ignore[no-any-return]

    def until(self, asked_for: Callable[[], Any], seconds: float = 300) -> Any:
        """Whatever the function gives, once it is something; meanwhile the server may be away."""
        return waited(asked_for, seconds, lambda: self.log()[-2000:])

    def log(self) -> str:
        return (self.settings.home / "service.log").read_text(encoding="utf-8", errors="replace")

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a question to the warehouse."""
        with warehouse(self.settings) as engine, engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]

    def execute(self, statement: str) -> None:
        """Change the warehouse, as only a test may."""
        with warehouse(self.settings) as engine, engine.begin() as connection:
            connection.execute(sa.text(statement))

    def up(self, *how: object, at_rest: bool = True) -> subprocess.CompletedProcess[str]:
        ran = self.profmin("up", *how)
        if "is not ready after" in ran.stderr:  # on a busy machine: it goes on starting, and another waits for it
            ran = self.profmin("up", *how)
        assert ran.returncode == 0, ran.stderr + self.log()[-3000:]
        if at_rest:
            self.rest()
        return ran

    def is_gone(self) -> bool:
        """Does no process of ours run any more, by the locks and the port?"""
        home = self.settings.home
        held = any(is_alive(home, name) for name in (LOCK, CHILDREN, "pgdata.server", "pgdata.users"))
        return not held and not is_open(self.port)


def is_open(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


@contextmanager
def running_service(folder: Path, **environment: str) -> Iterator[RunningService]:
    """A service in a new home, with its schedules at rest; stopped afterwards, whatever the test did to it."""
    made = RunningService(Settings(home=folder / "home"), free_port(), environment)
    made.settings.prepare()
    try:
        made.up()
        yield made
    finally:
        made.profmin("down", "--timeout", 0)
        assert made.is_gone(), made.log()[-3000:]
