"""Messages on their way: sent when their channel is there, each once, however long it was down."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from post import endpoint, free_port, mailbox, text_of
from pydantic import SecretStr

from contracts.regions.route import COLUMNS
from flows.home.settings import Settings
from flows.messages.delivering import MOST_ATTEMPTS, Delivered, deliver
from warehouse.incidents.messages import Attachment, Message, cancel_what_is_over, enqueue, hearers_of

Run = Callable[..., "subprocess.CompletedProcess[str]"]
START = dt.datetime(2023, 9, 8, 9, 0, tzinfo=ZoneInfo("Asia/Tomsk"))
MINUTE = dt.timedelta(minutes=1)
MAIL, HOOK, FILE = ("Асино", "email"), ("Дежурный", "webhook"), ("Архив", "file")


def routing(settings: Settings, *lines: str) -> None:
    (settings.home / "routing.csv").write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")


def a(to: tuple[str, str], key: str, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "dedup_key": key, "recipient": to[0], "channel": to[1], "message_class": "data", "kind": "statement",
        "subject": f"Тема {key}", "body": f"Текст {key}\n", "not_before": START,
    }  # fmt: skip
    return Message(**values | changes)


def write(engine: sa.Engine, messages: Sequence[Message], now: dt.datetime = START) -> int:
    with engine.begin() as connection:
        return enqueue(connection, messages, now)


def kept(engine: sa.Engine, column: str = "outcome") -> dict[str, Any]:
    with engine.connect() as connection:
        found = connection.execute(sa.text(f"SELECT dedup_key, {column} FROM ops.message ORDER BY message_id"))
        return dict(found.tuples().all())


def incident(engine: sa.Engine, subject: str) -> int:
    statement = """
    INSERT INTO ops.incident (condition, name, incident_class, form, sender, subject, opened_at, changed_at, seen_at,
        fingerprint)
    VALUES ('failed_validation', 'x', 'data', 'readiness_report', 'asinovsky', :subject, :now, :now, :now, 'x')
    RETURNING incident_id
    """
    with engine.begin() as connection:
        return int(connection.scalar(sa.text(statement), {"subject": subject, "now": START}) or 0)


def close(engine: sa.Engine, incident_id: int, state: str = "closed") -> None:
    statement = """
    UPDATE ops.incident SET state = :state, closed_at = CASE WHEN :state = 'closed' THEN opened_at END
    WHERE incident_id = :incident
    """
    with engine.begin() as connection:
        connection.execute(sa.text(statement), {"state": state, "incident": incident_id})


def of(to: tuple[str, str], key: str, opens: Sequence[int] = (), closes: Sequence[int] = (), **more: Any) -> Message:
    about = {"opens": list(opens), "closes": list(closes), "audience": "sender"}
    return a(to, key, kind="incident", incident_ids=(*opens, *closes), about=about, **more)


@pytest.fixture
def routed(settings: Settings) -> Settings:
    """A sender by mail, an engineer by a webhook that nobody hears, an archive of files."""
    routing(
        settings,
        "Асино,sender,asinovsky,data;lateness,1,email,asino@example.org,,,,",
        "Чаинск,sender,chainsky,data;lateness,1,email,chainsk@example.org,,,,",
        f"Дежурный,engineer,,own,1,webhook,http://127.0.0.1:{free_port()}/hook,,,,",
        "Архив,officer,,data,1,file,archive,,,,",
    )
    return settings


def test_the_same_key_is_one_message(engine: sa.Engine) -> None:
    assert write(engine, [a(FILE, "1"), a(FILE, "2"), a(FILE, "1")]) == 2
    assert write(engine, [a(FILE, "1", body="другой")]) == 0
    assert kept(engine, "body")["1"] == "Текст 1\n"
    hashes = kept(engine, "text_hash")
    assert len(hashes["1"]) == 64 and hashes["1"] != hashes["2"]


def test_an_hour_without_a_mail_server(engine: sa.Engine, routed: Settings) -> None:
    port = free_port()
    routed.smtp_url = SecretStr(f"smtp://127.0.0.1:{port}?from=monitoring@example.org")
    write(engine, [a(MAIL, "m1"), a(MAIL, "m2"), a(("Чаинск", "email"), "m3"), a(FILE, "f1")])
    assert deliver(engine, routed, START) == Delivered(sent=1, waiting=3)
    assert kept(engine) == {"m1": "waiting", "m2": "waiting", "m3": "waiting", "f1": "sent"}
    assert "refused" in kept(engine, "error")["m3"]
    for turn in range(1, 7):
        if turn == 3:
            write(engine, [a(MAIL, "m4"), a(FILE, "f2")], START + turn * 10 * MINUTE)
        deliver(engine, routed, START + turn * 10 * MINUTE)
    assert kept(engine)["f2"] == "sent" and kept(engine)["m4"] == "waiting"
    with mailbox(port) as box:
        for turn in range(7, 20):
            deliver(engine, routed, START + turn * 10 * MINUTE)
        assert sorted(str(mail["Subject"]) for mail in box.mails) == ["Тема m1", "Тема m2", "Тема m3", "Тема m4"]
        assert sorted(box.to) == ["asino@example.org"] * 3 + ["chainsk@example.org"]
    assert set(kept(engine).values()) == {"sent"}
    assert all(error is None for error in kept(engine, "error").values())


def test_the_pauses_grow_and_end(engine: sa.Engine, routed: Settings) -> None:
    write(engine, [a(HOOK, "h1"), a(HOOK, "h2")])
    now, tries = START, []
    while "waiting" in kept(engine).values():
        assert len(tries) <= MOST_ATTEMPTS
        deliver(engine, routed, now)
        tries.append(now)
        now = kept(engine, "not_before")["h1"]
        assert deliver(engine, routed, now - MINUTE / 2) == Delivered()
    pauses = [later - sooner for sooner, later in pairwise(tries)]
    assert pauses[:4] == [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE] and pauses[-1] == 240 * MINUTE
    assert dt.timedelta(days=2) < tries[-1] - START < dt.timedelta(days=4)
    assert kept(engine) == {"h1": "failed", "h2": "failed"}
    assert f"given up after {MOST_ATTEMPTS} attempts: " in kept(engine, "error")["h2"]
    assert deliver(engine, routed, now + dt.timedelta(days=9)) == Delivered()


def test_an_address_that_is_down_is_asked_once_a_pass(engine: sa.Engine, routed: Settings) -> None:
    with endpoint() as web, mailbox() as box:
        routing(
            routed, "Асино,sender,asinovsky,,1,email,asino@example.org,,,,", "Архив,officer,,data,1,file,archive,,,,",
            f"Дежурный,engineer,,own,1,webhook,{web.url}/bad,,,,", f"Второй,engineer,,own,1,webhook,{web.url}/good,,,,",
        )  # fmt: skip
        web.answer = {"/bad": 503}
        box.refuse = {"asino@example.org": "550 no such user"}
        routed.smtp_url = SecretStr(box.url)
        write(engine, [a(HOOK, "h1"), a(HOOK, "h2"), a(("Второй", "webhook"), "h3"), a(MAIL, "m1"), a(MAIL, "m2")])
        assert deliver(engine, routed, START) == Delivered(sent=1, waiting=2, failed=2)
        assert [path for path, _, _ in web.requests] == ["/bad", "/good"]
        assert kept(engine)["m1"] == "failed" and kept(engine, "error")["m1"] == "SMTP 550: no such user"
        web.answer = {}
        deliver(engine, routed, START + 2 * MINUTE)
        assert [each["title"] for each in web.documents("/bad")[1:]] == ["Тема h2", "Тема h1"]


def test_a_message_that_is_not_taken_lets_the_others_through(engine: sa.Engine, routed: Settings) -> None:
    with mailbox() as box:
        routed.smtp_url = SecretStr(box.url)
        box.data = "451 odd content"
        write(engine, [a(MAIL, "m1")])
        deliver(engine, routed, START)
        box.data = None
        write(engine, [a(MAIL, "m2")])
        deliver(engine, routed, START)
        assert [str(mail["Subject"]) for mail in box.mails] == ["Тема m2"]
    assert kept(engine) == {"m1": "waiting", "m2": "sent"}


def test_who_is_no_longer_in_the_routing(engine: sa.Engine, routed: Settings) -> None:
    write(engine, [a(("Уволился", "email"), "m1")])
    assert deliver(engine, routed, START) == Delivered(failed=1)
    assert "Уволился" in kept(engine, "error")["m1"]


def test_digests_of_a_recipient_are_one_letter(engine: sa.Engine, routed: Settings) -> None:
    morning = START + dt.timedelta(hours=1)
    with mailbox() as box:
        routed.smtp_url = SecretStr(box.url)
        write(engine, [a(MAIL, f"d{n}", is_digest=True, not_before=morning) for n in range(3)])
        write(engine, [a(("Чаинск", "email"), "d4", is_digest=True, not_before=morning), a(MAIL, "now")])
        assert deliver(engine, routed, START) == Delivered(sent=1)
        assert deliver(engine, routed, morning) == Delivered(sent=4)
        subjects = [str(mail["Subject"]) for mail in box.mails]
        digest = text_of(box.mails[1])
    assert subjects == ["Тема now", "Сводка: сообщений — 3", "Тема d4"]
    assert [f"Текст d{n}" in digest for n in range(4)] == [True, True, True, False]
    sent_as = kept(engine, "sent_as")
    assert len({sent_as[f"d{n}"] for n in range(3)}) == 1 and len(set(sent_as.values())) == 3


def test_what_failed_is_not_tried_in_quiet_hours(engine: sa.Engine, routed: Settings) -> None:
    routing(routed, "Архив,officer,,data,1,file,archive,,18:00,08:00,working")
    evening = START.replace(hour=17, minute=59)
    (routed.home / "messages").write_text("in the way")
    write(engine, [a(FILE, "f1", not_before=evening)])
    assert deliver(engine, routed, evening) == Delivered(waiting=1)
    monday = dt.datetime(2023, 9, 11, 8, 0, tzinfo=START.tzinfo)
    assert kept(engine, "not_before")["f1"] == monday
    (routed.home / "messages").unlink()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE ops.message SET not_before = :now"), {"now": evening})
    assert deliver(engine, routed, evening + 3 * MINUTE) == Delivered(waiting=1)
    assert deliver(engine, routed, monday) == Delivered(sent=1)


def test_nobody_hears_of_the_end_of_what_he_never_heard_of(engine: sa.Engine, routed: Settings) -> None:
    told, untold = incident(engine, "told"), incident(engine, "untold")
    write(engine, [of(FILE, "opens told", [told])])
    deliver(engine, routed, START)
    write(engine, [of(FILE, "opens untold", [untold])])
    for each in (told, untold):
        close(engine, each)
    with engine.connect() as connection:
        assert hearers_of(connection, [told, untold]) == {told: {FILE}, untold: {FILE}}
    write(engine, [of(FILE, "closes told", (), [told]), of(FILE, "closes untold", (), [untold])])
    assert deliver(engine, routed, START) == Delivered(sent=1, cancelled=2)
    assert kept(engine) == {
        "opens told": "sent", "opens untold": "cancelled", "closes told": "sent", "closes untold": "cancelled",
    }  # fmt: skip
    with engine.connect() as connection:
        assert hearers_of(connection, [told, untold]) == {}


def test_what_came_back_and_went_again_unheard_is_not_told(engine: sa.Engine, routed: Settings) -> None:
    one = incident(engine, "back")
    write(engine, [of(FILE, "opens", [one])])
    deliver(engine, routed, START)
    close(engine, one)
    write(engine, [of(FILE, "closes", (), [one])])
    deliver(engine, routed, START)
    write(engine, [of(FILE, "back", [one]), of(FILE, "gone", (), [one])])
    assert deliver(engine, routed, START) == Delivered(cancelled=2)
    close(engine, one, "open")
    write(engine, [of(FILE, "back again", [one])])
    assert deliver(engine, routed, START) == Delivered(sent=1)
    close(engine, one)
    write(engine, [of(FILE, "gone again", (), [one])])
    assert deliver(engine, routed, START) == Delivered(sent=1)


def test_a_message_of_several_incidents_is_told_while_one_is_open(engine: sa.Engine, routed: Settings) -> None:
    first, second = incident(engine, "first"), incident(engine, "second")
    write(engine, [of(HOOK, "both", [first, second])])
    deliver(engine, routed, START)
    close(engine, first)
    write(engine, [of(HOOK, "first ends", (), [first])], START)
    assert deliver(engine, routed, START + MINUTE / 2) == Delivered(), "the end waits for the beginning"
    with endpoint() as web:
        routing(routed, f"Дежурный,engineer,,own,1,webhook,{web.url}/hook,,,,")
        assert deliver(engine, routed, START + MINUTE) == Delivered(sent=2)
        assert [each["title"] for each in web.documents("/hook")] == ["Тема both", "Тема first ends"]


def test_reminders_of_what_has_come_are_cancelled(engine: sa.Engine, routed: Settings) -> None:
    write(engine, [a(FILE, name, kind="reminder", about={"form": name}) for name in ("come", "owed")])
    with engine.begin() as connection:
        assert cancel_what_is_over(connection, START, lambda _, about: about["form"] == "owed") == 1
    assert kept(engine) == {"come": "cancelled", "owed": "waiting"}


def test_two_at_once_send_each_message_once(engine: sa.Engine, routed: Settings) -> None:
    with mailbox() as box:
        routed.smtp_url = SecretStr(box.url)
        write(engine, [a(MAIL, f"m{n}") for n in range(30)])
        done: list[Delivered] = []
        threads = [threading.Thread(target=lambda: done.append(deliver(engine, routed, START))) for _ in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sorted(each.sent for each in done) == [0, 0, 30]
        assert len({mail["Message-ID"] for mail in box.mails}) == len(box.taken) == 30


def test_an_attachment_that_cannot_be_made_stops_nothing(engine: sa.Engine, routed: Settings) -> None:
    write(
        engine,
        [
            a(FILE, "no delivery", attachments=(Attachment("receipt", delivery_id=4711),)),
            a(FILE, "no form", attachments=(Attachment("template", form="nothing", sender="asinovsky"),)),
        ],
    )
    assert deliver(engine, routed, START) == Delivered(sent=2)


def test_the_command(engine: sa.Engine, routed: Settings, profmin: Run) -> None:
    nothing = profmin("messages", settings=routed)
    assert nothing.returncode == 0 and "Сообщений нет." in nothing.stdout
    write(engine, [a(FILE, "f1"), a(("Уволился", "file"), "f2")])
    sent = profmin("messages", "send", "--json", settings=routed)
    assert sent.returncode == 1 and json.loads(sent.stdout) == {"sent": 1, "failed": 1, "waiting": 0, "cancelled": 0}
    listed = profmin("messages", settings=routed).stdout
    assert "Тема f1" in listed and "отправлено" in listed and "не удалось" in listed
    failed = json.loads(profmin("messages", "--outcome", "failed", "--json", settings=routed).stdout)
    assert [each["subject"] for each in failed] == ["Тема f2"]
    shown = profmin("messages", "show", failed[0]["message_id"], settings=routed).stdout
    assert "Текст f2" in shown and "Уволился (file)" in shown
    assert profmin("messages", "show", 999, settings=routed).returncode == 2
    assert profmin("messages", "--outcome", "lost", settings=routed).returncode == 2
    Path(routed.home / "routing.csv").write_text("nonsense")
    wrong = profmin("messages", "send", settings=routed)
    assert wrong.returncode == 2 and "routing.csv:1: no column" in wrong.stderr
