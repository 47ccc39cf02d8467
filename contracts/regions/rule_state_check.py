"""What is wrong with the states of rules in a pack, in words for whoever edits them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.regions.pack_table import Line, fault

STATES = ("aside", "error", "warning", "note")
LAST_DAY = "9999-12-31"


@dataclass(frozen=True)
class Changeable:
    """What a region may make of a rule: its possible `states`; where there are none, `why_fixed` says why. `severity`
    is the usual one, `form` the form of which it is; None for a rule that all forms share."""

    states: Collection[str]
    why_fixed: str
    severity: str
    form: str | None


def rule_state_faults(
    path: Path,
    lines: Sequence[tuple[int, Line]],
    campaigns: Mapping[str, str],
    rules: Mapping[str, Changeable],
) -> Iterator[str]:
    """What is wrong with lines whose cells are right one by one, a sentence each.

    `campaigns` are those of the pack with their forms.
    """
    for number, line in lines:
        rule, form, campaign, state = (line[name] for name in ("rule", "form", "campaign", "state"))
        known = rules[rule]
        if state == known.severity:
            yield fault(path, number, f"{rule} и без этой строки {state}", "другое состояние, или без строки")
        elif not known.states:
            yield fault(path, number, f"{rule} изменить нельзя: {known.why_fixed}", "другое правило")
        elif state not in known.states:
            found = f"{rule} не может стать {state}: {known.why_fixed}"
            yield fault(path, number, found, ", ".join(each for each in known.states if each != known.severity))
        if form and known.form not in (None, form):
            yield fault(
                path, number, f"{rule} — правило формы {known.form}, а названа {form}", f"{known.form} или пусто"
            )
        if campaign and campaign not in campaigns:
            yield fault(path, number, f"кампании «{campaign}» нет", f"одна из {', '.join(campaigns)}")
        elif campaign and (of_rule := form or known.form) not in (None, campaigns[campaign]):
            found = f"кампания «{campaign}» — формы {campaigns[campaign]}, а {rule} здесь о форме {of_rule}"
            yield fault(path, number, found, "дни valid_from и valid_to вместо кампании")
        if not campaign and not line["valid_from"]:
            yield fault(path, number, f"не сказано, когда {rule} {state}", "кампания или первый день valid_from")
        if line["valid_to"] and line["valid_to"] < line["valid_from"]:
            found = f"{rule} {state} с {line['valid_from']} по {line['valid_to']}"
            yield fault(path, number, found, "конец не раньше начала")
    yield from _overlaps(path, lines)


def _overlaps(path: Path, lines: Sequence[tuple[int, Line]]) -> Iterator[str]:
    """Lines that speak of the same rule, form and campaign on the same days."""
    before: dict[tuple[str, ...], list[tuple[int, Line]]] = {}
    for number, line in lines:
        same = before.setdefault((line["rule"], line["form"], line["campaign"]), [])
        for other, each in same:
            if each["valid_from"] <= (line["valid_to"] or LAST_DAY) and line["valid_from"] <= (
                each["valid_to"] or LAST_DAY
            ):
                found = f"о {line['rule']} на те же дни уже сказано в строке {other}"
                yield fault(path, number, found, "одна строка на каждый день")
        same.append((number, line))
