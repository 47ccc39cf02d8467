"""`profmin worker` and `profmin drain`: one machine of a server elsewhere, and all of its machines."""

from __future__ import annotations

import os

from flows.cli.service_commands import say
from flows.home.usage import UsageError
from flows.service.drain import drain
from flows.service.prefect_api import Api
from flows.service.prefect_environment import SHARED, WORKER

PAUSED = "Nothing new begins on any machine until `prefect work-pool resume profmin`."


def drain_server(seconds: float) -> int:
    """Pause the pool of the server that PREFECT_API_URL names and wait for its runs; 1 when some are left."""
    api = _server("`profmin down` drains the service of this machine")
    left = drain(api, seconds, lambda names: say(f"waiting for {', '.join(names)} …") if names else None)
    for name in left:
        say(f"{name} did not end within {seconds:.0f} s")
    say(PAUSED)
    return 1 if left else 0


def work_for_server(name: str | None, limit: int) -> None:
    """Be the worker of this machine until told to stop; then end the runs that it has."""
    for variable, value in {**SHARED, **WORKER}.items():  # by Prefect's own, a living run is silent for too long
        os.environ.setdefault(variable, value)
    api = _server("`profmin up` starts the worker of a service on this machine")
    from flows.service.worker import work

    if api.is_there() and api.is_pool_paused():
        say(PAUSED)
    work(name, limit, say)


def _server(instead: str) -> Api:
    """The server that the environment names. Raises UsageError, which says what there is without one."""
    if url := os.environ.get("PREFECT_API_URL"):
        return Api(url, os.environ.get("PREFECT_API_AUTH_STRING"))
    raise UsageError(f"PREFECT_API_URL names no server; {instead}")
