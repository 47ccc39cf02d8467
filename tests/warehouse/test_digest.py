"""The digests of readings are kept for good: a later version has to find the same ones for the same readings."""

import datetime as dt

import polars as pl

from contracts.reading import CONTROL_TOTALS, FINDINGS, RAW_ROWS, SCHOOL_OUTCOMES, Layout, Reading, Rows, empty
from contracts.rules import LATE
from warehouse.deliveries.digest import Digests, digests


def reading(*rules: str, cells: int = 2) -> Reading:
    """A reading with every type of column, and with texts that hold separators."""
    findings = [
        (rule, "warning", "delivery", None, "B2", 2, "hours_total", "4\n5", "«40»; \x1e", -0.5, "Поправьте.", "школа")
        for rule in rules
    ]
    return Reading(
        "отчёт.xlsx", "a" * 64, "readiness_report", "2023", "chainsky", dt.date(2023, 9, 8), "readiness_2023",
        "readiness_report/chainsky/readiness_2023", "partial", Rows(cells, 1, 1, cells - 2), Layout(),
        findings=pl.DataFrame(findings, schema=FINDINGS, orient="row"),
        raw_rows=pl.DataFrame(
            [("Лист 1", n + 1, "loaded" if n else "quarantined", ["1", None]) for n in range(cells)],
            schema=RAW_ROWS, orient="row",
        ),
        facts=pl.DataFrame(
            {
                "school_id": [7, 8], "order_number": ["17-о", None], "hours_total": [1e16, 33.77], "rmg": [True, None],
                "order_date": [dt.date(2023, 8, 25), None], "grades": [[6, 7], []],
            }
        ),
        control_totals=pl.DataFrame(
            [(None, "pupils_total", 120.0, 1 / 3, None, 1e-7, "disagrees")], schema=CONTROL_TOTALS, orient="row"
        ),
        school_outcomes=pl.DataFrame(
            [(7, "accepted", []), (8, "rejected", ["RDY-011", "COM-001"])], schema=SCHOOL_OUTCOMES, orient="row"
        ),
    )  # fmt: skip


def bare() -> Reading:
    return Reading(
        "список.xlsx", "b" * 64, None, None, None, None, None, None, "refused", Rows(), Layout(), empty(FINDINGS),
        empty(RAW_ROWS), pl.DataFrame(), empty(CONTROL_TOTALS), empty(SCHOOL_OUTCOMES),
    )  # fmt: skip


KEPT = Digests("f3a64a00b1e425eef1ace6816027bfa0", "aaa1fdbe8e3ef36fa6e085fcd20fa2e1")
KEPT_BARE = Digests("57b11a07ed6c470d9181a7bf59834bfc", "57b11a07ed6c470d9181a7bf59834bfc")


def test_digests_are_those_of_warehouses_of_before() -> None:
    assert digests([reading("COM-077", LATE.id), bare()]) == [KEPT, KEPT_BARE]


def test_the_moment_of_receipt_is_no_fact() -> None:
    late, in_time, other = digests([reading("COM-077", LATE.id), reading("COM-077"), reading("COM-077", cells=3)])
    assert late.facts == in_time.facts == in_time.whole
    assert len({late.whole, in_time.whole, other.whole}) == 3


def test_a_reading_has_the_digests_of_its_own_whatever_is_beside_it() -> None:
    several = [reading(), bare(), reading(LATE.id), reading("RDY-011", "COM-077", cells=5), reading()]
    assert digests(several) == [each for one in several for each in digests([one])]


def test_no_readings_have_no_digests() -> None:
    assert digests([]) == []
