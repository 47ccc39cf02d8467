"""The ways out: mail, Telegram, a webhook (or any service that Apprise knows), a file."""

from __future__ import annotations

import logging
import re
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from contracts.regions.route import Route
from contracts.texts import phrases
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import replace
from flows.messages.mail import SECONDS, Letter, MailServer, Undelivered, mail
from flows.messages.routing import resolved

if TYPE_CHECKING:
    from apprise import AppriseAsset, NotifyBase

OURS = "profmin <profmin@localhost>"
"""The sender of a mail that is only a file."""
LONGEST_TELEGRAM = 3500
"""Letters of a text; Telegram takes 4096, and a longer one would be cut into several messages."""
STATUS = re.compile(r"error=(\d{3})")
REFUSED = (400, 410, 413, 415, 422)
"""Answers that the same request will get again."""
MASK = "***"


class Channels:
    """What one pass sends through; a context, at whose end connections are closed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._mail: MailServer | None = None

    def __enter__(self) -> Channels:
        return self

    def __exit__(self, *_: object) -> None:
        if self._mail is not None:
            self._mail.close()

    def send(self, route: Route, letter: Letter) -> None:
        """Send a letter to a recipient. Raises Undelivered, with a text in which no secret is."""
        try:
            address, secrets = resolved(route.address)
        except UsageError as error:
            raise Undelivered(str(error), "address") from None
        try:
            {"email": self._email, "telegram": self._telegram, "webhook": self._webhook, "file": self._file}[
                route.channel
            ](address, letter)
        except Undelivered as error:
            raise Undelivered(_masked(str(error), secrets), error.scope, lasting=error.lasting) from None

    def _email(self, address: str, letter: Letter) -> None:
        if self.settings.smtp_url is None:
            raise Undelivered("PROFMIN_SMTP_URL names no mail server", "channel")
        try:
            self._mail = self._mail or MailServer(self.settings.smtp_url.get_secret_value())
        except ValueError as error:
            raise Undelivered(f"PROFMIN_SMTP_URL: {error}", "channel") from None
        try:
            self._mail.send(letter, address)
        except Undelivered as error:
            raise Undelivered(_masked(str(error), [self._mail.password]), error.scope, lasting=error.lasting) from None

    def _telegram(self, address: str, letter: Letter) -> None:
        """A bot's message has no identity of ours: its number is in the text, and a repeat says that it is one."""
        from apprise.plugins.telegram import NotifyTelegram

        base, chat = address.rsplit("/", 1)
        host, token = base.rsplit("/", 1) if "/" in base else ("", base)
        try:
            bot = NotifyTelegram(  # type: ignore[no-untyped-call]
                bot_token=token, targets=[chat], detect_owner=False, asset=_asset()
            )
        except TypeError:
            raise Undelivered("the token or the chat is none of Telegram", "address") from None
        if host:
            bot.notify_url = f"{host}/bot"
        words = phrases("en" if letter.message_class == "own" else "ru")
        again = f"{words['message.again']}\n\n" if letter.is_repeat else ""
        body = f"{again}{letter.body}"
        if len(body) > LONGEST_TELEGRAM:
            body = body[:LONGEST_TELEGRAM].rstrip() + words["message.shortened"]
        _send_by(bot, changed(letter, body=body))

    def _webhook(self, address: str, letter: Letter) -> None:
        """A POST of JSON with a header `Idempotency-Key`, or whatever service of Apprise the address names."""
        from apprise import Apprise
        from apprise.plugins.custom_json import NotifyJSON

        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            service = Apprise.instantiate(address, asset=_asset(), suppress_exceptions=True)
            if service is None:
                raise Undelivered("Apprise knows no such service", "address")
            _send_by(service, letter)
            return
        hook: NotifyBase = NotifyJSON(  # type: ignore[no-untyped-call]
            asset=_asset(), host=parts.hostname, port=parts.port, secure=parts.scheme == "https",
            fullpath=unquote(parts.path or "/"),
            user=parts.username and unquote(parts.username), password=parts.password and unquote(parts.password),
            headers={"Idempotency-Key": letter.identity}, params=dict(parse_qsl(parts.query)),
            payload={"id": letter.identity, "class": letter.message_class, "recipient": letter.recipient},
        )  # fmt: skip
        _send_by(hook, letter)

    def _file(self, address: str, letter: Letter) -> None:
        """A mail as a file that mail programs open; the same letter is the same file."""
        folder = self.settings.messages / address
        name = f"{letter.created_at:%Y-%m-%d} {letter.identity[:12]}.eml"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            message = mail(letter, f'"{letter.recipient}" <file@localhost>', OURS, readable=True)
            replace(folder / name, message.as_bytes(), self.settings.home)
        except OSError as error:
            raise Undelivered(f"{Path('messages', address, name)}: {error.strerror}", "address") from None


def _send_by(service: NotifyBase, letter: Letter) -> None:
    """Send a letter through Apprise. Raises Undelivered with what Apprise says of it."""
    from apprise import Apprise, AppriseAttachment, LogCapture, NotifyFormat
    from apprise.attachment.memory import AttachMemory

    service.socket_connect_timeout = service.socket_read_timeout = float(SECONDS)
    service.redirects = False  # a secret in the path goes to nobody else
    files = AppriseAttachment()
    for file in letter.files:
        files.add(AttachMemory(content=file.data, name=file.name))  # type: ignore[no-untyped-call]
    apprise = Apprise(asset=_asset())
    apprise.add(service)
    with LogCapture(level=logging.WARNING, fmt="%(message)s") as captured:  # type: ignore[no-untyped-call]
        is_sent = apprise.notify(
            body=letter.body,
            title=letter.subject,
            body_format=NotifyFormat.TEXT,
            attach=files if letter.files else None,
        )
        text = " ".join(captured.getvalue().split())
    if not is_sent:
        status = STATUS.search(text)
        lasting = status is not None and int(status[1]) in REFUSED
        raise Undelivered(text or "Apprise could not send it", "message" if lasting else "address", lasting=lasting)


def _asset() -> AppriseAsset:
    """How we are called. The logs of Apprise and urllib3 may name a token: what matters of them we tell ourselves."""
    from apprise import AppriseAsset

    log = logging.getLogger("apprise")
    log.propagate = False
    log.handlers = log.handlers or [logging.NullHandler()]
    logging.getLogger("urllib3").setLevel(logging.INFO)  # below it writes whole URLs
    return AppriseAsset(app_id="profmin", app_desc="profmin")


def _masked(text: str, secrets: tuple[str, ...] | list[str]) -> str:
    """A text without secrets, written plainly or as in a URL; nor parts of one that holds a path or a query."""
    for secret in secrets:
        for piece in sorted({secret, *re.split(r"[/?&=@:]+", secret)}, key=len, reverse=True):
            if len(piece) > 3 and piece not in ("http", "https"):
                text = text.replace(piece, MASK).replace(quote(piece, safe=""), MASK)
    return text
