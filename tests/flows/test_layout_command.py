"""`profmin layout`: what it tells of a file, what changed, and a patch that makes a reworded heading known."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from evidence import picked

from contracts.vocabulary import FOLDER
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = FOLDER.parents[1]
REWORDED = "Кол-во навигаторов в школе"


def changed(report: Path, to: Path, heading: str, becomes: str, *, moved: bool = False) -> Path:
    """A workbook with one heading called otherwise; `moved` puts a blank column before the table."""
    book = openpyxl.load_workbook(report)
    sheet = book.active
    assert sheet is not None
    (cell,) = [cell for row in sheet.iter_rows() for cell in row if cell.value == heading]
    cell.value = becomes
    if moved:
        sheet.insert_cols(1)
    book.save(to)
    return to


@pytest.fixture
def report(region_files: Path) -> Path:
    """A report in the plainest style."""
    return picked(region_files, "kedrovy")["kedrovy"]


def heading_of(profmin: Run, report: Path, column: str) -> str:
    (told,) = json.loads(profmin("layout", report, "--json").stdout)
    (heading,) = [each["heading"] for each in told["matched"] if each["column"] == column]
    return str(heading)


def test_a_good_file_has_nothing_to_propose(profmin: Run, report: Path, tmp_path: Path) -> None:
    ran = profmin("layout", report, "--json", "--propose")
    (told,) = json.loads(ran.stdout)
    assert (told["form"], told["sender"], told["missing"], told["entries"]) == ("readiness_report", "kedrovy", [], [])
    assert told["recognised"] and told["since"] is None
    assert all(each["cell"] and each["title"] for each in told["matched"])
    assert "There is no database yet" in ran.stderr and "nothing to propose" in ran.stderr
    assert (ran.returncode, list(tmp_path.glob("*.patch"))) == (2, [])
    assert not (tmp_path / ".profmin" / "pgdata").exists()


def test_the_proposed_patch_makes_the_heading_known(
    profmin: Run, real_profmin: Run, report: Path, tmp_path: Path
) -> None:
    file = changed(report, tmp_path / report.name, heading_of(profmin, report, "navigators"), REWORDED)
    assert profmin("check", file, "--sender", "kedrovy").returncode == 4
    ran = profmin("layout", file, "--sender", "kedrovy", "--propose")
    assert ran.returncode == 0, ran.stderr
    assert f"perhaps «{REWORDED}» in " in ran.stdout
    (patch,) = tmp_path.glob("layout-readiness_report-*.patch")
    assert profmin("layout", file, "--propose").returncode == 2  # the patch is not written over
    tree = tmp_path / "tree"
    for package in ("contracts", "transforms", "documents", "warehouse", "flows"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", str(patch)], cwd=tree, check=True, env={"GIT_CEILING_DIRECTORIES": str(tmp_path)})
    with (tree / "contracts" / "forms" / "readiness_report" / "headings.csv").open(
        encoding="utf-8", newline=""
    ) as table:
        *_, line = csv.DictReader(table)
    assert (line["column"], line["heading"]) == ("navigators", REWORDED)
    assert line["why"] and line["by"] and line["on"]
    found = json.loads(real_profmin("check", file, "--sender", "kedrovy", "--json", PYTHONPATH=str(tree)).stdout)[0]
    assert found["layout"]["matched"][REWORDED] == "navigators"
    assert (found["verdict"], found["layout"]["missing"]) == ("accepted", [])


def test_a_patch_has_a_part_for_each_form(profmin: Run, region_files: Path, report: Path, tmp_path: Path) -> None:
    (plan,) = (region_files / "regional_operator").glob("План регистрации *.xlsx")
    files = [
        changed(report, tmp_path / report.name, heading_of(profmin, report, "navigators"), REWORDED),
        changed(plan, tmp_path / plan.name, heading_of(profmin, plan, "plan_pupils"), "План по регистрации учащихся"),
    ]
    ran = profmin("layout", *files, "--propose", "--to", "both.patch")
    assert ran.returncode == 0, ran.stderr
    for form in ("readiness_report", "registration_plan"):
        assert f"to approve, in contracts/forms/{form}/headings.csv" in ran.stdout
    stat = subprocess.run(
        ["git", "apply", "--numstat", "both.patch"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert stat.stdout.splitlines() == [
        f"1\t0\tcontracts/forms/{form}/headings.csv" for form in ("readiness_report", "registration_plan")
    ]


def test_check_tells_what_is_suggested(profmin: Run, report: Path, tmp_path: Path) -> None:
    file = changed(report, tmp_path / report.name, heading_of(profmin, report, "navigators"), REWORDED)
    (told,) = json.loads(profmin("check", file, "--sender", "kedrovy", "--json").stdout)
    assert told["layout"].keys() == {"matched", "missing", "unknown", "suggested"}
    (suggested,) = told["layout"]["suggested"]
    assert suggested.keys() == {"heading", "cell", "column", "title", "score"}
    assert (suggested["heading"], suggested["column"]) == (REWORDED, "navigators")


def test_what_changed_since_the_last_accepted_delivery_is_told(
    profmin: Run, settings: Settings, region_files: Path, report: Path, tmp_path: Path
) -> None:
    heading = heading_of(profmin, report, "navigators")
    file = changed(report, tmp_path / "отчёт.xlsx", heading, "Количество педагогов-навигаторов", moved=True)
    files = [*(region_files / "department").iterdir(), report]
    assert [each.verdict for each in ingest(files, Options(), settings) if each.sender == "kedrovy"] == ["accepted"]
    ran = profmin("layout", file, "--sender", "kedrovy", "--json", settings=settings)
    (told,) = json.loads(ran.stdout)
    since = told["since"]
    assert (since["as_of"], since["appeared"], since["disappeared"]) == ("2023-09-08", [], [])
    assert since["reworded"] == [{"column": "navigators", "from": heading, "to": "Количество педагогов-навигаторов"}]
    assert {each["column"] for each in since["moved"]} == {each["column"] for each in told["matched"]}
    shown = profmin("layout", file, "--sender", "kedrovy", settings=settings).stdout
    assert f"reworded\tnavigators: {heading} → Количество педагогов-навигаторов" in shown
    (same,) = json.loads(profmin("layout", report, "--json", settings=settings).stdout)
    assert same["since"] is None  # its own reading is not an earlier delivery


def test_a_file_of_no_form_is_told_in_a_sentence(profmin: Run, tmp_path: Path) -> None:
    (tmp_path / "письмо.csv").write_text("Уважаемый;коллега\nПросим;ответить\n", encoding="utf-8")
    ran = profmin("layout", "письмо.csv")
    assert ran.returncode == 0 and ran.stdout.startswith("письмо.csv: Не удалось узнать форму")
