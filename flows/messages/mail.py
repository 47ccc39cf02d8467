"""A mail with its attachments, and the server that takes it."""

from __future__ import annotations

import datetime as dt
import mimetypes
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy
from email.utils import format_datetime
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

SECONDS = 10
LOOPBACK = ("localhost", "127.0.0.1", "::1")
TOO_LARGE = 552
Scope = Literal["message", "address", "channel"]


@dataclass(frozen=True)
class File:
    """A file that goes with a letter."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Letter:
    """What is sent. `identity` stays the same however often it is tried, and so does everything else but `is_repeat`.

    `thread` is the same for letters about the same thing; `number` is that of the (first) message in it.
    """

    identity: str
    number: int
    message_class: str
    recipient: str
    subject: str
    body: str
    created_at: dt.datetime
    files: tuple[File, ...] = ()
    reply_to: str | None = None
    thread: str | None = None
    is_repeat: bool = False


class Undelivered(Exception):
    """A letter was not taken; the text holds no secret. `scope`: whether others to the same address, or by the same
    channel, will fare the same now. `lasting`: trying again will not help."""

    def __init__(self, text: str, scope: Scope, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.scope: Scope = scope
        self.lasting = lasting


class _SubjectFolding(EmailPolicy):
    """Python before 3.12.5 loses spaces where it folds a long subject that is not ASCII; its older class does not."""

    def fold(self, name: str, value: str) -> str:
        if name.lower() != "subject":
            return str(super().fold(name, value))
        return f"{name}: {Header(str(value), 'utf-8', header_name=name).encode(linesep=self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii") if name.lower() == "subject" else super().fold_binary(name, value)


WIRE = _SubjectFolding(linesep=SMTP.linesep)
READABLE = SMTPUTF8.clone(max_line_length=998)


def mail(letter: Letter, to: str, sender: str, *, readable: bool = False) -> EmailMessage:
    """The letter as a mail; `readable` writes it so that its text can be read in the file itself."""
    message = EmailMessage(policy=READABLE if readable else WIRE)
    message["From"], message["To"], message["Subject"] = sender, to, letter.subject
    message["Date"] = format_datetime(letter.created_at)
    domain = sender.rpartition("@")[2].strip("> ")
    message["Message-ID"] = f"<{letter.identity}@{domain}>"
    if letter.thread:
        message["References"] = f"<{letter.thread}@{domain}>"
    if letter.reply_to:
        message["Reply-To"] = letter.reply_to
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.body, cte="8bit" if readable else "base64")
    for file in letter.files:
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        message.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name)
    return message


class MailServer:
    """The server of `PROFMIN_SMTP_URL`; one connection carries all letters of a pass."""

    def __init__(self, url: str) -> None:
        """Raises ValueError, without the URL, for one that names no server and sender."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        user = unquote(parts.username or "")
        self.sender = (query.get("from") or [user])[0]
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or "@" not in self.sender:
            raise ValueError("expected smtp://user:password@host:587?from=address, or smtps://…")
        self.host, self.is_tls = parts.hostname, parts.scheme == "smtps"
        self.port = parts.port or (465 if self.is_tls else 587)
        self.user, self.password = user, unquote(parts.password or "")
        self._server: smtplib.SMTP | None = None

    def send(self, letter: Letter, to: str) -> None:
        """Hand a letter to the server. Raises Undelivered."""
        server = self._connected()
        try:
            server.send_message(mail(letter, to, self.sender), self.sender, [to])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise Undelivered(f"SMTP {code}: {_text(text)}", "address", lasting=code >= 500) from None
        except smtplib.SMTPResponseException as error:
            is_sender = isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code != TOO_LARGE
            answer = f"SMTP {error.smtp_code}: {_text(error.smtp_error)}"
            raise Undelivered(
                answer, "channel" if is_sender else "message", lasting=not is_sender and error.smtp_code >= 500
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Undelivered(f"SMTP: {_why(error)}", "channel") from None

    def _connected(self) -> smtplib.SMTP:
        """The connection, made anew when the server has closed it meanwhile. Raises Undelivered."""
        try:
            if self._server is not None:
                with suppress(OSError, smtplib.SMTPException):
                    if self._server.noop()[0] == 250:
                        return self._server
                self.close()
            self._server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Undelivered(f"SMTP server {self.host}:{self.port}: {_why(error)}", "channel") from None
        return self._server

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.is_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        self._server = server  # so that whatever comes now, it is closed
        server.ehlo_or_helo_if_needed()
        if not self.is_tls and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif not self.is_tls and self.user and self.host not in LOOPBACK:
            raise smtplib.SMTPException("it offers no TLS, so the password is not sent")
        if self.user and self.password:
            server.login(self.user, self.password)
        return server

    def close(self) -> None:
        """Take leave of the server, if there is a connection."""
        if self._server is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._server.quit()
            self._server = None


def _text(answer: bytes | str) -> str:
    return (answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer).split("\n", 1)[0]


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, smtplib.SMTPException):
        return _text(str(error)) or type(error).__name__
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
