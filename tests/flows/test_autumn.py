"""Sixty nights of an autumn: what was published then can be asked for ever after, to the byte.

`make autumn` lives each of them. `make test` lives those on which something happens and some of the others, other ones
with each commit; what came in a night that is left out is taken in with the next one, so that all sixty are published.

Slow: the fixture lives an autumn.
"""

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from evidence import severity
from tiers import of_commit

from contracts.versions.inputs import Ledger, Line
from contracts.vocabulary import rows
from documents.demo import File, put, tomsk
from documents.demo.autumn import FILLED, GAP, MOVED, NIGHTS, autumn, moved_school
from flows.home.settings import Settings
from flows.intake import batches as reader
from flows.intake.incoming import Options
from flows.runs import ingest as ingesting
from flows.runs.ingest import ingest
from warehouse.marts.publication import publish, published_dates
from warehouse.marts.published import mart, mart_names
from warehouse.schema import reference
from warehouse.schema.upgrade import connect

pytestmark = pytest.mark.timeout(3600)
"""All sixty nights beside other tests are ten minutes, which the first test is charged with."""
SOFTER, HARDER, RENAMED = 25, 45, 40
HAPPENS = frozenset({0, GAP, FILLED, SOFTER, MOVED - 1, MOVED, RENAMED - 2, RENAMED, HARDER, NIGHTS - 1})
"""Nights that no autumn leaves out."""
OF_OTHERS = 5
"""So manieth of the others is lived, if not all are."""
LONG = ("registration_nights", "corrections", "revisions")
"""Series that grow with the autumn, kept every tenth day."""
FIGURES = {
    "readiness_by_school": "school_code, status, level",
    "readiness_by_municipality": "reporting_unit, schools, accepted, rejected, missing",
    "registration_by_school": "school_code, actual_pupils",
    "registration_by_municipality": "reporting_unit, plan_pupils, actual_pupils",
    "control_totals": "position, form, sender, stated, computed",
}
Slide = tuple[str, dt.date, dt.datetime]


@dataclass
class Autumn:
    """What was exported each night: mart, as-of date and moment → csv."""

    settings: Settings
    engine: sa.Engine
    nights: frozenset[int]
    slides: dict[Slide, str] = field(default_factory=dict)


def nights_of(commit: int) -> frozenset[int]:
    """The nights that are lived: all of them for PROFMIN_AUTUMN=all."""
    if os.environ.get("PROFMIN_AUTUMN") == "all":
        return frozenset(range(NIGHTS))
    return HAPPENS | set(range(commit % OF_OTHERS, NIGHTS, OF_OTHERS))


def test_some_commit_lives_each_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFMIN_AUTUMN", raising=False)
    assert frozenset.union(*map(nights_of, range(OF_OTHERS))) == frozenset(range(NIGHTS))


@pytest.fixture(scope="module")
def lived(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Autumn]:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), database_url=module_database_url, vouched_channels="inbox,ingest"
    )  # type: ignore[arg-type]
    settings.prepare()
    engine = connect(module_database_url)
    found = Autumn(settings, engine, nights_of(of_commit(pytestconfig)))
    patch = pytest.MonkeyPatch()
    lines = Ledger.lines
    came: list[File] = []
    try:
        for night in autumn(tomsk()):
            came += night.files
            if night.number not in found.nights:
                continue
            if night.number in (SOFTER, HARDER):
                severity("RDY-010", "warning" if night.number == SOFTER else "error")
                version = f"night {night.number}"
                for module in (reader, ingesting):
                    if hasattr(module, "contract_version"):
                        patch.setattr(module, "contract_version", lambda _region, version=version: version)
            if night.number == RENAMED:
                patch.setattr(reference, "rows", renamed)
                patch.setattr(Ledger, "lines", lambda ledger, name: renamed(name, lines(ledger, name)))
            outcomes = ingest(put(came, settings.inbox), Options(), settings)
            assert {outcome.verdict for outcome in outcomes} <= {"accepted", "partial"}
            came.clear()
            publish(engine, "69", [night.as_of])  # as the night does for its own day, whatever came
            exported(found, night.as_of)
        yield found
    finally:
        patch.undo()
        severity("RDY-010", "error")
        engine.dispose()


def renamed(name: str, told: tuple[Line, ...] | None = None) -> tuple[Line, ...]:
    """The vocabularies after a district became a municipal okrug; `told` are the lines of one."""
    told = rows(name) if told is None else told
    if name != "reporting_units":
        return told
    found = []
    for row in told:
        if row["reporting_unit"] != "parabelsky":
            found.append(row)
            continue
        found.append({**row, "valid_to": "2023-10-09"})
        found.append({**row, "name": "Парабельский муниципальный округ", "valid_from": "2023-10-10"})
    return tuple(found)


def exported(found: Autumn, as_of: dt.date) -> None:
    """Keep what an officer would have saved that evening: every mart of the day and of a week before."""
    with found.engine.connect() as connection:
        now = connection.scalar(sa.text("SELECT clock_timestamp()"))
        assert isinstance(now, dt.datetime)
        for name in mart_names():
            if name in LONG and as_of.day % 10:
                continue
            for day in (as_of, as_of - dt.timedelta(days=7)):
                found.slides[name, day, now] = mart(connection, name, day).write_csv()


def test_every_slide_can_be_shown_again(lived: Autumn) -> None:
    assert len(lived.slides) > len(lived.nights) * 2 * (len(mart_names()) - len(LONG))
    with lived.engine.connect() as connection:
        wrong = [
            (name, day, moment)
            for (name, day, moment), then in lived.slides.items()
            if mart(connection, name, day, moment).write_csv() != then
        ]
    assert wrong == []


def test_slides_did_change_afterwards(lived: Autumn) -> None:
    """The test above would prove nothing if nothing had moved."""
    moving = {"readiness_by_school", "readiness_by_municipality", "registration_by_school"}
    slides = {key: then for key, then in lived.slides.items() if key[0] in moving}
    with lived.engine.connect() as connection:
        changed = {name for (name, day, _), then in slides.items() if mart(connection, name, day).write_csv() != then}
        causes = dict(
            connection.execute(sa.text("SELECT cause, count(*) FROM mart.corrections GROUP BY cause")).tuples().all()
        )
    assert changed == moving
    assert causes["delivery"] > 50


def test_sql_functions_for_bi_give_the_same(lived: Autumn) -> None:
    (name, day, moment), then = next(
        (key, text) for key, text in lived.slides.items() if key[0] == "readiness_region" and "0.8" in text
    )
    with lived.engine.connect() as connection:
        connection.execute(sa.text("SET ROLE bi_reader"))
        asked = {"day": day, "moment": moment}
        rows = connection.execute(sa.text(f"SELECT * FROM mart.{name}_as_known(:day, :moment)"), asked).mappings().all()
    assert len(rows) == 1
    assert str(rows[0]["accepted"]) in then


def test_the_missing_night_is_a_gap_until_it_came(lived: Autumn) -> None:
    gap = dt.date(2023, 9, 1) + dt.timedelta(days=GAP)
    with lived.engine.connect() as connection:
        now = mart(connection, "registration_by_municipality", gap)
        first = next(
            moment for name, day, moment in lived.slides if name == "registration_by_municipality" and day == gap
        )
        then = mart(connection, "registration_by_municipality", gap, first)
    assert now["export_as_of"].unique().to_list() == [gap]
    assert then["export_as_of"].unique().to_list() == [gap - dt.timedelta(days=1)]
    assert then["is_final"].unique().to_list() == [False]
    assert FILLED > GAP


def test_the_school_that_moved_and_the_unit_that_was_renamed(lived: Autumn) -> None:
    region = tomsk()
    code = moved_school(region)
    first, second = region.units["reporting_unit"][0], region.units["reporting_unit"][1]
    day = dt.date(2023, 9, 1) + dt.timedelta(days=MOVED)
    with lived.engine.connect() as connection:
        found = {
            each: mart(connection, "readiness_by_school", each).filter(school_code=code)["reporting_unit"].item()
            for each in (day - dt.timedelta(days=1), day)
        }
        names = {
            each: mart(connection, "readiness_by_municipality", each)
            .filter(reporting_unit="parabelsky")["reporting_unit_name"]
            .item()
            for each in (dt.date(2023, 10, 9), dt.date(2023, 10, 11))
        }
    assert list(found.values()) == [first, second]
    assert list(names.values()) == ["Парабельский муниципальный район", "Парабельский муниципальный округ"]


def test_publishing_every_date_again_moves_no_figure(lived: Autumn) -> None:
    """So the nights left out no date that what came had changed. Names and marks were renewed, and do move."""
    with lived.engine.connect() as connection:
        before = {name: figures(connection, name) for name in FIGURES}
        dates = published_dates(connection, "69")
    assert len(dates) == NIGHTS
    publish(lived.engine, "69", dates)
    with lived.engine.connect() as connection:
        assert {name: figures(connection, name) for name in FIGURES} == before


def figures(connection: sa.Connection, name: str) -> list[tuple[object, ...]]:
    """The figures of a mart on every date, in a fixed order."""
    rows = connection.execute(sa.text(f"SELECT as_of, {FIGURES[name]} FROM mart.{name} ORDER BY 1, 2"))
    return [tuple(row) for row in rows]
