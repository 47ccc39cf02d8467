"""Releases for the public: an attacker with its login and every release of the region cannot tell a small number.

Slow: the region of the source is loaded and published.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import polars as pl
import psycopg2.errors
import pytest
import sqlalchemy as sa
from attacker import IN_ALL, PER_UNIT, REGION, Told, as_published, reckoned, truth
from hand_made import DAY, SEED, load_seed
from test_small_numbers import alone

from contracts.regions.openness import SmallNumbers
from warehouse.core.frames import frame
from warehouse.marts import public_release
from warehouse.marts.for_public import misstated_public, read_public
from warehouse.marts.public_release import lay_out_public, make_release, public_marts
from warehouse.marts.publication import publish
from warehouse.schema.access import grant, grant_public, grants, revoke, seen_as
from warehouse.schema.bi import NoLogin
from warehouse.schema.upgrade import connect

RULE = SmallNumbers(threshold=10, days=7)
WEEK = dt.timedelta(days=7)
DAYS = [DAY + WEEK * n for n in range(4)]
VISITOR = "visitor_of_releases"


@pytest.fixture(scope="module")
def lived(module_database_url: str) -> Iterator[sa.Engine]:
    """A month of the region: most units move by a few pupils a week, some by many; a release each week."""
    engine = connect(module_database_url)
    load_seed(engine)
    publish(engine, "69", [DAY])
    chance, now = Random(8), {unit: row[4] for unit, row in SEED.items()}
    for day in DAYS:
        if day != DAY:
            now = {unit: max(0, pupils + _move(chance)) for unit, pupils in now.items()}
            as_published(engine, DAY, day, now)
        assert make_release(engine, "69", RULE) == day
    grant_public(engine, VISITOR)
    yield engine
    revoke(engine, VISITOR)
    engine.dispose()


def _move(chance: Random) -> int:
    return chance.randint(12, 60) if chance.random() < 0.3 else chance.randint(-2, 4)


def seen(engine: sa.Engine, name: str, login: str = VISITOR) -> pl.DataFrame:
    with seen_as(engine, login) as connection:
        return frame(connection, f"SELECT * FROM mart_public.{name} ORDER BY region, as_of, position", {})


def told(engine: sa.Engine, login: str = VISITOR) -> list[Told]:
    """What the login reads, a line each."""
    lines = []
    for name, place in ((PER_UNIT, "reporting_unit"), (IN_ALL, None)):
        for row in seen(engine, name, login).iter_rows(named=True):
            state, value = row["actual_pupils_state"], row["actual_pupils"]
            release = (row["as_of"] - DAY).days
            lines.append(Told(release, row[place] if place else REGION, state, value, row["plan_pupils"]))
    return lines


def attack(engine: sa.Engine, login: str = VISITOR) -> list[str]:
    """Small numbers and small moves that whoever reads as this login can tell to fewer than ten numbers."""
    lines = told(engine, login)
    true = {release: truth(engine, DAY + dt.timedelta(days=release)) for release in {each.release for each in lines}}
    return reckoned(lines, true, RULE.threshold)


def test_the_attacker_tells_no_small_number_of_the_region(lived: sa.Engine) -> None:
    assert attack(lived) == []


def test_most_of_the_region_is_told_all_the_same(lived: sa.Engine) -> None:
    """Of 21 units one is hidden in its first week, 196 of 195 is told, and what moved little is told as of before."""
    units = seen(lived, PER_UNIT)
    states = dict(units["actual_pupils_state"].value_counts().iter_rows())
    assert states["shown"] + states["kept"] > 0.85 * units.height, states
    assert states["kept"] > 20, states
    first = {row["reporting_unit"]: row for row in units.filter(pl.col("as_of") == DAY).iter_rows(named=True)}
    assert first["chainsky"]["actual_pupils"] == 196
    kept = units.filter(pl.col("actual_pupils_state") == "kept")
    assert (kept["actual_pupils_as_of"] < kept["as_of"]).all()
    hidden = units.filter(pl.col("actual_pupils_state") == "hidden")
    for name in ("actual_pupils", "actual_pupils_as_of", "completion_rate", "band"):
        assert hidden[name].null_count() == hidden.height, name


def test_shares_and_bands_are_of_what_is_told(lived: sa.Engine) -> None:
    for name in (PER_UNIT, IN_ALL):
        rows = seen(lived, name).filter(pl.col("actual_pupils").is_not_null())
        shares = rows["actual_pupils"].cast(pl.Float64) / rows["plan_pupils"].cast(pl.Float64)
        assert (rows["completion_rate"].cast(pl.Float64) - shares).abs().max() < 1e-9  # type: ignore[operator]
    ready = seen(lived, "readiness_region").filter(pl.col("as_of") == DAY).row(0, named=True)
    assert (ready["schools"], ready["accepted"], ready["rejected"], ready["missing"]) == (285, 244, 18, 23)


@pytest.mark.parametrize(
    "place",
    ["mart.registration_region", "history.registration_by_municipality", "ref.access", "ops.publication",
     "core.registration_export_fact", "mart.registration_region_latest"],
)  # fmt: skip
def test_who_reads_what_is_public_reads_nothing_else(lived: sa.Engine, place: str) -> None:
    with seen_as(lived, VISITOR) as connection, pytest.raises(sa.exc.ProgrammingError) as refused:
        connection.execute(sa.text(f"SELECT * FROM {place}"))
    assert isinstance(refused.value.orig, psycopg2.errors.InsufficientPrivilege)


def test_tables_hold_only_what_is_stated(lived: sa.Engine) -> None:
    """No column that follows from a figure that may be hidden: shortfall, units by band, completeness."""
    with seen_as(lived, VISITOR) as connection:
        columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'mart_public'"
        found: dict[str, set[str]] = {}
        for table, column in connection.execute(sa.text(columns)):
            found.setdefault(table, set()).add(column)
    assert set(found) == {"release", *(each.name for each, _ in public_marts())}
    assert found[IN_ALL] == {
        "region", "as_of", "position", "municipalities", "export_as_of", "plan_pupils", "actual_pupils",
        "actual_pupils_as_of", "actual_pupils_state", "completion_rate", "band",
    }  # fmt: skip


def test_an_release_is_made_once_and_stays(engine: sa.Engine, small_published: object) -> None:
    """Also when its date is published anew with other figures, and when two runs make it at once."""
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: make_release(engine, "69", RULE), range(2)))
    assert sorted(made, key=str) == [DAY, None]
    before = releases(engine)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE history.{PER_UNIT} SET actual_pupils = actual_pupils + 30"))
    as_published(engine, DAY, DAY + dt.timedelta(days=6), {"asinovsky": 95, "chainsky": 70})
    assert make_release(engine, "69", RULE) is None  # a day too early
    assert releases(engine) == before
    as_published(engine, DAY, DAY + WEEK, {"asinovsky": 99, "chainsky": 80})
    assert make_release(engine, "69", RULE) == DAY + WEEK
    assert releases(engine)[: len(before)] == before


def releases(engine: sa.Engine) -> Sequence[Any]:
    with engine.connect() as connection:
        rows = f"SELECT * FROM mart_public.{PER_UNIT} ORDER BY as_of, position"
        return connection.execute(sa.text(rows)).all()


def test_without_what_else_is_hidden_the_attacker_succeeds(
    engine: sa.Engine, small_published: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three in one unit and nobody in most; the region less the other one is three."""
    login = "visitor_of_small"
    as_published(engine, DAY, DAY + WEEK, {**dict.fromkeys(SEED, 0), "asinovsky": 3, "chainsky": 151})
    monkeypatch.setattr(public_release, "states", alone)
    assert make_release(engine, "69", RULE) == DAY + WEEK
    grant_public(engine, login)
    try:
        assert "asinovsky of 7" in attack(engine, login)
    finally:
        revoke(engine, login)


def test_a_mart_that_is_no_longer_public_is_not_read(
    engine: sa.Engine, small_published: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = "visitor_of_less"
    make_release(engine, "69", RULE)
    grant_public(engine, login)
    try:
        assert seen(engine, "readiness_region", login).height == 1
        fewer = tuple(each for each in public_marts() if each[0].name != "readiness_region")
        monkeypatch.setattr(public_release, "public_marts", lambda: fewer)
        with engine.begin() as connection:
            lay_out_public(connection)
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            seen(engine, "readiness_region", login)
        assert seen(engine, PER_UNIT, login).height > 0
    finally:
        revoke(engine, login)


def test_a_login_sees_what_is_public_or_what_is_its_own(engine: sa.Engine) -> None:
    login = "visitor_twice"
    grant_public(engine, login)
    try:
        with engine.connect() as connection:
            (told,) = [each for each in grants(connection) if each.login == login]
        assert told.is_of_public and told.region is None
        with pytest.raises(NoLogin, match="is there for something else"):
            grant(engine, login, "69")
    finally:
        assert revoke(engine, login)
    with pytest.raises(NoLogin, match="may see no such thing"):
        revoke(engine, login)


PUPILS = ("целое", "обучающиеся")
KINDS = {
    "schools": ("целое", "школы"), "reporting_unit": ("текст", ""), "plan_pupils": PUPILS, "actual_pupils": PUPILS,
    "shortfall": PUPILS, "units_red": ("целое", "отчётные единицы"), "band": ("текст", ""),
    "completion_rate": ("доля", ""), "completeness": ("доля", ""),
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "key", "wrong"),
    [
        ("Публично: reporting_unit, schools.", ("reporting_unit",), ""),
        ("Публично: plan_pupils; люди: actual_pupils из plan_pupils.", (), ""),
        ("Публично: schools, shortfall.", (), "shortfall is of people"),
        ("Публично: plan_pupils.", (), "plan_pupils is of people"),
        ("Публично: schools, completion_rate.", (), "completion_rate is of people"),
        ("Публично: schools, band.", (), "band is of people"),
        ("Публично: schools, units_red.", (), "units_red is of people"),
        ("Публично: schools, completeness.", (), "completeness is of people"),
        ("Публично: schools; люди: actual_pupils из plan_pupils.", (), "plan_pupils is told too"),
        ("Публично: schools.", ("school_code",), "of reporting units or of the region"),
        ("Публично: teachers.", (), "no column: teachers"),
    ],
)
def test_what_a_head_may_state_to_be_public(line: str, key: tuple[str, ...], wrong: str) -> None:
    public = read_public([line])
    assert public is not None
    found = misstated_public(public, key, KINDS, {name: KINDS.get(name, ("", "")) for name in public.columns})
    assert wrong in found and bool(wrong) == bool(found)


def test_nothing_is_public_without_a_statement_and_it_is_said_once() -> None:
    assert read_public([]) is None
    with pytest.raises(ValueError, match="says once"):
        read_public(["Публично: всё про школы."])
