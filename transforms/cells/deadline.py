"""Deadlines of assignments, kept as they are printed: «11 сентября 2023 года», «Сентябрь-ноябрь 2023», «постоянно»."""

from __future__ import annotations

import re

from contracts.deadline_patterns import deadline_patterns
from contracts.form import Column
from transforms.cells.cell_value import NOTHING, SPACES, UNREAD, Meaning, is_nothing, plain

DATE_CELL = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00(?::00)?)?")


def deadline(text: str, _: Column) -> Meaning:
    """The text itself, if it is a deadline written in a way that is known; a cell with a date as it is shown."""
    if is_nothing(plain(text)):
        return NOTHING
    printed = DATE_CELL.sub(r"\3.\2.\1", SPACES.sub(" ", text).strip())
    body = plain(printed).replace("ё", "е").strip(" .;")
    known = any(re.search(pattern, body) for _, _, pattern in deadline_patterns())
    return Meaning(printed) if known else UNREAD
