"""Classes of the fictional schools: grades, letters, levels, and pupils that add up to what the schools state."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import polars as pl

from documents.demo.mistakes import LEVELS, Row
from documents.demo.region import Region
from documents.demo.schools import allocate

FULL = 25
"""Pupils of a class, about: a grade with more of them has several."""
LETTERS = "АБВГДЕЖИ"
PROFILES = ("engineering", "medical", "pedagogical", "it", "entrepreneurial", "natural_science")
SENIOR, SMALLER = 10, 0.6
"""From this grade on there are fewer pupils."""


@dataclass(frozen=True)
class SchoolOf:
    """A school with its classes, and the row that its readiness report would have without a mistake."""

    code: str
    name: str
    unit: str
    level: str
    said: Row = field(repr=False)
    classes: tuple[Row, ...] = field(repr=False)


def schools_of(region: Region) -> tuple[SchoolOf, ...]:
    """The schools of a region, unit by unit, each with its classes; the same region, the same classes."""
    said = {row["school_code"]: row for row in region.sound.iter_rows(named=True)}
    return tuple(
        SchoolOf(
            school["school_code"], school["short_name"], school["subordination"], school["level"],
            said[school["school_code"]], tuple(_classes(region.seed, school, said[school["school_code"]])),
        )
        for school in region.schools.sort("subordination", "school_code", maintain_order=True).iter_rows(named=True)
    )  # fmt: skip


def _classes(seed: int, school: Row, said: Row) -> list[Row]:
    """Rows grade, letter, level, pupils, pupils_ovz, pupils_planned, profile: their pupils are those of the school."""
    random = Random(f"classes {seed} {school['school_code']}")
    grades = range(6, 12) if school["grades"].endswith("11") else range(6, 10)
    weights = [random.uniform(0.8, 1.2) * (SMALLER if grade >= SENIOR else 1) for grade in grades]
    of_grades = allocate(school["pupils_6_11"], weights)
    found: list[Row] = []
    for grade, heads in zip(grades, of_grades, strict=True):
        many = min(max(-(-heads // FULL), 1), len(LETTERS))
        for letter, pupils in zip(
            LETTERS, allocate(heads, [random.uniform(0.9, 1.1) for _ in range(many)]), strict=False
        ):
            found.append({"grade": grade, "letter": letter if many > 1 else None, "pupils": pupils})
    planned = allocate(school["pupils_planned"], [row["pupils"] for row in found])
    profiled = _profile_classes(found, said["profile_classes"])
    for turn, row in enumerate(found):
        row["pupils_planned"] = planned[turn]
        row["pupils_ovz"] = min(random.choice((0, 0, 0, 1, 1, 2)), row["pupils"])
        row["level"] = _level(random, school["level"], row, is_first=turn == 0)
        row["profile"] = PROFILES[random.randrange(len(PROFILES))] if turn in profiled else None
    return found


def _level(random: Random, of_school: str, row: Row, *, is_first: bool) -> str:
    """The level of a class: the highest of a school's classes is the school's own."""
    if of_school == "basic" or is_first:
        return of_school
    if of_school == "advanced":
        return "advanced" if row["grade"] >= SENIOR else random.choice(LEVELS[1:])
    return random.choice(("basic", "main", "main"))


def _profile_classes(found: list[Row], many: int) -> set[int]:
    """The places of so many profile classes: the oldest ones, where there are enough of them."""
    oldest = sorted(range(len(found)), key=lambda turn: (-found[turn]["grade"], found[turn]["letter"] or ""))
    return set(oldest[:many])


def totals(region: Region) -> pl.DataFrame:
    """School code → its pupils and planned pupils, added up over its classes."""
    rows = [
        (
            school.code,
            sum(row["pupils"] for row in school.classes),
            sum(row["pupils_planned"] for row in school.classes),
        )
        for school in schools_of(region)
    ]
    return pl.DataFrame(rows, schema={"school_code": pl.String, "pupils": pl.Int64, "planned": pl.Int64}, orient="row")
