"""Deliveries in, readings out: the whole way from cells to facts, without files, clocks or SQL."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import polars as pl

from contracts.form import Edition, Form
from contracts.grid import Grid
from contracts.reading import (
    CONTROL_TOTALS,
    FINDINGS,
    RAW_ROWS,
    SCHOOL_OUTCOMES,
    PupilStream,
    Reading,
    Rows,
    Verdict,
    empty,
)
from contracts.rules import LATE, NO_REGISTER, NO_ROWS, ROSTER_SHORT, UNITS_MISSING
from contracts.vocabulary import academic_year, rows
from transforms.check import Checked, check_rows
from transforms.contract import SCHOOL_KINDS
from transforms.finding import Table, described, finding
from transforms.identify import Context, Delivery, Finding, Identified, called, identify
from transforms.pupils import PupilReading
from transforms.table import Row, cell_text, data_rows
from transforms.total import row_controls, stated_totals

__all__ = ["Context", "Delivery", "interpret", "recognise"]

OFFICE_HOURS = ZoneInfo("Asia/Tomsk")
NAMES_SHOWN = 20
Sheets = list[tuple[str, list[Row]]]


def recognise(delivery: Delivery, context: Context) -> str | None:
    """The name of a delivery's form, or None; cheap, so that registers can be read before reports."""
    form = identify(delivery, replace(context, register=None)).form
    return form.name if form else None


def interpret(deliveries: Sequence[Delivery], context: Context) -> list[Reading | PupilStream]:
    """Read deliveries, those of one form and edition together, and answer in the same order.

    A pupil export comes back as a stream to be drained; everything else as a `Reading`. Bad input never raises.
    """
    answers: dict[int, Reading | PupilStream] = {}
    batches: dict[tuple[str, str], list[tuple[int, Identified]]] = {}
    for place, delivery in enumerate(deliveries):
        found = identify(delivery, context)
        if found.form is None or found.edition is None or found.layout.missing:
            answers[place] = refused(found)
        elif found.form.pupils is not None:
            answers[place] = PupilReading(found, context)
        else:
            batches.setdefault((found.form.name, found.edition.name), []).append((place, found))
    for batch in batches.values():
        readings = interpret_batch([found for _, found in batch], context)
        answers |= {place: reading for (place, _), reading in zip(batch, readings, strict=True)}
    return [answers[place] for place in range(len(deliveries))]


def refused(found: Identified) -> Reading:
    """A reading of which nothing can be loaded: its form is unknown, or a required heading is missing.

    Cells of an unknown file, or of one with pupils, are not kept: they may be names. The archive has the bytes.
    """
    content = found.delivery.content
    if not isinstance(content, Grid) or found.form is None or found.form.pupils is not None:
        return reading(found, Rows(), findings_frame(found.findings), empty(RAW_ROWS))
    kept = kept_rows([sheet_rows(content, found)])
    return reading(found, counted(kept), findings_frame(found.findings), kept)


def sheet_rows(grid: Grid, found: Identified) -> Sheets:
    """The rows of every sheet with what they are; those of a sheet without the table are notes."""
    form, edition = found.form, found.edition
    if form is None or edition is None:
        return []
    keys = [c.name for c in edition.columns if c.kind in SCHOOL_KINDS or (c.kind == "unit" and c.name in form.key)]
    keys = keys or list(form.key)
    headings = {id(sheet): heading for sheet, heading in found.headings}
    told = []
    for sheet in grid.sheets:
        heading = headings.get(id(sheet))
        if heading is None:
            texts = [[cell_text(value) for value in row] for row in sheet.rows]
            rows_there = [Row(r + 1, "note" if any(row) else "blank", row) for r, row in enumerate(texts)]
        else:
            rows_there = data_rows(sheet, heading, keys)
        told.append((sheet.name, rows_there))
    return told


def kept_rows(told: Iterable[Sheets], bad: Sequence[bool] | None = None) -> pl.DataFrame:
    """`RAW_ROWS` of deliveries; `bad` says of each data row whether it is set aside (all are, when it is None)."""
    answers = iter(bad) if bad is not None else itertools.repeat(True)
    sheet, number, outcome, cells = [], [], [], []
    for sheets in told:
        for name, known in sheets:
            for row in known:
                sheet.append(name)
                number.append(row.number)
                is_data = row.outcome == "data"
                outcome.append(("quarantined" if next(answers) else "loaded") if is_data else row.outcome)
                cells.append(row.cells)
    return pl.DataFrame({"sheet": sheet, "row": number, "outcome": outcome, "cells": cells}, schema=RAW_ROWS)


def counted(kept: pl.DataFrame) -> Rows:
    loaded = int((kept["outcome"] == "loaded").sum())
    quarantined = int((kept["outcome"] == "quarantined").sum())
    return Rows(len(kept), loaded, quarantined, len(kept) - loaded - quarantined)


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    return pl.DataFrame(list(findings), schema=FINDINGS, orient="row")


def interpret_batch(batch: Sequence[Identified], context: Context) -> list[Reading]:
    """Read deliveries of one form and edition in one pass over all their rows."""
    form, edition = form_of(batch[0]), edition_of(batch[0])
    told = [sheet_rows(found.delivery.content, found) for found in batch if isinstance(found.delivery.content, Grid)]
    tables: list[Table] = []
    texts: dict[str, list[str | None]] = {column.name: [] for column in edition.columns}
    places: list[tuple[int, int, int]] = []
    for number, (found, sheets) in enumerate(zip(batch, told, strict=True)):
        headings = {sheet.name: heading for sheet, heading in found.headings}
        for name, known in sheets:
            if name not in headings:
                continue
            columns = headings[name].columns
            data = [row for row in known if row.outcome == "data"]
            places += [(len(tables), row.number, number) for row in data]
            for column, values in texts.items():
                c = columns.get(column)
                values += [row.cells[c] if c is not None and c < len(row.cells) else None for row in data]
            tables.append(Table(number, name, columns))
    raw = raw_frame(texts, places, batch)
    checked = check_rows(raw, tables, form, edition, context.schools, context.unit_aliases)
    return split(batch, told, checked, raw, tables, context)


def split(
    batch: Sequence[Identified],
    told: Sequence[Sheets],
    checked: Checked,
    raw: pl.DataFrame,
    tables: Sequence[Table],
    context: Context,
) -> list[Reading]:
    """The reading of each delivery of a batch, cut out of what was computed for all of them."""
    form, edition, typed = form_of(batch[0]), edition_of(batch[0]), checked.typed
    totals, disagreeing = row_controls(form, edition, typed)
    findings = pl.concat([checked.findings, described(disagreeing, raw, tables, edition)])
    parts = {
        "typed": by_delivery(typed),
        "findings": by_delivery(findings.select("delivery", *FINDINGS)),
        "totals": by_delivery(totals),
        "facts": by_delivery(facts_of(form, edition, typed.filter(~pl.col("bad")))),
        "outcomes": by_delivery(outcomes(typed, findings)) if "school_id" in form.key else {},
    }
    kept = kept_rows(told, typed["bad"].to_list())
    start, readings = 0, []
    for number, (found, sheets) in enumerate(zip(batch, told, strict=True)):
        length = sum(len(known) for _, known in sheets)
        part = {name: frames[number] for name, frames in parts.items() if number in frames}
        readings.append(finished(found, sheets, part, kept[start : start + length], checked.skipped, context))
        start += length
    return readings


def by_delivery(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """A frame cut by its column `delivery`, which is left out."""
    cut = frame.partition_by("delivery", as_dict=True, maintain_order=True, include_key=False)
    return {int(str(number)): part for (number,), part in cut.items()}


def form_of(found: Identified) -> Form:
    if found.form is None:
        raise ValueError("a batch has a form")
    return found.form


def edition_of(found: Identified) -> Edition:
    if found.edition is None:
        raise ValueError("a batch has an edition")
    return found.edition


def raw_frame(
    texts: Mapping[str, list[str | None]], places: Sequence[tuple[int, int, int]], batch: Sequence[Identified]
) -> pl.DataFrame:
    """The raw rows of a batch with what is known of each delivery: the input of `check_rows`."""
    known = pl.DataFrame(
        {
            "delivery": range(len(batch)),
            "sender": [found.sender for found in batch],
            "as_of": [found.as_of for found in batch],
            "academic_year_start": [year_reported(found) for found in batch],
        },
        schema={"delivery": pl.Int32, "sender": pl.String, "as_of": pl.Date, "academic_year_start": pl.Int32},
    )
    rows_there = pl.DataFrame(places, schema={"table": pl.Int32, "row": pl.Int32, "delivery": pl.Int32}, orient="row")
    values = [pl.Series(name, column, dtype=pl.String) for name, column in texts.items()]
    return rows_there.with_columns(values).join(known, on="delivery", how="left", maintain_order="left")


def year_reported(found: Identified) -> int | None:
    """First calendar year of the academic year a delivery is about: its campaign's, else its date's."""
    if found.as_of is None:
        return None
    campaign = next((row for row in rows("campaigns") if row["campaign"] == found.campaign), None)
    return int(campaign["academic_year"]) if campaign else academic_year(found.as_of)


def finished(
    found: Identified,
    sheets: Sheets,
    part: Mapping[str, pl.DataFrame],
    kept: pl.DataFrame,
    skipped: Sequence[str],
    context: Context,
) -> Reading:
    """The reading of one delivery from its parts of the batch."""
    form, edition = form_of(found), edition_of(found)
    typed = part.get("typed")
    own: list[Finding] = [*found.findings]
    stated: list[dict[str, object]] = []
    headings = {sheet.name: heading for sheet, heading in found.headings}
    if typed is None:
        own.append(finding(NO_ROWS))
    elif len(headings) == 1 and form.controls:
        name = next(iter(headings))
        totals = [row for sheet, known in sheets if sheet == name for row in known if row.outcome == "total"]
        stated, doubts = stated_totals(
            form, edition, typed, headings[name].columns, totals[-1] if totals else None, name
        )
        own += doubts
    own += about_delivery(found, typed, skipped, context)
    findings = findings_frame(own)
    if "findings" in part:
        findings = findings.vstack(part["findings"])
    is_refused = "refuse" in findings["severity"]
    if is_refused:
        kept = kept.with_columns(pl.col("outcome").replace("loaded", "quarantined"))
    rows_counted = counted(kept)
    verdict: Verdict = "refused" if is_refused else "partial" if rows_counted.quarantined else "accepted"
    controls = pl.DataFrame(stated, schema=CONTROL_TOTALS, orient="row")
    return replace(
        reading(found, rows_counted, findings, kept),
        slice=None if is_refused else found.slice,
        verdict=verdict,
        facts=part["facts"] if "facts" in part else facts_of(form, edition, None),
        control_totals=controls.vstack(part["totals"]) if "totals" in part else controls,
        school_outcomes=part.get("outcomes", empty(SCHOOL_OUTCOMES)),
    )


def about_delivery(
    found: Identified, typed: pl.DataFrame | None, skipped: Sequence[str], context: Context
) -> list[Finding]:
    """Findings about the delivery as a whole: who is not in it, whether it is late, what could not be checked."""
    form, doubts = form_of(found), []
    if skipped:
        doubts.append(finding(NO_REGISTER, value=", ".join(skipped)))
    if typed is not None and form.key == ("school_id",) and context.schools is not None and found.sender:
        own, named = context.schools.by_subordination.get(found.sender, []), set(typed["school_id"])
        absent = [school.name for school in own if school.school_id not in named]
        if absent:
            more = f" и ещё {len(absent) - NAMES_SHOWN}" if len(absent) > NAMES_SHOWN else ""
            doubts.append(
                finding(
                    ROSTER_SHORT,
                    what=f"{ROSTER_SHORT.what} Нет: {'; '.join(absent[:NAMES_SHOWN])}{more}.",
                    expected=f"школ отправителя: {len(own)}",
                    difference=-len(absent),
                )
            )
    if typed is not None and form.key == ("reporting_unit",):
        missing = set(context.unit_aliases.values()) - set(typed["reporting_unit"])
        if missing:
            doubts.append(
                finding(UNITS_MISSING, value=", ".join(sorted(map(called, missing))), difference=-len(missing))
            )
    campaign = next((row for row in rows("campaigns") if row["campaign"] == found.campaign), None)
    if campaign is not None:
        deadline = dt.date.fromisoformat(campaign["deadline"])
        received = found.delivery.received_at.astimezone(OFFICE_HOURS).date()
        if received > deadline:
            doubts.append(finding(LATE, value=f"{received:%d.%m.%Y}", expected=f"не позже {deadline:%d.%m.%Y}"))
    return doubts


def facts_of(form: Form, edition: Edition, good: pl.DataFrame | None) -> pl.DataFrame:
    """The fact columns of good rows, the keys of the form first, and `delivery`; no columns for no rows."""
    columns = [column.name for column in edition.columns if column.fact and column.name not in form.key]
    return pl.DataFrame() if good is None else good.select("delivery", *form.key, *columns)


def outcomes(typed: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """`SCHOOL_OUTCOMES` and `delivery`: a school is accepted when none of its rows is set aside."""
    rules = findings.filter(pl.col("severity") == "error").select("index", "rule")
    told = typed.select("delivery", "school_id", "bad").with_row_index("index").cast({"index": pl.Int64})
    told = told.filter(pl.col("school_id").is_not_null())
    keys = ["delivery", "school_id"]
    broken = told.join(rules, on="index", how="inner", maintain_order="left_right")
    by_school = broken.group_by(keys).agg(pl.col("rule").unique(maintain_order=True).alias("rules"))
    return (
        told.group_by(keys, maintain_order=True)
        .agg(pl.col("bad").any())
        .join(by_school, on=keys, how="left", maintain_order="left")
        .select(
            *keys,
            pl.when("bad").then(pl.lit("rejected")).otherwise(pl.lit("accepted")).alias("report_status"),
            pl.col("rules").fill_null([]),
        )
    )


def reading(found: Identified, rows_counted: Rows, findings: pl.DataFrame, raw_rows: pl.DataFrame) -> Reading:
    """A reading that loads nothing yet."""
    return Reading(
        file=found.delivery.file,
        sha256=found.delivery.sha256,
        form=found.form.name if found.form else None,
        edition=found.edition.name if found.edition else None,
        sender=found.sender,
        as_of=found.as_of,
        campaign=found.campaign,
        slice=None,
        verdict="refused",
        rows=rows_counted,
        layout=found.layout,
        findings=findings,
        raw_rows=raw_rows,
        facts=pl.DataFrame(),
        control_totals=empty(CONTROL_TOTALS),
        school_outcomes=empty(SCHOOL_OUTCOMES),
    )
