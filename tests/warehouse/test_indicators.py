"""`mart.indicators`: every figure that marts state, one to a row, against sums made here of rows made up for each."""

import json
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import DAY, now, read

from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart, marts, views
from warehouse.marts.publication import publish

TELLING = [
    mart
    for mart in marts()
    if (mart.stated.measures or mart.stated.rates) and mart.grain != "sender" and mart.subject != "across"
]
SCHOOLS = {"asinovsky-1": "asinovsky", "asinovsky-2": "asinovsky", "chainsky-1": "chainsky"}
MADE = {
    "текст": "-",
    "целое": 1,
    "число": 1,
    "доля": 0,
    "да/нет": True,
    "дата": "2023-09-08",
    "момент": "2023-09-08T05:00Z",
}
Figure = tuple[str, str, str, str | None, str | None]
"""Mart, metric, grain, reporting unit, school."""
Said = tuple[Decimal | None, Decimal | None, Decimal | None, str | None]
"""Numerator, denominator, value, band."""


def rows_of(mart: Mart, seed: random.Random) -> list[dict[str, Any]]:
    """Two rows for each school, or each unit and one of them twice, or two of the region; here and there unknown."""
    whose = list(SCHOOLS.items())
    if mart.grain == "unit":
        whose = [("", unit) for unit in dict.fromkeys(SCHOOLS.values())]
    rows = []
    for number, (school, unit) in enumerate(whose * (1 if mart.grain else 2), 1):
        row = {column: MADE[kind(column, *mart.kinds)[0]] for column in mart.columns}
        row |= {"region": "69", "as_of": str(DAY), "position": number, "completeness": number / 10}
        row |= {"is_final": number > 2, "school_code": school, "reporting_unit": unit, "band": "green"}
        row |= {column: seed.choice([None, 0, 3, 7]) for column in mart.stated.measures}
        for rate in mart.stated.rates:
            row |= {rate.numerator: seed.choice([None, 2, 5]), rate.denominator: seed.choice([None, 0, 8])}
        for rate in mart.stated.rates:  # once all are there: two rates may share a column
            row[rate.name] = share(row[rate.numerator], row[rate.denominator])
        rows.append(row | {"published_at": "2023-09-09T05:00Z", "replaced_at": "infinity"})
    return rows


def share(numerator: Any, denominator: Any) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None


def total(values: list[Any]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def told(mart: Mart, rows: list[dict[str, Any]], grain: str) -> dict[Figure, tuple[Any, ...]]:
    """What the rows of a mart say for each of a grain."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["reporting_unit"] if grain != "region" else None,
               row["school_code"] if grain == "school" else None].append(row)  # fmt: skip
    found: dict[Figure, tuple[Any, ...]] = {}
    for (unit, school), group in groups.items():
        for measure in mart.stated.measures:
            value = total([row[measure] for row in group])
            found[mart.name, measure, grain, unit, school] = (value, None, value, None)
        for rate in mart.stated.rates:
            pairs = [(row[rate.numerator], row[rate.denominator]) for row in group]
            if grain != mart.grain:
                pairs = [pair for pair in pairs if None not in pair]
            top, bottom = total([top for top, _ in pairs]), total([bottom for _, bottom in pairs])
            band = group[0][rate.band] if rate.band and grain == mart.grain else None
            found[mart.name, rate.name, grain, unit, school] = (top, bottom, share(top, bottom), band)
    return found


def test_every_figure_of_every_mart_is_there_and_nothing_else(engine: sa.Engine, small: dict[str, int]) -> None:
    """Slow: publishes every mart, and fills each that states figures."""
    publish(engine, "69", [DAY])
    seed = random.Random(16)
    expected: dict[Figure, tuple[Any, ...]] = {}
    by_units = {(mart.subject, name) for mart in TELLING if mart.grain == "unit" for name in figures(mart)}
    with engine.begin() as connection:
        for mart in TELLING:
            rows = rows_of(mart, seed)
            connection.execute(sa.text(f"DELETE FROM {mart.history}"))
            made = f"SELECT * FROM jsonb_populate_recordset(NULL::{mart.history}, :rows)"
            connection.execute(sa.text(f"INSERT INTO {mart.history} {made}"), {"rows": json.dumps(rows)})
            if "school_code" in mart.columns:
                expected |= told(mart, rows, "school")
                of_units = told(mart, rows, "unit")
                expected |= {key: said for key, said in of_units.items() if (mart.subject, key[1]) not in by_units}
            else:
                expected |= told(mart, rows, "unit" if "reporting_unit" in mart.columns else "region")
    found = read(engine, "indicators", DAY)
    key = ("mart", "metric", "grain", "reporting_unit", "school_code")
    said = {row[:5]: row[5:] for row in found.select(*key, "numerator", "denominator", "value", "band").iter_rows()}
    assert len(said) == found.height
    assert said.keys() == expected.keys()
    wrong = {each: (said[each], expected[each]) for each in said if not same(said[each], expected[each])}
    assert wrong == {}
    assert {grain for _, _, grain, _, _ in said} == {"school", "unit", "region"}
    assert found["position"].n_unique() == found.height
    banded = found.filter(pl.col("band").is_not_null())
    assert set(banded["metric"]) == {rate.name for mart in TELLING for rate in mart.stated.rates if rate.band}
    summed = found.filter(mart="hours_delivery", metric="hours_given", school_code="asinovsky-1").row(0, named=True)
    assert (summed["completeness"], summed["is_final"]) == (0.1, False)
    assert read(engine, "indicators", DAY, now(engine)).equals(found)


def figures(mart: Mart) -> set[str]:
    return {*mart.stated.measures, *(rate.name for rate in mart.stated.rates)}


def same(said: tuple[Any, ...], expected: tuple[Any, ...]) -> bool:
    return all(
        left == right if None in (left, right) or isinstance(left, str) else float(left) == pytest.approx(float(right))
        for left, right in zip(said, expected, strict=True)
    )


def test_one_question_serves_all_systems(seed_engine: sa.Engine) -> None:
    """The shares of the source, by the sums that a chart makes."""
    with seed_engine.connect() as connection:
        asked = sa.text(
            "SELECT system, metric, sum(numerator)::int, sum(denominator)::int FROM mart.indicators"
            " WHERE grain = 'unit' AND is_rate AND metric IN ('accepted_rate', 'completion_rate') GROUP BY 1, 2"
        )
        assert set(connection.execute(asked).tuples()) == {
            ("readiness", "accepted_rate", 244, 285), ("registration", "completion_rate", 4828, 11254),
        }  # fmt: skip
        bands = sa.text(
            "SELECT band, count(*) FROM mart.indicators_latest"
            " WHERE metric = 'accepted_rate' AND grain = 'unit' GROUP BY 1"
        )
        assert dict(connection.execute(bands).tuples().all()) == {"green": 17, "amber": 2, "red": 2}


def test_a_figure_is_of_its_system() -> None:
    """By the data that say whose it is; events of the platform are of none of the sixteen."""
    (view,) = (view for view in views() if view.name == "indicators")
    for metric, system in (
        ("accepted_rate", "readiness"), ("completion_rate", "registration"), ("trained_rate", "navigators"),
        ("responsible_rate", "staff"), ("pupils_planned", "coverage"), ("schools_basic", "levels"),
        ("certified", "first_profession"), ("places", "catalogues"), ("slot_rate", "timetable"),
        ("lessons_held", "journal"), ("events_held_rate", "plan"), ("practice_rate", "practice"),
    ):  # fmt: skip
        lines = [line for line in view.select.splitlines() if f"', '{metric}', '" in line]
        assert lines and all(f", '{system}', '" in line for line in lines), metric
    assert "NULL::text, NULL::text, 'masterclasses'" in view.select
