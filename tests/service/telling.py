"""A service that writes letters and calls a webhook, and what its stories do with it and ask of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from post import Endpoint, Mailbox
from running import RunningService, running_service

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


@contextmanager
def telling_service(folder: Path, mails: Mailbox, hook: Endpoint) -> Iterator[RunningService]:
    """A service that tells whom it concerns, and is quick to call a run late or crashed."""
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


def arrive(service: RunningService, sender: str, name: str, data: bytes) -> None:
    path = service.settings.inbox / sender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def send(service: RunningService, region_files: Path, *senders: str) -> None:
    """The September reports of some districts."""
    for sender in senders:
        shutil.copytree(region_files / sender, service.settings.inbox / sender, dirs_exist_ok=True)


def inbox(service: RunningService) -> dict[str, Any]:
    """One look at the inbox; fails when Prefect does not call it a success."""
    run = service.ended(service.start("inbox"))
    assert run["state"]["type"] == "COMPLETED", run["state"]
    return run


def loaded_once(service: RunningService) -> int:
    """How many deliveries there are; fails when one was not loaded, or more than once, or what is said again was."""
    assert service.query(ONCE) == []
    return int(service.query("SELECT count(*) FROM ops.delivery")[0][0])


def identities(mails: Mailbox) -> list[str]:
    return [mail["Message-ID"] for mail in mails.mails]


def everything_is_there_once(
    service: RunningService, region_files: Path, mails: Mailbox, hook: Endpoint, said_again: int
) -> None:
    """The last districts come; the region is that of September 2023, and nobody heard anything twice.

    So many deliveries said again what was in force.
    """
    rest = {path.name for path in region_files.iterdir()} - {path.name for path in service.settings.inbox.iterdir()}
    send(service, region_files, *rest)
    inbox(service)
    loaded_once(service)
    assert len(service.query(SAID_AGAIN)) == said_again, (
        "no delivery that was cut off is taken for one of the same bytes"
    )
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
