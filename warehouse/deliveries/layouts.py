"""The layouts of earlier deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from contracts.reading import Layout
from warehouse.deliveries.recall import layout_from_json

LAST = """
SELECT DISTINCT ON (asked.sha256) asked.sha256, r.reading_id, r.as_of, r.layout
FROM unnest(cast(:sha256 AS text[]), cast(:forms AS text[]), cast(:senders AS text[])) AS asked (sha256, form, sender)
JOIN ops.reading r ON r.form = asked.form AND r.sender = asked.sender
JOIN ops.delivery d ON d.delivery_id = r.delivery_id AND d.sha256 <> asked.sha256
WHERE r.verdict <> 'refused' AND r.status IN ('current', 'superseded')
ORDER BY asked.sha256, r.became_current_at DESC, r.reading_id DESC
"""


@dataclass(frozen=True)
class LayoutBefore:
    """The layout of an accepted reading."""

    reading_id: int
    as_of: dt.date | None
    layout: Layout


def last_layouts(connection: Connection, asked: Sequence[tuple[str, str, str]]) -> dict[str, LayoutBefore]:
    """For a delivery (sha256), its form and sender the layout of their last other delivery that was accepted."""
    sha256, forms, senders = zip(*asked, strict=True)
    rows = connection.execute(text(LAST), {"sha256": list(sha256), "forms": list(forms), "senders": list(senders)})
    return {sha: LayoutBefore(reading_id, as_of, layout_from_json(layout)) for sha, reading_id, as_of, layout in rows}
