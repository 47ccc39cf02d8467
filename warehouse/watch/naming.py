"""Which archived bytes name people, or may, and of which academic year: what is sealed, and one day destroyed."""

from __future__ import annotations

from sqlalchemy import Connection, text

from contracts.forms import FORMS

# Bytes are asked by the last day of all deliveries that they are: by what was read of them, of one that waits by the
# day on which it came. An unrecognised one may be an export that lost its headings. The zip archive in which an export
# came holds its bytes once more; what else was in it is archived by itself. A receipt that came back with explanations
# of such a file may say of people what the file did.
NAMING = """
WITH told AS (
    SELECT DISTINCT d.sha256 FROM ops.reading r JOIN ops.delivery d ON d.delivery_id = r.delivery_id
    WHERE r.form = ANY (:forms) OR r.form IS NULL
),
of_year AS (
    SELECT d.sha256, ref.academic_year(coalesce(
        max(coalesce(r.as_of, ref.region_date(r.region, ops.came_at(d)))) FILTER (WHERE d.same_as IS NULL),
        max(coalesce(r.as_of, ref.region_date(r.region, ops.came_at(d)))))) AS year
    FROM ops.delivery d LEFT JOIN ops.reading r ON r.delivery_id = d.delivery_id
    WHERE d.sha256 IN (SELECT sha256 FROM told)
    GROUP BY d.sha256
    HAVING bool_or(r.form = ANY (:forms))
        OR (array_agg(r.form ORDER BY r.reading_id DESC) FILTER (WHERE r.reading_id IS NOT NULL))[1] IS NULL
),
alone AS (
    SELECT d.delivery_id, y.year FROM ops.delivery d JOIN of_year y ON y.sha256 = d.sha256
    UNION ALL
    SELECT e.delivery_id, y.year FROM ops.returned_receipt e JOIN of_year y ON y.sha256 = e.about_sha256
    WHERE e.is_alone
),
naming AS (
    SELECT delivery_id, min(year) AS year FROM (
        SELECT delivery_id, year FROM alone
        UNION ALL SELECT i.container_id, a.year FROM ops.arrival i JOIN alone a ON a.delivery_id = i.delivery_id
        WHERE i.container_id IS NOT NULL
    ) each GROUP BY delivery_id
)
"""
SEALED = f"""
{NAMING}
SELECT d.archive_path, min(n.year) FROM naming n JOIN ops.delivery d ON d.delivery_id = n.delivery_id
WHERE NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
GROUP BY d.archive_path ORDER BY d.archive_path
"""
UNREAD = """
WITH unread AS (
    SELECT d.delivery_id FROM ops.delivery d
    WHERE d.same_as IS NULL
      AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id)
      AND NOT EXISTS (SELECT FROM ops.statement n WHERE n.delivery_id = d.delivery_id)
      AND NOT EXISTS (SELECT FROM ops.returned_receipt e WHERE e.delivery_id = d.delivery_id AND e.is_alone)
      AND NOT EXISTS (SELECT FROM ops.arrival i WHERE i.container_id = d.delivery_id)
)
SELECT d.archive_path, min(ref.academic_year(ref.region_date(NULL, ops.came_at(d)))) FROM ops.delivery d
WHERE d.delivery_id IN (
    SELECT delivery_id FROM unread
    UNION SELECT i.container_id FROM ops.arrival i JOIN unread u ON u.delivery_id = i.delivery_id
)
GROUP BY d.archive_path ORDER BY d.archive_path
"""
KNOWS = """
SELECT to_regproc('ops.came_at') IS NOT NULL AND to_regproc('ref.region_date') IS NOT NULL
    AND to_regproc('ref.academic_year') IS NOT NULL AND to_regclass('ops.returned_receipt') IS NOT NULL
"""
ALL = """
SELECT archive_path, min(extract(year FROM received_at - interval '8 months'))::int FROM ops.delivery
GROUP BY archive_path ORDER BY archive_path
"""


def years_of_naming(connection: Connection) -> dict[str, int]:
    """Place in the archive → academic year, of the bytes that name people, or may: by what was read of them."""
    parameters = {"forms": [form.name for form in FORMS if form.names_people]}
    return {row[0]: row[1] for row in connection.execute(text(SEALED), parameters).tuples()}


def years_to_seal(connection: Connection) -> dict[str, int]:
    """The same, and of bytes of which nobody knows yet what they are the academic year in which they came. So are all
    of a warehouse of before, whose words we cannot ask."""
    statement = UNREAD if connection.scalar(text(KNOWS)) else ALL
    unknown = {row[0]: row[1] for row in connection.execute(text(statement)).tuples()}
    return unknown | (years_of_naming(connection) if statement == UNREAD else {})
