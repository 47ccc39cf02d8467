"""Findings as a receipt tells them: gathered by rule and column, each place with whose it is and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.form import SEVERITIES, Column
from contracts.forms import FORMS, RULES
from contracts.forms.offered import offered_words
from contracts.reading import Finding
from contracts.rules import READ_AS
from contracts.texts import word_of

WANTED = ("Ожидается", "Прочитано как")
"""How a message begins to say what was expected."""


@dataclass(frozen=True)
class Sentences:
    """The sentences of a finding's message: whose row it is, what is wrong, how to mend it."""

    subject: str | None
    what: str
    mend: str | None


@dataclass(frozen=True)
class Group:
    """Findings of one rule in one column; those about a table or a whole file have places only where they name one."""

    rule: str
    severity: str
    what: str
    mend: str | None
    column: str | None
    allowed: str | None
    places: tuple[tuple[Finding, Sentences], ...]

    @property
    def expected_heading(self) -> str:
        """The heading over what was expected."""
        return WANTED[self.rule in READ_AS]


def groups(findings: Iterable[Finding], form: str | None, edition: str | None) -> list[Group]:
    """The findings gathered, the worst first, otherwise as they come in the file."""
    gathered: dict[tuple[str, str | None, str], list[tuple[Finding, Sentences]]] = {}
    for finding in findings:
        sentences = sentences_of(finding)
        gathered.setdefault((finding.rule, finding.column, sentences.what), []).append((finding, sentences))
    columns = columns_of(form, edition)
    all_groups = []
    for (rule, name, what), places in gathered.items():
        column = columns.get(name or "")
        all_groups.append(
            Group(
                rule, places[0][0].severity, what, places[0][1].mend,
                column.title if column else name,
                ", ".join(offered_words(column)) or None if column else None,
                tuple(places),
            )
        )  # fmt: skip
    return sorted(all_groups, key=lambda group: SEVERITIES.index(group.severity))


def sentences_of(finding: Finding) -> Sentences:
    """A message taken apart again; one that was written with other words stays whole."""
    rule = RULES.get(finding.rule)
    message = finding.message
    if rule is None or not message.endswith(f" {rule.mend}"):
        return Sentences(None, message, None)
    message = message.removesuffix(f" {rule.mend}")
    stated = f" Указано: «{finding.value}»." if finding.value is not None else ""
    expected = [f" {word}: {finding.expected}." for word in WANTED] if finding.expected is not None else []
    tail = next((tail for end in (*expected, "") for tail in (stated + end, end) if message.endswith(tail)), "")
    message = message.removesuffix(tail)
    subject, between, rest = message.rpartition(f": {rule.what}")
    return Sentences(subject, rule.what, rule.mend) if between and not rest else Sentences(None, message, rule.mend)


def columns_of(form: str | None, edition: str | None) -> dict[str, Column]:
    """Name of a column → the column, of an edition; of all editions when it is not known."""
    return {
        column.name: column
        for agreed in FORMS
        if agreed.name == form
        for edition_of_form in sorted(agreed.editions, key=lambda edition_of_form: edition_of_form.name == edition)
        for column in edition_of_form.columns
    }


def column_titles(form: str | None) -> dict[str, str]:
    """Name of a column → its title, in any edition of a form."""
    return {name: column.title for name, column in columns_of(form, None).items()}


def figure_title(form: str | None, metric: str) -> str:
    """What a form calls a figure that it states or that is reckoned beside it."""
    column = columns_of(form, None).get(metric)
    return column.title if column else word_of("metric", metric)


def number(value: float | None) -> str | None:
    """A number as Russian tables write it: a decimal comma, no needless zeros."""
    return None if value is None else f"{value:.10g}".replace(".", ",")
