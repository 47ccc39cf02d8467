"""What happened to incidents as messages: one to each recipient about each sender, whatever happened at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from zoneinfo import ZoneInfo

from contracts.texts import incident_texts, phrases
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.messages.incident_text import told as told_of
from flows.messages.routing import EMAIL, SECRET, Route, not_before, recipients
from warehouse.incidents.messages import Attachment, Audience, Message, MessageClass
from warehouse.incidents.observe import IncidentEvent

MOST_RECEIPTS = 5
WIDEST_SUBJECT = 120
URGENCY: tuple[MessageClass, ...] = ("own", "data", "lateness")
"""The class of a message is that of the first of these that it tells of."""
Told = Mapping[int, Collection[tuple[str, str]]]


def compose(
    events: Sequence[IncidentEvent],
    routes: Sequence[Route],
    now: dt.datetime,
    settings: Settings,
    told: Told,
    is_working: Callable[[dt.date], bool],
) -> list[Message]:
    """A message a recipient and sender about everything that one look at the incidents found.

    `told` says who heard that an incident is open: they alone hear that it is closed. An event for which the table has
    nobody makes no message.
    """
    groups: dict[tuple[str, str, str | None], list[IncidentEvent]] = defaultdict(list)
    ways: dict[tuple[str, str], Route] = {}
    for event in events:
        for route in who_hears(event, routes, told.get(event.incident_id, ())):
            groups[route.recipient, route.channel, event.sender].append(event)
            ways.setdefault((route.recipient, route.channel), route)
    made = []
    for (recipient, channel, _), found in groups.items():
        route = ways[recipient, channel]
        write = partial(message, found, route, routes, now, settings, is_working)
        whole = guarded(f"composing a message to {recipient}", write)
        made.append(bare_message(found, route, now, settings, is_working) if isinstance(whole, Fault) else whole)
    return made


def who_hears(event: IncidentEvent, routes: Sequence[Route], told: Collection[tuple[str, str]]) -> list[Route]:
    """An escalation is for the next contact, or once more for the last one when there is none; what changes is for all
    contacts so far; an end is for those who heard of the beginning."""

    def at(level: int) -> list[Route]:
        found = [
            recipients(routes, event.incident_class, audience, event.sender, level) for audience in event.audiences
        ]
        return list({(each.recipient, each.channel): each for part in found for each in part}.values())

    if event.kind == "closed":
        heard = {(each.recipient, each.channel): each for each in reversed(routes)}
        return [heard[key] for key in sorted(told) if key in heard]
    if event.kind == "escalated":
        return next((found for level in range(event.level, 0, -1) if (found := at(level))), [])
    levels = range(1, event.level + 1)
    return list({(each.recipient, each.channel): each for level in levels for each in at(level)}.values())


def message(
    events: Sequence[IncidentEvent],
    route: Route,
    routes: Sequence[Route],
    now: dt.datetime,
    settings: Settings,
    is_working: Callable[[dt.date], bool],
) -> Message:
    zone = ZoneInfo(settings.timezone)
    opens = sorted({event.incident_id for event in events if event.kind != "closed"})
    closes = sorted({event.incident_id for event in events if event.kind == "closed"} - set(opens))
    classes = {event.incident_class for event in events}
    receipts = receipts_of(events) if route.audience != "engineer" else []
    return Message(
        dedup_key=key([event.event_id for event in events], route),
        recipient=route.recipient,
        channel=route.channel,
        message_class=next(each for each in URGENCY if each in classes),
        kind="incident",
        subject=subject(events, zone, route.audience),
        body=body(events, route, routes, zone, settings),
        not_before=not_before(route, now, zone, is_working),
        sender=events[0].sender,
        incident_ids=tuple(sorted({*opens, *closes})),
        attachments=tuple(Attachment("receipt", delivery_id=delivery) for delivery in receipts[:MOST_RECEIPTS]),
        is_digest=route.digest is not None,
        about={"opens": opens, "closes": closes, "audience": route.audience},
    )


def bare_message(
    events: Sequence[IncidentEvent],
    route: Route,
    now: dt.datetime,
    settings: Settings,
    is_working: Callable[[dt.date], bool],
) -> Message:
    """What is told when the words cannot be written: which incidents there are. One that cannot be told of holds up no
    other, and is not lost."""
    opens = sorted({event.incident_id for event in events if event.kind != "closed"})
    closes = sorted({event.incident_id for event in events if event.kind == "closed"} - set(opens))
    said = words(route.audience)
    names = [f"{incident_texts()[event.condition].name} (№ {event.incident_id})" for event in events]
    classes = {event.incident_class for event in events}
    return Message(
        dedup_key=key([event.event_id for event in events], route),
        recipient=route.recipient,
        channel=route.channel,
        message_class=next(each for each in URGENCY if each in classes),
        kind="incident",
        subject=shortened(names[0], WIDEST_SUBJECT),
        body="\n".join([said["greeting"], "", *names, "", "-- ", said["signature"], ""]),
        not_before=not_before(route, now, ZoneInfo(settings.timezone), is_working),
        sender=events[0].sender,
        incident_ids=tuple(sorted({*opens, *closes})),
        about={"opens": opens, "closes": closes, "audience": route.audience},
    )


def receipts_of(events: Sequence[IncidentEvent]) -> list[int]:
    """The deliveries whose receipts say what to mend, the newest first; what was mended needs none."""
    wrong = {each for event in events if event.incident_class == "data" and event.kind != "closed"
             for each in event.deliveries}  # fmt: skip
    return sorted(wrong, reverse=True)


def key(event_ids: Sequence[int], route: Route) -> str:
    """Two messages of one key are one: the same events to the same recipient by the same channel."""
    parts = ["incident", route.recipient, route.channel, *map(str, sorted(event_ids))]
    return "incident:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]


def subject(events: Sequence[IncidentEvent], zone: ZoneInfo, audience: Audience) -> str:
    """What is worst first; of several how many more."""
    first, *rest = in_order(events)
    name = "" if audience == "engineer" or not first.sender_name else f"{first.sender_name}: "
    title = told_of(first, zone).title
    title = title if first.sender_name and first.sender_name in title else name + title
    more = words(audience)["more"].format(count=len(rest)) if rest else ""
    return shortened(title, WIDEST_SUBJECT - len(more)) + more


def in_order(events: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    """What is open before what is closed, our own failures before data before lateness."""
    return sorted(events, key=lambda event: (event.kind == "closed", URGENCY.index(event.incident_class)))


def body(
    events: Sequence[IncidentEvent], route: Route, routes: Sequence[Route], zone: ZoneInfo, settings: Settings
) -> str:
    """Plain text for a phone: what, where, how to mend; then whom to ask."""
    said = words(route.audience)
    parts = [said["greeting"]]
    if route.audience == "officer" and events[0].sender_name:
        parts.append(events[0].sender_name)
    for event in in_order(events):
        text = told_of(event, zone)
        lines = [text.title, *(f"— {line}" for line in text.lines)]
        if text.mend:
            lines.append(said["mend"].format(mend=text.mend) if event.kind != "closed" else text.mend)
        if route.audience == "engineer":
            lines += further(event, settings)
        parts.append("\n".join(lines))
    parts.append("\n".join(["-- ", said["signature"], *answer_to(route, routes, events[0].sender)]))
    return "\n\n".join(parts) + "\n"


def further(event: IncidentEvent, settings: Settings) -> list[str]:
    """The run's page and the commands to look further, for engineers."""
    told = []
    if flow_run := event.details.get("flow_run_id"):
        told.append(f"Run: http://127.0.0.1:{settings.prefect_port}/runs/flow-run/{flow_run}")
    if run_id := event.details.get("run_id"):
        told.append(f"Log: profmin logs {run_id}")
    return [*told, f"Look further: profmin incidents show {event.incident_id}"]


def answer_to(route: Route, routes: Sequence[Route], sender: str | None) -> list[str]:
    """Whom a sender may ask: the officer who is told of the same."""
    if route.audience != "sender":
        return []
    officer = officer_mail(routes, sender)
    if officer is None:
        return [phrases()["message.ask"]]
    return [phrases()["message.ask.officer"].format(name=officer.recipient, address=officer.address)]


def officer_mail(routes: Sequence[Route], sender: str | None) -> Route | None:
    """The first officer with a mail address who is told of a sender's data."""
    officers = recipients(routes, "data", "officer", sender, 1)
    return next(
        (each for each in officers if each.channel == "email" and EMAIL.fullmatch(each.address)
         and not SECRET.search(each.address)),
        None,
    )  # fmt: skip


def words(audience: str) -> dict[str, str]:
    """The frame of a message in the language of its audience."""
    own = phrases("en" if audience == "engineer" else "ru")
    return {name: own[f"message.{name}"] for name in ("greeting", "mend", "more", "signature")}


def shortened(text: str, longest: int) -> str:
    flat = re.sub(r"\s+", " ", text).strip()
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip(" ,.:;") + "…"
