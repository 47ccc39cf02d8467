"""`profmin up` to `profmin down`, with the real server, worker and database; in the order of one life.

Slow: a real service is started twice, and Prefect takes its time for each run.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from running import RunningService

from flows.service.control import ask_service

pytestmark = pytest.mark.in_order
SEVEN = {"nightly-69", "inbox", "publish-69", "backfill", "remind-69", "watchdog", "purge"}


def things(service: RunningService) -> dict[str, Any]:
    """What a second `up` must not touch: when each was made and last changed."""
    automations = service.api.call("POST", "/automations/filter", {"limit": 200})
    return {
        "deployments": {each["name"]: (each["id"], each["updated"]) for each in service.api.deployments()},
        "automations": sorted((each["name"], each["id"], each["updated"]) for each in automations),
        "scheduled": sorted(run["id"] for run in service.api.runs(("SCHEDULED",))),
    }


def test_a_cron_is_scheduled_in_local_time(service: RunningService) -> None:
    """With SQLAlchemy 2.1 a healthy server never schedules a run, and says nothing."""
    service.wake("nightly-69")
    runs = service.until(lambda: service.api.runs(("SCHEDULED",)))
    found = {dt.datetime.fromisoformat(run["expected_start_time"]).astimezone(dt.UTC).time() for run in runs}
    assert found == {dt.time(19, 30)}
    local = dt.datetime.fromisoformat(runs[0]["expected_start_time"]).astimezone(ZoneInfo("Asia/Tomsk"))
    assert (local.hour, local.minute) == (2, 30)


def test_up_again_changes_nothing(service: RunningService) -> None:
    before = things(service)
    assert set(before["deployments"]) == SEVEN
    assert len(before["automations"]) == 4 + 1
    again = service.up(at_rest=False)
    assert "already runs" in again.stderr and "deployments: 7 unchanged" in again.stderr
    assert "automations: 5 unchanged" in again.stderr
    assert things(service) == before
    service.rest()


def test_automations_are_those_of_the_file(service: RunningService) -> None:
    """One that was changed is set right; a copy, and one of ours that is gone from the file, are deleted."""
    late, *_ = (
        each
        for each in service.api.call("POST", "/automations/filter", {"limit": 200})
        if each["name"] == "profmin: a run is late"
    )
    body = {name: value for name, value in late.items() if name not in ("id", "created", "updated")}
    for changed in ({}, {"name": "profmin: of before"}, {"name": "somebody else's"}):
        service.api.call("POST", "/automations/", body | changed)
    service.api.call("PUT", f"/automations/{late['id']}", body | {"description": "another"})
    service.environment["PROFMIN_ALERT_URL"] = "http://127.0.0.1:9/alert"
    try:
        told = service.profmin("deploy")
        assert told.returncode == 0, told.stderr
        assert "automations: 2 changed, 2 deleted, 3 unchanged" in told.stderr
        found = {each["name"]: each for each in service.api.call("POST", "/automations/filter", {"limit": 200})}
        assert len(found) == 6
        actions = [action["type"] for action in found["profmin: a run is late"]["actions"]]
        assert actions == ["run-deployment", "send-notification"]
        assert "automations: 5 unchanged" in service.profmin("deploy").stderr
    finally:
        del service.environment["PROFMIN_ALERT_URL"]
    assert "automations: 2 changed, 3 unchanged" in service.profmin("deploy").stderr


def test_no_trigger_names_the_watchdog(service: RunningService) -> None:
    """Else a failing watchdog would start itself for ever; only its zombies are cleared away."""
    for each in service.api.call("POST", "/automations/filter", {"limit": 200}):
        starts = any(action["type"] == "run-deployment" for action in each["actions"])
        assert not (starts and "watchdog" in str(each["trigger"]["match_related"]))


def test_the_inbox_takes_in_what_came(service: RunningService, put: Callable[..., None]) -> None:
    put(service, "department", "asinovsky")
    assert service.ended(service.start("inbox"))["state"]["type"] == "COMPLETED"
    assert service.query("SELECT DISTINCT sender FROM ops.reading WHERE status = 'current' ORDER BY sender") == [
        ("asinovsky",), ("department",),
    ]  # fmt: skip
    assert service.query("SELECT kind, finished_at IS NOT NULL FROM ops.run") == [("inbox", True)]
    shown = service.profmin("mart", "readiness_region", "--as-of", "2023-09-08", "--format", "csv")
    assert shown.returncode == 0 and len(shown.stdout.splitlines()) == 2
    receipts = list(service.settings.outbox.rglob("*.квитанция.xlsx"))

    assert service.ended(service.start("inbox"))["state"]["name"] == "Nothing new"
    assert service.query("SELECT count(*) FROM ops.run") == [(1,)]
    assert list(service.settings.outbox.rglob("*.квитанция.xlsx")) == receipts


def test_a_command_beside_the_service_uses_its_prefect(service: RunningService) -> None:
    ran = service.profmin("run", "nightly", "--as-of", "2023-09-08")
    assert ran.returncode == 0, ran.stderr
    (flow_run_id,) = service.query("SELECT flow_run_id FROM ops.run WHERE kind = 'nightly'")[0]
    assert service.state(flow_run_id) == "Completed"


def test_a_run_that_failed_early_is_told_of(service: RunningService) -> None:
    """It never reached the warehouse: the automation starts the watchdog, which writes it down; a dead one as well."""
    (flow_run_id,) = service.query("SELECT flow_run_id FROM ops.run WHERE kind = 'inbox'")[0]
    service.execute(f"UPDATE ops.run SET state = 'running', finished_at = NULL WHERE flow_run_id = '{flow_run_id}'")
    failed = service.ended(service.start("nightly-69", home="/dev/null/nowhere"))
    assert failed["state"]["type"] == "FAILED"
    recorded = (
        f"SELECT kind, state FROM ops.run WHERE flow_run_id IN ('{failed['id']}', '{flow_run_id}') ORDER BY run_id"
    )
    service.until(lambda: service.query(recorded) == [("inbox", "crashed"), ("nightly", "failed")])
    opened = "SELECT subject FROM ops.incident WHERE condition = 'run_failed' AND state = 'open'"
    service.until(lambda: ("nightly",) in service.query(opened))


def test_a_killed_server_is_started_again(service: RunningService) -> None:
    killed = service.pid("Prefect server")
    os.kill(killed, signal.SIGKILL)
    service.until(lambda: service.status()["children"]["Prefect server"]["restarts"] == 1)
    service.until(service.api.is_there)
    assert service.pid("Prefect server") != killed
    assert {each["name"] for each in service.api.deployments()} == SEVEN
    service.until(lambda: service.status()["problem"] is None)


def test_down_lets_runs_end_and_leaves_nothing(service: RunningService, put: Callable[..., None]) -> None:
    put(service, "kedrovy")
    run_id = service.start("inbox")
    service.until(lambda: service.state(run_id) in ("Pending", "Running"))
    stopped = service.profmin("down")
    assert stopped.returncode == 0, stopped.stderr
    assert "waiting for" in stopped.stderr and "is stopped" in stopped.stderr
    assert service.is_gone()
    assert ask_service(service.settings.home, "status") is None
    assert service.profmin("up", "--status").returncode == 1
    assert service.query("SELECT kind, state FROM ops.run ORDER BY run_id DESC LIMIT 1") == [("inbox", "completed")]


def test_what_does_not_end_in_time_is_marked(service: RunningService, put: Callable[..., None]) -> None:
    """The pool that was paused works again, and no slot stays taken by a run that was stopped."""
    service.up()
    put(service, "parabelsky")
    run_id = service.start("nightly-69", as_of="2023-09-08")
    service.until(lambda: service.state(run_id) == "Running")
    stopped = service.profmin("down", "--timeout", 0)
    assert stopped.returncode == 1
    assert "marked as crashed" in stopped.stderr
    with_prefect = "SELECT state_type::text FROM flow_run WHERE id = '" + run_id + "'"
    told = service.profmin("db", "psql", "-At", "-c", "\\c prefect", "-c", with_prefect)
    assert told.stdout.splitlines()[-1:] == ["CRASHED"], told.stderr
    assert service.is_gone()
