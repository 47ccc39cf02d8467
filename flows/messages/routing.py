"""Who is told what, by which channel and when: read from a table, with the table's line in every complaint."""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from contracts.regions import regions
from contracts.regions.pack import Region
from contracts.regions.pack_table import PackFault, read_table
from contracts.regions.route import (
    ALL_CLASSES,
    COLUMNS,
    SECRET,
    MessageClass,
    Route,
    Way,
    WrongCell,
    clashes,
    route_of,
)
from contracts.vocabulary import rows, rows_in
from flows.home.settings import Settings
from flows.home.usage import UsageError

ROUTING_FILE = "routing.csv"
LONGEST_WAIT_DAYS = 60


def routes(settings: Settings, region: Region | None) -> tuple[Route, ...]:
    """Who is told what of a region: the lines of its pack; to an audience of which that says nothing, those of the home
    (`PROFMIN_ROUTING`, or routing.csv in it); where nobody said anything, files in home/messages. Of what is of no one
    region, all that are right.

    Raises UsageError with file, line and what is expected.
    """
    if region is None:
        return _of_all(settings)
    own = of_pack(region)
    audiences = {route.audience for route in own}
    return (*own, *(route for route in of_home(settings, region) if route.audience not in audiences))


def _of_all(settings: Settings) -> tuple[Route, ...]:
    """The lines of all regions, of two recipients of one name and channel the first; a wrong table is left out."""
    routes_of_all: dict[Way, Route] = {}
    for region in regions():
        with suppress(UsageError):
            for route in routes(settings, region):
                routes_of_all.setdefault(route.way, route)
    return tuple(routes_of_all.values())


def source(settings: Settings, region: Region) -> Path:
    """The file that says who is told what of a region, whether it is there or not."""
    pack = region.folder / ROUTING_FILE
    return pack if pack.exists() else settings.routing or settings.home / ROUTING_FILE


def of_pack(region: Region) -> tuple[Route, ...]:
    """The lines of a region's pack, if it has some. Raises UsageError for the first that is wrong."""
    path = region.folder / ROUTING_FILE
    if not path.exists():
        return ()
    senders = [row["sender"] for row in region.lines("senders")]
    try:
        _, lines = read_table(path)
        return _agreed(path, [(number, _route(path, number, line, senders)) for number, line in lines])
    except PackFault as fault:
        raise UsageError(str(fault)) from None


def of_home(settings: Settings, region: Region) -> list[Route]:
    """The lines of the home that may be about a region, or files."""
    path = settings.routing or settings.home / ROUTING_FILE
    if settings.routing is None and not path.exists():
        return _files_for_all(region)
    others = {row["sender"] for row in rows("senders") if row["region"] != region.code}
    return [route for route in read(path) if route.sender not in others]


def _files_for_all(region: Region) -> list[Route]:
    """Where nobody said who is told what, nothing is lost: each sender, the officer and the engineer get files."""
    senders = [
        Route(row["name"], "sender", row["sender"], ("data", "lateness"), 1, "file", row["sender"])
        for row in rows_in("senders", region.code)
    ]
    folder = "officer" if len(regions()) == 1 else f"officer-{region.code}"
    officer = Route("мониторинг", "officer", None, ("data", "lateness"), 1, "file", folder)
    return [*senders, officer, Route("engineer", "engineer", None, ALL_CLASSES, 1, "file", "engineer")]


def read(path: Path) -> tuple[Route, ...]:
    """The lines of a table. Raises UsageError for the first that is wrong."""
    senders = [row["sender"] for row in rows("senders")]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
            if missing:
                raise UsageError(f"{path}:1: no column {', '.join(missing)}; the columns are {','.join(COLUMNS)}")
            numbered = [
                (lines.line_num, _route(path, lines.line_num, line, senders)) for line in lines if any(line.values())
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise UsageError(f"{path}: the routing cannot be read: {why}") from None
    if not numbered:
        raise UsageError(f"{path}: no line says who is told what; remove the file to have all messages as files")
    return _agreed(path, numbered)


def _route(path: Path, number: int, line: Mapping[str, str], senders: Sequence[str]) -> Route:
    """A line of the table as a route. Raises UsageError."""
    if len(line) != len(COLUMNS) or any(value is None for value in line.values()):
        raise UsageError(f"{path}:{number}: {len(COLUMNS)} values are expected: {','.join(COLUMNS)}")
    try:
        return route_of(line, senders)
    except WrongCell as wrong:
        said = f"{path}, строка {number}: {wrong.column} «{wrong.value}»; ожидается {wrong.russian}"
        raise UsageError(f"{path}:{number}: {wrong}", said) from None


def _agreed(path: Path, numbered: Sequence[tuple[int, Route]]) -> tuple[Route, ...]:
    """The routes. Raises UsageError when two of one recipient and channel do not agree."""
    for clash in clashes(numbered):
        raise UsageError(
            f"{path}:{clash.line}: {clash.route.recipient} has another {clash.column} for {clash.route.channel} than in"
            f" line {clash.before}; expected the same, or a recipient of another name"
        )
    return tuple(route for _, route in numbered)


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
