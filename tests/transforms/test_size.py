"""Expected size is part of the contract: beyond it a delivery is refused with both numbers."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from example import GOOD, PUPIL, REPORT, SCHOOLS, Sent, drained

from contracts.form import Size
from contracts.reading import Reading
from documents import demo
from documents.demo.region import Sizes
from documents.reading.read import read_grid
from transforms.cells.key import key
from transforms.identity.identify import Context, Delivery

MANY_SCHOOLS = pl.concat(
    [
        SCHOOLS,
        pl.DataFrame(
            [(n, f"71{n:04}", f"МБОУ СОШ № {n}", "tomsk_city", "tomsk_city", 10) for n in range(5, 205)],
            schema=SCHOOLS.schema,
            orient="row",
        ),
    ]
)


def refusals(reading: Reading) -> list[str]:
    return reading.findings.filter(pl.col("rule") == "COM-064")["message"].to_list()


def test_least_and_most_are_shares_of_what_is_expected() -> None:
    assert Size("schools", least=0.2, most=1.5).bounds(10) == (2, 15)
    assert Size("schools", least=0.21, most=1.59).bounds(10) == (3, 15)
    assert Size("units", most=1.2).bounds(21) == (0, 25)


def test_a_few_more_are_always_allowed() -> None:
    assert Size("schools_of_sender", most=1.5, spare=5).bounds(1) == (0, 6)
    assert Size("schools_of_sender", most=1.5, spare=5).bounds(12) == (0, 18)


def test_a_report_of_many_more_rows_than_schools_is_refused_with_both_numbers() -> None:
    reading = Sent("readiness_report", more=[REPORT] * 39).read()
    (said,) = refusals(reading)
    assert "строк: 40" in said
    assert "школ по реестру: 1" in said
    assert (reading.verdict, reading.rows.loaded, reading.rows.quarantined) == ("refused", 0, 40)


def test_a_part_of_the_schools_is_no_reason_to_refuse() -> None:
    schools = MANY_SCHOOLS.with_columns(subordination=pl.lit("chainsky"))
    reading = Sent("readiness_report", register=schools).read()
    assert refusals(reading) == []
    assert reading.verdict == "accepted"


@pytest.mark.parametrize("form", ["registration_plan", "readiness_summary", "registration_summary"])
def test_a_table_of_units_printed_twice_is_refused_with_both_numbers(form: str) -> None:
    (said,) = refusals(Sent(form, more=GOOD[form]).read())
    assert "строк: 42" in said
    assert "единиц: 21" in said


def test_an_export_of_one_school_of_two_hundred_is_refused_with_both_numbers() -> None:
    reading = Sent("registration_export", register=MANY_SCHOOLS).read()
    (said,) = refusals(reading)
    assert "школ: 1" in said
    assert "их 204" in said
    assert (reading.verdict, reading.rows.loaded, len(reading.facts)) == ("refused", 0, 0)


def test_an_export_of_many_schools_that_nobody_knows_is_refused() -> None:
    others = [{**PUPIL, "school_name": f"МБОУ «СОШ № {n}, которой нет»"} for n in range(8)]
    (said,) = refusals(Sent("registration_export", more=others).read())
    assert "школ: 9" in said
    assert "их 4" in said


def test_without_a_register_the_rule_is_named_as_not_asked() -> None:
    for form in ("readiness_report", "registration_export"):
        reading = Sent(form, more=GOOD[form] * 39, register=None).read()
        assert refusals(reading) == []
        (skipped,) = reading.findings.filter(pl.col("rule") == "COM-024")["value"].to_list()
        assert "COM-064" in skipped


def test_deliveries_of_a_generated_region_have_the_expected_size() -> None:
    region = demo.synthetic(Sizes(seed=5, regions=2, senders=30, schools=400, pupils=3000, bad_share=0.1))
    register = region.schools.with_row_index("school_id", 1).cast({"school_id": pl.Int64}).select(SCHOOLS.columns)
    aliases = {key(alias): unit for alias, unit in region.aliases.select("alias", "reporting_unit").iter_rows()}
    sent = [
        Delivery(name, hashlib.sha256(data).hexdigest(), sender, received, read_grid(name, data))
        for sender, name, data, received in demo.deliveries(region)
    ]
    readings = drained(sent, Context(register=register, secret=b"test", aliases=aliases))
    assert len(readings) > 30
    assert [each.file for each in readings if refusals(each)] == []
