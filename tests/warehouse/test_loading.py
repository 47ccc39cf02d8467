"""Loading readings: slices replaced whole, nothing lost, nothing silently made worse."""

import datetime as dt
import threading
from dataclasses import replace

import polars as pl
import psycopg2
import pytest
import sqlalchemy as sa
from changing import Inputs
from hand_made import (
    DAY,
    NOON,
    VERSION,
    Stream,
    delivery,
    export,
    loaded,
    plan,
    pupil_block,
    refused,
    report,
    school_ids,
    school_register,
)

from contracts.reading import CONTROL_TOTALS, Rows
from warehouse.core.frames import frame
from warehouse.deliveries.load import finish_run, load, load_many, load_stream, readings_of, record_arrival, start_run

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def ids(engine: sa.Engine) -> dict[str, int]:
    """School code → id of a loaded register of two units."""
    loaded(engine, school_register({"asinovsky": 10, "chainsky": 4}))
    return school_ids(engine)


def rows(engine: sa.Engine, sql: str, **parameters: object) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return frame(connection, sql, parameters).rows()


def statuses(engine: sa.Engine) -> list[tuple[object, ...]]:
    return rows(
        engine, "SELECT reading_id, status, superseded_by FROM ops.reading WHERE form = 'readiness_report' ORDER BY 1"
    )


def test_the_same_bytes_twice_are_one_delivery_and_two_arrivals(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        run = start_run(connection, "ingest", DAY, region="69")
        first = record_arrival(connection, "a" * 64, "отчёт.xlsx", 5, NOON, "aa/a", "asinovsky", run)
        again = record_arrival(connection, "a" * 64, "отчёт.xlsx", 5, NOON + HOUR, "aa/a", "asinovsky", run)
        finish_run(connection, run, "completed")
    assert first == (again[0], False)
    assert again[1] is True
    assert rows(engine, "SELECT file_name, is_repeat FROM ops.arrival ORDER BY arrival_id") == [
        ("отчёт.xlsx", False), ("отчёт.xlsx", True),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="time zone"), engine.begin() as connection:
        record_arrival(connection, "b" * 64, "x", 1, dt.datetime(2023, 9, 8), "x")  # noqa: DTZ001


def test_a_reading_is_loaded_whole(engine: sa.Engine, ids: dict[str, int]) -> None:
    totals = pl.DataFrame([(None, "navigators", 3.0, 2.0, 1.0, 0.0, "disagrees")], schema=CONTROL_TOTALS, orient="row")
    made = replace(report(ids, "asinovsky", [1, 2], [3]), control_totals=totals)
    place = delivery(engine)
    result = load(engine, made, place, VERSION)
    assert (result.status, result.superseded, result.history.height) == ("current", None, 0)
    with engine.connect() as connection:
        assert readings_of(connection, [place], VERSION) == {place: result.reading_id}
    counts = "SELECT rows_read, rows_loaded, rows_quarantined, verdict FROM ops.reading WHERE reading_id = :r"
    assert rows(engine, counts, r=result.reading_id) == [(4, 2, 1, "partial")]
    with engine.connect() as connection:
        cells = connection.scalars(sa.text("SELECT cells FROM ops.raw_row ORDER BY row_no")).all()
    assert cells == [["Школа", None, ""], ['"1"\\'], ['"2"\\'], ['"3"\\']]
    assert rows(engine, "SELECT rule, row_no FROM ops.finding") == [("RDY-010", 4)]
    assert rows(engine, "SELECT school_id, level FROM core.readiness_report_fact ORDER BY 1") == [
        (ids["asinovsky-1"], "basic"), (ids["asinovsky-2"], "basic"),
    ]  # fmt: skip
    assert rows(engine, "SELECT metric, stated, difference FROM core.control_total_fact") == [("navigators", 3.0, 1.0)]


def test_a_new_delivery_replaces_its_slice(engine: sa.Engine, ids: dict[str, int]) -> None:
    first = loaded(engine, report(ids, "asinovsky", [1, 2], [3]))
    other = loaded(engine, report(ids, "chainsky", [1, 2, 3, 4]))
    second = loaded(engine, report(ids, "asinovsky", [1, 2, 3]), NOON + HOUR)
    assert second.superseded == first.reading_id
    assert statuses(engine) == [
        (first.reading_id, "superseded", second.reading_id),
        (other.reading_id, "current", None),
        (second.reading_id, "current", None),
    ]
    same_moment = """
        SELECT o.superseded_at = n.became_current_at AS same
        FROM ops.reading o JOIN ops.reading n ON n.reading_id = o.superseded_by
    """
    assert rows(engine, same_moment) == [(True,)]


def test_a_suspiciously_smaller_delivery_is_held_with_both_numbers(engine: sa.Engine, ids: dict[str, int]) -> None:
    first = loaded(engine, report(ids, "asinovsky", range(1, 11)))
    smaller = loaded(engine, report(ids, "asinovsky", range(1, 8)), NOON + HOUR)
    assert (smaller.status, smaller.superseded, smaller.reading.verdict) == ("held", None, "accepted")
    told, schools, *fallen = smaller.history.rows(named=True)
    assert (told["rule"], told["severity"], told["value"], told["expected"], told["difference"]) == (
        "COM-020", "warning", "7", "не меньше 8", -3.0,
    )  # fmt: skip
    assert "Загружается строк: 7, в действующем файле на 08.09.2023: 10." in told["message"]
    assert "Загружается школ: 7, в действующем файле на 08.09.2023: 10." in schools["message"]
    assert {each["rule"] for each in fallen} == {"RDY-030"}
    kept = "SELECT reading_id, rows_loaded FROM ops.reading WHERE slice LIKE 'readiness_report%' AND status = 'current'"
    assert rows(engine, kept) == [(first.reading_id, 10)]
    stored = "SELECT verdict, rows_read, rows_quarantined FROM ops.reading WHERE reading_id = :r"
    assert rows(engine, stored, r=smaller.reading_id) == [("accepted", 8, 0)]
    assert rows(engine, "SELECT count(*) FROM core.readiness_report_fact") == [(17,)]  # kept, and nobody reads them
    a_fifth_less = loaded(engine, report(ids, "asinovsky", range(1, 9)), NOON + 2 * HOUR)
    assert a_fifth_less.reading.verdict == "accepted"


def test_reading_a_delivery_again_is_never_suspicious(engine: sa.Engine, ids: dict[str, int]) -> None:
    place = delivery(engine)
    first = load(engine, report(ids, "asinovsky", range(1, 11)), place, VERSION)
    again = load(engine, report(ids, "asinovsky", [1]), place, "2")
    assert (again.superseded, again.reading.verdict) == (first.reading_id, "accepted")


def test_an_older_delivery_does_not_replace_a_newer_one(engine: sa.Engine, ids: dict[str, int]) -> None:
    newer = loaded(engine, report(ids, "asinovsky", range(1, 11)), NOON + HOUR)
    older = loaded(engine, report(ids, "asinovsky", [1]), NOON)
    assert (older.status, older.history.height) == ("superseded", 0)
    assert statuses(engine) == [(newer.reading_id, "current", None), (older.reading_id, "superseded", newer.reading_id)]


def test_the_order_of_a_batch_does_not_matter(engine: sa.Engine, ids: dict[str, int]) -> None:
    made = [(report(ids, "asinovsky", range(1, 11 - turn)), delivery(engine, NOON + turn * HOUR)) for turn in range(3)]
    results = load_many(engine, made[::-1], VERSION)[::-1]
    assert [result.superseded for result in results] == [None, results[0].reading_id, results[1].reading_id]
    assert [row[1:] for row in statuses(engine)] == [
        ("superseded", results[1].reading_id), ("superseded", results[2].reading_id), ("current", None),
    ]  # fmt: skip


def test_only_what_older_rules_refused_is_read_again(engine: sa.Engine, ids: dict[str, int]) -> None:
    good, bad = delivery(engine), delivery(engine)
    loaded_id = load(engine, report(ids, "asinovsky", [1, 2], [3]), good, VERSION).reading_id
    refused_id = load(engine, refused(None, None), bad, VERSION).reading_id
    with engine.connect() as connection:
        assert readings_of(connection, [good, bad], VERSION) == {good: loaded_id, bad: refused_id}
        assert readings_of(connection, [good, bad], "newer rules") == {good: loaded_id}


def test_refused_deliveries_replace_nothing(engine: sa.Engine, ids: dict[str, int]) -> None:
    first = loaded(engine, report(ids, "asinovsky", range(1, 11)))
    results = load_many(
        engine,
        [(refused("readiness_report", "asinovsky"), delivery(engine)), (refused(None, None), delivery(engine))],
        VERSION,
    )
    assert [result.status for result in results] == ["current", "current"]
    assert rows(engine, "SELECT reading_id FROM ops.reading WHERE status = 'current' AND slice LIKE 'readiness%'") == [
        (first.reading_id,)
    ]


def test_two_writers_of_a_slice_leave_one_current(engine: sa.Engine, ids: dict[str, int]) -> None:
    made = [(report(ids, "asinovsky", range(1, 11)), delivery(engine, NOON + turn * HOUR)) for turn in range(8)]
    start, errors = threading.Barrier(len(made)), []

    def run(place: int) -> None:
        start.wait()
        try:
            load(engine, *made[place], VERSION)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=[place]) for place in range(len(made))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    current = """
        SELECT delivery_id FROM ops.reading WHERE form = 'readiness_report' AND status = 'current'
    """
    assert rows(engine, current) == [(made[-1][1],)]
    assert rows(engine, "SELECT count(*) FROM ops.reading WHERE form = 'readiness_report'") == [(8,)]


def test_a_school_that_was_accepted_and_no_longer_is_named(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, report(ids, "chainsky", [1, 2, 3, 4]))
    result = loaded(engine, report(ids, "chainsky", [1, 2], [3]), NOON + HOUR)
    assert result.status == "held"  # 2 rows are loaded where 4 were
    result = loaded(engine, report(ids, "chainsky", [1, 2], [3, 4]), NOON + HOUR)
    told = result.history.filter(pl.col("rule") == "RDY-030").sort("value").rows(named=True)
    assert [(each["rule"], each["value"]) for each in told] == [
        ("RDY-030", "Школа chainsky-3 (chainsky-3)"), ("RDY-030", "Школа chainsky-4 (chainsky-4)"),
    ]  # fmt: skip
    assert "Школа chainsky-3 (chainsky-3): теперь в её строке ошибки." in told[0]["message"]
    assert rows(engine, "SELECT count(*) FROM ops.finding WHERE rule = 'RDY-030'") == [(4,)]


def test_a_changed_plan_is_named_with_both_numbers(engine: sa.Engine) -> None:
    loaded(engine, plan({"asinovsky": 462, "chainsky": 195, "kedrovy": 110, "seversk": 1020, "shegarsky": 255}))
    result = loaded(engine, plan({"asinovsky": 462, "chainsky": 200, "seversk": 1020, "shegarsky": 255}), NOON + HOUR)
    told = result.history.select("rule", "value", "expected", "difference").rows()
    assert told == [("PLN-004", None, "110", None), ("PLN-004", "200", "195", 5.0)]
    assert "Чаинский муниципальный район: было 195, стало 200." in result.history["message"][1]


def test_a_rule_of_history_is_put_aside(engine: sa.Engine, inputs: Inputs) -> None:
    line = {"rule": "PLN-004", "form": "", "campaign": "", "valid_from": "2023-09-01", "valid_to": "2023-09-30"}
    inputs.write("rule_states", [{**line, "state": "aside", "reason": "Планы уточняют", "decided_by": ""}])
    loaded(engine, plan({"chainsky": 195, "kedrovy": 110}))
    result = loaded(engine, plan({"chainsky": 200, "kedrovy": 111}), NOON + HOUR)
    (told,) = result.history.to_dicts()
    assert (told["rule"], told["value"], told["scope"], told["severity"]) == ("COM-120", "PLN-004", "history", "note")
    assert told["message"].startswith("Правило PLN-004 отложено с 01.09.2023 по 30.09.2023: Планы уточняют. ")
    assert "Таких мест: 2." in told["message"]
    assert rows(engine, "SELECT rule FROM ops.finding") == [("COM-120",)]


def test_a_fall_of_registered_pupils_is_named(engine: sa.Engine, ids: dict[str, int]) -> None:
    days = [DAY + dt.timedelta(days=number) for number in range(3)]
    made = [
        (export(ids, {"asinovsky-1": pupils}, as_of=day), delivery(engine))
        for day, pupils in zip(days, (100, 95, 90), strict=True)
    ]
    results = load_many(engine, made[::-1], VERSION)
    assert [result.history.height for result in results] == [1, 0, 0]
    told = results[0].history.row(0, named=True)
    assert (told["rule"], told["value"], told["expected"], told["difference"]) == (
        "REX-006",
        "90",
        "не меньше 91",
        -5.0,
    )
    assert "На 09.09.2023 было 95, стало 90." in told["message"]


def test_facts_that_the_contract_does_not_name_are_an_error(engine: sa.Engine, ids: dict[str, int]) -> None:
    made = report(ids, "asinovsky", [1])
    with pytest.raises(ValueError, match="full_name"):
        loaded(engine, replace(made, facts=made.facts.with_columns(full_name=pl.lit("Иванов"))))
    with pytest.raises(ValueError, match="lack their key"):
        loaded(engine, replace(made, facts=made.facts.drop("school_id")))
    with pytest.raises(KeyError, match="no such deliveries"):
        load(engine, made, 10_000, VERSION)
    assert statuses(engine) == []


def test_text_arrives_as_it_was(engine: sa.Engine, ids: dict[str, int]) -> None:
    made = report(ids, "asinovsky", [1, 2, 3, 4])
    odd = ["\\.", 'a "b",;\n\r\t\\N', "", "x\x00y"]
    facts = made.facts.with_columns(order_number=pl.Series(odd))
    loaded(engine, replace(made, facts=facts))
    found = rows(engine, "SELECT order_number FROM core.readiness_report_fact ORDER BY school_id")
    assert [row[0] for row in found] == [*odd[:3], "xy"]


def test_pupils_are_loaded_while_they_are_read(engine: sa.Engine, ids: dict[str, int]) -> None:
    school = ids["asinovsky-1"]
    stream = Stream(
        [pupil_block(first, 1000, school) for first in range(1, 5001, 1000)], export(ids, {"asinovsky-1": 5000})
    )
    result = load_stream(engine, stream, delivery(engine), VERSION)
    pupils = """
        SELECT count(*) AS pupils, count(DISTINCT pupil_key) AS keys, max(school_id) AS school
        FROM restricted.pupil_version
    """
    assert rows(engine, pupils) == [(5000, 5000, school)]
    assert rows(engine, "SELECT DISTINCT first_reading FROM restricted.pupil_version") == [(result.reading_id,)]
    assert rows(engine, "SELECT actual_pupils FROM core.registration_export_fact") == [(5000,)]
    again = load_stream(engine, stream, delivery(engine, NOON + HOUR), VERSION)
    assert again.superseded == result.reading_id
    assert rows(engine, "SELECT count(*) FROM restricted.pupil_version") == [(5000,)]
    kept = "SELECT count(*) FROM restricted.pupil_reading r, restricted.pupils_of(r.reading_id)"
    assert rows(engine, kept) == [(10_000,)]


def leftovers(engine: sa.Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT first_reading FROM restricted.pupil_version LIMIT 1")


def test_a_stream_that_fails_leaves_nothing(engine: sa.Engine, ids: dict[str, int]) -> None:
    blocks = [pupil_block(first, 1000, 1) for first in range(1, 9001, 1000)]
    for place in (0, 1, 5, 8):
        with pytest.raises(RuntimeError, match="the stream broke"):
            load_stream(engine, Stream(blocks, export(ids, {}), fails_after=place), delivery(engine), VERSION)
    assert leftovers(engine) == []
    assert rows(engine, "SELECT count(*) FROM ops.reading WHERE form = 'registration_export'") == [(0,)]


def test_rows_that_the_database_refuses_end_the_stream(engine: sa.Engine, ids: dict[str, int]) -> None:
    bad = pupil_block(1, 1000, 1).with_columns(pupil_key=pl.lit(None, pl.Binary))
    blocks = [bad, *(pupil_block(first, 1000, 1) for first in range(1001, 20_001, 1000))]
    with pytest.raises(psycopg2.errors.NotNullViolation):
        load_stream(engine, Stream(blocks, export(ids, {})), delivery(engine), VERSION)
    assert leftovers(engine) == []


def test_a_refused_export_keeps_no_pupils(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, export(ids, {"asinovsky-1": 1, "asinovsky-2": 2, "chainsky-1": 3}))
    nothing = replace(export(ids, {}), rows=Rows(4, 0, 3, 1), verdict="partial")
    result = load_stream(engine, Stream([], nothing), delivery(engine, NOON + HOUR), VERSION)
    assert (result.reading.verdict, result.history["rule"].to_list()) == ("refused", ["COM-071"])
    stream = Stream([pupil_block(1, 10, 1)], refused("registration_export", "regional_operator"))
    assert load_stream(engine, stream, delivery(engine, NOON + HOUR), VERSION).reading.verdict == "refused"
    assert leftovers(engine) == []
