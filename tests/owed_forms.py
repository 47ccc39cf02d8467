"""Forms that are owed every month and every academic year, beside those that we have, and readings of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from uuid import uuid4

import sqlalchemy as sa

from contracts.form import Column, Edition, Form
from contracts.forms import FORMS
from contracts.grain import SCHOOL, UNIT, Owed
from warehouse.deliveries.load import record_arrival

MEETINGS = Form(
    name="meetings",
    title="Собрания",
    description="Сколько собраний провели школы за месяц.",
    sender_kind="reporting_unit",
    grain=(SCHOOL,),
    row_is="школа × месяц",
    cadence="раз в месяц",
    period="month",
    owed=Owed("month", working_days=5),
    covers="schools",
    recognised_by=("meetings",),
    editions=(
        Edition(
            "2023",
            dt.date(2023, 9, 1),
            (
                Column("school_name", "Школа", "school_name", "Школа.", fact=False),
                Column("meetings", "Собраний", "count", "Сколько провели."),
            ),
            (),
        ),
    ),
)
AGREEMENTS = Form(
    name="agreements",
    title="Соглашения",
    description="Сколько соглашений действует.",
    sender_kind="regional_operator",
    grain=(UNIT,),
    row_is="отчётная единица × учебный год",
    cadence="раз в учебный год",
    period="academic_year",
    owed=Owed("academic_year", until=(10, 10)),
    covers="units",
    recognised_by=("agreements",),
    editions=(
        Edition(
            "2023",
            dt.date(2023, 9, 1),
            (
                Column("reporting_unit", "Территория", "unit", "Чьи."),
                Column("agreements", "Соглашений", "count", "Сколько."),
            ),
            (),
        ),
    ),
)
ALL_FORMS = (*FORMS, MEETINGS, AGREEMENTS)
READ = """
INSERT INTO ops.reading (region, delivery_id, contract_version, form, edition, sender, as_of, slice, status, verdict,
    rows_read, rows_loaded, rows_not_data, became_current_at)
VALUES ('69', :delivery, '1', :form, '2023', :sender, :as_of, :slice,
    'current', CASE WHEN :refused THEN 'refused' ELSE 'accepted' END,
    :rows + 1, :rows, 1, cast(:at AS timestamptz))
RETURNING reading_id
"""
REPLACE = """
UPDATE ops.reading SET status = 'superseded', superseded_at = :at WHERE slice = :slice AND status = 'current'
"""
MEETING = "INSERT INTO core.meetings_fact (reading_id, school_id, meetings) VALUES (:reading, :key, 1)"
AGREEMENT = "INSERT INTO core.agreements_fact (reading_id, reporting_unit, agreements) VALUES (:reading, :key, 1)"


def came(
    engine: sa.Engine,
    form: Form,
    sender: str,
    as_of: dt.date,
    keys: Collection[int] | Collection[str],
    at: dt.datetime,
    *,
    is_refused: bool = False,
) -> int:
    """The reading of a document with a row for each of these schools or units, as a run stores it; its id."""
    span = f"{as_of:%Y-%m}" if form.period == "month" else str(as_of.year - (as_of.month < 9))
    slice_ = None if is_refused else f"{form.name}/{sender}/{span}"
    values = {
        "form": form.name, "sender": sender, "as_of": as_of, "slice": slice_,
        "rows": len(keys), "at": at, "refused": is_refused,
    }  # fmt: skip
    sha256 = uuid4().hex * 2
    with engine.begin() as connection:
        values["delivery"], *_ = record_arrival(connection, sha256, "файл.xlsx", 10, at, sha256)
        if slice_:
            connection.execute(sa.text(REPLACE), values)
        reading = int(connection.execute(sa.text(READ), values).scalar_one())
        statement = MEETING if form is MEETINGS else AGREEMENT
        if keys:
            connection.execute(sa.text(statement), [{"reading": reading, "key": key} for key in keys])
    return reading


STATE = """
INSERT INTO ops.statement (region, form, sender, as_of, reason, stated_by, stated_at)
VALUES ('69', :form, :sender, :as_of, 'потому', 'Офицер', :at)
"""


def state(engine: sa.Engine, form: str, sender: str, since: dt.date, at: dt.datetime) -> None:
    """That there is nothing to report for the month or year that a day begins."""
    with engine.begin() as connection:
        connection.execute(sa.text(STATE), {"form": form, "sender": sender, "as_of": since, "at": at})
