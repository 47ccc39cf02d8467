"""Names to keys: reporting units by the alias table, schools by the register. Nothing is guessed into a fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from contracts.rules import CELL, CODE_AND_NAME_DIFFER, SCHOOL_AMBIGUOUS
from transforms.code import tidy
from transforms.heading import key
from transforms.meaning import plain
from transforms.parse import by_distinct

UNKNOWN_SCHOOL = CELL["school_name"].id

RESOLVED: dict[str, pl.DataType] = {
    "school_id": pl.Int64(),
    "school_problem": pl.String(),
    "school_normalised": pl.String(),
}


@dataclass(frozen=True)
class School:
    """A school of the register, as much of it as rules need."""

    school_id: int
    code: str
    name: str
    territory: str | None
    subordination: str | None
    pupils: int | None


@dataclass(frozen=True)
class Register:
    """The schools valid on a date: school_id Int64, school_code, short_name, territory, subordination String,
    pupils_6_11 Int64."""

    frame: pl.DataFrame
    found: dict[tuple[Any, ...], tuple[School | None, str | None, str | None]] = field(default_factory=dict)

    @cached_property
    def schools(self) -> dict[int, School]:
        columns = ("school_id", "school_code", "short_name", "territory", "subordination", "pupils_6_11")
        return {row[0]: School(*row) for row in self.frame.select(columns).iter_rows()}

    @cached_property
    def by_code(self) -> dict[str, School]:
        return {school.code: school for school in self.schools.values()}

    @cached_property
    def code_length(self) -> int:
        return max(map(len, self.by_code), default=0)

    def known_code(self, code: str) -> str:
        """The code of the register that a text stands for, without «.0», noughts restored; else the text itself."""
        if code in self.by_code:
            return code
        digits = tidy(plain(code))
        return next((each for each in (digits, digits.zfill(self.code_length)) if each in self.by_code), code)

    @cached_property
    def by_name(self) -> dict[str, list[School]]:
        found: dict[str, list[School]] = {}
        for school in self.schools.values():
            found.setdefault(key(school.name), []).append(school)
        return found

    def school(
        self, code: str | None, name: str | None, units: tuple[str | None, ...]
    ) -> tuple[School | None, str | None, str | None]:
        """The school of a row, the rule that it breaks, and the register's name when the row's was normalised.

        The code decides; without one the name does, among the schools of `units` (a sender, or a territory) first
        and in the whole region when the name stands there once. Where they name different schools the row is set
        aside as that of the named one: codes are mistyped more often.
        """
        asked = (code, name, units)
        if asked not in self.found:
            self.found[asked] = self.look_up(code, name, units)
        return self.found[asked]

    def look_up(
        self, code: str | None, name: str | None, units: tuple[str | None, ...]
    ) -> tuple[School | None, str | None, str | None]:
        same_name = self.by_name.get(key(name), []) if name else []
        near = [s for s in same_name if s.subordination in units or s.territory in units]
        named = near if near else same_name
        coded = self.by_code.get(self.known_code(code)) if code else None
        if coded is not None:
            if named and coded not in named:
                return named[0] if len(named) == 1 else coded, CODE_AND_NAME_DIFFER.id, None
            return coded, None, None
        if len(named) == 1:
            school = named[0]
            if code:
                return school, CODE_AND_NAME_DIFFER.id, None
            return school, None, school.name if name != school.name else None
        return None, SCHOOL_AMBIGUOUS.id if named else UNKNOWN_SCHOOL, None

    def resolve(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`RESOLVED` columns for rows with school_code, school_name, unit (String); each distinct case once."""
        cases = rows.select("school_code", "school_name", "unit").unique(maintain_order=True)
        answers = [self.school(code, name, (unit,)) for code, name, unit in cases.iter_rows()]
        found = cases.with_columns(
            pl.Series("school_id", [a[0].school_id if a[0] else None for a in answers], pl.Int64),
            pl.Series("school_problem", [a[1] for a in answers], pl.String),
            pl.Series("school_normalised", [a[2] for a in answers], pl.String),
        )
        keys = ["school_code", "school_name", "unit"]
        return (
            rows.select(keys)
            .join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
            .select(*RESOLVED)
        )

    @cached_property
    def by_subordination(self) -> dict[str | None, list[School]]:
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


def resolve_units(texts: pl.Series, aliases: Mapping[str, str]) -> tuple[pl.Series, pl.Series | None]:
    """Reporting units of names, and a mask of the names that are not in the alias table."""

    def understand(distinct: pl.Series) -> tuple[pl.Series, pl.Series]:
        keys = [key(text) for text in distinct]
        units = pl.Series([aliases.get(each) for each in keys], dtype=pl.String)
        return units, pl.Series([not each for each in keys], dtype=pl.Boolean)

    nothing = pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, len(texts))
    return by_distinct(texts, nothing, understand)
