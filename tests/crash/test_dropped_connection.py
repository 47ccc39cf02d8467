"""The server ends a connection in the middle of a command, as a restart or a router would.

Slow: the first test brings three commands to where they are disturbed.
"""

import pytest
from crash_house import House, Place, Stage, chosen
from crash_stages import apply_again, backfill_stages, ingest_again, ingest_stage, revert_again

INGESTS, APPLIES, REVERTS = 16, 10, 6
KINDS = ("sql", "copy", "copying", "commit", "rollback")
Stages = tuple[Stage, Stage, Stage]


@pytest.fixture(scope="module")
def stages(house: House, first: Place) -> Stages:
    night, second = ingest_stage(house, first)
    _, apply, revert = backfill_stages(house, second)
    return night, apply, revert


@pytest.mark.parametrize("turn", range(INGESTS))
def test_of_a_night(house: House, stages: Stages, turn: int) -> None:
    step = chosen(stages[0].steps, INGESTS, KINDS)[turn]
    assert house.disturbed(stages[0], step, "drop", ingest_again) == [], step


@pytest.mark.parametrize("turn", range(APPLIES))
def test_of_an_application(house: House, stages: Stages, turn: int) -> None:
    step = chosen(stages[1].steps, APPLIES, KINDS)[turn]
    assert house.disturbed(stages[1], step, "drop", apply_again) == [], step


@pytest.mark.parametrize("turn", range(REVERTS))
def test_of_a_reversal(house: House, stages: Stages, turn: int) -> None:
    step = chosen(stages[2].steps, REVERTS, KINDS)[turn]
    assert house.disturbed(stages[2], step, "drop", revert_again) == [], step
