"""Files after public reports of other readers, each with what its reading must be (`cases.csv`).

A case is a folder with its file or files; `cases.csv` has a line for each delivery in them: rows as
read = loaded + quarantined + not data, and the rules of its findings, each once, without that of lateness.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from contracts.rules import LATE
from documents.demo import deliveries, tomsk
from flows.home.settings import Settings
from flows.intake.dry_run import check
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome

HERE = Path(__file__).parent
KEPT = list(csv.DictReader((HERE / "cases.csv").open(encoding="utf-8"), delimiter=";"))
FOLDERS = sorted(path.name for path in HERE.iterdir() if path.is_dir() and not path.name.startswith("_"))


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The register of the demo region, whose schools the cases name."""
    name, data = next((name, data) for _, name, data, _ in deliveries(tomsk()) if name.startswith("Реестр школ"))
    path = tmp_path_factory.mktemp("register") / name
    path.write_bytes(data)
    return path


def told(outcome: Outcome) -> dict[str, str]:
    found = outcome.document()
    rows = found["rows"]
    rules = {each["rule"] for each in found["findings"]} - {LATE.id}
    return {
        "form": found["form"] or "",
        "sender": found["sender"] or "",
        "as_of": found["as_of"] or "",
        "verdict": found["verdict"],
        "rows": f"{rows['read']} = {rows['loaded']} + {rows['quarantined']} + {rows['not_data']}",
        "rules": " ".join(sorted(rules)),
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_case(folder: str, register: Path, tmp_path: Path) -> None:
    expected = [row for row in KEPT if row["case"] == folder]
    bare = Settings(home=tmp_path / "absent")
    found = [
        {"case": folder, "file": path.name, **told(outcome)}
        for path in sorted((HERE / folder).iterdir())
        for outcome in check([path], Options(register=register), bare)
    ]
    assert found == expected


def test_every_line_has_its_case() -> None:
    assert {row["case"] for row in KEPT} == set(FOLDERS)
