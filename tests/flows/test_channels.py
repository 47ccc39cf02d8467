"""What arrives by each channel, and what is said when it does not."""

from __future__ import annotations

import datetime as dt
import io
import logging
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import AuthResult
from post import endpoint, files_of, mailbox, parsed, text_of
from pydantic import SecretStr

from contracts.regions.route import Route
from flows.home.settings import Settings
from flows.messages.channels import Channels
from flows.messages.mail import File, Letter, MailServer, Undelivered

TOKEN = "987654:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
NOW = dt.datetime(2023, 9, 8, 9, 30, tzinfo=ZoneInfo("Asia/Tomsk"))
NAME = "Отчёт о готовности, Асиновский район.1234567.квитанция.xlsx"
SUBJECT = (
    "Департамент: Заявленное не сходится с вычисленным: Отчёт о готовности школ к реализации Профминимума и ещё: 2"
)
LETTER = Letter(
    identity="0f" * 16, number=17, message_class="data", recipient="Асино",
    subject=SUBJECT,
    body="Здравствуйте!\n\nСтрока с <угловыми> скобками & знаками.\n", created_at=NOW,
    files=(File(NAME, b"PK\x03\x04 workbook"),), reply_to="officer@example.org", thread="incident-5",
)  # fmt: skip


def route(channel: str, address: str) -> Route:
    return Route("Асино", "sender", None, ("data",), 1, channel, address)  # type: ignore[arg-type]


def told(settings: Settings, channel: str, address: str, letter: Letter = LETTER) -> Undelivered:
    with Channels(settings) as channels, pytest.raises(Undelivered) as error:
        channels.send(route(channel, address), letter)
    return error.value


@pytest.fixture
def at_home(tmp_path: Path) -> Settings:
    found = Settings(home=tmp_path)
    found.prepare()
    return found


def test_a_mail_with_a_russian_subject_and_file_name(at_home: Settings) -> None:
    with mailbox() as box:
        at_home.smtp_url = SecretStr(box.url)
        with Channels(at_home) as channels:
            for _ in range(3):
                channels.send(route("email", "asino@example.org"), LETTER)
    assert box.connections == 1 and box.to == ["asino@example.org"] * 3
    assert all(byte < 128 for byte in box.taken[0])
    mail, again, _ = box.mails
    assert mail["Subject"] == LETTER.subject
    assert text_of(mail).replace("\r\n", "\n") == LETTER.body
    assert files_of(mail) == {NAME: LETTER.files[0].data}
    assert mail["Message-ID"] == again["Message-ID"] == f"<{LETTER.identity}@example.org>"
    assert mail["Reply-To"] == "officer@example.org" and mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == "<incident-5@example.org>"
    assert mail["Date"] == "Fri, 08 Sep 2023 09:30:00 +0700"


def test_a_mail_server_that_hangs_up_is_called_again(at_home: Settings) -> None:
    with mailbox() as box:
        at_home.smtp_url = SecretStr(box.url)
        with Channels(at_home) as channels:
            channels.send(route("email", "asino@example.org"), LETTER)
            assert channels._mail is not None and channels._mail._server is not None
            channels._mail._server.sock.shutdown(2)  # type: ignore[union-attr]
            channels.send(route("email", "asino@example.org"), LETTER)
    assert len(box.taken) == 2 and box.connections == 2


@pytest.mark.parametrize(
    ("refuse", "data", "scope", "lasting"),
    [
        ("550 no such user", None, "address", True),
        ("451 greylisted", None, "address", False),
        (None, "552 too large", "message", True),
        (None, "451 try later", "message", False),
    ],
)
def test_what_a_mail_server_refuses(
    refuse: str | None, data: str | None, scope: str, lasting: bool, at_home: Settings
) -> None:
    with mailbox() as box:
        at_home.smtp_url = SecretStr(box.url)
        box.refuse = {"asino@example.org": refuse} if refuse else {}
        box.data = data
        error = told(at_home, "email", "asino@example.org")
    assert (error.scope, error.lasting) == (scope, lasting)
    assert str(error) == f"SMTP {(refuse or data or '').replace(' ', ': ', 1)}"


def test_a_mail_server_that_is_not_there(at_home: Settings) -> None:
    assert "names no mail server" in str(told(at_home, "email", "asino@example.org"))
    with mailbox() as box:
        url = box.url
    at_home.smtp_url = SecretStr(url)
    error = told(at_home, "email", "asino@example.org")
    assert (error.scope, error.lasting) == ("channel", False) and "refused" in str(error)


@pytest.mark.parametrize("url", ["imap://a@example.org", "smtp://host", "smtp://user:geheim@host:25", "geheim"])
def test_an_address_of_a_mail_server_that_is_none(url: str, at_home: Settings) -> None:
    at_home.smtp_url = SecretStr(url)
    error = told(at_home, "email", "asino@example.org")
    assert "PROFMIN_SMTP_URL: expected smtp://" in str(error) and "geheim" not in str(error)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of 127.0.0.1 that the system trusts for this test."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    return context


def test_the_password_goes_over_tls_and_into_no_text(certificate: ssl.SSLContext, at_home: Settings) -> None:
    seen: list[bytes] = []

    def authenticator(_server: object, session: object, _envelope: object, _how: str, data: object) -> AuthResult:
        assert getattr(session, "ssl", None) is not None
        seen.append(data.password)  # type: ignore[attr-defined]
        return AuthResult(success=data.password == b"p@ss/word", handled=False)  # type: ignore[attr-defined]

    with mailbox(tls_context=certificate, authenticator=authenticator) as box:
        for password in ("p%40ss%2Fword", "wrong-geheim"):
            at_home.smtp_url = SecretStr(f"smtp://robot:{password}@127.0.0.1:{box.port}?from=robot@example.org")
            if password == "p%40ss%2Fword":
                with Channels(at_home) as channels:
                    channels.send(route("email", "asino@example.org"), LETTER)
            else:
                error = told(at_home, "email", "asino@example.org")
    assert seen[0] == b"p@ss/word" and len(box.taken) == 1
    assert error.scope == "channel" and not error.lasting and "535" in str(error)
    assert "geheim" not in str(error)


def test_a_certificate_of_nobody_is_not_trusted(
    certificate: ssl.SSLContext, at_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with mailbox(tls_context=certificate) as box:
        at_home.smtp_url = SecretStr(box.url)
        error = told(at_home, "email", "asino@example.org")
    assert error.scope == "channel" and "certificate" in str(error).lower() and box.taken == []


def test_a_password_does_not_go_out_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox() as box:
        monkeypatch.setattr("flows.messages.mail.LOOPBACK", ())
        server = MailServer(f"smtp://robot:geheim@127.0.0.1:{box.port}?from=robot@example.org")
        with pytest.raises(Undelivered, match="offers no TLS"):
            server.send(LETTER, "asino@example.org")


def test_telegram_gets_the_text_its_file_and_says_what_is_repeated(
    at_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT", TOKEN)
    with endpoint() as web, Channels(at_home) as channels:
        channels.send(route("telegram", f"{web.url}/${{BOT}}/-100500"), LETTER)
        channels.send(route("telegram", f"{web.url}/${{BOT}}/-100500"), replace(LETTER, files=(), is_repeat=True))
        channels.send(route("telegram", f"{web.url}/${{BOT}}/-100500"), replace(LETTER, files=(), body="я" * 9000))
    first, second, third = web.requests
    assert first[0] == f"/bot{TOKEN}/sendDocument" and "Здравствуйте!".encode() in first[2]
    assert b"PK\x03\x04 workbook" in first[2] and b"-100500" in first[2]
    document = web.documents(f"/bot{TOKEN}/sendMessage")
    assert len(document) == 2 and document[0]["chat_id"] == -100500
    assert "&lt;угловыми&gt; скобками &amp; знаками" in document[0]["text"]
    assert "Повтор: это сообщение могло уже прийти." in document[0]["text"]
    assert len(document[1]["text"]) < 4096 and "Дальше — в письме" in document[1]["text"]
    assert second[0] == third[0]


def test_a_webhook_gets_the_identity(at_home: Settings) -> None:
    with endpoint() as web, Channels(at_home) as channels:
        channels.send(route("webhook", f"{web.url}/hook/a%20b?key=1"), LETTER)
    ((path, headers, _),) = web.requests
    (document,) = web.documents("/hook")
    assert path == "/hook/a%20b?key=1" and headers["Idempotency-Key"] == LETTER.identity
    assert document["title"] == LETTER.subject and document["message"].strip() == LETTER.body.strip()
    assert document["id"] == LETTER.identity and document["class"] == "data"
    assert [each["filename"] for each in document["attachments"]] == [NAME]


@pytest.mark.parametrize(
    ("status", "scope", "lasting"),
    [(400, "message", True), (403, "address", False), (429, "address", False), (500, "address", False)],
)
def test_what_a_webhook_refuses(status: int, scope: str, lasting: bool, at_home: Settings) -> None:
    with endpoint() as web:
        web.answer = {"/hook": status}
        error = told(at_home, "webhook", f"{web.url}/hook")
    assert (error.scope, error.lasting) == (scope, lasting) and str(status) in str(error)


def test_a_redirect_is_not_followed(at_home: Settings) -> None:
    with endpoint() as web:
        web.answer = {"/hook": 307}
        told(at_home, "webhook", f"{web.url}/hook")
    assert len(web.requests) == 1


def test_a_service_of_apprise(at_home: Settings) -> None:
    with endpoint() as web, Channels(at_home) as channels:
        channels.send(route("webhook", web.url.replace("http", "mmost") + "/abcdefghijklmnopqrstuvwxyz"), LETTER)
    assert web.documents("/hooks/abcdefghijklmnopqrstuvwxyz")
    assert "knows no such service" in str(told(at_home, "webhook", "carrier://pigeon"))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a program that logs everything would write. (pytest's own also hears loggers that are silent.)"""
    monkeypatch.setattr(logging.getLogger("profmin"), "propagate", True)  # a command has its own handlers instead
    kept = io.StringIO()
    handler, root = logging.StreamHandler(kept), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(handler)
    root.setLevel(before)


def test_no_secret_in_what_is_told(at_home: Settings, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    monkeypatch.setenv("BOT", TOKEN)
    with endpoint() as web:
        monkeypatch.setenv("HOOK", f"{web.url}/hook/geheimnis-42?key=schluessel")
        web.answer = {"/": 500}
        errors = [told(at_home, "telegram", f"{web.url}/${{BOT}}/-100500"), told(at_home, "webhook", "${HOOK}")]
    errors += [told(at_home, "telegram", f"{web.url}/${{BOT}}/-100500"), told(at_home, "webhook", "${HOOK}")]
    monkeypatch.setenv("BOT", "geheimnis-of-a-wrong-form")
    errors.append(told(at_home, "telegram", "${BOT}/-100500"))
    logging.getLogger("profmin").info("the log is read")
    said = log.getvalue() + "\n".join(map(str, errors))
    assert "the log is read" in said
    assert "error=500" in said and "onnection error" in said
    assert [secret for secret in (TOKEN, TOKEN.split(":")[1], "geheimnis", "schluessel") if secret in said] == []


def test_a_file_is_a_mail_that_a_person_can_read(at_home: Settings) -> None:
    with Channels(at_home) as channels:
        for _ in range(2):
            channels.send(route("file", "asino"), LETTER)
    (path,) = (at_home.home / "messages" / "asino").iterdir()
    assert path.suffix == ".eml" and LETTER.body in path.read_text() and LETTER.subject in path.read_text()
    mail = parsed(path.read_bytes())
    assert files_of(mail) == {NAME: LETTER.files[0].data} and mail["Subject"] == LETTER.subject


def test_a_file_that_cannot_be_written(at_home: Settings) -> None:
    (at_home.home / "messages").write_text("in the way")
    error = told(at_home, "file", "asino")
    assert error.scope == "address" and not error.lasting and "messages/asino" in str(error)
