"""The head's first look: every system of the source a row, with its figure, its band, and how it was a week ago.

Slow: three dates of the region of the source are published.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import SEED, load_seed, loaded, reading, report

from contracts.vocabulary import rows
from warehouse.marts.definitions import views
from warehouse.marts.publication import publish
from warehouse.marts.published import mart_named
from warehouse.schema.upgrade import connect
from warehouse.watch.systems import systems_at

OF_MARTS = [row for row in rows("system_figures") if row["mart"]]
FIRST, SECOND, THIRD = dt.date(2023, 9, 8), dt.date(2023, 9, 11), dt.date(2023, 9, 18)


@pytest.fixture(scope="module")
def weeks(module_database_url: str) -> Iterator[sa.Engine]:
    """The region of the source; on the eleventh Асиновский sends a report on all of its twelve schools."""
    engine = connect(module_database_url)
    ids = load_seed(engine)
    nowhere = {"profession": ["Повар"], "hours": [122], "provider": ["Колледж № 1"], "study_form": ["part_time"]}
    loaded(engine, reading("programme_catalogue", "regional_operator", pl.DataFrame(nowhere)))
    of_a_class = {"school_id": [ids["asinovsky-1"]], "grade": [10], "letter": ["А"], "profile_kind": ["medical"]}
    loaded(engine, reading("profile_classes", "asinovsky", pl.DataFrame(of_a_class)))
    publish(engine, "69", [FIRST])
    loaded(engine, report(ids, "asinovsky", range(1, 13), as_of=SECOND))
    publish(engine, "69", [SECOND, THIRD])
    yield engine
    engine.dispose()


def profile(engine: sa.Engine, as_of: dt.date, relation: str = "mart.region_profile") -> dict[str, dict[str, Any]]:
    with engine.connect() as connection:
        statement = sa.text(f"SELECT * FROM {relation} WHERE region = '69' AND as_of = :as_of ORDER BY position")
        return {row["system"]: dict(row) for row in connection.execute(statement, {"as_of": as_of}).mappings()}


def test_every_system_has_a_row_in_its_order(weeks: sa.Engine) -> None:
    found = profile(weeks, FIRST)
    assert list(found) == [row["system"] for row in rows("systems")]
    assert [row["position"] for row in found.values()] == list(range(1, len(found) + 1))


def test_the_region_of_the_source(weeks: sa.Engine) -> None:
    found = profile(weeks, FIRST)
    ready, registered = found["readiness"], found["registration"]
    assert (ready["figure"], ready["whole"], ready["band"]) == (244, 285, "green")
    assert (ready["lacks"], ready["lacks_words"], ready["units_silent"]) == (23, "школ без отчёта", 0)
    assert (registered["figure"], registered["whole"], registered["band"]) == (4828, 11254, "red")
    assert registered["units_expected"] is None, "an office sends the export"
    assert (ready["before_as_of"], ready["figure_before"]) == (None, None)


def test_what_nobody_sent_is_unknown_and_not_nought(weeks: sa.Engine) -> None:
    meetings = profile(weeks, FIRST)["meetings"]
    assert (meetings["figure"], meetings["figure_rate"], meetings["band"]) == (None, None, "no_data")
    assert (meetings["units_sent"], meetings["units_silent"]) == (0, 21)


def test_a_week_before_stands_beside(weeks: sa.Engine) -> None:
    row = profile(weeks, THIRD)["readiness"]
    assert (row["figure"], row["figure_before"], row["whole_before"]) == (252, 252, 285)
    assert row["before_as_of"] == SECOND
    assert row["rate_change"] == 0
    assert profile(weeks, SECOND)["readiness"]["before_as_of"] is None, "three days are no week"


def test_figures_are_those_that_a_night_prints(weeks: sa.Engine) -> None:
    with weeks.connect() as connection:
        printed = {each.system: each for each in systems_at(connection, "69", FIRST)}
    found = profile(weeks, FIRST)
    for row in rows("system_figures"):
        shown, told = found[row["system"]], printed[row["system"]]
        assert (shown["figure"], shown["whole"]) == (told.figure, told.of), row["system"]
        assert (shown["units_sent"], shown["units_expected"]) == (told.sent, told.senders), row["system"]
        assert shown["band"] == told.band, row["system"]


def test_every_system_has_a_figure_or_says_why_it_has_none(weeks: sa.Engine) -> None:
    """What states no figure says so in the vocabulary; of others the night says whether anybody has sent anything."""
    assert {row["system"] for row in rows("system_figures")} == {row["system"] for row in rows("systems")}
    assert all(row["mart"] or row["no_figure"] for row in rows("system_figures"))
    found = profile(weeks, FIRST)
    assert all((row["figure"] is None) == bool(row["no_figure_words"]) for row in found.values())
    assert found["readiness"]["no_figure_words"] is None
    assert found["first_profession"]["no_figure_words"] == "документов нет: форму никто не прислал"
    assert found["catalogues"]["no_figure_words"] == "программы есть, но где им учат, каталог не говорит"
    assert found["assignments"]["no_figure_words"] == "документов нет: форму никто не прислал"
    assert found["profile"]["no_figure_words"] == "документы есть, но на эту дату цифры из них нет"


@pytest.mark.parametrize("row", OF_MARTS, ids=lambda row: row["system"])
def test_a_figure_is_of_a_published_mart_that_the_profile_reads(row: dict[str, str]) -> None:
    (view,) = (view for view in views() if view.name == "region_profile")
    behind = mart_named(row["mart"])  # of a view that is closed to units what it is made of is read anew
    assert {row["mart"]} <= view.marts_read or (behind.is_view and behind.marts_read <= view.marts_read)
    named = {row["figure"], row["of"], *filter(None, (row["lacks"], row["band_rule"]))}
    assert named <= mart_named(row["mart"]).captions.keys()
    assert row["system"] in {system["system"] for system in rows("systems")}
    assert bool(row["lacks"]) == bool(row["lacks_words"])


def units(engine: sa.Engine, as_of: dt.date) -> dict[str, dict[str, Any]]:
    with engine.connect() as connection:
        statement = sa.text(
            "SELECT * FROM mart.municipality_profile WHERE region = '69' AND as_of = :as_of ORDER BY position"
        )
        return {row["reporting_unit"]: dict(row) for row in connection.execute(statement, {"as_of": as_of}).mappings()}


OF_UNITS = [row for row in OF_MARTS if "reporting_unit" in mart_named(row["mart"]).captions]


def test_a_unit_is_one_row_of_all_systems(weeks: sa.Engine) -> None:
    found = units(weeks, FIRST)
    assert set(found) == set(SEED)
    asinovsky = found["asinovsky"]
    assert (asinovsky["readiness_figure"], asinovsky["readiness_whole"], asinovsky["readiness_band"]) == (4, 12, "red")
    assert (asinovsky["registration_figure"], asinovsky["registration_band"]) == (156, "red")
    assert (asinovsky["systems"], asinovsky["systems_known"]) == (len(OF_UNITS), 2)
    assert (asinovsky["meetings_figure"], asinovsky["meetings_figure_rate"]) == (None, None), "nobody sent a list"
    assert units(weeks, SECOND)["asinovsky"]["readiness_band"] == "green"


@pytest.mark.parametrize("row", OF_UNITS, ids=lambda row: row["system"])
def test_figures_of_units_add_up_to_the_region(weeks: sa.Engine, row: dict[str, str]) -> None:
    system, whole = row["system"], profile(weeks, FIRST)[row["system"]]
    for of_unit, of_region in (("figure", "figure"), ("whole", "whole")):
        told = [unit[f"{system}_{of_unit}"] for unit in units(weeks, FIRST).values()]
        known = [figure for figure in told if figure is not None]
        assert (sum(known) if known else None) == whole[of_region]
    assert any(f"{system}_band" in view.captions for view in views()) >= bool(row["band_rule"])


def test_units_are_known_as_they_were(weeks: sa.Engine) -> None:
    with weeks.connect() as connection:
        statement = sa.text(
            "SELECT readiness_figure FROM mart.municipality_profile_as_known(:day, clock_timestamp(), '69')"
            " WHERE reporting_unit = 'asinovsky'"
        )
        assert connection.scalar(statement, {"day": FIRST}) == 4
        assert connection.scalar(statement, {"day": THIRD}) == 12
