"""Somebody edits a table of the project, as people do: in the file, and the night goes on.

Slow: each command has an interpreter of its own, on a copy of the project.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project whose tables may be edited."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / "project" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "project"


@pytest.fixture
def call(project: Path, settings: Settings) -> Call:
    def called(module: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        how = ["-c", PUBLISH] if module == "publish" else ["-m", module]
        assert settings.database_url is not None
        known = {name: value for name, value in os.environ.items() if not name.startswith(("PROFMIN_", "PREFECT_"))}
        known |= {"PROFMIN_HOME": str(settings.home), "PYTHONPATH": str(project), "PYTHONSAFEPATH": "1"}
        known |= {"PROFMIN_DATABASE_URL": settings.database_url.get_secret_value()}
        done = subprocess.run(
            [sys.executable, *how, *map(str, arguments)], cwd=project, env=known, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    return called


def edited(project: Path, name: str, old: str, new: str) -> None:
    (path,) = (project / "contracts").glob(f"*/**/{name}.csv")
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def shown(call: Call, name: str, *options: str) -> list[dict[str, Any]]:
    """A mart without the marks that say by which rules it was judged: they change when rules do, and move no figure."""
    found = json.loads(call("flows.cli.app", "mart", name, "--format", "json", *options).stdout)
    return [{column: value for column, value in row.items() if column not in MARKS} for row in found]


def test_a_line_edited_in_a_table_moves_nothing_published_until_a_backfill(
    project: Path, call: Call, settings: Settings, region_inbox: Path
) -> None:
    day = ("--as-of", "2023-09-08")
    marts = ("readiness_by_municipality", "registration_by_municipality", "readiness_region", "readiness_by_school")
    call("flows.cli.app", "ingest", code=3)
    before = {name: shown(call, name, *day) for name in marts}
    call("contracts.versions", "add", "base", "--from", "0001-01-01", "--what", "Как есть.")

    edited(project, "band_rules", "green,0.80", "green,0.83")
    edited(project, "level_norms", "2023,basic,extracurricular_rmg,34", "2023,basic,extracurricular_rmg,35")
    edited(project, "reporting_unit_aliases", "Город Кедровый,kedrovy,", "Кедровый Город,kedrovy,")
    told = call("contracts.versions", code=1).stdout
    for name in ("band_rules", "level_norms", "reporting_unit_aliases"):
        assert f"the input {name} is not what version " in told
    assert "green: lower_bound 0.80 → 0.83" in told

    call("publish", "2023-09-08", "2023-09-09")
    assert {name: shown(call, name, *day) for name in marts} == before
    assert shown(call, "corrections", *day) == []
    new = {row["reporting_unit"]: row for row in shown(call, "readiness_by_municipality", "--as-of", "2023-09-09")}
    old = {row["reporting_unit"]: row for row in before["readiness_by_municipality"]}
    fallen = {unit for unit, row in new.items() if (old[unit]["band"], row["band"]) == ("green", "amber")}
    assert fallen and {unit for unit, row in old.items() if 0.8 <= row["accepted_rate"] < 0.83} == fallen
    assert all("не записана" in new[unit]["band_rule_version"] for unit in fallen)
    status = json.loads(call("flows.cli.app", "status", "--json").stdout)
    assert set(status["inputs_not_listed"]) >= {"band_rules", "level_norms"}

    span = ("--from", "2023-09-08", "--to", "2023-09-08", "--reason", REASON)
    plan = json.loads(call("flows.cli.app", "backfill", "plan", *span, "--json").stdout)
    assert {each["input"] for each in plan["inputs"]} == {"band_rules"}
    assert {name: shown(call, name, *day) for name in marts} == before, "a plan changes nothing"
    number = plan["backfill"]["backfill_id"]
    call("flows.cli.app", "backfill", "apply", number)
    ledger = shown(call, "corrections", *day)
    moved = {row["code"] for row in ledger if row["metric"] == "readiness_band" and row["was"] == "green"}
    assert moved >= fallen
    assert any(row["metric"] == "status" for row in ledger), "the norm is a rule: schools were judged anew"
    assert {(row["cause"], row["reason"]) for row in ledger} == {("backfill", REASON)}
    call("flows.cli.app", "backfill", "revert", number)
    assert {name: shown(call, name, *day) for name in marts} == before
