"""Statements that there is nothing to report: those that come as files, and those that an officer records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.circumstances import Said
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import write_changed
from flows.intake.arrival import Arrival, Key
from flows.intake.outcome import NOBODY, Outcome
from flows.intake.statement_file import BY, answer_name, reason_of, statement_text, unclear, understood
from warehouse.incidents.nothing_to_report import Duty, Statement, duties, record, withdraw

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


def statements_in(
    connection: Connection, arrivals: Sequence[Arrival], now: dt.datetime, settings: Settings, sender: str | None
) -> dict[Key, tuple[Said, str]]:
    """What arrivals state and in which words, by their keys; those that state nothing are left out.

    To a text that is not understood a note goes back at once, and it is read like any other file, which refuses it.
    `sender` says whose the files are, not the folder.
    """
    zone = ZoneInfo(settings.timezone)
    found: dict[Key, tuple[Said, str]] = {}
    for arrival in arrivals:
        text = statement_text(arrival)
        if text is None:
            continue
        place = sender or arrival.owner
        said = understood(
            connection, arrival, place, text, arrival.came(now, is_vouched=settings.vouches_for(arrival.channel)), zone
        )
        if isinstance(said, Said):
            found[arrival.key] = said, reason_of(arrival, text)
        else:
            path = settings.outbox / (place or NOBODY) / answer_name(arrival.file, arrival.sha256)
            write_changed(path, unclear(said, PurePath(arrival.file).name), settings.outbox)
    return found


def take_statements(
    connection: Connection,
    arrivals: Sequence[Arrival],
    said: Mapping[Key, tuple[Said, str]],
    settings: Settings,
    run_id: int | None,
) -> dict[Key, Outcome]:
    """Record what arrivals state, in the transaction that records them; an outcome for each that is a statement."""
    zone = ZoneInfo(settings.timezone)
    stating = [each for each in arrivals if each.key in said]
    made = [
        Statement(**vars(what), reason=reason, stated_by=BY, stated_at=each.received_at, delivery_id=each.delivery_id)
        for each, (what, reason) in ((each, said[each.key]) for each in stating)
    ]
    new = record(connection, made, settings.lock_wait, run_id)
    return {
        arrival.key: Outcome(
            file=arrival.file, sha256=arrival.sha256, folder=arrival.folder, form=each.form, sender=each.sender,
            as_of=each.as_of or arrival.received_at.astimezone(zone).date(), verdict="accepted",
            delivery_id=arrival.delivery_id, is_repeat=not is_new,
        )
        for arrival, each, is_new in zip(stating, made, new, strict=True)
    }  # fmt: skip


def state_nothing(
    engine: Engine,
    settings: Settings,
    sender: str,
    form: str,
    campaign: str | None,
    as_of: dt.date | None,
    reason: str,
    by: str,
    now: dt.datetime,
) -> str:
    """Record what a sender told an officer; a sentence that says what was recorded. Raises UsageError.

    Without a campaign the one that runs; a form of nights needs its night.
    """
    if not reason.strip() or not by.strip():
        raise UsageError("скажите, почему сообщать нечего (--reason) и кто это сообщил (--by)")
    with engine.begin() as connection:
        said = _asked(connection, settings, sender, form, campaign, as_of, reason.strip(), by.strip(), now)
        (is_new,) = record(connection, [said], settings.lock_wait)
    what = f"{form}, {sender}, {said.slot}"
    return f"Записано, сообщать нечего: {what}" if is_new else f"Уже было заявлено, сообщать нечего: {what}"


def take_back(
    engine: Engine,
    settings: Settings,
    sender: str,
    form: str,
    campaign: str | None,
    as_of: dt.date | None,
    by: str,
    now: dt.datetime,
) -> str:
    """Withdraw a statement; a sentence that says so. Raises UsageError when there is none."""
    with engine.begin() as connection:
        said = _asked(connection, settings, sender, form, campaign, as_of, "-", by, now)
        if not withdraw(connection, said, by, now, settings.lock_wait):
            raise UsageError(f"никто не заявлял, что сообщать нечего: {form}, {sender}, {said.slot}")
    return f"Отозвано: {form}, {sender}, {said.slot}"


def _asked(
    connection: Connection,
    settings: Settings,
    sender: str,
    form: str,
    campaign: str | None,
    as_of: dt.date | None,
    reason: str,
    by: str,
    now: dt.datetime,
) -> Statement:
    """The statement that is meant. Raises UsageError for what the sender does not owe."""
    if campaign is not None and as_of is not None:
        raise UsageError("назовите кампанию или ночь, не обе")
    day = as_of or now.astimezone(ZoneInfo(settings.timezone)).date()
    owed = {duty.form: duty for duty in duties(connection, sender, day, campaign)}
    duty = owed.get(form)
    if duty is None:
        told = ", ".join(_named(each) for each in owed.values()) or "ничего, о чём это можно заявить"
        where = f"в кампании {campaign}" if campaign else f"на {day}"
        raise UsageError(f"{sender} не должен присылать {form} {where}; должен: {told}")
    if duty.campaign is None and as_of is None:
        raise UsageError(f"{form} ждут каждую ночь: назовите её, --as-of")
    if duty.campaign is not None and as_of is not None:
        raise UsageError(f"{form} ждут раз в кампанию, не каждую ночь: назовите её, --campaign {duty.campaign}")
    return Statement(form, sender, duty.campaign, as_of, reason, by, now)


def _named(duty: Duty) -> str:
    return f"{duty.form} ({duty.campaign})" if duty.campaign else f"{duty.form} (каждую ночь)"
