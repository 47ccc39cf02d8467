"""Somebody edits a table of the project, as people do: in the file, and the night goes on.

Slow: thirty commands on a copy of the project, which is imported anew when it was edited.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from forks import Forks

from flows.home.settings import Settings
from warehouse.backfill.older_rules import MARKS

ROOT = Path(__file__).parents[2]
PACKAGES = ("contracts", "transforms", "documents", "warehouse", "flows", "deployments")
PUBLISH = """
import datetime as dt, sys
from flows.home.connection import warehouse
from flows.home.settings import Settings
from warehouse.marts.publication import publish
with warehouse(Settings()) as engine:
    publish(engine, "69", [dt.date.fromisoformat(day) for day in sys.argv[1:]])
"""
REASON = "Новая легенда и норма часов судят и сентябрь"
Call = Callable[..., str]
Imported = Callable[[], AbstractContextManager[Call]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose tables may be edited."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / "project" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "project"


def environment(project: Path, settings: Settings) -> dict[str, str]:
    assert settings.database_url is not None
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PROFMIN_", "PREFECT_"))}
    known |= {"PROFMIN_HOME": str(settings.home), "PYTHONPATH": str(project), "PYTHONSAFEPATH": "1"}
    return known | {"PROFMIN_DATABASE_URL": settings.database_url.get_secret_value()}


@pytest.fixture
def call(project: Path, settings: Settings) -> Call:
    """Runs a program of the copy in an interpreter of its own."""

    def called(*how: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *how], cwd=project, env=environment(project, settings), capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done.stdout

    return called


@pytest.fixture
def imported(project: Path, settings: Settings, tmp_path: Path) -> Imported:
    """Imports the copy as it is now, and runs commands on it."""

    @contextmanager
    def of_now() -> Iterator[Call]:
        with Forks(tmp_path, project) as forks:

            def called(*words: object, code: int = 0) -> str:
                done = forks.run(words, environment(project, settings), project)
                assert done.returncode == code, done.stderr
                return done.stdout

            yield called

    return of_now


def edited(project: Path, name: str, old: str, new: str) -> None:
    there = (project / "contracts").glob(f"*/**/{name}.csv")
    (path,) = (path for path in there if "_offered" not in path.parts)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def shown(profmin: Call, name: str, *options: str) -> list[dict[str, Any]]:
    """A mart without the marks that say by which rules it was judged: they change when rules do, and move no figure."""
    found = json.loads(profmin("mart", name, "--format", "json", *options))
    return [{column: value for column, value in row.items() if column not in MARKS} for row in found]


def moves_nothing_until_a_backfill(profmin: Call, before: dict[str, list[dict[str, Any]]]) -> None:
    """Both dates were published since the edit; `before` is what the marts of the first said until then."""
    day = ("--as-of", "2023-09-08")
    assert {name: shown(profmin, name, *day) for name in before} == before
    assert shown(profmin, "corrections", *day) == []
    new = {row["reporting_unit"]: row for row in shown(profmin, "readiness_by_municipality", "--as-of", "2023-09-09")}
    old = {row["reporting_unit"]: row for row in before["readiness_by_municipality"]}
    fallen = {unit for unit, row in new.items() if (old[unit]["band"], row["band"]) == ("green", "amber")}
    assert fallen and {unit for unit, row in old.items() if 0.8 <= row["accepted_rate"] < 0.83} == fallen
    assert all("не записана" in new[unit]["band_rule_version"] for unit in fallen)
    status = json.loads(profmin("status", "--json"))
    assert set(status["inputs_not_listed"]) >= {"band_rules", "level_norms"}

    span = ("--from", "2023-09-08", "--to", "2023-09-08", "--reason", REASON)
    plan = json.loads(profmin("backfill", "plan", *span, "--json"))
    assert {each["input"] for each in plan["inputs"]} == {"band_rules"}
    assert {name: shown(profmin, name, *day) for name in before} == before, "a plan changes nothing"
    number = plan["backfill"]["backfill_id"]
    profmin("backfill", "apply", number)
    ledger = shown(profmin, "corrections", *day)
    moved = {row["code"] for row in ledger if row["metric"] == "readiness_band" and row["was"] == "green"}
    assert moved >= fallen
    assert any(row["metric"] == "status" for row in ledger), "the norm is a rule: schools were judged anew"
    assert {(row["cause"], row["reason"]) for row in ledger} == {("backfill", REASON)}
    profmin("backfill", "revert", number)
    assert {name: shown(profmin, name, *day) for name in before} == before


def test_a_line_edited_in_a_table_moves_nothing_published_until_a_backfill(
    project: Path, call: Call, imported: Imported, region_inbox: Path
) -> None:
    day = ("--as-of", "2023-09-08")
    marts = ("readiness_by_municipality", "registration_by_municipality", "readiness_region", "readiness_by_school")
    with imported() as profmin:
        profmin("ingest", code=3)
        before = {name: shown(profmin, name, *day) for name in marts}
    call("-m", "contracts.versions", "add", "base", "--from", "0001-01-01", "--what", "Как есть.")

    edited(project, "band_rules", "green,0.80", "green,0.83")
    edited(project, "level_norms", "2023,basic,extracurricular_rmg,34", "2023,basic,extracurricular_rmg,35")
    edited(project, "reporting_unit_aliases", "Город Кедровый,kedrovy,", "Кедровый Город,kedrovy,")
    told = call("-m", "contracts.versions", code=1)
    for name in ("band_rules", "level_norms", "reporting_unit_aliases"):
        assert f"the input {name} is not what version " in told
    assert "green: lower_bound 0.80 → 0.83" in told

    call("-c", PUBLISH, "2023-09-08", "2023-09-09")
    with imported() as profmin:
        moves_nothing_until_a_backfill(profmin, before)
