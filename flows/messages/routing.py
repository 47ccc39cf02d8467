"""Who is told what, by which channel and when: read from a table, with the table's line in every complaint."""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from contracts.vocabulary import rows
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.incidents.messages import Audience, MessageClass

Channel = Literal["email", "telegram", "webhook", "file"]
Days = Literal["any", "working"]

ROUTING_FILE = "routing.csv"
COLUMNS = (
    "recipient", "audience", "sender", "classes", "level", "channel", "address", "when", "quiet_from", "quiet_to",
    "days",
)  # fmt: skip
ALL_CLASSES: tuple[MessageClass, ...] = get_args(MessageClass)
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
DIGEST = re.compile(r"digest +(\S+)")
SECRET = re.compile(r"\$\{(file:)?([^}]*)\}")
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
LONGEST_WAIT_DAYS = 60
Way = tuple[str, str]
"""Recipient and channel: a message names only these two of its route."""


@dataclass(frozen=True)
class Route:
    """A line of the table. `address` still names its secrets; `digest` is a local time, None is at once.

    `sender` None stands for every sender that has no line of its own.
    """

    recipient: str
    audience: Audience
    sender: str | None
    classes: tuple[MessageClass, ...]
    level: int
    channel: Channel
    address: str
    digest: dt.time | None = None
    quiet_from: dt.time | None = None
    quiet_to: dt.time | None = None
    days: Days = "any"

    @property
    def way(self) -> Way:
        """What messages name the route by."""
        return self.recipient, self.channel

    def is_quiet(self, at: dt.time) -> bool:
        """Is a local time within the quiet hours, which may go over midnight?"""
        if self.quiet_from is None or self.quiet_to is None:
            return False
        if self.quiet_from <= self.quiet_to:
            return self.quiet_from <= at < self.quiet_to
        return at >= self.quiet_from or at < self.quiet_to


def routes(settings: Settings) -> tuple[Route, ...]:
    """The table of the settings, else that in the home; without one everything is a file in home/messages.

    Raises UsageError with file, line and what is expected.
    """
    path = settings.routing or settings.home / ROUTING_FILE
    if settings.routing is None and not path.exists():
        return _files_for_all()
    return read(path)


def _files_for_all() -> tuple[Route, ...]:
    """Where nobody said who is told what, nothing is lost: each sender, the officer and the engineer get files."""
    senders = [
        Route(row["name"], "sender", row["sender"], ("data", "lateness"), 1, "file", row["sender"])
        for row in rows("senders")
    ]
    officer = Route("мониторинг", "officer", None, ("data", "lateness"), 1, "file", "officer")
    return (*senders, officer, Route("engineer", "engineer", None, ALL_CLASSES, 1, "file", "engineer"))


def read(path: Path) -> tuple[Route, ...]:
    """The lines of a table. Raises UsageError for the first that is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
            if missing:
                raise UsageError(f"{path}:1: no column {', '.join(missing)}; the columns are {','.join(COLUMNS)}")
            numbered = [
                (lines.line_num, _parsed_route(path, lines.line_num, line)) for line in lines if any(line.values())
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise UsageError(f"{path}: the routing cannot be read: {why}") from None
    if not numbered:
        raise UsageError(f"{path}: no line says who is told what; remove the file to have all messages as files")
    _agree(path, numbered)
    return tuple(route for _, route in numbered)


def _parsed_route(path: Path, number: int, line: dict[str, str | None]) -> Route:
    """A line of the table as a route. Raises UsageError."""

    def wrong(name: str, expected: str) -> UsageError:
        return UsageError(f"{path}:{number}: {name} is {cells[name]!r}; expected {expected}")

    if None in line or any(value is None for value in line.values()):
        raise UsageError(f"{path}:{number}: {len(COLUMNS)} values are expected: {','.join(COLUMNS)}")
    cells = {name: (line[name] or "").strip() for name in COLUMNS}
    senders = [row["sender"] for row in rows("senders")]
    classes = tuple(name.strip() for name in cells["classes"].split(";") if name.strip()) or ALL_CLASSES
    if not cells["recipient"]:
        raise wrong("recipient", "a name that says who it is")
    if cells["audience"] not in get_args(Audience):
        raise wrong("audience", ", ".join(get_args(Audience)))
    if cells["sender"] and cells["sender"] not in senders:
        raise wrong("sender", f"nothing (all of them), or one of {', '.join(senders)}")
    if any(name not in ALL_CLASSES for name in classes):
        raise wrong("classes", f"nothing (all of them), or some of {';'.join(ALL_CLASSES)}")
    if not (cells["level"].isascii() and cells["level"].isdigit() and 1 <= int(cells["level"]) <= 9):
        raise wrong("level", "1 for who is told first, 2 and so on for who is told when nothing happens")
    if cells["channel"] not in get_args(Channel):
        raise wrong("channel", ", ".join(get_args(Channel)))
    if expected := _wrong_address(cells["channel"], cells["address"]):
        raise wrong("address", expected)
    if cells["days"] not in ("", *get_args(Days)):
        raise wrong("days", "any (or nothing), or working")
    times = {name: _time(cells[name]) for name in ("quiet_from", "quiet_to")}
    for name, at in times.items():
        if bool(cells[name]) != (at is not None):
            raise wrong(name, "a local time such as 21:00, or nothing")
    if (times["quiet_from"] is None) != (times["quiet_to"] is None):
        raise wrong("quiet_to", "both quiet_from and quiet_to, or neither")
    digest = DIGEST.fullmatch(cells["when"])
    at = _time(digest[1]) if digest else None
    if cells["when"] not in ("", "at_once") and at is None:
        raise wrong("when", "at_once (or nothing), or a digest with its local time, such as: digest 08:30")
    parsed = Route(
        recipient=cells["recipient"], audience=cells["audience"], sender=cells["sender"] or None,  # type: ignore[arg-type]
        classes=classes, level=int(cells["level"]), channel=cells["channel"], address=cells["address"],  # type: ignore[arg-type]
        digest=at, quiet_from=times["quiet_from"], quiet_to=times["quiet_to"], days=cells["days"] or "any",  # type: ignore[arg-type]
    )  # fmt: skip
    if at is not None and parsed.is_quiet(at):
        raise wrong("when", "a digest outside of the quiet hours")
    return parsed


def _wrong_address(channel: str, address: str) -> str | None:
    """What is expected of an address that cannot be one; what its secrets say is not looked at."""
    has_secret = SECRET.search(address) is not None
    plain = SECRET.sub("secret", address)
    if channel == "email" and not (has_secret or EMAIL.fullmatch(plain)):
        return "one e-mail address"
    if channel == "telegram":
        token, _, chat = plain.rpartition("/")
        if not token or not chat:
            return "TOKEN/CHAT, or https://HOST/TOKEN/CHAT for a Bot API server of your own; the token as ${NAME}"
        if not has_secret:
            return "the token as ${NAME} or ${file:/path}: secrets are not written here"
    if channel == "webhook" and not (has_secret or "://" in plain):
        return "a URL that takes a POST, or one of Apprise (mmost://…, matrix://…)"
    if channel == "file" and (Path(plain).is_absolute() or ".." in Path(plain).parts):
        return "nothing, or a folder below home/messages"
    return None


def _time(text: str) -> dt.time | None:
    """A local time such as 21:00; None for anything else."""
    match = TIME.fullmatch(text)
    return dt.time(int(match[1]), int(match[2])) if match else None


def _agree(path: Path, numbered: Sequence[tuple[int, Route]]) -> None:
    """A recipient has one address, one quiet time and the same days in a channel."""
    first: dict[Way, tuple[int, Route]] = {}
    for number, route in numbered:
        before_number, before = first.setdefault(route.way, (number, route))
        for name in ("address", "quiet_from", "quiet_to", "days"):
            if getattr(route, name) != getattr(before, name):
                raise UsageError(
                    f"{path}:{number}: {route.recipient} has another {name} for {route.channel} than in line"
                    f" {before_number}; expected the same, or a recipient of another name"
                )


def recipients(
    table: Iterable[Route], message_class: MessageClass, audience: str, sender: str | None, level: int
) -> list[Route]:
    """Who of an audience is told of a class of things about a sender at a level, each once a channel; lines of the
    sender's own replace those for all."""
    fitting = [
        route
        for route in table
        if route.audience == audience and route.level == level and message_class in route.classes
        and route.sender in (None, sender)
    ]  # fmt: skip
    own = [route for route in fitting if route.sender is not None]
    return list({route.way: route for route in reversed(own or fitting)}.values())[::-1]


def not_before(
    route: Route, now: dt.datetime, zone: ZoneInfo, is_working: Callable[[dt.date], bool], *, digest: bool = True
) -> dt.datetime:
    """The first moment from now on at which the recipient may be told: at the time of its digest, outside of its quiet
    hours, on its days. What is tried again is no longer held for a digest."""
    moment = now.astimezone(zone)
    for _ in range(4 * LONGEST_WAIT_DAYS):
        if route.days == "working" and not is_working(moment.date()):
            moment = _at(moment, dt.time(), 1)
        elif digest and route.digest is not None and moment.time() != route.digest:
            moment = _at(moment, route.digest, 1 if moment.time() > route.digest else 0)
        elif route.is_quiet(moment.time()) and route.quiet_to is not None:
            moment = _at(moment, route.quiet_to, 1 if moment.time() >= route.quiet_to else 0)
        else:
            return moment if moment != now else now
    raise UsageError(f"no working day comes within {LONGEST_WAIT_DAYS} days of {now.date()}: is the calendar wrong?")


def _at(moment: dt.datetime, time: dt.time, days: int) -> dt.datetime:
    return dt.datetime.combine(moment.date() + dt.timedelta(days=days), time, moment.tzinfo)


def resolved(address: str) -> tuple[str, tuple[str, ...]]:
    """An address with its secrets, and the secrets: what must not be told. Raises UsageError for one that is not there,
    without saying what it would be."""
    secrets = []

    def secret(match: re.Match[str]) -> str:
        name = match[2]
        try:
            value = Path(name).read_text(encoding="utf-8").strip() if match[1] else os.environ.get(name, "")
        except (OSError, UnicodeDecodeError):
            value = ""
        if not value:
            raise UsageError(f"{match[0]} is {'no file with a secret' if match[1] else 'not in the environment'}")
        secrets.append(value)
        return value

    return SECRET.sub(secret, address), tuple(secrets)
