"""What is delivered with profmin, by name, version and licence: every component states one that lets us deliver it.

Slow: the bill of materials is made of the whole environment.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLOSED = ("agpl", "affero", "sspl", "busl", "commons clause", "non-commercial", "proprietary")
"""Words of licences under which a region could not run the service."""


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The bill of materials of this environment, made as `make sbom` makes it."""
    file = tmp_path_factory.mktemp("sbom") / "sbom.cdx.json"
    tool = Path(sys.executable).with_name("cyclonedx-py")
    command = [tool, "environment", "--pyproject", "pyproject.toml", "--output-reproducible", "-o", file]
    subprocess.run([*command, sys.executable], cwd=ROOT, check=True, capture_output=True)
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["components"]
    return found


def licences(component: dict[str, Any]) -> list[str]:
    stated = [each.get("expression") or each["license"].get("id") or each["license"]["name"]
              for each in component.get("licenses", [])]  # fmt: skip
    with (ROOT / "deployments" / "licences.csv").open(encoding="utf-8", newline="") as file:
        looked_up = [row["licence"] for row in csv.DictReader(file) if row["name"] == component["name"]]
    return stated or looked_up


def test_every_component_has_a_version_and_a_licence(components: list[dict[str, Any]]) -> None:
    assert {"prefect", "polars", "pandera", "SQLAlchemy".lower()} <= {each["name"].lower() for each in components}
    assert [each["name"] for each in components if not each.get("version")] == []
    assert [each["name"] for each in components if not licences(each) and each["name"] != "profmin"] == []


def test_no_licence_forbids_a_region_to_run_it(components: list[dict[str, Any]]) -> None:
    closed = {
        each["name"]: said
        for each in components
        for said in licences(each)
        if any(word in said.lower() for word in CLOSED)
    }
    assert closed == {}
