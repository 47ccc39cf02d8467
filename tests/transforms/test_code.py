"""Codes of digits: what a number cell took from them is restored only where something confirms it."""

from __future__ import annotations

import polars as pl
import pytest
from example import SCHOOLS, Sent
from hypothesis import given
from hypothesis import strategies as st
from spelling import FEW, note, of

from contracts.inn import weights_of


def inn(nine: str) -> str:
    """The ИНН that begins with nine digits."""
    return nine + str(sum(int(digit) * weight for digit, weight in zip(nine, weights_of(9), strict=True)) % 11 % 10)


@FEW
@given(st.from_regex(r"0[1-9][0-9]{7}", fullmatch=True), st.integers(1, 9))
def test_a_lost_nought_of_an_inn_is_restored_by_its_control_digit(nine: str, wrong: int) -> None:
    whole = inn(nine)
    assert of("inn", whole[1:]) == whole
    assert note("inn", whole[1:]) == ("COM-046", whole)
    mistyped = whole[1:-1] + str((int(whole[-1]) + wrong) % 10)
    assert of("inn", mistyped) == mistyped
    assert note("inn", mistyped) is None


@pytest.mark.parametrize(
    ("text", "value", "is_noted"),
    [
        ("69656000", "69656000", False), ("69656000.0", "69656000", False), ("69 656 000", "69656000", False),
        ("1701000", "01701000", True), ("8701000", "08701000", True), ("6965600", "6965600", False),
        ("2701000", "2701000", False), ("6.9656E+07", "?", False), ("–", None, False), ("#REF!", "?", False),
    ],
)  # fmt: skip
def test_oktmo(text: str, value: object, is_noted: bool) -> None:
    assert of("oktmo", text) == value
    assert note("oktmo", text) == (("COM-046", value) if is_noted else None)


@pytest.mark.parametrize(("text", "is_noted"), [("0700001", False), ("700001", True), ("0700001.0", False)])
def test_the_code_of_a_school_is_that_of_the_register(text: str, is_noted: bool) -> None:
    schools = SCHOOLS.with_columns(pl.concat_str(pl.lit("0"), "school_code").alias("school_code"))
    reading = Sent("readiness_report", {"school_code": text}, register=schools).read()
    assert reading.facts["school_code"].to_list() == ["0700001"]
    noted = reading.findings.filter(pl.col("rule") == "COM-046").select("cell", "value", "expected").rows()
    assert noted == ([("A3", "700001", "0700001")] if is_noted else [])
    assert reading.verdict == "accepted"
