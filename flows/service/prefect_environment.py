"""The environment in which Prefect works for us: one table for everything, one each for the server and the worker.

Whoever sets one of these variables differently is obeyed; where the service is and its password are ours alone.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from flows.home.settings import Settings
from flows.home.whole_file import write_once

POOL = "profmin"
HOST = "127.0.0.1"
SHARED = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
    "PREFECT_CLI_WRAP_LINES": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # three missed: crashed (PROFMIN_SILENT_SECONDS)
}
"""For every process: no telemetry, nothing asked on a terminal that nobody watches, quick signs of life."""
SERVER = {
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "true",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P7D",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "300",
    "PREFECT_SERVER_UI_ENABLED": "true",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
}
"""Leases that outlive a restart, a database that does not grow for ever, and late means five minutes."""
WORKER = {
    "PREFECT_WORKER_QUERY_SECONDS": "3",
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
}
"""A run starts some seconds after its time, and a dead worker is seen within half a minute."""
NOT_OURS = ("PREFECT_API_KEY", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH", "PREFECT_API_DATABASE_CONNECTION_URL")
"""Variables that would lead our processes to another server or database."""
AUTH_KEY = "prefect.auth"


def url_of(port: int) -> str:
    """The API of the service's Prefect server."""
    return f"http://{HOST}:{port}/api"


def auth_string(settings: Settings) -> str:
    """Name and password of the Prefect server, made on first use and kept in the home."""
    path = settings.keys / AUTH_KEY
    if not path.exists():
        write_once(path, f"profmin:{secrets.token_urlsafe(24)}".encode())
    return path.read_text().strip()


def client_environment(settings: Settings, port: int) -> dict[str, str]:
    """What a process needs to speak with the service's Prefect server."""
    auth = auth_string(settings)
    return {
        "PREFECT_HOME": str((settings.home / "prefect").resolve()),
        "PREFECT_API_URL": url_of(port),
        "PREFECT_API_AUTH_STRING": auth,
    }


def service_environment(settings: Settings, port: int, table: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process of the service; ours is absolute, since its working directory is the home."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    ours = {"PROFMIN_HOME": str(settings.home.resolve()), **client_environment(settings, port)}
    return {**SHARED, **table, **inherited, **ours, **_absolute_paths(settings)}


def _absolute_paths(settings: Settings) -> dict[str, str]:
    """Settings that name files, as they are meant from where the service was started."""
    paths: dict[str, Path | None] = {
        "PROFMIN_ROUTING": settings.routing,
        "PROFMIN_REGIONS": settings.regions,
        "PROFMIN_METRICS_FILE": settings.metrics_file,
        **{f"PROFMIN_{name.upper()}": path for name, path in settings.elsewhere.items()},
    }
    return {name: str(path.resolve()) for name, path in paths.items() if path is not None}
