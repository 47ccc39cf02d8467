"""Real receivers of messages on loopback: a mail server, and an HTTP server that is a webhook and Telegram at once."""

from __future__ import annotations

import email
import email.policy
import io
import json
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller

SENDER = "monitoring@example.org"


class Mailbox:
    """A mail server that keeps what it takes; `refuse` maps addresses to what it answers them, `data` what it answers
    to a letter."""

    def __init__(self, port: int = 0, **options: Any) -> None:
        self.taken: list[bytes] = []
        self.to: list[str] = []
        self.refuse: dict[str, str] = {}
        self.data: str | None = None
        self.connections = 0
        self.port = port or free_port()
        self.is_open = True
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    async def handle_EHLO(  # noqa: N802
        self, _server: object, session: Any, _envelope: object, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: object, envelope: Any, address: str, _options: object
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        if self.data is not None:
            return self.data
        self.taken.append(envelope.content)
        self.to += envelope.rcpt_tos
        return "250 OK"

    def stop(self) -> None:
        """Take no more mail; once more does nothing."""
        if self.is_open:
            self.is_open = False
            self.controller.stop(no_assert=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?from={SENDER}"

    @property
    def mails(self) -> list[EmailMessage]:
        return [parsed(each) for each in self.taken]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def mailbox(port: int = 0, **options: Any) -> Iterator[Mailbox]:
    made = Mailbox(port, **options)
    made.controller.start()
    try:
        yield made
    finally:
        made.stop()


class Endpoint:
    """An HTTP server; `answer` maps the beginning of a path to the status that it gets."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: dict[str, int] = {}
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                kept.requests.append((self.path, dict(self.headers), body))
                status = next((code for path, code in kept.answer.items() if self.path.startswith(path)), 200)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b'{"ok": true, "result": {}}')

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def documents(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(body) for at, _, body in self.requests if at.startswith(path)]


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


def parsed(data: bytes) -> EmailMessage:
    return cast(EmailMessage, email.message_from_bytes(data, policy=email.policy.default))


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def files_of(mail: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_content() for part in mail.iter_attachments()}


def unpacked(data: bytes) -> str:
    """Everything in some bytes as text, with what is in a zip archive (a workbook is one) unpacked."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return "\n".join(f"{name}\n{unpacked(archive.read(name))}" for name in archive.namelist())
