"""Findings as a CSV that Excel opens: what is wrong in a delivery, where, and what was expected."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from contracts.forms import FORMS

HEADINGS = (
    "Что не так", "Важность", "Лист", "Ячейка", "Столбец", "Значение", "Ожидалось", "Разница", "Правило",
)  # fmt: skip
SEVERITIES = {"refuse": "файл не принят", "error": "строка не принята", "warning": "проверьте", "note": "к сведению"}
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def findings_csv(findings: Iterable[Mapping[str, Any]], form: str | None) -> bytes:
    """UTF-8 with a byte order mark and `;`, in the order of the findings; the same findings give the same bytes."""
    titles = column_titles(form)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for found in findings:
        column = found["column"]
        cell = found["cell"] or (found["row"] and f"строка {found['row']}")
        writer.writerow(
            defused(value)
            for value in (
                found["message"],
                SEVERITIES.get(found["severity"], found["severity"]),
                found["sheet"],
                cell,
                titles.get(column, column),
                found["value"],
                found["expected"],
                number(found["difference"]),
                found["rule"],
            )
        )
    return text.getvalue().encode("utf-8-sig")


def column_titles(form: str | None) -> dict[str, str]:
    """Name of a column → its title, in any edition of a form."""
    return {
        column.name: column.title
        for known in FORMS
        if known.name == form
        for edition in known.editions
        for column in edition.columns
    }


def defused(value: object) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text) else text


def number(value: float | None) -> str | None:
    """A number as Russian tables write it: a decimal comma, no needless zeros."""
    return None if value is None else f"{value:.10g}".replace(".", ",")
