"""The table of versions goes with the rules: whoever changes a rule says from when it judges."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changing import Inputs

from contracts import vocabulary
from contracts.form import Edition, Form
from contracts.forms import FORMS, form_named
from contracts.versions import rule_versions as versions
from contracts.versions.inputs import wrong as inputs_wrong
from contracts.versions.rule_versions import COMMAND, add, in_force, listed, main, rules_of, same, wrong

ROOT = Path(__file__).parents[2]
REPORT = form_named("readiness_report")
SINCE = dt.date(2023, 9, 15)
Changed = Callable[[Edition], Edition]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: Inputs) -> Path:
    """A copy of the table that may be changed; the inputs are another copy."""
    copy = tmp_path / "versions.csv"
    copy.write_text(versions.FILE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(versions, "FILE", copy)
    return copy


def last() -> str:
    """The last version of the report's rules."""
    return next(line.version for line in reversed(listed()) if line.form == REPORT.name)


def with_rule(rule: str, **changed: Any) -> Form:
    """The readiness report with one rule changed."""
    rules = tuple(replace(each, **changed) if each.id == rule else each for each in REPORT.editions[0].rules)
    return replace(REPORT, editions=(replace(REPORT.editions[0], rules=rules),))


def with_column(name: str, **changed: Any) -> Form:
    columns = tuple(replace(each, **changed) if each.name == name else each for each in REPORT.editions[0].columns)
    return replace(REPORT, editions=(replace(REPORT.editions[0], columns=columns),))


def test_the_table_goes_with_the_rules() -> None:
    assert list(wrong()) == []
    assert list(inputs_wrong(COMMAND)) == []
    assert {line.form for line in listed()} == {form.name for form in FORMS}


CHANGES = {
    "severity": with_rule("RDY-010", severity="warning"),
    "scope": with_rule("RDY-010", scope="cell"),
    "expression": with_rule("RDY-023", check=REPORT.editions[0].rules[0].check),
    "heading": with_column("navigators", headings=("Навигаторы",)),
    "bound": with_column("navigators", maximum=99),
    "optional": with_column("navigators", required=False),
    "rule gone": replace(REPORT, editions=(replace(REPORT.editions[0], rules=REPORT.editions[0].rules[1:]),)),
    "fall": replace(REPORT, largest_fall=0.3),
}


@pytest.mark.parametrize("form", CHANGES.values(), ids=CHANGES)
def test_what_decides_a_verdict_is_in_the_fingerprint(form: Form) -> None:
    assert rules_of(form) != rules_of(REPORT)
    (told,) = wrong([form if each is REPORT else each for each in FORMS])
    assert told.startswith(
        f"the rules of readiness_report are not those of version {last()}: python -m contracts.versions add"
    )


@pytest.mark.parametrize(
    "form",
    [
        with_column("navigators", description="Другими словами."),
        with_rule("RDY-010", source="письмо", expected="директор"),
        replace(REPORT, description="Другими словами.", title="Отчёт"),
    ],
    ids=["column", "rule", "form"],
)
def test_words_are_not(form: Form) -> None:
    assert rules_of(form) == rules_of(REPORT)


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, dict[str, str]], None]]:
    """Add a row to a vocabulary."""
    whole, of_form = vocabulary.rows, vocabulary.form_rows

    def added(name: str, row: dict[str, str]) -> None:
        monkeypatch.setattr(versions, "rows", lambda asked: (*whole(asked), *([row] if asked == name else ())))
        monkeypatch.setattr(
            versions,
            "form_rows",
            lambda form, asked: (row,) if (asked, form) == (name, row.get("form")) else of_form(form, asked),
        )
        rules_of.cache_clear()

    yield added
    rules_of.cache_clear()


@pytest.mark.parametrize(
    ("name", "row", "forms"),
    [
        ("positions", {"word": "ИО", "code": "head", "rank": "1"}, {"readiness_report", "staff"}),
        ("months", {"word": "вересень", "month": "9"}, {form.name for form in FORMS}),
        ("headings", {"form": "registration_plan", "column": "plan_pupils", "heading": "Надо"}, {"registration_plan"}),
        ("campaigns", {"campaign": "readiness-2024", "form": "readiness_report"}, set()),
    ],
)  # fmt: skip
def test_a_vocabulary_changes_the_forms_that_use_it(
    one_more: Callable[[str, dict[str, str]], None], name: str, row: dict[str, str], forms: set[str]
) -> None:
    before = {form.name: rules_of(form) for form in FORMS}
    one_more(name, row)
    assert {form.name for form in FORMS if rules_of(form) != before[form.name]} == forms


def test_another_process_finds_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "contracts.versions"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_line_is_added_for_what_changed(table: Path) -> None:
    forms = [CHANGES["severity"] if form is REPORT else form for form in FORMS]
    (line,) = add("2023-09", SINCE, "Должность ответственного больше не ошибка.", forms)
    assert (line.form, line.judges_from, line.fingerprint) == ("readiness_report", SINCE, rules_of(CHANGES["severity"]))
    assert list(wrong(forms)) == []
    assert in_force(forms) == listed()
    assert add("2023-10", SINCE, "Ничего не изменилось.", forms) == []


def test_rules_that_nobody_listed_judge_from_the_day_of_the_last_ones(table: Path) -> None:
    forms = [CHANGES["severity"] if form is REPORT else form for form in FORMS]
    add("2023-09", SINCE, "Должность ответственного больше не ошибка.", forms)
    (line,) = set(in_force([CHANGES["bound"] if form is REPORT else form for form in FORMS])) - set(listed())
    assert (line.version, line.judges_from) == (versions.UNLISTED, SINCE)


def test_the_same_rules_written_otherwise_are_no_version(table: Path) -> None:
    forms = [CHANGES["severity"] if form is REPORT else form for form in FORMS]
    many = len(listed())
    (line,) = same(forms)
    assert line.fingerprints[-2:] == [rules_of(REPORT), rules_of(CHANGES["severity"])]
    assert list(wrong(forms)) == []
    assert len(listed()) == many


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("2024,readiness,2024-01-01,ab,Что-то.", "there is no form 'readiness'"),
        ("2024,readiness_report,2024-01-01,ab, ", "it does not say what has changed"),
        ("2023,readiness_report,2024-01-01,ab,Что-то.", "readiness_report has a version 2023 already"),
        (f"2024,readiness_report,2024-01-01,{rules_of(REPORT)},Что-то.", f"report are those of version {last()}"),
    ],
)  # fmt: skip
def test_lines_that_are_wrong(table: Path, line: str, complaint: str) -> None:
    with table.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    assert any(complaint in told for told in wrong())


def test_the_command(table: Path) -> None:
    said: list[object] = []
    assert main([], said.append) == 0
    assert said == []
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(line for line in lines if "registration_plan" not in line) + "\n", encoding="utf-8")
    assert main([], said.append) == 1
    assert main(["add", "2023", "--from", "0001-01-01", "--what", "Снова."], said.append) == 0
    assert (
        said[-1]
        == f"registration_plan: version 2023, judges from 0001-01-01, {rules_of(form_named('registration_plan'))}"
    )
