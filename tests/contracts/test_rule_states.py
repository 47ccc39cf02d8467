"""What a region says of rules for a campaign or some days: which lines can be, which of them speaks, what follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from packs import say_of_rules as say
from packs import write_pack

from contracts.form import SEVERITIES
from contracts.forms import FORMS, RULES, form_named
from contracts.forms.rule_states import changeable, states_of
from contracts.regions import forget, read_from
from contracts.versions.inputs import add, changed_in, fingerprint, ledgers
from contracts.versions.pack_faults import wrong_pack, wrong_tables
from contracts.versions.rule_versions import UNLISTED, in_force, rules_of

DAY = dt.date(2023, 9, 8)
CAMPAIGN = "readiness-2023"
GOOD = {"rule": "RDY-011", "campaign": CAMPAIGN, "state": "aside", "reason": "Обучение перенесено"}


@pytest.fixture
def pack(tmp_path: Path) -> Iterator[Path]:
    """A copy of the shipped pack, the only one in force."""
    pack = write_pack(tmp_path / "packs" / "69-tomsk")
    read_from(tmp_path / "packs")
    yield pack
    read_from(None)


WRONG = {
    "rule that is none": ({"rule": "RDY-099"}, "строка 2: rule «RDY-099»; ожидается номер правила из docs/rules.md"),
    "state that is none": ({"state": "off"}, "строка 2: state «off»; ожидается aside, error, warning, note"),
    "no reason": ({"reason": " "}, "строка 2: reason пусто; ожидается значение"),
    "campaign that is none": ({"campaign": "readiness-2024"}, "кампании «readiness-2024» нет; ожидается одна из"),
    "form that is none": ({"form": "readiness"}, "строка 2: form «readiness»; ожидается одна из форм"),
    "rule of another form": (
        {"form": "registration_plan"}, "RDY-011 — правило формы readiness_report, а названа registration_plan"
    ),
    "campaign of another form": (
        {"rule": "REX-004"}, "кампания «readiness-2023» — формы readiness_report, а REX-004"
    ),
    "no day and no campaign": ({"campaign": ""}, "не сказано, когда RDY-011 aside; ожидается кампания или первый день"),
    "end before the beginning": (
        {"valid_from": "2023-09-10", "valid_to": "2023-09-09"}, "RDY-011 aside с 2023-09-10 по 2023-09-09"
    ),
    "day as Excel writes it": ({"valid_from": "01.09.2023"}, "valid_from «01.09.2023»; ожидается день в виде"),
    "the usual severity": ({"state": "error"}, "RDY-011 и без этой строки error; ожидается другое состояние"),
    "rule that refuses a file": (
        {"rule": "COM-012", "state": "error"}, "COM-012 изменить нельзя: это правило не принимает файл"
    ),
    "rule that refuses, put aside": ({"rule": "COM-012"}, "COM-012 изменить нельзя: это правило не принимает файл"),
    "rule without which nothing can be loaded": ({"rule": "COM-030"}, "COM-030 изменить нельзя: без него"),
    "rule by which a file waits": ({"rule": "COM-020"}, "COM-020 изменить нельзя: по этому правилу файл"),
    "how a cell was read": ({"rule": "COM-022"}, "COM-022 не может стать aside: оно говорит, как прочитана ячейка"),
    "no row to set aside": ({"rule": "RDY-031", "state": "error"}, "RDY-031 не может стать error: оно"),
    "rule across forms without a row": (
        {"rule": "AG-007", "campaign": "", "valid_from": "2027-09-01", "state": "error"}, "AG-007 не может стать"
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_is_said_in_words(pack: Path, fault: str) -> None:
    changed, said = WRONG[fault]
    say(pack, {**GOOD, **changed})
    sentences = wrong_tables(pack)
    assert any(said in sentence for sentence in sentences), sentences
    assert all(sentence.startswith(f"{pack / 'rule_states.csv'}, строка 2: ") for sentence in sentences)
    assert all("; ожида" in sentence for sentence in sentences)


def test_two_lines_of_the_same_days_are_wrong(pack: Path) -> None:
    first = {"rule": "RDY-011", "state": "aside", "reason": "Опыт", "valid_from": "2023-09-01"}
    say(pack, {**first, "valid_to": "2023-09-10"}, {**first, "valid_from": "2023-09-10", "state": "note"})
    (said,) = wrong_tables(pack)
    assert said.endswith(
        "строка 3: о RDY-011 на те же дни уже сказано в строке 2; ожидается одна строка на каждый день"
    )
    say(pack, GOOD, {**GOOD, "state": "note"})
    assert len(wrong_tables(pack)) == 1
    say(
        pack, {**first, "valid_to": "2023-09-10"}, {**first, "valid_from": "2023-09-11", "state": "note"}, GOOD,
        {**GOOD, "form": "readiness_report"},
    )  # fmt: skip
    assert wrong_tables(pack) == []


@pytest.mark.parametrize("rule", RULES)
def test_every_possible_state_of_a_rule_is_right(pack: Path, rule: str) -> None:
    known = changeable()[rule]
    assert RULES[rule].severity in SEVERITIES and known.why_fixed
    for state in known.states:
        say(pack, {"rule": rule, "valid_from": "2023-09-01", "state": state, "reason": "Опыт"})
        assert len(wrong_tables(pack)) == (state == known.severity)


def state(rule: str, form: str = "readiness_report", day: dt.date = DAY, campaign: str | None = CAMPAIGN) -> str | None:
    line = states_of(form, "chainsky", day, campaign).get(rule)
    return line.state if line else None


def test_a_line_speaks_of_its_form_its_campaign_and_its_days(pack: Path) -> None:
    say(pack, GOOD)
    assert [state("RDY-011", campaign=each) for each in (CAMPAIGN, "readiness-2024", None)] == ["aside", None, None]
    assert state("RDY-012") is None
    say(
        pack,
        {"rule": "COM-062", "state": "aside", "reason": "Опыт", "valid_from": "2023-09-01", "valid_to": "2023-09-08"},
    )
    days = [dt.date(2023, 8, 31), dt.date(2023, 9, 1), DAY, dt.date(2023, 9, 9)]
    assert [state("COM-062", day=day) for day in days] == [None, "aside", "aside", None]
    assert state("COM-062", form="parent_meetings") == "aside"
    assert states_of(None, "chainsky", DAY, None) == states_of("readiness_report", "chainsky", None, None) == {}


def test_the_line_that_names_more_comes_first(pack: Path) -> None:
    of_days = {"rule": "COM-062", "valid_from": "2023-09-01", "reason": "Опыт"}
    say(
        pack,
        {**of_days, "form": "readiness_report", "campaign": CAMPAIGN, "state": "aside"},
        {**of_days, "form": "readiness_report", "state": "note"},
        {**of_days, "state": "aside"},
        {**of_days, "campaign": CAMPAIGN, "state": "note"},
    )
    assert wrong_tables(pack) == []
    assert state("COM-062") == "aside"
    assert state("COM-062", campaign=None) == "note"
    assert state("COM-062", form="parent_meetings", campaign=None) == "aside"
    assert state("COM-062", form="parent_meetings") == "note"


def test_a_line_is_a_version_of_the_pack_and_of_the_rules_of_its_forms(pack: Path) -> None:
    before = {form.name: rules_of(form) for form in FORMS}
    say(pack, GOOD, {"rule": "RDY-012", "valid_from": "2024-09-01", "state": "error", "reason": "Опыт"})
    after = {form.name: rules_of(form) for form in FORMS}
    assert [name for name in before if before[name] != after[name]] == ["readiness_report"]
    (said,) = wrong_pack(pack)
    assert "rule_states.csv: изменено без записи: + RDY-011 readiness-2023: aside, Обучение перенесено" in said
    assert [each.form for each in in_force() if each.version == UNLISTED] == ["readiness_report"]
    since = dt.date(2027, 1, 1)
    (line,) = add("2027", since, "Обучение перенесено.", where=ledgers()[1:])
    assert (line.input, wrong_pack(pack)) == ("rule_states", [])
    version = in_force()[-1]
    assert (version.form, version.judges_from, version.fingerprint) == (
        "readiness_report",
        since,
        after["readiness_report"],
    )
    assert version.version.endswith(", 2027") and version.what == "Обучение перенесено."

    say(pack, {**GOOD, "reason": "Опечатка исправлена"}, *ledgers()[1].lines("rule_states")[1:])  # type: ignore[arg-type]
    assert changed_in(ledgers()[1]) == ["rule_states"], "the reason is shown, so it counts"
    assert rules_of(form_named("readiness_report")) == after["readiness_report"], "but it decides nothing"


def test_a_pack_without_the_table_says_nothing(pack: Path) -> None:
    assert states_of("readiness_report", "chainsky", DAY, CAMPAIGN) == {}
    with_table = rules_of(form_named("readiness_report"))
    (pack / "rule_states.csv").unlink()
    forget()
    assert states_of("readiness_report", "chainsky", DAY, CAMPAIGN) == {}
    assert rules_of(form_named("readiness_report")) == with_table
    assert wrong_tables(pack) == [] and fingerprint("rule_states", ()) == fingerprint("rule_states", [])
