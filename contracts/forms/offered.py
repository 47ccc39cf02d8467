"""Words that a template, a receipt and a message may offer: none that a rule then refuses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl

from contracts.form import Column, Rule
from contracts.forms import FORMS
from contracts.vocabulary import allowed_words, rows, words


@cache
def offered_words(column: Column) -> tuple[str, ...]:
    """The first word of each code of the column's vocabulary that no rule sets aside; none without a vocabulary.

    Both answers of a question stay: «нет» may be the truth, and the rule then says what follows from it.
    """
    if column.vocabulary is None:
        return ()
    listed = allowed_words(column.vocabulary).split(", ")
    if column.within:  # words that only tell what was found in a text
        told = {row["word"] for row in rows(column.vocabulary) if row["sought"] == "told"}
        listed = [word for word in listed if word not in told]
    if column.kind == "yes_no":
        return tuple(listed)
    codes = pl.Series(column.name, [words(column.vocabulary)[word] for word in listed], dtype=pl.String)
    good = [codes.to_frame().select(check.fill_null(True)).to_series() for check in _checks_of(column)]
    return tuple(word for place, word in enumerate(listed) if all(passes[place] for passes in good))


def _checks_of(column: Column) -> Iterator[pl.Expr]:
    """What the forms of a column ask of it alone, where a value that fails sets its row aside or refuses the file."""
    rules: dict[str, Rule] = {
        rule.id: rule
        for form in FORMS
        for edition in form.editions
        if column in edition.columns
        for rule in edition.rules
    }
    for rule in rules.values():
        is_strict = rule.severity in ("error", "refuse") and rule.column == column.name
        if is_strict and rule.check is not None and set(rule.check.meta.root_names()) == {column.name}:
            yield rule.check
