"""Reminders: a sender's own contact hears before the deadline what is still missing, and once after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.forms import FORMS
from contracts.grain import SCHOOL
from contracts.regions.pack import Region
from contracts.regions.route import Route
from contracts.texts import phrases
from contracts.texts.spans import span_words
from flows.home.settings import Settings
from flows.intake.incoming import discover
from flows.intake.seen import unseen
from flows.messages.composing import answer_to, shortened
from flows.messages.routing import not_before, recipients, routes
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


@retried
def remind(engine: Engine, settings: Settings, region: Region, now: dt.datetime, run_id: int | None = None) -> int:
    """Write the reminders of a region for the working day on which `now` lies there; says how many are new.

    A message a sender, form, campaign (or month, year, first night of a silence), step and way; a step is never told
    twice, and one that was missed is told late only while it is still its day. Raises UsageError for a wrong routing.
    """
    day = now.astimezone(region.zone).date()
    table = routes(settings, region)
    steps = sorted({int(step) for step in settings.remind_days.split(",")})
    underway = _unread(engine, settings.inbox)
    with engine.begin() as connection:
        dues = owed(connection, region.code, day, steps)
        is_working = working_days(connection, region.code)
        messages = [
            message
            for due in dues
            for message in _reminders_of(due, table, region.zone, now, is_working, is_underway=due.sender in underway)
        ]
        return enqueue(connection, messages, now, run_id)


def _unread(engine: Engine, inbox: Path) -> set[str]:
    """Senders of whom something has come that nobody has read yet."""
    here = {file.folder for file in unseen(engine, discover(inbox)) if file.left_out is None}
    with engine.connect() as connection:
        return {folder for folder in here | folders_waiting(connection) if folder is not None}


def _reminders_of(
    due: Owed,
    table: Sequence[Route],
    zone: ZoneInfo,
    now: dt.datetime,
    is_working: Callable[[dt.date], bool],
    *,
    is_underway: bool,
) -> Iterable[Message]:
    """A message to each contact of the sender who can still be told today; quiet hours may last until tomorrow."""
    today = now.astimezone(zone).date()
    midnight = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), zone)
    title, text, foot = _subject(due), _body(due, zone), ("-- ", phrases()["message.signature"])
    for route in recipients(table, "lateness", "sender", due.sender, 1):
        moment = not_before(route, now + UNREAD_WAIT if is_underway else now, zone, is_working, digest=False)
        if moment >= midnight:
            continue
        occasion = due.campaign or (due.owed_from or due.nights[0]).isoformat()
        yield Message(
            dedup_key=f"reminder:{due.form}:{due.sender}:{occasion}:{due.deadline}:{due.step}"
            f":{route.recipient}/{route.channel}",
            recipient=route.recipient,
            channel=route.channel,
            message_class="lateness",
            kind="reminder",
            subject=shortened(f"{due.sender_name}: {title}", WIDEST_SUBJECT),
            body="\n".join([text, "", *foot, *answer_to(route, table, due.sender), ""]),
            not_before=moment,
            sender=due.sender,
            attachments=(Attachment("template", form=due.form, sender=due.sender),) if not due.counts_pupils else (),
            about={**due.about, "until": midnight.isoformat()},
        )


def _subject(due: Owed) -> str:
    words = phrases()
    if due.nights:
        return words["reminder.subject.nights"].format(form=due.form_title, nights=_days(due.nights))
    of_span = "" if due.campaign else f" {_span(due)}"
    code = "reminder.subject" if due.step < 0 else "reminder.subject.past"
    code = "reminder.subject.today" if due.step == 0 else code
    return words[code].format(form=due.form_title, deadline=_date(due.deadline)) + of_span


def _body(due: Owed, zone: ZoneInfo) -> str:
    """Plain text: what and until when, what is there and what is not, what to do."""
    texts = phrases()
    paragraphs = [texts["message.greeting"], "\n".join(_what_is_due(due))]
    if not due.nights:
        paragraphs.append("\n".join(_what_has_come(due, zone)))
    of_schools = any(form.name == due.form and form.grain == (SCHOOL,) for form in FORMS)
    fill = "fill" if due.covers_schools and of_schools else "fill_any"
    do = "export" if due.counts_pupils else "mend" if due.is_received else fill
    paragraphs.append(texts[f"reminder.do.{do}"])
    if not due.is_received:
        quoted = f"«Сообщать нечего, {due.form_title}{_for_what(due)}»"
        paragraphs.append(texts["reminder.ask_nothing"].format(words=quoted))
    paragraphs.append(texts["reminder.sent"])
    return "\n\n".join(paragraphs)


def _what_is_due(due: Owed) -> list[str]:
    words = phrases()
    if due.nights:
        sentence = words["reminder.nights"].format(
            form=due.form_title, nights=_days(due.nights), deadline=_date(due.deadline)
        )
    else:
        sentence = words["reminder.what"].format(
            form=due.form_title, campaign=due.campaign_title or _span(due), deadline=_date(due.deadline)
        )
    if due.step > 0:
        return [sentence, words["reminder.days_left.past"]]
    if due.step == 0:
        return [sentence, words["reminder.days_left.none"]]
    return [sentence, words["reminder.days_left"].format(days=-due.step)]


def _what_has_come(due: Owed, zone: ZoneInfo) -> list[str]:
    """What has come, and the schools of which nothing is accepted."""
    words = phrases()
    lines = []
    if due.refused_at is not None:
        when = f"{due.refused_at.astimezone(zone):%d.%m.%Y %H:%M}"
        lines.append(words["reminder.state.refused"].format(when=when))
    elif not due.is_received:
        lines.append(words["reminder.state.nothing"])
    if not due.is_received:
        if due.schools:
            lines += [words["reminder.schools.all"].format(count=due.schools), *_listed(due.missing)]
        return lines
    lines.append(words["reminder.state.partial"])
    for code, names in (("rejected", due.rejected), ("missing", due.missing)):
        if names:
            lines += [words[f"reminder.schools.{code}"].format(count=len(names)), *_listed(names)]
    return lines


def _for_what(due: Owed) -> str:
    """What is added to the name of the form in a statement; nothing of a campaign, which is known by its day."""
    if due.nights:
        return f", {_days(due.nights[-1:])}"
    return "" if due.campaign else f", {_span(due)}"


def _span(due: Owed) -> str:
    """«за сентябрь 2023» of what is owed for a month or a year."""
    return f"за {span_words(due.every, due.owed_from)}" if due.owed_from else ""


def _listed(names: Sequence[str]) -> list[str]:
    more = len(names) - MOST_SCHOOLS
    lines = [f"— {name}" for name in names[:MOST_SCHOOLS]]
    return [*lines, phrases()["reminder.more"].format(count=more)] if more > 0 else lines


def _days(nights: Sequence[dt.date]) -> str:
    """Single days, or from when to when if they are many."""
    if len(nights) > MOST_NIGHTS:
        return f"{_date(nights[0])}–{_date(nights[-1])}"
    return ", ".join(map(_date, nights))


def _date(day: dt.date) -> str:
    return f"{day:%d.%m.%Y}"
