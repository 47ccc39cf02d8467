"""`profmin deliveries accept` and `refuse` are killed at their steps: a decision is made wholly or not at all.

Slow: the first test brings three commands to where they are disturbed.
"""

import pytest
from crash_house import Again, House, Place, Stage, chosen
from crash_stages import INGEST, decision_stages, ingest_stage, waiting

ACCEPTED, REFUSED = 12, 6
KINDS = ("sql", "commit", "open", "rename")


@pytest.fixture(scope="module")
def stages(house: House, first: Place) -> tuple[Stage, Stage]:
    return decision_stages(house, ingest_stage(house, first)[1])


@pytest.mark.parametrize("turn", range(ACCEPTED))
def test_accepted(house: House, stages: tuple[Stage, Stage], turn: int) -> None:
    step = chosen(stages[0].steps, ACCEPTED, KINDS)[turn]
    assert house.disturbed(stages[0], step, "kill", then(stages[0], turn)) == [], step


@pytest.mark.parametrize("turn", range(REFUSED))
def test_refused(house: House, stages: tuple[Stage, Stage], turn: int) -> None:
    step = chosen(stages[1].steps, REFUSED, KINDS)[turn]
    assert house.disturbed(stages[1], step, "kill", then(stages[1], turn)) == [], step


def then(stage: Stage, turn: int) -> Again:
    """The officer decides the same once more, or, once that is done, the next night makes good what is left to do."""
    return lambda place: stage.arguments if turn % 2 or waiting(place) else INGEST
