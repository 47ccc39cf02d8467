"""`profmin backfill plan`, `apply` and `revert` are killed at their steps; each is done wholly or not at all.

Slow: the first test brings four commands to where they are disturbed.
"""

import pytest
from crash_house import House, Place, Stage, chosen
from crash_stages import apply_again, backfill_stages, ingest_stage, plan_on, revert_again

PLANS, APPLIES, REVERTS = 24, 36, 24


@pytest.fixture(scope="module")
def stages(house: House, first: Place) -> tuple[Stage, Stage, Stage]:
    return backfill_stages(house, ingest_stage(house, first)[1])


@pytest.mark.parametrize("turn", range(PLANS))
def test_a_plan(house: House, stages: tuple[Stage, Stage, Stage], turn: int) -> None:
    step = chosen(stages[0].steps, PLANS)[turn]
    assert house.disturbed(stages[0], step, "kill", plan_on) == [], step


@pytest.mark.parametrize("turn", range(APPLIES))
def test_an_application(house: House, stages: tuple[Stage, Stage, Stage], turn: int) -> None:
    step = chosen(stages[1].steps, APPLIES)[turn]
    assert house.disturbed(stages[1], step, "kill", apply_again) == [], step


@pytest.mark.parametrize("turn", range(REVERTS))
def test_a_reversal(house: House, stages: tuple[Stage, Stage, Stage], turn: int) -> None:
    step = chosen(stages[2].steps, REVERTS)[turn]
    assert house.disturbed(stages[2], step, "kill", revert_again) == [], step
