"""What stands behind the figures of a mart: its forms, the documents that count, the query that shows them again."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame
from warehouse.marts.definitions import ALL_FORMS, Mart, marts

COUNTING = """
SELECT r.form, r.sender, r.delivery_id FROM ops.reading_at(:region, :as_of, :known_at) r
ORDER BY r.form, r.delivery_id
"""
PUBLISHED = """
SELECT max(published_at) FROM ops.publication WHERE region = :region AND coalesce(published_at <= :known_at, true)
"""
PLACES = """
SELECT r.form, r.sender, c.name AS sender_name, r.delivery_id, r.as_of, r.received_at, d.sha256,
    coalesce(n.layout -> 'places', '{}')::text AS places
FROM ops.reading_at(:region, :as_of, :known_at) r
JOIN ops.reading n ON n.reading_id = r.reading_id
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
LEFT JOIN ref.sender c ON c.sender = r.sender
ORDER BY r.form, r.sender, r.delivery_id
"""
PUBLICATIONS = """
SELECT DISTINCT as_of, published_at FROM ops.publication WHERE region = :region ORDER BY as_of, published_at
"""
BEFORE = """
SELECT b.as_of, max(b.published_at) AS known_at FROM ops.publication b
WHERE b.region = :region AND b.as_of < :as_of
  AND b.published_at < (SELECT min(p.published_at) FROM ops.publication p WHERE p.region = :region AND p.as_of = :as_of)
GROUP BY b.as_of ORDER BY b.as_of DESC LIMIT 1
"""


def forms_of(definition: Mart) -> tuple[str, ...]:
    """The forms whose documents a mart rests on; of a view those of the marts that it reads."""
    if definition.forms:
        return definition.forms
    of_bases = (form for base in marts() if base.name in definition.marts_read for form in base.forms)
    return tuple(dict.fromkeys(of_bases)) or (ALL_FORMS,)


def counting(connection: Connection, region: str, as_of: dt.date, known_at: dt.datetime) -> pl.DataFrame:
    """form, sender, delivery_id of the documents that counted for a date at a moment."""
    return frame(connection, COUNTING, {"region": region, "as_of": as_of, "known_at": known_at})


def behind(definition: Mart, documents: pl.DataFrame) -> pl.DataFrame:
    """Of documents those of the forms of a mart."""
    forms = forms_of(definition)
    return documents if forms == (ALL_FORMS,) else documents.filter(pl.col("form").is_in(forms))


def counted_places(connection: Connection, region: str, as_of: dt.date, known_at: dt.datetime) -> pl.DataFrame:
    """form, sender, sender_name, delivery_id, as_of, received_at, sha256, places of the documents that counted for a
    date at a moment; places are JSON: a column of the form → the sheet and cell of its heading."""
    return frame(connection, PLACES, {"region": region, "as_of": as_of, "known_at": known_at})


def query(definition: Mart, region: str, as_of: dt.date, known_at: dt.datetime) -> str:
    """The query that gives a mart of a date as it was published at a moment."""
    return f"SELECT * FROM {definition.as_known}('{as_of}', '{known_at.astimezone(dt.UTC).isoformat()}', '{region}');"


def last_publication(connection: Connection, region: str, known_at: dt.datetime | None) -> dt.datetime | None:
    """When a region was last published (by a moment); None where it never was."""
    found = connection.scalar(text(PUBLISHED), {"region": region, "known_at": known_at})
    return found if isinstance(found, dt.datetime) else None


def publications(connection: Connection, region: str) -> pl.DataFrame:
    """as_of and published_at of every publication of a region, in their order; a publication has a row a date."""
    return frame(connection, PUBLICATIONS, {"region": region})


def published_before(connection: Connection, region: str, as_of: dt.date) -> tuple[dt.date, dt.datetime] | None:
    """The date before as it was last published before this one first was; None where there is none."""
    row = connection.execute(text(BEFORE), {"region": region, "as_of": as_of}).one_or_none()
    return None if row is None else (row.as_of, row.known_at)
