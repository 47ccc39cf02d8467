"""Rows that say units or how to fill a column in: «чел.», «ак. ч», «дд.мм.гггг»; they are no data."""

from __future__ import annotations

from collections.abc import Sequence

from transforms.cells.key import heading_key, ignored_headings, key
from transforms.tables.hint import is_hint

LABELS = ("ед", "единица измерения", "единицы измерения", "ед. изм", "ед.изм")
"""How a row of units may begin."""
SIGNS = frozenset("-–—xх×")
FEWEST = 2


def is_unit_row(texts: Sequence[str]) -> bool:
    """Whether the filled cells of a row are units or hints only, besides a label, a number sign and dashes."""
    units = 0
    for place, text in enumerate(texts):
        if len(text) > 60:
            return False
        plain = key(text)
        if is_hint(text):
            units += 1
        elif not (
            plain in SIGNS or not plain or (place == 0 and plain in LABELS) or heading_key(text) in ignored_headings()
        ):
            return False
    return units >= FEWEST or (units == 1 and len(texts) > 1)
