"""What happened to incidents as messages: one to each recipient about each sender, whatever happened at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from contracts.regions import zone_of
from contracts.regions.route import EMAIL, SECRET, Route, Way
from contracts.texts import incident_texts, phrases
from contracts.vocabulary import contacts_of
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.messages.incident_text import event_text
from flows.messages.routing import not_before, recipients
from warehouse.incidents.messages import Attachment, Audience, Message, MessageClass
from warehouse.incidents.observe import IncidentEvent

MOST_RECEIPTS = 5
WIDEST_SUBJECT = 120
URGENCY: tuple[MessageClass, ...] = ("own", "data", "lateness")
"""A message that tells of several classes has the first of these."""
Heard = Mapping[int, Collection[Way]]
"""Id of an incident → who was told that it is open."""


def compose(
    events: Sequence[IncidentEvent],
    routes: Sequence[Route],
    now: dt.datetime,
    settings: Settings,
    heard: Heard,
    is_working: Callable[[dt.date], bool],
) -> list[Message]:
    """A message a recipient and sender about everything that one look at the incidents of one region found.

    `heard` says who heard that an incident is open: they alone hear that it is closed. An event for which the table has
    nobody makes no message. One whose words cannot be written is told bare: it holds up no other, and is not lost.
    """
    groups: dict[tuple[Way, str | None], list[IncidentEvent]] = defaultdict(list)
    used: dict[Way, Route] = {}
    for event in events:
        for route in _routes_for(event, routes, heard.get(event.incident_id, ())):
            groups[route.way, event.sender].append(event)
            used.setdefault(route.way, route)
    messages = []
    for (way, _), group in groups.items():
        bare = _bare_message(group, used[way], now, settings, is_working)
        words = partial(_in_words, bare, group, used[way], routes, settings)
        full = guarded(f"composing a message to {bare.recipient}", words)
        messages.append(bare if isinstance(full, Fault) else full)
    return messages


def _routes_for(event: IncidentEvent, routes: Sequence[Route], heard: Collection[Way]) -> list[Route]:
    """An escalation is for the next contact, or once more for the last one when there is none; what changes is for all
    contacts so far; an end is for those who heard of the beginning."""

    def at(*levels: int) -> list[Route]:
        by_way = {
            route.way: route
            for level in levels
            for audience in event.audiences
            for route in recipients(routes, event.incident_class, audience, event.sender, level)
        }
        return list(by_way.values())

    if event.kind == "closed":
        by_way = {route.way: route for route in reversed(routes)}
        return [by_way[way] for way in sorted(heard) if way in by_way]
    if event.kind == "escalated":
        return next((contacts for level in range(event.level, 0, -1) if (contacts := at(level))), [])
    return at(*range(1, event.level + 1))


def _bare_message(
    events: Sequence[IncidentEvent],
    route: Route,
    now: dt.datetime,
    settings: Settings,
    is_working: Callable[[dt.date], bool],
) -> Message:
    """A message that only names the incidents."""
    opens = sorted({event.incident_id for event in events if event.kind != "closed"})
    closes = sorted({event.incident_id for event in events if event.kind == "closed"} - set(opens))
    frame = _frame(route.audience)
    names = [f"{incident_texts()[event.condition].name} (№ {event.incident_id})" for event in events]
    classes = {event.incident_class for event in events}
    return Message(
        dedup_key=_key([event.event_id for event in events], route),
        recipient=route.recipient,
        channel=route.channel,
        message_class=next(urgent for urgent in URGENCY if urgent in classes),
        kind="incident",
        subject=shortened(names[0], WIDEST_SUBJECT),
        body="\n".join([frame["greeting"], "", *names, "", "-- ", frame["signature"], ""]),
        not_before=not_before(route, now, zone_of(events[0].region), is_working),
        sender=events[0].sender,
        incident_ids=tuple(sorted({*opens, *closes})),
        about={"opens": opens, "closes": closes, "audience": route.audience},
    )


def _in_words(
    bare: Message, events: Sequence[IncidentEvent], route: Route, routes: Sequence[Route], settings: Settings
) -> Message:
    """The message with what happened in words, and the receipts that say what to mend."""
    receipts = _receipts_to_mend(events) if route.audience != "engineer" else []
    return replace(
        bare,
        subject=_subject(events, route.audience),
        body=_body(events, route, routes, settings),
        attachments=tuple(Attachment("receipt", delivery_id=delivery) for delivery in receipts[:MOST_RECEIPTS]),
        is_digest=route.digest is not None,
    )


def _receipts_to_mend(events: Sequence[IncidentEvent]) -> list[int]:
    """The deliveries whose receipts say what to mend, the newest first; what was mended needs none."""
    to_mend = {delivery for event in events if event.incident_class == "data" and event.kind != "closed"
             for delivery in event.deliveries}  # fmt: skip
    return sorted(to_mend, reverse=True)


def _key(event_ids: Sequence[int], route: Route) -> str:
    """Two messages of one key are one: the same events to the same recipient by the same channel."""
    told_apart_by = ["incident", route.recipient, route.channel, *map(str, sorted(event_ids))]
    return "incident:" + hashlib.sha256("\n".join(told_apart_by).encode()).hexdigest()[:40]


def _subject(events: Sequence[IncidentEvent], audience: Audience) -> str:
    """What is worst first; of several how many more."""
    first, *rest = _worst_first(events)
    name = "" if audience == "engineer" or not first.sender_name else f"{first.sender_name}: "
    title = event_text(first).title
    title = title if first.sender_name and first.sender_name in title else name + title
    more = _frame(audience)["more"].format(count=len(rest)) if rest else ""
    return shortened(title, WIDEST_SUBJECT - len(more)) + more


def _worst_first(events: Sequence[IncidentEvent]) -> list[IncidentEvent]:
    """What is open before what is closed, our own failures before data before lateness."""
    return sorted(events, key=lambda event: (event.kind == "closed", URGENCY.index(event.incident_class)))


def _body(events: Sequence[IncidentEvent], route: Route, routes: Sequence[Route], settings: Settings) -> str:
    """Plain text for a phone: what, where, how to mend; then whom to ask."""
    frame = _frame(route.audience)
    paragraphs = [frame["greeting"]]
    if route.audience == "officer" and events[0].sender_name:
        paragraphs.append("\n".join([events[0].sender_name, *whom_to_call(events[0].sender)]))
    for event in _worst_first(events):
        text = event_text(event)
        lines = [text.title, *(f"— {line}" for line in text.lines)]
        if text.mend:
            lines.append(frame["mend"].format(mend=text.mend) if event.kind != "closed" else text.mend)
        if route.audience == "engineer":
            lines += _engineers_lines(event, settings)
        paragraphs.append("\n".join(lines))
    paragraphs.append("\n".join(["-- ", frame["signature"], *answer_to(route, routes, events[0].sender)]))
    return "\n\n".join(paragraphs) + "\n"


def whom_to_call(sender: str | None) -> list[str]:
    """Lines that tell an officer whom to call at a sender's."""
    return [phrases()["message.call"].format(contact=contact) for contact in contacts_of(sender or "")]


def _engineers_lines(event: IncidentEvent, settings: Settings) -> list[str]:
    """The run's page and the commands to look further, for engineers."""
    lines = []
    if flow_run := event.details.get("flow_run_id"):
        lines.append(f"Run: http://127.0.0.1:{settings.prefect_port}/runs/flow-run/{flow_run}")
    if run_id := event.details.get("run_id"):
        lines.append(f"Log: profmin logs {run_id}")
    return [*lines, f"Look further: profmin incidents show {event.incident_id}"]


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
        (officer for officer in officers if officer.channel == "email" and EMAIL.fullmatch(officer.address)
         and not SECRET.search(officer.address)),
        None,
    )  # fmt: skip


def _frame(audience: str) -> dict[str, str]:
    """The frame of a message in the language of its audience."""
    texts = phrases("en" if audience == "engineer" else "ru")
    return {name: texts[f"message.{name}"] for name in ("greeting", "mend", "more", "signature")}


def shortened(text: str, longest: int) -> str:
    """The text on one line, cut to so many letters."""
    flat = re.sub(r"\s+", " ", text).strip()
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip(" ,.:;") + "…"
