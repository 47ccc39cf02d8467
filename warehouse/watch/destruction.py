"""What is destroyed on purpose: files that name people, once their time is over, and old texts of messages.

Of exports the rows of pupils go too; of lists of people the pseudonyms, for which numbers stand from then on that no
key makes of a name. Facts, marts, readings and findings stay: there is nobody's name in them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from contracts.forms import FORMS
from contracts.grain import VACANT
from warehouse.core.transaction import begun, retried
from warehouse.deliveries.pupil_series import forget
from warehouse.schema.facts import fact_table
from warehouse.watch.naming import NAMING

ARCHIVE = "the archive"
"""Locked like a slice by whoever removes bytes, and by whoever needs all of them to stay: a backup."""

DUE = f"""
{NAMING}
SELECT d.delivery_id, d.byte_size, d.archive_path,
    EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id) AS is_purged
FROM naming n JOIN ops.delivery d ON d.delivery_id = n.delivery_id
WHERE make_date(n.year + 1, 8, 31) + :days < :today
ORDER BY d.delivery_id
"""
# Bytes that are another delivery's too, which is not destroyed, stay.
SENT_AGAIN = """
SELECT d.delivery_id, d.byte_size, d.archive_path, true FROM ops.delivery d
WHERE EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id AND p.gone_at IS NULL)
  AND NOT EXISTS (SELECT FROM ops.delivery o WHERE o.sha256 = d.sha256
                  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = o.delivery_id))
ORDER BY d.delivery_id
"""
PUPILS = """
WITH asked AS (
    SELECT r.delivery_id, h.reading_id, h.series_id
    FROM ops.reading r JOIN restricted.pupil_reading h ON h.reading_id = r.reading_id
    WHERE r.delivery_id = ANY (:deliveries)
),
version AS (
    SELECT series_id, first_reading, gone_reading, count(*) AS rows FROM restricted.pupil_version
    WHERE series_id IN (SELECT series_id FROM asked) GROUP BY series_id, first_reading, gone_reading
)
SELECT a.delivery_id, a.reading_id, cast(coalesce(sum(v.rows), 0) AS bigint)
FROM asked a
LEFT JOIN version v ON v.series_id = a.series_id AND v.first_reading <= a.reading_id
    AND (v.gone_reading IS NULL OR v.gone_reading > a.reading_id)
GROUP BY a.delivery_id, a.reading_id
ORDER BY a.reading_id
"""
PEOPLE = """
SELECT r.delivery_id, count(*) FROM core.{table} f JOIN ops.reading r ON r.reading_id = f.reading_id
WHERE r.delivery_id = ANY (:deliveries) GROUP BY r.delivery_id
"""
NAMELESS = """
WITH whose AS (
    SELECT f.reading_id, f.{key}, replace(gen_random_uuid()::text, '-', '') AS instead
    FROM core.{table} f JOIN ops.reading r ON r.reading_id = f.reading_id
    WHERE r.delivery_id = ANY (:deliveries) AND f.{key} <> '{vacant}'
    GROUP BY f.reading_id, f.{key}
)
UPDATE core.{table} f SET {key} = w.instead FROM whose w WHERE w.reading_id = f.reading_id AND w.{key} = f.{key}
"""
WORDLESS = """
UPDATE ops.explanation e SET explanation = 'удалено' FROM ops.reading r
WHERE r.reading_id = e.reading_id AND r.delivery_id = ANY (:deliveries)
"""
WHOSE = """
SELECT count(*), encode(sha256(coalesce(string_agg(p.key, ''::bytea ORDER BY p.key), ''::bytea)), 'hex')
FROM (SELECT DISTINCT key FROM ({sources}) each) p
"""
OF_PUPILS = "SELECT pupil_key AS key FROM restricted.pupils_of({reading_id})"
OF_PEOPLE = """
SELECT decode(f.{key}, 'hex') AS key FROM core.{table} f JOIN ops.reading r ON r.reading_id = f.reading_id
WHERE r.delivery_id = {delivery_id} AND f.{key} <> '{vacant}'
"""
RECORD = """
INSERT INTO ops.purged (
    delivery_id, purged_at, sha256, byte_size, pupil_rows, people, people_digest, reason, run_id
)
SELECT d.delivery_id, :now, d.sha256, d.byte_size, n.pupil_rows, n.people, n.people_digest, :reason, :run_id
FROM unnest(
    cast(:deliveries AS bigint[]), cast(:pupil_rows AS bigint[]), cast(:people AS bigint[]), cast(:digests AS text[])
) AS n (delivery_id, pupil_rows, people, people_digest)
JOIN ops.delivery d ON d.delivery_id = n.delivery_id
"""
NOT_PURGED = """
SELECT d.delivery_id FROM ops.delivery d
WHERE d.archive_path = ANY (:places) AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
ORDER BY d.delivery_id
"""
TOGETHER = """
WITH same AS (
    SELECT o.delivery_id FROM ops.delivery d JOIN ops.delivery o ON o.sha256 = d.sha256
    WHERE d.delivery_id = ANY (:deliveries)
)
SELECT delivery_id FROM same
UNION SELECT i.container_id FROM ops.arrival i JOIN same s ON s.delivery_id = i.delivery_id
WHERE i.container_id IS NOT NULL
EXCEPT SELECT p.delivery_id FROM ops.purged p
ORDER BY delivery_id
"""
TO_REMOVE = """
SELECT p.delivery_id, p.purged_at, d.sha256, d.archive_path,
    ARRAY(SELECT DISTINCT a.inbox_path FROM ops.arrival a
          WHERE a.delivery_id = p.delivery_id AND a.inbox_path IS NOT NULL ORDER BY a.inbox_path) AS inbox_paths
FROM ops.purged p JOIN ops.delivery d ON d.delivery_id = p.delivery_id
WHERE p.gone_at IS NULL ORDER BY p.purged_at, p.delivery_id
"""
GONE = """
UPDATE ops.purged SET gone_at = greatest(:now, purged_at) WHERE delivery_id = :delivery_id AND purged_at = :purged_at
"""
WITHOUT_ACT = """
SELECT p.delivery_id, p.purged_at, p.sha256, p.byte_size, p.pupil_rows, p.people, p.people_digest, p.reason,
    p.run_id, p.gone_at,
    ops.came_at(d) AS received_at, f.title AS form_title, s.name AS sender_name, r.as_of
FROM ops.purged p
JOIN ops.delivery d ON d.delivery_id = p.delivery_id
LEFT JOIN LATERAL (
    SELECT r.form, r.sender, r.as_of FROM ops.reading r WHERE r.delivery_id = p.delivery_id
    ORDER BY r.reading_id DESC LIMIT 1
) r ON true
LEFT JOIN ref.form f ON f.form = r.form
LEFT JOIN ref.sender s ON s.sender = r.sender
WHERE p.act IS NULL AND p.gone_at IS NOT NULL
ORDER BY p.purged_at, p.delivery_id
"""
ATTESTED = "UPDATE ops.purged SET act = :act WHERE purged_at = :purged_at AND act IS NULL AND gone_at IS NOT NULL"
ACTS = """
SELECT act AS name, max(gone_at) AS destroyed_at, count(*) AS deliveries, sum(pupil_rows)::bigint AS pupil_rows,
    min(reason) AS reason
FROM ops.purged WHERE act IS NOT NULL GROUP BY act ORDER BY max(gone_at) DESC, act
"""
OLD_TEXTS = "outcome IN ('sent', 'failed', 'cancelled') AND body <> '' AND coalesce(sent_at, created_at) < :before"
BLANK = f"UPDATE ops.message SET body = '' WHERE {OLD_TEXTS}"
PATIENCE = "SELECT set_config('lock_timeout', :milliseconds, true)"


@dataclass(frozen=True)
class Due:
    """A delivery whose time is over. `is_purged`: it was destroyed before, and its bytes may have come again."""

    delivery_id: int
    byte_size: int
    archive_path: str
    is_purged: bool


@dataclass(frozen=True)
class Removal:
    """A delivery that is recorded as destroyed while its bytes may still be on disk: in the archive, in the inbox."""

    delivery_id: int
    purged_at: dt.datetime
    sha256: str
    archive_path: str
    inbox_paths: tuple[str, ...]


@dataclass(frozen=True)
class Destroyed:
    """A delivery that is gone, for its act; of an archive of files and of an unrecognised file less is known."""

    delivery_id: int
    purged_at: dt.datetime
    sha256: str
    byte_size: int
    pupil_rows: int
    people: int | None
    people_digest: str | None
    reason: str
    run_id: int | None
    gone_at: dt.datetime
    received_at: dt.datetime
    form_title: str | None
    sender_name: str | None
    as_of: dt.date | None


@dataclass(frozen=True)
class Act:
    """A paper: the moment at which the last byte of what it attests was gone, of how many deliveries and rows."""

    name: str
    destroyed_at: dt.datetime
    deliveries: int
    pupil_rows: int
    reason: str


def acts(connection: Connection) -> list[Act]:
    """Every paper about what was destroyed, the newest first."""
    return [Act(**row) for row in connection.execute(text(ACTS)).mappings()]


def due(connection: Connection, days: int, today: dt.date) -> list[Due]:
    """Deliveries that name people whose academic year ended more than so many days ago."""
    parameters = {"forms": [form.name for form in FORMS if form.names_people], "days": days, "today": today}
    return [Due(*row) for row in connection.execute(text(DUE), parameters).tuples()]


def destroyed_before(connection: Connection) -> list[Due]:
    """Deliveries that were destroyed, of any year: their bytes may have come again."""
    return [Due(*row) for row in connection.execute(text(SENT_AGAIN)).tuples()]


def pupil_rows(connection: Connection, deliveries: Collection[int]) -> dict[int, int]:
    """Delivery → how many rows of pupils and people are kept of it, in all its readings."""
    rows_of = dict.fromkeys(deliveries, 0)
    for form in FORMS:
        if form.people is not None:
            people = connection.execute(text(PEOPLE.format(table=fact_table(form))), {"deliveries": list(deliveries)})
            rows_of |= {row[0]: row[1] for row in people}
    for delivery_id, _, rows in _pupils(connection, deliveries):
        rows_of[delivery_id] += rows
    return rows_of


@retried
def record(
    engine: Engine, deliveries: Sequence[int], reason: str, now: dt.datetime, wait: dt.timedelta, run_id: int | None
) -> int:
    """Destroy the pupil rows of deliveries, the pseudonyms of people and what senders explained of such files, and
    record that their bytes are to go, in one transaction; returns how many rows of either there were. Raises GaveUp
    when somebody else uses them for longer than we wait."""
    with engine.connect() as connection, begun(connection):
        connection.execute(text(PATIENCE), {"milliseconds": str(round(wait.total_seconds() * 1000))})
        rows_of = pupil_rows(connection, deliveries)
        whose = [_whose(connection, delivery_id) for delivery_id in rows_of]
        forget(connection, [reading_id for _, reading_id, _ in _pupils(connection, deliveries)], wait)
        for form in FORMS:
            if form.people is not None:
                nameless = NAMELESS.format(key=form.people.key, table=fact_table(form), vacant=VACANT)
                connection.execute(text(nameless), {"deliveries": list(deliveries)})
        connection.execute(text(WORDLESS), {"deliveries": list(deliveries)})
        parameters = {
            "deliveries": list(rows_of), "pupil_rows": list(rows_of.values()), "people": [each[0] for each in whose],
            "digests": [each[1] for each in whose], "reason": reason,
        }  # fmt: skip
        connection.execute(text(RECORD), {**parameters, "now": now, "run_id": run_id})
    return sum(rows_of.values())


def not_purged(connection: Connection, places: Collection[str]) -> list[int]:
    """The deliveries whose bytes lie at places of the archive, less those that are recorded as destroyed."""
    return list(connection.scalars(text(NOT_PURGED), {"places": list(places)}))


def together(connection: Connection, deliveries: Collection[int]) -> list[int]:
    """Deliveries with those of equal bytes and the zip archives in which they came, less those that are destroyed."""
    return list(connection.scalars(text(TOGETHER), {"deliveries": list(deliveries)}))


def to_remove(connection: Connection) -> list[Removal]:
    """What is recorded as destroyed and was not seen gone yet, by whichever run."""
    return [
        Removal(row[0], row[1], row[2], row[3], tuple(row[4])) for row in connection.execute(text(TO_REMOVE)).tuples()
    ]


def note_gone(connection: Connection, removal: Removal, now: dt.datetime) -> None:
    """Record that the bytes of a delivery are on our disk no more."""
    parameters = {"delivery_id": removal.delivery_id, "purged_at": removal.purged_at, "now": now}
    connection.execute(text(GONE), parameters)


def without_act(connection: Connection) -> dict[dt.datetime, list[Destroyed]]:
    """What is gone and not attested, by the moment at which it was decided."""
    destroyed: dict[dt.datetime, list[Destroyed]] = {}
    for row in connection.execute(text(WITHOUT_ACT)).mappings():
        destroyed.setdefault(row["purged_at"], []).append(Destroyed(**row))
    return destroyed


def note_act(connection: Connection, purged_at: dt.datetime, act: str) -> None:
    """Record which act attests what was decided at a moment."""
    connection.execute(text(ATTESTED), {"purged_at": purged_at, "act": act})


def old_texts(connection: Connection, before: dt.datetime) -> int:
    """How many messages that are done with since before a moment still have their text."""
    return connection.scalar(text(f"SELECT count(*) FROM ops.message WHERE {OLD_TEXTS}"), {"before": before}) or 0


def blank_texts(connection: Connection, before: dt.datetime) -> int:
    """Remove the texts of those messages; to whom, about what, hash and outcome stay. Returns how many."""
    return connection.execute(text(BLANK), {"before": before}).rowcount


def _whose(connection: Connection, delivery_id: int) -> tuple[int, str]:
    """How many people the rows of a delivery are of, and the SHA-256 of all their pseudonyms in their order."""
    sources = [OF_PUPILS.format(reading_id=reading_id) for _, reading_id, _ in _pupils(connection, [delivery_id])]
    for form in FORMS:
        if form.people is not None:
            of = {"key": form.people.key, "table": fact_table(form), "vacant": VACANT, "delivery_id": delivery_id}
            sources.append(OF_PEOPLE.format(**of))
    row = connection.execute(text(WHOSE.format(sources=" UNION ALL ".join(sources)))).tuples().one()
    return row[0], row[1]


def _pupils(connection: Connection, deliveries: Collection[int]) -> list[tuple[int, int, int]]:
    """Delivery, reading and number of rows of each reading whose pupils are kept."""
    return [(row[0], row[1], row[2]) for row in connection.execute(text(PUPILS), {"deliveries": list(deliveries)})]
