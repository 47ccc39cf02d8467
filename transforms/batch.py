"""Many deliveries of one form and edition, checked in one pass and cut into readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import polars as pl

from contracts.due import due_on
from contracts.form import Edition, Form
from contracts.forms.rule_states import States, notes, rows_under, states_of, under
from contracts.grain import SCHOOL
from contracts.reading import (
    CONTROL_TOTALS,
    FINDINGS,
    NO_CONTROL_TOTALS,
    NO_SCHOOL_OUTCOMES,
    ControlTotal,
    Finding,
    Reading,
    Rows,
    Verdict,
    empty,
    findings_frame,
)
from contracts.regions import zone_at
from contracts.rules import LATE, NO_REGISTER, NO_ROWS, NOT_FILLED_IN, ROSTER_SHORT, UNITS_MISSING
from contracts.vocabulary import academic_year, rows_in
from transforms.findings.disclosure import HIDDEN, born_before
from transforms.findings.finding import Table, described, finding
from transforms.findings.size import too_much_set_aside, wrong_size
from transforms.headings.joint import parted
from transforms.identity.identify import Context, Delivery
from transforms.identity.whose import called
from transforms.rows.account import counted, kept_rows
from transforms.rows.check import FaultyCell, check_rows, known_names
from transforms.rows.judged import Part
from transforms.rows.sieve import Sieve, sheet_names, titles_of, without_names
from transforms.rows.total import computed_totals, row_controls, stated_totals
from transforms.tables.month_or_day import months_and_days

NAMES_SHOWN = 20
NO_FINDINGS = empty(FINDINGS)
NO_FACTS = pl.DataFrame()


def interpret_batch(batch: Sequence[Delivery], parts_of: Sequence[Sequence[Part]], context: Context) -> list[Reading]:
    """Read deliveries of one form, edition and region in one pass over all their rows; `parts_of` are the rows of
    each."""
    form, edition, aliases = form_of(batch[0]), edition_of(batch[0]), context.aliases_in(batch[0].region)
    sieves = [Sieve(sheet_names(delivery), born_before(delivery.as_of)) for delivery in batch if form.names_people]
    tables: list[Table] = []
    texts: dict[str, list[str | None]] = {column.name: [] for column in edition.columns}
    places: dict[str, list[int]] = {"table": [], "row": [], "delivery": []}
    faults: list[FaultyCell] = []
    for number, parts_there in enumerate(parts_of):
        for part_there in parts_there:
            if part_there.heading is None:
                continue
            columns = part_there.heading.columns
            data = [row for row in part_there.rows if row.outcome == "data"]
            places["table"] += [len(tables)] * len(data)
            places["row"] += [row.number for row in data]
            places["delivery"] += [number] * len(data)
            cells_of = list(zip_longest(*(row.cells for row in data)))
            for column, values in texts.items():
                c = columns.get(column, len(cells_of))
                values.extend(cells_of[c] if c < len(cells_of) else [None] * len(data))
            names = {place: name for name, place in columns.items()}
            for row in data:
                if row.faults:
                    faults += [(len(tables), row.number, names[c], *fault) for c, fault in row.faults.items()]
            sheet = (sieves[number].sheet(part_there.sheet) or HIDDEN) if sieves else part_there.sheet
            tables.append(Table(number, sheet, columns))
    raw = months_and_days(parted(_raw_frame(texts, places, batch), tables, form), tables, edition)
    states = [states_of(form.name, delivery.sender, delivery.as_of, delivery.campaign) for delivery in batch]
    checked = check_rows(raw, tables, form, edition, context.schools, aliases, faults, states, secret=context.secret)
    typed = checked.typed
    totals, disagreeing = row_controls(form, edition, typed)
    of_controls = described(disagreeing, raw, tables, edition, grain=[key.marked for key in form.grain])
    of_controls, spoke_of_controls = rows_under(of_controls, states)
    findings = pl.concat([checked.findings, of_controls])
    keys = _by_delivery(typed.select("delivery", *form.key))
    sums = computed_totals(form, typed)
    own: list[tuple[object, ...]] = []
    stated: list[tuple[object, ...]] = []
    refused_there: list[bool] = []
    spoke: list[Counter[str]] = []
    for number, (delivery, parts_there) in enumerate(zip(batch, parts_of, strict=True)):
        totals_there, doubts = _stated_by(delivery, parts_there, sums.get(number))
        doubts = [*delivery.findings, *doubts, *_row_doubts(delivery, parts_there, context)]
        if sieves:
            doubts = [sieves[number].finding(doubt) for doubt in doubts]
        doubts += about_delivery(delivery, keys.get(number), checked.skipped, context)
        told, spoke_of_it = under(doubts, states[number])
        own += [(number, *doubt) for doubt in told]
        refused_there.append(any(doubt.severity == "refuse" for doubt in told))
        spoke.append(checked.spoke[number] + spoke_of_controls[number] + spoke_of_it)
        stated += [(number, *total) for total in totals_there]
    parts = {
        "own": _by_delivery(pl.DataFrame(own, schema={"delivery": pl.Int32, **FINDINGS}, orient="row")),
        "findings": _by_delivery(findings.select("delivery", *FINDINGS)),
        "stated": _by_delivery(pl.DataFrame(stated, schema={"delivery": pl.Int32, **CONTROL_TOTALS}, orient="row")),
        "totals": _by_delivery(totals),
        "facts": _by_delivery(facts_of(form, edition, typed.filter(~pl.col("bad")))),
        "outcomes": _by_delivery(outcomes_of(typed, findings)) if SCHOOL in form.grain else {},
    }
    if sieves:
        known = known_names(context.schools, aliases)
        batch = [
            replace(delivery, layout=sieve.layout(delivery.layout, titles_of(form)))
            for delivery, sieve in zip(batch, sieves, strict=True)
        ]
        parts_of = [
            without_names(parts_there, edition, delivery.as_of, known, sieve)
            for delivery, parts_there, sieve in zip(batch, parts_of, sieves, strict=True)
        ]
    kept = kept_rows(parts_of, typed["bad"].to_list())
    start, readings = 0, []
    for number, (delivery, parts_there) in enumerate(zip(batch, parts_of, strict=True)):
        length = sum(len(part_there.rows) for part_there in parts_there)
        frames_there = {name: frames[number] for name, frames in parts.items() if number in frames}
        readings.append(
            _finished(
                delivery, frames_there, kept[start : start + length], states[number], spoke[number],
                is_refused=refused_there[number],
            )
        )  # fmt: skip
        start += length
    return readings


def _stated_by(
    delivery: Delivery, parts: Sequence[Part], sums: Mapping[str, float] | None
) -> tuple[list[ControlTotal], list[Finding]]:
    """What the «Итого» row of a delivery states against the sums of its rows; asked of a single table only."""
    form, edition = form_of(delivery), edition_of(delivery)
    if sums is None or len(delivery.headings) != 1:
        return [], []
    sheet, heading = delivery.headings[0]
    totals = [row for part in parts if part.heading is heading for row in part.rows if row.outcome == "total"]
    return stated_totals(form, edition, sums, heading.columns, totals[-1] if totals else None, sheet.name)


def _row_doubts(delivery: Delivery, parts: Sequence[Part], context: Context) -> list[Finding]:
    """What the rows of the tables leave in doubt. Rows that nobody filled in are told where their names are not."""
    form = form_of(delivery)
    has_roster = form.covers == "schools" and context.schools is not None and delivery.sender is not None
    said_elsewhere = {NOT_FILLED_IN.id} if has_roster or form.covers == "units" else set()
    return [doubt for part in parts for doubt in part.findings if doubt.rule not in said_elsewhere]


def _raw_frame(
    texts: Mapping[str, list[str | None]], places: Mapping[str, list[int]], batch: Sequence[Delivery]
) -> pl.DataFrame:
    """The raw rows of a batch with what is known of each delivery: the input of `check_rows`."""
    deliveries = pl.DataFrame(
        {
            "delivery": range(len(batch)),
            "sender": [delivery.sender for delivery in batch],
            "as_of": [delivery.as_of for delivery in batch],
            "academic_year_start": [_year_reported(delivery) for delivery in batch],
        },
        schema={"delivery": pl.Int32, "sender": pl.String, "as_of": pl.Date, "academic_year_start": pl.Int32},
    )
    rows_there = pl.DataFrame(places, schema=dict.fromkeys(places, pl.Int32))
    values = [pl.Series(name, column, dtype=pl.String) for name, column in texts.items()]
    return rows_there.with_columns(values).join(deliveries, on="delivery", how="left", maintain_order="left")


def _year_reported(delivery: Delivery) -> int | None:
    """First calendar year of the academic year a delivery is about: its campaign's, else its date's."""
    if delivery.as_of is None:
        return None
    campaigns = rows_in("campaigns", delivery.region)
    campaign = next((row for row in campaigns if row["campaign"] == delivery.campaign), None)
    return int(campaign["academic_year"]) if campaign else academic_year(delivery.as_of)


def _finished(
    delivery: Delivery,
    frames: Mapping[str, pl.DataFrame],
    kept: pl.DataFrame,
    states: States,
    spoke: Counter[str],
    *,
    is_refused: bool,
) -> Reading:
    """The reading of one delivery from its parts of the batch, and what is said of rules that would have spoken."""
    findings = _together(frames.get("own"), frames.get("findings"), NO_FINDINGS)
    rows_counted = counted(kept)
    if not is_refused and (
        much := too_much_set_aside(form_of(delivery), rows_counted.loaded, rows_counted.quarantined)
    ):
        told, spoke_of_it = under(much, states)
        is_refused = any(doubt.severity == "refuse" for doubt in told)
        findings, spoke = pl.concat([findings_frame(told), findings]), spoke + spoke_of_it
    if spoke:
        findings = pl.concat([findings, findings_frame(notes(states, spoke))])
    if is_refused:
        kept = kept.with_columns(pl.col("outcome").replace("loaded", "quarantined"))
        rows_counted = counted(kept)
    verdict: Verdict = "refused" if is_refused else "partial" if rows_counted.quarantined else "accepted"
    return replace(
        reading(delivery, rows_counted, findings, kept),
        slice=None if is_refused else delivery.slice,
        verdict=verdict,
        facts=NO_FACTS if is_refused else frames.get("facts", NO_FACTS),
        control_totals=_together(frames.get("stated"), frames.get("totals"), NO_CONTROL_TOTALS),
        school_outcomes=NO_SCHOOL_OUTCOMES if is_refused else frames.get("outcomes", NO_SCHOOL_OUTCOMES),
    )


def _together(first: pl.DataFrame | None, second: pl.DataFrame | None, nothing: pl.DataFrame) -> pl.DataFrame:
    if first is not None and second is not None:
        return first.vstack(second)
    return first if first is not None else second if second is not None else nothing


def about_delivery(
    delivery: Delivery, keys: pl.DataFrame | None, skipped: Sequence[str], context: Context
) -> list[Finding]:
    """Findings about the delivery as a whole: who is not in it, whether it is late, what could not be checked."""
    form, doubts = form_of(delivery), []
    if keys is None:
        doubts.append(finding(NO_ROWS))
    if skipped:
        doubts.append(finding(NO_REGISTER, value=", ".join(skipped)))
    if keys is not None and form.covers == "schools" and context.schools is not None and delivery.sender:
        own, named = context.schools.by_subordination.get(delivery.sender, []), set(keys["school_id"].unique())
        doubts += wrong_size(form.size, len(keys), len(own))
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
    if keys is not None and form.covers == "units":
        units = context.units_in(delivery.region)
        missing = units - set(keys["reporting_unit"].unique())
        doubts += wrong_size(form.size, len(keys), len(units))
        if missing:
            doubts.append(
                finding(UNITS_MISSING, value=", ".join(sorted(map(called, missing))), difference=-len(missing))
            )
    deadline = due_on(form, delivery.as_of, delivery.campaign, delivery.sender) if delivery.as_of else None
    if deadline is not None:
        received = delivery.received_at.astimezone(zone_at(delivery.sender)).date()
        if received > deadline:
            doubts.append(finding(LATE, value=f"{received:%d.%m.%Y}", expected=f"не позже {deadline:%d.%m.%Y}"))
    return doubts


def facts_of(form: Form, edition: Edition, good: pl.DataFrame, beside: str = "delivery") -> pl.DataFrame:
    """The fact columns of good rows, the keys of the form first, and what tells rows apart `beside` them."""
    columns = [column.name for column in edition.columns if column.fact and column.name not in form.key]
    school = ["school_id"] if "school_id" in good.columns and "school_id" not in form.key else []
    return good.select(beside, *form.key, *school, *columns)


def outcomes_of(typed: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """`SCHOOL_OUTCOMES` and `delivery`: a school is accepted when none of its rows is set aside."""
    rules = findings.filter(pl.col("severity") == "error").select("index", "rule")
    judged = typed.select("delivery", "school_id", "bad").with_row_index("index").cast({"index": pl.Int64})
    judged = judged.filter(pl.col("school_id").is_not_null())
    keys = ["delivery", "school_id"]
    broken = judged.join(rules, on="index", how="inner", maintain_order="left_right")
    by_school = broken.group_by(keys).agg(pl.col("rule").unique(maintain_order=True).alias("rules"))
    return (
        judged.group_by(keys, maintain_order=True)
        .agg(pl.col("bad").any())
        .join(by_school, on=keys, how="left", maintain_order="left")
        .select(
            *keys,
            pl.when("bad").then(pl.lit("rejected")).otherwise(pl.lit("accepted")).alias("report_status"),
            pl.col("rules").fill_null([]),
        )
    )


def reading(delivery: Delivery, rows_counted: Rows, findings: pl.DataFrame, raw_rows: pl.DataFrame) -> Reading:
    """A reading that loads nothing yet."""
    return Reading(
        file=delivery.file,
        sha256=delivery.sha256,
        form=delivery.form.name if delivery.form else None,
        edition=delivery.edition.name if delivery.edition else None,
        sender=delivery.sender,
        as_of=delivery.as_of,
        campaign=delivery.campaign,
        slice=None,
        verdict="refused",
        rows=rows_counted,
        layout=delivery.layout,
        findings=findings,
        raw_rows=raw_rows,
        facts=NO_FACTS,
        control_totals=NO_CONTROL_TOTALS,
        school_outcomes=NO_SCHOOL_OUTCOMES,
    )


def _by_delivery(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """A frame cut by its column `delivery`, which is left out."""
    cut = frame.partition_by("delivery", as_dict=True, maintain_order=True, include_key=False)
    return {int(str(number)): part for (number,), part in cut.items()}


def form_of(delivery: Delivery) -> Form:
    """The form that every delivery of a batch has. Raises ValueError."""
    if delivery.form is None:
        raise ValueError("a batch has a form")
    return delivery.form


def edition_of(delivery: Delivery) -> Edition:
    """The edition that every delivery of a batch has. Raises ValueError."""
    if delivery.edition is None:
        raise ValueError("a batch has an edition")
    return delivery.edition
