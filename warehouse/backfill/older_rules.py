"""Which senders were judged by rules that others have replaced, and readings that a backfill found the same."""

from __future__ import annotations

import json

import polars as pl
from sqlalchemy import Connection, text

from contracts.forms import FORMS
from contracts.regions import regions
from contracts.versions.rule_versions import rules_of
from warehouse.core.frames import frame

MARKS = (
    "judged_by", "by_older_rules", "readiness_judged_by", "registration_judged_by", "rule_versions",
    "units_by_older_rules",
)  # fmt: skip
"""Columns of marts that say by which rules a figure was judged."""

CONFIRM = """
UPDATE ops.backfill_delivery o SET confirms = cast(:rules AS jsonb) -> b.region ->> r.form
FROM ops.reading r, ops.backfill b
WHERE o.backfill_id = :id AND o.outcome = 'same' AND r.reading_id = o.reading_before
  AND b.backfill_id = o.backfill_id AND b.register_known_at IS NULL
  AND (r.rules IS DISTINCT FROM cast(:rules AS jsonb) -> b.region ->> r.form OR EXISTS (
      SELECT FROM ops.backfill_delivery c WHERE c.reading_before = r.reading_id AND c.confirms IS NOT NULL))
"""
# First those readings whose rules are not the last ones: all others need not be asked.
BY_OLDER_RULES = """
WITH suspect AS MATERIALIZED (
    SELECT r.region, r.reading_id, r.form, r.sender,
        coalesce(r.as_of, (SELECT ref.region_date(r.region, ops.came_at(d)) FROM ops.delivery d
                           WHERE d.delivery_id = r.delivery_id)) AS as_of
    FROM (SELECT DISTINCT ON (v.region, v.form) v.region, v.form, v.position, v.fingerprints
          FROM ref.contract_version v ORDER BY v.region, v.form, v.position DESC) v
    JOIN ops.reading r ON r.region = v.region AND r.form = v.form AND r.status = 'current'
        AND (r.rules = ANY (v.fingerprints)) IS NOT TRUE
    WHERE (v.position > 1 OR r.rules IS NOT NULL)
      AND (r.verdict <> 'refused' OR NOT EXISTS (
          SELECT FROM ops.reading n JOIN ops.delivery m ON m.delivery_id = n.delivery_id
          WHERE n.form = r.form AND n.sender = r.sender AND n.status = 'current'
            AND (m.counts_at, m.delivery_id) > (SELECT d.counts_at, d.delivery_id FROM ops.delivery d
                                                WHERE d.delivery_id = r.delivery_id)))
),
older AS (
    SELECT s.*, j.judged_by
    FROM suspect s JOIN ops.judged(ARRAY(SELECT reading_id FROM suspect)) j ON j.reading_id = s.reading_id
    WHERE j.by_older_rules
),
unit AS (
    SELECT u.reporting_unit, u.position FROM ref.region g CROSS JOIN LATERAL ref.unit_at(g.region, CURRENT_DATE) u
)
SELECT o.region, o.form, f.title AS form_title, o.sender,
    coalesce(c.name, o.sender, 'Неизвестный отправитель') AS sender_name,
    min(o.as_of) AS from_as_of, max(o.as_of) AS to_as_of, count(*) AS readings,
    string_agg(DISTINCT o.judged_by, '; ' ORDER BY o.judged_by) AS judged_by,
    (SELECT v.version FROM ref.contract_version v
     WHERE v.region = o.region AND v.form = o.form AND v.judges_from <= max(o.as_of)
     ORDER BY v.position DESC LIMIT 1) AS judges
FROM older o
JOIN ref.form f ON f.form = o.form
LEFT JOIN ref.sender c ON c.sender = o.sender
LEFT JOIN unit u ON u.reporting_unit = o.sender
GROUP BY o.region, o.form, f.title, o.sender, c.name, u.position
ORDER BY o.region, f.title, u.position, c.name
"""


def keep_confirmed(connection: Connection, backfill_id: int) -> None:
    """Record which readings a plan found the same under rules other than theirs, by the register as it is known now."""
    rules = {region.code: {form.name: rules_of(form, region.code) for form in FORMS} for region in regions()}
    connection.execute(text(CONFIRM), {"id": backfill_id, "rules": json.dumps(rules)})


def by_older_rules(connection: Connection) -> pl.DataFrame:
    """region, form, form_title, sender, sender_name, from_as_of, to_as_of, readings, judged_by, judges: whose current
    documents were judged by other rules than those that now judge their dates."""
    return frame(connection, BY_OLDER_RULES, {})
