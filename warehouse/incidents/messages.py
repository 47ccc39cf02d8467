"""Messages on their way: written with what they tell of, sent afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Literal, NamedTuple, TypedDict

from sqlalchemy import Connection, RowMapping, text

from warehouse.schema.calendar import is_working_day

MessageClass = Literal["data", "lateness", "own"]
Kind = Literal["incident", "reminder", "statement"]
Audience = Literal["sender", "officer", "engineer"]

POST = "the outgoing messages"
"""Locked by whoever sends. A message found in `sending` under the lock was left there by a process that died."""

ENQUEUE = """
INSERT INTO ops.message (dedup_key, recipient, channel, message_class, kind, sender, incident_ids, about, subject,
    body, text_hash, attachments, is_digest, created_at, not_before, run_id)
VALUES (:dedup_key, :recipient, :channel, :message_class, :kind, :sender, :incident_ids, cast(:about AS jsonb),
    :subject, :body, :text_hash, cast(:attachments AS jsonb), :is_digest, :created_at, :not_before, :run_id)
ON CONFLICT (dedup_key) DO NOTHING
"""
# Whose last word on an incident is, or is about to be, that it is open. One that is back is the same incident again.
HEARERS = """
SELECT incident_id, recipient, channel FROM (
    SELECT DISTINCT ON (i.incident_id, m.recipient, m.channel) i.incident_id, m.recipient, m.channel, m.about
    FROM unnest(cast(:incidents AS bigint[])) AS i (incident_id)
    JOIN ops.message m ON m.incident_ids @> ARRAY[i.incident_id]
    WHERE m.kind = 'incident' AND m.outcome IN ('waiting', 'sending', 'sent')
    ORDER BY i.incident_id, m.recipient, m.channel, m.message_id DESC
) last
WHERE last.about -> 'opens' @> to_jsonb(last.incident_id)
"""
UNSENT_REMINDERS = """
SELECT message_id, about, coalesce(cast(about ->> 'until' AS timestamptz) <= :now, false) AS is_past
FROM ops.message WHERE kind = 'reminder' AND outcome = 'waiting' AND not_before <= :now
ORDER BY message_id
"""
CANCEL = """
UPDATE ops.message SET outcome = 'cancelled', error = :why WHERE message_id = ANY (:messages) AND outcome = 'waiting'
"""
# Nothing of what it tells is still so, or news: nothing that it calls open is open, and nothing that it calls closed is
# closed while the last word that its recipient heard was that it is open.
VOID = """
SELECT m.message_id FROM ops.message m
WHERE m.kind = 'incident' AND m.outcome = 'waiting'
  AND NOT EXISTS (
      SELECT FROM ops.incident i
      WHERE i.incident_id = ANY (m.incident_ids) AND i.state = 'open' AND m.about -> 'opens' @> to_jsonb(i.incident_id))
  AND NOT EXISTS (
      SELECT FROM ops.incident i
      CROSS JOIN LATERAL (
          SELECT told.about FROM ops.message told
          WHERE told.incident_ids @> ARRAY[i.incident_id] AND told.message_id < m.message_id AND told.kind = 'incident'
            AND told.recipient = m.recipient AND told.channel = m.channel
            AND told.outcome IN ('waiting', 'sending', 'sent')
          ORDER BY told.message_id DESC LIMIT 1
      ) last
      WHERE i.incident_id = ANY (m.incident_ids) AND i.state = 'closed'
        AND m.about -> 'closes' @> to_jsonb(i.incident_id) AND last.about -> 'opens' @> to_jsonb(i.incident_id))
ORDER BY m.message_id
"""
# Whose a message is: its sender's region, else that of what it tells of; of what is of no one region nobody's.
REGION = """coalesce((SELECT s.region FROM ref.sender s WHERE s.sender = m.sender),
        (SELECT i.region FROM ops.incident i WHERE i.incident_id = m.incident_ids[1]))"""
# «Closed» never comes before «open» that is still on its way. What was tried longest ago comes first, so that a message
# which its channel does not take lets the others through.
DUE = f"""
SELECT m.message_id, {REGION} AS region, m.dedup_key, m.recipient, m.channel, m.message_class, m.kind, m.sender,
    m.subject, m.body,
    m.attachments, m.about, m.is_digest, m.created_at, m.outcome = 'sending' AS was_begun, m.attempts, m.sent_as
FROM ops.message m
WHERE (m.outcome = 'sending' OR m.outcome = 'waiting' AND m.not_before <= :now)
  AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(m.about -> 'closes') AS closed (incident_id)
      JOIN ops.message told ON told.incident_ids && m.incident_ids AND told.about -> 'opens' @> closed.incident_id
      WHERE told.recipient = m.recipient AND told.channel = m.channel AND told.message_id < m.message_id
        AND told.outcome = 'waiting' AND told.not_before > :now)
ORDER BY m.outcome = 'sending' DESC, jsonb_array_length(coalesce(m.about -> 'closes', '[]')) > 0,
    m.tried_at NULLS FIRST, m.message_id
"""
BEGUN = """
UPDATE ops.message SET outcome = 'sending', sent_as = :sent_as, tried_at = :now, attempts = attempts + 1
WHERE message_id = ANY (:messages)
"""
SENT = """
UPDATE ops.message SET outcome = 'sent', sent_at = :now, error = NULL WHERE message_id = ANY (:messages)
"""
POSTPONED = """
UPDATE ops.message SET outcome = 'waiting', not_before = :not_before, error = :error, attempts = attempts + :passed_by
WHERE message_id = ANY (:messages)
"""
FAILED = "UPDATE ops.message SET outcome = 'failed', error = :error WHERE message_id = ANY (:messages)"
LISTED = f"""
SELECT * FROM (
    SELECT m.message_id, {REGION} AS region, m.recipient, m.channel, m.message_class, m.kind, m.sender, m.subject,
        m.is_digest, m.created_at, m.not_before, m.outcome, m.attempts, m.tried_at, m.sent_at, m.sent_as, m.error,
        m.incident_ids, m.about, m.attachments, m.run_id, m.text_hash, m.body
    FROM ops.message m
    WHERE (cast(:outcome AS text) IS NULL OR m.outcome = :outcome)
      AND (cast(:only AS bigint) IS NULL OR m.message_id = :only)
) m
WHERE coalesce(m.region = :region, true)
ORDER BY m.message_id DESC LIMIT :most
"""
LONGEST_ERROR = 300


class About(TypedDict, total=False):
    """What a message is about, kept as JSON: which incidents it calls open and closed and to whom it speaks; or of a
    reminder, what has to be still so when it is sent (`warehouse/incidents/owed.py`)."""

    opens: list[int]
    closes: list[int]
    audience: Audience
    form: str
    sender: str
    campaign: str | None
    span: list[str] | None
    nights: list[str]
    deadline: str
    step: int
    seen: list[int | None]
    until: str


@dataclass(frozen=True)
class Attachment:
    """What goes with a message: the receipt of a delivery, or the template of a form for a sender."""

    what: Literal["receipt", "template"]
    delivery_id: int | None = None
    form: str | None = None
    sender: str | None = None


@dataclass(frozen=True)
class Message:
    """A message to be sent, not before a moment. The same `dedup_key` twice is one message."""

    dedup_key: str
    recipient: str
    channel: str
    message_class: MessageClass
    kind: Kind
    subject: str
    body: str
    not_before: dt.datetime
    sender: str | None = None
    incident_ids: tuple[int, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    is_digest: bool = False
    about: About = field(default_factory=About)


@dataclass(frozen=True)
class Due:
    """A message whose moment has come. `region` is None of what is of no one region. `was_begun`: a process died while
    sending it, so it may have arrived."""

    message_id: int
    region: str | None
    dedup_key: str
    recipient: str
    channel: str
    message_class: MessageClass
    kind: Kind
    sender: str | None
    subject: str
    body: str
    attachments: tuple[Attachment, ...]
    about: About
    is_digest: bool
    created_at: dt.datetime
    was_begun: bool
    attempts: int
    sent_as: str | None


class KeptMessage(NamedTuple):
    """A message as it is kept, with what came of it; `region` is None of what is of no one region."""

    message_id: int
    region: str | None
    recipient: str
    channel: str
    message_class: MessageClass
    kind: Kind
    sender: str | None
    subject: str
    is_digest: bool
    created_at: dt.datetime
    not_before: dt.datetime
    outcome: str
    attempts: int
    tried_at: dt.datetime | None
    sent_at: dt.datetime | None
    sent_as: str | None
    error: str | None
    incident_ids: list[int]
    about: About
    attachments: tuple[Attachment, ...]
    run_id: int | None
    text_hash: str
    body: str


def enqueue(connection: Connection, messages: Iterable[Message], now: dt.datetime, run_id: int | None = None) -> int:
    """Write messages that are to be sent, in the transaction of what they tell of; says how many are new."""
    written = 0
    for message in messages:
        values = {
            **{name: value for name, value in asdict(message).items() if name not in ("about", "attachments")},
            "about": json.dumps(message.about, ensure_ascii=False),
            "attachments": json.dumps([asdict(attachment) for attachment in message.attachments], ensure_ascii=False),
            "incident_ids": list(message.incident_ids),
            "text_hash": hashlib.sha256(f"{message.subject}\n{message.body}".encode()).hexdigest(),
            "created_at": now,
            "run_id": run_id,
        }
        written += connection.execute(text(ENQUEUE), values).rowcount
    return written


def hearers_of(connection: Connection, incident_ids: Collection[int]) -> dict[int, set[tuple[str, str]]]:
    """Incident → recipients and channels that heard, or are about to hear, that it is open."""
    hearers: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for incident_id, recipient, channel in connection.execute(text(HEARERS), {"incidents": list(incident_ids)}):
        hearers[incident_id].add((recipient, channel))
    return hearers


def working_days(connection: Connection, region: str) -> Callable[[dt.date], bool]:
    """Is a day worked, by the region's calendar in the warehouse?"""

    @cache
    def is_working(day: dt.date) -> bool:
        return is_working_day(connection, region, day)

    return is_working


def cancel_what_is_over(
    connection: Connection, now: dt.datetime, still_due: Callable[[Connection, About], bool]
) -> int:
    """Cancel what nobody has to hear any more: reminders of what has come or of a day that is over, incidents that were
    closed before anybody heard of them, and their recovery. What a process may have sent before it died stays.

    Says how many."""
    reminders = connection.execute(text(UNSENT_REMINDERS), {"now": now}).tuples().all()
    gone = [message_id for message_id, about, is_past in reminders if is_past or not still_due(connection, about)]
    cancelled = connection.execute(text(CANCEL), {"messages": gone, "why": "no longer due"}).rowcount
    while void := connection.scalars(text(VOID)).all():  # a recovery is void when what it answers is
        parameters = {"messages": list(void), "why": "closed before it was told"}
        cancelled += connection.execute(text(CANCEL), parameters).rowcount
    return cancelled


def due(connection: Connection, now: dt.datetime) -> list[Due]:
    """What is to be sent at a moment, first what a process died over; asked for under the lock `POST`."""
    rows = connection.execute(text(DUE), {"now": now}).mappings()
    return [Due(**{**row, "attachments": _attachments(row)}) for row in rows]


def begin(connection: Connection, message_ids: Sequence[int], sent_as: str, now: dt.datetime) -> None:
    """Record, before it is done, that messages are being sent under an identity; several of a digest have one."""
    connection.execute(text(BEGUN), {"messages": list(message_ids), "sent_as": sent_as, "now": now})


def note_sent(connection: Connection, message_ids: Sequence[int], now: dt.datetime) -> None:
    """Record that their channel has taken messages."""
    connection.execute(text(SENT), {"messages": list(message_ids), "now": now})


def postpone(
    connection: Connection, message_ids: Sequence[int], not_before: dt.datetime, error: str, *, passed_by: bool = False
) -> None:
    """Let messages wait; those that were passed by because their address had just failed count an attempt too."""
    values = {"messages": list(message_ids), "not_before": not_before, "error": error[:LONGEST_ERROR]}
    connection.execute(text(POSTPONED), values | {"passed_by": int(passed_by)})


def give_up(connection: Connection, message_ids: Sequence[int], error: str) -> None:
    """Let messages be failed: nobody tries them again."""
    connection.execute(text(FAILED), {"messages": list(message_ids), "error": error[:LONGEST_ERROR]})


def listed(
    connection: Connection,
    most: int = 50,
    outcome: str | None = None,
    message_id: int | None = None,
    region: str | None = None,
) -> list[KeptMessage]:
    """The last messages (of a region), the newest first."""
    parameters = {"most": most, "outcome": outcome, "only": message_id, "region": region}
    rows = connection.execute(text(LISTED), parameters).mappings()
    return [KeptMessage(**{**row, "attachments": _attachments(row)}) for row in rows]


def _attachments(row: RowMapping) -> tuple[Attachment, ...]:
    return tuple(Attachment(**one) for one in row["attachments"])
