"""Names to keys: reporting units by the alias table, schools by the register. Nothing is guessed into a fact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from contracts.rules import (
    CELL,
    CODE_AND_NAME_DIFFER,
    CODE_UNKNOWN,
    KEY_NORMALISED,
    NAME_MISSPELT,
    SCHOOL_AMBIGUOUS,
)
from transforms.cells.cell_value import plain
from transforms.cells.code import tidy
from transforms.cells.key import key
from transforms.cells.parse import by_distinct
from transforms.cells.school_name import CLEARLY_BETTER, NOTHING_ALIKE, candidates, likeness, school_key

UNKNOWN_SCHOOL = CELL["school_name"].id
WANTED = "школа из реестра"
ONE_A_ROW = "у каждой школы своя строка, а здесь названо школ: {}"
TWO_NAMES = re.compile(r"([^()]+)\(([^()]+)\)")
"""«Муниципальное … учреждение «СОШ № 1» (МБОУ «СОШ № 1»)»."""
BETWEEN = re.compile(r"\s*[,;\n]\s*|\s+и\s+")
"""What stands between the codes or the names of several schools in one cell."""
SAME_WORDS = 100
MOST_GUESSED = 500
"""Unknown names of a register's run for which candidates are looked up: beyond it the file is of another region."""

RESOLVED: dict[str, pl.DataType] = {
    "school_id": pl.Int64(),
    "school_problem": pl.String(),
    "school_expected": pl.String(),
    "school_note": pl.String(),
    "school_read_as": pl.String(),
}


class School(NamedTuple):
    """A school of the register, as much of it as rules need."""

    school_id: int
    code: str
    name: str
    full_name: str | None
    territory: str | None
    subordination: str | None
    pupils: int | None


class Match(NamedTuple):
    """The school of a row, and what is said of it.

    `problem` is the id of the rule that the row breaks, with what is `expected`; `note` the id of a note that the
    school's name was written otherwise, with the register's name as `read_as`.
    """

    school: School | None
    problem: str | None = None
    expected: str | None = None
    note: str | None = None
    read_as: str | None = None


@dataclass(frozen=True)
class Register:
    """The schools valid on a date: school_id Int64, school_code, short_name, territory, subordination String,
    pupils_6_11 Int64; full_name String, which a register kept by an earlier version lacks."""

    frame: pl.DataFrame
    found: dict[tuple[Any, ...], Match] = field(default_factory=dict)
    guessed: dict[tuple[Any, ...], str] = field(default_factory=dict)
    names_near: dict[str | None, dict[str, list[School]]] = field(default_factory=dict)

    @cached_property
    def schools(self) -> dict[int, School]:
        """The schools by their ids."""
        columns = ["school_id", "school_code", "short_name", "full_name", "territory", "subordination", "pupils_6_11"]
        frame = self.frame
        if "full_name" not in frame.columns:
            frame = frame.with_columns(full_name=pl.lit(None, dtype=pl.String))
        return {row[0]: School._make(row) for row in frame.select(columns).rows()}

    @cached_property
    def by_code(self) -> dict[str, School]:
        """The schools by their codes."""
        return {school.code: school for school in self.schools.values()}

    @cached_property
    def code_length(self) -> int:
        """Characters of the longest code; 0 in an empty register."""
        return max(map(len, self.by_code), default=0)

    def known_code(self, code: str) -> str:
        """The code of the register that a text stands for, without «.0», noughts restored; else the text itself."""
        if code in self.by_code:
            return code
        digits = tidy(plain(code))
        return next((each for each in (digits, digits.zfill(self.code_length)) if each in self.by_code), code)

    @cached_property
    def by_name(self) -> dict[str, list[School]]:
        """The schools by the key of their short name."""
        return _by_key((school.name, school) for school in self.schools.values())

    @cached_property
    def by_full_name(self) -> dict[str, list[School]]:
        """The schools by the key of their full name, those that have one."""
        return _by_key((school.full_name, school) for school in self.schools.values() if school.full_name)

    @cached_property
    def codes_and_keys(self) -> frozenset[str]:
        """The codes of all schools and the keys of their names."""
        return frozenset(self.by_code) | frozenset(self.by_name) | frozenset(self.by_full_name)

    @cached_property
    def near(self) -> dict[str | None, list[School]]:
        """The schools of each sender and of each territory."""
        found: dict[str | None, list[School]] = {}
        for school in self.schools.values():
            for unit in dict.fromkeys((school.subordination, school.territory)):
                found.setdefault(unit, []).append(school)
        return found

    def named(self, name: str, units: tuple[str | None, ...]) -> list[School]:
        """The schools of a name: those of `units` when there are some, else those of the whole region.

        The keys of names cost more than all else of a small file, so those of one unit are made first.
        """
        if len(units) == 1:
            (unit,) = units
            if unit not in self.names_near:
                self.names_near[unit] = _by_key((school.name, school) for school in self.near.get(unit, ()))
            if near := self.names_near[unit].get(school_key(name)):
                return near
        schools = self.called(name)
        return [school for school in schools if _is_of(school, units)] or schools

    def called(self, name: str) -> list[School]:
        """The schools of a name: of a short one, else of a full one; of two names, one in brackets, those of both."""
        asked = school_key(name)
        schools = self.by_name.get(asked) or self.by_full_name.get(asked, [])
        if schools or (two := TWO_NAMES.fullmatch(name.strip())) is None:
            return schools
        others = self.called(two[2])
        return [school for school in self.called(two[1]) if school in others]

    def school(self, code: str | None, name: str | None, units: tuple[str | None, ...]) -> Match:
        """The school of a row.

        The code decides; without one the name does, the short one or the full one, among the schools of `units` (a
        sender, or a territory) first and in the whole region when the name stands there once. Where they name
        different schools the row is set aside as that of the named one: codes are mistyped more often. An unknown
        name that is like that of the code's school is a misspelling; nothing is loaded by likeness alone.
        """
        asked = (code, name, units)
        if asked not in self.found:
            self.found[asked] = self.look_up(code, name, units)
        return self.found[asked]

    def look_up(self, code: str | None, name: str | None, units: tuple[str | None, ...]) -> Match:
        """As `school`, without what was looked up before."""
        coded = self.by_code.get(self.known_code(code)) if code else None
        if coded is not None and name and _is_of(coded, units) and _are_one(name, coded.name):
            return Match(coded)
        named = self.named(name, units) if name else []
        if coded is not None and name is not None:
            if named and coded not in named:
                return Match(named[0] if len(named) == 1 else coded, CODE_AND_NAME_DIFFER.id, WANTED)
            if named:
                return Match(coded)
            several = self.several(name, units)
            return Match(coded, CODE_AND_NAME_DIFFER.id, several) if several else self.misspelt(coded, name)
        if coded is not None:
            return Match(coded)
        if len(named) == 1:
            school = named[0]
            if code:
                return Match(school, CODE_UNKNOWN.id, self.several(code, units) or f"код {school.code}")
            if name in (school.name, school.full_name):
                return Match(school)
            return Match(school, note=KEY_NORMALISED.id, read_as=school.name)
        if named:
            return Match(None, SCHOOL_AMBIGUOUS.id, WANTED)
        several = self.several(code or "", units) or self.several(name or "", units)
        return Match(None, UNKNOWN_SCHOOL, several or (self.guesses(name, units) if name else WANTED))

    def several(self, text: str, units: tuple[str | None, ...]) -> str | None:
        """What is expected of a cell that names several schools, by their codes or by their names; None of another."""
        parts = [part for part in BETWEEN.split(text.strip()) if part]
        if len(parts) < 2 or len(self.guessed) >= MOST_GUESSED:
            return None
        known = {self._meant(part, units) for part in parts}
        return ONE_A_ROW.format(len(known)) if None not in known and len(known) > 1 else None

    def _meant(self, text: str, units: tuple[str | None, ...]) -> str | None:
        """The code of the school that a text surely means: its code, its name, or all of the name's own words."""
        if (code := self.known_code(text)) in self.by_code:
            return code
        if named := self.named(text, units):
            return named[0].code
        best = next(iter(candidates(text, self.names)), None)
        return list(self.schools.values())[best.place].code if best is not None and best.score == SAME_WORDS else None

    def misspelt(self, coded: School, name: str) -> Match:
        """The code's school under a name that no school has, unless that is nothing like its own or more like
        another's."""
        own = max(likeness(name, own_name) for own_name in (coded.name, coded.full_name) if own_name)
        best = next(iter(candidates(name, self.names)), None)
        is_anothers = best is not None and best.score >= own + CLEARLY_BETTER
        if own < NOTHING_ALIKE or is_anothers:
            return Match(coded, CODE_AND_NAME_DIFFER.id, coded.name)
        return Match(coded, note=NAME_MISSPELT.id, read_as=coded.name)

    @cached_property
    def names(self) -> list[str]:
        """The short names of the schools, as candidates are looked for among them."""
        return [school.name for school in self.schools.values()]

    def guesses(self, name: str, units: tuple[str | None, ...]) -> str:
        """The schools that an unknown name may mean, in words, those of `units` first when they are as alike."""
        asked = (name, units)
        if asked not in self.guessed:
            if len(self.guessed) >= MOST_GUESSED:
                return WANTED
            schools = list(self.schools.values())
            guessed_schools = [(schools[scored.place], scored.score) for scored in candidates(name, self.names)]
            guessed_schools.sort(key=lambda scored: (-scored[1], scored[0].subordination not in units))
            in_words = "; ".join(
                f"{school.name}, код {school.code} (сходство {score} из 100)" for school, score in guessed_schools
            )
            self.guessed[asked] = f"{WANTED}; возможно, {in_words}" if in_words else WANTED
        return self.guessed[asked]

    def resolve(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`RESOLVED` columns for rows with school_code, school_name, unit (String); each distinct case once.

        Rows of one school mostly stand together, so a case is looked for only where a row differs from the one above.
        """
        keys = ["school_code", "school_name", "unit"]
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in keys)
        turns = rows.select(differs | (pl.int_range(pl.len()) == 0)).to_series()
        first = rows.select(keys).filter(turns)
        cases = first.unique(maintain_order=True)
        resolved = self._of_cases(cases)
        if len(cases) < len(first):
            found = cases.hstack(resolved)
            resolved = first.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left").select(*RESOLVED)
        return resolved if turns.all() else resolved[turns.cum_sum() - 1]

    def _of_cases(self, cases: pl.DataFrame) -> pl.DataFrame:
        """`RESOLVED` columns of cases that differ."""
        cases = cases.with_row_index("case")
        told = cases.join(self._plain, on=cases.columns[1:], how="inner", maintain_order="left")
        rest = cases.join(told, on="case", how="anti", maintain_order="left")
        answers = [self.school(code, name, (unit,)) for _, code, name, unit in rest.iter_rows()]
        others = [(a.school.school_id if a.school else None, *a[1:]) for a in answers]
        of_rest = rest.select("case").hstack(pl.DataFrame(others, schema=RESOLVED, orient="row"))
        return pl.concat([told.select("case", "school_id"), of_rest], how="diagonal").sort("case").select(*RESOLVED)

    @cached_property
    def _plain(self) -> pl.DataFrame:
        """The code and the short name of each school with each of its units, which is how most rows name it, and its
        id: what `look_up` would say of them too."""
        schools = self.frame.filter(pl.col("school_code").is_unique() & (pl.col("school_code") != ""))
        schools = schools.filter(pl.col("short_name") != "")
        school_id = pl.col("school_id").cast(pl.Int64)
        of_units = [
            schools.select("school_code", school_name="short_name", unit=unit, school_id=school_id)
            for unit in ("subordination", "territory")
        ]
        return pl.concat(of_units).drop_nulls().unique()

    @cached_property
    def by_subordination(self) -> dict[str | None, list[School]]:
        """The schools by the sender to whom they are subordinate."""
        found: dict[str | None, list[School]] = {}
        for school in self.schools.values():
            found.setdefault(school.subordination, []).append(school)
        return found

    @cached_property
    def context(self) -> pl.DataFrame:
        """school_id → register_sender, register_pupils: what row rules compare with."""
        return self.frame.select(
            "school_id",
            register_sender="subordination",
            register_pupils="pupils_6_11",
        )

    @cached_property
    def units(self) -> pl.DataFrame:
        """reporting_unit → register_unit_schools, register_unit_pupils, by subordination."""
        return self.frame.group_by(reporting_unit="subordination").agg(
            register_unit_schools=pl.len().cast(pl.Int64), register_unit_pupils=pl.col("pupils_6_11").sum()
        )


def _is_of(school: School, units: tuple[str | None, ...]) -> bool:
    return school.subordination in units or school.territory in units


def _are_one(name: str, other: str) -> bool:
    return name == other or school_key(name) == school_key(other)


def _by_key(named: Iterable[tuple[str, School]]) -> dict[str, list[School]]:
    """Schools by the keys of names."""
    schools_of: dict[str, list[School]] = {}
    for name, school in named:
        schools_of.setdefault(school_key(name), []).append(school)
    return schools_of


def resolve_units(texts: pl.Series, aliases: Mapping[str, str]) -> tuple[pl.Series, pl.Series | None]:
    """Reporting units of names, and a mask of the names that are not in the alias table."""

    def understand(distinct: pl.Series) -> tuple[pl.Series, pl.Series]:
        keys = [key(text) for text in distinct]
        units = pl.Series([aliases.get(unit_key) for unit_key in keys], dtype=pl.String)
        return units, pl.Series([not unit_key for unit_key in keys], dtype=pl.Boolean)

    nothing = pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, len(texts))
    return by_distinct(texts, nothing, understand)
