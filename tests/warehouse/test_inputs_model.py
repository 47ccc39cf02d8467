"""Random lives of a band: edited, listed, published, judged anew, taken back; against a plain model of what shows.

Slow: each step of a life publishes or judges anew whole days.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from changing import Inputs
from hand_made import DAY, read
from test_inputs_anew import applied, planned, request, reverted

from warehouse.backfill.requests import Refused
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import upgrade

ONE = dt.timedelta(days=1)
RATE = 0.8
"""Of Асиновский: 8 of 10 reports on each day."""
BOUNDS = ("0.75", "0.80", "0.85", "0.90")
DAYS = [DAY + number * ONE for number in range(6)]
Version = tuple[str, str]
"""A name and the bound from which on it is green; the name of one that nobody listed is empty."""


@dataclass
class Model:
    """What a day shows: by its last backfill that stands, else by what judged it when it was first published."""

    listed: list[tuple[Version, dt.date]] = field(default_factory=lambda: [(("2023", "0.80"), dt.date(1, 1, 1))])
    unlisted: tuple[Version, dt.date] | None = None
    first: dict[dt.date, Version] = field(default_factory=dict)
    over: dict[int, dict[dt.date, Version]] = field(default_factory=dict)

    def edit(self, bound: str) -> None:
        version, since = self.listed[-1]
        if bound == version[1]:
            self.unlisted = None
        elif self.unlisted is None or self.unlisted[0][1] != bound:
            self.unlisted = ("", bound), max(since, max(self.first) + ONE) if self.first else since

    def list(self, name: str, since: dt.date) -> None:
        assert self.unlisted
        self.listed.append(((name, self.unlisted[0][1]), since))
        self.unlisted = None

    def due(self, day: dt.date, *, anew: bool = False) -> Version:
        known = [version for version, since in self.listed if since <= day]
        if self.unlisted and (anew or self.unlisted[1] <= day):
            known.append(self.unlisted[0])
        return known[-1]

    def publish(self, days: list[dt.date]) -> None:
        self.first |= {day: self.due(day) for day in days if day not in self.first}

    def shown(self, day: dt.date) -> Version:
        return next((days[day] for days in reversed(self.over.values()) if day in days), self.first[day])

    def judged_anew(self, days: list[dt.date]) -> dict[dt.date, Version]:
        found = {day: self.due(day, anew=True) for day in days if day in self.first}
        return {day: version for day, version in found.items() if version != self.shown(day)}

    def stands_on(self, number: int) -> bool:
        return any(self.over[number].keys() & days.keys() for other, days in self.over.items() if other > number)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_shows_what_the_model_says(engine: sa.Engine, small: dict[str, int], inputs: Inputs, seed: int) -> None:
    chance, model, bound, story = random.Random(seed), Model(), "0.80", []
    for step in range(24):
        what = chance.choice(("edit", "edit", "list", "publish", "publish", "anew", "anew", "revert"))
        days = sorted(chance.sample(DAYS, 2))
        if what == "edit":
            bound = chance.choice([each for each in BOUNDS if each != bound])
            inputs.change("band_rules", "green", lower_bound=bound)
            upgrade(engine)
            model.edit(bound)
        elif what == "list" and model.unlisted:
            inputs.list(f"v{step}", days[0])
            upgrade(engine)
            model.list(f"v{step}", days[0])
        elif what == "publish":
            publish(engine, "69", days)
            model.publish(days)
        elif what == "anew":
            span = [day for day in DAYS if days[0] <= day <= days[1]]
            asked = request("band_rules", from_as_of=days[0], to_as_of=days[1])
            if found := model.judged_anew(span):
                number = planned(engine, asked)
                applied(engine, number)
                model.over[number] = found
            else:
                with pytest.raises(Refused):
                    planned(engine, asked)
        elif what == "revert" and model.over:
            number = chance.choice(list(model.over))
            if model.stands_on(number):
                with pytest.raises(Refused, match="stands on it"):
                    reverted(engine, number)
            else:
                reverted(engine, number)
                del model.over[number]
        story.append((what, bound, days))
        said = {day: "green" if float(model.shown(day)[1]) <= RATE else "amber" for day in model.first}
        found = {day: bands_of(engine, day) for day in model.first}
        assert {day: band for day, (band, _) in found.items()} == said, story
        for day, (_, version) in found.items():
            name, green = model.shown(day)
            assert ("не записана" in version) == (name == "" and green != "0.80"), story  # whose name is 2023


def bands_of(engine: sa.Engine, day: dt.date) -> tuple[str, str]:
    row = read(engine, "readiness_by_municipality", day).filter(reporting_unit="asinovsky")
    band: tuple[str, str] = row.select("band", "band_rule_version").row(0)
    return band
