"""Machines of one service, all on this one: each has a home of its own, and what they share is named by settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from running import free_port, waited

from flows.service.prefect_api import ACTIVE, Api, FlowRun
from flows.service.prefect_environment import SERVER, SHARED, WORKER

AUTH = "profmin:of-the-test"
OVER = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass
class Machine:
    """One machine: its home, and the environment of everything that runs on it."""

    home: Path
    environment: Mapping[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> None:
        """Start a program that goes on, as a unit of systemd would; what it says goes to `said` in the home."""
        with (self.home / "said").open("ab") as said:
            # SIGINT is ignored where the tests were started by a script with &, and Prefect ends by it.
            begun = [sys.executable, "-m", "flows.service.child_process", *command]
            self.started.append(
                subprocess.Popen(
                    begun,
                    cwd=self.home,
                    env=self.environment,
                    stdin=subprocess.PIPE,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            )

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command of ours to its end, which must be the one that is expected; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli.app", *command],
            cwd=self.home, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def work(self, limit: int = 1) -> None:
        """Start its worker, which does so many runs at a time."""
        self.start("flows.cli.app", "worker", "--limit", str(limit), "--name", self.home.name)

    def told_to_stop(self) -> None:
        """Ask its worker to stop, as systemd does."""
        self.started[-1].terminate()

    def has_stopped(self) -> bool:
        """Has its worker come to its end by itself?"""
        return self.started[-1].poll() == 0

    def processes(self) -> list[int]:
        """What runs on it."""
        mark, found = f"PROFMIN_HOME={self.home}".encode(), []
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
        return found

    def loses_power(self) -> None:
        """Nothing that runs on it has time for a word."""
        for group in {os.getpgid(process) for process in self.processes()}:
            os.killpg(group, signal.SIGKILL)
        for process in self.started:
            process.wait()

    def did(self, run_id: str) -> bool:
        """Was a run its own? The process of a run says where it is shown; two workers may have wanted it."""
        return f"flow-run/{run_id}" in (self.home / "said").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Machines:
    """Machines around one Prefect server; `common` is what the environment of all says."""

    folder: Path
    common: Mapping[str, str]
    api: Api
    stack: ExitStack
    all: list[Machine] = field(default_factory=list)

    def another(self) -> Machine:
        """A machine more."""
        home = self.folder / f"machine-{len(self.all)}"
        home.mkdir()
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PROFMIN_", "PREFECT_"))}
        places = {"PROFMIN_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
        made = Machine(home, own | SHARED | WORKER | dict(self.common) | places)
        self.stack.callback(made.loses_power)
        self.all.append(made)
        return made

    def start(self, deployment: str, **parameters: object) -> str:
        """Run a deployment now, wherever; the id of the run."""
        (found,) = (each["id"] for each in self.api.deployments() if each["name"] == deployment)
        body = {"parameters": parameters}
        return str(self.api.call("POST", f"/deployments/{found}/create_flow_run", body)["id"])

    def run(self, run_id: str) -> FlowRun:
        found: FlowRun = self.api.call("GET", f"/flow_runs/{run_id}")
        return found

    def ended(self, run_id: str) -> FlowRun:
        """A run once it has come to its end."""
        self.until(lambda: self.run(run_id)["state"]["type"] in OVER)
        return self.run(run_id)

    def until(self, asked_for: Callable[[], Any], seconds: float = 400) -> Any:
        """Whatever the function gives, once it is something."""
        return waited(asked_for, seconds, self.said)

    def said(self) -> str:
        """The end of what each machine's programs told."""
        return "".join((machine.home / "said").read_text()[-1500:] for machine in self.all)

    def of(self, run_id: str) -> Machine:
        """The machine that did a run."""
        found: Machine = self.until(lambda: next((each for each in self.all if each.did(run_id)), None))
        return found


@contextmanager
def machines(folder: Path, prefect_url: str, **common: str) -> Iterator[Machines]:
    """Machines whose first one has Prefect's server, on Postgres, and no worker; the deployments are at rest."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    common |= {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": AUTH}
    with ExitStack() as stack:
        made = Machines(folder, common, Api(url, AUTH), stack)
        first = made.another()
        server = {
            **first.environment, **SERVER, "PREFECT_SERVER_DATABASE_CONNECTION_URL": prefect_url,
            "PREFECT_SERVER_API_AUTH_STRING": AUTH,
        }  # fmt: skip
        Machine(first.home, server, first.started).start(
            "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)
        )
        first.run("db", "upgrade")
        made.until(made.api.is_there)
        first.run("deploy")
        for each in made.api.deployments():
            made.api.call("POST", f"/deployments/{each['id']}/pause_deployment")
        made.until(lambda: not made.api.runs(ACTIVE))
        yield made
