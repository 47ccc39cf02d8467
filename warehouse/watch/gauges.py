"""What the warehouse counts for Prometheus: one SELECT a metric, its label columns first and its figures last.

A counter counts what is recorded once and never taken back, so it only grows; how things stand is a gauge. Moments are
Unix times, not ages: whoever asks knows when; that of a date is its midnight. Labels take few values: never a sender, a
file or a date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from warehouse.deliveries.received import WAITING
from warehouse.marts.definitions import marts

# What a delivery was found to be at first: reading it again changes neither what came nor how often.
FIRST = """
SELECT DISTINCT ON (r.delivery_id) coalesce(r.form, 'unknown') AS form, r.verdict,
    r.rows_loaded, r.rows_quarantined, r.rows_not_data
FROM ops.reading r
WHERE r.backfill_id IS NULL AND r.status <> 'unfinished'
ORDER BY r.delivery_id, r.reading_id
"""
FINISHED = "SELECT DISTINCT ON (kind) * FROM ops.run WHERE finished_at IS NOT NULL ORDER BY kind, run_id DESC"
PUBLISHED = """
SELECT p.as_of, max(p.published_at) AS published_at FROM ops.publication p
WHERE p.as_of = (SELECT max(as_of) FROM ops.publication) GROUP BY p.as_of
"""


@dataclass(frozen=True)
class Metric:
    """A metric and the SELECT of its samples; a summary has two figures, how many and their sum.

    It has no samples while the relation that it `needs` does not exist.
    """

    name: str
    kind: Literal["counter", "gauge", "summary"]
    says: str
    labels: tuple[str, ...]
    select: str
    needs: str | None = None


@dataclass(frozen=True)
class Sample:
    """Values of a metric's labels and its figures, in the order of its SELECT."""

    labels: tuple[str, ...]
    figures: tuple[float, ...]


METRICS = (
    Metric("profmin_collected_timestamp_seconds", "gauge", "When these metrics were asked for.", (),
           "SELECT extract(epoch FROM cast(:now AS timestamptz))"),
    Metric("profmin_deliveries", "counter", "Deliveries read, by the verdict that they first had.", ("form", "verdict"),
           f"SELECT form, verdict, count(*) FROM ({FIRST}) f GROUP BY form, verdict"),
    Metric("profmin_rows", "counter", "Rows of these deliveries, by what became of them.", ("form", "outcome"),
           f"""SELECT f.form, o.outcome, sum(o.n) FROM ({FIRST}) f
               CROSS JOIN LATERAL (VALUES ('loaded', f.rows_loaded), ('quarantined', f.rows_quarantined),
                                          ('not_data', f.rows_not_data)) AS o (outcome, n)
               GROUP BY f.form, o.outcome"""),
    Metric("profmin_findings", "gauge", "Findings in the documents that hold for the last published date.",
           ("rule", "severity"),
           """SELECT f.rule, f.severity, sum(f.failures) FROM mart.rule_failures f
              WHERE f.as_of = (SELECT max(as_of) FROM ops.publication) GROUP BY f.rule, f.severity""",
           needs="mart.rule_failures"),
    Metric("profmin_deliveries_waiting", "gauge", "Deliveries that the next run will read.", (),
           f"SELECT count(*) FROM ({WAITING}) w"),
    Metric("profmin_delivery_waiting_oldest_timestamp_seconds", "gauge", "When the oldest of them was received.", (),
           f"""SELECT extract(epoch FROM min(ops.came_at(d))) FROM ops.delivery d
               WHERE d.delivery_id IN ({WAITING}) HAVING count(*) > 0"""),
    Metric("profmin_run_duration_seconds", "summary", "Finished runs, and how long they took.", ("kind", "state"),
           """SELECT kind, state, count(*), sum(extract(epoch FROM finished_at - started_at))
              FROM ops.run WHERE finished_at IS NOT NULL GROUP BY kind, state"""),
    Metric("profmin_last_run_timestamp_seconds", "gauge", "When the last run of a kind ended in a state.",
           ("kind", "state"),
           """SELECT kind, state, extract(epoch FROM max(finished_at))
              FROM ops.run WHERE finished_at IS NOT NULL GROUP BY kind, state"""),
    Metric("profmin_last_run_duration_seconds", "gauge", "How long the last finished run of a kind took.", ("kind",),
           f"SELECT kind, extract(epoch FROM finished_at - started_at) FROM ({FINISHED}) f"),
    Metric("profmin_last_run_failed", "gauge", "Whether the last finished run of a kind failed.", ("kind",),
           f"SELECT kind, (state NOT LIKE 'completed%')::integer FROM ({FINISHED}) f"),
    Metric("profmin_run_unfinished_since_timestamp_seconds", "gauge",
           "When a run began that has not ended and is the last of its kind: it works, or was killed.", ("kind",),
           """SELECT kind, extract(epoch FROM started_at)
              FROM (SELECT DISTINCT ON (kind) * FROM ops.run ORDER BY kind, run_id DESC) u
              WHERE finished_at IS NULL"""),
    Metric("profmin_mart_as_of_timestamp_seconds", "gauge", "The last date that a mart was published for.",
           ("mart",),
           f"""SELECT m, extract(epoch FROM p.as_of::timestamp AT TIME ZONE :timezone)
               FROM unnest(cast(:marts AS text[])) m, ({PUBLISHED}) p"""),
    Metric("profmin_mart_published_timestamp_seconds", "gauge", "When a mart was last published for that date.",
           ("mart",),
           f"""SELECT m, extract(epoch FROM p.published_at)
               FROM unnest(cast(:marts AS text[])) m, ({PUBLISHED}) p"""),
    Metric("profmin_export_as_of_timestamp_seconds", "gauge", "The day of the last export of a form.",
           ("form",),
           """SELECT r.form, extract(epoch FROM max(r.as_of)::timestamp AT TIME ZONE :timezone)
              FROM ops.reading r JOIN ref.form f ON f.form = r.form AND f.expected = 'day'
              WHERE r.status = 'current' AND r.slice IS NOT NULL GROUP BY r.form"""),
    Metric("profmin_incidents_open", "gauge", "Open incidents; of conditions that were ever met.",
           ("class", "condition"),
           """SELECT incident_class, condition, count(*) FILTER (WHERE state = 'open')
              FROM ops.incident GROUP BY incident_class, condition"""),
    Metric("profmin_incidents", "counter", "Incidents that were ever opened.", ("class", "condition"),
           "SELECT incident_class, condition, count(*) FROM ops.incident GROUP BY incident_class, condition"),
    Metric("profmin_messages", "gauge", "Messages, by what has become of them.", ("class", "channel", "outcome"),
           """SELECT c.message_class, c.channel, o.outcome, count(m.message_id)
              FROM (SELECT DISTINCT message_class, channel FROM ops.message) c
              CROSS JOIN unnest(ARRAY['waiting', 'sending', 'sent', 'failed', 'cancelled']) AS o (outcome)
              LEFT JOIN ops.message m ON m.message_class = c.message_class AND m.channel = c.channel
                  AND m.outcome = o.outcome
              GROUP BY c.message_class, c.channel, o.outcome"""),
    Metric("profmin_messages_retried", "gauge", "Messages that were tried, and wait to be tried again.", ("channel",),
           """SELECT channel, count(*) FILTER (WHERE outcome IN ('waiting', 'sending') AND attempts > 0)
              FROM ops.message GROUP BY channel"""),
)  # fmt: skip


def measured(
    connection: Connection, contract_version: str, timezone: str, now: dt.datetime
) -> Iterator[tuple[Metric, list[Sample]]]:
    """Every metric with its samples, in a stable order."""
    parameters = {
        "version": contract_version,
        "timezone": timezone,
        "now": now,
        "marts": [mart.name for mart in marts()],
    }
    for metric in METRICS:
        samples: list[Sample] = []
        if metric.needs is None or connection.scalar(text("SELECT to_regclass(:name)"), {"name": metric.needs}):
            statement = text(metric.select)
            used = {name: parameters[name] for name in statement.compile().params}
            for row in connection.execute(statement, used).tuples():
                labels, figures = row[: len(metric.labels)], row[len(metric.labels) :]
                samples.append(Sample(tuple(map(str, labels)), tuple(map(float, figures))))
        yield metric, sorted(samples, key=lambda sample: sample.labels)
