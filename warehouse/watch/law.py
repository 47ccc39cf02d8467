"""The laws of the warehouse, asked of a live one: each is a SELECT of what breaks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from contracts.forms import FORMS
from warehouse.marts.definitions import marts
from warehouse.schema.facts import fact_table, literal

LAWS = Path(__file__).parent / "laws"
SHOWN = 20
FACTS = """
SELECT 'reading ' || r.reading_id AS place, format('loaded %s rows, has %s facts', r.rows_loaded, k.facts) AS wrong
FROM ops.reading r
CROSS JOIN LATERAL (SELECT count(*) AS facts FROM core.{table} f WHERE f.reading_id = r.reading_id) k
WHERE r.form = '{form}' AND r.rows_loaded <> k.facts
"""
VERSIONS = """
SELECT '{history} of ' || h.region || ' of ' || h.as_of || ' row ' || h.position AS place,
    'two versions hold at once' AS wrong
FROM (SELECT region, as_of, position, published_at, replaced_at,
          lead(published_at) OVER (PARTITION BY region, as_of, position ORDER BY published_at) AS next
      FROM {history}) h
WHERE h.next < h.replaced_at OR h.published_at >= h.replaced_at
"""
COMPLETENESS = """
SELECT '{mart} of ' || m.region || ' of ' || m.as_of AS place,
    format('completeness %s, of %s %s', round(m.completeness, 4), r.form, round(r.completeness, 4)) AS wrong
FROM (SELECT region, as_of, max(completeness) AS completeness FROM mart.{mart} GROUP BY region, as_of) m
JOIN (SELECT form, region, as_of, max(completeness) AS completeness FROM mart.reporting_rate
      GROUP BY form, region, as_of) r ON r.region = m.region AND r.as_of = m.as_of
JOIN (SELECT p.region, p.as_of FROM ops.publication p GROUP BY p.region, p.as_of
      HAVING max(p.published_at) > (SELECT a.applied_at FROM ops.applied a WHERE a.name = 'completeness')
     ) p ON p.region = m.region AND p.as_of = m.as_of
WHERE m.completeness > r.completeness + 0.000001 AND r.form = (
    SELECT min(f.form) FROM ref.form f
    WHERE f.form = ANY (ARRAY[{forms}]) AND f.expected NOT IN ('once', 'as_published') HAVING count(*) = 1
)
"""
ARCHIVED = """
SELECT d.sha256, min(d.file_name), d.byte_size, d.archive_path,
    CASE WHEN bool_and(p.delivery_id IS NOT NULL) THEN coalesce(max(p.gone_at), max(p.purged_at)) END
FROM ops.delivery d LEFT JOIN ops.purged p ON p.delivery_id = d.delivery_id
GROUP BY d.sha256, d.byte_size, d.archive_path
ORDER BY min(d.delivery_id)
"""


@dataclass(frozen=True)
class Law:
    """A law and, when it is broken, where and how: the first places and their number."""

    name: str
    says: str
    broken: tuple[tuple[str, str], ...]
    times: int


def examined(connection: Connection) -> Iterator[Law]:
    """Ask every law of the database, one after the other."""
    for path in sorted(LAWS.glob("*.sql")):
        statement = path.read_text(encoding="utf-8")
        says = statement.split("\n", 1)[0].removeprefix("-- ")
        yield _examined_law(connection, path.stem, says, statement)
    facts = " UNION ALL ".join(
        FACTS.format(table=fact_table(form), form=form.name) for form in FORMS if form.pupils is None
    )
    yield _examined_law(
        connection, "loaded_rows_are_facts", "Each row that was loaded is a fact, and there is no other.", facts
    )
    versions = " UNION ALL ".join(VERSIONS.format(history=mart.history) for mart in marts())
    says = "One version of each row of a mart holds at a time."
    yield _examined_law(connection, "one_version_at_a_time", says, versions)
    completeness = " UNION ALL ".join(
        COMPLETENESS.format(mart=mart.name, forms=", ".join(map(literal, mart.forms))) for mart in marts() if mart.forms
    )
    says = "No published mart that rests on one form that is owed is more complete than that form."
    yield _examined_law(connection, "completeness_is_what_is_there", says, completeness)


def _examined_law(connection: Connection, name: str, says: str, statement: str) -> Law:
    """A law with the places that break it; `statement` selects (place, wrong)."""
    named = {
        "pupil_forms": [form.name for form in FORMS if form.pupils],
        "forms_by_blocks": [form.name for form in FORMS if form.by_blocks],
    }
    parameters = {name: forms for name, forms in named.items() if f":{name}" in statement}
    rows = connection.execute(text(statement), parameters).tuples().all()
    return Law(name, says, tuple((str(place), str(wrong)) for place, wrong in rows[:SHOWN]), len(rows))


def archived(connection: Connection) -> list[tuple[str, str, int, str, dt.datetime | None]]:
    """sha256, file name, size and place in the archive of all bytes that are deliveries, and since when they are
    destroyed, if they are."""
    return [(row[0], row[1], row[2], row[3], row[4]) for row in connection.execute(text(ARCHIVED))]
