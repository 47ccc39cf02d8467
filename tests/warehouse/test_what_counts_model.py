"""What counts, against a plain model of it: random sequences of good, small, empty, refused, renamed, re-sent and late
deliveries, of held ones that an officer accepts or declines.

Each sequence is the plan of one academic year, so that many are lived side by side, a step of all of them at a time.
`PROFMIN_SEQUENCES` says how many (CI lives 10 000), `PROFMIN_SEED` which; a failure prints the whole sequence.

Slow: a year of deliveries after another.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
import sqlalchemy as sa
from hand_made import SEED, plan, refused

from contracts.reading import Reading, Rows
from warehouse.deliveries.arrivals import Came, look, record_came
from warehouse.deliveries.decision import decide
from warehouse.deliveries.load import load_many

MANY = int(os.environ.get("PROFMIN_SEQUENCES", "500"))
A_ROUND = 2500
"""Sequences that are lived side by side; rounds run in parallel."""
STEPS = 7
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
LARGEST_FALL = 0.2
EVENTS = ("good", "good", "smaller", "empty", "refused", "renamed", "resent", "resent", "late", "accept", "decline")
HOLDS = """
SELECT r.slice, r.delivery_id FROM ops.reading r WHERE r.status = 'current' AND r.slice IS NOT NULL
"""
WAITS = "SELECT r.slice, r.delivery_id FROM ops.reading r WHERE r.status = 'held'"


@dataclass(frozen=True)
class Content:
    """Bytes: what is in them, and their checksum. `plan` is None for a file that is refused for itself."""

    sha256: str
    plan: dict[str, int] | None

    @property
    def rows(self) -> int:
        return len(self.plan or {})

    @property
    def pupils(self) -> int:
        return sum((self.plan or {}).values())


@dataclass
class Sent:
    """A delivery in the model: its bytes, its name, its turn, and what became of it."""

    content: Content
    name: str
    turn: tuple[int, int]
    state: str = "new"
    delivery_id: int = 0
    same_as: Sent | None = None

    @property
    def answered_by(self) -> Sent:
        return self.same_as or self


@dataclass
class Year:
    """One sequence: the model of what should count of one academic year's plan."""

    year: int
    random: Random
    sent: list[Sent] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def slice(self) -> str:
        return f"registration_plan/regional_operator/{self.year}"

    @property
    def current(self) -> Sent | None:
        return next((each for each in self.sent if each.state == "current"), None)

    @property
    def waiting(self) -> list[Sent]:
        return sorted((each for each in self.sent if each.state == "held"), key=lambda each: each.turn)

    def content(self, what: str, step: int) -> Content:
        """New bytes, larger or smaller than what stands."""
        units = list(SEED)[: self.random.randint(10, 14) if what != "smaller" else self.random.randint(1, 8)]
        each = self.random.randint(95, 105) if what != "smaller" else self.random.randint(10, 100)
        facts = {} if what == "empty" else {unit: each + place for place, unit in enumerate(units)}
        sha256 = hashlib.sha256(f"{self.year} {step}".encode()).hexdigest()
        return Content(sha256, None if what == "refused" else facts)

    def come(self, sent: Sent) -> None:
        """The rules of what may replace what, as an officer would tell them."""
        self.sent.append(sent)
        before, new = self.current, sent.content
        if new.plan is None:
            sent.state = "refused"
        elif before and before.content == new:
            sent.state, sent.same_as = "same", before
            self.overtakes(sent)
        elif before and sent.turn < before.turn:
            sent.state = "superseded"
        elif before and new.rows == 0:
            sent.state = "refused"
        elif before and any(
            old - now > LARGEST_FALL * old + 1e-9
            for old, now in ((before.content.rows, new.rows), (before.content.pupils, new.pupils))
        ):
            sent.state = "held"
        else:
            self.counts(sent)

    def counts(self, sent: Sent) -> None:
        if self.current:
            self.current.state = "superseded"
        sent.state = "current"
        self.overtakes(sent)

    def overtakes(self, sent: Sent) -> None:
        for each in self.waiting:
            if each.turn < sent.turn:
                each.state = "overtaken"

    def stands(self, sent: Sent) -> bool:
        """Does its word still stand, so that the same file again is no news?

        What counts does, unless a newer word waits for a decision; anything else as long as nothing newer came.
        """
        newer = [each for each in self.sent if each.turn > sent.turn]
        state = sent.answered_by.state
        if state in ("current", "superseded"):
            return state == "current" and not any(each.answered_by.state == "held" for each in newer)
        return not newer


def reading_of(year: Year, content: Content) -> Reading:
    as_of = dt.date(year.year, 9, 8)
    if content.plan is None:
        return refused("registration_plan", "regional_operator", as_of=as_of, sha256=content.sha256)
    if content.plan:
        return plan(content.plan, as_of=as_of, sha256=content.sha256)
    nothing = plan({"asinovsky": 1}, as_of=as_of, sha256=content.sha256, verdict="partial", rows=Rows(4, 0, 3, 1))
    return replace(nothing, facts=nothing.facts.clear())


def step(engine: sa.Engine, years: Sequence[Year], number: int) -> None:
    """One event of each sequence: in the model, and in the warehouse."""
    coming: list[tuple[Year, Sent, bool]] = []
    for year in years:
        event = year.random.choice(EVENTS) if number else "good"
        year.told.append(event)
        if event in ("accept", "decline"):
            if year.waiting:
                settle(engine, year, year.waiting[-1], event)
        elif event in ("renamed", "resent") and year.sent:
            again = year.random.choice(year.sent)
            name = f"{number}.xlsx" if event == "renamed" else again.name
            coming.append((year, Sent(again.content, name, (1, number)), False))
        elif event == "late":
            claimed = year.random.randint(0, 1000)
            coming.append((year, Sent(year.content("good", number), f"{number}.xlsx", (0, claimed)), True))
        else:
            coming.append((year, Sent(year.content(event, number), f"{number}.xlsx", (1, number)), False))
    loads: list[tuple[Year, Sent]] = []
    with engine.begin() as connection:
        seen = look(connection)
        for year, sent, is_late in coming:
            claimed = LONG_AGO + dt.timedelta(days=sent.turn[1]) if is_late else seen.received_at
            came = Came(sent.content.sha256, sent.name, 10, claimed, sent.content.sha256, is_vouched=is_late)
            recorded = record_came(connection, came, seen)
            sent.delivery_id = recorded.delivery_id
            same = [each for each in year.sent if (each.content, each.name) == (sent.content, sent.name)]
            assert recorded.is_repeat == bool(same and year.stands(same[-1])), explained(year, "is it news?")
            if not recorded.is_repeat:
                loads.append((year, sent))
    results = load_many(engine, [(reading_of(year, sent.content), sent.delivery_id) for year, sent in loads], "1")
    for (year, sent), result in zip(loads, results, strict=True):
        year.come(sent)
        said = "refused" if result.reading.verdict == "refused" else result.status
        assert said == sent.state, explained(year, f"the warehouse says {said}, the model {sent.state}")


def settle(engine: sa.Engine, year: Year, sent: Sent, event: str) -> None:
    if event == "accept":
        decide(engine, sent.delivery_id, "current", "Офицер", "так и есть")
        year.counts(sent)
    else:
        decide(engine, sent.delivery_id, "declined", "Офицер", "файл обрезан")
        sent.state = "declined"


def explained(year: Year, what: str) -> str:
    lines = [f"{each.state:<11} {each.name:<8} rows {each.content.rows:>2} turn {each.turn}" for each in year.sent]
    return "\n".join([f"year {year.year}: {what}", " ".join(year.told), *lines])


@pytest.mark.parametrize("round_", range(-(-MANY // A_ROUND)))
def test_what_counts_is_what_the_model_says(engine: sa.Engine, round_: int) -> None:
    seed = int(os.environ.get("PROFMIN_SEED", "2026")) + round_
    years = [Year(1000 + number, Random(f"{seed} {number}")) for number in range(min(MANY, A_ROUND))]
    for number in range(STEPS):
        step(engine, years, number)
    with engine.connect() as connection:
        holds = dict(connection.execute(sa.text(HOLDS)).tuples().all())
        waits: dict[str, set[int]] = {}
        for slice_, delivery_id in connection.execute(sa.text(WAITS)):
            waits.setdefault(slice_, set()).add(delivery_id)
    for year in years:
        counted = year.current.delivery_id if year.current else None
        assert holds.get(year.slice) == counted, explained(year, f"seed {seed}: {holds.get(year.slice)} counts")
        assert waits.get(year.slice, set()) == {each.delivery_id for each in year.waiting}, explained(year, "waits")
    states = {each.state for year in years for each in year.sent}
    assert states >= {"current", "superseded", "held", "overtaken", "declined", "refused", "same"}, states
