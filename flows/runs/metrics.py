"""Metrics for Prometheus out of the warehouse: a file for the node exporter's textfile collector, or a port."""

from __future__ import annotations

import datetime as dt
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from contracts.regions import regions
from contracts.versions.rule_versions import contract_version
from flows.home.bi_database import replica_of
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import replace, sweep
from flows.runs.status import has_database
from warehouse.server.replica import Replica
from warehouse.watch.gauges import Metric as Measure
from warehouse.watch.gauges import Sample, measured
from warehouse.watch.standing import only_reading

if TYPE_CHECKING:
    from sqlalchemy import Engine

UP = "profmin_warehouse_up"
REPLICA_UP, REPLICA_LAG = "profmin_bi_replica_up", "profmin_bi_replica_lag_seconds"
REPLICA_MISSING = "profmin_bi_replica_lag_bytes"
LOOPBACK = "127.0.0.1"


class _WarehouseCollector(Collector):
    """Asks the warehouse anew whenever it is collected; with no moment given, as things stand then."""

    def __init__(self, engine: Engine, settings: Settings, now: dt.datetime | None = None) -> None:
        self.engine = engine
        self.settings = settings
        self.now = now

    def collect(self) -> Iterator[Metric]:
        metrics = guarded("asking the warehouse for metrics", self._asked)
        is_up = not isinstance(metrics, Fault)
        yield GaugeMetricFamily(UP, "Whether the warehouse answered.", value=float(is_up))
        if not isinstance(metrics, Fault):
            yield from metrics
        replica = guarded("asking the replica for BI", partial(replica_of, self.settings))
        if isinstance(replica, Replica):
            yield GaugeMetricFamily(REPLICA_UP, "Whether the replica for BI follows.", value=float(replica.is_fit))
            if replica.seconds is not None:
                yield GaugeMetricFamily(REPLICA_LAG, "By how many seconds it is behind at most.", value=replica.seconds)
            if replica.missing is not None:
                says = "Bytes of the log of the warehouse that it has not applied."
                yield GaugeMetricFamily(REPLICA_MISSING, says, value=replica.missing)

    def _asked(self) -> list[Metric]:
        snapshot = self.engine.connect().execution_options(isolation_level="REPEATABLE READ")
        with snapshot as connection, connection.begin():
            only_reading(connection)
            now = self.now or dt.datetime.now(dt.UTC)
            measures = measured(connection, [contract_version(region.code) for region in regions()], now)
            return [_family(measure, samples) for measure, samples in measures]


def _family(measure: Measure, samples: list[Sample]) -> Metric:
    """A metric in the client library's words."""
    if measure.kind == "summary":
        summary = SummaryMetricFamily(measure.name, measure.says, labels=measure.labels)
        for sample in samples:
            summary.add_metric(sample.labels, count_value=int(sample.figures[0]), sum_value=sample.figures[1])
        return summary
    kind = CounterMetricFamily if measure.kind == "counter" else GaugeMetricFamily
    metric = kind(measure.name, measure.says, labels=measure.labels)
    for sample in samples:
        metric.add_metric(sample.labels, sample.figures[0])
    return metric


def metrics_text(engine: Engine, settings: Settings, now: dt.datetime) -> bytes:
    """All metrics in Prometheus' text format, out of one snapshot."""
    return generate_latest(_registry(_WarehouseCollector(engine, settings, now)))


def write_metrics(engine: Engine, settings: Settings, now: dt.datetime) -> Path:
    """Write the metrics file as a whole, in place of the one before; returns it. Raises OSError."""
    path = settings.metrics_file or settings.home / "metrics.prom"
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    replace(path, metrics_text(engine, settings, now))
    if settings.metrics_file is not None:
        path.chmod(0o644)  # it lies where a collector of another account reads it; it names nobody
    return path


def print_metrics(settings: Settings) -> None:
    """Write the metrics to standard output. Raises UsageError when there is no warehouse."""
    _must_have_database(settings)
    with warehouse(settings) as engine:
        sys.stdout.write(metrics_text(engine, settings, dt.datetime.now(dt.UTC)).decode())


def serve_metrics(settings: Settings, port: int) -> None:
    """Answer Prometheus on a port of loopback until interrupted. Raises UsageError."""
    _must_have_database(settings)
    with warehouse(settings) as engine:
        try:
            server, _ = start_http_server(port, LOOPBACK, _registry(_WarehouseCollector(engine, settings)))
        except OSError as error:
            raise UsageError(f"port {port} of {LOOPBACK} cannot be had: {error.strerror}") from None
        sys.stderr.write(f"profmin: metrics at http://{LOOPBACK}:{port}/metrics until you press Ctrl-C\n")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            server.shutdown()


def _must_have_database(settings: Settings) -> None:
    if not has_database(settings):
        raise UsageError("there is no warehouse yet: `profmin demo` or `profmin run nightly` makes one")


def _registry(collector: _WarehouseCollector) -> CollectorRegistry:
    """A registry of ours alone, without what the client library tells of the process."""
    registered = CollectorRegistry(auto_describe=False)
    registered.register(collector)
    return registered
