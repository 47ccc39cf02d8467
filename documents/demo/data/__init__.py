"""Tables of the demonstration: the source's two summaries as printed, and lists to compose fictional names from."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of `documents/demo/data/<name>.csv`, every value as text."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def words(name: str, column: str) -> tuple[str, ...]:
    """The filled values of one column of a list, in its order."""
    return tuple(row[column] for row in rows(name) if row[column])
