"""The words of the columns that BI reads: what each name means, said once for all marts that have it.

Those that marts of several subjects share stand in `columns.csv` beside this file, those of one subject in its folder.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OF_ALL = ""
CHANGE_OF_SHARE = "разность долей"
FILE = Path(__file__).parent / "columns.csv"


@dataclass(frozen=True)
class Word:
    """A line of columns.csv: what a column of this name is in marts of some kind, or (`of` is empty) in all.

    `of` names a mart that views read, the forms that a mart is of, or its key. `kind` is one of текст, целое, число,
    доля, да/нет, дата, момент; `unit` is what an integer counts; a number has none, but for `CHANGE_OF_SHARE`.
    `caption` is empty where marts say it themselves.
    """

    column: str
    of: str
    kind: str
    unit: str
    caption: str


@cache
def words() -> dict[tuple[str, str], Word]:
    """(column, of) → its line. Raises ValueError for a line that stands there twice."""
    by_column: dict[tuple[str, str], Word] = {}
    for path in (FILE, *sorted(FILE.parent.glob(f"*/{FILE.name}"))):
        with path.open(encoding="utf-8", newline="") as file:
            for line in (Word(**row) for row in csv.DictReader(file)):
                if by_column.setdefault((line.column, line.of), line) is not line:
                    raise ValueError(f"{path.parent.name}/{path.name}: {line.column} has two lines of one kind")
    return by_column


def caption(column: str, *kinds: str) -> str:
    """The words of a column in the first of these kinds of marts that has some; empty where none has."""
    return next((line.caption for line in lines(column, *kinds) if line.caption), "")


def kind(column: str, *kinds: str) -> tuple[str, str]:
    """(kind, unit) of a column in the first of these kinds of marts that says it, else in all. Raises ValueError for a
    column without a line."""
    for line in lines(column, *kinds, OF_ALL):
        if line.kind:
            return line.kind, line.unit
    raise ValueError(f"no columns.csv has a line that says of what kind {column} is")


@cache
def everywhere(column: str) -> tuple[str, str]:
    """(kind, unit) of a column where it is not known of which mart it is; empty where its lines are not of one kind."""
    said = {(line.kind, line.unit) for (name, _), line in words().items() if name == column and line.kind}
    return said.pop() if len(said) == 1 else ("", "")


def lines(column: str, *kinds: str) -> Iterator[Word]:
    """The lines of a column for these kinds of marts, in their order."""
    return (line for of in kinds if (line := words().get((column, of))))
