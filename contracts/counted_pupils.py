"""Pupils of a form: rows that are people, who are counted and kept only under a keyed pseudonym."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, eq=False)
class Measure:
    """A figure of pupils: `per_pupil` is what each adds to it, by the `state` and the counters of the pupil's row."""

    title: str
    description: str
    per_pupil: pl.Expr


@dataclass(frozen=True, eq=False)
class Pupils:
    """Rows of a form that are pupils: they are counted, and kept only under a keyed pseudonym.

    `identity` are the personal columns that tell pupils apart; where one of them is blank, the columns of `else_by`
    stand in for it, the school as the register knows it. Pupils of one name who are told apart by these alone are
    a doubt of the rule `namesakes`. `state` is the state of a row among others of the same pupil (the smallest wins).

    `measures` are sums over distinct pupils by the form's grain; the first one is the number of pupils that count.
    `counters` are the columns that measures look at besides the state. A measure is null when the delivery does not
    state its counter: without the heading, or with no cell filled. A blank cell beside filled ones adds nothing.
    """

    identity: tuple[str, ...]
    else_by: tuple[str, ...]
    namesakes: str
    state: pl.Expr
    measures: dict[str, Measure]
    counters: tuple[str, ...] = ()
