"""A command of each group as people start it: an interpreter of its own, with nothing imported before."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from evidence import picked

from flows.home.settings import Settings

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_files_and_marts(real_profmin: Run, region_files: Path, settings: Settings) -> None:
    files = picked(region_files, "department/Реестр", "kedrovy")
    checked = real_profmin("check", files["kedrovy"], "--register", files["department/Реестр"], settings=settings)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
    assert "принято — Отчёт о готовности школ" in checked.stdout
    taken = real_profmin("ingest", *files.values(), settings=settings)
    assert taken.returncode == 0, taken.stderr
    shown = real_profmin("mart", "readiness_region", "--as-of", "2023-09-08", "--format", "csv", settings=settings)
    assert shown.returncode == 0 and len(shown.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["db", "url"], 0, "postgresql+psycopg2://"),
        (["access", "list"], 0, "bi_reader"),
        (["access", "grant", "clerk"], 2, "say what it may see"),
        (["backfill", "list"], 0, "Пересчёт"),
        (["messages"], 0, ""),
        (["incidents", "list"], 0, ""),
        (["deliveries", "list"], 0, ""),
        (["status"], 0, "Служба здесь не запущена"),
        (["logs", "last"], 2, "there was no run yet"),
    ],
)
def test_the_others(real_profmin: Run, settings: Settings, arguments: list[str], code: int, said: str) -> None:
    """`run nightly`, `demo` and `up` start so in `test_nightly` and in `tests/service`."""
    ran = real_profmin(*arguments, settings=settings)
    assert (ran.returncode, said in ran.stdout + ran.stderr, "Traceback" in ran.stderr) == (code, True, False), ran
