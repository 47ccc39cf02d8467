"""Rows of pupils: who can read them, who reached into them, and those of one pupil."""

from __future__ import annotations

import datetime as dt
import getpass
import os
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, text

KNOWS = "SELECT to_regclass('ops.restricted_access') IS NOT NULL"
NOTE = "INSERT INTO ops.restricted_access (who, command, run_id) VALUES (:who, :command, :run_id)"
READERS = """
SELECT r.rolname, r.rolcanlogin,
    CASE WHEN r.rolsuper THEN 'superuser' WHEN r.oid = n.nspowner THEN 'owner' ELSE 'granted' END AS how
FROM pg_roles r CROSS JOIN pg_namespace n
WHERE n.nspname = 'restricted' AND has_schema_privilege(r.oid, n.oid, 'USAGE')
  AND EXISTS (
    SELECT FROM pg_class c
    WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
  )
ORDER BY r.rolname
"""
HELD = """
SELECT r.delivery_id, r.form, f.title AS form_title, coalesce(s.name, r.sender) AS sender, r.as_of, p.school_id,
    p.grade, p.state, p.pupil_key
FROM restricted.pupil_version p
JOIN restricted.pupil_reading h ON h.series_id = p.series_id AND h.reading_id >= p.first_reading
    AND (p.gone_reading IS NULL OR h.reading_id < p.gone_reading)
JOIN ops.reading r ON r.reading_id = h.reading_id
LEFT JOIN ref.form f ON f.form = r.form
LEFT JOIN ref.sender s ON s.sender = r.sender
WHERE p.pupil_key = ANY (:keys) AND p.academic_year = :year
ORDER BY r.as_of, r.reading_id, p.school_id, p.grade, p.state
"""
# What was refused has no rows of pupils, and one that nobody recognised may be an export without headings.
REFUSED = """
SELECT count(DISTINCT r.delivery_id) FROM ops.reading r JOIN ops.delivery d ON d.delivery_id = r.delivery_id
WHERE r.verdict = 'refused' AND (r.form = ANY (:forms) OR r.form IS NULL)
  AND (cardinality(cast(:years AS integer[])) = 0
       OR ref.academic_year(coalesce(r.as_of, ref.region_date(r.region, ops.came_at(d)))) = ANY (:years))
  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.reading o JOIN restricted.pupil_reading h ON h.reading_id = o.reading_id
                  WHERE o.delivery_id = d.delivery_id)
"""
SCHOOLS = "SELECT school_id FROM ref.school_identity ORDER BY school_id"


@dataclass(frozen=True)
class Reader:
    """A role that can read rows of pupils, by what it can: it is a superuser, the owner, or was granted it."""

    role: str
    can_login: bool
    how: str


@dataclass(frozen=True)
class Held:
    """A row of a pupil: of which delivery, form, sender and date; school, grade; state 1 counted, 2 unverified, 3
    archived."""

    delivery_id: int
    form: str
    form_title: str
    sender: str
    as_of: dt.date
    school_id: int
    grade: int
    state: int
    pupil_key: bytes


def account() -> str:
    """The account of the system that runs this; its number where it has no name, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def note_access(connection: Connection, who: str, command: str, run_id: int | None = None) -> None:
    """Note that somebody reaches into rows of pupils by a command; a warehouse of before has no place for it."""
    if connection.scalar(text(KNOWS)):
        connection.execute(text(NOTE), {"who": who, "command": command, "run_id": run_id})


def readers(connection: Connection) -> list[Reader]:
    """Every role that can read rows of pupils."""
    return [Reader(row[0], row[1], row[2]) for row in connection.execute(text(READERS)).tuples()]


def held(connection: Connection, year: int, keys: Collection[bytes]) -> list[Held]:
    """Rows of an academic year under any of some pseudonyms, in the order of their dates."""
    rows = connection.execute(text(HELD), {"keys": list(keys), "year": year}).mappings()
    return [Held(**{**row, "pupil_key": bytes(row["pupil_key"])}) for row in rows]


def refused_exports(connection: Connection, forms: Collection[str], years: Collection[int]) -> int:
    """How many files of these forms, or of none, lie in the archive of which no row was loaded; of these academic
    years, of all when none is named."""
    return connection.scalar(text(REFUSED), {"forms": list(forms), "years": list(years)}) or 0


def school_ids(connection: Connection) -> list[int]:
    """The number of every school that was ever registered."""
    return list(connection.scalars(text(SCHOOLS)))
