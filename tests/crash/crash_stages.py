"""The commands that are disturbed, and what is to be done after each."""

from __future__ import annotations

from typing import Any

import psycopg2
from crash_house import House, Place, Stage, answering
from crash_nights import third_night
from crash_state import plain

INGEST = ("ingest",)
OLDER = ("RDY-016", "warning", "older")
STRICTER = ("RDY-016", "error", "stricter")
"""By which a school of Teguldetsky is rejected."""
REASON = "Занятие обязано стоять в четверг"
PLAN = (
    "backfill", "plan", "--form", "readiness_report", "--from", "2023-09-01", "--to", "2023-09-12", "--reason", REASON,
)  # fmt: skip
APPLY, REVERT = ("backfill", "apply", "1"), ("backfill", "revert", "1")


NEWS = {
    ("ГОТОВНО", "1", "True", "superseded"), ("исправл", "1", "True", "superseded"),
    ("ГОТОВНО", "2", "True", "current"), ("ещё раз", "1", "False", "None"),
}  # fmt: skip
"""Of deliveries: the name's beginning, how many times it was sent, whether it is read itself, and what came of that."""
HELD = "SELECT delivery_id FROM ops.reading WHERE status = 'held'"


def ingest_again(_: Place) -> tuple[str, ...]:
    return INGEST


def plan_on(place: Place) -> tuple[str, ...] | None:
    """A plan that was not even recorded is made anew, one that was begun is gone on with."""
    match status(place):
        case None:
            return PLAN
        case "planning":
            return ("backfill", "resume", "1")
    return None


def apply_again(place: Place) -> tuple[str, ...] | None:
    return APPLY if status(place) == "planned" else None


def revert_again(place: Place) -> tuple[str, ...] | None:
    return REVERT if status(place) == "applied" else None


def status(place: Place) -> str | None:
    return asked(place, "SELECT status FROM ops.backfill")


def waiting(place: Place) -> int | None:
    """The delivery of the second night that waits for a decision, as long as it does."""
    return asked(place, HELD)


def asked(place: Place, statement: str) -> Any:
    """The first value that a statement finds in a place's database."""
    with answering(place) as url:
        connection = psycopg2.connect(**plain(url))
        with connection.cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchone()
        connection.close()
    return found[0] if found else None


def ingest_stage(house: House, first: Place) -> tuple[Stage, Place]:
    """The second night; what is special about it has come to what it should."""
    night, second = house.staged(first, INGEST, code=4)
    came = {(row[0][:7], row[1], row[2], row[7]) for row in night.expected["readings"]}
    assert came > NEWS, came
    assert night.expected["left out"] == [("kedrovy/ссылка.xlsx", "kedrovy", "COM-082")]
    return night, second


def register_stage(house: House, second: Place) -> Stage:
    third_night(second.home / "inbox")
    return house.staged(second, INGEST, code=4)[0]


def decision_stages(house: House, second: Place) -> tuple[Stage, Stage]:
    """What waits is accepted, or refused."""
    accept, _ = house.staged(second, decision(second, "accept"))
    refuse, _ = house.staged(second, decision(second, "refuse"))
    assert len(accept.seen) == len(refuse.seen) == 2, "marts say what waits"
    return accept, refuse


def decision(place: Place, what: str) -> tuple[str, ...]:
    number = waiting(place)
    assert number is not None
    return ("deliveries", what, str(number), "--reason", "Проверено по телефону")


def backfill_stages(house: House, second: Place) -> tuple[Stage, Stage, Stage]:
    """A plan by stricter rules, its application, and that taken back."""
    house.driver.run(second, ("backfill", "list"), STRICTER).must_be(0)  # the catalogue of rules is theirs from here on
    plan, planned = house.staged(second, PLAN, STRICTER)
    apply, applied = house.staged(planned, APPLY, STRICTER)
    revert, _ = house.staged(applied, REVERT, STRICTER)
    assert len(apply.seen) == 2, "the plan moves nothing"
    return plan, apply, revert
