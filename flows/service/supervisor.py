"""The service of one machine: holds Postgres, keeps Prefect's server and a worker alive, brings its deployments there.

It knows nothing of flows. Its children end with it, and whoever kills it finds all of it gone some seconds later.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.home.faults import Fault, describe
from flows.home.settings import Settings
from flows.service.child_process import Child
from flows.service.control import CHILDREN, LOCK, ServiceStatus, answering, ask_service, held
from flows.service.drain import crash_left
from flows.service.prefect_api import Api
from flows.service.prefect_environment import (
    HOST,
    POOL,
    SERVER,
    WORKER,
    auth_string,
    client_environment,
    service_environment,
    url_of,
)
from warehouse.schema.prefect_database import NoDatabaseBeside, prefect_database
from warehouse.server.embedded import embedded_server

log = logging.getLogger("profmin.service")
EMBEDDED_DATABASE = "prefect"
AT_ONCE = 4
MOST_STARTS = 3
START_SECONDS = 180.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.5
POSTGRES_SECONDS = 5.0
SYNC_PAUSE_SECONDS = 15.0
LARGEST_LOG = 20_000_000


def log_file(settings: Settings) -> Path:
    """What the service and its children write."""
    return settings.home / "service.log"


class _Stopped(Exception):
    """Somebody wants the service to stop while it is still starting."""


class _Service:
    """One service, from start to stop."""

    def __init__(self, settings: Settings, port: int, children: int) -> None:
        self.settings = settings
        self.port = port
        self.api = Api(url_of(port), auth_string(settings))
        self.lock = children
        self.worker = f"profmin on {socket.gethostname()}"
        self.children: list[Child] = []
        self.stopping = threading.Event()
        self.phase = "starting"
        self.problems: dict[str, str] = {}
        self.since = dt.datetime.now(dt.UTC)

    def answer(self, question: str) -> ServiceStatus:
        """What `profmin up --status` and `profmin down` ask."""
        if question == "stop":
            self.stopping.set()
        return {
            "phase": "stopping" if self.stopping.is_set() else self.phase,
            "problem": "; ".join(self.problems.values()) or None,
            "pid": os.getpid(),
            "since": self.since.isoformat(timespec="seconds"),
            "port": self.port,
            "children": {child.name: {"pid": child.pid, "restarts": child.restarts} for child in self.children},
        }

    def run(self) -> None:
        """Work until told to stop."""
        settings = self.settings
        with self.postgres() as url:
            try:
                self.phase = "upgrading the database"
                if not self.ran_well([sys.executable, "-m", "flows.cli.app", "db", "upgrade"]):
                    raise Fault(f"the database could not be brought up to date; see {log_file(settings)}")
                server = service_environment(settings, self.port, SERVER) | {
                    "PREFECT_SERVER_API_AUTH_STRING": auth_string(settings),
                    "PREFECT_SERVER_DATABASE_CONNECTION_URL": url,
                }
                self.start(
                    "Prefect server",
                    ["prefect", "server", "start", "--host", HOST, "--port", str(self.port)],
                    server,
                )
                self.wait_for_server()
                self.bring_deployments()
                crash_left(self.api, self.worker, "the service before this one ended with it")
                self.api.pause_pool(False)
                worker = ["prefect", "worker", "start", "--pool", POOL, "--type", "process", "--limit", str(AT_ONCE)]
                self.start(
                    "worker",
                    [*worker, "--name", self.worker],
                    service_environment(settings, self.port, WORKER),
                )
                self.wait_for_worker()
                self.phase = "ready"
                log.info("ready at http://%s:%d", HOST, self.port)
                self.watch()
            except _Stopped:
                pass
            finally:
                self.stop()

    @contextmanager
    def postgres(self) -> Iterator[str]:
        """The URL of the Prefect server's database, with the embedded server held when it is that one."""
        settings = self.settings
        own_url = settings.prefect_database_url
        if settings.database_url is not None:
            yield (
                own_url.get_secret_value()
                if own_url
                else self.database_beside(settings.database_url.get_secret_value())
            )
            return
        self.phase = "starting Postgres"
        with embedded_server(settings.pgdata, settings.pg_listen) as url:
            yield own_url.get_secret_value() if own_url else prefect_database(url, EMBEDDED_DATABASE)

    def database_beside(self, url: str) -> str:
        """A database for Prefect on the server of ours, made when it is not there. Raises Fault."""
        name = url.split("?", 1)[0].rsplit("/", 1)[-1]
        try:
            return prefect_database(url, f"{name}_prefect")
        except NoDatabaseBeside as error:
            raise Fault(f"name a database for Prefect in PROFMIN_PREFECT_DATABASE_URL: {error}") from None

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start a process of ours, the server or the worker; from then on it is kept running."""
        child = Child(name, command, environment, self.settings.home, self.lock)
        self.children.append(child)
        self.phase = f"starting the {name}"
        log.info("starting the %s", name)
        child.look()

    def ran_well(self, command: list[str]) -> bool:
        """Run a command to its end, or until somebody wants us to stop; did it succeed?"""
        environment = service_environment(self.settings, self.port, {})
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True) as process:
            while process.poll() is None:
                if self.stopping.wait(0.1):
                    process.terminate()
                    raise _Stopped
        return process.returncode == 0

    def wait_for_server(self) -> None:
        """Return once it answers. Raises Fault when it does not within START_SECONDS, or ends again and again."""
        deadline = time.monotonic() + START_SECONDS
        while not self.api.is_there():
            self.look()
            if time.monotonic() > deadline or self.children[0].restarts >= MOST_STARTS:
                raise Fault(
                    f"Prefect's server did not answer within {START_SECONDS:.0f} s; see {log_file(self.settings)}"
                )

    def wait_for_worker(self) -> None:
        """Return once it has asked for work."""
        while not any(
            dt.datetime.fromisoformat(worker["last_heartbeat_time"]) > self.since for worker in self.api.workers()
        ):
            self.look()

    def bring_deployments(self) -> None:
        """Try until it succeeds: a worker without deployments would look like a service and be none."""
        self.phase = "bringing the deployments"
        while not self.ran_well([sys.executable, "-m", "flows.cli.app", "deploy"]):
            self.problems["deployments"] = problem = "the deployments could not be brought to Prefect"
            log.error("%s; tried again in %.0f s", problem, SYNC_PAUSE_SECONDS)
            deadline = time.monotonic() + SYNC_PAUSE_SECONDS
            while time.monotonic() < deadline:
                self.look()
        self.problems.pop("deployments", None)

    def watch(self) -> None:
        """Keep the children alive, Postgres too, and the log small."""
        last = time.monotonic()
        while True:
            self.look()
            if time.monotonic() - last > POSTGRES_SECONDS:
                last = time.monotonic()
                self.keep_postgres()
                self.keep_log_small()

    def look(self) -> None:
        """Start what died, then wait a moment. Raises Stopped."""
        for child in self.children:
            if died := child.look():
                log.error("%s", died)
                self.problems[child.name] = died
                if child.name == "worker":
                    self.clear_away("its worker ended while it ran")
            elif child.pid is not None:
                self.problems.pop(child.name, None)
        if self.stopping.wait(LOOK_SECONDS):
            raise _Stopped

    def keep_postgres(self) -> None:
        """Start the embedded server again when it died: entering it does so."""
        if self.settings.database_url is None:
            try:
                with embedded_server(self.settings.pgdata, self.settings.pg_listen):
                    self.problems.pop("Postgres", None)
            except Exception as error:  # noqa: BLE001 - it may be back the next time
                self.problems["Postgres"] = describe(error)
                log.error("%s", describe(error))

    def keep_log_small(self) -> None:
        """Set aside a log that became too long, in place of the one that was set aside before."""
        path = log_file(self.settings)
        if path.exists() and path.stat().st_size > LARGEST_LOG:  # written to by all of us, so it is copied and emptied
            path.with_suffix(".log.old").write_bytes(path.read_bytes())
            os.truncate(path, 0)

    def stop(self) -> None:
        """The worker first, so that nothing begins; what it was working on is marked; the server; then Postgres."""
        self.phase = "stopping"
        server, worker = (
            next((child for child in self.children if child.name == name), None)
            for name in ("Prefect server", "worker")
        )
        if worker is not None:
            worker.stop(STOP_SECONDS)
            self.clear_away("the service was stopped while it ran")
        if server is not None:
            server.stop(STOP_SECONDS)
        log.info("stopped")

    def clear_away(self, why: str) -> None:
        """Mark what the worker has left; else it would be running for ever and keep its slot."""
        try:
            for run in crash_left(self.api, self.worker, why):
                log.warning("%s was stopped and marked as crashed", run["name"])
        except Fault as error:
            log.error("%s", error)


def serve(settings: Settings, port: int) -> int:
    """Be the service of a home until told to stop by SIGTERM, SIGINT or `profmin down`; 1 when it cannot be."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO, force=True)
    if held(settings.home, LOCK, seconds=2) is None:
        log.error("a service already works in %s", settings.home)
        return 1
    children = held(settings.home, CHILDREN, seconds=60)  # those of a killed service end on their own
    if children is None:
        log.error("processes of the service before this one do not end")
        return 1
    service = _Service(settings, port, children)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stopping.set())
    try:
        with answering(settings.home, service.answer):
            _must_be_free(port)
            service.run()
    except Exception as error:  # noqa: BLE001 - the last resort of a process
        log.error("%s", describe(error))
        return 1
    return 0


def _must_be_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise Fault(
                f"port {port} of {HOST} is taken by another program; name another in PROFMIN_PREFECT_PORT or --port"
            ) from None


def joined(settings: Settings) -> dict[str, str] | None:
    """The environment of Prefect for a command beside this home's service, if there is one whose server answers."""
    status = ask_service(settings.home, "status")
    if status is None or not Api(url_of(status["port"])).is_there():
        return None
    return client_environment(settings, status["port"])


if __name__ == "__main__":
    sys.exit(serve(Settings(), int(sys.argv[1])))
