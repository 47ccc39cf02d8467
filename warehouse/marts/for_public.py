"""What a mart's head states that the public may see of it. A mart that says nothing of this is not public.

    Публично: reporting_unit, reporting_unit_name, schools, accepted.
    Публично: reporting_unit, plan_pupils; люди: actual_pupils из plan_pupils, в сумме registration_region.

A count of people is told as small numbers allow (`small_numbers.py`), «из» names the column of which it is a part, «в
сумме» the mart whose figure is the sum of these. What a share and its band are follows from what is told: they are not
listed. Public are sums of units and regions, and columns that say nothing of people.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

LINE = re.compile(r"Публично: (\w+(?:, \w+)*)(?:; люди: (\w+)(?: из (\w+))?(?:, в сумме (\w+))?)?\.")
KEYS = ((), ("reporting_unit",))
"""Public rows are of a unit or of the region: no school, no person, no sender's document."""
TOLD_KINDS = ("текст", "дата", "да/нет")
TOLD_UNITS = ("школы", "классы", "муниципалитеты", "номер")
"""What columns may be or count that are told as they are."""
NEVER = re.compile(r"band|in_rule_gap|completeness")
"""What follows from figures that may be hidden; how complete an export is, is reckoned from pupils of two nights."""


@dataclass(frozen=True)
class Public:
    """What of a mart is public: `columns` as they are, `people` as small numbers allow, of which `whole` is the column
    that they are a part of, and `total` the mart of their sum (both empty where there is none)."""

    columns: tuple[str, ...]
    people: str = ""
    whole: str = ""
    total: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that is told."""
        return (*self.columns, *filter(None, (self.people,)))


def is_for_public(line: str) -> bool:
    """Does a line of a head comment say what is public?"""
    return line.startswith("Публично: ")


def read_public(lines: Sequence[str]) -> Public | None:
    """What these lines say is public; None where there are none. Raises ValueError for what is not written so."""
    if not lines:
        return None
    if len(lines) != 1 or not (found := LINE.fullmatch(lines[0])):
        raise ValueError(
            f"the head comment says once «Публично: ….», as warehouse/marts/for_public.py writes it: {lines}"
        )
    columns, *people = found.groups(default="")
    return Public(tuple(columns.split(", ")), *people)


def misstated_public(
    public: Public, key: tuple[str, ...], columns: Collection[str], kinds: Mapping[str, tuple[str, str]]
) -> str:
    """What is wrong with what is public of a mart of this key and these columns, in words; empty when nothing is.
    `kinds` are (kind, unit) of the columns that are told."""
    if odd := sorted({*public.named, *filter(None, (public.whole,))} - set(columns)):
        return f"what is public is no column: {', '.join(odd)}"
    if key not in KEYS:
        return "public rows are of reporting units or of the region"
    if public.whole and public.whole not in public.columns:
        return f"{public.whole} is told too, or nobody reckons with it"
    for name in public.columns:
        kind, unit = kinds[name]
        is_told = kind in TOLD_KINDS or (kind == "целое" and unit in TOLD_UNITS) or name == public.whole
        if not is_told or NEVER.search(name):
            return f"{name} is of people, or follows from what may be hidden: say «люди: {name}», or leave it out"
    return ""
