"""Storing readings: statements for many at once, within a transaction of the caller."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl
from sqlalchemy import Connection, text

from contracts.forms import FORMS, form_named
from contracts.forms.rule_states import States, settled, states_of
from contracts.reading import (
    CONTROL_TOTALS,
    FINDINGS,
    SCHOOL_OUTCOMES,
    Finding,
    Reading,
    Rows,
    Status,
    empty,
    findings_frame,
)
from contracts.rules import HOLDS, NOTHING_LOADED
from contracts.versions.rule_versions import rules_of
from warehouse.core.copying import copy_frame
from warehouse.deliveries.bearing import Weighed, objections
from warehouse.deliveries.contents import copy_contents
from warehouse.deliveries.decision import Come, overtake
from warehouse.deliveries.digest import Digests
from warehouse.deliveries.explanations import Brought, answered_by
from warehouse.deliveries.history import Standing, compared, sent_again
from warehouse.deliveries.reading_regions import by_delivery
from warehouse.deliveries.recall import recall_findings

READ_BEFORE = """
SELECT DISTINCT ON (r.delivery_id) r.delivery_id, r.reading_id, r.status, r.digest
FROM ops.reading r
WHERE r.delivery_id = ANY (:deliveries) AND r.contract_version = ANY (:versions)
  AND ops.came_of_run(r.status)
ORDER BY r.delivery_id, r.reading_id DESC
"""
RESERVE = """
SELECT nextval(pg_get_serial_sequence('ops.reading', 'reading_id')) FROM generate_series(1, :count)
"""
CURRENT = """
SELECT r.slice, r.reading_id, r.delivery_id, r.rows_loaded, d.counts_at, r.as_of, d.sha256, r.facts_digest,
    r.decided_at IS NOT NULL
FROM ops.reading r JOIN ops.delivery d ON d.delivery_id = r.delivery_id
WHERE r.status = 'current' AND r.slice = ANY (:slices)
"""
STANDING_BEFORE = """
SELECT DISTINCT ON (i.reading_id) i.reading_id, k.reading_id, k.delivery_id, r.rows_loaded, k.counts_at, k.as_of,
    NULL, NULL, r.decided_at IS NOT NULL
FROM unnest(cast(:readings AS bigint[]), cast(:slices AS text[]), cast(:counts AS timestamptz[]),
            cast(:deliveries AS bigint[])) AS i (reading_id, slice, counts_at, delivery_id)
JOIN ops.reading_known('infinity') k
    ON k.slice = i.slice AND k.counts_at <= i.counts_at AND k.delivery_id <> i.delivery_id
JOIN ops.reading r ON r.reading_id = k.reading_id
ORDER BY i.reading_id, k.counts_at DESC, k.as_of DESC, k.delivery_id DESC, k.reading_id DESC
"""
SAME_AS = """
UPDATE ops.delivery d SET same_as = r.delivery_id
FROM unnest(cast(:deliveries AS bigint[]), cast(:readings AS bigint[])) AS n (delivery_id, reading_id)
JOIN ops.reading r ON r.reading_id = n.reading_id
WHERE d.delivery_id = n.delivery_id
"""
SUPERSEDE = """
UPDATE ops.reading r SET status = 'superseded', superseded_at = :now, superseded_by = n.new
FROM unnest(cast(:old AS bigint[]), cast(:new AS bigint[])) AS n (old, new)
WHERE r.reading_id = n.old
"""


@dataclass(frozen=True)
class Incoming:
    """A reading on its way in, under a reserved id; `counts_at` is its turn, `brought` what a receipt brings back."""

    reading: Reading
    digests: Digests
    delivery_id: int
    counts_at: dt.datetime
    reading_id: int
    contract_version: str
    run_id: int | None
    brought: Brought | None = None

    @property
    def follows_a_date(self) -> bool:
        """Is it of a form that is compared with what holds before its date?"""
        return any(form.period in ("night", "none") for form in FORMS if form.name == self.reading.form)


@dataclass(frozen=True)
class LoadResult:
    """What became of a reading.

    `reading` is the reading as stored: with the findings of history, and refused when they refuse it. `superseded` is
    the reading that it replaced. Status `superseded` means that a newer delivery was there already, `proposed` that the
    reading waits for its backfill to be applied, `same` that the reading of that id, of the same bytes, says this,
    `held` that it waits for an officer's decision; one that an officer `declined`, or that a newer delivery has
    `overtaken` while it waited, never counted.
    """

    reading_id: int
    status: Status
    superseded: int | None
    reading: Reading
    history: pl.DataFrame


def reserve(connection: Connection, count: int) -> list[int]:
    """Ids for so many readings, growing; they are nobody else's, stored or not."""
    return list(connection.scalars(text(RESERVE), {"count": count}))


def repeated(connection: Connection, incoming: Mapping[int, Incoming]) -> dict[int, LoadResult]:
    """Of readings whose slices are locked, those that another run stored meanwhile, as they were stored then."""
    asked = {
        "deliveries": [candidate.delivery_id for candidate in incoming.values()],
        "versions": list({candidate.contract_version for candidate in incoming.values()}),
    }
    earlier = {row[0]: row[1:] for row in connection.execute(text(READ_BEFORE), asked).tuples()}
    if not earlier:
        return {}
    history = recall_findings(connection, [reading_id for reading_id, *_ in earlier.values()], "history")
    results = {}
    for place, candidate in incoming.items():
        reading_id, status, digest = earlier.get(candidate.delivery_id, (0, "", None))
        if digest != candidate.digests.whole:
            continue
        findings = history.get(reading_id, [])
        result = LoadResult(reading_id, status, None, candidate.reading, findings_frame(findings))
        if any(finding.severity == "refuse" for finding in findings):
            result = replace(result, reading=_refused(candidate.reading, result.history))
        elif findings:
            result = _noted(result, candidate.reading, findings)
        results[place] = result
    return results


def store(connection: Connection, wave: Sequence[Incoming]) -> list[LoadResult]:
    """Store readings of different slices, which are locked: decide, supersede, and write everything they hold."""
    slices = [candidate.reading.slice for candidate in wave if candidate.reading.slice]
    current = {slice_: Standing(*rest) for slice_, *rest in connection.execute(text(CURRENT), {"slices": slices})}
    now = connection.scalar(text("SELECT ops.clock()"))
    results = _decided(connection, wave, current)
    replaced = {result.superseded: result.reading_id for result in results if result.superseded is not None}
    if replaced:
        connection.execute(text(SUPERSEDE), {"now": now, "old": list(replaced), "new": list(replaced.values())})
    newer = {
        result.reading_id: current[result.reading.slice].reading_id
        for result in results
        if result.status == "superseded" and result.reading.slice
    }
    written = [place for place, result in enumerate(results) if result.status != "same"]
    _note_same(connection, wave, results)
    if written:
        kept = [results[place] for place in written]
        rows = _reading_rows(connection, [wave[place] for place in written], kept, newer, now)
        copy_frame(connection, "ops.reading", rows)
        copy_contents(connection, kept)
    come = [
        Come(result.reading_id, candidate.delivery_id, result.reading.slice, candidate.counts_at, result.status)
        for candidate, result in zip(wave, results, strict=True)
    ]
    overtake(connection, come, now)
    return results


def _note_same(connection: Connection, wave: Sequence[Incoming], results: Sequence[LoadResult]) -> None:
    """Record of deliveries that say again what holds which reading answers for them."""
    same = [(candidate.delivery_id, result.reading_id) for candidate, result in zip(wave, results, strict=True)
            if result.status == "same"]  # fmt: skip
    if same:
        deliveries, readings = zip(*same, strict=True)
        connection.execute(text(SAME_AS), {"deliveries": list(deliveries), "readings": list(readings)})


def propose(connection: Connection, wave: Sequence[Incoming], backfill_id: int) -> list[LoadResult]:
    """Store readings of different slices as a backfill's proposals, each judged against what its slice held before."""
    asked = {
        "readings": [candidate.reading_id for candidate in wave],
        "slices": [candidate.reading.slice for candidate in wave],
        "counts": [candidate.counts_at for candidate in wave],
        "deliveries": [candidate.delivery_id for candidate in wave],
    }
    before = {reading_id: Standing(*rest) for reading_id, *rest in connection.execute(text(STANDING_BEFORE), asked)}
    standing = {
        candidate.reading.slice: before[candidate.reading_id]
        for candidate in wave
        if candidate.reading.slice and candidate.reading_id in before
    }
    # What a backfill takes away is seen and approved with it: nothing of it is held.
    results = [replace(result, status="proposed", superseded=None) for result in _decided(connection, wave, standing)]
    copy_frame(connection, "ops.reading", _reading_rows(connection, wave, results, {}, None, backfill_id))
    copy_contents(connection, results)
    return results


def _decided(connection: Connection, wave: Sequence[Incoming], current: dict[str, Standing]) -> list[LoadResult]:
    """Whether each reading replaces its slice, bears too little to do so, or came after something newer."""
    results: list[LoadResult] = []
    asked: list[tuple[int, Weighed]] = []
    nothing = empty(FINDINGS)
    answered = answered_by(connection, [(one.brought, one.reading.slice, one.digests.facts) for one in wave])
    for place, candidate in enumerate(wave):
        reading = candidate.reading
        before = current.get(reading.slice) if reading.slice else None
        if reading.verdict == "refused" or reading.slice is None:
            results.append(LoadResult(candidate.reading_id, "current", None, reading, nothing))
        elif before and _is_same(candidate, before):
            results.append(LoadResult(before.reading_id, "same", None, reading, nothing))
        elif before and place in answered:
            results.append(LoadResult(answered[place], "same", None, reading, nothing))
        elif before and _is_older(candidate, before):
            results.append(LoadResult(candidate.reading_id, "superseded", None, reading, nothing))
        else:
            asked.append((len(results), Weighed(reading, candidate.delivery_id, before)))
            results.append(
                LoadResult(candidate.reading_id, "current", before.reading_id if before else None, reading, nothing)
            )
    weighed = objections(connection, [candidate for _, candidate in asked])
    judged = compared(connection, [(candidate.reading, candidate.before) for _, candidate in asked])
    replacing = [(candidate.delivery_id, candidate.before) for _, candidate in asked if candidate.before is not None]
    again = sent_again(connection, replacing)
    for (place, one), against, findings in zip(asked, weighed, judged, strict=True):
        rules = {finding.rule for finding in against}
        said = [*against, *findings, *([again[one.delivery_id]] if one.delivery_id in again else [])]
        noted = settled(said, _states(one.reading), "history")
        if NOTHING_LOADED.id in rules:
            history = findings_frame(against)
            refused = _refused(one.reading, history)
            results[place] = replace(results[place], superseded=None, reading=refused, history=history)
        elif noted:
            results[place] = _noted(results[place], one.reading, noted)
        if rules & HOLDS:
            results[place] = replace(results[place], status="held", superseded=None)
    return results


def _states(reading: Reading) -> States:
    """What the region of a reading says of rules."""
    return states_of(reading.form, reading.sender, reading.as_of, reading.campaign)


def _is_older(incoming: Incoming, before: Standing) -> bool:
    """Does the delivery come before the one that its slice holds? Reading a delivery again always replaces."""
    if incoming.delivery_id == before.delivery_id:
        return False
    mine = (incoming.counts_at, incoming.reading.as_of or dt.date.min, incoming.delivery_id)
    return mine < (before.counts_at, before.as_of, before.delivery_id)


def _is_same(incoming: Incoming, before: Standing) -> bool:
    """Has another delivery of the same bytes said the same, and does it still hold?"""
    return (
        before.sha256 == incoming.reading.sha256
        and before.delivery_id != incoming.delivery_id
        and before.facts_digest == incoming.digests.facts
    )


def _noted(result: LoadResult, reading: Reading, findings: list[Finding]) -> LoadResult:
    history = findings_frame(findings)
    return replace(result, reading=replace(reading, findings=pl.concat([reading.findings, history])), history=history)


def _refused(reading: Reading, history: pl.DataFrame) -> Reading:
    """The reading refused as a whole: its rows are set aside, its facts are not loaded."""
    rows = reading.rows
    return replace(
        reading,
        slice=None,
        verdict="refused",
        rows=Rows(rows.read, 0, rows.loaded + rows.quarantined, rows.not_data),
        findings=pl.concat([reading.findings, history]),
        raw_rows=reading.raw_rows.with_columns(pl.col("outcome").replace("loaded", "quarantined")),
        facts=reading.facts.clear(),
        control_totals=empty(CONTROL_TOTALS),
        school_outcomes=empty(SCHOOL_OUTCOMES),
    )


def _rules(form: str | None, region: str | None) -> str | None:
    """The fingerprint of the rules by which a form is read in a region."""
    return rules_of(form_named(form), region) if form else None


def _reading_rows(
    connection: Connection,
    wave: Sequence[Incoming],
    results: Sequence[LoadResult],
    newer: dict[int, int],
    now: object,
    backfill_id: int | None = None,
) -> pl.DataFrame:
    """Rows of `ops.reading`."""
    of_regions = by_delivery(
        connection,
        {candidate.delivery_id: result.reading.sender for candidate, result in zip(wave, results, strict=True)},
    )
    records = [
        {
            "region": of_regions[candidate.delivery_id],
            "reading_id": candidate.reading_id,
            "delivery_id": candidate.delivery_id,
            "contract_version": candidate.contract_version,
            "rules": _rules(result.reading.form, of_regions[candidate.delivery_id]),
            "form": result.reading.form,
            "edition": result.reading.edition,
            "sender": result.reading.sender,
            "campaign": result.reading.campaign,
            "as_of": result.reading.as_of,
            "slice": result.reading.slice,
            "status": result.status,
            "verdict": result.reading.verdict,
            **{f"rows_{name}": count for name, count in vars(result.reading.rows).items()},
            "layout": json.dumps(vars(result.reading.layout), ensure_ascii=False, default=vars).replace("\\u0000", ""),
            "became_current_at": None if result.status == "held" else now,
            "held_at": now if result.status == "held" else None,
            "superseded_at": now if result.status == "superseded" else None,
            "superseded_by": newer.get(candidate.reading_id),
            "run_id": candidate.run_id,
            "backfill_id": backfill_id,
            "digest": candidate.digests.whole,
            "facts_digest": candidate.digests.facts,
        }
        for candidate, result in zip(wave, results, strict=True)
    ]
    return pl.DataFrame(records, infer_schema_length=None)
