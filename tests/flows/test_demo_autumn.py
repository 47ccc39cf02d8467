"""`profmin demo --autumn` as people see it, for its first nights.

Slow: each of its nights is one of a Prefect server and an embedded Postgres of its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_an_autumn_is_lived_night_by_night(profmin: Run) -> None:
    lived = profmin("demo", "--autumn", "--until", "2023-09-02")
    assert lived.returncode == 0, lived.stderr
    assert [line.split(":")[0] for line in lived.stderr.splitlines() if line[:2].isdigit()] == [
        "01.09.2023",
        "02.09.2023",
    ]
    assert "Регистрация на 02.09.2023" in lived.stdout and "Traceback" not in lived.stderr
    dates = json.loads(profmin("mart", "registration_nights", "--format", "json").stdout)
    assert {row["as_of"] for row in dates} == {"2023-09-02"}


def test_an_autumn_does_not_end_before_it_begins(profmin: Run) -> None:
    asked = profmin("demo", "--autumn", "--until", "2023-08-31")
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "осень начинается 01.09.2023" in asked.stderr
