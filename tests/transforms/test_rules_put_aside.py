"""Rules of which a region says something: one put aside sets nothing aside and is told of, others judge as it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from example import PUPIL, Sent, drained
from packs import say_of_rules, write_pack
from test_rules import EXAMPLES

from contracts.forms import RULES
from contracts.forms.rule_states import changeable
from contracts.reading import Reading
from contracts.regions import read_from
from transforms.identity.identify import Context

CHANGEABLE = [(rule, state) for rule, of in changeable().items() if rule in EXAMPLES for state in of.states]


@pytest.fixture
def pack(tmp_path: Path) -> Iterator[Path]:
    pack = write_pack(tmp_path / "packs" / "69-tomsk")
    read_from(tmp_path / "packs")
    yield pack
    read_from(None)


def say(pack: Path, rule: str, state: str, **more: str) -> None:
    say_of_rules(pack, {"rule": rule, "valid_from": "2000-01-01", "state": state, "reason": "Так решили."} | more)


def of(reading: Reading, rule: str) -> list[dict[str, object]]:
    return reading.findings.filter(rule=rule).to_dicts()


@cache
def as_usual(rule: str) -> Reading:
    """What breaks a rule, read while the region says nothing of rules; once for all states of the rule."""
    return EXAMPLES[rule].broken.read()


def read_beside(one: Sent, other: Sent) -> list[Reading]:
    """Two deliveries of one batch, which takes as long as one; apart when they do not know the same schools."""
    if one.register is not other.register:
        return [one.read(), other.read()]
    return drained([one.delivery(), other.delivery()], Context(register=one.register, secret=b"test"))


@pytest.mark.parametrize(("rule", "state"), CHANGEABLE)
def test_every_rule_is_put_aside_and_changed(pack: Path, rule: str, state: str) -> None:
    usual, severity = as_usual(rule), RULES[rule].severity
    say(pack, rule, state)
    reading, kept = read_beside(EXAMPLES[rule].broken, EXAMPLES[rule].good)
    found, notes = of(reading, rule), of(reading, "COM-120")
    assert len(notes) == 1, reading.findings["message"].to_list()
    assert (notes[0]["value"], notes[0]["severity"]) == (rule, "note")
    assert f"Таких мест: {len(of(usual, rule))}." in str(notes[0]["message"])
    assert len(found) == (0 if state == "aside" else len(of(usual, rule)))
    assert {each["severity"] for each in found} <= {state}
    severities = set(reading.findings["severity"])
    assert (reading.verdict == "refused") == ("refuse" in severities)
    if state == "error" or (severity in ("error", "refuse") and reading.verdict != "refused"):
        assert (reading.rows.quarantined > 0) == ("error" in severities)
        assert reading.rows.loaded == len(reading.facts)
    rows = reading.rows
    assert rows.read == rows.loaded + rows.quarantined + rows.not_data
    assert of(kept, "COM-120") == of(kept, rule) == [], "a rule that is kept is not spoken of"


def test_a_rule_is_told_as_put_aside_and_why(pack: Path) -> None:
    say(pack, "RDY-011", "aside", valid_from="", campaign="readiness-2023", decided_by="письмо № 12")
    sent = Sent("readiness_report", {"navigators_trained": 3})
    (note,) = of(sent.read(), "COM-120")
    assert note["message"] == (
        "Правило RDY-011 отложено на кампанию «Готовность к реализации Профминимума, 2023/2024»: "
        f"Так решили (письмо № 12). {RULES['RDY-011'].what} Таких мест: 1. Ничего делать не нужно."
    )
    say(pack, "RDY-011", "warning", valid_from="2023-09-01", valid_to="2023-09-30")
    reading = sent.read()
    (note,) = of(reading, "COM-120")
    assert str(note["message"]).startswith(
        "Правило RDY-011 с 01.09.2023 по 30.09.2023 значит «проверьте»: Так решили. "
    )
    assert (reading.verdict, reading.rows.loaded) == ("accepted", 1)


def test_each_delivery_of_a_batch_is_judged_by_its_own_states(pack: Path) -> None:
    say(pack, "RDY-011", "aside", valid_from="2023-09-08", valid_to="2023-09-08")
    first = Sent("readiness_report", {"navigators_trained": 3})
    days = [replace(first, above=(f"на {day}.09.2023",), file=f"{day}.xlsx").delivery() for day in ("07", "08", "09")]
    readings = drained(days, Context(register=first.register, secret=b"test"))
    assert [reading.as_of and reading.as_of.day for reading in readings] == [7, 8, 9]
    assert [reading.verdict for reading in readings] == ["partial", "accepted", "partial"]
    assert [len(of(reading, "COM-120")) for reading in readings] == [0, 1, 0]
    assert [reading.school_outcomes["report_status"].to_list() for reading in readings] == [
        ["rejected"], ["accepted"], ["rejected"],
    ]  # fmt: skip


@pytest.mark.parametrize("rule", ["COM-064", "COM-072"])
def test_a_file_of_another_size_can_be_taken(pack: Path, rule: str) -> None:
    sent = EXAMPLES[rule].broken
    assert sent.read().verdict == "refused"
    lines = [{"rule": each, "valid_from": "2023-09-01", "reason": "Опыт"} for each in ("COM-064", "COM-072")]
    say_of_rules(pack, *({**line, "state": "aside" if line["rule"] == rule else "warning"} for line in lines))
    reading = sent.read()
    assert reading.verdict == "partial" and "refuse" not in reading.findings["severity"]
    assert rule not in reading.findings["rule"] and rule in [note["value"] for note in of(reading, "COM-120")]


def test_of_an_export_rows_are_counted_over_all_blocks(pack: Path) -> None:
    late = {**PUPIL, "archived_on": "09.09.2023"}
    others = [{**late, "full_name": f"Тестова Анна {name}"} for name in ("Первая", "Вторая")]
    sent = Sent("registration_export", {"archived_on": "09.09.2023"}, more=others)
    assert sent.read().rows.loaded == 0
    say(pack, "REX-004", "aside")
    reading = sent.read()
    assert (reading.verdict, reading.rows.loaded, of(reading, "REX-004")) == ("accepted", 3, [])
    (note,) = of(reading, "COM-120")
    assert "Таких мест: 3." in str(note["message"])
    assert not any(name in str(note) for name in ("Анна", "Иван"))


def test_a_file_that_is_refused_says_so_too(pack: Path) -> None:
    say(pack, "COM-013", "aside")
    sent = Sent("readiness_report", headings=("Примечание",), without=("level",))
    reading = sent.read()
    assert reading.verdict == "refused" and of(reading, "COM-013") == []
    assert [note["value"] for note in of(reading, "COM-120")] == ["COM-013"]


def test_a_file_without_a_date_is_judged_as_usual(pack: Path) -> None:
    say(pack, "COM-013", "aside")
    sent = Sent("readiness_report", headings=("Примечание",), above=("Готовность",), file="отчёт.xlsx")
    reading = sent.read()
    assert reading.as_of is None and len(of(reading, "COM-013")) == 1 and of(reading, "COM-120") == []


def test_a_day_of_before_and_a_form_of_others_are_judged_as_usual(pack: Path) -> None:
    usual = Sent("readiness_report", {"navigators_trained": 3}).read()
    for narrowed in ({"valid_from": "2023-09-09"}, {"valid_to": "2023-09-07"}, {"campaign": "readiness-2024"}):
        say(pack, "RDY-011", "aside", **narrowed)
        reading = Sent("readiness_report", {"navigators_trained": 3}).read()
        assert reading.findings.equals(usual.findings), narrowed
    say(pack, "COM-062", "aside", form="parent_meetings")
    assert Sent("readiness_report", {"navigators_trained": 3}).read().findings.equals(usual.findings)
