"""Postgres itself is killed in the middle of a command: the whole server, or the process behind one connection.

Slow: the embedded server starts and stops with each command, and recovers.
"""

import pytest
from crash_house import House, Place, Stage, chosen
from crash_stages import ingest_again, ingest_stage

SERVERS, BACKENDS = 8, 8
KINDS = ("sql", "copy", "copying", "commit")


@pytest.fixture(scope="module")
def stage(house: House, embedded_first: Place) -> Stage:
    return ingest_stage(house, embedded_first)[0]


@pytest.mark.parametrize("turn", range(SERVERS))
def test_the_server(house: House, stage: Stage, turn: int) -> None:
    running = [step for step in stage.steps if step.phase not in ("start", "stop")]
    step = chosen(running, SERVERS + 1, KINDS)[turn]
    assert house.disturbed(stage, step, "postmaster", ingest_again) == [], step


@pytest.mark.parametrize("turn", range(BACKENDS))
def test_a_process_of_it(house: House, stage: Stage, turn: int) -> None:
    step = chosen(stage.steps, BACKENDS, KINDS)[turn]
    assert house.disturbed(stage, step, "backend", ingest_again) == [], step
