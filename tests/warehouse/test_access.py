"""Each role sees the rows that it may, whatever way it asks: reckoned apart, in Python, from all rows as the owner has
them.

Slow: a document of every form is loaded and published, and every mart is read as every login.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import DAY
from lived_access import FIRST, HERE, SEEN, THERE, live_access, login
from polars.testing import assert_frame_equal

from warehouse.core.frames import frame
from warehouse.marts.country import COUNTRY
from warehouse.marts.definitions import Mart, live, marts, views
from warehouse.marts.relations import reads_with_callers_rights
from warehouse.marts.shapes import shape
from warehouse.schema.access import grant, seen_as, seen_by
from warehouse.schema.upgrade import connect, upgrade

PUBLISHED = (*marts(), *views())
EVERY = (*PUBLISHED, *live())
MANY_UNITS = {HERE}
"""Regions of three units and more."""
Rows = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def lived(databases: Any) -> Iterator[sa.Engine]:
    with databases.fresh() as url:
        engine = connect(url)
        upgrade(engine)
        try:
            live_access(engine)
            yield engine
        finally:
            with engine.begin() as connection:
                for name in SEEN:
                    connection.execute(sa.text(f"DROP ROLE IF EXISTS {login(name)}"))
            engine.dispose()


@pytest.fixture(scope="module")
def owned(lived: sa.Engine) -> Rows:
    """Every mart as its owner has it, and as it was known before."""
    with lived.connect() as connection:
        found = {mart.name: frame(connection, f"SELECT * FROM {mart.relation}", {}) for mart in EVERY}
        for mart in PUBLISHED:
            for known in moments(connection):
                found[f"{mart.name} {known}"] = as_known(connection, mart, known)
        return found


def moments(connection: sa.Connection) -> list[dt.datetime]:
    asked = "SELECT DISTINCT published_at + interval '1 minute' FROM ops.publication WHERE as_of = :day ORDER BY 1"
    return list(connection.scalars(sa.text(asked), {"day": DAY}))


def as_known(connection: sa.Connection, mart: Mart, known: dt.datetime) -> pl.DataFrame:
    return frame(connection, f"SELECT * FROM {mart.as_known}(:day, :known)", {"day": DAY, "known": known})


def may_see(
    mart: Mart, rows: pl.DataFrame, seen: list[tuple[str | None, str | None]], owned: Rows, at: str
) -> pl.DataFrame:
    """The rows of a mart that somebody may see. Nothing here asks the database."""
    audience = mart.audience
    whole = {region for region, unit in seen if unit is None}
    if None in whole:
        return rows
    if audience.kind == "country":
        return rows.clear()
    parts = pl.col("region").is_in(list(whole))
    some = [region for region, _ in seen if region]
    if audience.kind == "unit":
        for column in audience.units:
            for region, unit in ((region, unit) for region, unit in seen if unit):
                parts |= (pl.col("region") == region) & (pl.col(column) == unit)
    elif audience.kind == "region":
        parts |= pl.col("region").is_in(some)
    elif audience.kind == "total":
        enough = pl.col("region").is_in([region for region in some if region in MANY_UNITS])
        if audience.told_mart:
            base = owned[f"{audience.told_mart}{at}"].filter(pl.col(audience.told).is_not_null())
            told = base.group_by("region", "as_of").agg(pl.col("reporting_unit").n_unique().alias("_told"))
            rows = rows.join(told, on=["region", "as_of"], how="left", maintain_order="left")
            enough &= pl.col("_told").fill_null(0) >= 3
        elif audience.told:
            enough &= (pl.col(audience.told) >= 3).fill_null(True)
        parts |= enough
    return rows.filter(parts.fill_null(False)).select(pl.exclude("_told"))


def same(mart: Mart, found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """The same rows. A view that is made of what its caller sees numbers these, in their order."""
    if mart.is_view and reads_with_callers_rights(mart):
        keys = ["region", "as_of", "position"]
        found, expected = (rows.sort(keys).drop("position") for rows in (found, expected))
        assert_frame_equal(found, expected)
    assert_frame_equal(found, expected, check_row_order=False)


@pytest.mark.parametrize("name", sorted(SEEN))
def test_a_role_sees_what_it_may_and_nothing_else(lived: sa.Engine, owned: Rows, name: str) -> None:
    """By SELECT, by the view of the last date, by a cursor, by COPY, and as it was known."""
    seen = SEEN[name]
    latest = {HERE: DAY, THERE: DAY, COUNTRY: DAY}
    with seen_as(lived, login(name)) as connection:
        for mart in EVERY:
            expected = may_see(mart, owned[mart.name], seen, owned, "")
            same(mart, frame(connection, f"SELECT * FROM {mart.relation}", {}), expected)
            connection.execute(sa.text(f"DECLARE rows SCROLL CURSOR FOR SELECT * FROM {mart.relation}"))
            assert len(connection.execute(sa.text("FETCH ALL FROM rows")).all()) == expected.height, mart.name
            connection.execute(sa.text("CLOSE rows"))
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {mart.relation}")) == expected.height, mart.name
        for mart in PUBLISHED:
            last = owned[mart.name].filter(pl.col("as_of") == pl.col("region").replace_strict(latest, default=None))
            same(mart, frame(connection, f"SELECT * FROM {mart.latest}", {}), may_see(mart, last, seen, owned, ""))


@pytest.mark.parametrize("name", sorted(SEEN))
def test_the_past_shows_no_more(lived: sa.Engine, owned: Rows, name: str) -> None:
    seen = SEEN[name]
    with lived.connect() as connection:
        then = moments(connection)
    with seen_as(lived, login(name)) as connection:
        for mart in PUBLISHED:
            for known in then:
                at = f" {known}"
                same(mart, as_known(connection, mart, known), may_see(mart, owned[mart.name + at], seen, owned, at))


def test_there_is_something_to_hide_in_every_mart(owned: Rows) -> None:
    """Of every mart that a unit sees something of there are rows of others, and of every mart there are rows."""
    for mart in PUBLISHED:
        rows = owned[mart.name]
        assert rows.height, mart.name
        if mart.audience.kind == "unit":
            assert rows.filter(pl.col("region") == HERE)[mart.audience.units[0]].n_unique() > 1, mart.name
            assert may_see(mart, rows, [(HERE, "chainsky")], owned, "").height, mart.name


def test_a_clerk_of_another_region_sees_nothing_of_this_one(lived: sa.Engine, owned: Rows) -> None:
    """Of a region there are rows in every mart, and none of them, nor any of the country's, is there for who logs in
    as a clerk of another, with the password that he was given."""
    password = "A password of a test"
    grant(lived, login("of_amber"), THERE, "amber", password=password)
    theirs = lived.url.set(username=login("of_amber"), password=password)
    clerk = sa.create_engine(theirs, poolclass=sa.NullPool)
    with clerk.connect() as connection:
        assert connection.scalar(sa.text("SELECT session_user::text")) == login("of_amber")
        seen = {mart.name: frame(connection, f"SELECT region FROM {mart.relation}", {}) for mart in EVERY}
        past = "SELECT count(*) FROM {}(:day, 'infinity', :region)"
        for mart in PUBLISHED:
            for region in (HERE, COUNTRY):
                asked = {"day": DAY, "region": region}
                assert connection.scalar(sa.text(past.format(mart.as_known)), asked) == 0, mart.name
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            connection.execute(sa.text("SELECT FROM ref.access"))
    assert {region for rows in seen.values() for region in rows["region"]} == {THERE}
    assert {HERE, COUNTRY} <= {region for mart in PUBLISHED for region in owned[mart.name]["region"]}


def test_an_audience_sees_what_a_login_of_it_sees(lived: sa.Engine) -> None:
    """Two at once, and nothing of it stays."""

    def contents(connection: sa.Connection) -> dict[str, pl.DataFrame]:
        return {mart.name: frame(connection, f"SELECT * FROM {mart.relation}", {}) for mart in marts()}

    with seen_by(lived, HERE, "chainsky") as one, seen_by(lived, HERE, "kedrovy") as other:
        for name, found in (("of_chainsky", contents(one)), ("of_kedrovy", contents(other))):
            with seen_as(lived, login(name)) as connection:
                for mart_name, rows in contents(connection).items():
                    assert_frame_equal(found[mart_name], rows, check_row_order=False)
    with lived.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM ref.access WHERE login = 'mart_audience'")) == 0


OF_UNITS = [mart for mart in PUBLISHED if mart.audience.kind == "unit"]
SHOWN = ("Plan", "Plans", "Node Type", "Subplan Name", "Alias", "Actual Rows", "Actual Loops", "Rows Removed by Filter")
"""What of an executed plan may differ by what stands in rows: the rest is of a plan's shape, of times and of memory."""
COUNTED = ("corrections", "revisions")
"""Of these, how many rows others have depends on what their figures are; EXPLAIN tells how many were passed over."""


def guesses(connection: sa.Connection) -> list[str]:
    """Questions whether a neighbour's row has this value in this column, of every column; each value is right."""
    found = []
    for mart in OF_UNITS:
        unit = mart.audience.units[0]
        one = f"SELECT to_jsonb(m) FROM {mart.relation} AS m WHERE region = :here AND {unit} <> :own LIMIT 1"
        row = connection.scalar(sa.text(one), {"here": HERE, "own": FIRST})
        if row is None or mart.name in COUNTED:
            continue
        values = {name: value for name, value in row.items() if isinstance(value, (str, int, float))}
        for name in values.keys() - {"region", "as_of", "position"}:
            asked = sa.text(f"{unit} = :unit AND {name} = :value").bindparams(unit=row[unit], value=str(values[name]))
            said = asked.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            found.append(f"SELECT * FROM {mart.relation} WHERE {said}")
    return sorted(found)


def executed(plan: Any) -> Any:
    """What of it may tell something. The server's roles are not among it: other tests make some meanwhile."""
    if isinstance(plan, dict):
        of_roles = str(plan.get("Relation Name")).startswith("pg_auth")
        return {name: executed(part) for name, part in plan.items() if name in SHOWN[: 5 if of_roles else None]}
    return [executed(part) for part in plan] if isinstance(plan, list) else plan


def answers(engine: sa.Engine, questions: list[str], more: int) -> list[str]:
    """How each was executed for a clerk when the figures of all others are so much more."""
    with engine.begin() as connection:
        for mart in (mart for mart in marts() if mart.audience.kind == "unit"):
            kinds = ("bigint", "integer", "numeric")
            of_mart = [name for name, kind in shape(connection, mart.history) if kind in kinds and name != "position"]
            changed = ", ".join(f"{name} = {name} + {more}" for name in of_mart)
            if changed:
                of_others = f"UPDATE {mart.history} SET {changed} WHERE {mart.audience.units[0]} <> :own"
                connection.execute(sa.text(of_others), {"own": FIRST})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Else a scan of an index counts entries whose rows are gone; how many are left hangs on where rows fitted.
        connection.execute(sa.text("VACUUM"))
    explain = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) "
    with seen_as(engine, login("of_chainsky")) as connection:
        return [json.dumps(executed(connection.exec_driver_sql(explain + each).scalar())) for each in questions]


def test_how_a_question_is_executed_tells_nothing_of_others(lived: sa.Engine) -> None:
    """Two warehouses differ in others' figures alone: a right guess of one is executed as a wrong one of the other.

    Slow: each warehouse is a copy, and five hundred questions are executed in each.
    """
    with lived.connect() as connection:
        questions = guesses(connection)
    assert len(questions) > 400
    lived.dispose()
    server = sa.create_engine(lived.url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    found = []
    for more in (0, 17):
        copy = f"{lived.url.database}_{more}"
        with server.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{copy}" TEMPLATE "{lived.url.database}"'))
        engine = connect(lived.url.set(database=copy))
        try:
            found.append(answers(engine, questions, more))
        finally:
            engine.dispose()
            with server.connect() as connection:
                connection.execute(sa.text(f'DROP DATABASE "{copy}" WITH (FORCE)'))
    assert [asked for asked, one, other in zip(questions, *found, strict=True) if one != other] == []
