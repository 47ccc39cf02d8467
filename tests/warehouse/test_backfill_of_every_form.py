"""Every form goes the way of a backfill: planned, killed, applied, seen as it was known before, reverted.

Nothing here names a form: what is sent of each are its good rows, what other rules say of it is one figure more or one
row less.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import ALL, DAY, VERSION, contents, delivery, now, read
from ledgers import LEDGERS
from sqlalchemy.exc import DBAPIError
from truth import plain, truth

from contracts.form import Form
from contracts.forms import FORMS
from contracts.reading import Reading
from warehouse.backfill.apply import apply, revert
from warehouse.backfill.comparison import affected_dates, compare
from warehouse.backfill.proposals import propose_readings
from warehouse.backfill.requests import Request, open_backfill
from warehouse.deliveries.load import load
from warehouse.marts.publication import publish
from warehouse.marts.published import register
from warehouse.schema.facts import fact_table

HOUR = dt.timedelta(hours=1)
NEW = "2"
KILL = """
CREATE FUNCTION ops.killed() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'killed'; END$$;
CREATE TRIGGER killed BEFORE INSERT ON ops.publication EXECUTE FUNCTION ops.killed()
"""
"""Ends the transaction of an application when the marts are published in it, the last thing but one."""


def by_other_rules(form: Form, reading: Reading) -> Reading:
    """The reading with one more in the first figure that is no key; of a form without figures without its last row."""
    facts, keys = reading.facts, (*form.key, "school_id")
    figure = next((name for name, kind in facts.schema.items() if kind.is_numeric() and name not in keys), None)
    changed = facts.head(-1)
    if figure is not None:
        more = (pl.int_range(pl.len()) == 0).cast(facts.schema[figure])
        changed = facts.with_columns(pl.col(figure).fill_null(0) + more)
    return replace(reading, facts=changed)


def facts_that_count(engine: sa.Engine) -> dict[str, list[str]]:
    """Form → its facts of the readings that count, as text, whoever's readings they are."""
    with engine.connect() as connection:
        return {
            form.name: sorted(
                connection.scalars(
                    sa.text(
                        f"SELECT (to_jsonb(f) - 'reading_id')::text FROM core.{fact_table(form)} f"
                        " JOIN ops.reading r ON r.reading_id = f.reading_id WHERE r.status = 'current'"
                    )
                )
            )
            for form in FORMS
        }


def marts_of(engine: sa.Engine, known: dt.datetime | None = None) -> dict[str, pl.DataFrame]:
    return {each.name: read(engine, each.name, DAY, known) for each in ALL if each.name not in LEDGERS}


def test_every_form_is_planned_applied_and_taken_back(engine: sa.Engine) -> None:
    """Slow: publishes every mart three times."""
    (defining,) = (form for form in FORMS if form.defines_schools)
    made: dict[str, tuple[Reading, int]] = {}
    for form in (defining, *(form for form in FORMS if form is not defining)):
        with engine.connect() as connection:
            schools = register(connection, "69").select(
                "school_id", "school_code", "short_name", "territory", "subordination", "pupils_6_11"
            )
        reading, number = plain(form, truth(form), schools), delivery(engine)
        assert load(engine, reading, number, VERSION).status == "current", form.name
        made[form.name] = reading, number
    publish(engine, "69", [DAY])
    facts, before = facts_that_count(engine), contents(engine)
    assert all(facts.values())

    days = [reading.as_of for reading, _ in made.values() if reading.as_of]
    asked = Request("69", "инженер", "Читалось неверно", tuple(made), (), min(days), max(days), NEW)
    backfill_id = open_backfill(engine, asked)
    forms = {form.name: form for form in FORMS}
    again = [(by_other_rules(forms[name], reading), number) for name, (reading, number) in made.items()]
    assert propose_readings(engine, backfill_id, again, NEW, None) == len(FORMS)
    compare(engine, backfill_id, wait=HOUR, on_wait=print)
    assert (facts_that_count(engine), contents(engine)) == (facts, before), "a plan moves nothing"

    def dates(connection: sa.Connection) -> Collection[dt.date]:
        return affected_dates(connection, backfill_id)

    def applied() -> None:
        apply(engine, backfill_id, NEW, dates, oldest=7 * 24 * HOUR, wait=HOUR, on_wait=print, approved_by="начальник")

    known, shown = now(engine), marts_of(engine)
    with engine.begin() as connection:
        connection.execute(sa.text(KILL))
    with pytest.raises(DBAPIError, match="killed"):
        applied()
    assert (facts_that_count(engine), contents(engine)) == (facts, before), "what was killed has moved nothing"
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER killed ON ops.publication"))
    applied()
    told = facts_that_count(engine)
    assert [name for name in told if told[name] == facts[name]] == []
    assert contents(engine) != before
    as_known = marts_of(engine, known)
    assert [name for name, rows in shown.items() if not rows.equals(as_known[name])] == [], "as it was known before"

    revert(engine, backfill_id, dates, wait=HOUR, on_wait=print)
    assert facts_that_count(engine) == facts
    after = contents(engine)
    assert [name for name in before if name not in LEDGERS and after[name] != before[name]] == []
