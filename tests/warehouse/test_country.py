"""Marts of the country: sums of what regions published last, and who is in none of them.

Slow: two regions are loaded, published for several days, and a third is in force that never sent anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from both_regions import AMBER, TOMSK, load_region
from hand_made import DAY, now

from warehouse.marts.country import COUNTRY, of_country
from warehouse.marts.definitions import marts, views
from warehouse.marts.publication import publish
from warehouse.marts.published import mart
from warehouse.schema.upgrade import connect, upgrade

NEXT, LATER = DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=8)
SILENT = "Молчащий край"
OF_COUNTRY = [view.name for view in views() if view.audience.kind == "country"]


@pytest.fixture(scope="module")
def three(databases: Any, both_packs: Path) -> Iterator[tuple[sa.Engine, dt.datetime]]:
    """Both published for a day; then one for the next, and later for one a week on. With the moment between."""
    with databases.fresh() as url:
        engine = connect(url)
        upgrade(engine)
        assert both_packs
        load_region(engine, TOMSK, "")
        load_region(engine, AMBER, "a_")
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO ref.region (region, name, time_zone, language, position)"
                    " VALUES ('87', :name, 'Asia/Anadyr', 'ru', 3)"
                ),
                {"name": SILENT},
            )
            note_listed(connection, "87", "2023-09-01 00:00Z")
        publish(engine, TOMSK, [DAY])
        publish(engine, AMBER, [DAY])
        before = now(engine)
        publish(engine, TOMSK, [NEXT, LATER])
        yield engine, before
        engine.dispose()


def note_listed(connection: sa.Connection, region: str, at: str) -> None:
    """The warehouse knows the pack of a region since a moment."""
    connection.execute(
        sa.text(
            "INSERT INTO ref.contract_version"
            " (region, form, version, position, judges_from, fingerprints, what, listed_at)"
            " SELECT :region, form, version, position, judges_from, fingerprints, what, :at FROM ref.contract_version"
            " WHERE region = :like"
        ),
        {"region": region, "at": at, "like": TOMSK},
    )


def of_country_on(connection: sa.Connection, day: dt.date, known: dt.datetime | None = None) -> list[Any]:
    return [mart(connection, name, day, known, COUNTRY).rows() for name in OF_COUNTRY]


def row(engine: sa.Engine, name: str, day: dt.date, known: dt.datetime | None = None, **of: str) -> dict[str, Any]:
    with engine.connect() as connection:
        found = mart(connection, name, day, known, COUNTRY).iter_rows(named=True)
        return next(each for each in found if all(each[column] == value for column, value in of.items()))


def total(engine: sa.Engine, name: str, day: dt.date, region: str) -> dict[str, Any]:
    with engine.connect() as connection:
        return mart(connection, name, day, region=region).row(0, named=True)


@pytest.mark.parametrize(
    ("national", "of_region", "rate", "numerator", "denominator"),
    [
        ("national_readiness", "readiness_region", "accepted_rate", "accepted", "schools"),
        ("national_registration", "registration_region", "completion_rate", "actual_pupils", "plan_pupils"),
    ],
)
def test_a_rate_of_the_country_is_of_sums(
    three: tuple[sa.Engine, dt.datetime], national: str, of_region: str, rate: str, numerator: str, denominator: str
) -> None:
    engine, _ = three
    regions = [total(engine, of_region, DAY, code) for code in (TOMSK, AMBER)]
    told = row(engine, national, DAY)
    assert told[numerator] == told[f"{rate}_of"] == sum(each[numerator] for each in regions)
    assert told[denominator] == told[f"{rate}_in"] == sum(each[denominator] for each in regions)
    assert float(told[rate]) == pytest.approx(float(Fraction(told[f"{rate}_of"], told[f"{rate}_in"])))
    assert sum(told[f"regions_{band}"] for band in ("green", "amber", "red", "no_data")) == 2
    assert (told["regions"], told["regions_told"], told["regions_of_day"]) == (3, 2, 2)
    assert told["regions_final"] == sum(each["is_final"] for each in regions)


def test_who_published_nothing_is_absent_and_named_and_the_rest_is_not_final(
    three: tuple[sa.Engine, dt.datetime],
) -> None:
    engine, _ = three
    told = row(engine, "national_readiness", DAY)
    assert (told["regions_absent"], told["is_final"]) == (SILENT, False)
    assert told["completeness"] == pytest.approx(2 / 3)
    silent = row(engine, "national_regions", DAY, region_code="87")
    assert (silent["region_as_of"], silent["last_as_of"], silent["systems_told"]) == (None, None, 0)
    assert (silent["readiness_figure"], silent["readiness_band"], silent["is_final"]) == (None, None, False)


def test_of_each_region_its_last_day_counts_for_a_week(three: tuple[sa.Engine, dt.datetime]) -> None:
    """Its clock may be behind, or its night has failed; after a week its figures are no figures of the day any more."""
    engine, _ = three
    next_day = row(engine, "national_readiness", NEXT)
    assert (next_day["regions_told"], next_day["regions_of_day"], next_day["earliest_as_of"]) == (2, 1, DAY)
    assert row(engine, "national_regions", NEXT, region_code=AMBER)["region_as_of"] == DAY
    later = row(engine, "national_readiness", LATER)
    assert later["regions_told"] == 1 and "Янтарный край" in later["regions_absent"]
    gone = row(engine, "national_regions", LATER, region_code=AMBER)
    assert (gone["region_as_of"], gone["last_as_of"]) == (None, DAY)


def test_the_past_is_shown_as_it_was_known(three: tuple[sa.Engine, dt.datetime]) -> None:
    engine, before = three
    with engine.connect() as connection:
        for name in OF_COUNTRY:
            assert mart(connection, name, NEXT, before, COUNTRY).is_empty(), "nobody had published the day"
            then, now_ = (mart(connection, name, DAY, known, COUNTRY) for known in (before, None))
            assert then.equals(now_) and not then.is_empty()
        asked = {"day": DAY, "known": before}
        everywhere = "SELECT DISTINCT region FROM mart.national_readiness_as_known(:day, :known)"
        assert connection.scalars(sa.text(everywhere), asked).all() == [COUNTRY]


def test_a_newcomer_is_awaited_from_the_day_on_which_it_came_and_moves_no_day_before(
    three: tuple[sa.Engine, dt.datetime],
) -> None:
    """By its own clock: at eight in the evening in London it is the next day in Анадырь."""
    engine, before = three
    came = dt.date(2026, 11, 15)
    with engine.connect() as connection:
        asked = ((DAY, before), (DAY, None), (NEXT, None), (LATER, None))
        past = [of_country_on(connection, *each) for each in asked]
        connection.execute(
            sa.text(
                "INSERT INTO ref.region (region, name, time_zone, language, position)"
                " VALUES ('86', 'Новый край', 'Asia/Anadyr', 'ru', 4)"
            )
        )
        note_listed(connection, "86", f"{came - dt.timedelta(days=1)} 20:00Z")
        connection.execute(
            sa.text("INSERT INTO ops.publication (region, as_of, published_at) SELECT '69', d, ops.clock()"
                    " FROM unnest(cast(:days AS date[])) AS d"),
            {"days": [came - dt.timedelta(days=1), came]},
        )  # fmt: skip
        assert [of_country_on(connection, *each) for each in asked] == past
        codes = [
            mart(connection, "national_regions", day, None, COUNTRY)["region_code"].to_list()
            for day in (came - dt.timedelta(days=1), came)
        ]
        assert ("86" in codes[0], "86" in codes[1]) == (False, True)
        connection.execute(sa.text("UPDATE ref.contract_version SET listed_at = 'infinity' WHERE region = '86'"))
        assert "86" not in mart(connection, "national_regions", came, None, COUNTRY)["region_code"].to_list(), (
            "it was not known by then"
        )
        connection.execute(
            sa.text("INSERT INTO ops.publication (region, as_of, published_at) VALUES ('86', :day, ops.clock())"),
            {"day": LATER},
        )
        assert "86" in mart(connection, "national_regions", came, None, COUNTRY)["region_code"].to_list()
        assert [of_country_on(connection, *each) for each in asked[:3]] == past[:3]


def test_a_region_that_left_counts_as_long_as_its_figures_do(three: tuple[sa.Engine, dt.datetime]) -> None:
    engine, before = three
    with engine.connect() as connection:
        asked = ((DAY, before), (DAY, None), (NEXT, None))
        past = [of_country_on(connection, *each) for each in asked]
        connection.execute(sa.text("UPDATE ref.region SET is_listed = false WHERE region = :left"), {"left": AMBER})
        assert [of_country_on(connection, *each) for each in asked] == past
        told = mart(connection, "national_readiness", LATER, None, COUNTRY).row(0, named=True)
        assert (told["regions"], told["regions_told"], told["regions_absent"]) == (2, 1, SILENT)
        connection.execute(sa.text("UPDATE ref.region SET is_listed = false WHERE region = '87'"))
        connection.execute(
            sa.text("UPDATE history.readiness_by_municipality SET is_final = true WHERE as_of = :day"), {"day": LATER}
        )
        told = mart(connection, "national_readiness", LATER, None, COUNTRY).row(0, named=True)
        assert (told["regions"], told["regions_absent"], told["completeness"], told["is_final"]) == (1, None, 1, True)


def test_systems_and_regions_say_the_same(three: tuple[sa.Engine, dt.datetime]) -> None:
    """The figure of a system is the sum of the regions' rows; each region's band is by its own rules."""
    engine, _ = three
    with engine.connect() as connection:
        systems = {each["system"]: each for each in mart(connection, "national_systems", DAY).iter_rows(named=True)}
        regions = mart(connection, "national_regions", DAY)
    for code, told in systems.items():
        if f"{code}_figure" in regions.columns:
            figures = [each for each in regions[f"{code}_figure"].to_list() if each is not None]
            assert told["figure"] == (sum(figures) if figures else None), code
            assert told["regions_told"] == len(figures)
    assert systems["readiness"]["figure"] == row(engine, "national_readiness", DAY)["accepted"]
    bands = regions["readiness_band"].drop_nulls().to_list()
    assert [bands.count(band) for band in ("green", "amber", "red")] == [
        systems["readiness"][f"regions_{band}"] for band in ("green", "amber", "red")
    ]
    assert systems["assignments"]["regions_told"] == 0 and systems["assignments"]["figure"] is None


def test_a_total_of_a_mart_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no published mart courses"):
        of_country(":country_total courses", marts())
    assert of_country("SELECT 1", marts()) == "SELECT 1"
