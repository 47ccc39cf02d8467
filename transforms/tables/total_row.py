"""Rows of totals: which one is the table's."""

from __future__ import annotations

from collections.abc import Sequence

from transforms.cells.key import key, mark_starts, row_marks
from transforms.cells.numbering import is_number

OutcomeCells = tuple[str, Sequence[str | None]]
"""Outcome of a row and its cells."""


def grand_total(rows: Sequence[OutcomeCells]) -> int | None:
    """The place of the total of the whole table: the last one under its data, else a plain «Итого» over them.

    A lone one under the last rows is of these rows only when totals like it stand between the rows, or when it says
    so («Итого по …») and there are sections or other totals.
    """
    data = [place for place, (outcome, _) in enumerate(rows) if outcome == "data"]
    totals = [place for place, (outcome, _) in enumerate(rows) if outcome == "total"]
    below = [place for place in totals if not data or place > data[-1]]
    above = [place for place in totals if data and place < data[0] and not _is_partial(rows[place][1])]
    between = [place for place in totals if place not in (*below, *above)]
    if len(below) == 1:
        partial = _is_partial(rows[below[0]][1])
        sections = any(outcome == "section" for outcome, _ in rows)
        like_it = any(_is_partial(rows[place][1]) == partial for place in between)
        if like_it or (partial and (between or above or sections)):
            below = []
    plain = [place for place in below if not _is_partial(rows[place][1])]
    return next(iter((*reversed(plain), *reversed(below), *above)), None)


def _is_partial(cells: Sequence[str | None]) -> bool:
    """Whether a total says of what it is: «Итого по сельским школам»."""
    for text in cells:
        plain = key(text or "")
        if plain.startswith(mark_starts()):
            rest = next((plain[len(start) :] for start, _ in row_marks() if plain.startswith(start)), "")
            return bool(rest.strip(" .:-"))
    return False


def number_in(cells: Sequence[str | None], place: int) -> float | None:
    """The number in a cell; infinite where it is too large for one."""
    text = cells[place] if place < len(cells) else None
    if not text:
        return None
    plain = text.strip()
    if not is_number(plain) or plain.endswith("%"):
        return None
    return float("".join(plain.split()).replace(",", "."))
