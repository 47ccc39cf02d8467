"""What marts say: the figures of the source, dates, what was known when, and what is missing."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, SEED, accepted, export, loaded, now, plan, read, refused, report, school_register, unit

from contracts.reading import CONTROL_TOTALS
from warehouse.marts.publication import publish
from warehouse.marts.published import mart_names, register
from warehouse.schema.upgrade import connect

HOUR = dt.timedelta(hours=1)


def test_readiness_of_the_source(seed_engine: sa.Engine) -> None:
    region = read(seed_engine, "readiness_region").row(0, named=True)
    assert [region[name] for name in ("schools", "accepted", "rejected", "missing")] == [285, 244, 18, 23]
    assert [region[f"units_{band}"] for band in ("green", "amber", "red", "no_data")] == [17, 2, 2, 0]
    assert (region["municipalities"], region["reports_received"], region["band"]) == (20, 21, "green")
    assert region["accepted_rate"] == pytest.approx(244 / 285)
    units = read(seed_engine, "readiness_by_municipality")
    assert units["reporting_unit"].to_list() == list(SEED)
    assert units.filter(~pl.col("is_municipality"))["reporting_unit_name"].to_list() == ["Томская область"]
    boundary = units.row(by_predicate=pl.col("reporting_unit") == "molchanovsky", named=True)
    assert (boundary["accepted_rate"], boundary["band"], boundary["in_rule_gap"]) == (0.5, "red", False)
    assert (boundary["is_final"], boundary["band_rule_version"]) == (False, "2023")
    assert boundary["completeness"] == pytest.approx(244 / 285)  # schools that are there, not reports received
    assert unit(seed_engine, "readiness_by_municipality", "kedrovy")["oktmo"] == "69707000"


def test_registration_of_the_source(seed_engine: sa.Engine) -> None:
    region = read(seed_engine, "registration_region").row(0, named=True)
    assert [region[name] for name in ("plan_pupils", "actual_pupils", "balance", "shortfall", "surplus")] == [
        11254, 4828, 6426, 6427, 1,
    ]  # fmt: skip
    assert [region[f"units_{band}"] for band in ("green", "amber", "red", "no_data")] == [3, 4, 14, 0]
    assert (region["band"], region["units_without_plan"], region["is_final"]) == ("red", 0, True)
    over = unit(seed_engine, "registration_by_municipality", "chainsky")
    assert (over["balance"], over["shortfall"], over["surplus"], over["band"]) == (-1, 0, 1, "green")


def test_schools_of_the_source(seed_engine: sa.Engine) -> None:
    schools = read(seed_engine, "readiness_by_school")
    assert schools["status"].value_counts().sort("status").rows() == [
        ("accepted", 244),
        ("missing", 23),
        ("rejected", 18),
    ]
    wrong = schools.row(by_predicate=pl.col("school_code") == "bakcharsky-7", named=True)
    assert (wrong["rules"], wrong["reasons"], wrong["level"]) == (
        "RDY-010", "Ответственный ниже заместителя руководителя.", None,
    )  # fmt: skip
    school = read(seed_engine, "registration_by_school").row(
        by_predicate=pl.col("school_code") == "kedrovy-1", named=True
    )
    assert (school["actual_pupils"], school["unverified_pupils"], school["registered_share"]) == (44, 1, 0.44)


def test_both_sides_of_the_source(seed_engine: sa.Engine) -> None:
    both = unit(seed_engine, "readiness_and_registration", "verkhneketsky")
    assert (both["accepted_rate"], both["readiness_band"], both["registration_band"]) == (1.0, "green", "red")
    assert both["completion_rate"] == pytest.approx(10 / 252)


def test_what_is_missing_is_null_and_never_zero(engine: sa.Engine) -> None:
    publish(engine, "69", [DAY])
    row = unit(engine, "readiness_by_municipality", "asinovsky")
    assert [row[name] for name in ("schools", "accepted", "missing", "accepted_rate", "known_at")] == [None] * 5
    assert (row["band"], row["completeness"], row["is_final"]) == ("no_data", 0.0, False)
    row = unit(engine, "registration_by_municipality", "asinovsky")
    assert [row[name] for name in ("plan_pupils", "actual_pupils", "balance", "shortfall")] == [None] * 4
    loaded(engine, school_register({"asinovsky": 10}))
    spring = dt.date(2023, 5, 1)
    publish(engine, "69", [DAY, spring])
    row = unit(engine, "readiness_by_municipality", "asinovsky")
    assert [row[name] for name in ("schools", "accepted", "missing", "band")] == [10, 0, 10, "red"]
    assert unit(engine, "readiness_by_municipality", "chainsky")["band"] == "no_data"
    row = unit(engine, "readiness_by_municipality", "asinovsky", spring)
    assert [row[name] for name in ("schools", "accepted", "completeness", "campaign")] == [10, None, None, None]


def test_what_was_known_then_can_be_asked_again(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [DAY])
    evening = now(engine)
    loaded(engine, report(small, "asinovsky", range(1, 11)), NOON + HOUR)
    publish(engine, "69", [DAY])
    assert unit(engine, "readiness_by_municipality", "asinovsky")["accepted"] == 10
    then = read(engine, "readiness_by_municipality", DAY, evening)
    assert then.row(by_predicate=pl.col("reporting_unit") == "asinovsky", named=True)["accepted"] == 8
    assert read(engine, "readiness_by_municipality", None, evening).equals(then)
    assert read(engine, "readiness_region", DAY, evening)["accepted"].to_list() == [8]
    for name in mart_names():
        published = read(engine, name, DAY)
        assert published.equals(read(engine, name, DAY, now(engine))), name
    assert read(engine, "readiness_by_municipality", DAY, NOON).is_empty()


def test_corrections_name_each_figure_that_moved(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [DAY])
    assert read(engine, "corrections", DAY).is_empty()
    evening = now(engine)
    loaded(engine, report(small, "asinovsky", range(1, 10), [10]), NOON + HOUR)
    loaded(engine, school_register({"asinovsky": 10, "chainsky": 5}), NOON + HOUR)
    publish(engine, "69", [DAY])
    told = read(engine, "corrections", DAY)
    moved = told.select("metric", "code", "was", "became", "difference", "cause", "documents").rows()
    assert ("status", "asinovsky-9", "missing", "accepted", None, "delivery", "файл.xlsx") in moved
    assert ("status", "asinovsky-10", "missing", "rejected", None, "delivery", "файл.xlsx") in moved
    assert ("status", "chainsky-5", None, "missing", None, "delivery", "файл.xlsx") in moved
    assert ("accepted", "asinovsky", "8", "9", 1, "delivery", "файл.xlsx") in moved
    assert ("schools", "chainsky", "4", "5", 1, "delivery", "файл.xlsx") in moved
    assert not [row for row in moved if row[1] == "asinovsky-1"]
    assert read(engine, "corrections", DAY, evening).is_empty()
    assert read(engine, "corrections", DAY, now(engine)).equals(told)


def test_corrections_of_a_date_read_that_date_alone(engine: sa.Engine, small_published: dict[str, int]) -> None:
    """What all marts ever said, kept and joined with itself, once took ten seconds for three dates."""
    with engine.connect() as connection:
        asked = sa.text("EXPLAIN SELECT * FROM mart.corrections WHERE as_of = :day")
        plan = "\n".join(connection.scalars(asked, {"day": DAY}))
    assert "readiness_by_school" in plan and "CTE told" not in plan


def test_a_later_report_does_not_undo_an_earlier_date(engine: sa.Engine, small: dict[str, int]) -> None:
    later = DAY + dt.timedelta(days=2)
    loaded(engine, report(small, "asinovsky", range(1, 11), as_of=later), NOON + 48 * HOUR)
    publish(engine, "69", [DAY, later])
    assert unit(engine, "readiness_by_municipality", "asinovsky", DAY)["accepted"] == 8
    assert unit(engine, "readiness_by_municipality", "asinovsky", later)["accepted"] == 10


def test_dates_find_their_export_plan_and_register(engine: sa.Engine, small: dict[str, int]) -> None:
    revised = dt.date(2023, 11, 1)
    loaded(
        engine,
        plan({"asinovsky": 200, "chainsky": 50}, as_of=revised, slice="registration_plan/regional_operator/2023"),
        NOON + HOUR,
    )
    loaded(engine, export(small, {"asinovsky-1": 70, "chainsky-1": 51}, as_of=revised), NOON + HOUR)
    loaded(engine, school_register({"asinovsky": 10, "chainsky": 4, "kedrovy": 1}, as_of=revised), NOON + HOUR)
    first, between, next_year = dt.date(2023, 9, 1), dt.date(2023, 10, 1), dt.date(2024, 9, 1)
    publish(engine, "69", [first, between, revised, next_year])
    there = 2 / 21 / 2  # of a document, the plan: it names two of 21 units
    half, whole = pytest.approx(there), pytest.approx(there + 2 / 15 / 2)  # the export names two of 15 schools
    told = {
        day: [
            unit(engine, "registration_by_municipality", "asinovsky", day)[name]
            for name in ("plan_pupils", "actual_pupils", "completeness", "export_as_of")
        ]
        for day in (first, between, revised, next_year)
    }
    assert told == {
        first: [100, None, half, None],
        between: [100, 60, half, DAY],
        revised: [200, 70, whole, revised],
        next_year: [None, None, 0.0, None],
    }
    assert [unit(engine, "readiness_by_municipality", "kedrovy", day)["schools"] for day in (between, revised)] == [
        0,
        1,
    ]


def test_a_school_that_left_the_register_keeps_its_pupils(engine: sa.Engine, small: dict[str, int]) -> None:
    loaded(engine, school_register({"asinovsky": 10}), NOON + HOUR)  # held: 10 schools instead of 14
    accepted(engine, loaded(engine, school_register({"asinovsky": 13, "kedrovy": 1}), NOON + HOUR))
    publish(engine, "69", [DAY])
    assert unit(engine, "readiness_by_municipality", "chainsky")["schools"] == 0
    with engine.connect() as connection:
        assert register(connection, "69").height == 14
    gone = read(engine, "registration_by_school").row(by_predicate=pl.col("school_code") == "chainsky-1", named=True)
    assert (gone["in_register"], gone["actual_pupils"]) == (False, 51)
    assert unit(engine, "registration_by_municipality", "chainsky")["actual_pupils"] == 51


def test_deliveries_and_their_health(engine: sa.Engine, small: dict[str, int]) -> None:
    loaded(engine, report(small, "chainsky", [1, 2], [3]), dt.datetime(2023, 9, 11, 17, 30, tzinfo=dt.UTC))
    loaded(engine, refused("readiness_report", "asinovsky"), NOON + HOUR)
    publish(engine, "69", [DAY])
    health = {(row["form"], row["sender"]): row for row in read(engine, "delivery_health").iter_rows(named=True)}
    told = ("is_expected", "is_received", "status", "on_time", "errors", "refusals", "rows_read")
    assert [health["readiness_report", "kedrovy"][name] for name in told] == [
        True,
        False,
        "missing",
        None,
        None,
        None,
        None,
    ]
    assert [health["readiness_report", "asinovsky"][name] for name in told] == [True, True, "refused", True, 0, 1, 3]
    # 17:30 UTC of the 11th is already the 12th in Tomsk
    assert [health["readiness_report", "chainsky"][name] for name in told] == [True, True, "partial", False, 1, 0, 4]
    assert [health["registration_export", "regional_operator"][name] for name in told[:4]] == [
        True,
        True,
        "accepted",
        True,
    ]
    assert ("readiness_summary", "department") not in health
    failures = read(engine, "rule_failures")
    assert failures.select("rule", "sender", "failures", "failed_rows", "failed_schools").rows() == [
        ("COM-012", "asinovsky", 1, 0, 0), ("RDY-010", "chainsky", 1, 1, 1),
    ]  # fmt: skip


def test_control_totals_stand_beside_what_was_computed(engine: sa.Engine, small: dict[str, int]) -> None:
    totals = pl.DataFrame(
        [
            (None, "accepted", 241.0, 244.0, -3.0, 0.0, "disagrees"),
            ("chainsky", "balance", 1.0, -1.0, 2.0, 0.0, "disagrees"),
        ],
        schema=CONTROL_TOTALS,
        orient="row",
    )
    loaded(engine, replace(plan({"asinovsky": 100, "chainsky": 50}), control_totals=totals), NOON + HOUR)
    publish(engine, "69", [DAY])
    told = read(engine, "control_totals").select("reporting_unit_name", "metric", "stated", "computed", "difference")
    assert told.rows() == [
        ("Чаинский муниципальный район", "balance", 1.0, -1.0, 2.0),
        ("Итого", "accepted", 241.0, 244.0, -3.0),
    ]


@pytest.mark.parametrize(("accepted", "band", "gap"), [(50, "red", False), (51, "amber", False), (80, "green", False)])
def test_bands_begin_at_their_lower_bound(module_database_url: str, accepted: int, band: str, gap: bool) -> None:
    assert band_of(module_database_url, accepted, 100) == (band, gap)


def test_the_gap_of_the_rule_is_marked(module_database_url: str) -> None:
    assert band_of(module_database_url, 56, 110) == ("red", True)
    assert band_of(module_database_url, 196, 195) == ("green", False)
    assert band_of(module_database_url, 0, 0) == ("no_data", False)


def band_of(url: str, numerator: int, denominator: int) -> tuple[str, bool]:
    statement = sa.text(
        "SELECT band, in_rule_gap FROM ref.band_of("
        "'69', ref.band_rule_at('69', '2023-09-08'), cast(:n AS numeric) / nullif(:d, 0))"
    )
    with connect(url).connect() as connection:
        band, gap = connection.execute(statement, {"n": numerator, "d": denominator}).one()
        return band, gap


def test_readers_of_marts_get_the_band_of_the_region_and_not_the_rules(seed_engine: sa.Engine) -> None:
    """The view of the region chooses the band for whoever reads it, who may not look into ref himself."""
    with seed_engine.connect() as connection:
        connection.execute(sa.text("SET ROLE bi_reader"))
        told = sa.text("SELECT band, in_rule_gap, accepted, schools FROM mart.readiness_region")
        assert connection.execute(told).one() == ("green", False, 244, 285)
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied for schema ref"):
            connection.execute(sa.text("SELECT * FROM ref.band_of('69', '2023', 0.9)"))


def test_the_register_of_a_date(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert register(connection, "69").is_empty()
        assert register(connection, "69").schema["school_id"] == pl.Int64
    loaded(engine, school_register({"asinovsky": 20}))
    loaded(engine, school_register({"asinovsky": 21}, as_of=dt.date(2024, 9, 1)))
    with engine.connect() as connection:
        heights = [
            register(connection, "69", day).height for day in (dt.date(2020, 1, 1), DAY, dt.date(2024, 9, 1), None)
        ]
        assert heights == [20, 20, 21, 21]
        versions = """
            SELECT valid_from::text, valid_to::text FROM ref.school
            WHERE school_code = 'asinovsky-1' ORDER BY ref.school.valid_from
        """
        found = connection.execute(sa.text(versions)).tuples().all()
        assert found == [("-infinity", "2024-09-01"), ("2024-09-01", "infinity")]
        names = register(connection, "69").columns
    assert names == ["school_id", "school_code", "short_name", "full_name", "territory", "subordination", "pupils_6_11"]
