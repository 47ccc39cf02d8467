"""How pupils moved between two exports: counted once for each pair of readings, out of rows that only one of them has.

Of marts only this and `pupil_journey` look at rows of pupils; what is kept of them are numbers (`core.pupil_flow`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, text

from warehouse.core.copying import run_script

# Both exports of a pair are kept, and nobody has compared them. A pair is of one series: a sender's academic year. What
# came with its region from another home has pseudonyms by the secret of that, so nobody in it is anybody of an export
# that was read here: everybody would be gone, and as many have come.
WANTED = """
SELECT DISTINCT p.reading_id, p.before_reading_id, s.series_id,
    least(p.reading_id, p.before_reading_id) AS earlier, greatest(p.reading_id, p.before_reading_id) AS later,
    format('restricted.pupil_version_%s_%s', s.academic_year, s.region_group) AS partition
FROM unnest(cast(:days AS date[])) AS d (day)
CROSS JOIN LATERAL core.export_pair_at(:region, d.day, :known_at) p
JOIN restricted.pupil_reading n ON n.reading_id = p.reading_id
JOIN restricted.pupil_reading b ON b.reading_id = p.before_reading_id AND b.series_id = n.series_id
JOIN restricted.pupil_series s ON s.series_id = n.series_id
WHERE p.as_of = d.day
  AND substring(n.circumstances from '^((imported [^|]*[|])*)')
      = substring(b.circumstances from '^((imported [^|]*[|])*)')
  AND NOT EXISTS (SELECT FROM core.pupil_comparison c
                  WHERE c.reading_id = p.reading_id AND c.before_reading_id = p.before_reading_id)
ORDER BY p.reading_id, p.before_reading_id
"""
# A destruction empties a partition at once, also for who began before it: then there are no rows where there were some.
# Whoever has looked holds the table, so it cannot be emptied until the transaction ends.
ARE_THERE = """
SELECT EXISTS (SELECT FROM {partition} v WHERE v.series_id = {series_id})
"""
# Of two who compare a pair at once the second does not see the first one's row: it is told to try again, and finds it.
COMPARED = """
INSERT INTO core.pupil_comparison (reading_id, before_reading_id)
VALUES (:reading_id, :before_reading_id)
ON CONFLICT DO NOTHING
"""
# The planner knows nothing of rows that came just now: by nested loops it would look at all pupils for each of them.
BY_HASH = "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off"
AS_BEFORE = "SET LOCAL enable_nestloop = on; SET LOCAL enable_mergejoin = on"
# A name tells pupils apart nearly, and a number is compared much faster than a pseudonym.
# A pupil counts once, by the row of the best state, as transforms.rows.identity.distinct_pupils has it.
FLOWS = """
WITH changed AS MATERIALIZED (
    SELECT DISTINCT v.pupil_key, v.namesake
    FROM {partition} v
    WHERE (v.first_reading > {earlier} OR v.gone_reading > {earlier}) AND v.series_id = {series_id}
      AND (v.first_reading <= {later} AND coalesce(v.gone_reading > {later}, true))
          <> (v.first_reading <= {earlier} AND coalesce(v.gone_reading > {earlier}, true))
),
of_changed AS MATERIALIZED (
    SELECT k.pupil_key, k.school_id, k.grade, k.state,
        k.first_reading <= {before_reading_id} AND coalesce(k.gone_reading > {before_reading_id}, true) AS in_before,
        k.first_reading <= {reading_id} AND coalesce(k.gone_reading > {reading_id}, true) AS in_now
    FROM (
        SELECT v.pupil_key, v.school_id, v.grade, v.state, v.first_reading, v.gone_reading
        FROM {partition} v
        WHERE v.namesake IN (SELECT c.namesake FROM changed c) AND v.series_id = {series_id} OFFSET 0
    ) k
    JOIN (SELECT DISTINCT c.pupil_key FROM changed c) c ON c.pupil_key = k.pupil_key
),
before AS (
    SELECT DISTINCT ON (o.pupil_key) o.pupil_key, o.school_id, o.grade, o.state
    FROM of_changed o WHERE o.in_before ORDER BY o.pupil_key, o.state, o.school_id, o.grade
),
now AS (
    SELECT DISTINCT ON (o.pupil_key) o.pupil_key, o.school_id, o.grade, o.state
    FROM of_changed o WHERE o.in_now ORDER BY o.pupil_key, o.state, o.school_id, o.grade
)
INSERT INTO core.pupil_flow (reading_id, before_reading_id, from_school_id, from_grade, from_state, to_school_id,
                             to_grade, to_state, pupils)
SELECT {reading_id}, {before_reading_id}, b.school_id, b.grade, b.state, n.school_id, n.grade, n.state, count(*)
FROM before b
FULL JOIN now n ON n.pupil_key = b.pupil_key
WHERE (b.school_id, b.grade, b.state) IS DISTINCT FROM (n.school_id, n.grade, n.state)
GROUP BY b.school_id, b.grade, b.state, n.school_id, n.grade, n.state
"""


def compare(connection: Connection, region: str, days: Sequence[dt.date], known_at: str) -> int:
    """Count the movement to the exports of these days from the ones before them, where nobody has; how many pairs.

    A pair of which an export is not kept any more is not compared. The connection is of the region's publisher.
    """
    asked = {"region": region, "days": list(days), "known_at": known_at}
    pairs = [dict(row) for row in connection.execute(text(WANTED), asked).mappings()]
    found = [pair for pair in pairs if connection.scalar(text(ARE_THERE.format_map(pair)))]
    run_script(connection, BY_HASH)
    for pair in found:
        connection.execute(text(COMPARED), pair)
        run_script(connection, FLOWS.format_map(pair))
    run_script(connection, AS_BEFORE)
    return len(found)
