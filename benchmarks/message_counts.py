"""How much is said, and whether it helps: messages by sender and week, and how many were answered by a delivery."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import Connection

from warehouse.core.frames import frame

# Answered is a message after which the sender sent the form that it speaks of within a week.
WEEKS = """
WITH told AS (
    SELECT m.message_id, m.sender, m.kind, m.recipient, m.channel, m.text_hash, m.sent_at, m.incident_ids,
        date_trunc('week', ref.local_date(m.sent_at, m.sender))::date AS week,
        ARRAY(SELECT DISTINCT i.form FROM ops.incident i
              WHERE i.incident_id = ANY (m.incident_ids) AND i.form IS NOT NULL)
            || CASE WHEN m.about ? 'form' THEN ARRAY[m.about ->> 'form'] ELSE '{}' END AS forms
    FROM ops.message m
    WHERE m.outcome = 'sent' AND m.sender IS NOT NULL
      AND (m.kind = 'reminder' OR m.about ->> 'audience' = 'sender')
)
SELECT t.sender, t.week,
    count(*) AS messages,
    count(*) FILTER (WHERE t.kind = 'reminder') AS reminders,
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM ops.reading r JOIN ops.delivery d ON d.delivery_id = r.delivery_id
        WHERE r.sender = t.sender AND r.form = ANY (t.forms)
          AND ops.came_at(d) > t.sent_at AND ops.came_at(d) <= t.sent_at + interval '7 days'
    )) AS answered
FROM told t
GROUP BY t.sender, t.week ORDER BY t.week, t.sender
"""
DUPLICATES = """
SELECT t.recipient, t.channel, t.subject, count(*) AS times
FROM (
    SELECT m.*, m.sent_at - lag(m.sent_at) OVER (
        PARTITION BY m.recipient, m.channel, m.text_hash, m.incident_ids, m.about ORDER BY m.sent_at, m.message_id
    ) AS after
    FROM ops.message m WHERE m.outcome = 'sent'
) t
WHERE t.after < :cool_down
GROUP BY t.recipient, t.channel, t.subject ORDER BY 4 DESC, 1
"""


def weeks(connection: Connection) -> pl.DataFrame:
    """sender, week (its Monday), messages, reminders (of them), answered (of them): what senders were told."""
    return frame(connection, WEEKS, {})


def duplicates(connection: Connection, cool_down: dt.timedelta) -> pl.DataFrame:
    """recipient, channel, subject, times: the same text told again within the cool-down. There should be none."""
    return frame(connection, DUPLICATES, {"cool_down": cool_down})
