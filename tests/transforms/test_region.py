"""The region of the source, read from the files that its people would send: the numbers are those that it printed."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from example import SCHOOLS, drained
from polars.testing import assert_frame_equal

from contracts.reading import Reading
from documents import demo
from documents.demo import Region, tomsk
from documents.demo.data import rows
from documents.reading.read import read_grid
from transforms.identity.identify import Context, Delivery


@pytest.fixture(scope="module")
def region() -> Region:
    return tomsk()


@pytest.fixture(scope="module")
def register(region: Region) -> pl.DataFrame:
    return region.schools.with_row_index("school_id", 1).cast({"school_id": pl.Int64}).select(SCHOOLS.columns)


@pytest.fixture(scope="module")
def sent(region: Region) -> list[Delivery]:
    return [
        Delivery(name, hashlib.sha256(data).hexdigest(), sender, received, read_grid(name, data))
        for sender, name, data, received in demo.deliveries(region)
    ]


@pytest.fixture(scope="module")
def readings(sent: list[Delivery], register: pl.DataFrame) -> list[Reading]:
    return drained(sent, Context(register=register, secret=b"test"))


def of(form: str, readings: list[Reading]) -> Reading:
    (reading,) = (each for each in readings if each.form == form)
    return reading


def test_every_delivery_is_accepted_in_part_or_whole(readings: list[Reading]) -> None:
    assert [each.file for each in readings if each.verdict == "refused" or each.slice is None] == []
    assert sorted(each.form or "" for each in readings if each.sender in ("department", "regional_operator")) == [
        "readiness_summary", "registration_export", "registration_plan", "registration_summary", "school_register",
    ]  # fmt: skip


def test_schools_are_accepted_and_rejected_as_printed(readings: list[Reading]) -> None:
    found = {
        each.sender: tuple(
            (each.school_outcomes["report_status"] == status).sum() for status in ("accepted", "rejected")
        )
        for each in readings
        if each.form == "readiness_report"
    }
    printed = {row["reporting_unit"]: (int(row["accepted"]), int(row["rejected"])) for row in rows("readiness_2023")}
    del printed[""]
    assert found == printed
    assert [sum(counts) for counts in zip(*found.values(), strict=True)] == [244, 18]
    for each in readings:
        if each.form == "readiness_report":
            assert (each.rows.loaded, each.rows.quarantined) == found[each.sender]


def test_rejected_schools_say_why(region: Region, readings: list[Reading], register: pl.DataFrame) -> None:
    codes = dict(register.select("school_id", "school_code").iter_rows())
    rejected = {
        codes[school]: set(broken)
        for each in readings
        for school, status, broken in each.school_outcomes.iter_rows()
        if status == "rejected"
    }
    assert rejected == {row["school_code"]: {row["rule"], *row["also"]} for row in region.faults.to_dicts()}


def test_registered_pupils_of_each_unit_are_those_printed(readings: list[Reading], register: pl.DataFrame) -> None:
    facts = of("registration_export", readings).facts.join(register, on="school_id", validate="m:1")
    found = dict(facts.group_by("subordination").agg(pl.col("actual_pupils").sum()).iter_rows())
    printed = {row["reporting_unit"]: int(row["actual"]) for row in rows("registration_2023")}
    assert found | {"": sum(found.values())} == printed
    assert facts["grade"].is_between(6, 11).all()


def test_plan_of_each_unit_is_that_printed(readings: list[Reading]) -> None:
    found = dict(of("registration_plan", readings).facts.select("reporting_unit", "plan_pupils").iter_rows())
    printed = {row["reporting_unit"]: int(row["plan"]) for row in rows("registration_2023") if row["reporting_unit"]}
    assert found == printed


def test_figures_that_disagree_are_those_of_the_source(readings: list[Reading]) -> None:
    disagreeing = [
        (each.form, *row)
        for each in readings
        for row in each.control_totals.filter(pl.col("verdict") == "disagrees")
        .select("reporting_unit", "metric", "stated", "computed")
        .iter_rows()
        if each.sender == "department"
    ]
    assert disagreeing == [
        ("readiness_summary", None, "accepted", 241, 244),
        ("readiness_summary", None, "rejected", 20, 18),
        ("readiness_summary", None, "missing", 24, 23),
        ("registration_summary", "chainsky", "balance", 1, -1),
    ]
    agreeing = of("registration_summary", readings).control_totals.filter(pl.col("verdict") == "agrees")
    assert (None, "balance", 6426, 6426) in agreeing.select("reporting_unit", "metric", "stated", "computed").rows()
    assert len(agreeing) == 3 + 21 + 20


def test_an_outdated_total_of_a_sender_is_noticed(region: Region, readings: list[Reading]) -> None:
    stale = {row["reporting_unit"] for row in region.units.to_dicts() if row["stale_total"]}
    noticed = {each.sender for each in readings if "RDY-031" in each.findings["rule"]}
    assert noticed == stale


def test_the_order_and_company_of_deliveries_do_not_matter(
    sent: list[Delivery], readings: list[Reading], register: pl.DataFrame
) -> None:
    context = Context(register=register, secret=b"test")
    backwards = drained(sent[::-1], context)[::-1]
    alone = [drained([delivery], context)[0] for delivery in sent[:4]]
    for first, second in (*zip(readings, backwards, strict=True), *zip(readings, alone, strict=False)):
        assert (first.file, first.verdict, first.rows, first.slice) == (
            second.file, second.verdict, second.rows, second.slice,
        )  # fmt: skip
        for name in ("findings", "facts", "raw_rows", "control_totals", "school_outcomes"):
            assert_frame_equal(getattr(first, name), getattr(second, name))
