"""All that belongs to a form alone lies in its folder, and what a folder lacks is told in words."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import contracts.forms.across
import contracts.forms.folders
import contracts.texts
from contracts import vocabulary
from contracts.form import Form
from contracts.forms import FORMS, RULES, form_named
from contracts.forms.across import read_by, selects, selects_of
from contracts.forms.folders import FILES, whole_table, wrong
from contracts.texts import form_folders, form_topic, lines_of, rule_text, rule_texts
from contracts.versions.rule_versions import main

REPORT = "readiness_report"


def forget() -> None:
    for read_once in (form_folders, lines_of, rule_texts, vocabulary.form_rows):
        read_once.cache_clear()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the folders that a test may spoil, in place of those of the project."""
    copy = tmp_path / "forms"
    shutil.copytree(contracts.texts.FORM_FOLDERS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (contracts.texts, contracts.forms.folders, contracts.forms.across, vocabulary):
        monkeypatch.setattr(module, "FORM_FOLDERS", copy)
    forget()
    yield copy
    forget()


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
    forget()


def without(code: str) -> Callable[[str], str]:
    return lambda text: re.sub(rf"^{code},.*\n", "", text, flags=re.MULTILINE)


def test_folders_are_whole_and_listed() -> None:
    assert list(wrong()) == []
    assert sorted(form.name for form in FORMS) == list(form_folders())
    for form in FORMS:
        folder = contracts.texts.FORM_FOLDERS / form.name
        words_there = {f"{c.vocabulary}.csv" for edition in form.editions for c in edition.columns if c.vocabulary}
        words_there |= {f"{form.crosstab.labels}.csv"} if form.crosstab else set()
        there = {path.name for path in folder.iterdir() if path.name != "__pycache__"}
        selects = {f"{rule}.sql" for rule in selects_of(form)}
        assert there - {"statement_words.csv", "joint_headings.csv"} - words_there == {"__init__.py", *FILES} | selects
        assert (folder / "headings.csv").read_text(encoding="utf-8").startswith("column,heading,why,by,on\n")
        assert form_topic(form.name) and form_topic(form.name, "en")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_notes_say_what_is_public_and_what_is_invented(form: Form) -> None:
    text = (contracts.texts.FORM_FOLDERS / form.name / "notes.md").read_text(encoding="utf-8")
    assert f"(`{form.name}`)" in text.splitlines()[0]
    assert "From public sources" in text and "Invented:" in text
    assert set(re.findall(r"[A-Z]{2,3}-\d{3}", text)) <= set(RULES)


def test_a_folder_without_texts_is_told(folders: Path) -> None:
    (folders / REPORT / "texts.csv").unlink()
    forget()
    assert list(wrong()) == [f"contracts/forms/{REPORT} has no texts.csv"]
    with pytest.raises(LookupError, match=f"contracts/forms/{REPORT} has no texts.csv: topic and rules of the form"):
        rule_text("SCH-001")


@pytest.mark.parametrize("file", FILES[2:])
def test_a_folder_without_its_other_tables_is_told(folders: Path, file: str) -> None:
    (folders / REPORT / file).unlink()
    assert list(wrong()) == [f"contracts/forms/{REPORT} has no {file}"]


def test_a_folder_that_nobody_lists_is_told(folders: Path) -> None:
    shutil.copytree(folders / REPORT, folders / "navigators")
    forget()
    assert any(told.startswith("contracts/forms/navigators: FORMS in ") for told in wrong())


def test_a_listed_form_without_a_folder_is_told(folders: Path) -> None:
    shutil.rmtree(folders / REPORT)
    forget()
    assert list(wrong()) == [f"contracts/forms/{REPORT} has no {file}" for file in FILES]


def test_a_rule_without_a_line_is_told_and_where_it_is_owed(folders: Path) -> None:
    edit(folders / REPORT / "texts.csv", without("RDY-011"))
    assert list(wrong()) == [f"RDY-011 has no line in contracts/forms/{REPORT}/texts.csv"]
    with pytest.raises(LookupError, match=r"RDY-011 has no line in contracts/forms/<its form>/texts\.csv"):
        rule_text("RDY-011")
    with pytest.raises(LookupError, match=r"COM-999 has no line in contracts/texts/rules\.csv"):
        rule_text("COM-999")


def test_a_form_without_a_topic_is_told(folders: Path) -> None:
    edit(folders / REPORT / "texts.csv", without("topic"))
    assert list(wrong()) == [f"topic has no line in contracts/forms/{REPORT}/texts.csv"]


def test_a_line_of_a_rule_that_the_form_does_not_have_is_told(folders: Path) -> None:
    edit(folders / REPORT / "texts.csv", lambda text: text + "RDY-999,values,a,b,c,d,e,f\n")
    assert list(wrong()) == [
        f"contracts/forms/{REPORT}/texts.csv has a line of RDY-999, and there is no such rule of it"
    ]


def test_a_rule_of_two_forms_is_told(folders: Path) -> None:
    edit(folders / REPORT / "texts.csv", lambda text: text + "SCH-001,values,a,b,c,d,e,f\n")
    assert any("has a line of SCH-001" in told for told in wrong())
    with pytest.raises(ValueError, match="SCH-001 stands in "):
        rule_texts()


def test_a_class_that_there_is_not_is_told(folders: Path) -> None:
    edit(folders / REPORT / "texts.csv", lambda text: text.replace("RDY-011,sums,", "RDY-011,summs,"))
    (told,) = wrong()
    assert told.startswith(f"contracts/forms/{REPORT}/texts.csv: RDY-011 is of the class 'summs'; there are: ")


def test_a_rule_across_forms_without_its_select_is_told(folders: Path) -> None:
    folder = folders / "partner_agreements"
    (folder / "AG-007.sql").rename(folder / "AG-001.sql")
    assert list(wrong()) == [
        "contracts/forms/partner_agreements has no AG-007.sql: a rule across forms is a SELECT",
        "contracts/forms/partner_agreements/AG-001.sql is of no rule across forms of it",
    ]
    with pytest.raises(LookupError, match="partner_agreements has no AG-007"):
        selects_of(form_named("partner_agreements"))


def test_rules_across_forms_name_the_forms_that_they_read() -> None:
    read = {rule: sorted(read_by(select)) for rule, select in selects().items()}
    assert read == {
        "AG-007": ["partner_agreements", "readiness_report"],
        "EPL-007": ["event_plan", "parent_meetings"],
        "EV-003": ["level_choice", "practice_events"],
        "EV-005": ["level_choice", "practice_events"],
        "EV-012": ["partner_agreements", "practice_events"],
        "LSN-010": ["lesson_journal", "level_choice"],
        "LSN-011": ["hours_delivered", "lesson_journal"],
        "LVL-004": ["level_choice", "readiness_report"],
        "HRS-005": ["hours_delivered", "level_choice"],
        "HRS-006": ["hours_delivered", "level_choice"],
        "PM-003": ["parent_meetings", "readiness_report"],
        "PC-012": ["level_choice", "profile_classes"],
        "PC-013": ["profile_classes", "readiness_report"],
        "STF-017": ["readiness_report", "staff"],
        "STF-018": ["level_choice", "readiness_report", "staff"],
        "TT-005": ["level_choice", "timetable"],
        "TT-010": ["readiness_report", "timetable"],
        "TT-013": ["level_choice", "timetable"],
    }
    assert selects([form_named("partner_agreements")]) == {}


def test_lint_says_what_is_wrong_before_versions_are_compared(folders: Path) -> None:
    (folders / REPORT / "texts.csv").unlink()
    forget()
    said: list[object] = []
    assert main([], said.append) == 1
    assert main(["add", "2026", "--from", "2026-01-01", "--what", "Опыт."], said.append) == 1
    assert said == [f"contracts/forms/{REPORT} has no texts.csv"] * 2


def test_classes_and_words_of_forms_are_part_of_the_shared_tables(folders: Path) -> None:
    named = [rule for row in whole_table("rule_classes") for rule in row["rules"].split()]
    assert sorted(named) == sorted(RULES)
    assert {row["means"] for row in whole_table("statement_words")} >= {"nothing", REPORT, "registration_export"}
    edit(folders / REPORT / "statement_words.csv", lambda text: f"{text}навигатор\n")
    assert {"word": "навигатор", "means": REPORT} in whole_table("statement_words")
    assert whole_table("senders") == vocabulary.rows("senders")


def test_a_form_that_is_not_agreed_has_its_name_for_a_topic() -> None:
    assert [form_topic(REPORT), form_topic(REPORT, "en"), form_topic("no_form"), form_topic("")] == [
        "готовность", "readiness", "no_form", "",
    ]  # fmt: skip
