"""Rules that compare a reading with what we were told before. The warehouse alone can judge them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from contracts.form import Form, Rule
from contracts.forms import FORMS
from contracts.reading import Finding, Reading
from contracts.rules import SENT_AGAIN
from warehouse.schema.facts import fact_table

LARGEST_PUPIL_FALL = 0.05
ACCEPTED_BEFORE = """
SELECT reading_id, school_id FROM core.school_outcome_fact
WHERE reading_id = ANY (:readings) AND report_status = 'accepted'
"""
SCHOOL_NAMES = """
WITH asked AS MATERIALIZED (SELECT i.* FROM ref.school_identity i WHERE i.school_id = ANY (:schools)),
named AS (
    SELECT s.school_id, s.short_name FROM (SELECT DISTINCT a.region FROM asked a) g
    CROSS JOIN LATERAL ref.school_at(g.region, :day, 'infinity') s
)
SELECT a.school_id, coalesce(n.short_name || ' (' || a.school_code || ')', a.school_code)
FROM asked a
LEFT JOIN named n ON n.school_id = a.school_id
"""
PLAN_BEFORE = """
WITH unit AS MATERIALIZED (
    SELECT u.* FROM (SELECT DISTINCT r.region FROM ops.reading r WHERE r.reading_id = ANY (:readings)) g
    CROSS JOIN LATERAL ref.unit_at(g.region, :day) u
)
SELECT f.reading_id, f.reporting_unit, coalesce(u.name, f.reporting_unit), f.plan_pupils
FROM core.registration_plan_fact f
LEFT JOIN unit u ON u.reporting_unit = f.reporting_unit
WHERE f.reading_id = ANY (:readings)
ORDER BY u.position, f.reporting_unit
"""
SENT_BEFORE = """
SELECT DISTINCT ON (d.delivery_id) d.delivery_id, o.file_name AS other_file,
    to_char(ops.came_at(e) AT TIME ZONE ref.time_zone(w.sender), 'DD.MM.YYYY HH24:MI') AS first_at,
    to_char(ops.came_at(o) AT TIME ZONE ref.time_zone(w.sender), 'DD.MM.YYYY HH24:MI') AS other_at
FROM unnest(cast(:deliveries AS bigint[]), cast(:replaced AS bigint[])) AS n (delivery_id, replaced)
JOIN ops.delivery d ON d.delivery_id = n.delivery_id
JOIN ops.reading w ON w.reading_id = n.replaced
JOIN ops.delivery o ON o.delivery_id = w.delivery_id AND o.sha256 <> d.sha256
JOIN ops.delivery e ON e.sha256 = d.sha256 AND e.delivery_id <> d.delivery_id
    AND (e.counts_at, e.delivery_id) < (o.counts_at, o.delivery_id)
JOIN ops.reading r ON r.delivery_id = e.delivery_id AND r.slice = w.slice AND r.status IN ('current', 'superseded')
ORDER BY d.delivery_id, e.counts_at, e.delivery_id
"""
PUPILS_BEFORE = """
SELECT r.as_of, (SELECT coalesce(sum(f.{measure}), 0) FROM core.{table} f WHERE f.reading_id = r.reading_id)
FROM ops.reading r
WHERE r.status = 'current' AND r.verdict <> 'refused' AND r.form = :form AND r.sender = :sender AND r.as_of < :as_of
  AND ref.academic_year(r.as_of) = ref.academic_year(:as_of)
ORDER BY r.as_of DESC LIMIT 1
"""
PUPILS_OF = "SELECT coalesce(sum(f.{measure}), 0) FROM core.{table} f WHERE f.reading_id = :reading"


@dataclass(frozen=True)
class Standing:
    """The current reading of a slice, which a new one would replace.

    `counts_at` is the turn of its delivery, `sha256` its bytes, and `facts_digest` tells what it says.
    """

    reading_id: int
    delivery_id: int
    rows_loaded: int
    counts_at: dt.datetime
    as_of: dt.date
    sha256: str | None = None
    facts_digest: str | None = None
    is_accepted: bool = False
    """An officer accepted it although it bore less than what was before."""


Compared = tuple[Reading, Standing | None]


def compared(connection: Connection, pairs: Sequence[Compared]) -> list[list[Finding]]:
    """The history findings of each reading against the reading that it replaces (None when there was none)."""
    history: list[list[Finding]] = [[] for _ in pairs]
    forms = {form.name: form for form in FORMS}
    for rule_id, judge in JUDGES.items():
        asked = [
            (place, *pair)
            for place, pair in enumerate(pairs)
            if pair[0].form in forms and rule_id in {rule.id for rule in forms[pair[0].form].rules}
        ]
        if not asked:
            continue
        form = forms[asked[0][1].form or ""]
        rule = next(rule for rule in form.rules if rule.id == rule_id)
        judged = judge(connection, form, rule, [(reading, before) for _, reading, before in asked])
        for (place, *_), findings in zip(asked, judged, strict=True):
            history[place] += findings
    return history


def fell_from_accepted(
    connection: Connection, form: Form, rule: Rule, pairs: Sequence[Compared]
) -> list[list[Finding]]:
    """RDY-030: a school whose report was accepted before and is not in the new file, or not as accepted."""
    readings = [before.reading_id for _, before in pairs if before]
    if not readings:
        return [[] for _ in pairs]
    accepted: dict[int, list[int]] = {}
    for reading_id, school_id in connection.execute(text(ACCEPTED_BEFORE), {"readings": readings}):
        accepted.setdefault(reading_id, []).append(school_id)
    fallen: list[list[tuple[int, str]]] = []
    for reading, before in pairs:
        outcomes = reading.school_outcomes
        now = dict(zip(outcomes["school_id"].to_list(), outcomes["report_status"].to_list(), strict=True))
        schools = accepted.get(before.reading_id, []) if before else []
        fallen.append([(school, now.get(school, "missing")) for school in schools if now.get(school) != "accepted"])
    schools = [school for of_reading in fallen for school, _ in of_reading]
    if not schools:
        return [[] for _ in pairs]
    day = max(reading.as_of for reading, _ in pairs if reading.as_of)
    names = dict(connection.execute(text(SCHOOL_NAMES), {"day": day, "schools": schools}).tuples().all())
    how = {"rejected": "теперь в её строке ошибки", "missing": "теперь её строки нет"}
    return [
        [
            finding(rule, f"{names[school]}: {how[status]}.", value=names[school], expected="отчёт принят")
            for school, status in sorted(of_reading, key=lambda one: names[one[0]])
        ]
        for of_reading in fallen
    ]


def plan_changed(connection: Connection, form: Form, rule: Rule, pairs: Sequence[Compared]) -> list[list[Finding]]:
    """PLN-004: the plan of a unit is another one than before, or gone."""
    readings = [before.reading_id for _, before in pairs if before]
    if not readings:
        return [[] for _ in pairs]
    day = max(reading.as_of for reading, _ in pairs if reading.as_of)
    plans: dict[int, list[tuple[str, str, int]]] = {}
    for reading_id, *plan in connection.execute(text(PLAN_BEFORE), {"readings": readings, "day": day}):
        plans.setdefault(reading_id, []).append((plan[0], plan[1], plan[2]))
    changes = []
    for reading, before in pairs:
        facts = reading.facts
        now = dict(zip(facts["reporting_unit"].to_list(), facts["plan_pupils"].to_list(), strict=True))
        changes.append(
            [
                finding(
                    rule,
                    f"{name}: было {old}, стало {now.get(unit, '—')}.",
                    column="plan_pupils",
                    value=None if unit not in now else str(now[unit]),
                    expected=str(old),
                    difference=None if unit not in now else float(now[unit] - old),
                )
                for unit, name, old in (plans.get(before.reading_id, []) if before else [])
                if now.get(unit) != old
            ]
        )
    return changes


def pupils_fell(connection: Connection, form: Form, rule: Rule, pairs: Sequence[Compared]) -> list[list[Finding]]:
    """REX-006: many fewer registered pupils than on the previous as-of date of the same academic year.

    A fall for which the reading is held is told by COM-020. One that the standing export of the same date had too was
    told of that one.
    """
    if form.pupils is None:
        return [[] for _ in pairs]
    measure = next(iter(form.pupils.measures))
    statement = PUPILS_BEFORE.format(measure=measure, table=fact_table(form))
    falls: list[list[Finding]] = []
    same_date = text(PUPILS_OF.format(measure=measure, table=fact_table(form)))
    for reading, standing in pairs:
        asked = {"form": form.name, "sender": reading.sender, "as_of": reading.as_of}
        before = connection.execute(text(statement), asked).one_or_none()
        now = int(reading.facts[measure].sum() or 0)
        falls.append([])
        if before is None or before[1] - now <= LARGEST_PUPIL_FALL * float(before[1]):
            continue
        if before[1] - now > form.largest_fall * float(before[1]) + 1e-9:
            continue
        if standing and int(connection.scalar(same_date, {"reading": standing.reading_id}) or 0) <= now:
            continue
        day, old = f"{before[0]:%d.%m.%Y}", int(before[1])
        falls[-1].append(
            finding(
                rule,
                f"На {day} было {old}, стало {now}.",
                value=str(now),
                expected=f"не меньше {math.ceil(old * (1 - LARGEST_PUPIL_FALL))}",
                difference=float(now - old),
            )
        )
    return falls


def sent_again(connection: Connection, pairs: Sequence[tuple[int, Standing]]) -> dict[int, Finding]:
    """COM-077 for deliveries whose bytes held before that what they replace came: delivery → finding."""
    asked = {
        "deliveries": [delivery_id for delivery_id, _ in pairs],
        "replaced": [before.reading_id for _, before in pairs],
    }
    return {
        row["delivery_id"]: finding(
            SENT_AGAIN,
            f"Впервые он пришёл {row['first_at']}, потом действовал файл «{row['other_file']}» от {row['other_at']}.",
            value=row["first_at"],
            expected=f"«{row['other_file']}» от {row['other_at']}",
        )
        for row in connection.execute(text(SENT_BEFORE), asked).mappings()
    }


JUDGES: dict[str, Callable[[Connection, Form, Rule, Sequence[Compared]], list[list[Finding]]]] = {
    "RDY-030": fell_from_accepted,
    "PLN-004": plan_changed,
    "REX-006": pupils_fell,
}


def finding(
    rule: Rule,
    case: str,
    *,
    value: str | None = None,
    expected: str | None = None,
    difference: float | None = None,
    column: str | None = None,
) -> Finding:
    """A finding of a whole delivery: what the rule says, the case at hand, how to mend it."""
    return Finding(
        rule.id, rule.severity, rule.scope, None, None, None, column, value, expected, difference,
        message=f"{rule.what} {case} {rule.mend}",
    )  # fmt: skip
