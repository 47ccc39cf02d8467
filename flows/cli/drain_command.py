"""`profmin drain`: let runs come to their end before a worker of a server elsewhere is stopped."""

from __future__ import annotations

import os

from flows.cli.service_commands import say
from flows.home.usage import UsageError
from flows.service.drain import drain
from flows.service.prefect_api import Api


def drain_server(seconds: float) -> int:
    """Pause the pool of the server that PREFECT_API_URL names and wait for its runs; 1 when some are left."""
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        raise UsageError("PREFECT_API_URL names no server; `profmin down` drains the service of this machine")
    api = Api(url, os.environ.get("PREFECT_API_AUTH_STRING"))
    left = drain(api, seconds, lambda names: say(f"waiting for {', '.join(names)} …") if names else None)
    for name in left:
        say(f"{name} did not end within {seconds:.0f} s")
    say("Nothing new begins until `prefect work-pool resume profmin`.")
    return 1 if left else 0
