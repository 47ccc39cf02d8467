"""Readings told again from what was stored, so that the same bytes twice get the same answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from contracts.form import Scope
from contracts.reading import Finding, Layout, Rows, Status, Suggestion, Verdict
from warehouse.deliveries.judging import said_across

READINGS = """
SELECT reading_id, delivery_id, form, edition, sender, as_of, verdict, status, decision_reason, layout,
    rows_read, rows_loaded, rows_quarantined, rows_not_data
FROM ops.reading WHERE reading_id = ANY (:readings)
"""
FINDINGS = """
SELECT reading_id, rule, severity, scope, sheet, cell, row_no, column_name, value, expected,
    cast(difference AS double precision), message, row_key
FROM ops.finding WHERE reading_id = ANY (:readings)
  AND (scope = :scope OR cast(:scope AS text) IS NULL) AND (rule = ANY (:rules) OR cast(:rules AS text[]) IS NULL)
ORDER BY reading_id, finding_id
"""
# A reading counts from its date on, a standing one for all dates. Each date is asked for its own last publication: who
# published other dates meanwhile has not published this one. A reading that a later delivery superseded holds on its
# dates as before; one that was taken back, or read again, does not. One that waits for a decision counts for nothing,
# but its date says so.
UNPUBLISHED = """
WITH published AS (
    SELECT p.as_of, min(max(p.published_at)) OVER (ORDER BY p.as_of DESC) AS since
    FROM ops.publication p WHERE p.region = :region GROUP BY p.as_of
)
SELECT DISTINCT r.form, r.as_of FROM ops.reading r
LEFT JOIN ref.form f ON f.form = r.form
LEFT JOIN published p ON p.as_of = r.as_of
LEFT JOIN ops.reading n ON n.reading_id = r.superseded_by
WHERE r.region = :region AND r.as_of IS NOT NULL AND r.status <> 'unfinished'
  AND (r.verdict <> 'refused' OR p.as_of IS NOT NULL)
  AND greatest(r.became_current_at, r.held_at, r.decided_at,
               CASE WHEN r.status = 'reverted' OR n.delivery_id = r.delivery_id THEN r.superseded_at END) >
      CASE WHEN f.holds_before_first THEN (SELECT min(since) FROM published) ELSE coalesce(p.since, '-infinity') END
UNION
SELECT n.form, n.day
FROM (SELECT s.form, greatest(s.recorded_at, s.withdrawn_at) AS at,
          CASE f.expected WHEN 'month' THEN (s.as_of + interval '1 month')::date
              WHEN 'academic_year' THEN ref.local_date(s.stated_at, s.sender)
              ELSE coalesce(s.as_of, ref.local_date(s.stated_at, s.sender)) END AS day
      FROM ops.statement s JOIN ref.form f ON f.form = s.form
      WHERE s.region = :region) n
WHERE n.at > (SELECT min(p.since) FROM published p WHERE p.as_of >= n.day)
UNION
SELECT x.form, r.as_of
FROM (SELECT e.form, e.reading_id, greatest(e.said_at, CASE WHEN e.gone_at < 'infinity' THEN e.gone_at END,
          (SELECT max(o.decided_at) FROM ops.explanation_decision o WHERE o.explanation_id = e.explanation_id)) AS at
      FROM ops.explanation e WHERE e.region = :region) x
JOIN ops.reading r ON r.reading_id = x.reading_id
WHERE x.at > (SELECT min(p.since) FROM published p WHERE p.as_of >= r.as_of)
UNION
SELECT v.form, min(p.as_of) FROM ref.contract_version v
JOIN ops.publication p ON p.region = :region AND p.as_of >= v.judges_from
WHERE v.region = :region AND v.position > 1
  AND v.listed_at > (SELECT max(p.published_at) FROM ops.publication p WHERE p.region = :region)
GROUP BY v.form
"""


@dataclass(frozen=True)
class RecalledReading:
    """A reading as the warehouse has it, without its rows."""

    reading_id: int
    delivery_id: int
    form: str | None
    edition: str | None
    sender: str | None
    as_of: dt.date | None
    verdict: Verdict
    rows: Rows
    layout: Layout
    findings: tuple[Finding, ...]
    status: Status
    decision: str | None
    """Why an officer accepted or declined it; None without a decision."""


def recall_readings(connection: Connection, reading_ids: Collection[int]) -> dict[int, RecalledReading]:
    """Reading id → the reading, its findings in the order in which they were loaded, then those across forms."""
    asked = {"readings": list(reading_ids)}
    findings = recall_findings(connection, reading_ids)
    across = said_across(connection, reading_ids)
    return {
        row["reading_id"]: RecalledReading(
            reading_id=row["reading_id"],
            delivery_id=row["delivery_id"],
            form=row["form"],
            edition=row["edition"],
            sender=row["sender"],
            as_of=row["as_of"],
            verdict=row["verdict"],
            rows=Rows(row["rows_read"], row["rows_loaded"], row["rows_quarantined"], row["rows_not_data"]),
            layout=layout_from_json(row["layout"]),
            findings=(*findings.get(row["reading_id"], ()), *across.get(row["reading_id"], ())),
            status=row["status"],
            decision=row["decision_reason"],
        )
        for row in connection.execute(text(READINGS), asked).mappings()
    }


def recall_findings(
    connection: Connection,
    reading_ids: Collection[int],
    scope: Scope | None = None,
    rules: Collection[str] | None = None,
) -> dict[int, list[Finding]]:
    """Reading id → its findings in the order in which they were loaded, all or those of a scope or of some rules."""
    asked = {"readings": list(reading_ids), "scope": scope, "rules": None if rules is None else list(rules)}
    findings: dict[int, list[Finding]] = {}
    for reading_id, *finding in connection.execute(text(FINDINGS), asked):
        findings.setdefault(reading_id, []).append(Finding(*finding))
    return findings


def layout_from_json(layout: Mapping[str, Any]) -> Layout:
    """A layout from its JSON; readings of earlier versions have no suggestions and no places."""
    return Layout(
        layout.get("matched", {}),
        tuple(layout.get("missing", ())),
        tuple(layout.get("unknown", ())),
        tuple(Suggestion(**suggestion) for suggestion in layout.get("suggested", ())),
        layout.get("places", {}),
    )


def unpublished(connection: Connection, region: str) -> list[tuple[str | None, dt.date]]:
    """Form and date of readings of a region that came, or were replaced, after its last publication; a refused one only
    for a date that was published. With rules listed since, the form and the first published date that they judge."""
    return [(form, as_of) for form, as_of in connection.execute(text(UNPUBLISHED), {"region": region})]
