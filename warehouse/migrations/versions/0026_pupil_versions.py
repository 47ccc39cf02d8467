"""Pupils as versions: copies of exports become rows that are kept as long as they are the same.

Their counters were not kept, nor what tells a line: the next export of each sender is written as a whole once.
"""

from pathlib import Path
from zlib import crc32

from alembic import op
from sqlalchemy import text

from warehouse.core.copying import run_script

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COPIES = """
SELECT r.reading_id, r.form, r.sender, r.region, r.as_of, r.contract_version,
    cast(extract(year FROM r.as_of - interval '8 months') AS smallint) AS academic_year
FROM ops.reading r WHERE to_regclass('restricted.pupil_fact_' || r.reading_id) IS NOT NULL
ORDER BY r.reading_id
"""
SERIES = """
INSERT INTO restricted.pupil_series (form, sender, academic_year, region_group)
VALUES (:form, :sender, :academic_year, :region_group)
ON CONFLICT (form, sender, academic_year) DO UPDATE SET form = excluded.form
RETURNING series_id, region_group
"""
PARTITION = """
SELECT restricted.make_pupil_partition(cast(:academic_year AS smallint), cast(:region_group AS smallint))
WHERE to_regclass(:partition) IS NULL
"""
DIFFERENCE = """
WITH now AS (
    SELECT pupil_key, school_id, grade, state,
        row_number() OVER (PARTITION BY pupil_key, school_id, grade, state) AS turn
    FROM restricted.pupil_fact_{reading_id}
),
before AS (
    SELECT ctid AS place, pupil_key, school_id, grade, state,
        row_number() OVER (PARTITION BY pupil_key, school_id, grade, state) AS turn
    FROM {partition} WHERE series_id = :series_id AND gone_reading IS NULL
),
gone AS (
    UPDATE {partition} v SET gone_reading = :reading_id
    FROM before b LEFT JOIN now n USING (pupil_key, school_id, grade, state, turn)
    WHERE v.ctid = b.place AND n.turn IS NULL
)
INSERT INTO {partition} (academic_year, region_group, series_id, first_reading, line, namesake, pupil_key, school_id,
                         grade, state, is_whole, is_clean)
SELECT :academic_year, :region_group, :series_id, :reading_id, 0, 0, pupil_key, school_id, grade, state, false, false
FROM now n LEFT JOIN before b USING (pupil_key, school_id, grade, state, turn)
WHERE b.turn IS NULL
"""
NOTE = """
INSERT INTO restricted.pupil_reading (reading_id, series_id, as_of, contract_version, circumstances)
VALUES (:reading_id, :series_id, :as_of, :contract_version, '')
"""


def upgrade() -> None:
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    for copy in connection.execute(text(COPIES)).mappings().all():
        known = dict(copy) | {"region_group": crc32((copy["region"] or "").encode()) % 8}
        known |= dict(connection.execute(text(SERIES), known).mappings().one())
        partition = "restricted.pupil_version_{academic_year}_{region_group}".format_map(known)
        connection.execute(text(PARTITION), known | {"partition": partition})
        connection.execute(text(DIFFERENCE.format(partition=partition, **copy)), known)
        connection.execute(text(NOTE), known)
        run_script(connection, f"DROP TABLE restricted.pupil_fact_{copy['reading_id']}")
    run_script(connection, "DROP TABLE restricted.pupil_fact")


def downgrade() -> None:
    raise NotImplementedError("Copies that were one row are not told apart again.")
