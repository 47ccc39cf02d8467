"""From an incident to those who are told of it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION
from post import files_of, mailbox, text_of
from pydantic import SecretStr

from contracts.regions.route import COLUMNS, Route
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.messages.after_run import tell_of_incidents
from flows.messages.composing import compose
from flows.messages.delivering import Delivered
from flows.runs.ingest import ingest
from warehouse.incidents.observe import IncidentEvent

ZONE = ZoneInfo("Asia/Tomsk")
NOW = dt.datetime(2023, 9, 8, 9, 0, tzinfo=ZONE)
HOUR = dt.timedelta(hours=1)
EVENT = IncidentEvent(
    event_id=1, incident_id=1, kind="opened", condition="failed_validation", incident_class="data", region="69",
    audiences=("sender", "officer"), form="readiness_report", form_title="Отчёт о готовности", sender="asinovsky",
    sender_name="Асиновский муниципальный район", subject="values", at=NOW, opened_at=NOW, level=1,
    details={"verdict": "partial", "rules": {"RDY-007": 2}, "places": 2}, deliveries=(7,),
)  # fmt: skip
OWN = replace(
    EVENT, event_id=9, incident_id=9, condition="run_failed", incident_class="own", audiences=("engineer",), form=None,
    sender=None, sender_name=None, subject="nightly", deliveries=(),
    details={"run_id": 12, "flow_run_id": "0a-1b", "as_of": "2023-09-08", "message": "the disk is full"},
)  # fmt: skip


def contact(recipient: str, audience: str, level: int = 1, **more: Any) -> Route:
    return Route(recipient, audience, None, ("data", "lateness", "own"), level, "email", f"{level}@example.org", **more)  # type: ignore[arg-type]


ROUTES = (
    contact("Асино", "sender"), contact("Асино, руководитель", "sender", 2), contact("Специалист", "officer"),
    contact("Duty", "engineer"),
)  # fmt: skip


def composed(*events: IncidentEvent, told: Any = None, routes: tuple[Route, ...] = ROUTES) -> dict[str, Any]:
    made = compose(events, routes, NOW, Settings(), told or {}, lambda _: True)
    assert len({each.dedup_key for each in made}) == len(made)
    return {each.recipient: each for each in made}


def test_what_one_delivery_did_is_one_message() -> None:
    three = [
        replace(EVENT, event_id=n, incident_id=n, subject=name) for n, name in enumerate(("values", "sums", "norms"), 1)
    ]
    made = composed(*three, OWN)
    assert set(made) == {"Асино", "Специалист", "Duty"}
    assert made["Асино"].incident_ids == (1, 2, 3) and [each.delivery_id for each in made["Асино"].attachments] == [7]
    assert made["Асино"].subject.startswith("Асиновский муниципальный район: ")
    assert made["Асино"].subject.endswith("и ещё: 2")
    assert "на письмо можно ответить" in made["Асино"].body
    assert made["Асино"].dedup_key != made["Специалист"].dedup_key
    again = composed(*three)
    assert again["Асино"].dedup_key == made["Асино"].dedup_key
    assert composed(*three[:2])["Асино"].dedup_key != made["Асино"].dedup_key


def test_engineers_read_english_with_the_run_and_what_to_type() -> None:
    duty = composed(OWN)["Duty"]
    assert duty.message_class == "own" and duty.sender is None and duty.attachments == ()
    for said in ("http://127.0.0.1:4200/runs/flow-run/0a-1b", "profmin logs 12", "profmin incidents show 9"):
        assert said in duty.body
    assert not any("а" <= letter.lower() <= "я" for letter in duty.subject + duty.body)


@pytest.mark.parametrize(
    ("kind", "level", "names"),
    [
        ("opened", 1, {"Асино", "Специалист"}),
        ("changed", 2, {"Асино", "Асино, руководитель", "Специалист"}),
        ("escalated", 2, {"Асино, руководитель"}),
        ("escalated", 3, {"Асино, руководитель"}),
    ],
)
def test_an_escalation_goes_to_the_next_contact(kind: Any, level: int, names: set[str]) -> None:
    assert set(composed(replace(EVENT, kind=kind, level=level))) == names


def test_the_end_is_for_those_who_heard_of_the_beginning() -> None:
    over = replace(EVENT, kind="closed", level=2, deliveries=())
    made = composed(over, told={1: {("Асино, руководитель", "email"), ("Уволился", "email")}})
    assert set(made) == {"Асино, руководитель"}
    assert made["Асино, руководитель"].about["closes"] == [1] and not made["Асино, руководитель"].attachments


def test_nobody_in_the_routing_is_no_message() -> None:
    assert composed(EVENT, routes=(contact("Duty", "engineer"),)) == {}


def test_a_digest_waits_for_its_hour() -> None:
    made = composed(EVENT, routes=(contact("Специалист", "officer", digest=dt.time(8, 30)),))
    assert made["Специалист"].is_digest
    assert made["Специалист"].not_before == dt.datetime(2023, 9, 9, 8, 30, tzinfo=ZONE)


def lay(settings: Settings, path: Path, name: str, at: dt.datetime) -> None:
    target = settings.inbox / path.parent.name / name
    target.parent.mkdir(exist_ok=True)
    shutil.copy2(path, target)
    os.utime(target, (at.timestamp(), at.timestamp()))


def mended(receipt: Path, original: Path) -> Path:
    """A report without the school that was not accepted."""
    book = openpyxl.load_workbook(original)
    sheet = book.worksheets[0]
    marked = openpyxl.load_workbook(receipt)
    bad = {
        cell.row
        for row in marked[sheet.title].iter_rows()
        for cell in row
        if cell.comment and "НЕ ПРИНЯТА" in cell.comment.text
    }
    for number in sorted(bad, reverse=True):
        sheet.delete_rows(number)
    path = receipt.parent / original.name
    book.save(path)
    return path


def test_a_bad_delivery_is_one_mail_and_its_mending_another(
    engine: sa.Engine, settings: Settings, region_files: Path
) -> None:
    files = picked(region_files, "department/Реестр", "tomsky_district")
    original = files["tomsky_district"]
    for path in files.values():
        lay(settings, path, path.name, NOW - HOUR)
    line = "Томский район,sender,tomsky_district,data,1,email,district@example.org,,,,"
    (settings.home / "routing.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n", encoding="utf-8")
    with mailbox() as box:
        settings.smtp_url = SecretStr(box.url)
        ingest([settings.inbox], Options(), settings)
        assert tell_of_incidents(engine, settings, REGION, NOW) == Delivered(sent=1)
        for turn in range(1, 4):
            ingest([settings.inbox], Options(), settings)
            assert tell_of_incidents(engine, settings, REGION, NOW + turn * HOUR) == Delivered()
        (mail,) = box.mails
        (name, data), *more = files_of(mail).items()
        receipt = next((settings.outbox / "tomsky_district").iterdir())
        assert (name, data, more) == (receipt.name, receipt.read_bytes(), [])
        assert "Часть строк не принята" in mail["Subject"]
        lay(settings, original, "исправлено " + original.name, NOW)
        better = mended(receipt, original)
        shutil.copy2(better, settings.inbox / "tomsky_district" / ("исправлено " + original.name))
        outcome = next(each for each in ingest([settings.inbox], Options(), settings) if each.file.startswith("исправ"))
        assert outcome.rows.quarantined == 0
        assert tell_of_incidents(engine, settings, REGION, NOW + 5 * HOUR).sent == 1
        end = box.mails[-1]
        assert len(box.mails) == 2 and "строк не принята" in text_of(end) and not files_of(end)
        assert tell_of_incidents(engine, settings, REGION, NOW + 6 * HOUR) == Delivered()
        print(end["Subject"], text_of(end), sep="\n")


def test_a_wrong_routing_notices_nothing(engine: sa.Engine, settings: Settings, region_files: Path) -> None:
    """What could not be told is noticed later, when it can."""
    files = picked(region_files, "department/Реестр", "tomsky_district")
    ingest(list(files.values()), Options(), settings)
    (settings.home / "routing.csv").write_text("nonsense\n")
    with pytest.raises(UsageError):
        tell_of_incidents(engine, settings, REGION, NOW)
    (settings.home / "routing.csv").unlink()
    assert tell_of_incidents(engine, settings, REGION, NOW).sent >= 2
    assert list((settings.home / "messages" / "tomsky_district").iterdir())


def test_an_incident_that_cannot_be_told_in_its_words_is_told_barely_and_holds_up_no_other() -> None:
    odd = replace(EVENT, event_id=2, incident_id=2, sender="kedrovy", sender_name="Кедровый", details={})
    made = compose([EVENT, odd], ROUTES, NOW, Settings(), {}, lambda _: True)
    assert len({each.dedup_key for each in made}) == len(made) >= 4
    bare = [each for each in made if each.sender == "kedrovy"]
    whole = [each for each in made if each.sender == "asinovsky"]
    assert bare and all(each.subject == "Файл или строки не приняты (№ 2)" for each in bare)
    assert whole and not any("№ 1" in each.subject for each in whole)
