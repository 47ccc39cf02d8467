"""ИНН: the control digit that follows from the digits before it, of an organisation one, of a person two."""

from __future__ import annotations

import polars as pl

WEIGHTS = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
"""Of a person's last digit; the last ten are those of the digit before it, the last nine those of an organisation's."""


def weights_of(digits: int) -> tuple[int, ...]:
    """The weights of so many digits: 9 of an organisation, 10 and 11 of a person (domain 3.6)."""
    return WEIGHTS[len(WEIGHTS) - digits :]


def control_digit(column: str, digits: int) -> pl.Expr:
    """The control digit that follows the first so many digits of a text column, Int64; null where they are none."""
    return (
        pl.sum_horizontal(
            pl.col(column).str.slice(place, 1).cast(pl.Int64, strict=False) * weight
            for place, weight in enumerate(weights_of(digits))
        )
        % 11
        % 10
    )


def is_right(column: str) -> pl.Expr:
    """Are the control digits of a text column right? Null for what has neither 10 nor 12 digits, and for null."""
    value = pl.col(column)

    def fits(digits: int) -> pl.Expr:
        return control_digit(column, digits) == value.str.slice(digits, 1).cast(pl.Int64, strict=False)

    return (
        pl.when(value.str.contains(r"^\d{10}$"))
        .then(fits(9))
        .when(value.str.contains(r"^\d{12}$"))
        .then(fits(10) & fits(11))
    )
