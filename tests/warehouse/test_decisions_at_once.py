"""An officer decides while a newer delivery of the same slice is loaded, or while marts are published: what comes of
two at once is what comes of one after the other.

Slow: which of two comes first is chance, so each meeting is tried again and again.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, VERSION, delivery, delivery_of, export, loaded, plan

from contracts.reading import Reading
from warehouse.deliveries.decision import NotWaiting, decide
from warehouse.deliveries.load import load
from warehouse.deliveries.recall import unpublished
from warehouse.marts.publication import publish
from warehouse.marts.published import mart
from warehouse.watch.law import examined

ROUNDS = 8
FULL, PART = {"asinovsky": 100, "chainsky": 50}, {"asinovsky": 50}
STATES = "SELECT r.status FROM ops.reading r WHERE r.slice = :slice ORDER BY r.delivery_id"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def at_once(chance: random.Random, *works: Callable[[], str]) -> list[str]:
    """What each says; they begin together, but for a moment of random length."""
    together, delays = threading.Barrier(len(works)), [chance.choice((0, chance.uniform(0, 0.01))) for _ in works]

    def begun(work: Callable[[], str], delay: float) -> str:
        together.wait()
        time.sleep(delay)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result(60) for each in [pool.submit(begun, *both) for both in zip(works, delays, strict=True)]]


def decision(engine: sa.Engine, delivery_id: int, what: Literal["current", "declined"]) -> str:
    try:
        decide(engine, delivery_id, what, "Офицер", "так и есть", dt.timedelta(seconds=30))
    except NotWaiting as error:
        return str(error).split(": он ")[-1]
    return what


def undisturbed(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(sa.text(DEADLOCKS)) == 0
        assert [law.name for law in examined(connection) if law.times] == []


OVERTAKEN = "уже обогнан: пока он ждал, пришёл более новый файл."
ONE_BY_ONE = {
    # A newer one that is whole counts whether it is decided before it or not.
    ("current", "whole"): {
        ("current", "current", "superseded superseded current"),
        (OVERTAKEN, "current", "superseded overtaken current"),
    },
    ("declined", "whole"): {
        ("declined", "current", "superseded declined current"),
        (OVERTAKEN, "current", "superseded overtaken current"),
    },
    # One as small as what waits is held in its turn, unless that was accepted before it.
    ("current", "small"): {
        ("current", "current", "superseded superseded current"),
        ("current", "held", "superseded current held"),
    },
    ("declined", "small"): {("declined", "held", "current declined held")},
}
"""What is decided, and what comes → what both are told, and the readings' status then."""


@pytest.mark.parametrize(("what", "comes"), ONE_BY_ONE)
def test_a_decision_while_a_newer_delivery_is_loaded(
    engine: sa.Engine, small: dict[str, int], what: Literal["current", "declined"], comes: str
) -> None:
    chance, found = random.Random(f"{what} {comes}"), Counter[tuple[str, str, str]]()
    for year in range(1900, 1900 + ROUNDS):
        as_of = dt.date(year, 9, 8)

        def of(pupils: dict[str, int], as_of: dt.date = as_of) -> Reading:
            return plan(pupils, as_of=as_of)

        loaded(engine, of(FULL))
        waits = loaded(engine, of(PART), NOON + dt.timedelta(hours=1))
        assert waits.status == "held"
        waiting = delivery_of(engine, waits)
        newer = of({unit: number + 1 for unit, number in (FULL if comes == "whole" else PART).items()})
        number = delivery(engine, NOON + dt.timedelta(hours=2))
        told = at_once(
            chance,
            lambda waiting=waiting: decision(engine, waiting, what),
            lambda newer=newer, number=number: load(engine, newer, number, VERSION).status,
        )
        with engine.connect() as connection:
            slice_ = f"registration_plan/regional_operator/{year}"
            states = " ".join(connection.scalars(sa.text(STATES), {"slice": slice_}))
        found[told[0], told[1], states] += 1
    assert found.keys() <= ONE_BY_ONE[what, comes], found
    undisturbed(engine)


def test_two_officers_decide_at_once(engine: sa.Engine, small: dict[str, int]) -> None:
    """One of them is heard, the other is told so."""
    chance, found = random.Random(1), Counter[tuple[str, ...]]()
    for year in range(1900, 1900 + ROUNDS):
        loaded(engine, plan(FULL, as_of=dt.date(year, 9, 8)))
        waits = delivery_of(engine, loaded(engine, plan(PART, as_of=dt.date(year, 9, 8)), NOON + dt.timedelta(hours=1)))
        both: Sequence[Literal["current", "declined"]] = ("current", "declined")
        found[tuple(at_once(chance, *(lambda w=waits, d=each: decision(engine, w, d) for each in both)))] += 1
    assert found.keys() <= {
        ("current", "уже принят решением сотрудника."),
        ("уже отклонён решением сотрудника.", "declined"),
    }, found
    undisturbed(engine)


def test_an_acceptance_while_marts_are_published(engine: sa.Engine, small: dict[str, int]) -> None:
    """A reader sees the marts of before or those of after. Whoever publishes without what was accepted at that moment
    leaves it to be published: it is never taken for published."""
    ids, hour = small, dt.timedelta(hours=1)
    whole, part = {"asinovsky-1": 60, "chainsky-1": 51}, {"asinovsky-1": 60}
    publish(engine, "69", [DAY])
    over, seen = threading.Event(), set[tuple[int, int]]()

    def read() -> None:
        while not over.wait(0.01):
            with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                seen.add(
                    (pupils(connection, "registration_by_municipality"), pupils(connection, "registration_by_school"))
                )

    chance, left = random.Random(2), Counter[bool]()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for number in range(1, 7, 2):
            waits = loaded(engine, export(ids, part), NOON + number * hour)
            assert waits.status == "held"
            waiting = delivery_of(engine, waits)
            at_once(
                chance,
                lambda waiting=waiting: decision(engine, waiting, "current"),
                lambda: str(publish(engine, "69", [DAY])),
                lambda: str(publish(engine, "69", [DAY])),
            )
            with engine.connect() as connection:
                is_left = ("registration_export", DAY) in unpublished(connection, "69")
                assert pupils(connection, "registration_by_municipality") == (111 if is_left else 60)
            left[is_left] += 1
            publish(engine, "69", [DAY])
            with engine.connect() as connection:
                assert pupils(connection, "registration_by_municipality") == 60 and not unpublished(connection, "69")
            assert loaded(engine, export(ids, whole), NOON + (number + 1) * hour).status == "current"
            publish(engine, "69", [DAY])
        over.set()
        reading.result(60)
    assert seen == {(111, 111), (60, 60)}
    undisturbed(engine)


def pupils(connection: sa.Connection, name: str) -> int:
    return int(mart(connection, name, DAY)["actual_pupils"].sum())
