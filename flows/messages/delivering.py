"""Sending what waits: each message at least once under one identity, however often we die or its channel is down."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.regions import regions, zone_of
from contracts.regions.route import Route
from contracts.texts import phrases
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.messages.channels import Channels
from flows.messages.composing import officer_mail
from flows.messages.enclosures import Enclosures
from flows.messages.mail import Letter, Undelivered
from flows.messages.routing import not_before, routes
from warehouse.core.slices import holding
from warehouse.core.transaction import retried
from warehouse.incidents import messages as outgoing
from warehouse.incidents.messages import POST, Due
from warehouse.incidents.owed import still_due

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


@dataclass(frozen=True)
class Delivered:
    """How many messages a pass sent, gave up, left waiting after a failure, and cancelled because they were over."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    cancelled: int = 0


def deliver(engine: Engine, settings: Settings, now: dt.datetime) -> Delivered:
    """Send what is due at a moment; one process at a time.

    Each letter is recorded as begun before it is sent, and as sent afterwards. A pass that finds one begun sends it
    again with the same identity, by which mail programs and webhooks know it. What a wrong routing of its region keeps
    back waits, and holds up no other's. Raises UsageError when no region has a right one, Timeout when another process
    sends for longer than `lock_seconds`.
    """
    tables = tables_of_regions(settings)
    with holding(engine, [POST], settings.lock_wait, LOGGER.info), Channels(settings) as channels:
        cancelled, due = _cancelled_and_due(engine, now)
        wrong = {region.code for region in regions()} - tables.keys()
        due = [message for message in due if message.region not in wrong]
        delivered = _Pass(engine, settings, now, tables, channels).go(due) if due else Delivered()
    totals = Delivered(delivered.sent, delivered.failed, delivered.waiting, cancelled)
    if totals != Delivered():
        LOGGER.info("messages: %s", totals)
    return totals


def tables_of_regions(settings: Settings) -> dict[str | None, tuple[Route, ...]]:
    """Code of a region, None for what is of no one region → who is told what; a wrong table is left out and logged.

    Raises UsageError when none is right.
    """
    tables: dict[str | None, tuple[Route, ...]] = {}
    wrong: list[UsageError] = []
    for region in regions():
        try:
            tables[region.code] = routes(settings, region)
        except UsageError as error:
            wrong.append(error)
            LOGGER.error("messages of %s wait: %s", region.code, error)
    if not tables:
        raise wrong[0]
    return {**tables, None: routes(settings, None)}


@retried
def _cancelled_and_due(engine: Engine, now: dt.datetime) -> tuple[int, list[Due]]:
    with engine.begin() as connection:
        cancelled = outgoing.cancel_what_is_over(connection, now, still_due)
        return cancelled, outgoing.due(connection, now)


class _Pass:
    """One round of sending: what is down for one message is not tried again for the next."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        now: dt.datetime,
        tables: Mapping[str | None, Sequence[Route]],
        channels: Channels,
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.now = now
        self.routes = tables
        self.by_way = {(code, *route.way): route for code, table in tables.items() for route in reversed(table)}
        self.channels = channels
        self.enclosures = Enclosures(engine, settings, now)
        self.down: dict[tuple[str, Route | None], str] = {}
        self.counts = {"sent": 0, "failed": 0, "waiting": 0}

    def go(self, due: Sequence[Due]) -> Delivered:
        """Send what is due. What failed for an address is not tried there again in this pass."""
        for group in _letters(due):
            self.counts[self._outcome(group)] += len(group)
        return Delivered(**self.counts)

    def _outcome(self, group: Sequence[Due]) -> str:
        first = group[0]
        route = self.by_way.get((first.region, first.recipient, first.channel))
        if route is None:
            return self._given_up(group, f"the routing has no {first.recipient!r} with the channel {first.channel}")
        allowed = self._allowed(route, first, self.now)
        if allowed > self.now:
            return self._postponed(group, allowed, "quiet hours")
        why = self.down.get((route.channel, None)) or self.down.get((route.channel, route))
        if why is not None:
            return self._again(group, route, why, passed_by=True)
        letter = guarded(f"writing message {first.message_id}", lambda: self._letter(group, route))
        if isinstance(letter, Fault):
            return self._again(group, route, str(letter))
        self._record(lambda on: outgoing.begin(on, _ids(group), letter.identity, self.now))
        failure = guarded(f"sending message {first.message_id}", lambda: self._tried(route, letter))
        if failure is None:
            self._record(lambda on: outgoing.note_sent(on, _ids(group), self.now))
            return "sent"
        if isinstance(failure, Fault):
            return self._again(group, route, str(failure))
        LOGGER.warning("message %d to %s by %s: %s", first.message_id, first.recipient, first.channel, failure)
        if failure.lasting:
            return self._given_up(group, str(failure))
        if failure.scope != "message":
            self.down[route.channel, route if failure.scope == "address" else None] = str(failure)
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
        words = phrases("en" if first.about.get("audience") == "engineer" else "ru")
        files, sentences = self.enclosures.of(group)
        subject = first.subject if len(group) == 1 else words["message.digest"].format(count=len(group))
        officer = officer_mail(self.routes[first.region], first.sender) if route.audience == "sender" else None
        about = first.about.get("opens") or first.about.get("closes")
        return Letter(
            identity=first.sent_as or _identity([message.dedup_key for message in group]),
            number=first.message_id,
            message_class=first.message_class,
            recipient=first.recipient,
            subject=subject,
            body=_body([message.body for message in group], sentences, first.message_id, words),
            created_at=first.created_at.astimezone(zone_of(first.region)),
            files=files,
            reply_to=officer.address if officer else None,
            thread=f"incident-{about[0]}" if about and len(group) == 1 else None,
            is_repeat=any(message.was_begun for message in group),
        )

    def _again(self, group: Sequence[Due], route: Route, why: str, *, passed_by: bool = False) -> str:
        """Let a group wait, twice as long each time; after the last attempt give it up."""
        attempts = 1 + max(message.attempts for message in group)
        if attempts >= MOST_ATTEMPTS:
            return self._given_up(group, f"given up after {attempts} attempts: {why}")
        pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
        return self._postponed(group, self._allowed(route, group[0], self.now + pause), why, passed_by=passed_by)

    def _postponed(self, group: Sequence[Due], until: dt.datetime, why: str, *, passed_by: bool = False) -> str:
        self._record(lambda on: outgoing.postpone(on, _ids(group), until, why, passed_by=passed_by))
        return "waiting"

    def _given_up(self, group: Sequence[Due], why: str) -> str:
        self._record(lambda on: outgoing.give_up(on, _ids(group), why))
        return "failed"

    def _allowed(self, route: Route, message: Due, moment: dt.datetime) -> dt.datetime:
        with self.engine.connect() as connection:
            is_working = outgoing.working_days(connection, message.region or "")
            return not_before(route, moment, zone_of(message.region), is_working, digest=False)

    def _record(self, write: Callable[[Connection], None]) -> None:
        @retried
        def write_in_transaction() -> None:
            with self.engine.begin() as connection:
                write(connection)

        write_in_transaction()


def _letters(due: Sequence[Due]) -> list[list[Due]]:
    """The messages of a letter: those that were tried as one stay together, waiting digests of a recipient join."""
    groups: dict[tuple[object, ...], list[Due]] = {}
    for message in due:
        if message.sent_as is not None:
            key: tuple[object, ...] = ("sent as", message.sent_as)
        elif message.is_digest:
            key = ("digest", message.region, message.recipient, message.channel)
        else:
            key = ("message", message.message_id)
        groups.setdefault(key, []).append(message)
    return [
        group[start : start + MOST_IN_DIGEST]
        for group in groups.values()
        for start in range(0, len(group), MOST_IN_DIGEST)
    ]


def _body(bodies: Sequence[str], sentences: Sequence[str], number: int, words: Mapping[str, str]) -> str:
    """The text of a letter: what each message says, what is attached, and once the greeting and the signature."""
    split = [text.rpartition(SIGNATURE) for text in bodies]
    texts = [(text if mark else rest).strip("\n") for text, mark, rest in split]
    greeting = words["message.greeting"] + "\n\n"
    if len(texts) > 1:
        texts = [text.removeprefix(greeting) for text in texts]
        texts[0] = greeting + texts[0]
    signature = split[0][2].strip("\n") if split[0][1] else ""
    last = "\n".join(line for line in (signature, words["message.number"].format(number=number)) if line)
    return "\n\n".join([RULE.join(texts), *sentences]) + f"\n{SIGNATURE}{last}\n"


def _identity(keys: Sequence[str]) -> str:
    """The name under which a letter is known wherever it arrives: the same messages, the same name."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:32]


def _ids(group: Sequence[Due]) -> list[int]:
    return [message.message_id for message in group]
