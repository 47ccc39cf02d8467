"""Reminders: a sender's own contact hears before the deadline what is still missing, and once after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.forms import FORMS
from contracts.texts import phrases
from flows.home.settings import Settings
from flows.intake.incoming import discover
from flows.intake.seen import unseen
from flows.messages.composing import answer_to, shortened
from flows.messages.routing import Route, not_before, recipients, routes
from warehouse.core.transaction import retried
from warehouse.deliveries.received import folders_waiting
from warehouse.incidents.messages import Attachment, Message, enqueue, working_days
from warehouse.incidents.owed import Owed, owed

if TYPE_CHECKING:
    from sqlalchemy import Engine

UNREAD_WAIT = dt.timedelta(minutes=30)
"""Whose file has come and is not read yet is given so long, in which the reminder may turn out to be wrong."""
MOST_SCHOOLS = 20
MOST_NIGHTS = 5
WIDEST_SUBJECT = 120
FILLED_IN = frozenset(form.name for form in FORMS if form.pupils is None)


@retried
def remind(engine: Engine, settings: Settings, now: dt.datetime, run_id: int | None = None) -> int:
    """Write the reminders of the working day on which `now` lies; says how many are new.

    A message a sender, form, campaign (or first night of a silence), step and way; a step is never told twice, and one
    that was missed is told late only while it is still its day. Raises UsageError for a wrong routing.
    """
    zone = ZoneInfo(settings.timezone)
    day = now.astimezone(zone).date()
    table = routes(settings)
    steps = sorted({int(step) for step in settings.remind_days.split(",")})
    underway = unread(engine, settings.inbox)
    with engine.begin() as connection:
        found = owed(connection, day, steps)
        is_working = working_days(connection)
        messages = [
            message
            for each in found
            for message in told(each, table, now, zone, is_working, is_underway=each.sender in underway)
        ]
        return enqueue(connection, messages, now, run_id)


def unread(engine: Engine, inbox: Path) -> set[str]:
    """Senders of whom something has come that nobody has read yet."""
    here = {file.folder for file in unseen(engine, discover(inbox)) if file.left_out is None}
    with engine.connect() as connection:
        return {folder for folder in here | folders_waiting(connection) if folder is not None}


def told(
    each: Owed,
    table: Sequence[Route],
    now: dt.datetime,
    zone: ZoneInfo,
    is_working: Callable[[dt.date], bool],
    *,
    is_underway: bool,
) -> Iterable[Message]:
    """A message to each contact of the sender who can still be told today; quiet hours may last until tomorrow."""
    today = now.astimezone(zone).date()
    midnight = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), zone)
    title, text, foot = subject(each), body(each, zone), ("-- ", phrases()["message.signature"])
    for route in recipients(table, "lateness", "sender", each.sender, 1):
        moment = not_before(route, now + UNREAD_WAIT if is_underway else now, zone, is_working, digest=False)
        if moment >= midnight:
            continue
        what = each.campaign or each.nights[0].isoformat()
        yield Message(
            dedup_key=f"reminder:{each.form}:{each.sender}:{what}:{each.deadline}:{each.step}"
            f":{route.recipient}/{route.channel}",
            recipient=route.recipient,
            channel=route.channel,
            message_class="lateness",
            kind="reminder",
            subject=shortened(f"{each.sender_name}: {title}", WIDEST_SUBJECT),
            body="\n".join([text, "", *foot, *answer_to(route, table, each.sender), ""]),
            not_before=moment,
            sender=each.sender,
            attachments=(Attachment("template", form=each.form, sender=each.sender),) if each.form in FILLED_IN else (),
            about={**each.about, "until": midnight.isoformat()},
        )


def subject(each: Owed) -> str:
    said = phrases()
    if each.nights:
        return said["reminder.subject.nights"].format(form=each.form_title, nights=days(each.nights))
    code = "reminder.subject" if each.step < 0 else "reminder.subject.past"
    code = "reminder.subject.today" if each.step == 0 else code
    return said[code].format(form=each.form_title, deadline=date(each.deadline))


def body(each: Owed, zone: ZoneInfo) -> str:
    """Plain text: what and until when, what is there and what is not, what to do."""
    said = phrases()
    parts = [said["message.greeting"], "\n".join(what(each))]
    if not each.nights:
        parts.append("\n".join(state(each, zone)))
    do = "export" if each.form not in FILLED_IN else "mend" if each.is_received else "fill"
    parts.append(said[f"reminder.do.{do}"])
    if not each.is_received:
        words = f"«Сообщать нечего, {each.form_title}{f', {days(each.nights[-1:])}' if each.nights else ''}»"
        parts.append(said["reminder.ask_nothing"].format(words=words))
    parts.append(said["reminder.sent"])
    return "\n\n".join(parts)


def what(each: Owed) -> list[str]:
    said = phrases()
    if each.nights:
        found = said["reminder.nights"].format(
            form=each.form_title, nights=days(each.nights), deadline=date(each.deadline)
        )
    else:
        found = said["reminder.what"].format(
            form=each.form_title, campaign=each.campaign_title, deadline=date(each.deadline)
        )
    if each.step > 0:
        return [found, said["reminder.days_left.past"]]
    if each.step == 0:
        return [found, said["reminder.days_left.none"]]
    return [found, said["reminder.days_left"].format(days=-each.step)]


def state(each: Owed, zone: ZoneInfo) -> list[str]:
    """What has come, and the schools of which nothing is accepted."""
    said = phrases()
    lines = []
    if each.refused_at is not None:
        when = f"{each.refused_at.astimezone(zone):%d.%m.%Y %H:%M}"
        lines.append(said["reminder.state.refused"].format(when=when))
    elif not each.is_received:
        lines.append(said["reminder.state.nothing"])
    if not each.is_received:
        if each.schools:
            lines += [said["reminder.schools.all"].format(count=each.schools), *listed(each.missing)]
        return lines
    lines.append(said["reminder.state.partial"])
    for code, names in (("rejected", each.rejected), ("missing", each.missing)):
        if names:
            lines += [said[f"reminder.schools.{code}"].format(count=len(names)), *listed(names)]
    return lines


def listed(names: Sequence[str]) -> list[str]:
    more = len(names) - MOST_SCHOOLS
    lines = [f"— {name}" for name in names[:MOST_SCHOOLS]]
    return [*lines, phrases()["reminder.more"].format(count=more)] if more > 0 else lines


def days(nights: Sequence[dt.date]) -> str:
    """Single days, or from when to when if they are many."""
    if len(nights) > MOST_NIGHTS:
        return f"{date(nights[0])}–{date(nights[-1])}"
    return ", ".join(map(date, nights))


def date(day: dt.date) -> str:
    return f"{day:%d.%m.%Y}"
