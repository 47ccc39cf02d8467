"""The doctor finds each broken law, and nothing where all is well."""

from typing import Any

import pytest
import sqlalchemy as sa
from hand_made import DAY, delivery, loaded, report, school_ids

from warehouse.marts.publication import publish
from warehouse.watch.law import examined

BREAK = {
    "rows_balance": """
        DELETE FROM ops.raw_row WHERE row_no = 2 AND reading_id = (SELECT max(reading_id) FROM ops.raw_row)
    """,
    "one_current_reading_a_slice": """
        UPDATE ops.reading SET status = 'superseded', superseded_at = clock_timestamp()
        WHERE slice LIKE 'readiness_report/chainsky/%' AND status = 'current'
    """,
    "nothing_unfinished": "UPDATE ops.reading SET status = 'unfinished' WHERE form = 'registration_plan'",
    "refused_loads_nothing": """
        UPDATE ops.reading
        SET verdict = 'refused', slice = NULL, rows_loaded = 0, rows_quarantined = rows_quarantined + rows_loaded
        WHERE form = 'readiness_report' AND status = 'current'
    """,
    "pupils_have_a_reading": """
        SELECT restricted.make_pupil_partition(2023::smallint, 1::smallint);
        INSERT INTO restricted.pupil_version (academic_year, region_group, series_id, first_reading, line, namesake,
                                              pupil_key, school_id, grade, state, is_whole, is_clean)
        VALUES (2023, 1, 1, 999999, 1, 1, decode(repeat('00', 16), 'hex'), 1, 9, 1, true, true)
    """,
    "what_waits_is_newer": """
        UPDATE ops.reading SET status = 'held', held_at = became_current_at, became_current_at = NULL
        WHERE form = 'readiness_report' AND sender = 'chainsky';
        UPDATE ops.reading SET slice = (SELECT slice FROM ops.reading WHERE status = 'held')
        WHERE form = 'readiness_report' AND sender = 'asinovsky';
        UPDATE ops.delivery SET counts_at = counts_at + interval '1 hour'
        WHERE delivery_id = (SELECT delivery_id FROM ops.reading WHERE form = 'readiness_report' AND status = 'current')
    """,
    "completeness_is_what_is_there": """
        UPDATE history.registration_by_school SET actual_pupils = 0, completeness = 1;
        UPDATE history.readiness_by_municipality SET completeness = 1
    """,
    "completeness_of_forms": "UPDATE history.reporting_rate SET completeness = 1",
    "purged_is_gone": """
        INSERT INTO ops.purged (delivery_id, purged_at, sha256, byte_size, pupil_rows, reason)
        SELECT delivery_id, now(), sha256, byte_size, 0, 'срок прошёл' FROM ops.delivery LIMIT 1
    """,
    "deadlines_have_a_calendar": "DELETE FROM ref.calendar_day WHERE extract(year FROM day) = 2023",
    "bi_hinders_nobody": "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC",
    "readers_see_their_own": "ALTER TABLE history.readiness_by_school DISABLE ROW LEVEL SECURITY",
    "bi_reads_marts_only": "GRANT SELECT ON ops.reading TO PUBLIC",
    "marts_are_explained": "COMMENT ON COLUMN mart.readiness_by_school.status IS NULL",
    "documents_are_of_their_region": """
        INSERT INTO ref.region VALUES ('39', 'Край', 'Europe/Kaliningrad', 'ru', 9, false);
        UPDATE ops.reading SET region = '39', campaign = NULL WHERE sender = 'chainsky' AND form = 'readiness_report';
        UPDATE ref.school_identity SET region = '39' WHERE school_code = 'chainsky-1'
    """,
    "loaded_rows_are_facts": """
        DELETE FROM core.readiness_report_fact
        WHERE school_id = (SELECT min(school_id) FROM core.readiness_report_fact)
    """,
    "one_version_at_a_time": """
        CREATE TEMP TABLE again ON COMMIT DROP AS SELECT * FROM history.readiness_by_school LIMIT 1;
        UPDATE again SET published_at = published_at - interval '1 hour',
            replaced_at = published_at + interval '1 hour';
        INSERT INTO history.readiness_by_school SELECT * FROM again
    """,
}


@pytest.fixture(scope="session")
def healthy_kept(databases: Any, small_kept: str) -> str:
    def fill(engine: sa.Engine) -> None:
        loaded(engine, report(school_ids(engine), "chainsky", [1, 2, 3], [4]))
        publish(engine, "69", [DAY])

    return str(databases.kept("healthy", fill, on=small_kept))


@pytest.fixture
def healthy(healthy_kept: str, engine: sa.Engine) -> sa.Engine:
    return engine


def broken(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {law.name: law.times for law in examined(connection) if law.times}


def test_a_healthy_warehouse_breaks_no_law(healthy: sa.Engine) -> None:
    with healthy.connect() as connection:
        laws = [law.name for law in examined(connection)]
    assert {*BREAK, "every_delivery_is_read"} == set(laws)
    assert broken(healthy) == {}


@pytest.mark.parametrize("law", BREAK)
def test_a_broken_law_is_found(healthy: sa.Engine, law: str) -> None:
    before = broken(healthy)
    assert law not in before
    with healthy.begin() as connection:
        for statement in BREAK[law].split(";"):
            connection.execute(sa.text(statement))
    assert law in broken(healthy)


def test_a_delivery_that_was_never_read_is_found(healthy: sa.Engine) -> None:
    delivery(healthy, name="забытый.xlsx")
    with healthy.connect() as connection:
        found = next(law for law in examined(connection) if law.name == "every_delivery_is_read")
    assert found.times == 1
    assert found.broken[0][0].startswith("забытый.xlsx")
