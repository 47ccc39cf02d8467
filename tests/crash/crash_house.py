"""Places in which commands are disturbed: a home and a database, copied for each point from those of a stage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from crash_nights import PART
from crash_state import State, Watcher, broken_laws, differences, settled, state
from crash_steps import Step
from ledgers import LEDGERS

from flows.home.settings import Settings
from flows.intake.outcome import ACCEPTED, QUARANTINED, REFUSED
from warehouse.server.embedded import DATABASE, ROLE, embedded_server
from warehouse.server.server_settings import PORT

ROOT = Path(__file__).parents[2]
ORDERLY = (ACCEPTED, QUARANTINED, REFUSED)
OF_LEDGERS = tuple(f"mart {name}" for name in LEDGERS)
KILLED = (-signal.SIGKILL, -signal.SIGXFSZ)
Rules = tuple[str, str, str] | None
"""A rule of the readiness report, the severity that it gets, and the name of that version of the rules."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code or, negative, the signal; its steps, and the end of what it printed."""

    code: int
    hung: bool
    seconds: float
    processor: float
    steps: tuple[Step, ...]
    output: str

    def must_be(self, code: int) -> None:
        if self.code != code:
            raise AssertionError(f"exit {self.code} after {len(self.steps)} steps: {self.output}")


@dataclass(frozen=True)
class Place:
    """A home and its database, which is that of the embedded server when no URL is given."""

    home: Path
    url: str | None = None

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, database_url=self.url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]


@dataclass(frozen=True)
class Stage:
    """A place at rest and a command for it; what its steps are, and what is there once it has run undisturbed."""

    place: Place
    arguments: tuple[str, ...]
    rules: Rules
    code: int
    steps: tuple[Step, ...]
    expected: State
    seen: frozenset[str]
    settled: frozenset[str]
    """All marts before and after it, which says more than the few of them that a reader polls, `seen`."""


Again = Callable[[Place], tuple[str, ...] | None]
"""The next ordinary command after a disturbed one, if any is needed."""


class Driver:
    """The process that runs commands in its forks, see `crash_driver`."""

    def __init__(self, output: Path) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PROFMIN_", "PREFECT"))
        }
        self.output = output
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crash_driver.py"))],
            cwd=ROOT, env=environment | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "COLUMNS": "200"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, place: Place, arguments: Sequence[str], rules: Rules = None, at: int = 0, how: str = "") -> Ended:
        """Run a command; disturb it `at` a step, and `how`."""
        environment = {
            "PROFMIN_HOME": str(place.home), "PROFMIN_DATABASE_URL": place.url or "", "PROFMIN_READER_PROCESSES": "1",
            "PROFMIN_LOCK_SECONDS": "20", "PROFMIN_VOUCHED_CHANNELS": "inbox,ingest", "PROFMIN_FREE_MB": "0",
        }  # fmt: skip
        request: dict[str, object] = {
            "arguments": [each.format(home=place.home) for each in arguments], "environment": environment,
            "output": str(self.output), "rules": rules, "at": at, "how": how,
        }  # fmt: skip
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        steps = tuple(Step(int(number), *rest) for number, *rest in answer.pop("steps"))
        return Ended(**answer, steps=steps, output=self.output.read_text(errors="replace")[-1500:])

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(300)


class House:
    """Makes places and disturbs commands in them."""

    def __init__(self, databases: Any, driver: Driver, folder: Path) -> None:
        self.databases, self.driver, self.folder = databases, driver, folder
        self.stack = ExitStack()
        self.told: list[tuple[str, Step]] = []
        self.began = time.monotonic()
        self.homes = 0

    @contextmanager
    def copied(self, place: Place) -> Iterator[Place]:
        """A copy of a place at rest."""
        self.homes += 1
        home = self.folder / f"home{self.homes}"
        subprocess.run(["cp", "-a", "--reflink=auto", place.home, home], check=True)
        try:
            if place.url is None:
                yield Place(home)
                return
            with self.databases.fresh(sa.make_url(place.url).database) as url:
                yield Place(home, url)
        finally:
            subprocess.run(["rm", "-rf", home], check=True)

    def staged(
        self, place: Place, arguments: tuple[str, ...], rules: Rules = None, *, code: int = 0
    ) -> tuple[Stage, Place]:
        """A stage, and the place in which its command has run undisturbed; `place` stays as it is."""
        after = self.stack.enter_context(self.copied(place))
        with answering(place) as url:
            before, marts_before = Watcher.look_once(url), settled(url)
        ended = self.driver.run(after, arguments, rules)
        ended.must_be(code)
        with answering(after) as url:
            expected, seen, marts_after = state(url, after.home), Watcher.look_once(url), settled(url)
            if wrong := broken_laws(after.settings):
                raise AssertionError(wrong)
        polled, whole = frozenset({before, seen}), frozenset({marts_before, marts_after})
        return Stage(place, arguments, rules, code, ended.steps, expected, polled, whole), after

    def disturbed(self, stage: Stage, step: Step, how: str, again: Again) -> list[str]:
        """Disturb a stage's command at a step, run the next ordinary command, and say what is wrong then."""
        self.told.append((how, step))
        with self.copied(stage.place) as place:
            with Watcher(url_of(place), may_be_down=place.url is None) as watcher:
                first = self.driver.run(place, stage.arguments, stage.rules, step.number, how)
                wrong = [] if not first.hung else [f"it hung at {first.steps[-1:]}"]
                if how in ("kill", "cut") and first.code not in KILLED:
                    wrong.append(f"it was not killed: exit {first.code} after {len(first.steps)} steps: {first.output}")
                mend(place)
                # A command that lives on without a delivery publishes the rest: a third state, as whole as the two.
                between, marts_between = (None, None) if first.code in KILLED else seen_in(place)
                following = again(place)
                if following is not None:
                    second = self.driver.run(place, following, stage.rules)
                    if second.code not in ORDERLY:  # which of them depends on how much the first has left to it
                        wrong.append(f"the next run: exit {second.code}: {second.output}")
                with answering(place) as url:
                    wrong += differences(stage.expected, state(url, place.home)) + broken_laws(place.settings)
            if between is not None:  # what waits was then compared with what held before the delivery came that failed
                wrong = [each for each in wrong if not (each.startswith("file outbox/") and PART in each)]
            if marts_between not in (None, *stage.settled):  # the ledgers then tell of two steps instead of one
                wrong = [each for each in wrong if not each.startswith(OF_LEDGERS)]
            wrong += watcher.errors[:3]
            if strange := set(watcher.seen) - stage.seen - {between}:
                wrong.append(f"a reader saw {len(strange)} states that are neither before nor after")
            if not watcher.seen:
                wrong.append("the reader saw nothing")
            return wrong

    def report(self) -> str:
        """How many points there were: how, phase, kind."""
        counted = Counter((how, step.phase, step.kind) for how, step in self.told)
        lines = [
            f"{how:<10} {phase:<9} {kind:<9} {number:>4}" for (how, phase, kind), number in sorted(counted.items())
        ]
        return "\n".join(["", *lines, f"{len(self.told)} points, {time.monotonic() - self.began:.0f} s"])


@contextmanager
def answering(place: Place) -> Iterator[str]:
    """The URL of a place's database, which answers as long as the block lasts."""
    if place.url is not None:
        yield place.url
    else:
        with embedded_server(place.settings.pgdata) as url:
            yield url


def seen_in(place: Place) -> tuple[str, str]:
    with answering(place) as url:
        return Watcher.look_once(url), settled(url)


def url_of(place: Place) -> str:
    """The URL of a place's database, whether anybody answers there or not."""
    query = {"host": str(place.settings.pgdata), "port": str(PORT)}
    made = sa.URL.create("postgresql+psycopg2", username=ROLE, database=DATABASE, query=query)
    return place.url or made.render_as_string(hide_password=False)


def mend(place: Place) -> None:
    """Give back what a disturbance took of the disk."""
    (place.home / "filler").unlink(missing_ok=True)


def chosen(steps: Sequence[Step], number: int, kinds: Sequence[str] = ()) -> list[Step]:
    """So many steps in their order: the first of each phase and kind, then evenly among all; only of these kinds."""
    pool = [step for step in steps if not kinds or step.kind in kinds]
    first = {(step.phase, step.kind): step for step in reversed(pool)}
    found = {step.number: step for step in evenly(list(first.values()), number)}
    rest = [step for step in pool if step.number not in found]
    found |= {step.number: step for step in evenly(rest, number - len(found))}
    return [found[place] for place in sorted(found)]


def evenly(steps: Sequence[Step], number: int) -> list[Step]:
    """So many of the steps, at equal distances."""
    if number >= len(steps):
        return list(steps)
    return [steps[turn * len(steps) // number] for turn in range(max(number, 0))]
