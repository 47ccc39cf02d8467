"""Prefect with nothing set up: its environment, and a temporary server that ends with us.

Prefect can start such a server itself, but only once it is imported and by importing the whole server into our process
as well. Ours starts while Postgres does, and on a socket that exists before it, so that nobody races for a port. When
anything about Prefect is set (an API, a home, a profile, a prefect.toml), that is used and nothing is started;
else that of the service, if one runs here.
It asks for a password that is made for it.
Settings have to be in the environment before prefect is imported.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.home.faults import Fault
from flows.service.child_process import end_with_parent
from flows.service.prefect_tables import begin_with

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",
    "PREFECT_CLI_PROMPT": "false",
}
"""Set unless somebody else has: no telemetry, patience, and nothing below an error on the terminal."""
TEMPORARY = {
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
}
"""What a server that lives for one run does without."""
SAYS_WHERE = ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE")
START_SECONDS = 120.0
STOP_SECONDS = 10.0


@contextmanager
def orchestrator(home: Path, log_file: Path, service: Mapping[str, str] | None = None) -> Iterator[Callable[[], None]]:
    """Prepare the environment for Prefect; the yielded function waits until a server is there.

    `service` is what to set for the server of a service that runs here, if one does.

    Use it before prefect is imported, and wait before the first flow.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if any(os.environ.get(name) for name in SAYS_WHERE) or Path("prefect.toml").exists():
        yield lambda: _must_answer(os.environ.get("PREFECT_API_URL"))
        return
    if service is not None:
        os.environ.update(service)
        try:
            yield lambda: _must_answer(service["PREFECT_API_URL"])
        finally:
            _send_the_rest()
            for name in service:
                del os.environ[name]
        return
    password = f"profmin:{secrets.token_urlsafe(24)}"  # the port is open to everybody on this machine
    ours = {"PREFECT_HOME": str(home.resolve()), "PREFECT_API_AUTH_STRING": password}
    theirs = {name: os.environ.pop(name, None) for name in (*ours, "PREFECT_API_KEY")}  # a key would go before it
    os.environ.update(ours)
    try:
        with _one_at_a_time(home) as started, _temporary_server(log_file, password) as (url, wait):
            os.environ["PREFECT_API_URL"] = url

            def answers() -> None:
                wait()
                started()

            try:
                yield answers
            finally:
                _send_the_rest()
                del os.environ["PREFECT_API_URL"]
    finally:
        for name in ours:
            del os.environ[name]
        os.environ.update({name: value for name, value in theirs.items() if value is not None})


def _must_answer(url: str | None) -> None:
    """Raise Fault when a Prefect server was named and is not there; without a name Prefect finds one by itself."""
    if url:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=10).close()
        except (OSError, ValueError) as error:
            raise Fault("no Prefect server answers at PREFECT_API_URL; start it, or unset the variable") from error


def _send_the_rest() -> None:
    """Let Prefect's background threads hand over logs and events while there is a server."""
    if "prefect" in sys.modules:
        from prefect.events.worker import EventsWorker
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()
        EventsWorker.drain_all(timeout=5)


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[Callable[[], None]]:
    """Hold the right to start a server on Prefect's database until the yielded function is called: two that make its
    tables at once break it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "starting.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        begin_with(home)
        yield lambda: fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def _temporary_server(log_file: Path, password: str) -> Iterator[tuple[str, Callable[[], None]]]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        with log_file.open("ab") as log:
            server = subprocess.Popen(
                [sys.executable, "-c", f"from flows.service.temporary_server import serve; serve({listener.fileno()})"],
                env={**os.environ, **TEMPORARY, "PREFECT_SERVER_API_AUTH_STRING": password},
                pass_fds=(listener.fileno(),),
                stdin=subprocess.PIPE,  # it ends when this end closes, even if we are killed
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we tell the server
            )
    try:
        yield url, lambda: _wait(server, url, log_file)
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        if server.stdin:
            server.stdin.close()


def _wait(server: subprocess.Popen[bytes], url: str, log_file: Path) -> None:
    """Return once the server answers: the socket holds our call until it does."""
    answered = threading.Event()

    def call() -> None:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{url}/health", timeout=START_SECONDS):
            answered.set()

    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    while caller.is_alive():
        caller.join(0.1)
        if server.poll() is not None:
            break
    if not answered.is_set():
        raise Fault(f"Prefect's temporary server did not start; the end of {log_file} says more")


def serve(listener: int) -> None:
    """Run Prefect's server on an open socket until the parent closes our standard input or tells us to stop."""
    import uvicorn
    from prefect.server.api.server import create_app

    end_with_parent()
    app = create_app(ephemeral=True, final=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[socket.socket(fileno=listener)])
