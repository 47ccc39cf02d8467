"""The whole of it, as it works by itself: a schedule, deliveries, letters; a mail server that is down, a backfill.

Everything is real: `profmin up`, its Postgres, Prefect's server and worker, a mail server, a webhook. The tests are the
days of one service, in their order. Each delivery is loaded once and each letter arrives once, whatever happened.

Slow: a real service lives through a night, and through what is only found out by waiting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from post import Endpoint, Mailbox, files_of, mailbox, text_of
from running import RunningService
from telling import (
    INCIDENTS,
    OPERATOR,
    SAID_AGAIN,
    arrive,
    everything_is_there_once,
    identities,
    inbox,
    loaded_once,
    send,
    telling_service,
)

from documents.demo import exports, tomsk
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.messages.delivering import Delivered, deliver

pytestmark = [pytest.mark.in_order, pytest.mark.timeout(900)]
TODAY = dt.datetime.now(ZoneInfo("Asia/Tomsk")).date()
"""Asked once: the proof may last beyond midnight, and its files are all of one day."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, mails: Mailbox, hook: Endpoint) -> Iterator[RunningService]:
    with telling_service(tmp_path_factory.mktemp("proof"), mails, hook) as made:
        yield made


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


def to_operator(mails: Mailbox) -> list[Any]:
    return [mail for mail in mails.mails if mail["To"] and OPERATOR in mail["To"]]


def test_a_scheduled_night(service: RunningService, region_files: Path, mails: Mailbox, hook: Endpoint) -> None:
    """Deliveries lie there, the schedule comes; in the morning the marts are fresh and the sender has its receipt."""
    send(service, region_files, "department", "regional_operator", "asinovsky")
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
    everything_is_there_once(service, region_files, mails, hook, said_again=1)
