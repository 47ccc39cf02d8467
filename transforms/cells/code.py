"""Codes of digits, kept as text: a number cell takes the nought at their beginning and may add «.0» at the end."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache

from contracts.form import Column
from contracts.inn import weights_of
from contracts.rules import NOUGHT_RESTORED
from contracts.vocabulary import rows
from transforms.cells.cell_value import NOTHING, Meaning, is_nothing, plain
from transforms.cells.number import without_tail

LENGTHS = {"inn": 10, "oktmo": 8}
FLOAT_END = re.compile(r"(?<=\d)[.,]0+$")
FLOAT_TAIL = re.compile(r"\d{1,14}[.,](?:0{9}|9{9})\d*")
"""What floating point makes of a whole number."""


def code(text: str, column: Column) -> Meaning:
    """A code as text, whatever it is: rules of the form judge it.

    One digit short, it gets its nought back where the control digit (ИНН) or the subject's code (ОКТМО) confirms it.
    """
    body = plain(text)
    if is_nothing(body):
        return NOTHING
    digits = tidy(body)
    if not digits.isdecimal():
        return Meaning(text.strip())
    restored = f"0{digits}"
    if len(restored) == LENGTHS[column.kind] and _is_confirmed(restored, column):
        return Meaning(restored, rule=NOUGHT_RESTORED.id, shown=restored)
    return Meaning(digits)


def tidy(body: str) -> str:
    """The digits of a plain code without spaces between them and without the «.0» or the tail of a number."""
    if FLOAT_TAIL.fullmatch(body):
        return str(without_tail(Decimal(body.replace(",", "."))).to_integral_value())
    return FLOAT_END.sub("", body).replace(" ", "").removeprefix("'")


def _is_confirmed(restored: str, column: Column) -> bool:
    if column.kind == "oktmo":
        return restored[:2] in _subjects_with_nought()
    control = sum(int(digit) * weight for digit, weight in zip(restored, weights_of(9), strict=False)) % 11 % 10
    return control == int(restored[-1])


@cache
def _subjects_with_nought() -> frozenset[str]:
    """First two digits of the ОКТМО of the subjects whose code begins with a nought."""
    return frozenset(row["code"] for row in rows("oktmo_with_zero"))
