"""A question of one date looks at what was published of that date, however many dates there are.

Slow: the region of the source is published for ten dates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from hand_made import DAY, load_seed

from warehouse.marts.definitions import Mart, marts, views
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import connect

BEFORE, AFTER = 3, 10
OF_ALL_DATES = {"assignments", "corrections", "registration_nights", "revisions"}
"""What tells of other dates too: since when, what was said before, how it went."""
MORE = 1.5
FEW = 2000
"""Rows, of whatever is not of a date: the systems, the regions, the readers."""
EXPLAIN = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT * FROM {relation} WHERE region = '69' AND as_of = '{day}'"


def looked_at(engine: sa.Engine, day: dt.date) -> dict[str, int]:
    """Each mart and view → the rows that all steps of its plan looked at."""
    with engine.connect() as connection:
        return {
            mart.name: rows(connection.scalar(sa.text(EXPLAIN.format(relation=mart.relation, day=day)))[0]["Plan"])
            for mart in every()
        }


def every() -> list[Mart]:
    return [mart for mart in (*marts(), *views()) if mart.name not in OF_ALL_DATES and mart.audience.kind != "country"]


def rows(step: Mapping[str, Any]) -> int:
    here = step["Actual Rows"] + step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Join Filter", 0)
    return int(here * step["Actual Loops"]) + sum(rows(below) for below in step.get("Plans", ()))


@pytest.fixture(scope="module")
def counts(module_database_url: str) -> tuple[dict[str, int], dict[str, int]]:
    """The rows looked at for the last of three dates, and for the last of ten, of which the planner knows nothing."""
    engine = connect(module_database_url)
    load_seed(engine)
    days = [DAY + dt.timedelta(days=turn) for turn in range(AFTER)]
    publish(engine, "69", days[:BEFORE])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    few = looked_at(engine, days[BEFORE - 1])
    publish(engine, "69", days[BEFORE:-1])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    publish(engine, "69", days[-1:])
    many = looked_at(engine, days[-1])
    engine.dispose()
    return few, many


@pytest.mark.parametrize("name", [mart.name for mart in every()])
def test_other_dates_are_left_alone(counts: tuple[dict[str, int], dict[str, int]], name: str) -> None:
    few, many = counts
    assert many[name] <= MORE * few[name] + FEW, f"{few[name]} rows at {BEFORE} dates, {many[name]} at {AFTER}"
