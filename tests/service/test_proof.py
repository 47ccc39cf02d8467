"""The whole of it, as it works by itself: a schedule, deliveries, letters; and whatever can be killed or cut off.

Everything is real: `profmin up`, its Postgres, Prefect's server and worker, a mail server, a webhook. The tests are the
days of one service, in their order. Each delivery is loaded once and each letter arrives once, whatever happened.

Slow: a real service lives through a night, and through what is only found out by waiting.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from post import Endpoint, Mailbox, endpoint, files_of, mailbox, text_of
from running import RunningService, running_service

from documents.demo import exports, tomsk
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.messages.delivering import Delivered, deliver

pytestmark = [pytest.mark.in_order, pytest.mark.timeout(900)]
SILENT = 60
"""Seconds of silence after which a run counts as crashed; a living one gives a sign each 30."""
OPERATOR = "operator@example.org"
ROUTING = """recipient,audience,sender,classes,level,channel,address,quiet_from,quiet_to,days,when
Оператор,sender,regional_operator,,1,email,{operator},,,,
Сотрудник мониторинга,officer,,,1,file,,,,,
Инженер,engineer,,,1,webhook,{url}/own,,,,
"""
# What only says again what is in force already has no reading of its own: the other delivery's answers for both.
ONCE = """
SELECT d.file_name, count(r.reading_id) FROM ops.delivery d
LEFT JOIN ops.reading r ON r.delivery_id = d.delivery_id AND r.status IN ('current', 'superseded')
GROUP BY d.delivery_id, d.file_name, d.same_as HAVING count(r.reading_id) <> (d.same_as IS NULL)::int
"""
SAID_AGAIN = """
SELECT d.file_name, e.file_name FROM ops.delivery d JOIN ops.delivery e ON e.delivery_id = d.same_as
"""
INCIDENTS = "SELECT condition, subject, state FROM ops.incident WHERE incident_class = 'own' ORDER BY incident_id"


@pytest.fixture(scope="module")
def mails() -> Iterator[Mailbox]:
    with mailbox() as made:
        yield made


@pytest.fixture(scope="module")
def hook() -> Iterator[Endpoint]:
    with endpoint() as made:
        yield made


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, mails: Mailbox, hook: Endpoint) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("proof")
    (folder / "home").mkdir()
    (folder / "home" / "routing.csv").write_text(ROUTING.format(operator=OPERATOR, url=hook.url), encoding="utf-8")
    environment = {
        "PROFMIN_SMTP_URL": mails.url,
        "PROFMIN_ALERT_URL": f"{hook.url}/alert",
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "10",
        "PROFMIN_SILENT_SECONDS": str(SILENT),
    }
    with running_service(folder, **environment) as made:
        yield made


TODAY = dt.datetime.now(ZoneInfo("Asia/Tomsk")).date()
"""Asked once: the proof may last beyond midnight, and its files are all of one day."""


def arrive(service: RunningService, sender: str, name: str, data: bytes) -> None:
    path = service.settings.inbox / sender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def plan(*, wrong: int, day: dt.date | None = None) -> bytes:
    """The plan of this year, one more a unit than in 2023; so many units have none, which is an error of their rows."""
    region = replace(tomsk(), as_of=day or TODAY)
    number = pl.int_range(pl.len())
    return exports.plan(
        replace(
            region,
            plan=region.plan.with_columns(
                plan_pupils=pl.when(number >= wrong).then(pl.col("plan_pupils") + 1).otherwise(0)
            ),
        )
    )


def send(service: RunningService, region_files: Path, *senders: str) -> None:
    """The September reports of some districts."""
    for sender in senders:
        shutil.copytree(region_files / sender, service.settings.inbox / sender, dirs_exist_ok=True)


def inbox(service: RunningService) -> dict[str, Any]:
    """One look at the inbox; fails when Prefect does not call it a success."""
    run = service.ended(service.start("inbox"))
    assert run["state"]["type"] == "COMPLETED", run["state"]
    return run


def to_operator(mails: Mailbox) -> list[Any]:
    return [mail for mail in mails.mails if mail["To"] and OPERATOR in mail["To"]]


def loaded_once(service: RunningService) -> int:
    """How many deliveries there are; fails when one was not loaded, or more than once, or what is said again was."""
    assert service.query(ONCE) == []
    return int(service.query("SELECT count(*) FROM ops.delivery")[0][0])


def identities(mails: Mailbox) -> list[str]:
    return [mail["Message-ID"] for mail in mails.mails]


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """A process that stands still, as if its machine hung."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_scheduled_night(service: RunningService, region_files: Path, mails: Mailbox, hook: Endpoint) -> None:
    """Deliveries lie there, the schedule comes; in the morning the marts are fresh and the sender has its receipt."""
    send(service, region_files, "department", "regional_operator")
    region = replace(tomsk(), as_of=TODAY)
    arrive(service, "department", f"Реестр школ {exports.september(region)}.xlsx", exports.register(region))
    arrive(service, "regional_operator", f"План регистрации {TODAY}.xlsx", plan(wrong=1))
    nightly = service.deployment("nightly-69")
    at = f"/deployments/{nightly['id']}/schedules"
    (made,) = service.api.call(
        "POST", at, [{"active": True, "schedule": {"cron": "* * * * *", "timezone": "Asia/Tomsk"}}]
    )
    service.wake("nightly-69")
    try:
        run = service.until(
            lambda: next(
                (each for each in service.api.runs(("COMPLETED",)) if each["deployment_id"] == nightly["id"]), None
            ),
            seconds=240,
        )
    finally:
        service.api.call("DELETE", f"{at}/{made['id']}")
        service.rest()
    assert run["auto_scheduled"]
    scheduled = dt.datetime.fromisoformat(run["expected_start_time"])
    business_date = scheduled.astimezone(ZoneInfo("Asia/Tomsk")).date()
    assert service.query("SELECT DISTINCT as_of FROM ops.run WHERE kind = 'nightly'") == [(business_date,)]
    assert service.profmin("freshness").returncode == 0
    assert service.query("SELECT DISTINCT as_of FROM mart.registration_by_municipality WHERE as_of = '2023-09-08'")
    loaded_once(service)
    (mail,) = to_operator(mails)
    (name,) = files_of(mail)
    assert name.startswith("План регистрации") and name.endswith("квитанция.xlsx")
    assert "План регистрации" in text_of(mail)
    assert service.query(INCIDENTS) == [] and hook.documents("/own") == []


def test_the_same_again_says_nothing_and_the_mended_one_closes(service: RunningService, mails: Mailbox) -> None:
    opened = """
        SELECT count(*) FROM ops.incident
        WHERE sender = 'regional_operator' AND form = 'registration_plan' AND state = 'open'
    """
    assert service.query(opened) == [(1,)]
    arrive(service, "regional_operator", f"План регистрации {TODAY} ещё раз.xlsx", plan(wrong=1))
    inbox(service)
    assert len(to_operator(mails)) == 1
    said_again = [(f"План регистрации {TODAY} ещё раз.xlsx", f"План регистрации {TODAY}.xlsx")]
    assert service.query(SAID_AGAIN) == said_again
    loaded_once(service)
    arrive(service, "regional_operator", f"План регистрации {TODAY} исправлено.xlsx", plan(wrong=0))
    inbox(service)
    assert service.query(opened) == [(0,)]
    assert len(to_operator(mails)) == 2
    assert inbox(service)["state"]["name"] == "Nothing new"
    assert service.query(SAID_AGAIN) == said_again
    assert len(to_operator(mails)) == 2
    assert len(set(identities(mails))) == len(mails.mails)


@pytest.mark.parametrize("name", ["publish-69", "remind-69", "purge"])
def test_what_else_runs_by_itself(service: RunningService, name: str) -> None:
    run = service.ended(service.start(name))
    assert run["state"]["type"] == "COMPLETED", run["state"]


def test_nobody_works_and_the_server_itself_says_so(service: RunningService, hook: Endpoint) -> None:
    """A run that does not start is late; that is told without a worker, once, and is over when there is one again."""
    service.api.pause_pool(True)
    try:
        run_id = service.start("purge")
        name = service.api.call("GET", f"/flow_runs/{run_id}")["name"]

        def told() -> list[str]:
            """What was said of this run: on a busy machine another may have been late as well."""
            return [text for text in map(str, hook.documents("/alert")) if name in text]

        service.until(told)
    finally:
        service.api.pause_pool(False)
    assert service.ended(run_id)["state"]["type"] == "COMPLETED"
    service.until(lambda: not service.api.runs(("SCHEDULED", "PENDING", "RUNNING")))
    (text,) = told()
    assert "is late" in text


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


def test_the_mail_server_is_down_for_an_hour(service: RunningService, mails: Mailbox) -> None:
    """Nothing else waits for it, and afterwards each letter arrives once. The hour passes by saying so."""
    taken = len(to_operator(mails))
    mails.stop()
    arrive(service, "regional_operator", f"План регистрации {TODAY} новый.xlsx", plan(wrong=2))
    inbox(service)
    told = "SELECT outcome, attempts FROM ops.message WHERE channel = 'email' AND outcome <> 'sent'"
    assert service.query(told) == [("waiting", 1)]
    now = dt.datetime.now(dt.UTC)
    settings = Settings(home=service.settings.home, smtp_url=mails.url)  # type: ignore[arg-type]
    with warehouse(settings) as engine:
        for minutes in range(10, 61, 10):
            assert deliver(engine, settings, now + dt.timedelta(minutes=minutes)).sent == 0
        with mailbox(mails.port) as back:
            sent = [deliver(engine, settings, now + dt.timedelta(minutes=minutes)) for minutes in (75, 130, 190, 250)]
            assert sum(each.sent for each in sent) == 1 and sent[-1] == Delivered()
            assert len(to_operator(back)) == 1
    assert len(to_operator(mails)) == taken
    assert service.query(told) == []


def test_a_backfill_waits_and_is_applied_on_resume(service: RunningService) -> None:
    run_id = service.start(
        "backfill", reason="Проверка пересчёта осенью", requested_by="Инженер", from_as_of="2023-09-08",
        to_as_of="2023-09-08", forms=["readiness_report"],
    )  # fmt: skip
    service.until(lambda: service.state(run_id) == "Suspended")
    artifacts = service.api.call("POST", "/artifacts/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
    assert [each["key"] for each in artifacts if each["flow_run_id"] == run_id] == ["backfill"]
    answer = {"run_input": {"who": "Начальник отдела", "yes": True}}
    # A run is called suspended some milliseconds before it has said which answer it waits for.
    service.until(lambda: service.api.call("POST", f"/flow_runs/{run_id}/resume", answer)["status"] == "ACCEPT")
    assert service.ended(run_id)["state"]["name"] == "Applied"


def test_at_the_end_everything_is_there_once(
    service: RunningService, region_files: Path, mails: Mailbox, hook: Endpoint
) -> None:
    """The last districts come; the region is that of September 2023, and nobody heard anything twice."""
    rest = {path.name for path in region_files.iterdir()} - {path.name for path in service.settings.inbox.iterdir()}
    send(service, region_files, *rest)
    inbox(service)
    loaded_once(service)
    assert len(service.query(SAID_AGAIN)) == 1, "no delivery that was cut off is taken for one of the same bytes"
    assert service.query(
        "SELECT accepted, rejected, missing FROM mart.readiness_region WHERE as_of = '2023-09-08'"
    ) == [(244, 18, 23)]
    assert service.profmin("doctor").returncode == 0
    assert (
        service.query("SELECT recipient, count(*) FROM ops.message GROUP BY recipient, dedup_key HAVING count(*) > 1")
        == []
    )
    assert len(set(identities(mails))) == len(mails.mails)
    heard = [str(each) for each in hook.documents("/own")]
    assert len(set(heard)) == len(heard)
