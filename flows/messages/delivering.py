"""Sending what waits: each message at least once under one identity, however often we die or its channel is down."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.texts import phrases
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.settings import Settings
from flows.messages.channels import Channels
from flows.messages.composing import officer_mail
from flows.messages.enclosures import Enclosures
from flows.messages.mail import Letter, Undelivered
from flows.messages.routing import Route, not_before, routes
from warehouse.core.slices import holding
from warehouse.core.transaction import retried
from warehouse.incidents import messages as stored
from warehouse.incidents.messages import POST, About, Due

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

FIRST_PAUSE = dt.timedelta(minutes=1)
LONGEST_PAUSE = dt.timedelta(hours=4)
MOST_ATTEMPTS = 24
"""With the pauses between them almost three days: a weekend's outage is outlived."""
MOST_IN_DIGEST = 50
RULE = "\n\n" + "—" * 12 + "\n\n"
SIGNATURE = "\n-- \n"
"""What mail programs know a signature by."""
IsDue = Callable[["Connection", About], bool]


@dataclass(frozen=True)
class Delivered:
    """How many messages a pass sent, gave up, left waiting after a failure, and cancelled because they were over."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    cancelled: int = 0


def deliver(engine: Engine, settings: Settings, now: dt.datetime) -> Delivered:
    """Send what is due at a moment; one process at a time.

    Each letter is recorded as begun before it is sent, and as sent afterwards. Who finds one begun sends it again with
    the same identity, by which mail programs and webhooks know it. Raises UsageError for a wrong routing, Timeout when
    another process sends for longer than `lock_seconds`.
    """
    known = routes(settings)
    with holding(engine, [POST], settings.lock_wait, LOGGER.info), Channels(settings) as channels:
        cancelled, found = _work(engine, now, still_due)
        done = Pass(engine, settings, now, known, channels).go(found) if found else Delivered()
    told = Delivered(done.sent, done.failed, done.waiting, cancelled)
    if told != Delivered():
        LOGGER.info("messages: %s", told)
    return told


def still_due(connection: Connection, about: About) -> bool:
    from warehouse.incidents.owed import still_due as asked

    return asked(connection, about)


@retried
def _work(engine: Engine, now: dt.datetime, still_due: IsDue) -> tuple[int, list[Due]]:
    with engine.begin() as connection:
        cancelled = stored.cancel_what_is_over(connection, now, still_due)
        return cancelled, stored.due(connection, now)


class Pass:
    """One round of a postman."""

    def __init__(
        self, engine: Engine, settings: Settings, now: dt.datetime, known: Sequence[Route], channels: Channels
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.now = now
        self.zone = ZoneInfo(settings.timezone)
        self.routes = known
        self.ways: dict[tuple[str, str], Route] = {(each.recipient, each.channel): each for each in reversed(known)}
        self.channels = channels
        self.enclosures = Enclosures(engine, settings, now)
        self.down: dict[tuple[str, str | None], str] = {}
        self.counts = {"sent": 0, "failed": 0, "waiting": 0}

    def go(self, found: Sequence[Due]) -> Delivered:
        """Send what is due. What failed for an address is not tried there again in this pass."""
        for group in grouped(found):
            self.counts[self._outcome(group)] += len(group)
        return Delivered(**self.counts)

    def _outcome(self, group: Sequence[Due]) -> str:
        first = group[0]
        route = self.ways.get((first.recipient, first.channel))
        if route is None:
            return self._given_up(group, f"the routing has no {first.recipient!r} with the channel {first.channel}")
        allowed = self._allowed(route, self.now)
        if allowed > self.now:
            return self._postponed(group, allowed, "quiet hours")
        why = self.down.get((route.channel, None)) or self.down.get((route.channel, route.recipient))
        if why is not None:
            return self._again(group, route, why, passed_by=True)
        letter = guarded(f"writing message {first.message_id}", lambda: self._letter(group, route))
        if isinstance(letter, Fault):
            return self._again(group, route, str(letter))
        self._record(lambda on: stored.begin(on, ids(group), letter.identity, self.now))
        failure = guarded(f"sending message {first.message_id}", lambda: self._tried(route, letter))
        if failure is None:
            self._record(lambda on: stored.note_sent(on, ids(group), self.now))
            return "sent"
        if isinstance(failure, Fault):
            return self._again(group, route, str(failure))
        LOGGER.warning("message %d to %s by %s: %s", first.message_id, first.recipient, first.channel, failure)
        if failure.lasting:
            return self._given_up(group, str(failure))
        if failure.scope != "message":
            self.down[route.channel, route.recipient if failure.scope == "address" else None] = str(failure)
        return self._again(group, route, str(failure))

    def _tried(self, route: Route, letter: Letter) -> Undelivered | None:
        try:
            self.channels.send(route, letter)
        except Undelivered as error:
            return error
        return None

    def _letter(self, group: Sequence[Due], route: Route) -> Letter:
        """A message as a letter, or several of a digest as one."""
        first = group[0]
        said = phrases("en" if first.about.get("audience") == "engineer" else "ru")
        files, sentences = self.enclosures.of(group)
        subject = first.subject if len(group) == 1 else said["message.digest"].format(count=len(group))
        officer = officer_mail(self.routes, first.sender) if route.audience == "sender" else None
        about = first.about.get("opens") or first.about.get("closes")
        return Letter(
            identity=first.sent_as or identity([each.dedup_key for each in group]),
            number=first.message_id,
            message_class=first.message_class,
            recipient=first.recipient,
            subject=subject,
            body=body([each.body for each in group], sentences, first.message_id, said),
            created_at=first.created_at.astimezone(self.zone),
            files=files,
            reply_to=officer.address if officer else None,
            thread=f"incident-{about[0]}" if about and len(group) == 1 else None,
            is_repeat=any(each.was_begun for each in group),
        )

    def _again(self, group: Sequence[Due], route: Route, why: str, *, passed_by: bool = False) -> str:
        """Let a group wait, twice as long each time; after the last attempt give it up."""
        attempts = 1 + max(each.attempts for each in group)
        if attempts >= MOST_ATTEMPTS:
            return self._given_up(group, f"given up after {attempts} attempts: {why}")
        pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
        return self._postponed(group, self._allowed(route, self.now + pause), why, passed_by=passed_by)

    def _postponed(self, group: Sequence[Due], until: dt.datetime, why: str, *, passed_by: bool = False) -> str:
        self._record(lambda on: stored.postpone(on, ids(group), until, why, passed_by=passed_by))
        return "waiting"

    def _given_up(self, group: Sequence[Due], why: str) -> str:
        self._record(lambda on: stored.give_up(on, ids(group), why))
        return "failed"

    def _allowed(self, route: Route, moment: dt.datetime) -> dt.datetime:
        with self.engine.connect() as connection:
            return not_before(route, moment, self.zone, stored.working_days(connection), digest=False)

    def _record(self, write: Callable[[Connection], None]) -> None:
        @retried
        def recorded() -> None:
            with self.engine.begin() as connection:
                write(connection)

        recorded()


def grouped(found: Sequence[Due]) -> list[list[Due]]:
    """The messages of a letter: those that were tried as one stay together, waiting digests of a recipient join."""
    groups: dict[tuple[object, ...], list[Due]] = {}
    for each in found:
        if each.sent_as is not None:
            key: tuple[object, ...] = ("sent as", each.sent_as)
        elif each.is_digest:
            key = ("digest", each.recipient, each.channel)
        else:
            key = ("message", each.message_id)
        groups.setdefault(key, []).append(each)
    return [
        group[start : start + MOST_IN_DIGEST]
        for group in groups.values()
        for start in range(0, len(group), MOST_IN_DIGEST)
    ]


def body(bodies: Sequence[str], sentences: Sequence[str], number: int, said: Mapping[str, str]) -> str:
    """The text of a letter: what each message says, what is attached, and once the greeting and the signature."""
    parts = [each.rpartition(SIGNATURE) for each in bodies]
    texts = [(text if mark else rest).strip("\n") for text, mark, rest in parts]
    greeting = said["message.greeting"] + "\n\n"
    if len(texts) > 1:
        texts = [text.removeprefix(greeting) for text in texts]
        texts[0] = greeting + texts[0]
    signature = parts[0][2].strip("\n") if parts[0][1] else ""
    last = "\n".join(line for line in (signature, said["message.number"].format(number=number)) if line)
    return "\n\n".join([RULE.join(texts), *sentences]) + f"\n{SIGNATURE}{last}\n"


def identity(keys: Sequence[str]) -> str:
    """The name under which a letter is known wherever it arrives: the same messages, the same name."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:32]


def ids(group: Sequence[Due]) -> list[int]:
    return [each.message_id for each in group]
