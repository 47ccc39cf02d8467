"""Whatever can be killed, stopped or cut off while a run works: each delivery is loaded once all the same.

A second service beside that of `test_proof`, so that what is found out by waiting is waited for at the same time.

Slow: a real service, and a run counts as crashed only after a minute of silence.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from post import Endpoint, Mailbox
from running import RunningService
from telling import INCIDENTS, SILENT, everything_is_there_once, inbox, loaded_once, send, telling_service

from flows.home.settings import Settings

pytestmark = [pytest.mark.in_order, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, region_files: Path, mails: Mailbox, hook: Endpoint
) -> Iterator[RunningService]:
    """It has the register and the exports; the districts come with the tests."""
    with telling_service(tmp_path_factory.mktemp("cut_off"), mails, hook) as made:
        send(made, region_files, "department", "regional_operator")
        inbox(made)
        yield made


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """A process that stands still, as if its machine hung."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_run_without_a_process_is_found_out(service: RunningService, hook: Endpoint) -> None:
    """It gives no sign of life, so Prefect's automation calls it crashed; the watchdog tells the engineer, once."""
    service.api.pause_pool(True)
    run_id = service.start("publish-69")
    service.api.call("POST", f"/flow_runs/{run_id}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    service.api.pause_pool(False)
    assert service.ended(run_id)["state"]["type"] == "CRASHED"
    service.until(lambda: hook.documents("/own"))
    assert service.query(INCIDENTS) == [("run_failed", "publish", "open")]
    assert service.ended(service.start("publish-69"))["state"]["type"] == "COMPLETED"
    service.until(lambda: service.query(INCIDENTS) == [("run_failed", "publish", "closed")])
    assert len(hook.documents("/own")) == 2


def test_the_worker_is_told_to_stop_in_the_middle(
    service: RunningService, region_files: Path, mails: Mailbox, hook: Endpoint
) -> None:
    """Its run would be «running» for ever and keep its slot; it is found out, told once, and the next run loads."""
    before = loaded_once(service)
    send(service, region_files, "asinovsky", "bakcharsky", "chainsky", "kedrovy")
    run_id = service.start("inbox")
    service.until(lambda: service.state(run_id) == "Running")
    killed = service.pid("worker")
    os.kill(killed, signal.SIGTERM)
    service.until(lambda: service.status()["children"]["worker"]["pid"] not in (killed, None))
    assert service.ended(run_id)["state"]["type"] == "CRASHED"
    inbox(service)
    assert loaded_once(service) == before + 4
    service.until(lambda: not service.api.runs(("SCHEDULED", "PENDING", "RUNNING")))
    told = hook.documents("/own")
    assert len(told) == len({str(each) for each in told}), "the engineer was told the same twice"


def test_the_worker_is_killed_in_the_middle(service: RunningService, region_files: Path) -> None:
    before = loaded_once(service)
    send(service, region_files, "kargasoksky", "kolpashevsky", "kozhevnikovsky", "krivosheinsky")
    run_id = service.start("inbox")
    service.until(lambda: service.state(run_id) == "Running")
    killed = service.pid("worker")
    os.kill(killed, signal.SIGKILL)
    service.until(lambda: service.status()["children"]["worker"]["pid"] not in (killed, None))
    service.ended(run_id)
    service.until(lambda: service.ended(service.start("inbox"))["state"]["type"] == "COMPLETED", seconds=240)
    assert loaded_once(service) == before + 4


@pytest.mark.parametrize(
    ("seconds", "senders"),
    [(20, ("molchanovsky", "parabelsky")), (SILENT + 10, ("pervomaysky", "seversk"))],
    ids=["for less than runs may be silent", "for longer"],
)
def test_prefect_is_away_for_a_while(
    service: RunningService, region_files: Path, seconds: int, senders: tuple[str, ...]
) -> None:
    """The data does not wait for Prefect: what it was told late, or not at all, is loaded all the same."""
    before = loaded_once(service)
    send(service, region_files, *senders)
    run_id = service.start("inbox")
    service.until(lambda: service.state(run_id) == "Running")
    with stopped(service.pid("Prefect server")):
        time.sleep(seconds)
    service.until(service.api.is_there)
    service.ended(run_id)
    inbox(service)
    assert loaded_once(service) == before + len(senders)


def postmaster(settings: Settings) -> int:
    return int((settings.pgdata / "postmaster.pid").read_text().split("\n", 1)[0])


def test_postgres_is_restarted_in_the_middle(service: RunningService, region_files: Path) -> None:
    before = loaded_once(service)
    send(service, region_files, "shegarsky", "strezhevoy", "teguldetsky")
    run_id = service.start("inbox")
    service.until(lambda: service.state(run_id) == "Running")
    os.kill(postmaster(service.settings), signal.SIGINT)
    service.until(service.api.is_there)
    service.ended(run_id)
    service.until(lambda: service.ended(service.start("inbox"))["state"]["type"] == "COMPLETED", seconds=300)
    assert loaded_once(service) == before + 3


def test_at_the_end_everything_is_there_once(
    service: RunningService, region_files: Path, mails: Mailbox, hook: Endpoint
) -> None:
    everything_is_there_once(service, region_files, mails, hook, said_again=0)
