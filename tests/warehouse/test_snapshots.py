"""Snapshots: a night without an export is a gap, and an academic year is a difference of calendar years."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, accepted, export, loaded, now, plan, read, school_ids, school_register, unit

from contracts.counted_pupils import Measure
from contracts.forms.registration_export.form import COUNTERS, MEASURES
from contracts.reading import Reading
from documents.demo import tomsk
from documents.demo.exports import export as export_file
from documents.demo.exports import register as register_file
from documents.reading.read import read_grid
from transforms.interpret import Context, Delivery, interpret
from transforms.pupils import PupilReading
from warehouse.marts import publication as publishing
from warehouse.marts.definitions import marts
from warehouse.marts.publication import AuditFailed, publish
from warehouse.marts.published import register

NAMES = [name for name, *_ in COUNTERS]
HOUR = dt.timedelta(hours=1)
BASE, OCTOBER, YEAR_END, FEBRUARY = (
    dt.date(2023, 8, 31), dt.date(2023, 10, 1), dt.date(2023, 12, 31), dt.date(2024, 2, 1),
)  # fmt: skip
Counts = Mapping[str, tuple[int, int]]


def snapshot(ids: Mapping[str, int], as_of: dt.date, counts: Counts, *, trials: int = 0, pupils: int = 50) -> Reading:
    """An export: school code → diagnostics of its counted and of its archived pupils; `trials` are the same in all."""
    made = export(ids, dict.fromkeys(counts, pupils), as_of=as_of)
    stated = {name: [0] * len(counts) for name, measure in MEASURES.items() if of_counters(name, measure)}
    stated["diagnostics"] = [counted for counted, _ in counts.values()]
    stated["diagnostics_pupils"] = [min(counted, pupils) for counted, _ in counts.values()]
    stated["diagnostics_archived"] = [archived for _, archived in counts.values()]
    stated["trials"] = [trials] * len(counts)
    return replace(made, facts=made.facts.with_columns(pl.Series(name, told) for name, told in stated.items()))


def of_counters(name: str, measure: Measure) -> bool:
    assert measure.title, name
    return not {"state"}.issuperset(measure.per_pupil.meta.root_names())


def row(engine: sa.Engine, code: str, as_of: dt.date, known_at: dt.datetime | None = None) -> dict[str, object]:
    told = read(engine, "activity_by_school", as_of, known_at)
    return told.row(by_predicate=pl.col("school_code") == code, named=True)


def told(found: dict[str, object], *names: str) -> list[object]:
    return [found[name] for name in names]


@pytest.fixture
def ids(engine: sa.Engine) -> dict[str, int]:
    loaded(engine, school_register({"asinovsky": 2, "chainsky": 1}))
    return school_ids(engine)


def test_an_academic_year_is_a_difference_of_snapshots(engine: sa.Engine, ids: dict[str, int]) -> None:
    one, two, late = "asinovsky-1", "asinovsky-2", "chainsky-1"
    for made in (
        snapshot(ids, BASE, {one: (40, 5), two: (3, 0)}),
        snapshot(ids, OCTOBER, {one: (35, 20), two: (3, 0), late: (4, 0)}),
        snapshot(ids, YEAR_END, {one: (60, 20), two: (9, 0), late: (4, 0)}),
    ):
        loaded(engine, made)
    accepted(engine, loaded(engine, snapshot(ids, FEBRUARY, {one: (7, 0), two: (0, 0)})))  # a school less
    publish(engine, "69", [OCTOBER, YEAR_END, FEBRUARY])
    shown = ("status", "calendar_year", "academic_year", "diagnostics", "diagnostics_academic_year")
    assert told(row(engine, one, OCTOBER), *shown) == ["complete", 2023, 2023, 35, 10]
    assert told(row(engine, one, YEAR_END), *shown) == ["complete", 2023, 2023, 60, 35]
    assert told(row(engine, one, FEBRUARY), *shown) == ["complete", 2024, 2023, 7, 42]
    assert told(row(engine, two, FEBRUARY), *shown) == ["complete", 2024, 2023, 0, 6]
    # not in the snapshot of August: none then; not in that of February: none since
    assert told(row(engine, late, OCTOBER), *shown) == ["complete", 2023, 2023, 4, 4]
    assert told(row(engine, late, FEBRUARY), *shown) == ["complete", 2024, 2023, 0, 4]
    assert told(row(engine, one, FEBRUARY), "base_as_of", "year_end_as_of", "export_as_of") == [
        BASE,
        YEAR_END,
        FEBRUARY,
    ]
    assert row(engine, one, OCTOBER)["year_end_as_of"] is None
    assert told(row(engine, one, OCTOBER), "diagnostics_pupils", "is_final", "completeness") == [35, True, 1.0]

    district = unit(engine, "activity_by_municipality", "asinovsky", FEBRUARY)
    assert told(district, "position", "schools", "schools_complete", *shown) == [1, 2, 2, "complete", 2024, 2023, 7, 48]
    region = read(engine, "activity_region", FEBRUARY).row(0, named=True)
    assert told(region, "schools", "schools_complete", *shown) == [3, 3, "complete", 2024, 2023, 7, 52]


@pytest.mark.parametrize(
    ("there", "as_of", "status"),
    [
        ((BASE, YEAR_END), OCTOBER, "no_export"),
        ((dt.date(2023, 8, 30), dt.date(2023, 9, 1), OCTOBER), OCTOBER, "no_base"),
        ((BASE, dt.date(2023, 12, 30), dt.date(2024, 1, 1), FEBRUARY), FEBRUARY, "no_year_end"),
    ],
)
def test_a_snapshot_of_another_day_replaces_none(
    engine: sa.Engine, ids: dict[str, int], there: tuple[dt.date, ...], as_of: dt.date, status: str
) -> None:
    for day in there:
        loaded(engine, snapshot(ids, day, {"asinovsky-1": (40, 0)}))
    publish(engine, "69", [as_of])
    found = row(engine, "asinovsky-1", as_of)
    assert found["status"] == status
    assert told(found, *(f"{name}_academic_year" for name in NAMES)) == [None] * 5
    assert found["diagnostics"] == (None if status == "no_export" else 40)
    assert found["is_final"] is False
    region = read(engine, "activity_region", as_of).row(0, named=True)
    assert told(region, "status", "schools_complete", "diagnostics_academic_year") == [status, 0, None]


def test_a_counter_that_fell_has_no_difference(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, snapshot(ids, BASE, {"asinovsky-1": (40, 0), "asinovsky-2": (1, 0)}, trials=1))
    loaded(engine, snapshot(ids, OCTOBER, {"asinovsky-1": (39, 0), "asinovsky-2": (3, 0)}, trials=4))
    publish(engine, "69", [OCTOBER])
    figures = ("status", "diagnostics", "diagnostics_academic_year", "trials_academic_year")
    assert told(row(engine, "asinovsky-1", OCTOBER), *figures) == ["inconsistent", 39, None, 3]
    assert told(row(engine, "asinovsky-2", OCTOBER), *figures) == ["complete", 3, 2, 3]
    district = unit(engine, "activity_by_municipality", "asinovsky", OCTOBER)
    assert told(district, "schools_inconsistent", *figures) == [1, "partial", 42, 2, 6]


def test_a_fall_before_the_new_year_is_not_made_up_for_after_it(engine: sa.Engine, ids: dict[str, int]) -> None:
    for day, count in ((BASE, 40), (YEAR_END, 39), (FEBRUARY, 20)):
        loaded(engine, snapshot(ids, day, {"asinovsky-1": (count, 0)}))
    publish(engine, "69", [FEBRUARY])
    assert told(row(engine, "asinovsky-1", FEBRUARY), "status", "diagnostics_academic_year") == ["inconsistent", None]


def test_a_counter_that_an_export_does_not_state_is_unknown(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, snapshot(ids, BASE, {"asinovsky-1": (40, 0)}))
    loaded(engine, export(ids, {"asinovsky-1": 50}, as_of=OCTOBER))
    publish(engine, "69", [OCTOBER])
    for code in ("asinovsky-1", "chainsky-1"):
        figures = ("status", "diagnostics", "diagnostics_pupils", "diagnostics_academic_year")
        assert told(row(engine, code, OCTOBER), *figures) == ["not_stated", None, None, None]
    assert read(engine, "activity_region", OCTOBER)["diagnostics"].to_list() == [None]


def test_a_snapshot_that_comes_late_is_known_from_then_on(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, snapshot(ids, OCTOBER, {"asinovsky-1": (44, 0)}))
    publish(engine, "69", [OCTOBER])
    evening = now(engine)
    late = loaded(engine, snapshot(ids, BASE, {"asinovsky-1": (40, 0)}), NOON + HOUR)
    assert late.status == "current"
    publish(engine, "69", [OCTOBER])
    figures = ("status", "base_as_of", "diagnostics_academic_year")
    assert told(row(engine, "asinovsky-1", OCTOBER), *figures) == ["complete", BASE, 4]
    assert told(row(engine, "asinovsky-1", OCTOBER, evening), *figures) == ["no_base", None, None]
    before = read(engine, "activity_region", OCTOBER, evening).row(0, named=True)
    assert told(before, "status", "diagnostics_academic_year") == ["no_base", None]
    assert row(engine, "asinovsky-1", OCTOBER)["known_at"] > evening


def test_the_snapshot_of_a_gap_has_rows_and_no_figures(engine: sa.Engine, ids: dict[str, int]) -> None:
    gap = DAY + dt.timedelta(days=2)
    loaded(engine, snapshot(ids, DAY, {"asinovsky-1": (40, 5), "chainsky-1": (1, 0)}))
    publish(engine, "69", [DAY, gap])
    shown = (
        "school_code",
        "grade",
        "is_gap",
        "days_since_export",
        "actual_pupils",
        "diagnostics",
        "diagnostics_pupils",
    )
    assert read(engine, "registration_snapshot", DAY).select(shown).rows() == [
        ("asinovsky-1", 9, False, 0, 50, 40, 40), ("chainsky-1", 9, False, 0, 50, 1, 1),
    ]  # fmt: skip
    assert read(engine, "registration_snapshot", gap).select(shown).rows() == [
        ("asinovsky-1", 9, True, 2, None, None, None), ("chainsky-1", 9, True, 2, None, None, None),
    ]  # fmt: skip
    assert read(engine, "registration_snapshot", gap)["export_as_of"].unique().to_list() == [DAY]


def nights(
    engine: sa.Engine, as_of: dt.date, grain: str, code: str, known_at: dt.datetime | None = None
) -> list[tuple[object, ...]]:
    shown = read(engine, "registration_nights", as_of, known_at).filter(grain=grain, code=code)
    return shown.select("night", "is_gap", "days_since_export", "actual_pupils").rows()


def test_a_missing_night_is_a_gap_in_the_series(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, plan({"asinovsky": 100}))
    days = [dt.date(2023, 9, number) for number in range(1, 7)]
    for day, pupils in ((days[1], 10), (days[4], 40), (days[5], 45)):
        loaded(engine, snapshot(ids, day, {"asinovsky-1": (0, 0)}, pupils=pupils))
    publish(engine, "69", [days[1], days[2], *days[4:]])  # nothing at all was published for the 1st and the 4th
    series: list[tuple[object, ...]] = [
        (days[0], True, None, None), (days[1], False, 0, 10), (days[2], True, 1, None), (days[3], True, 2, None),
        (days[4], False, 0, 40), (days[5], False, 0, 45),
    ]  # fmt: skip
    assert nights(engine, days[5], "school", "asinovsky-1") == series
    assert nights(engine, days[5], "unit", "asinovsky") == series
    assert nights(engine, days[2], "school", "asinovsky-1") == series[:3]
    # with an export, a school that it does not name has none: a zero, where a gap has nothing
    assert nights(engine, days[1], "school", "chainsky-1")[1] == (days[1], False, 0, 0)

    evening = now(engine)
    loaded(engine, snapshot(ids, days[2], {"asinovsky-1": (0, 0)}, pupils=25), NOON + HOUR)
    publish(engine, "69", days[2:])
    mended = [*series[:2], (days[2], False, 0, 25), (days[3], True, 1, None), *series[4:]]
    assert nights(engine, days[5], "school", "asinovsky-1") == mended
    assert nights(engine, days[5], "unit", "asinovsky", evening) == series
    assert nights(engine, days[5], "unit", "asinovsky", now(engine)) == mended


def test_a_series_begins_with_the_academic_year(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, snapshot(ids, BASE, {"asinovsky-1": (0, 0)}))
    publish(engine, "69", [BASE, dt.date(2023, 9, 1)])
    august = nights(engine, BASE, "school", "asinovsky-1")
    assert (august[0][0], len(august), august[-1]) == (dt.date(2022, 9, 1), 365, (BASE, False, 0, 50))
    assert nights(engine, dt.date(2023, 9, 1), "school", "asinovsky-1") == [(dt.date(2023, 9, 1), True, None, None)]


def test_bi_reads_the_series_and_its_past(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, snapshot(ids, DAY, {"asinovsky-1": (1, 0)}))
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        connection.execute(sa.text("SET ROLE bi_reader"))
        for relation in ("mart.registration_nights", "mart.registration_nights_as_known('2023-09-08', now())"):
            many = connection.scalar(sa.text(f"SELECT count(*) FROM {relation} WHERE grain = 'school' AND NOT is_gap"))
            assert many == 3
        for name in ("activity_by_municipality", "activity_region", "registration_snapshot"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM mart.{name}"))


@pytest.mark.parametrize(
    ("mart", "was", "becomes", "check"),
    [
        ("activity_by_school", ":as_of), 8, 31)", ":as_of), 8, 30)", "academic_year_is_a_difference"),
        (
            "activity_by_school",
            "CASE WHEN each.autumn >= 0 THEN",
            "CASE WHEN true THEN",
            "academic_year_is_a_difference",
        ),
        ("activity_by_school", "sum(f.diagnostics)::bigint", "max(f.diagnostics)::bigint + 1", "snapshot_loses_nobody"),
        ("registration_snapshot", " FILTER (WHERE h.as_of = :as_of)", "", "snapshot_gap_is_empty"),
        ("registration_snapshot", "l.as_of <> :as_of AS", "false AS", "snapshot_gap_is_empty"),
    ],
)
def test_a_wrong_snapshot_is_not_published(
    engine: sa.Engine,
    ids: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    mart: str,
    was: str,
    becomes: str,
    check: str,
) -> None:
    gap = OCTOBER + dt.timedelta(days=1)
    for day in (BASE - dt.timedelta(days=1), BASE):
        loaded(engine, snapshot(ids, day, {"asinovsky-1": (40, 0)}))
    loaded(engine, snapshot(ids, OCTOBER, {"asinovsky-1": (39, 0)}))
    publish(engine, "69", [OCTOBER, gap])
    assert any(each.name == mart and was in each.select for each in marts())
    broken = tuple(
        replace(each, select=each.select.replace(was, becomes)) if each.name == mart else each for each in marts()
    )
    monkeypatch.setattr(publishing, "marts", lambda: broken)
    with pytest.raises(AuditFailed, match=check):
        publish(engine, "69", [OCTOBER, gap])


def test_files_of_the_platform(engine: sa.Engine) -> None:
    """Exports as the platform writes them, of August and October: some did more, and some were archived since."""
    region = tomsk()
    codes = region.schools["school_code"].head(40).to_list()
    names = region.schools.filter(pl.col("school_code").is_in(codes))["short_name"]
    august = region.pupils.filter(pl.col("short_name").is_in(names.implode()), state="registered")
    august = august.with_columns(last_login=pl.lit(dt.date(2023, 3, 1)))
    done = pl.int_range(pl.len()) % 3
    archived = pl.int_range(pl.len()) % 10 == 0
    october = august.with_columns(
        diagnostics=pl.col("diagnostics") + done,
        archived_on=pl.when(archived).then(pl.lit(dt.date(2023, 9, 15))),
    )
    loaded(engine, interpreted(register_file(region), "Реестр.xlsx", "department", dt.date(2023, 9, 1), None))
    with engine.connect() as connection:
        schools = register(connection, "69")
    for day, pupils in ((BASE, august), (OCTOBER, october)):
        ending, data = export_file(replace(region, as_of=day, pupils=pupils))
        made = interpreted(data, f"Сводный отчёт по ученикам.{ending}", "regional_operator", day, schools)
        assert made.verdict == "accepted"
        loaded(engine, made)
    publish(engine, "69", [OCTOBER])
    region_row = read(engine, "activity_region", OCTOBER).row(0, named=True)
    counted = october.filter(pl.col("archived_on").is_null())
    assert region_row["diagnostics"] == counted["diagnostics"].sum()
    assert region_row["diagnostics_pupils"] == (counted["diagnostics"] > 0).sum()
    assert region_row["diagnostics_academic_year"] == august.select(done.sum()).item() > 0
    assert region_row["trials_academic_year"] == 0
    assert region_row["schools_complete"] == region_row["schools"] == 285


def interpreted(data: bytes, name: str, sender: str, as_of: dt.date, schools: pl.DataFrame | None) -> Reading:
    delivery = Delivery(name, "0" * 64, sender, NOON, read_grid(name, data))
    (found,) = interpret([delivery], Context(register=schools, secret=b"test", as_of=as_of))
    if not isinstance(found, PupilReading):
        assert isinstance(found, Reading)
        return found
    for _ in found:
        pass
    return found.reading()
