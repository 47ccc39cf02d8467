"""`profmin ingest` is killed at its steps; the next one makes good whatever was begun.

Slow: the first test brings three commands to where they are disturbed.
"""

import pytest
from crash_house import House, Place, Stage, chosen
from crash_stages import ingest_again, ingest_stage, register_stage

KILLED, CUT, REGISTER, PUPILS = 48, 12, 10, 14


@pytest.fixture(scope="module")
def stages(house: House, first: Place) -> tuple[Stage, Stage]:
    night, second = ingest_stage(house, first)
    return night, register_stage(house, second)


@pytest.mark.parametrize("turn", range(KILLED))
def test_killed(house: House, stages: tuple[Stage, Stage], turn: int) -> None:
    step = chosen(stages[0].steps, KILLED)[turn]
    assert house.disturbed(stages[0], step, "kill", ingest_again) == [], step


@pytest.mark.parametrize("turn", range(CUT))
def test_killed_in_the_middle_of_a_write(house: House, stages: tuple[Stage, Stage], turn: int) -> None:
    step = chosen(stages[0].steps, CUT, ["open"])[turn]
    assert house.disturbed(stages[0], step, "cut", ingest_again) == [], step


@pytest.mark.parametrize("turn", range(REGISTER))
def test_killed_when_a_register_comes(house: House, stages: tuple[Stage, Stage], turn: int) -> None:
    steps = stages[1].steps
    own = [step for step in steps if step.phase in ("register", "load", "publish", "archive")]
    step = chosen(own, REGISTER)[turn]
    assert house.disturbed(stages[1], step, "kill", ingest_again) == [], step


@pytest.mark.parametrize("turn", range(PUPILS))
def test_killed_while_pupils_are_compared(house: House, stages: tuple[Stage, Stage], turn: int) -> None:
    """The export of the second night and a part of it: what holds is read, what is new sent, what is gone closed."""
    own = [step for step in stages[0].steps if step.phase == "load" and "pupil_" in step.what]
    assert {"COPY (SELECT ctid", "UPDATE restricted", "INSERT INTO restr"} <= {step.what[:17] for step in own}
    step = chosen(own, PUPILS)[turn % len(own)]
    assert house.disturbed(stages[0], step, "kill", ingest_again) == [], step
