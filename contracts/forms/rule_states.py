"""What a region says of a rule for a campaign or for some days: it is put aside, or judges more or less severely.

Lines of `rule_states.csv` of a pack; which of them speak of a document follows from its own form, campaign and date.
Where several do, the one that names the form comes before the one that does not, then the one that names the campaign.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl

from contracts.form import Rule, Scope, Severity
from contracts.forms import FORMS, RULES
from contracts.reading import Finding
from contracts.regions import code_at, kept, region_named, regions
from contracts.regions.pack_table import TABLES
from contracts.regions.rule_state_check import Changeable
from contracts.rules import (
    HOLDS,
    NOT_IN_OPEN_LIST,
    OUT_OF_RANGE,
    READ_AS,
    RULE_STATE,
    SPOILT_TEXT,
    TOO_MUCH_SET_ASIDE,
    WRONG_SIZE,
)
from contracts.texts import in_words, phrases
from contracts.vocabulary import rows_in

ASIDE = "aside"
LOADS_ALL_THE_SAME = frozenset({OUT_OF_RANGE.id, WRONG_SIZE.id, TOO_MUCH_SET_ASIDE.id})
"""Rules of the mechanism that set aside or refuse what could be loaded."""
OF_A_ROW = frozenset({NOT_IN_OPEN_LIST.id, SPOILT_TEXT.id})
"""Warnings of the mechanism by which a row can be set aside."""


@dataclass(frozen=True)
class RuleState:
    """A line of the table; what is empty there is not narrowed by it. `state` is `aside` or a severity."""

    region: str
    rule: str
    form: str
    campaign: str
    valid_from: str
    valid_to: str
    state: str
    reason: str
    decided_by: str

    @classmethod
    def of_line(cls, region: str, line: Mapping[str, str]) -> RuleState:
        """A line of a region's table."""
        return cls(region, **{name: line.get(name) or "" for name in TABLES["rule_states"]})

    def speaks_of(self, form: str, campaign: str | None, as_of: dt.date) -> bool:
        """Does it speak of a document of a form, a campaign and a date?"""
        day = as_of.isoformat()
        return (
            self.form in ("", form)
            and self.campaign in ("", campaign)
            and self.valid_from <= day <= (self.valid_to or day)
        )


States = Mapping[str, RuleState]
"""Rule → what is said of it."""


@kept
def _lines(region: str) -> tuple[RuleState, ...]:
    """The lines of a region, the ones that come before others last."""
    said = region_named(region).lines("rule_states")
    lines = [RuleState.of_line(region, line) for line in said]
    return tuple(sorted(lines, key=lambda line: (line.form != "", line.campaign != "")))


def lines_about(region: str, rules: Collection[str]) -> list[dict[str, str]]:
    """The lines of a region's table that are about some rules, as the warehouse reads them; none of a region that is
    not in force."""
    pack = next((each for each in regions() if each.code == region), None)
    lines = pack.lines("rule_states") if pack else ()
    return [{name: line[name] for name in TABLES["rule_states"]} for line in lines if line["rule"] in rules]


def states_of(form: str | None, sender: str | None, as_of: dt.date | None, campaign: str | None) -> States:
    """What is said of rules for a document; nothing for one of which form, date or region are not known."""
    region = code_at(sender)
    if form is None or as_of is None or region is None:
        return {}
    return {line.rule: line for line in _lines(region) if line.speaks_of(form, campaign, as_of)}


def under(findings: Iterable[Finding], states: States) -> tuple[list[Finding], Counter[str]]:
    """Findings of one document without those put aside, the others with their severities; and how often each rule that
    something is said of would have spoken."""
    kept_findings, spoke = [], Counter[str]()
    for finding in findings:
        state = states.get(finding.rule)
        if state is None:
            kept_findings.append(finding)
            continue
        spoke[finding.rule] += 1
        if state.state != ASIDE:
            kept_findings.append(finding._replace(severity=cast(Severity, state.state)))
    return kept_findings, spoke


def rows_under(findings: pl.DataFrame, states: Sequence[States]) -> tuple[pl.DataFrame, list[Counter[str]]]:
    """The same of a frame with the column `delivery`, the place of its states."""
    spoke = [Counter[str]() for _ in states]
    lines = [(number, line.rule, line.state) for number, of_one in enumerate(states) for line in of_one.values()]
    if not lines or findings.is_empty():
        return findings, spoke
    schema = {"delivery": pl.Int32, "rule": pl.String, "state": pl.String}
    said = pl.DataFrame(lines, schema=schema, orient="row")
    joined = findings.join(said, on=["delivery", "rule"], how="left", maintain_order="left")
    there = joined.filter(pl.col("state").is_not_null()).group_by("delivery", "rule").len()
    for number, rule, count in there.iter_rows():
        spoke[number][rule] = count
    others = joined.filter(pl.col("state").ne_missing(ASIDE))
    return others.with_columns(pl.coalesce("state", "severity").alias("severity")).drop("state"), spoke


def notes(states: States, spoke: Mapping[str, int], scope: Scope = "delivery") -> list[Finding]:
    """A note for each rule that would have spoken otherwise: what is said of it, why, and at how many places."""
    return [_note(states[rule], spoke[rule], scope) for rule in sorted(spoke) if spoke[rule]]


def settled(findings: Iterable[Finding], states: States, scope: Scope = "delivery") -> list[Finding]:
    """Findings of one document as they are told: `under`, and the notes."""
    kept_findings, spoke = under(findings, states)
    return [*kept_findings, *notes(states, spoke, scope)]


def _note(line: RuleState, places: int, scope: Scope) -> Finding:
    rule = RULES[line.rule]
    word = in_words("severity").get(line.state, "")
    sentence = phrases()[f"rule_state.{'aside' if line.state == ASIDE else 'changed'}"].format(
        rule=rule.id, span=span(line), reason=reason(line), word=word, what=rule.what, places=places
    )
    return Finding(
        RULE_STATE.id, RULE_STATE.severity, scope, None, None, None, None, rule.id, None, None,
        message=f"{sentence} {RULE_STATE.mend}",
    )  # fmt: skip


def span(line: RuleState) -> str:
    """For which campaign, from when and until when, in Russian."""
    titles = {row["campaign"]: row["title"] for row in rows_in("campaigns", line.region)}
    parts = []
    if line.campaign:
        title = titles.get(line.campaign, line.campaign)
        parts.append(phrases()["rule_state.campaign"].format(title=title))
    for code, day in (("from", line.valid_from), ("to", line.valid_to)):
        if day:
            parts.append(phrases()[f"rule_state.{code}"].format(day=f"{dt.date.fromisoformat(day):%d.%m.%Y}"))
    return " ".join(parts)


def reason(line: RuleState) -> str:
    """Why, and who decided it, as the region wrote it."""
    why = line.reason.strip().rstrip(".")
    return f"{why} ({line.decided_by.strip()})" if line.decided_by.strip() else why


def changeable() -> dict[str, Changeable]:
    """Every rule → what a region may make of it."""
    owner = {rule.id: form for form in FORMS for rule in form.rules}
    return {
        rule.id: Changeable(
            _possible(rule), _why_fixed(rule), rule.severity, owner[rule.id].name if rule.id in owner else None
        )
        for rule in RULES.values()
    }


def _possible(rule: Rule) -> tuple[str, ...]:
    """The states that a rule may have."""
    lesser = (ASIDE, "warning", "note")
    if rule.id in LOADS_ALL_THE_SAME:
        return lesser
    if rule.id in HOLDS or rule.id == RULE_STATE.id or rule.severity == "refuse":
        return ()
    if rule.id in READ_AS:
        return ("warning", "note")
    if rule.check is not None or rule.id in OF_A_ROW:
        return (ASIDE, "error", "warning", "note")
    return () if rule.severity == "error" else lesser


def _why_fixed(rule: Rule) -> str:
    """Why a rule has no other states."""
    if rule.severity == "refuse":
        return "это правило не принимает файл целиком: без него неизвестно, что в файле"
    if rule.id in HOLDS:
        return "по этому правилу файл ждёт решения сотрудника, он и решает: profmin deliveries"
    if rule.severity == "error" and rule.check is None:
        return "без него в строке нет значения, которое можно загрузить"
    if rule.id in READ_AS:
        return "оно говорит, как прочитана ячейка, и умолчать об этом нельзя"
    return "оно говорит не о строке, отложить по нему нечего"
