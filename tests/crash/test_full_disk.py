"""The disk with home and database is full from a step on; the next run finds room again.

The disk is a small tmpfs. Where mounting is not permitted, the command's own writes fail by a limit on the size of
files.

Slow: the embedded server starts and stops with each command, and recovers.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from crash_house import House, Place, Stage, chosen
from crash_stages import ingest_again, ingest_stage

POINTS = 16
SIZE = "400m"


@pytest.fixture(scope="module")
def how(house: House) -> Iterator[str]:
    """What makes the disk full. The places of the house lie on that disk."""
    disk = house.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", disk], check=False)
    if mounted.returncode:
        yield "limit"
        return
    house.folder = disk
    house.stack.callback(subprocess.run, ["umount", "--lazy", disk], check=True)
    yield "fill"


@pytest.fixture(scope="module")
def stage(house: House, how: str, embedded_first: Place) -> Stage:
    return ingest_stage(house, embedded_first)[0]


@pytest.mark.parametrize("turn", range(POINTS))
def test_full(house: House, how: str, stage: Stage, turn: int) -> None:
    writing = [step for step in stage.steps if step.kind in ("open", "mkdir", "copy", "commit", "rename", "sql")]
    step = chosen([step for step in writing if step.phase != "start"], POINTS)[turn]
    assert house.disturbed(stage, step, how, ingest_again) == [], step
