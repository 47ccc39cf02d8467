import csv
import io
from typing import Any

from documents.findings_csv import HEADINGS, findings_csv


def finding(**changed: Any) -> dict[str, Any]:
    return {
        "rule": "RDY-011", "severity": "error", "scope": "row", "sheet": "Лист1", "cell": "P14", "row": 14,
        "column": "navigators_trained", "value": "5", "expected": "≤ 3", "difference": 2.5, "message": "Сообщение.",
    } | changed  # fmt: skip


def rows(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_headings_and_titles_are_russian() -> None:
    first, second = rows(findings_csv([finding()], "readiness_report"))
    assert first == list(HEADINGS)
    assert second == ["Сообщение.", "строка не принята", "Лист1", "P14", "Из них обучено", "5", "≤ 3", "2,5", "RDY-011"]


def test_a_formula_in_a_value_is_defused() -> None:
    values = ["=cmd|'/c calc'!A1", "+7 913", "-2+3", "@SUM(A1)", "\t=1", "-5", "+3,5", "обычный текст"]
    told = [row[5] for row in rows(findings_csv([finding(value=value) for value in values], None))[1:]]
    assert told == ["'=cmd|'/c calc'!A1", "'+7 913", "'-2+3", "'@SUM(A1)", "'\t=1", "-5", "+3,5", "обычный текст"]


def test_what_has_no_place_stays_blank() -> None:
    (row,) = rows(
        findings_csv([finding(sheet=None, cell=None, row=None, column=None, value=None, difference=None)], None)
    )[1:]
    assert row == ["Сообщение.", "строка не принята", "", "", "", "", "≤ 3", "", "RDY-011"]
    (row,) = rows(findings_csv([finding(cell=None)], "no_such_form"))[1:]
    assert row[3:5] == ["строка 14", "navigators_trained"]


def test_the_same_findings_give_the_same_bytes() -> None:
    assert findings_csv([finding()], "readiness_report") == findings_csv([finding()], "readiness_report")
