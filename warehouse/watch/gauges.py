"""What the warehouse counts for Prometheus: one SELECT a metric, its label columns first and its figures last.

A counter counts what is recorded once and never taken back, so it only grows; how things stand is a gauge. Moments are
Unix times, not ages: whoever asks knows when; that of a date is its midnight by its region's clock. Labels take few
values: never a sender, a file or a date. `region` is empty where something is of no one region; how things stand is
said of the regions in force.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from warehouse.deliveries.received import WAITING
from warehouse.marts.definitions import marts

# What a delivery was found to be at first: reading it again changes neither what came nor how often.
FIRST = """
SELECT DISTINCT ON (r.delivery_id) coalesce(r.region, '') AS region, coalesce(r.form, 'unknown') AS form, r.verdict,
    r.rows_loaded, r.rows_quarantined, r.rows_not_data
FROM ops.reading r
WHERE r.backfill_id IS NULL AND r.status <> 'unfinished'
ORDER BY r.delivery_id, r.reading_id
"""
RUNS = """
SELECT coalesce(r.region, '') AS region, r.kind, r.state, r.started_at, r.finished_at, r.run_id
FROM ops.run r LEFT JOIN ref.region g ON g.region = r.region
WHERE coalesce(g.is_listed, true)
"""
FINISHED = f"""
SELECT DISTINCT ON (u.region, u.kind) u.* FROM ({RUNS}) u WHERE u.finished_at IS NOT NULL
ORDER BY u.region, u.kind, u.run_id DESC
"""
PUBLISHED = """
SELECT DISTINCT ON (p.region) p.region, p.as_of, p.published_at, g.time_zone
FROM ops.publication p JOIN ref.region g ON g.region = p.region AND g.is_listed
ORDER BY p.region, p.as_of DESC, p.published_at DESC
"""


@dataclass(frozen=True)
class Metric:
    """A metric and the SELECT of its samples; a summary has two figures, how many and their sum."""

    name: str
    kind: Literal["counter", "gauge", "summary"]
    says: str
    labels: tuple[str, ...]
    select: str


@dataclass(frozen=True)
class Sample:
    """Values of a metric's labels and its figures, in the order of its SELECT."""

    labels: tuple[str, ...]
    figures: tuple[float, ...]


METRICS = (
    Metric("profmin_collected_timestamp_seconds", "gauge", "When these metrics were asked for.", (),
           "SELECT extract(epoch FROM cast(:now AS timestamptz))"),
    Metric("profmin_deliveries", "counter", "Deliveries read, by the verdict that they first had.",
           ("region", "form", "verdict"),
           f"SELECT region, form, verdict, count(*) FROM ({FIRST}) f GROUP BY region, form, verdict"),
    Metric("profmin_rows", "counter", "Rows of these deliveries, by what became of them.",
           ("region", "form", "outcome"),
           f"""SELECT f.region, f.form, o.outcome, sum(o.n) FROM ({FIRST}) f
               CROSS JOIN LATERAL (VALUES ('loaded', f.rows_loaded), ('quarantined', f.rows_quarantined),
                                          ('not_data', f.rows_not_data)) AS o (outcome, n)
               GROUP BY f.region, f.form, o.outcome"""),
    Metric("profmin_findings", "gauge", "Findings in the documents that hold for a region's last published date.",
           ("region", "rule", "severity"),
           f"""SELECT f.region, f.rule, f.severity, sum(f.failures)
               FROM mart.rule_failures f JOIN ({PUBLISHED}) p ON p.region = f.region AND p.as_of = f.as_of
               GROUP BY f.region, f.rule, f.severity"""),
    Metric("profmin_deliveries_waiting", "gauge", "Deliveries that the next run will read.", (),
           f"SELECT count(*) FROM ({WAITING}) w"),
    Metric("profmin_delivery_waiting_oldest_timestamp_seconds", "gauge", "When the oldest of them was received.", (),
           f"""SELECT extract(epoch FROM min(ops.came_at(d))) FROM ops.delivery d
               WHERE d.delivery_id IN ({WAITING}) HAVING count(*) > 0"""),
    Metric("profmin_run_duration_seconds", "summary", "Finished runs, and how long they took.",
           ("region", "kind", "state"),
           """SELECT coalesce(region, ''), kind, state, count(*), sum(extract(epoch FROM finished_at - started_at))
              FROM ops.run WHERE finished_at IS NOT NULL GROUP BY coalesce(region, ''), kind, state"""),
    Metric("profmin_last_run_timestamp_seconds", "gauge", "When the last run of a kind ended in a state.",
           ("region", "kind", "state"),
           f"""SELECT region, kind, state, extract(epoch FROM max(finished_at))
               FROM ({RUNS}) u WHERE finished_at IS NOT NULL GROUP BY region, kind, state"""),
    Metric("profmin_last_run_duration_seconds", "gauge", "How long the last finished run of a kind took.",
           ("region", "kind"),
           f"SELECT region, kind, extract(epoch FROM finished_at - started_at) FROM ({FINISHED}) f"),
    Metric("profmin_last_run_failed", "gauge", "Whether the last finished run of a kind failed.",
           ("region", "kind"),
           f"SELECT region, kind, (state NOT LIKE 'completed%')::integer FROM ({FINISHED}) f"),
    Metric("profmin_run_unfinished_since_timestamp_seconds", "gauge",
           "When a run began that has not ended and is the last of its kind: it works, or was killed.",
           ("region", "kind"),
           f"""SELECT region, kind, extract(epoch FROM started_at)
               FROM (SELECT DISTINCT ON (u.region, u.kind) u.* FROM ({RUNS}) u
                     ORDER BY u.region, u.kind, u.run_id DESC) l
               WHERE finished_at IS NULL"""),
    Metric("profmin_mart_as_of_timestamp_seconds", "gauge", "The last date that a mart was published for.",
           ("region", "mart"),
           f"""SELECT p.region, m, extract(epoch FROM p.as_of::timestamp AT TIME ZONE p.time_zone)
               FROM unnest(cast(:marts AS text[])) m, ({PUBLISHED}) p"""),
    Metric("profmin_mart_published_timestamp_seconds", "gauge", "When a mart was last published for that date.",
           ("region", "mart"),
           f"""SELECT p.region, m, extract(epoch FROM p.published_at)
               FROM unnest(cast(:marts AS text[])) m, ({PUBLISHED}) p"""),
    Metric("profmin_export_as_of_timestamp_seconds", "gauge", "The day of the last export of a form.",
           ("region", "form"),
           """SELECT r.region, r.form, extract(epoch FROM max(r.as_of)::timestamp AT TIME ZONE g.time_zone)
              FROM ops.reading r JOIN ref.form f ON f.form = r.form AND f.expected = 'day'
              JOIN ref.region g ON g.region = r.region AND g.is_listed
              WHERE r.status = 'current' AND r.slice IS NOT NULL GROUP BY r.region, g.time_zone, r.form"""),
    Metric("profmin_incidents_open", "gauge", "Open incidents; of conditions that were ever met.",
           ("region", "class", "condition"),
           """SELECT coalesce(region, ''), incident_class, condition, count(*) FILTER (WHERE state = 'open')
              FROM ops.incident GROUP BY coalesce(region, ''), incident_class, condition"""),
    Metric("profmin_incidents", "counter", "Incidents that were ever opened.",
           ("region", "class", "condition"),
           """SELECT coalesce(region, ''), incident_class, condition, count(*)
              FROM ops.incident GROUP BY coalesce(region, ''), incident_class, condition"""),
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
    connection: Connection, contract_versions: Collection[str], now: dt.datetime
) -> Iterator[tuple[Metric, list[Sample]]]:
    """Every metric with its samples, in a stable order; the versions are those of the regions in force."""
    parameters = {
        "versions": list(contract_versions),
        "now": now,
        "marts": [mart.name for mart in marts()],
    }
    for metric in METRICS:
        samples: list[Sample] = []
        statement = text(metric.select)
        used = {name: parameters[name] for name in statement.compile().params}
        for row in connection.execute(statement, used).tuples():
            labels, figures = row[: len(metric.labels)], row[len(metric.labels) :]
            samples.append(Sample(tuple(map(str, labels)), tuple(map(float, figures))))
        yield metric, sorted(samples, key=lambda sample: sample.labels)
