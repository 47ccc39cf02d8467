"""What counts now where a reading was to count: whatever came of it, the last word of its slice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, text

# A refused reading has no slice; where not even its campaign or date is known, the newest one of its form and sender is
# meant. Where dates follow one another and nothing is of that date, what holds on it; OFFSET 0 keeps that from being
# asked for the others.
COUNTS = """
SELECT r.reading_id, n.reading_id, n.file_name, n.came_at, n.as_of
FROM ops.reading r
JOIN ref.form f ON f.form = r.form
LEFT JOIN LATERAL (
    SELECT h.reading_id, e.file_name, ops.came_at(e) AS came_at, h.as_of
    FROM ops.reading h JOIN ops.delivery e ON e.delivery_id = h.delivery_id
    WHERE h.form = r.form AND h.sender = r.sender AND h.status = 'current' AND h.slice IS NOT NULL
      AND CASE WHEN r.slice IS NOT NULL THEN h.slice = r.slice
          ELSE ops.may_share_slice(f.period, h.campaign, r.campaign, h.as_of, r.as_of) END
    ORDER BY e.counts_at DESC, h.as_of DESC, e.delivery_id DESC LIMIT 1
) h ON true
LEFT JOIN LATERAL (
    SELECT k.reading_id, e.file_name, ops.came_at(e) AS came_at, k.as_of
    FROM ops.reading_at(r.region, r.as_of, 'infinity') k JOIN ops.delivery e ON e.delivery_id = k.delivery_id
    WHERE h.reading_id IS NULL AND f.period IN ('night', 'none') AND k.form = r.form AND k.sender = r.sender
    OFFSET 0
) b ON true
CROSS JOIN LATERAL (
    SELECT h.reading_id, h.file_name, h.came_at, h.as_of WHERE h.reading_id IS NOT NULL
    UNION ALL SELECT b.reading_id, b.file_name, b.came_at, b.as_of WHERE h.reading_id IS NULL
) n
WHERE r.reading_id = ANY (:readings) AND r.sender IS NOT NULL
"""


@dataclass(frozen=True)
class Counts:
    """The reading that counts, with the file that said so, when that came, and its date."""

    reading_id: int
    file: str
    came_at: dt.datetime
    as_of: dt.date


def in_force(connection: Connection, reading_ids: Collection[int]) -> dict[int, Counts | None]:
    """Reading → what counts now in its place; None when nothing does. A reading whose form or sender is not known has
    no place and is left out."""
    rows = connection.execute(text(COUNTS), {"readings": list(reading_ids)}).tuples()
    return {
        reading_id: None if counts is None else Counts(counts, file, came_at, as_of)
        for reading_id, counts, file, came_at, as_of in rows
    }
