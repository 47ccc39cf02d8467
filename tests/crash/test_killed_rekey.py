"""`profmin rekey` is killed at its steps: the old keys hold or the new ones, and whoever comes next opens everything.

Slow: the first test brings three commands to where they are disturbed.
"""

import pytest
from crash_house import House, Place, Stage, chosen
from crash_stages import INGEST, ingest_stage

REKEY = ("rekey",)
POINTS = 24


@pytest.fixture(scope="module")
def stage(house: House, first: Place) -> Stage:
    """After the second night, with its exports sealed; nothing is published by other pseudonyms."""
    made, _ = house.staged(ingest_stage(house, first)[1], REKEY)
    assert len(made.seen) == 1, "readers see nothing of it"
    assert {step.phase for step in made.steps} >= {"rekey", "seal"}
    return made


@pytest.mark.parametrize("turn", range(POINTS))
def test_rekeying(house: House, stage: Stage, turn: int) -> None:
    """The officer tries again, or does not know of it and the next night runs."""
    step = chosen(stage.steps, POINTS)[turn]
    assert house.disturbed(stage, step, "kill", lambda _: REKEY if turn % 2 else INGEST) == [], step
