"""Metrics: what Prometheus reads equals what the warehouse holds, and rules ask only for what we export."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
import yaml
from prometheus_client.parser import text_string_to_metric_families

from contracts.regions import read_from
from flows.home.settings import Settings
from flows.runs.metrics import metrics_text, write_metrics
from warehouse.deliveries.arrivals import record_arrival
from warehouse.deliveries.received import finish_run, start_run
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import upgrade
from warehouse.watch.gauges import METRICS

if TYPE_CHECKING:
    from conftest import Run

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
RULES = Path(__file__).parents[2] / "deployments" / "prometheus_rules.yaml"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def one(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def total(found: Samples, name: str, **labels: str) -> float:
    wanted = frozenset(labels.items())
    return sum(value for (each, has), value in found.items() if each == name and wanted <= has)


def asked(engine: sa.Engine, settings: Settings) -> Samples:
    return samples(metrics_text(engine, settings, NOW).decode())


def scalar(engine: sa.Engine, statement: str) -> float:
    with engine.connect() as connection:
        return float(connection.execute(sa.text(statement)).scalar_one())


def test_of_an_empty_warehouse(settings: Settings, engine: sa.Engine) -> None:
    found = asked(engine, settings)
    assert one(found, "profmin_warehouse_up") == 1
    assert one(found, "profmin_collected_timestamp_seconds") == NOW.timestamp()
    assert one(found, "profmin_deliveries_waiting") == 0
    assert not any(name.startswith("profmin_mart") for name, _ in found)


def test_they_equal_the_warehouse(region: Settings, region_engine: sa.Engine) -> None:
    found = asked(region_engine, region)
    assert total(found, "profmin_deliveries_total") == scalar(region_engine, "SELECT count(*) FROM ops.delivery") == 26
    assert one(found, "profmin_deliveries_total", region="69", form="readiness_report", verdict="partial") == 9
    for outcome in ("loaded", "quarantined", "not_data"):
        assert total(found, "profmin_rows_total", outcome=outcome) == scalar(
            region_engine, f"SELECT sum(rows_{outcome}) FROM ops.reading"
        )
    for severity in ("error", "warning", "note"):
        assert total(found, "profmin_findings", severity=severity) == scalar(
            region_engine, f"SELECT count(*) FROM ops.finding WHERE severity = '{severity}'"
        )
    state = {"region": "69", "kind": "ingest", "state": "completed with findings"}
    assert one(found, "profmin_run_duration_seconds_count", **state) == 1
    took = scalar(region_engine, "SELECT extract(epoch FROM finished_at - started_at) FROM ops.run")
    assert one(found, "profmin_run_duration_seconds_sum", **state) == pytest.approx(took)
    assert one(found, "profmin_last_run_failed", region="69", kind="ingest") == 0
    at = scalar(region_engine, "SELECT extract(epoch FROM max(published_at)) FROM ops.publication")
    of_school = {"region": "69", "mart": "readiness_by_school"}
    assert one(found, "profmin_mart_published_timestamp_seconds", **of_school) == pytest.approx(at)
    midnight = dt.datetime(2023, 9, 7, 17, tzinfo=dt.UTC).timestamp()  # of 8 September in Tomsk
    assert one(found, "profmin_mart_as_of_timestamp_seconds", region="69", mart="control_totals") == midnight
    assert one(found, "profmin_export_as_of_timestamp_seconds", region="69", form="registration_export") == midnight


def test_runs_that_fail_hang_and_recover(settings: Settings, engine: sa.Engine) -> None:
    def run(kind: str, state: str | None) -> None:
        with engine.begin() as connection:
            number = start_run(connection, kind, region="69")
        if state:
            with engine.begin() as connection:
                finish_run(connection, number, state)

    run("nightly", "completed")
    run("nightly", None)
    run("nightly", "failed")
    found = asked(engine, settings)
    assert one(found, "profmin_last_run_failed", region="69", kind="nightly") == 1
    assert not any(name == "profmin_run_unfinished_since_timestamp_seconds" for name, _ in found)
    run("nightly", "completed with findings")
    run("inbox", None)
    found = asked(engine, settings)
    assert one(found, "profmin_last_run_failed", region="69", kind="nightly") == 0
    since = scalar(engine, "SELECT extract(epoch FROM max(started_at)) FROM ops.run")
    unfinished = one(found, "profmin_run_unfinished_since_timestamp_seconds", region="69", kind="inbox")
    assert unfinished == pytest.approx(since)


def test_incidents_messages_and_what_waits(settings: Settings, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        record_arrival(connection, "a" * 64, "x.xlsx", 1, NOW, "aa/x")
        connection.execute(
            sa.text(
                "INSERT INTO ops.incident (condition, name, incident_class, subject, state, closed_at, opened_at,"
                " changed_at, seen_at, fingerprint)"
                " SELECT 'run_failed', 'имя', 'own', n::text, CASE n WHEN 1 THEN 'open' ELSE 'closed' END,"
                " CASE WHEN n > 1 THEN cast(:at AS timestamptz) END, :at, :at, :at, '' FROM generate_series(1, 3) n"
            ),
            {"at": NOW},
        )
        connection.execute(
            sa.text(
                "INSERT INTO ops.message (dedup_key, recipient, channel, message_class, kind, subject, body, text_hash,"
                " created_at, not_before, attempts)"
                " VALUES ('k', 'r', 'email', 'own', 'incident', '', '', '', :at, :at, 2)"
            ),
            {"at": NOW},
        )
    found = asked(engine, settings)
    assert one(found, "profmin_deliveries_waiting") == 1
    assert one(found, "profmin_delivery_waiting_oldest_timestamp_seconds") == NOW.timestamp()
    labels = {"region": "", "class": "own", "condition": "run_failed"}
    assert (one(found, "profmin_incidents_open", **labels), one(found, "profmin_incidents_total", **labels)) == (1, 3)
    message = {"class": "own", "channel": "email"}
    assert one(found, "profmin_messages", **message, outcome="waiting") == 1
    assert one(found, "profmin_messages", **message, outcome="failed") == 0
    assert one(found, "profmin_messages_retried", channel="email") == 1


def test_the_file_is_written_whole(settings: Settings, engine: sa.Engine, tmp_path: Path) -> None:
    made = Settings(home=settings.home, metrics_file=tmp_path / "textfiles" / "profmin.prom")
    path = write_metrics(engine, made, NOW)
    first = path.stat().st_ino
    assert samples(path.read_text())["profmin_warehouse_up", frozenset()] == 1
    write_metrics(engine, made, NOW)
    assert path.stat().st_ino != first  # replaced, not written over
    assert [each.name for each in path.parent.iterdir()] == ["profmin.prom"]
    assert write_metrics(engine, settings, NOW) == settings.home / "metrics.prom"


def test_a_warehouse_that_is_away_is_told(settings: Settings) -> None:
    away = sa.create_engine("postgresql+psycopg2://nobody@/nothing?host=/nonexistent")
    assert samples(metrics_text(away, settings, NOW).decode()) == {("profmin_warehouse_up", frozenset()): 0}


def test_the_command_prints_and_serves(settings: Settings, profmin: Run) -> None:
    done = profmin("metrics", settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert samples(done.stdout)["profmin_warehouse_up", frozenset()] == 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        done = profmin("metrics", "--serve", port, settings=settings)
        assert done.returncode == 2 and f"port {port} of 127.0.0.1 cannot be had" in done.stderr
    assert settings.database_url is not None
    server = subprocess.Popen(
        [sys.executable, "-m", "flows.cli.app", "metrics", "--serve", str(port)],
        env={"PROFMIN_HOME": str(settings.home), "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value()},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        assert f"http://127.0.0.1:{port}/metrics" in server.stderr.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=300) as answer:
            assert samples(answer.read().decode())["profmin_warehouse_up", frozenset()] == 1
    finally:
        server.terminate()
        server.wait(300)


def test_of_two_regions_each_has_its_own(settings: Settings, engine: sa.Engine, two_regions: Path) -> None:
    """Nights, days and figures are of a region; midnight is by its clock; what is of none has an empty label."""
    upgrade(engine)
    with engine.begin() as connection:
        for code, state in (("39", "failed"), ("69", "completed"), (None, "completed")):
            number = start_run(connection, "watchdog" if code is None else "nightly", region=code)
            finish_run(connection, number, state)
    for code in ("39", "69"):
        publish(engine, code, [dt.date(2023, 9, 8)])
    found = asked(engine, settings)
    failed = {code: one(found, "profmin_last_run_failed", region=code, kind="nightly") for code in ("39", "69")}
    assert failed == {"39": 1, "69": 0} and one(found, "profmin_last_run_failed", region="", kind="watchdog") == 0
    of_mart = "profmin_mart_as_of_timestamp_seconds"
    midnights = {code: one(found, of_mart, region=code, mart="readiness_by_school") for code in ("39", "69")}
    assert midnights == {
        "39": dt.datetime(2023, 9, 7, 22, tzinfo=dt.UTC).timestamp(),
        "69": dt.datetime(2023, 9, 7, 17, tzinfo=dt.UTC).timestamp(),
    }
    shutil.rmtree(two_regions / "39-amber")
    read_from(None)
    read_from(two_regions)
    upgrade(engine)
    found = asked(engine, settings)
    of_runs = {dict(labels)["region"] for name, labels in found if name in (of_mart, "profmin_last_run_failed")}
    assert of_runs == {"69", ""}
    assert total(found, "profmin_run_duration_seconds_count", region="39") == 1, "a counter does not go back"


def test_without_a_warehouse_it_makes_none(profmin: Run, tmp_path: Path) -> None:
    done = profmin("metrics", PROFMIN_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stdout) == (2, "") and "there is no warehouse yet" in done.stderr
    assert not (tmp_path / "home").exists()


def test_rules_ask_only_for_what_we_export() -> None:
    suffixes = {"counter": ("_total",), "gauge": ("",), "summary": ("_count", "_sum")}
    exported = {metric.name + suffix: metric for metric in METRICS for suffix in suffixes[metric.kind]}
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    asked_for = {name for rule in rules for name in re.findall(r"\bprofmin_\w+", rule["expr"])}
    assert asked_for - exported.keys() == {"profmin_warehouse_up", "profmin_bi_replica_up"}
    for rule in rules:
        for name, labels in re.findall(r"\b(profmin_\w+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)\s*=", labels)) <= set(exported[name].labels), rule["alert"]
        assert rule["annotations"]["command"].startswith("profmin ")
    about = " ".join(rule["expr"] for rule in rules)
    for name in ("published", "last_run", "incidents_open", "waiting", "messages"):
        assert name in about, name


def test_labels_take_few_values() -> None:
    """Series are bounded by what the code and the packs know: no sender, school, file, date or run may be a label."""
    known = {"form", "verdict", "outcome", "rule", "severity", "kind", "state", "mart", "class", "condition", "channel"}
    known |= {"region"}
    assert {label for metric in METRICS for label in metric.labels} <= known
