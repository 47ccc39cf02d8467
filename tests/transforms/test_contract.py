"""Pandera really looks at the values, and says so when a frame is not what it was promised."""

from __future__ import annotations

import pandera.errors
import polars as pl
import pytest
from example import AS_OF, REPORT, Sent

from contracts.form import Form
from contracts.forms import FORMS, form_named
from contracts.reading import FINDINGS
from transforms.rows.broken import broken, broken_rows
from transforms.rows.contract import contract

READINESS = form_named("readiness_report")
EDITION = READINESS.editions[-1]


def typed(**cells: object) -> pl.DataFrame:
    """A typed row of a report that keeps every rule, with some values changed."""
    good = {
        **REPORT, "level": "basic", "grades": "6-11", "order_date": AS_OF, "rmg_in_timetable": True,
        "rmg_weekday": "thursday", "responsible_position": "deputy", **cells,
    }  # fmt: skip
    schema = {column.name: column.dtype for column in EDITION.columns}
    return pl.DataFrame([good], schema=schema).with_columns(
        delivery=pl.lit(0), school_id=pl.lit(1), sender=pl.lit("chainsky"), as_of=pl.lit(AS_OF),
        academic_year_start=pl.lit(2023), register_sender=pl.lit("chainsky"), register_pupils=pl.lit(120),
    )  # fmt: skip


def test_values_are_checked() -> None:
    schema = contract(READINESS, EDITION, with_register=True).schema
    assert broken(typed(), schema).is_empty()
    found = broken(typed(navigators_trained=3, pupils_planned=500), schema)
    assert sorted(found.select("rule", "column").iter_rows()) == [
        ("RDY-011", "navigators_trained"),
        ("RDY-018", "pupils_planned"),
    ]


@pytest.mark.parametrize("cells", [{}, {"navigators_trained": 3}, {"navigators_trained": 3, "pupils_planned": 500}])
def test_the_columns_of_broken_rules_say_what_all_do(cells: dict[str, object]) -> None:
    """Two rows of one school, so that a rule looks at other rows too."""
    compiled = contract(READINESS, EDITION, with_register=True)
    rows = pl.concat([typed(), typed(**cells)])
    found = broken_rows(rows, compiled)
    assert found.equals(broken(rows, compiled.schema))
    assert {"COM-050", *({"RDY-011"} if cells else ())} <= set(found["rule"])


def test_a_lazy_frame_would_pass_unseen() -> None:
    """Why frames are eager: pandera looks only at the types of a lazy one, and a wrong row passes."""
    schema = contract(READINESS, EDITION, with_register=True).schema
    wrong = typed(navigators_trained=3)
    schema.validate(wrong.lazy(), lazy=True)
    with pytest.raises(pandera.errors.SchemaErrors):
        schema.validate(wrong, lazy=True)


@pytest.mark.parametrize("change", [pl.col("navigators").cast(pl.String), pl.col("navigators").alias("other")])
def test_a_frame_that_is_not_typed_is_our_mistake(change: pl.Expr) -> None:
    compiled = contract(READINESS, EDITION, with_register=True)
    frame = typed().with_columns(change)
    if "other" in frame.columns:
        frame = frame.drop("navigators")
    with pytest.raises(pandera.errors.SchemaErrors):
        broken(frame, compiled.schema)
    with pytest.raises(pandera.errors.SchemaErrors):
        broken_rows(frame, compiled)


def test_every_rule_with_an_expression_is_asked() -> None:
    for form in FORMS:
        for edition in form.editions:
            asked = {rule for rule, _ in contract(form, edition, with_register=True).judgements}
            assert {rule.id for rule in edition.rules if rule.check is not None} <= asked


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_rules_that_need_the_register_are_named_when_there_is_none(form: Form) -> None:
    edition = form.editions[-1]
    skipped = set(contract(form, edition, with_register=False).skipped)
    assert {rule.id for rule in edition.rules if rule.needs_register} <= skipped
    assert contract(form, edition, with_register=True).skipped == ()
    named = Sent(form.name, register=None).read().findings.filter(pl.col("rule") == "COM-024")["value"].to_list()
    assert [set(value.split(", ")) for value in named] == ([skipped] if skipped else [])


def test_one_broken_cell_does_not_hide_the_others() -> None:
    reading = Sent("readiness_report", {"navigators": "более 5", "level": None, "pupils_planned": 500}).read()
    assert reading.findings["rule"].to_list() == ["COM-030", "COM-040", "RDY-018"]


def test_rules_are_not_asked_of_cells_that_were_not_read() -> None:
    reading = Sent("readiness_report", {"navigators": "более 5", "navigators_trained": 100}).read()
    assert reading.findings["rule"].to_list() == ["COM-030"]


def test_findings_have_their_types() -> None:
    for form in FORMS:
        findings = Sent(form.name, above=()).read().findings
        assert dict(findings.schema) == FINDINGS
