"""What «Итого» states, in any spelling; a total of two meanings is told, never chosen."""

from __future__ import annotations

import pytest
from example import TOTALS, Sent

from contracts.reading import Reading

FORM = "registration_plan"


def stated(text: str) -> Reading:
    return Sent(FORM, total={**TOTALS[FORM], "plan_pupils": text}).read()


@pytest.mark.parametrize("text", ["1 050", "1\u202f050 чел.", "1050,0", "1’050", "１０５０"])
def test_a_total_in_another_spelling_is_compared(text: str) -> None:
    reading = stated(text)
    assert reading.control_totals.select("stated", "computed", "verdict").rows() == [(1050, 1050, "agrees")]
    assert reading.findings.is_empty()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,050", "1050 или 1,05"), ("10503)", "10503 или 1050"), ("(1050)", "-1050 или 1050"),
        ("более 1000", "не читается"), ("#FORMULA!", "не сохранён"), ("#REF!", "не читается"),
    ],
)  # fmt: skip
def test_a_total_that_is_no_one_number_is_told_and_not_compared(text: str, said: str) -> None:
    reading = stated(text)
    assert reading.control_totals.is_empty()
    (found,) = reading.findings.to_dicts()
    assert (found["rule"], found["value"], found["expected"]) == ("PLN-003", text, "1050")
    assert said in found["message"]
    assert reading.verdict == "accepted"


def test_a_total_with_a_footnote_mark_is_compared_and_noted() -> None:
    reading = stated("1051 *")
    found = reading.findings.select("rule", "cell", "value", "expected").rows()
    assert found == [("COM-045", "B24", "1051 *", "1051"), ("PLN-003", "B24", "1051 *", "1050")]
