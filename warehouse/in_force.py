"""What counts now where a reading was to count: whatever came of it, the last word of its slice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, text

# A refused reading has no slice; where not even its campaign or date is known, the newest one of its form and sender is
# meant. Of a form by dates it is the one that stands on the day of the reading: the register, until another one counts.
COUNTS = """
SELECT r.reading_id, h.reading_id, h.file_name, h.came_at, h.as_of
FROM ops.reading r
JOIN ref.form f ON f.form = r.form
LEFT JOIN LATERAL (
    SELECT h.reading_id, e.file_name, ops.came_at(e) AS came_at, h.as_of
    FROM ops.reading h JOIN ops.delivery e ON e.delivery_id = h.delivery_id
    WHERE h.form = r.form AND h.sender = r.sender AND h.status = 'current' AND h.slice IS NOT NULL
      AND CASE WHEN f.slice_by = 'as_of' THEN true WHEN r.slice IS NOT NULL THEN h.slice = r.slice
          WHEN f.slice_by = 'campaign' THEN coalesce(h.campaign = r.campaign, true)
          ELSE coalesce(ref.academic_year(h.as_of) = ref.academic_year(r.as_of), true)
      END
    ORDER BY CASE WHEN f.slice_by = 'as_of' THEN row(h.as_of <= r.as_of, h.as_of) END DESC NULLS LAST,
        e.counts_at DESC, h.as_of DESC, e.delivery_id DESC
    LIMIT 1
) h ON true
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
    found = connection.execute(text(COUNTS), {"readings": list(reading_ids)}).tuples()
    return {
        reading_id: None if counts is None else Counts(counts, file, came_at, as_of)
        for reading_id, counts, file, came_at, as_of in found
    }
