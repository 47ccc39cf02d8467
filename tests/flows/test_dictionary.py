"""The marts in words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flows.cli.dictionary import dictionary, show_dictionary
from flows.home.usage import UsageError
from warehouse.marts import columns
from warehouse.marts.definitions import live, marts, views

PAGE = Path(__file__).parents[2] / "docs" / "dictionary.md"


def test_page_is_current() -> None:
    """`profmin dictionary > docs/dictionary.md` makes it so."""
    assert PAGE.read_text(encoding="utf-8") == dictionary()


def test_every_mart_and_column_is_there() -> None:
    lines = dictionary().splitlines()
    for mart in (*marts(), *views(), *live()):
        assert f"### {mart.name}" in lines
        assert all(any(line.startswith(f"| `{column}` |") for line in lines) for column in mart.captions)


def test_one_mart(capsys: pytest.CaptureFixture[str]) -> None:
    show_dictionary("readiness_by_school")
    said = capsys.readouterr().out
    assert said.startswith("### readiness_by_school\n") and "### readiness_region" not in said
    show_dictionary("incidents")
    assert "| `level` | целое, ступени | Ступень |" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no mart is named 'readiness'"):
        show_dictionary("readiness")


def test_a_column_without_a_kind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It once ended the page there, without a word: what the search raised ended the loop over the marts."""
    lacking = {key: replace(line, kind="") if key[0] == "accepted" else line for key, line in columns.words().items()}
    monkeypatch.setattr(columns, "words", lambda: lacking)
    with pytest.raises(ValueError, match="of what kind accepted is"):
        dictionary()


def test_the_catalogue_names_every_mart_and_column(capsys: pytest.CaptureFixture[str]) -> None:
    show_dictionary(None, "json")
    told = json.loads(capsys.readouterr().out)["dataset"]
    assert {each["name"]: [column["name"] for column in each["columns"]] for each in told} == {
        mart.name: list(mart.captions) for mart in (*marts(), *views(), *live())
    }
    assert all(column["displayName"] for each in told for column in each["columns"])
    (unit,) = (each for each in told if each["name"] == "readiness_by_municipality")
    assert unit["relations"][1] == "mart.readiness_by_municipality_latest"
    assert unit["tableConstraints"] == [{"constraintType": "UNIQUE", "columns": ["region", "as_of", "reporting_unit"]}]
    assert unit["rates"][0] | {"population": ""} == {
        "name": "accepted_rate", "numerator": "accepted", "denominator": "schools", "population": "", "band": "band",
    }  # fmt: skip
    (schools,) = (column for column in unit["columns"] if column["name"] == "schools")
    assert (schools["displayName"], schools["dataType"], schools["unit"]) == ("Школ", "BIGINT", "школы")
    show_dictionary("incidents", "json")
    assert [each["name"] for each in json.loads(capsys.readouterr().out)["dataset"]] == ["incidents"]


def test_tables_of_csv_on_the_web(capsys: pytest.CaptureFixture[str]) -> None:
    show_dictionary("readiness_by_school", "csvw")
    told = json.loads(capsys.readouterr().out)
    (table,) = told["tables"]
    assert (told["@context"][0], table["url"]) == ("http://www.w3.org/ns/csvw", "readiness_by_school.csv")
    names = [column["name"] for column in table["tableSchema"]["columns"]]
    assert set(table["tableSchema"]["primaryKey"]) <= set(names)
    show_dictionary(None, "csvw")
    assert len(json.loads(capsys.readouterr().out)["tables"]) == len([*marts(), *views(), *live()])
    with pytest.raises(UsageError, match="format"):
        show_dictionary(None, "rdf")
