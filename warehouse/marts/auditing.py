"""Checks as files: a SELECT of wrong rows, of one subject or of each mart of a kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from warehouse.marts.definitions import FOLDER, Mart
from warehouse.schema.facts import literal

EACH = re.compile(r"^-- for each (mart|mart by [\w, ;]+|rate|band)$", re.MULTILINE)
"""A check that has such a line is asked again and again, with the names of a mart in `{mart}` and `{key}`, those of its
forms in `{forms}`, as literals, and those of a rate in `{rate}`, `{numerator}`, `{denominator}`, `{band}` and `{rule}`,
the column that says by which rule."""
BY = "mart by "


def checks(all_marts: Iterable[Mart]) -> Iterator[tuple[str, str]]:
    """(name of the check, SELECT of what is wrong in the rows put aside), by name."""
    everyone = tuple(all_marts)
    for path in sorted(FOLDER.glob("**/checks/*.sql"), key=lambda path: path.stem):
        select = path.read_text(encoding="utf-8")
        if not (each := EACH.search(select)):
            yield path.stem, select
            continue
        for mart in everyone:
            for names in _names(mart, each[1]):
                yield path.stem, select.format_map(names)


def _names(mart: Mart, each: str) -> Iterator[Mapping[str, str]]:
    """What stands in the braces of a check that is asked for each of these; nothing for a mart that it is not for."""
    key = ", ".join(mart.key)
    names = {"mart": mart.name, "key": key, "forms": ", ".join(map(literal, mart.forms))}
    if each == "mart" or (each.startswith(BY) and key in each.removeprefix(BY).split("; ")):
        yield names
    for rate in mart.stated.rates if each in ("rate", "band") else ():
        if each == "rate" or rate.band:
            yield {**names, "rate": rate.name, "numerator": rate.numerator, "denominator": rate.denominator,
                   "band": rate.band, "rule": mart.rule_of(rate)}  # fmt: skip
