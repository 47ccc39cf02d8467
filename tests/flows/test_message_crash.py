"""A process is killed between sending a message and recording it: it goes out again, and is known where it arrives."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from post import endpoint, mailbox, text_of
from pydantic import SecretStr

from contracts.regions.route import COLUMNS
from flows.home.settings import Settings
from flows.messages.delivering import Delivered, deliver
from warehouse.incidents.messages import Message, enqueue

NOW = dt.datetime(2023, 9, 8, 9, 0, tzinfo=ZoneInfo("Asia/Tomsk"))
ROOT = Path(__file__).parents[2]
TOKEN = "987654:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
KILLED = """
import datetime as dt, os, signal, sys
from flows.messages.delivering import deliver
from flows.home.settings import Settings
from warehouse.incidents import messages
from warehouse.schema.upgrade import connect

left = int(sys.argv[1])
whole = messages.note_sent

def cut(*arguments):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    whole(*arguments)
    left -= 1

if sys.argv[2] == "after":
    messages.note_sent = cut
else:
    from flows.messages.channels import Channels
    Channels.send = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
found = Settings()
deliver(connect(found.database_url.get_secret_value()), found, dt.datetime.fromisoformat(sys.argv[3]))
"""


def killed(settings: Settings, when: str, after: int = 0) -> None:
    """Deliver in a process that is killed before it sends (`before`), or after it sent and before it records it."""
    assert settings.database_url is not None
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PROFMIN_")},
        "PROFMIN_HOME": str(settings.home),
        "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    if settings.smtp_url is not None:
        environment["PROFMIN_SMTP_URL"] = settings.smtp_url.get_secret_value()
    command = [sys.executable, "-c", KILLED, str(after), when, NOW.isoformat()]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == -signal.SIGKILL, ran.stderr


def route(settings: Settings, channel: str, address: str, when: str = "") -> None:
    line = f"Асино,sender,asinovsky,,1,{channel},{address},{when},,,"
    (settings.home / "routing.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n", encoding="utf-8")


def write(engine: sa.Engine, channel: str, *keys: str, digest: bool = False) -> None:
    with engine.begin() as connection:
        enqueue(
            connection,
            [Message(key, "Асино", channel, "data", "statement", f"Тема {key}", f"Текст {key}\n", NOW, is_digest=digest)
             for key in keys],
            NOW,
        )  # fmt: skip


def outcomes(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT outcome FROM ops.message ORDER BY message_id")))


def test_mail_is_sent_again_with_its_message_id(engine: sa.Engine, settings: Settings) -> None:
    with mailbox() as box:
        settings.smtp_url = SecretStr(box.url)
        route(settings, "email", "asino@example.org")
        write(engine, "email", "1", "2", "3")
        killed(settings, "after", 1)
        assert outcomes(engine) == ["sent", "sending", "waiting"] and len(box.taken) == 2
        assert deliver(engine, settings, NOW) == Delivered(sent=2)
        assert [mail["Subject"] for mail in box.mails] == ["Тема 1", "Тема 2", "Тема 2", "Тема 3"]
        names = [mail["Message-ID"] for mail in box.mails]
        assert names[1] == names[2] and len(set(names)) == 3
        assert text_of(box.mails[1]) == text_of(box.mails[2])
        assert deliver(engine, settings, NOW) == Delivered()


def test_a_digest_is_sent_again_as_it_was(engine: sa.Engine, settings: Settings) -> None:
    with mailbox() as box:
        settings.smtp_url = SecretStr(box.url)
        route(settings, "email", "asino@example.org", "digest 09:00")
        write(engine, "email", "1", "2", digest=True)
        killed(settings, "after")
        write(engine, "email", "3", digest=True)
        assert deliver(engine, settings, NOW) == Delivered(sent=3)
        first, again, other = box.mails
        assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
        assert text_of(first) == text_of(again) and "Текст 3" not in text_of(again)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_webhook_is_called_again_with_its_key(when: str, engine: sa.Engine, settings: Settings) -> None:
    with endpoint() as web:
        route(settings, "webhook", f"{web.url}/hook")
        write(engine, "webhook", "1")
        killed(settings, when)
        assert outcomes(engine) == ["sending"]
        assert deliver(engine, settings, NOW) == Delivered(sent=1)
        assert len(web.requests) == (1 if when == "before" else 2)
        assert len({headers["Idempotency-Key"] for _, headers, _ in web.requests}) == 1


def test_telegram_says_that_it_repeats_itself(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with endpoint() as web:
        route(settings, "telegram", f"{web.url}/${{file:{tmp_path / 'token'}}}/-100500")
        write(engine, "telegram", "1")
        killed(settings, "after")
        deliver(engine, settings, NOW)
        first, again = (each["text"] for each in web.documents("/bot"))
    assert "Повтор" not in first and "Повтор" in again
    assert "Сообщение № 1." in first and "Сообщение № 1." in again


def test_a_file_is_the_same_file(engine: sa.Engine, settings: Settings) -> None:
    route(settings, "file", "asino")
    write(engine, "file", "1")
    killed(settings, "after")
    before = sorted((settings.home / "messages" / "asino").iterdir())
    deliver(engine, settings, NOW)
    assert sorted((settings.home / "messages" / "asino").iterdir()) == before and len(before) == 1
    assert outcomes(engine) == ["sent"]
