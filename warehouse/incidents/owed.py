"""What senders still owe around a deadline, told school by school; and whether a reminder still says what is so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, text

from warehouse.incidents.messages import About

# Steps up to the deadline are counted from the last working day before it is over, steps after it from the deadline.
SPANS = """
WITH owed AS MATERIALIZED (
    SELECT * FROM ref.roster_now(:region, :day) o WHERE o.expected <> 'day' AND o.deadline IS NOT NULL
),
due AS MATERIALIZED (
    SELECT d.deadline, s.step
    FROM (SELECT DISTINCT o.deadline FROM owed o) d
    CROSS JOIN LATERAL (
        SELECT CASE WHEN ref.is_working_day(:region, d.deadline) THEN d.deadline
               ELSE ref.add_working_days(:region, d.deadline, -1) END AS day
    ) l
    CROSS JOIN unnest(cast(:steps AS integer[])) AS s (step)
    WHERE CASE WHEN s.step > 0 THEN ref.add_working_days(:region, d.deadline, s.step)
               ELSE ref.add_working_days(:region, l.day, s.step) END = :day
)
SELECT o.form, f.title AS form_title, o.sender, s.name AS sender_name, o.campaign, c.title AS campaign_title,
    o.expected AS every, o.owed_from, o.owed_to, f.counts_pupils,
    coalesce(f.covers = 'schools', false) AS covers_schools,
    o.deadline, d.step, h.reading_id IS NOT NULL AS is_received, x.received_at AS refused_at
FROM owed o
JOIN due d ON d.deadline = o.deadline
JOIN ref.form f ON f.form = o.form
JOIN ref.sender s ON s.sender = o.sender
LEFT JOIN ref.campaign c ON c.region = s.region AND c.campaign = o.campaign
LEFT JOIN ops.reading_owed(:region, :day, 'infinity') h ON h.form = o.form AND h.sender = o.sender
LEFT JOIN ops.standing_at(:region, :day, 'infinity') x ON x.form = o.form AND x.sender = o.sender
    AND x.verdict = 'refused' AND (o.campaign IS NOT NULL OR coalesce(x.as_of BETWEEN o.owed_from AND o.owed_to, true))
LEFT JOIN ops.nothing_at(:region, :day, 'infinity') n ON n.form = o.form AND n.sender = o.sender
WHERE n.form IS NULL OR greatest(h.received_at, x.received_at) > n.stated_at
ORDER BY o.form, o.sender
"""
SCHOOLS = """
WITH held AS MATERIALIZED (SELECT * FROM ops.reading_owed(:region, :day, 'infinity') h WHERE h.form = :form)
SELECT s.subordination, s.short_name, coalesce(o.report_status, 'missing')
FROM ref.school_at(:region, :day, 'infinity') s
LEFT JOIN held h ON h.sender = s.subordination
LEFT JOIN core.school_outcome_fact o ON o.reading_id = h.reading_id AND o.school_id = s.school_id
WHERE s.in_register AND s.subordination = ANY (:senders)
ORDER BY s.subordination, s.school_code
"""
# Nights without an export, one after the other, are one silence: it is reminded of around the deadline of its first.
NIGHTS = """
WITH owed AS MATERIALIZED (
    SELECT o.form, o.sender, k.night, o.deadline
    FROM (SELECT cast(:day AS date) - back AS night FROM generate_series(1, :days) AS back) k
    CROSS JOIN LATERAL ref.roster_now(:region, k.night) o
    WHERE o.expected = 'day'
),
absent AS (
    SELECT o.*, o.night - row_number() OVER (PARTITION BY o.form, o.sender ORDER BY o.night)::integer AS silence
    FROM owed o
    WHERE NOT EXISTS (SELECT FROM ops.reading r
                      WHERE r.form = o.form AND r.sender = o.sender AND r.as_of = o.night AND r.status = 'current'
                        AND r.verdict <> 'refused')
      AND NOT EXISTS (SELECT FROM ops.statement n
                      WHERE n.form = o.form AND n.sender = o.sender AND n.as_of = o.night AND n.withdrawn_at IS NULL)
)
SELECT a.form, f.title AS form_title, a.sender, s.name AS sender_name, f.counts_pupils, min(a.deadline) AS deadline,
    ref.working_days_between(:region, min(a.deadline), :day) AS step, array_agg(a.night ORDER BY a.night) AS nights
FROM absent a
JOIN ref.form f ON f.form = a.form
JOIN ref.sender s ON s.sender = a.sender
GROUP BY a.form, f.title, f.counts_pupils, a.sender, s.name, a.silence
HAVING ref.working_days_between(:region, min(a.deadline), :day) = ANY (:steps)
ORDER BY a.form, a.sender, min(a.night)
"""
# Of a month what came for another one says nothing.
LATEST = """
SELECT
    (SELECT max(r.reading_id) FROM ops.reading r
     WHERE r.form = :form AND r.sender = :sender AND r.status IN ('current', 'superseded')
       AND coalesce(r.as_of BETWEEN cast(:owed_from AS date) AND cast(:owed_to AS date), true)),
    (SELECT max(n.statement_id) FROM ops.statement n
     WHERE n.form = :form AND n.sender = :sender AND n.withdrawn_at IS NULL
       AND coalesce(n.as_of = cast(:owed_from AS date), true))
"""
BACK = "SELECT ref.add_working_days(:region, :day, :days)"
DEADLINE = """
SELECT c.deadline FROM ref.campaign c JOIN ref.sender s ON s.region = c.region
WHERE c.campaign = :campaign AND s.sender = :sender
"""
WORKED = "SELECT ref.is_working_day(:region, :day)"


@dataclass(frozen=True)
class Owed:
    """What a sender owes for a campaign, a month, an academic year, or for nights; `step` is in working days around the
    deadline. `owed_from` and `owed_to` are the first and the last day of what it is owed for; None of nights.

    Of a form that covers schools: `rejected` and `missing` are names of schools, `schools` is how many there are.
    `refused_at` is when a file came that replaced nothing, after all that holds. `seen` tells what had come.
    """

    form: str
    form_title: str
    sender: str
    sender_name: str
    deadline: dt.date
    step: int
    every: str = "day"
    owed_from: dt.date | None = None
    owed_to: dt.date | None = None
    covers_schools: bool = False
    counts_pupils: bool = False
    campaign: str | None = None
    campaign_title: str | None = None
    nights: tuple[dt.date, ...] = ()
    is_received: bool = False
    refused_at: dt.datetime | None = None
    schools: int = 0
    rejected: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    seen: tuple[int | None, int | None] = (None, None)

    @property
    def span(self) -> tuple[dt.date, dt.date] | None:
        """The days of what comes for it; None where all that comes does, of a campaign and of nights."""
        if self.campaign is not None or self.owed_from is None or self.owed_to is None:
            return None
        return self.owed_from, self.owed_to

    @property
    def about(self) -> About:
        """What `still_due` has to know of it."""
        return {
            "form": self.form,
            "sender": self.sender,
            "campaign": self.campaign,
            "span": None if self.span is None else [day.isoformat() for day in self.span],
            "nights": [night.isoformat() for night in self.nights],
            "deadline": self.deadline.isoformat(),
            "step": self.step,
            "seen": list(self.seen),
        }


def owed(connection: Connection, region: str, day: dt.date, steps: Collection[int]) -> list[Owed]:
    """What of a region is to be reminded of on a day: what is not wholly there, and of which nobody said that there is
    nothing.

    Nothing on a day that is not worked. A delivery that holds is reminded of while it rejects or lacks schools.
    """
    if not connection.scalar(text(WORKED), {"region": region, "day": day}):
        return []
    after = [step for step in steps if step >= 0]
    debts = [*_spans(connection, region, day, steps), *_nights(connection, region, day, after)]
    return [replace(debt, seen=_latest(connection, debt.form, debt.sender, debt.span)) for debt in debts]


def still_due(connection: Connection, about: About) -> bool:
    """Does a reminder still say what is so? Not when anything came since, or was stated, or the deadline was moved."""
    if about["campaign"] is not None:
        deadline = connection.scalar(text(DEADLINE), {"campaign": about["campaign"], "sender": about["sender"]})
        if deadline is None or deadline.isoformat() != about["deadline"]:
            return False
    since, until = about.get("span") or (None, None)
    span = None if since is None or until is None else (dt.date.fromisoformat(since), dt.date.fromisoformat(until))
    return list(_latest(connection, about["form"], about["sender"], span)) == about["seen"]


def _spans(connection: Connection, region: str, day: dt.date, steps: Collection[int]) -> list[Owed]:
    rows = connection.execute(text(SPANS), {"region": region, "day": day, "steps": list(steps)}).mappings().all()
    debts = [Owed(**row) for row in rows]
    for form in sorted({debt.form for debt in debts if debt.covers_schools}):
        debts = _by_school(connection, region, day, form, debts)
    return [debt for debt in debts if not debt.is_received or debt.rejected or debt.missing]


def _by_school(connection: Connection, region: str, day: dt.date, form: str, debts: Sequence[Owed]) -> list[Owed]:
    senders = [debt.sender for debt in debts if debt.form == form]
    schools_of: dict[str, dict[str, list[str]]] = {sender: {} for sender in senders}
    parameters = {"region": region, "day": day, "form": form, "senders": senders}
    for sender, name, status in connection.execute(text(SCHOOLS), parameters):
        schools_of[sender].setdefault(status, []).append(name)
    return [
        replace(
            debt,
            schools=sum(map(len, schools_of[debt.sender].values())),
            rejected=tuple(schools_of[debt.sender].get("rejected", ())),
            missing=tuple(schools_of[debt.sender].get("missing", ())),
        )
        if debt.form == form
        else debt
        for debt in debts
    ]


def _nights(connection: Connection, region: str, day: dt.date, steps: Sequence[int]) -> list[Owed]:
    if not steps:
        return []
    # So far back that a silence which begins there is past all steps.
    asked = {"region": region, "day": day, "days": -(max(steps) + 2)}
    since: dt.date = connection.execute(text(BACK), asked).scalar_one()
    parameters = {"region": region, "day": day, "days": (day - since).days, "steps": list(steps)}
    rows = connection.execute(text(NIGHTS), parameters).mappings()
    return [Owed(**{**row, "nights": tuple(row["nights"])}) for row in rows]


def _latest(
    connection: Connection, form: str, sender: str, span: tuple[dt.date, dt.date] | None
) -> tuple[int | None, int | None]:
    """The last reading of a sender's form, and the last statement that stands; of a span, those for it."""
    owed_from, owed_to = span or (None, None)
    asked = {"form": form, "sender": sender, "owed_from": owed_from, "owed_to": owed_to}
    reading, statement = connection.execute(text(LATEST), asked).one()
    return reading, statement
