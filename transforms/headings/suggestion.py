"""Scored suggestions: which missing column an unknown heading probably is. They never load anything by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from contracts.form import Form
from contracts.grid import Sheet
from contracts.reading import Suggestion
from transforms.cells.key import heading_key, ignored_headings, key, wordings
from transforms.findings.disclosure import HIDDEN
from transforms.headings.header import Heading

LEAST_SCORE = 77
"""Of 100. Of headings that people reworded it finds 33 of 34; below it come «Количество учителей» and the like."""
LONGEST = 200
"""Characters of a heading; a longer text is a remark."""
PUNCTUATION = re.compile(r"[-:,.()/]")


def suggestions(sheet: Sheet, heading: Heading, missing: Sequence[str]) -> list[Suggestion]:
    """For unknown headings the missing columns that they resemble most, one to one, the most alike first.

    `missing` are names of columns, required ones first. A heading that resembles a column that is there already, or
    has other numbers («1–4 классов» for «6–11 классов»), is not suggested.
    """
    titles = {column.name: column.title for edition in heading.form.editions for column in edition.columns}
    ranked = []
    for place, shown in heading.shown_unknown.items():
        if shown == HIDDEN or len(shown) > LONGEST or heading_key(shown) in ignored_headings():
            continue
        scores = scored(heading.form, shown)
        best_there = max((scores.get(name, 0) for name in heading.columns), default=0)
        ranked += [
            (scores[name], -rank, -place, name, shown)
            for rank, name in enumerate(missing)
            if scores.get(name, 0) >= max(LEAST_SCORE, best_there + 1)
        ]
    by_column: dict[str, Suggestion] = {}
    used: set[int] = set()
    for score, _, place, name, shown in sorted(ranked, reverse=True):
        if name not in by_column and -place not in used:
            used.add(-place)
            cell = heading.address(sheet, -place)
            by_column[name] = Suggestion(shown, f"{sheet.name}!{cell}", name, titles[name], score)
    return list(by_column.values())


@lru_cache(maxsize=10_000)
def scored(form: Form, heading: str) -> dict[str, int]:
    """Column → how much a heading resembles its nearest wording, of 100; those with other numbers are left out."""
    ways = [heading, heading.rpartition(":")[2]] if ":" in heading else [heading]
    scores: dict[str, int] = {}
    for column, wording in wordings(form):
        if re.findall(r"\d+", wording) == re.findall(r"\d+", heading):
            score = max(_alike(_plain(way), _plain(wording)) for way in ways)
            scores[column] = max(scores.get(column, 0), score)
    return scores


def _alike(one: str, other: str) -> int:
    """How alike two texts are, of 100: the mean of all their words, and of those that they share."""
    return int((fuzz.token_sort_ratio(one, other) + fuzz.token_set_ratio(one, other)) / 2)


@lru_cache(maxsize=10_000)
def _plain(text: str) -> str:
    return PUNCTUATION.sub(" ", key(text).replace("кол-во", "количество"))
