"""How much figures move after they are first published, as statistical offices publish of themselves.

Slow: dates are published one after the other.
"""

import datetime as dt

import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, loaded, now, read, report

from warehouse.marts.publication import publish

HOUR = dt.timedelta(hours=1)
SECOND, THIRD = DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=2)
TOLD = (
    "metric", "lead_nights", "figures", "revised", "revision", "absolute_revision",
    "mean_revision", "mean_absolute_revision",
)  # fmt: skip


def revisions(engine: sa.Engine, as_of: dt.date, known_at: dt.datetime | None = None) -> list[tuple[object, ...]]:
    """What is told of the readiness of Асиновский."""
    frame = read(engine, "revisions", as_of, known_at)
    return frame.filter(mart="readiness_by_municipality", reporting_unit="asinovsky").select(TOLD).rows()


def test_revisions_are_told_by_the_nights_after_the_first_publication(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [DAY])  # eight of ten schools are accepted
    assert revisions(engine, DAY) == []
    evening = now(engine)
    loaded(engine, report(small, "asinovsky", range(1, 10), [10]), NOON + HOUR)
    publish(engine, "69", [DAY])
    publish(engine, "69", [SECOND])
    assert revisions(engine, DAY) == [
        ("accepted", 0, 1, 1, 1, 1, 1, 1), ("missing", 0, 1, 1, -2, 2, -2, 2), ("rejected", 0, 1, 1, 1, 1, 1, 1),
    ]  # fmt: skip
    publish(engine, "69", [THIRD])
    loaded(engine, report(small, "asinovsky", range(1, 7), [8, 9, 10]), NOON + 2 * HOUR)  # held: it says less
    loaded(engine, report(small, "asinovsky", range(1, 11)), NOON + 3 * HOUR)
    publish(engine, "69", [DAY, SECOND, THIRD])
    # Of one night later nothing is known of the third date, of two nights later nothing of the second either.
    assert [row[:6] for row in revisions(engine, THIRD)[:3]] == [
        ("accepted", 0, 3, 2, 2, 2), ("accepted", 1, 2, 1, 1, 1), ("accepted", 2, 1, 1, 1, 1),
    ]  # fmt: skip
    assert revisions(engine, THIRD)[0][6:] == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert revisions(engine, DAY, evening) == []
    whole = read(engine, "revisions", THIRD)
    assert read(engine, "revisions", THIRD, now(engine)).equals(whole)


def test_figures_are_those_of_the_academic_year(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [DAY])
    loaded(engine, report(small, "asinovsky", range(1, 11)), NOON + HOUR)
    publish(engine, "69", [DAY])
    next_year = DAY.replace(year=2024)
    publish(engine, "69", [dt.date(2024, 8, 31), next_year])
    assert [row[:4] for row in revisions(engine, dt.date(2024, 8, 31))] == [("accepted", 0, 1, 1), ("missing", 0, 1, 1)]
    assert revisions(engine, next_year) == []
