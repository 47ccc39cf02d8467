"""The table of the inputs' versions goes with what they say: whoever changes a line says from when it judges."""

import datetime as dt

import pytest
from changing import Inputs, forget

from contracts import vocabulary
from contracts.forms import FORMS
from contracts.forms.folders import whole_table
from contracts.regions import regions
from contracts.regions.pack_table import TABLES
from contracts.versions import inputs as table
from contracts.versions.inputs import (
    DECIDE_NOTHING,
    KEYS,
    READ_BY_FORMS,
    add,
    changed,
    differences,
    file_of,
    lines_of,
    listed,
    names,
    wrong,
)
from contracts.versions.rule_versions import deciding, main

SINCE = dt.date(2023, 9, 15)
COMMAND = "python -m contracts.versions"


def complaints() -> list[str]:
    return list(wrong(COMMAND))


def test_every_vocabulary_is_an_input_or_answered_for_by_the_forms(inputs: Inputs) -> None:
    told = {part[0] for form in FORMS for part in deciding(form) if isinstance(part, tuple) and len(part) == 2}
    assert told >= READ_BY_FORMS, "the forms' fingerprints must hold what is no input"
    (region,) = regions()
    tables = {path.stem for path in vocabulary.FOLDER.glob("*.csv")}
    of_region = {path.stem for path in region.folder.glob("*.csv")} - {"versions"}
    assert of_region - DECIDE_NOTHING <= set(TABLES) - READ_BY_FORMS
    assert tables | of_region == READ_BY_FORMS | DECIDE_NOTHING & (tables | of_region) | set(names())
    assert set(KEYS) <= set(names())
    for name, keys in KEYS.items():
        lines = whole_table(name)
        assert len({tuple(line[key] for key in keys) for line in lines}) == len(lines), f"{name} has two lines of a key"


CHANGES = {
    "band_rules": (("green",), {"lower_bound": "0.85"}, "2023 green: lower_bound 0.80 → 0.85"),
    "thresholds": (("overdue",), {"value": "3"}, "overdue days: value 1 → 3"),
    "calendar": (("2023-11-06",), {"is_working": "true"}, "2023-11-06: is_working false → true"),
    "campaigns": (("readiness-2023",), {"deadline": "2023-09-15"}, "readiness-2023: deadline 2023-09-11 → 2023-09-15"),
    "level_norms": (("main", "practice_module"), {"hours": "13"}, "2023 main practice_module: hours 12 → 13"),
    "reporting_unit_aliases": (
        ("Город Кедровый",), {"reporting_unit": "tomsk_city"}, "Город Кедровый: reporting_unit kedrovy → tomsk_city",
    ),
    "senders": (("chainsky",), {"kind": "department"}, "chainsky: kind reporting_unit → department"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_line_is_named_with_how_to_list_it(inputs: Inputs, name: str) -> None:
    key, values, said = CHANGES[name]
    lines = inputs.lines(name)
    (line,) = [line for line in lines if {line[column] for column in KEYS[name]} >= set(key)]
    line.update(values)
    inputs.write(name, lines)
    (told,) = complaints()
    assert told.startswith(f"the input {name} is not what version ")
    assert said in told
    assert f"{COMMAND} add NAME --from DATE" in told and f"--only {name}" in told


def test_each_changed_input_is_named(inputs: Inputs) -> None:
    for name in ("band_rules", "thresholds"):
        key, values, _ = CHANGES[name]
        inputs.change(name, key[0], **values)
    assert [told.split()[2] for told in complaints()] == ["band_rules", "thresholds"]
    said: list[object] = []
    assert main([], said.append) == 1
    assert sum("the input" in str(each) for each in said) == 2


def test_a_new_line_and_a_line_that_is_gone_are_changes(inputs: Inputs) -> None:
    inputs.remove("senders", "chainsky")
    inputs.add("senders", sender="atlantis", name="Атлантида", kind="reporting_unit")
    (told,) = complaints()
    assert "− chainsky" in told and "+ atlantis: Атлантида, reporting_unit" in told


def test_words_and_order_decide_nothing(inputs: Inputs) -> None:
    inputs.change("band_rules", "green", why="другими словами")
    inputs.write("senders", list(reversed(inputs.lines("senders"))))
    assert complaints() == []
    inputs.write("reporting_units", list(reversed(inputs.lines("reporting_units"))))
    assert len(complaints()) == 1, "units are printed in their order"


def test_a_version_keeps_what_it_said(inputs: Inputs) -> None:
    before = listed()
    inputs.change("campaigns", "readiness-2023", deadline="2023-09-15")
    inputs.change("thresholds", "overdue", value="3")
    (line,) = add("2023-09-15", SINCE, "Срок перенесён.", ["campaigns"])
    assert (line.input, line.version, line.judges_from) == ("campaigns", "2023-09-15", SINCE)
    assert changed() == [("69", "thresholds")]
    inputs.change("campaigns", "readiness-2023", deadline="2023-09-20")
    first = next(each for each in before if each.input == "campaigns")
    assert [lines_of(each)[0]["deadline"] for each in (first, line)] == ["2023-09-11", "2023-09-15"]
    with pytest.raises(ValueError, match="has a version 2023-09-15 already"):
        add("2023-09-15", SINCE, "Ещё раз.")
    with pytest.raises(ValueError, match="cannot be the name of a version"):
        add("../2024", SINCE, "Имя файла.")
    assert len(listed()) == len(before) + 1


def test_what_was_listed_cannot_be_changed_afterwards(inputs: Inputs) -> None:
    line = next(each for each in listed() if each.input == "band_rules")
    file_of(line).write_text(file_of(line).read_text(encoding="utf-8").replace("0.80", "0.70"), encoding="utf-8")
    assert any("band_rules" in told and "is not what was listed" in told for told in complaints())
    file_of(line).unlink()
    assert any("band_rules" in told and "is not what was listed" in told for told in complaints())


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("2024,bands,2024-01-01,ab,Что-то.", "there is no input 'bands'"),
        ("2024,band_rules,2024-01-01,ab, ", "it does not say what has changed"),
    ],
)
def test_lines_that_are_wrong(inputs: Inputs, line: str, complaint: str) -> None:
    with table.FILE.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    assert any(complaint in told for told in complaints())


def test_the_command_lists_what_it_is_told(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    inputs.change("thresholds", "overdue", value="3")
    said: list[object] = []
    main(["add", "2024", "--from", "2024-01-01", "--what", "Напоминаем позже.", "--only", "thresholds"], said.append)
    forget()
    assert any(str(each).startswith("thresholds: version 2024, judges from 2024-01-01") for each in said)
    assert complaints() == []
    with pytest.raises(SystemExit):
        main(["add", "2025", "--from", "2024-01-01", "--what", "Опечатка.", "--only", "treshold"], said.append)
    assert "there is no form or input 'treshold'" in capsys.readouterr().err


def test_what_differs_is_told_line_by_line() -> None:
    before = [{"sender": "a", "name": "А"}, {"sender": "b", "name": "Б"}]
    after = [{"sender": "b", "name": "Б"}, {"sender": "c", "name": "В"}, {"sender": "a", "name": "АА"}]
    assert differences("senders", before, after) == ["a: name А → АА", "+ c: В"]
    assert differences("senders", after, []) == ["− b: Б", "− c: В", "− a: АА"]
    assert differences("senders", before, before) == []
