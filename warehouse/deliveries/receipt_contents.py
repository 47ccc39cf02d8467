"""What receipts say, out of what is stored: for many readings at once, at any time after they were loaded."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from contracts.circumstances import answered_to
from contracts.due import due_on
from contracts.explanation import CameOf
from contracts.forms import FORMS
from contracts.reading import answer
from contracts.receipt import OtherDelivery, Overdue, Receipt, Total, WrongSchool
from contracts.regions import zone_at
from contracts.texts.spans import slot, span_words
from warehouse.deliveries.explanations import came_of, explained
from warehouse.deliveries.recall import recall_readings

ADDRESSES = """
SELECT r.reading_id, d.sha256, d.file_name AS file, d.archive_path, r.sender, d.sender_folder, r.form, r.as_of
FROM ops.reading r
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
WHERE r.reading_id = ANY (:readings)
"""
# A delivery of bytes that hold already has no reading of its own; its answer is made of the one that answers for it.
SAME_UNANSWERED = """
SELECT d.delivery_id, d.sha256, d.file_name AS file, d.archive_path, r.sender, d.sender_folder, r.form,
    r.as_of, r.reading_id,
    ops.came_at(d) AS came_at, e.file_name AS other_file, ops.came_at(e) AS other_received_at
FROM ops.delivery d
JOIN ops.delivery e ON e.delivery_id = d.same_as
JOIN LATERAL (
    SELECT r.reading_id, r.sender, r.form, r.as_of FROM ops.reading r
    WHERE r.delivery_id = d.same_as AND ops.came_of_run(r.status)
    ORDER BY r.reading_id DESC LIMIT 1
) r ON true
WHERE d.same_as IS NOT NULL AND d.answered_at IS NULL ORDER BY d.delivery_id
"""
SAME_ANSWERED = "UPDATE ops.delivery SET answered_at = clock_timestamp() WHERE delivery_id = ANY (:deliveries)"
UNANSWERED = """
SELECT r.reading_id FROM ops.reading r
WHERE r.answered_at IS NULL AND ops.came_of_run(r.status)
  AND NOT EXISTS (SELECT FROM ops.reading n WHERE n.delivery_id = r.delivery_id AND n.reading_id > r.reading_id
                    AND ops.came_of_run(n.status))
"""
ANSWERED = """
UPDATE ops.reading SET answered_at = clock_timestamp() WHERE reading_id = ANY (:readings) AND answered_at IS NULL
"""
ABOUT = """
SELECT r.reading_id, d.sha256, d.file_name, d.sender_folder, ops.came_at(d) AS received_at, s.name AS sender_name,
    c.title AS campaign_title, c.deadline,
    coalesce(r.as_of, ref.region_date(r.region, ops.came_at(d))) AS day,
    CASE WHEN r.verdict = 'refused' OR r.status IN ('held', 'declined') THEN 'holds'
        WHEN r.status IN ('superseded', 'overtaken') THEN 'newer' ELSE 'replaced' END AS relation,
    o.file_name AS other_file, o.received_at AS other_received_at
FROM ops.reading r
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
LEFT JOIN ref.sender s ON s.sender = r.sender
LEFT JOIN ref.campaign c ON c.region = r.region AND c.campaign = r.campaign
LEFT JOIN LATERAL (
    SELECT e.file_name, ops.came_at(e) AS received_at
    FROM ops.reading h
    JOIN ops.delivery e ON e.delivery_id = h.delivery_id
    WHERE h.form = r.form AND h.sender = r.sender AND h.campaign IS NOT DISTINCT FROM r.campaign
      AND h.slice IS NOT NULL AND h.delivery_id <> r.delivery_id
      AND CASE
          WHEN r.verdict = 'refused' OR r.status IN ('held', 'declined')
              THEN h.became_current_at <= coalesce(r.became_current_at, r.held_at)
              AND coalesce(h.superseded_at > coalesce(r.became_current_at, r.held_at), true)
          WHEN r.status IN ('superseded', 'overtaken') THEN h.slice = r.slice AND h.status = 'current'
          ELSE h.slice = r.slice AND h.superseded_by = r.reading_id
      END
    ORDER BY h.as_of DESC, h.reading_id DESC LIMIT 1
) o ON true
WHERE r.reading_id = ANY (:readings)
"""
SCHOOLS = """
WITH asked AS MATERIALIZED (
    SELECT r.reading_id, r.region, r.sender FROM ops.reading r WHERE r.reading_id = ANY (:readings)
),
school AS MATERIALIZED (
    SELECT s.* FROM (SELECT DISTINCT a.region FROM asked a) g
    CROSS JOIN LATERAL ref.school_at(g.region, :day, 'infinity') s
),
named AS MATERIALIZED (
    SELECT o.reading_id, o.school_id, o.report_status, o.rules
    FROM core.school_outcome_fact o WHERE o.reading_id = ANY (:readings)
)
SELECT a.reading_id, s.short_name, n.report_status, n.rules, s.school_code
FROM asked a
JOIN school s ON s.subordination = a.sender AND s.in_register
LEFT JOIN named n ON n.reading_id = a.reading_id AND n.school_id = s.school_id
UNION ALL
SELECT n.reading_id, s.short_name, n.report_status, n.rules, s.school_code
FROM named n
JOIN asked a ON a.reading_id = n.reading_id
JOIN school s ON s.school_id = n.school_id
WHERE NOT (s.in_register AND s.subordination IS NOT DISTINCT FROM a.sender)
ORDER BY school_code
"""
TOTALS = """
SELECT t.reading_id, t.reporting_unit, t.metric, t.stated::float, t.computed::float, t.difference::float,
    t.verdict = 'agrees' AS agrees
FROM core.control_total_fact t
LEFT JOIN ops.reading r ON r.reading_id = t.reading_id
LEFT JOIN LATERAL ref.unit_at(r.region, coalesce(r.as_of, CURRENT_DATE)) u ON u.reporting_unit = t.reporting_unit
WHERE t.reading_id = ANY (:readings)
ORDER BY t.reading_id, t.reporting_unit IS NOT NULL, u.position, t.ctid
"""
OVERDUE = """
SELECT o.form, f.title AS form_title, o.sender, s.name AS sender_name, o.campaign, c.title AS campaign_title,
    o.expected, o.owed_from, o.deadline, coalesce(f.covers = 'schools', false) AS covers_schools,
    h.reading_id IS NOT NULL AS is_received,
    n.form IS NOT NULL AND coalesce(x.received_at < n.stated_at, true) AS is_nothing,
    (SELECT d.file_name FROM ops.reading r JOIN ops.delivery d ON d.delivery_id = r.delivery_id
     WHERE r.reading_id = x.reading_id) AS refused_file
FROM ref.roster_now(:region, :day) o
JOIN ref.form f ON f.form = o.form
JOIN ref.sender s ON s.sender = o.sender
LEFT JOIN ref.campaign c ON c.region = s.region AND c.campaign = o.campaign
LEFT JOIN ops.reading_owed(:region, :day, 'infinity') h ON h.form = o.form AND h.sender = o.sender
LEFT JOIN ops.standing_at(:region, :day, 'infinity') x ON x.form = o.form AND x.sender = o.sender
    AND x.verdict = 'refused' AND (o.campaign IS NOT NULL OR coalesce(x.as_of BETWEEN o.owed_from AND o.owed_to, true))
LEFT JOIN ops.nothing_at(:region, :day, 'infinity') n ON n.form = o.form AND n.sender = o.sender
WHERE o.deadline < :day AND o.expected <> 'day'
ORDER BY o.form, o.sender
"""
REGISTERED = """
SELECT s.subordination, s.short_name FROM ref.school_at(:region, :day, 'infinity') s
WHERE s.in_register ORDER BY s.school_code
"""
CALLED = """
SELECT CASE WHEN d.delivery_id = :number THEN 'id' WHEN starts_with(d.sha256, :start) THEN 'sha256' ELSE 'name' END,
    d.delivery_id, d.sha256, d.file_name,
    (SELECT max(r.reading_id) FROM ops.reading r
     WHERE r.delivery_id = coalesce(d.same_as, d.delivery_id)
       AND ops.came_of_run(r.status)) AS reading_id
FROM ops.delivery d
WHERE d.delivery_id = :number OR d.file_name = :asked OR starts_with(d.sha256, :start)
    OR EXISTS (SELECT FROM ops.arrival a WHERE a.delivery_id = d.delivery_id AND a.file_name = :asked)
ORDER BY d.counts_at DESC, d.delivery_id DESC
"""
LAST_READINGS = """
SELECT r.delivery_id, max(r.reading_id) FROM ops.reading r
WHERE r.delivery_id = ANY (:deliveries) AND ops.came_of_run(r.status)
GROUP BY r.delivery_id
"""
SHORTEST_PREFIX = 4
OF_SCHOOLS = frozenset(form.name for form in FORMS if form.covers == "schools")
"""Forms in which each school of the sender has to be."""


@dataclass(frozen=True)
class Address:
    """Where a reading's receipt goes, and where the bytes are that it is made of."""

    file: str
    sha256: str
    archive_path: str
    place: str | None
    form: str | None = None
    as_of: dt.date | None = None


@dataclass(frozen=True)
class SameAgain:
    """A delivery that says what another one has said, `reading_id` being the reading of both."""

    delivery_id: int
    reading_id: int
    address: Address
    came_at: dt.datetime
    other_file: str
    other_received_at: dt.datetime
    came_of: CameOf | None = None

    def receipt(self, first: Receipt) -> Receipt:
        """Its receipt, out of that of the other one; what is newer than both stays told."""
        zone = zone_at(first.sender or self.address.place)
        other = OtherDelivery("same", self.other_file, self.other_received_at.astimezone(zone))
        if first.other is not None and first.other.relation == "newer":
            other = first.other
        return replace(
            first, file=self.address.file, sha256=self.address.sha256, received_at=self.came_at.astimezone(zone),
            other=other, came_of=self.came_of,
        )  # fmt: skip


@dataclass(frozen=True)
class DeliveryCalled:
    """A delivery that somebody asked for; `reading_id` is its newest reading, if it has one."""

    delivery_id: int
    sha256: str
    file: str
    reading_id: int | None


def unanswered(connection: Connection) -> list[int]:
    """The last readings of deliveries whose receipts were not written, in whichever run they were loaded."""
    return list(connection.scalars(text(UNANSWERED)))


def same_unanswered(connection: Connection) -> list[SameAgain]:
    """Deliveries that say again what holds, and whose receipts were not written."""
    rows = connection.execute(text(SAME_UNANSWERED)).mappings().all()
    brought = came_of(connection, [row["delivery_id"] for row in rows])
    return [
        SameAgain(
            row["delivery_id"], row["reading_id"], _address(row), row["came_at"], row["other_file"],
            row["other_received_at"], brought.get(row["delivery_id"]),
        )
        for row in rows
    ]  # fmt: skip


def note_same_answered(connection: Connection, deliveries: Collection[int]) -> None:
    """Record that the receipts of such deliveries are in the outbox."""
    connection.execute(text(SAME_ANSWERED), {"deliveries": list(deliveries)})


def note_answered(connection: Connection, readings: Collection[int]) -> None:
    """Record that the receipts of readings are in the outbox."""
    connection.execute(text(ANSWERED), {"readings": list(readings)})


def last_readings(connection: Connection, delivery_ids: Collection[int]) -> dict[int, int]:
    """Delivery id → its last reading; one that was not read has none."""
    return dict(connection.execute(text(LAST_READINGS), {"deliveries": list(delivery_ids)}).tuples().all())


def addresses(connection: Connection, reading_ids: Collection[int]) -> dict[int, Address]:
    """Reading id → where its receipt goes."""
    rows = connection.execute(text(ADDRESSES), {"readings": list(reading_ids)}).mappings()
    return {row["reading_id"]: _address(row) for row in rows}


def _address(row: Any) -> Address:
    place = answered_to(row["sender_folder"], row["sender"])
    return Address(row["file"], row["sha256"], row["archive_path"], place, row["form"], row["as_of"])


def receipts(connection: Connection, reading_ids: Collection[int]) -> dict[int, Receipt]:
    """Reading id → what its receipt says, with times of the sender's region.

    It takes a handful of statements however many are asked for.
    """
    asked = {"readings": list(reading_ids)}
    readings = recall_readings(connection, reading_ids)
    may_be_explained = explained(connection, reading_ids)
    brought = came_of(connection, [reading.delivery_id for reading in readings.values()])
    about = {row["reading_id"]: row for row in connection.execute(text(ABOUT), asked).mappings()}
    totals: dict[int, list[Total]] = defaultdict(list)
    for reading_id, *rest in connection.execute(text(TOTALS), asked):
        totals[reading_id].append(Total(*rest))
    days: dict[dt.date, list[int]] = defaultdict(list)
    for reading_id, reading in readings.items():
        if reading.form in OF_SCHOOLS and reading.sender is not None:
            days[about[reading_id]["day"]].append(reading_id)
    accepted: dict[int, list[str]] = defaultdict(list)
    absent: dict[int, list[str]] = defaultdict(list)
    wrong: dict[int, list[WrongSchool]] = defaultdict(list)
    for day, of_day in days.items():
        for reading_id, name, status, rules, _ in connection.execute(text(SCHOOLS), {"readings": of_day, "day": day}):
            if status == "rejected":
                wrong[reading_id].append(WrongSchool(name, tuple(rules)))
            else:
                (accepted if status == "accepted" else absent)[reading_id].append(name)
    made = {}
    for reading_id, reading in readings.items():
        row = about[reading_id]
        zone = zone_at(answered_to(row["sender_folder"], reading.sender))
        made[reading_id] = Receipt(
            file=row["file_name"], sha256=row["sha256"], received_at=row["received_at"].astimezone(zone),
            verdict=answer(reading.verdict, reading.status), rows=reading.rows, layout=reading.layout,
            findings=reading.findings, form=reading.form, edition=reading.edition, sender=reading.sender,
            sender_name=row["sender_name"], as_of=reading.as_of, campaign_title=row["campaign_title"],
            deadline=row["deadline"] or _due(reading.form, reading.as_of, reading.sender),
            accepted=tuple(accepted[reading_id]), wrong=tuple(wrong[reading_id]), absent=tuple(absent[reading_id]),
            totals=tuple(totals[reading_id]), other=_other(row, zone), status=reading.status, decision=reading.decision,
            explained=may_be_explained.get(reading_id, {}), came_of=brought.get(reading.delivery_id),
        )  # fmt: skip
    return made


def _due(form: str | None, as_of: dt.date | None, sender: str | None) -> dt.date | None:
    """The last day to send a document of a month or an academic year."""
    owed = next((each for each in FORMS if each.name == form), None)
    return due_on(owed, as_of, sender=sender) if owed is not None and as_of is not None else None


def overdue(connection: Connection, region: str, day: dt.date) -> list[Overdue]:
    """What is owed in a region for campaigns, years and the month that is over whose deadline has passed on a day,
    received or not; with the schools of which nothing is known when it is not."""
    asked = {"region": region, "day": day}
    owed = connection.execute(text(OVERDUE), asked).mappings().all()
    if not owed:
        return []
    schools: dict[str, list[str]] = defaultdict(list)
    for unit, name in connection.execute(text(REGISTERED), asked):
        schools[unit].append(name)
    return [
        Overdue(
            form=row["form"],
            form_title=row["form_title"],
            sender=row["sender"],
            sender_name=row["sender_name"],
            slot=row["campaign"] or slot(row["expected"], row["owed_from"]),
            slot_title=row["campaign_title"] or f"за {span_words(row['expected'], row['owed_from'])}",
            deadline=row["deadline"],
            day=day,
            is_received=row["is_received"],
            is_nothing=row["is_nothing"],
            refused_file=row["refused_file"],
            schools=tuple(schools[row["sender"]]) if row["covers_schools"] and not row["is_received"] else (),
        )
        for row in owed
    ]


def deliveries_called(connection: Connection, asked: str) -> list[DeliveryCalled]:
    """The delivery of an id, else the newest of a file name, else the newest of each sha256 that begins so (4 digits or
    more)."""
    is_number = asked.isascii() and asked.isdigit() and len(asked) < 19
    start = asked.lower() if len(asked) >= SHORTEST_PREFIX and set(asked.lower()) <= set("0123456789abcdef") else "-"
    values = {"asked": asked, "number": int(asked) if is_number else -1, "start": start}
    deliveries: dict[str, list[DeliveryCalled]] = defaultdict(list)
    for how, *rest in connection.execute(text(CALLED), values):
        deliveries[how].append(DeliveryCalled(*rest))
    newest = {delivery.sha256: delivery for delivery in reversed(deliveries["sha256"])}
    return deliveries["id"] or deliveries["name"][:1] or list(newest.values())


def _other(row: Any, zone: ZoneInfo) -> OtherDelivery | None:
    if row["other_file"] is None:
        return None
    return OtherDelivery(row["relation"], row["other_file"], row["other_received_at"].astimezone(zone))
