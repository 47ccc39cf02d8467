"""Statements that there is nothing to report: those that come as files, and those that an officer records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from contracts.circumstances import NothingToReport
from contracts.regions import zone_at
from contracts.texts.spans import span_words
from flows.home.keyring import keyring_of
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import write_changed
from flows.intake.arrival import Arrival, Key
from flows.intake.outcome import NOBODY, Outcome
from flows.intake.statement_file import BY, answer_name, reason_of, statement_text, unclear, understood
from warehouse.incidents.nothing_to_report import Duty, Statement, duties, duty_of_month, record, withdraw

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


@dataclass(frozen=True)
class OfficerStatement:
    """What an officer records of a sender and a form at a moment: who said it, and why there is nothing to report.

    Without a campaign it is of the one that runs then; a form of nights needs its night, `as_of`; one of months is of
    the month of that day, else of the one that is owed then.
    """

    sender: str
    form: str
    by: str
    at: dt.datetime
    reason: str = ""
    campaign: str | None = None
    as_of: dt.date | None = None


def statements_in(
    connection: Connection, arrivals: Sequence[Arrival], now: dt.datetime, settings: Settings, sender: str | None
) -> dict[Key, tuple[NothingToReport, str]]:
    """What arrivals state and in which words, by their keys; those that state nothing are left out.

    To a text that is not understood a note goes back at once, and it is read like any other file, which refuses it.
    `sender` says whose the files are, not the folder.
    """
    statements: dict[Key, tuple[NothingToReport, str]] = {}
    keyring = keyring_of(settings)
    for arrival in arrivals:
        text = statement_text(arrival, keyring)
        if text is None:
            continue
        place = sender or arrival.owner
        understanding = understood(
            connection, arrival, place, text, arrival.came(now, is_vouched=settings.vouches_for(arrival.channel))
        )
        if isinstance(understanding, NothingToReport):
            statements[arrival.key] = understanding, reason_of(arrival, text)
        else:
            path = settings.outbox / (place or NOBODY) / answer_name(arrival.file, arrival.sha256)
            write_changed(path, unclear(understanding, PurePath(arrival.file).name), settings.outbox)
    return statements


def take_statements(
    connection: Connection,
    arrivals: Sequence[Arrival],
    statements: Mapping[Key, tuple[NothingToReport, str]],
    settings: Settings,
    run_id: int | None,
) -> dict[Key, Outcome]:
    """Record what arrivals state, in the transaction that records them; an outcome for each that is a statement."""
    stating = [arrival for arrival in arrivals if arrival.key in statements]
    made = [
        Statement(
            **vars(nothing), reason=reason, stated_by=BY, stated_at=arrival.received_at, delivery_id=arrival.delivery_id
        )
        for arrival, (nothing, reason) in ((arrival, statements[arrival.key]) for arrival in stating)
    ]
    new = record(connection, made, settings.lock_wait, run_id)
    return {
        arrival.key: Outcome(
            file=arrival.file, sha256=arrival.sha256, folder=arrival.folder, form=statement.form,
            sender=statement.sender,
            as_of=statement.as_of or arrival.received_at.astimezone(zone_at(statement.sender)).date(),
            verdict="accepted", delivery_id=arrival.delivery_id, is_repeat=not is_new,
        )
        for arrival, statement, is_new in zip(stating, made, new, strict=True)
    }  # fmt: skip


def state_nothing(engine: Engine, asked: OfficerStatement, settings: Settings) -> str:
    """Record what a sender told an officer; a sentence that says what was recorded. Raises UsageError."""
    if not asked.reason.strip() or not asked.by.strip():
        raise UsageError("скажите, почему сообщать нечего (--reason) и кто это сообщил (--by)")
    with engine.begin() as connection:
        statement, slot = _owed_statement(connection, asked)
        (is_new,) = record(connection, [statement], settings.lock_wait)
    what = f"{asked.form}, {asked.sender}, {slot}"
    return f"Записано, сообщать нечего: {what}" if is_new else f"Уже было заявлено, сообщать нечего: {what}"


def take_back(engine: Engine, asked: OfficerStatement, settings: Settings) -> str:
    """Withdraw a statement; a sentence that says so. Raises UsageError when there is none."""
    with engine.begin() as connection:
        statement, slot = _owed_statement(connection, asked)
        what = f"{asked.form}, {asked.sender}, {slot}"
        if not withdraw(connection, statement, asked.by, asked.at, settings.lock_wait):
            raise UsageError(f"никто не заявлял, что сообщать нечего: {what}")
    return f"Отозвано: {what}"


def _owed_statement(connection: Connection, asked: OfficerStatement) -> tuple[Statement, str]:
    """The statement that is meant, and for what it is. Raises UsageError for what the sender does not owe."""
    form, sender, campaign, as_of = asked.form, asked.sender, asked.campaign, asked.as_of
    if campaign is not None and as_of is not None:
        raise UsageError("назовите кампанию или ночь, не обе")
    day = as_of or asked.at.astimezone(zone_at(sender)).date()
    owed = {duty.form: duty for duty in duties(connection, sender, day, campaign)}
    duty = owed.get(form)
    if as_of is not None and (duty is None or duty.expected == "month"):
        duty = duty_of_month(connection, sender, form, as_of) or (duty if duty and duty.expected != "month" else None)
    if duty is None:
        forms = ", ".join(_named(duty) for duty in owed.values()) or "ничего, о чём это можно заявить"
        where = f"в кампании {campaign}" if campaign else f"на {day}"
        raise UsageError(f"{sender} не должен присылать {form} {where}; должен: {forms}")
    if duty.expected == "day" and as_of is None:
        raise UsageError(f"{form} ждут каждую ночь: назовите её, --as-of")
    if duty.campaign is not None and as_of is not None:
        raise UsageError(f"{form} ждут раз в кампанию, не каждую ночь: назовите её, --campaign {duty.campaign}")
    since = None if duty.campaign else as_of if duty.expected == "day" else duty.owed_from
    statement = Statement(form, sender, duty.campaign, since, asked.reason.strip(), asked.by.strip(), asked.at)
    return statement, statement.slot if duty.expected in ("campaign", "day") else _span(duty)


def _named(duty: Duty) -> str:
    if duty.campaign:
        return f"{duty.form} ({duty.campaign})"
    return f"{duty.form} ({'каждую ночь' if duty.expected == 'day' else _span(duty)})"


def _span(duty: Duty) -> str:
    return f"за {span_words(duty.expected, duty.owed_from)}"
