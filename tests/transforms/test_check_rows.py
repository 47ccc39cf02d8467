"""Cells with two meanings, notes about how a cell was read, and answers that their company makes clear."""

from __future__ import annotations

import polars as pl
from example import GOOD, REPORT, SCHOOLS, Cells, Sent, drained

from contracts.reading import Reading
from transforms.identity.identify import Context

THREE = SCHOOLS.with_columns(subordination=pl.lit("chainsky"))


def answers(*texts: str) -> Reading:
    """A report whose schools answer so whether the course is in their timetable."""
    first, *others = [
        {**REPORT, "school_code": code, "school_name": None, "rmg_in_timetable": text, "pupils_total": pupils}
        for code, text, pupils in zip(("700001", "700003", "700004"), texts, (120, 90, 90), strict=False)
    ]
    return Sent("readiness_report", first, more=others, register=THREE).read()


def found(reading: Reading) -> list[tuple[str, str, str, str]]:
    errors = reading.findings.filter(pl.col("severity") == "error")
    return errors.select("rule", "cell", "value", "expected").rows()


def test_a_dash_beside_a_plus_is_a_no() -> None:
    assert found(answers("+", "–", "+")) == [("RDY-015", "Q4", "–", "да")]


def test_a_dash_alone_is_a_doubt() -> None:
    assert found(answers("да", "-", "да")) == [("COM-044", "Q4", "-", "нет или пустая ячейка")]


def test_a_plus_of_another_sender_clears_no_dash() -> None:
    plus, dash = (Sent("readiness_report", {"rmg_in_timetable": text}) for text in ("+", "-"))
    for order in ((plus, dash), (dash, plus)):
        rules = {sent.cells["rmg_in_timetable"]: read for sent, read in zip(order, together(*order), strict=True)}
        assert rules == {"+": [], "-": ["COM-044"]}


def together(*sent: Sent) -> list[list[str]]:
    """Rules of severity error that deliveries read in one batch break."""
    readings = drained([each.delivery() for each in sent], Context(register=SCHOOLS, secret=b"test"))
    return [each.findings.filter(pl.col("severity") == "error")["rule"].to_list() for each in readings]


def test_a_doubt_says_both_meanings_and_breaks_no_other_rule() -> None:
    reading = Sent("readiness_report", {"pupils_total": "1.120", "grades": "6–9, 11"}).read()
    assert found(reading) == [
        ("COM-044", "D3", "6–9, 11", "6–11 или 6–9, 11"),
        ("COM-044", "V3", "1.120", "1120 или 1,12"),
    ]
    (said,) = reading.findings.filter(pl.col("cell") == "V3")["message"].to_list()
    assert "Указано: «1.120». Можно прочитать как: 1120 или 1,12." in said


def test_a_note_silences_no_rule() -> None:
    reading = Sent("readiness_report", {"navigators_trained": "3 *"}).read()
    told = reading.findings.select("rule", "severity", "expected").rows()
    assert told == [("COM-045", "note", "3"), ("RDY-011", "error", "≤ 2")]
    assert "Прочитано как: 3." in reading.findings["message"][0]


def test_a_formula_without_a_result_is_told_in_every_column() -> None:
    for name in REPORT:
        cells: Cells = {**({"school_code": None} if name == "school_name" else {}), name: "#FORMULA!"}
        rules = Sent("readiness_report", cells).read().findings["rule"].to_list()
        assert "COM-043" in rules, name
        assert "COM-039" not in rules, name


def test_a_column_that_is_not_there_is_warned_of_once_a_table() -> None:
    def told(*without: str) -> list[tuple[str | None, ...]]:
        more = [{**GOOD["parent_meetings"][0], "held_on": f"0{day}.09.2023"} for day in (4, 5)]
        reading = Sent("parent_meetings", {"link": None}, more=[{**row, "link": None} for row in more], without=without)
        return reading.read().findings.filter(rule="PM-004").select("sheet", "cell", "row_key", "expected").rows()

    assert told("link") == [("Лист1", None, None, "столбец «Ссылка на материалы»")]
    assert [cell for _, cell, *_ in told()] == ["H3", "H4", "H5"]
