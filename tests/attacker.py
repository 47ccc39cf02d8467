"""Who has all that is public and reckons: every figure is an unknown, all that is told of it a line of a linear
programme, and what he knows of a figure the least and the greatest that the programme allows (HiGHS)."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import highspy
import sqlalchemy as sa

from warehouse.marts.published import mart
from warehouse.marts.small_numbers import Sums, is_small

PER_UNIT, IN_ALL = "registration_by_municipality", "registration_region"
REGION = "all"
"""The place of the region, which is the sum of all others."""


@dataclass(frozen=True)
class Told:
    """What a release tells of a place: `value` is the number that stands there, if any, `whole` of how many it is a
    part."""

    release: int
    place: str
    state: str
    value: int | None
    whole: int | None = None


class Attacker:
    """Knows how figures add up in each release, what each state means, and the threshold."""

    def __init__(self, told: Iterable[Told], sums: Mapping[int, Sums], threshold: int) -> None:
        self._model = highspy.Highs()
        self._model.setOptionValue("output_flag", False)
        self._figures = {(each.release, each.place): self._figure(each, threshold) for each in told}
        for release, of_release in sums.items():
            for place, ways in of_release.items():
                for parts in ways:
                    whole = sum(self._figures[release, part] for part in parts)
                    self._model.addConstr(self._figures[release, place] - whole == 0)

    def _figure(self, told: Told, threshold: int) -> highspy.highs.highs_var:
        """An unknown within what its own line says. What is kept has moved by less than the threshold from the number
        that stands there, and is not small; of what is hidden nobody says why."""
        least, most = 0.0, highspy.kHighsInf
        if told.state == "shown":
            assert told.value is not None
            least = most = told.value
        elif told.state == "no_data":
            most = 0
        elif told.state == "kept":
            assert told.value is not None
            near = range(told.value - threshold + 1, told.value + threshold)
            fits = [
                x for x in near if x >= threshold and not (told.whole is not None and 0 <= told.whole - x < threshold)
            ]
            least, most = min(fits), max(fits)
        return self._model.addVariable(lb=least, ub=most)

    def can_be(self, release: int, place: str) -> float:
        """How many numbers a figure can be."""
        return self._numbers(self._figures[release, place] + 0)

    def can_have_moved(self, place: str, earlier: int, later: int) -> float:
        """By how many different numbers a figure can have moved between two releases."""
        return self._numbers(self._figures[later, place] - self._figures[earlier, place])

    def _numbers(self, expression: highspy.highs.highs_linear_expression) -> float:
        found = []
        for solve in (self._model.minimize, self._model.maximize):
            solve(expression)
            status = self._model.getModelStatus()
            if status != highspy.HighsModelStatus.kOptimal:
                unbounded = (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible)
                assert status in unbounded, status
                return math.inf
            found.append(self._model.getObjectiveValue())
        return math.floor(found[1] + 1e-6) - math.ceil(found[0] - 1e-6) + 1


def reckoned(
    lines: Sequence[Told], true: Mapping[int, Mapping[str, tuple[int, int | None]]], threshold: int
) -> list[str]:
    """Small numbers, and small moves between releases, that can be told from these lines to fewer numbers than the
    threshold. `true` has release → place → pupils and plan."""
    releases = sorted({each.release for each in lines})
    units = {each.place for each in lines} - {REGION}
    attacker = Attacker(lines, {release: {REGION: [sorted(units)]} for release in releases}, threshold)
    found = []
    for each in lines:
        pupils, planned = true[each.release][each.place]
        if is_small(pupils, planned, threshold) and attacker.can_be(each.release, each.place) < threshold:
            found.append(f"{each.place} of {each.release}")
    for place in (*sorted(units), REGION):
        for earlier, later in pairwise(releases):
            moved = true[later][place][0] - true[earlier][place][0]
            if abs(moved) < threshold and attacker.can_have_moved(place, earlier, later) < threshold:
                found.append(f"the move of {place} to {later}")
    return found


def truth(engine: sa.Engine, day: dt.date) -> dict[str, tuple[int, int | None]]:
    """Place → pupils and plan, as the region itself has them."""
    with engine.connect() as connection:
        units = mart(connection, PER_UNIT, day).select("reporting_unit", "actual_pupils", "plan_pupils").rows()
        region = mart(connection, IN_ALL, day).select("actual_pupils", "plan_pupils").rows()
    return {unit: (pupils, planned) for unit, pupils, planned in [*units, (REGION, *region[0])]}


def as_published(engine: sa.Engine, first: dt.date, day: dt.date, pupils: Mapping[str, int]) -> None:
    """Let a later day have been published, on which nothing but these figures is other than on the first."""
    copy = """
    INSERT INTO history.{name} SELECT (jsonb_populate_record(h, jsonb_build_object('as_of', CAST(:day AS date))
        || coalesce(jsonb_build_object('actual_pupils', CAST(:pupils AS jsonb) -> h.reporting_unit), '{{}}'))).*
    FROM history.{name} AS h WHERE h.as_of = :first AND h.replaced_at = 'infinity'"""
    note = """
    INSERT INTO ops.publication (region, as_of, known_at, published_at) VALUES ('69', :day, 'infinity', ops.clock())"""
    asked = {"day": day, "first": first, "pupils": json.dumps(pupils)}
    with engine.begin() as connection:
        connection.execute(sa.text(copy.format(name=PER_UNIT)), asked)
        connection.execute(sa.text(copy.replace("actual_pupils", "no").format(name="readiness_by_municipality")), asked)
        connection.execute(sa.text(note), asked)
