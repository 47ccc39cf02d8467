"""What readings hold, copied into their tables: rows as received, findings, facts, totals, outcomes of schools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import Connection, text

from contracts.form import TYPES, Form
from contracts.forms import FORMS
from contracts.reading import CONTROL_TOTALS, FINDINGS, RAW_ROWS, SCHOOL_OUTCOMES, Reading
from warehouse.core.copying import copy_frame
from warehouse.schema.facts import fact_columns, fact_table, key_columns

if TYPE_CHECKING:
    from warehouse.deliveries.store import LoadResult

NEW_SCHOOLS = """
INSERT INTO ref.school_identity (school_code, region)
SELECT code, r.region
FROM unnest(cast(:codes AS text[]), cast(:readings AS bigint[])) AS n (code, reading_id)
JOIN ops.reading r ON r.reading_id = n.reading_id
WHERE NOT EXISTS (SELECT FROM ref.school_identity i WHERE i.school_code = code)
ORDER BY code
ON CONFLICT (school_code) DO NOTHING
"""
SCHOOLS = "SELECT school_code, school_id FROM ref.school_identity WHERE school_code = ANY (:codes)"


def copy_contents(connection: Connection, results: Sequence[LoadResult]) -> None:
    """Raw rows, findings, facts, control totals and outcomes of all readings, a COPY for each table."""
    raw = _stacked(results, lambda reading: reading.raw_rows, RAW_ROWS).rename({"row": "row_no"})
    copy_frame(connection, "ops.raw_row", raw.with_columns(pl.col("sheet").fill_null("")))
    findings = _stacked(results, lambda reading: reading.findings, FINDINGS)
    copy_frame(connection, "ops.finding", findings.rename({"row": "row_no", "column": "column_name"}))
    loaded = [result for result in results if result.reading.verdict != "refused"]
    for form in FORMS:
        of_form = [result for result in loaded if result.reading.form == form.name and result.reading.facts.height]
        if of_form:
            copy_frame(connection, f"core.{fact_table(form)}", _facts(connection, form, of_form))
    totals = _stacked(loaded, lambda reading: reading.control_totals, CONTROL_TOTALS)
    copy_frame(connection, "core.control_total_fact", totals)
    outcomes = _stacked(loaded, lambda reading: reading.school_outcomes, SCHOOL_OUTCOMES)
    copy_frame(connection, "core.school_outcome_fact", outcomes)


def _facts(connection: Connection, form: Form, results: Sequence[LoadResult]) -> pl.DataFrame:
    """Facts of a form with `reading_id`, in the table's types. Raises ValueError for a column it does not have."""
    columns = {column for edition in form.editions for column in edition.columns}
    schema = {column.name: TYPES[column.kind] for column in columns}
    if form.people is not None:
        schema[form.people.key] = pl.String()
    schema |= dict.fromkeys(("school_id", "grade", *(form.pupils.measures if form.pupils else ())), pl.Int64())
    schema = {column.name: schema[column.name] for column in fact_columns(form)}
    stacked = _numbered([(result.reading.facts, result.reading_id) for result in results])
    if form.defines_schools:
        stacked = _with_school_ids(connection, stacked)
    if unknown := set(stacked.columns) - set(schema) - {"reading_id"}:
        raise ValueError(f"facts of {form.name} have columns that the contract does not load: {sorted(unknown)}")
    if missing := set(key_columns(form)) - set(stacked.columns):
        raise ValueError(f"facts of {form.name} lack their key: {sorted(missing)}")
    return stacked.cast({name: dtype for name, dtype in schema.items() if name in stacked.columns})


def _with_school_ids(connection: Connection, facts: pl.DataFrame) -> pl.DataFrame:
    """Facts of a register with the lasting id of each school; a code seen for the first time gets one."""
    first = facts.group_by("school_code").agg(pl.col("reading_id").min()).sort("school_code")
    codes = first["school_code"].to_list()
    connection.execute(text(NEW_SCHOOLS), {"codes": codes, "readings": first["reading_id"].to_list()})
    ids = dict(connection.execute(text(SCHOOLS), {"codes": codes}).tuples().all())
    school_id = pl.col("school_code").replace_strict(ids, return_dtype=pl.Int64)
    return facts.with_columns(school_id=school_id)


def _stacked(
    results: Sequence[LoadResult], frame_of: Callable[[Reading], pl.DataFrame], schema: dict[str, pl.DataType]
) -> pl.DataFrame:
    """One part of all readings as one frame of the schema, with `reading_id`."""
    frames = [(frame_of(result.reading), result.reading_id) for result in results]
    filled = [(frame, reading_id) for frame, reading_id in frames if frame.height]
    if not filled:
        return pl.DataFrame(schema={**schema, "reading_id": pl.Int64()})
    return _numbered(filled).select(*schema, "reading_id").cast(pl.Schema({**schema, "reading_id": pl.Int64()}))


def _numbered(frames: Sequence[tuple[pl.DataFrame, int]]) -> pl.DataFrame:
    """Frames that have rows, one below the other, with their `reading_id`."""
    heights = pl.DataFrame({"id": [number for _, number in frames], "rows": [frame.height for frame, _ in frames]})
    same = all(frame.columns == frames[0][0].columns for frame, _ in frames)
    stacked = pl.concat([frame for frame, _ in frames], how="vertical_relaxed" if same else "diagonal_relaxed")
    numbers = heights.select(reading_id=pl.col("id").repeat_by("rows").explode())
    return pl.concat([stacked, numbers], how="horizontal")
