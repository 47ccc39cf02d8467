"""No tests of their own: what `test_killed_pytest` runs and kills, with a service and a database at work."""

from __future__ import annotations

import os
import time
from pathlib import Path

from running import RunningService


def test_with_a_database(database_url: str) -> None:
    assert database_url
    say_and_wait()


def test_with_a_service(service: RunningService, database_url: str) -> None:
    assert service.status() and database_url
    say_and_wait()


def say_and_wait() -> None:
    """Say that everything runs: by which process, and where its server lies."""
    told = f"{os.getpid()} {os.environ['TESTS_SERVER_FOLDER']}"
    Path(os.environ["TOLD_IN"]).write_text(told, encoding="utf-8")
    time.sleep(600)
