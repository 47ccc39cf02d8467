"""The catalogue of texts, Russian and English: words of the rules and of incidents, and phrases of what people read.

Tables that a non-programmer can review; whoever adds a rule or a phrase adds its line here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent
Language = Literal["ru", "en"]


@dataclass(frozen=True)
class RuleText:
    """What a rule is, when it matters, how to mend: for senders in Russian, for engineers in English."""

    what: str
    when: str
    mend: str
    what_en: str
    when_en: str
    mend_en: str


@cache
def rule_texts() -> dict[str, RuleText]:
    """Rule id → its words. Raises ValueError when a rule stands there twice."""
    return {rule: RuleText(**row) for rule, row in _lines("rules", "rule").items()}


def rule_text(rule: str) -> RuleText:
    """The words of a rule. Raises LookupError for a rule without a line in the catalogue."""
    words = rule_texts().get(rule)
    if words is None:
        raise LookupError(f"rule {rule} has no line in contracts/texts/rules.csv")
    return words


@dataclass(frozen=True)
class IncidentText:
    """What a condition is called, whom it concerns, which events of its incidents are told, and in which words.

    `{name}` stands for what the details of an incident say. Russian; English where only engineers read it.
    """

    incident_class: Literal["data", "lateness", "own"]
    audiences: tuple[str, ...]
    tells: tuple[str, ...]
    name: str
    title: str
    text: str
    mend: str


@cache
def incident_texts() -> dict[str, IncidentText]:
    """Condition → its words and whom it concerns."""
    return {
        condition: IncidentText(
            row["class"],  # type: ignore[arg-type]  # the database knows no other
            tuple(row["audiences"].split(";")),
            tuple(row["tells"].split(";")),
            *(row[name] for name in ("name", "title", "text", "mend")),
        )
        for condition, row in _lines("incidents", "condition").items()
    }


@cache
def phrases(language: Language = "ru") -> dict[str, str]:
    """Code of a phrase → the phrase; `{name}` stands for what `str.format` puts there."""
    return {phrase: row[language] for phrase, row in _lines("phrases", "phrase").items()}


@cache
def in_words(kind: str) -> dict[str, str]:
    """Code → Russian word, in their order, of one kind of code that people see: `verdict`, `severity`, `band`,
    `control_verdict`, `incident_class`, `incident_event`, `message_outcome`, `run_kind`."""
    with (FOLDER / "words.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["word"] for row in csv.DictReader(file) if row["kind"] == kind}


@cache
def shown_words() -> frozenset[str]:
    """Words that nobody is called by: a heading or the name of a sheet made of them may be shown although the form has
    pupils."""
    return frozenset(_lines("shown_words", "word"))


def _lines(name: str, code: str) -> dict[str, dict[str, str]]:
    lines: dict[str, dict[str, str]] = {}
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row[code] in lines:
                raise ValueError(f"{row[code]} stands twice in contracts/texts/{name}.csv")
            lines[row.pop(code)] = row
    return lines
