"""Who is told what, by which channel and when: a line of a table understood, or what is wrong with it in two languages.

A region's pack may have such a table, and so may a home, for the regions whose packs have none.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Audience = Literal["sender", "officer", "engineer"]
MessageClass = Literal["data", "lateness", "own"]
Channel = Literal["email", "telegram", "webhook", "file"]
Days = Literal["any", "working"]

COLUMNS = (
    "recipient", "audience", "sender", "classes", "level", "channel", "address", "when", "quiet_from", "quiet_to",
    "days",
)  # fmt: skip
ALL_CLASSES: tuple[MessageClass, ...] = get_args(MessageClass)
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
DIGEST = re.compile(r"digest +(\S+)")
SECRET = re.compile(r"\$\{(file:)?([^}]*)\}")
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
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


class WrongCell(ValueError):
    """A cell of a line that cannot be: its column, what it says, and what is expected, in English and in Russian."""

    def __init__(self, column: str, value: str, expected: str, russian: str) -> None:
        super().__init__(f"{column} is {value!r}; expected {expected}")
        self.column = column
        self.value = value
        self.russian = russian


def route_of(line: Mapping[str, str], senders: Collection[str]) -> Route:
    """A line of a table as a route; `senders` are those that it may name. Raises WrongCell for the first that is
    wrong."""
    cells = {name: line[name].strip() for name in COLUMNS}

    def must(is_right: object, column: str, expected: str, russian: str) -> None:
        if not is_right:
            raise WrongCell(column, cells[column], expected, russian)

    classes = tuple(name.strip() for name in cells["classes"].split(";") if name.strip()) or ALL_CLASSES
    level, listed = cells["level"], ", ".join(senders)
    must(cells["recipient"], "recipient", "a name that says who it is", "имя, по которому видно, кто это")
    audiences = ", ".join(get_args(Audience))
    must(cells["audience"] in get_args(Audience), "audience", audiences, audiences)
    must(
        not cells["sender"] or cells["sender"] in senders,
        "sender", f"nothing (all of them), or one of {listed}", f"пусто (все) или один из: {listed}",
    )  # fmt: skip
    some = ";".join(ALL_CLASSES)
    must(
        all(name in ALL_CLASSES for name in classes),
        "classes", f"nothing (all of them), or some of {some}", f"пусто (все) или некоторые из {some}",
    )  # fmt: skip
    must(
        level.isascii() and level.isdigit() and 1 <= int(level) <= 9,
        "level", "1 for who is told first, 2 and so on for who is told when nothing happens",
        "1 — кому говорят сначала, 2 и дальше — кому потом, если ничего не меняется",
    )  # fmt: skip
    channels = ", ".join(get_args(Channel))
    must(cells["channel"] in get_args(Channel), "channel", channels, channels)
    if wrong := _wrong_address(cells["channel"], cells["address"]):
        raise WrongCell("address", cells["address"], *wrong)
    must(
        cells["days"] in ("", *get_args(Days)),
        "days", "any (or nothing), or working", "any (или пусто) либо working",
    )  # fmt: skip
    times = {name: _time(cells[name]) for name in ("quiet_from", "quiet_to")}
    for name, at in times.items():
        must(
            bool(cells[name]) == (at is not None),
            name, "a local time such as 21:00, or nothing", "местное время, например 21:00, или пусто",
        )  # fmt: skip
    must(
        (times["quiet_from"] is None) == (times["quiet_to"] is None),
        "quiet_to", "both quiet_from and quiet_to, or neither", "и quiet_from, и quiet_to, или ни того, ни другого",
    )  # fmt: skip
    digest = DIGEST.fullmatch(cells["when"])
    at = _time(digest[1]) if digest else None
    must(
        cells["when"] in ("", "at_once") or at is not None,
        "when", "at_once (or nothing), or a digest with its local time, such as: digest 08:30",
        "at_once (или пусто) либо сводка с местным временем, например: digest 08:30",
    )  # fmt: skip
    route = Route(
        recipient=cells["recipient"], audience=cells["audience"], sender=cells["sender"] or None,  # type: ignore[arg-type]
        classes=classes, level=int(cells["level"]), channel=cells["channel"], address=cells["address"],  # type: ignore[arg-type]
        digest=at, quiet_from=times["quiet_from"], quiet_to=times["quiet_to"], days=cells["days"] or "any",  # type: ignore[arg-type]
    )  # fmt: skip
    is_told_then = at is None or not route.is_quiet(at)
    must(is_told_then, "when", "a digest outside of the quiet hours", "время сводки вне тихих часов")
    return route


def _wrong_address(channel: str, address: str) -> tuple[str, str] | None:
    """What is expected of an address that cannot be one, in two languages; what its secrets say is not looked at."""
    has_secret = SECRET.search(address) is not None
    plain = SECRET.sub("secret", address)
    if channel == "email" and not (has_secret or EMAIL.fullmatch(plain)):
        return "one e-mail address", "один адрес почты"
    if channel == "telegram":
        token, _, chat = plain.rpartition("/")
        if not token or not chat:
            return (
                "TOKEN/CHAT, or https://HOST/TOKEN/CHAT for a Bot API server of your own; the token as ${NAME}",
                "TOKEN/CHAT или https://HOST/TOKEN/CHAT для своего сервера Bot API; токен пишут как ${NAME}",
            )
        if not has_secret:
            return (
                "the token as ${NAME} or ${file:/path}: secrets are not written here",
                "токен как ${NAME} или ${file:/path}: секретов здесь не пишут",
            )
    if channel == "webhook" and not (has_secret or "://" in plain):
        return (
            "a URL that takes a POST, or one of Apprise (mmost://…, matrix://…)",
            "URL, который принимает POST, или адрес Apprise (mmost://…, matrix://…)",
        )
    if channel == "file" and (Path(plain).is_absolute() or ".." in Path(plain).parts):
        return "nothing, or a folder below home/messages", "пусто или папка внутри messages"
    return None


def _time(text: str) -> dt.time | None:
    """A local time such as 21:00; None for anything else."""
    match = TIME.fullmatch(text)
    return dt.time(int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True)
class Clash:
    """Two lines of one recipient and channel that say a different thing in a column."""

    line: int
    before: int
    route: Route
    column: str


def clashes(numbered: Sequence[tuple[int, Route]]) -> Iterator[Clash]:
    """A recipient has one address, one quiet time and the same days in a channel; where it has not."""
    first: dict[Way, tuple[int, Route]] = {}
    for number, route in numbered:
        before, other = first.setdefault(route.way, (number, route))
        for name in ("address", "quiet_from", "quiet_to", "days"):
            if getattr(route, name) != getattr(other, name):
                yield Clash(number, before, route, name)


def routing_faults(
    path: Path, lines: Sequence[tuple[int, Mapping[str, str]]], senders: Collection[str]
) -> Iterator[str]:
    """What is wrong with the table of a pack, a sentence each in Russian."""
    routes: list[tuple[int, Route]] = []
    for number, line in lines:
        try:
            routes.append((number, route_of(line, senders)))
        except WrongCell as wrong:
            yield f"{path}, строка {number}: {wrong.column} «{wrong.value}»; ожидается {wrong.russian}"
    for clash in clashes(routes):
        yield (
            f"{path}, строка {clash.line}: у получателя «{clash.route.recipient}» для {clash.route.channel} другое "
            f"{clash.column}, чем в строке {clash.before}; ожидается то же или получатель с другим именем"
        )
    if not lines:
        yield f"{path}: ни одной строки; ожидаются строки, кому что говорят, или чтобы файла не было"
