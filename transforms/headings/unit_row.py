"""Rows that say units or how to fill a column in: «чел.», «ак. ч», «дд.мм.гггг»; they are no data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from transforms.cells.key import heading_key, ignored_headings, key
from transforms.headings.hint import is_hint

LABELS = ("ед", "единица измерения", "единицы измерения", "ед. изм", "ед.изм")
"""How a row of units may begin."""
SIGNS = frozenset("-–—xх×")
FEWEST = 2
LONGEST = 60
"""Characters of a unit or a hint."""


def is_unit_row(texts: Sequence[str]) -> bool:
    """Whether the filled cells of a row are units or hints only, besides a label, a number sign and dashes."""
    units = 0
    for place in range(len(texts) - 1, -1, -1):  # a row of data tells it soonest by its last cells
        text = texts[place]
        if _is_unit(text):
            units += 1
        elif not _is_aside(text) and not (place == 0 and key(text) in LABELS):
            return False
    return units >= FEWEST or (units == 1 and len(texts) > 1)


@lru_cache(maxsize=20_000)
def _is_unit(text: str) -> bool:
    return len(text) <= LONGEST and is_hint(text)


@lru_cache(maxsize=20_000)
def _is_aside(text: str) -> bool:
    """Whether a text may stand beside units: a number sign, a dash."""
    plain = key(text)
    return len(text) <= LONGEST and (plain in SIGNS or not plain or heading_key(text) in ignored_headings())
