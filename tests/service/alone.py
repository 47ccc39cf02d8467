"""No test of its own: what `test_killed_pytest` runs and kills, with a service and a database at work."""

from __future__ import annotations

import os
import time
from pathlib import Path

from running import RunningService


def test_that_is_killed(service: RunningService, database_url: str) -> None:
    """Says that everything runs, and by whom it is run, and waits."""
    assert service.status() and database_url
    told = f"{os.getpid()} {os.environ.get('TESTS_IN_MEMORY', '')}"
    Path(os.environ["TOLD_IN"]).write_text(told, encoding="utf-8")
    time.sleep(600)
