"""How far pupils came within an academic year: counted once for each set of exports that a published day rests on.

Rows of pupils of the year are looked at in one pass, as versions: what is counted is a pupil once, whatever he is a row
of, and what is kept are numbers (`core.pupil_journey`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, text

from warehouse.core.copying import run_script
from warehouse.marts.pupil_flow import ARE_THERE, AS_BEFORE, BY_HASH

# Days that nobody has counted, whose exports are all kept. As of a pair: with its region from another home came other
# pseudonyms, so before that everybody would be somebody else. Days between two exports are of the same ones.
WANTED = """
SELECT DISTINCT ON (j.reading_id, j.made_of)
    j.reading_id, j.made_of, d.day, k.series_id, k.partition
FROM unnest(cast(:days AS date[])) AS d (day)
CROSS JOIN LATERAL core.journey_of(:region, d.day, :known_at) j
CROSS JOIN LATERAL (
    SELECT count(n.reading_id) AS kept, min(n.series_id) AS series_id,
        min(format('restricted.pupil_version_%s_%s', s.academic_year, s.region_group)) AS partition,
        count(DISTINCT substring(n.circumstances from '^((imported [^|]*[|])*)')) AS homes
    FROM ops.readings_of_year(:region, d.day, :known_at, 'registration_export') y
    JOIN restricted.pupil_reading n ON n.reading_id = y.reading_id
    JOIN restricted.pupil_series s ON s.series_id = n.series_id
) k
WHERE k.kept = j.exports AND k.homes = 1
  AND NOT EXISTS (SELECT FROM core.pupil_journey c WHERE c.reading_id = j.reading_id AND c.made_of = j.made_of)
ORDER BY j.reading_id, j.made_of, d.day
"""
COUNTED = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def follow(connection: Connection, region: str, days: Sequence[dt.date], known_at: str) -> int:
    """Count how far pupils came by these days, where nobody has; how many sets of exports were looked at for it.

    Days of which an export is not kept any more are not counted. The connection is of the region's publisher.
    """
    asked = {"region": region, "days": list(days), "known_at": known_at}
    sets = [dict(row) for row in connection.execute(text(WANTED), asked).mappings()]
    found = [each for each in sets if connection.scalar(text(ARE_THERE.format_map(each)))]
    run_script(connection, BY_HASH)
    for each in found:
        statement = COUNTED.format_map(each)
        connection.execute(text(statement), {"region": region, "known_at": known_at, **each})
    run_script(connection, AS_BEFORE)
    return len(found)
