"""Rows of a reading and frames of them are two ways to hold the same."""

from __future__ import annotations

import polars as pl

from contracts.reading import CONTROL_TOTALS, FINDINGS, ControlTotal, Finding, findings_frame, findings_in

ONE = Finding("RDY-010", "error", "row", "Лист1", "B4", 4, "level", "5", "≤ 3", 2.0, "Поправьте.")
OTHER = Finding("COM-014", "refuse", "delivery", None, None, None, None, None, None, None, "Нет ни одной строки.")


def test_findings_come_back_from_a_frame_as_they_were() -> None:
    assert findings_in(findings_frame([ONE, OTHER])) == (ONE, OTHER)
    assert findings_in(findings_frame([])) == ()


def test_columns_of_a_frame_are_those_of_its_rows() -> None:
    assert (tuple(FINDINGS), tuple(CONTROL_TOTALS)) == (Finding._fields, ControlTotal._fields)
    numbers = {"row": pl.Int64(), "difference": pl.Float64()}
    assert {name: dtype for name, dtype in FINDINGS.items() if dtype != pl.String()} == numbers
    whole = findings_frame([ONE._replace(difference=-3)])
    assert dict(whole.schema) == FINDINGS and whole["difference"].to_list() == [-3.0]
