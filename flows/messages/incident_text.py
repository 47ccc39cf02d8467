"""What an incident says: its title, its figures, how to mend it. Counts and names of schools, never a cell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from contracts.forms import FORMS, RULES
from contracts.regions import zone_of
from contracts.texts import form_topic, incident_texts, phrases, rule_text, words_of_column
from contracts.texts.figures import percent, whole
from contracts.vocabulary import rows
from documents.receipts.findings import column_titles
from warehouse.incidents.observe import Details, IncidentEvent
from warehouse.marts.definitions import marts
from warehouse.marts.published import column_captions

MOST_RULES = 5
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
RATES = ("rate", "_rate", "rate_before")
BEFORE = {"counted": "actual_pupils", "planned": "plan_pupils"}
ENGLISH_WHOLE = "{:,}"


@dataclass(frozen=True)
class EventText:
    """An event in words: one line that says what it is, lines of figures, and how to mend it (nothing when closed)."""

    title: str
    lines: tuple[str, ...]
    mend: str


def event_text(event: IncidentEvent) -> EventText:
    """An event in Russian, for engineers in English; times of the sender's region."""
    zone = zone_of(event.region)
    is_own = event.incident_class == "own"
    text = incident_texts()[event.condition]
    words = phrases("en" if is_own else "ru")
    none = words["incident.none"]
    details = {name: _shown(name, value, zone, is_own=is_own) or none for name, value in event.details.items()}
    topic = event.details.get("figure") or form_topic(event.form or "")
    figures = _Figures(details, form=_form_title(event), topic=topic, subject=event.subject)
    if event.condition == "failed_validation":
        figures |= {"verdict": words[f"incident.{event.details['verdict']}"], "rule_class": _rule_class(event.subject)}
    if event.condition == "left_out":
        rule = rule_text(event.subject)
        figures |= {"reason": rule.what_en, "remedy": rule.mend_en}
    title = text.title.format_map(figures)
    openings = event.kind == "opened" and event.details.get("again")
    frame = words["incident.again" if openings else f"incident.{event.kind}"]
    if frame != "{title}":
        title = title[0].lower() + title[1:]
    title = frame.format(title=title, times=openings, level=event.level)
    opened = f"{event.opened_at.astimezone(zone):%d.%m.%Y %H:%M}"
    if event.kind == "closed":
        return EventText(title, (words["incident.since"].format(opened=opened), *_changed_inputs(event, words)), "")
    lines = [text.text.format_map(figures).strip()] if text.text else []
    lines += _broken(event.details) if event.condition == "failed_validation" else []
    lines += _compared(event)
    lines += _changed_inputs(event, words)
    if event.kind in ("reminded", "escalated"):
        lines.append(words["incident.still"].format(opened=opened))
    return EventText(title, tuple(line for line in lines if line), text.mend.format_map(figures))


def _changed_inputs(event: IncidentEvent, words: Mapping[str, str]) -> list[str]:
    """Which thresholds or lists have changed since the last look: the incident may have come or gone by that alone."""
    changed = event.details.get("because")
    return [words["incident.because"].format(changed=changed)] if changed else []


class _Figures(dict[str, str]):
    """The figures of a text; one that a condition does not give is left empty, or is as events of before called it."""

    def __missing__(self, name: str) -> str:
        return self.get(BEFORE.get(name, ""), "")


def _shown(name: str, value: Any, zone: ZoneInfo, *, is_own: bool) -> str:
    """A figure as people write it: days, moments in `zone`, rates as percents, whole numbers with their thousands."""
    if value is None:
        return ""
    if isinstance(value, str):
        if MOMENT.fullmatch(value):
            return f"{dt.datetime.fromisoformat(value).astimezone(zone):%d.%m.%Y %H:%M}"
        return f"{dt.date.fromisoformat(value):%d.%m.%Y}" if DAY.fullmatch(value) else value
    if isinstance(value, int | float):
        if name.endswith(RATES):
            return percent(value)
        if value != int(value):
            return f"{value:g}" if is_own else f"{value:g}".replace(".", ",")
        return ENGLISH_WHOLE.format(int(value)) if is_own else whole(value)
    return ""


def _form_title(event: IncidentEvent) -> str:
    if event.form is None:
        return phrases()["incident.form.unknown"]
    return event.form_title or event.form


def _rule_class(name: str) -> str:
    return next(row["name"] for row in rows("rule_classes") if row["rule_class"] == name)


def _broken(details: Details) -> list[str]:
    """The rules that were broken, the most frequent first, each with how often; then whose rows they are."""
    words = phrases()
    rules = sorted(details["rules"].items(), key=lambda rule_and_count: (-rule_and_count[1], rule_and_count[0]))
    lines = [
        words["incident.rule"].format(what=RULES[rule].what.rstrip("."), count=whole(many))
        for rule, many in rules[:MOST_RULES]
        if rule in RULES
    ]
    if len(rules) > MOST_RULES:
        lines.append(words["incident.rules.more"].format(count=len(rules) - MOST_RULES))
    if names := details.get("schools"):
        more = details["schools_count"] - len(names)
        lines.append(
            words["incident.schools.more" if more else "incident.schools"].format(names=", ".join(names), count=more)
        )
    if file := details.get("file"):
        ending = details.get("ending")
        lines.append(words["incident.file"].format(file=file, ending=f" ({ending})" if ending else ""))
    return lines


def _compared(event: IncidentEvent) -> list[str]:
    """Stated totals that differ, or totals that moved: the column's title and by how much."""
    words = phrases()
    titles = {each.column: column_captions(mart.name)[each.column] for mart in marts() for each in mart.stated.figures
              if each.kind == "measure"}  # fmt: skip
    titles |= words_of_column("metric")
    titles |= {name: title for form in FORMS for name, title in column_titles(form.name).items()}
    titles |= column_titles(event.form) if event.form else {}
    titles |= {name: words[f"incident.metric.{name}"] for name in ("schools", "accepted", "rejected", "missing")}
    lines = [
        words["incident.difference"].format(
            what=": ".join(name for name in (stated["unit"], titles.get(stated["metric"], stated["metric"])) if name),
            difference=signed(stated["difference"], is_rate=stated["metric"].endswith("_rate")),
        )
        for stated in event.details.get("differences") or ()
    ]
    return lines + [
        words["incident.moved"].format(
            what=titles.get(total["metric"], total["metric"]), was=whole(total["was"]), became=whole(total["became"])
        )
        for total in event.details.get("totals") or ()
    ]


def signed(number: float | None, *, is_rate: bool) -> str:
    """A difference with its sign; one of rates in percentage points."""
    if number is None:
        return "—"
    sign = "−" if number < 0 else "+"
    return sign + (
        f"{100 * abs(number):.2f} процентного пункта".replace(".", ",", 1) if is_rate else whole(abs(number))
    )
