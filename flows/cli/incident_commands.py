"""`profmin incidents …`: what is wrong, since when, who was told, and what people do about it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from contracts.texts import in_words
from flows.home.json_output import plain, write
from flows.home.usage import UsageError, day, must_be_known

if TYPE_CHECKING:
    from sqlalchemy import Connection

commands = typer.Typer(help="Что не так, с каких пор, кому сказано и кто этим занят.")

CLASSES = in_words("incident_class")

Id = Annotated[int, typer.Argument(help="Номер инцидента.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Только документ JSON.")]
Reason = Annotated[str, typer.Option(help="Почему, одним предложением; хранится всегда.")]
By = Annotated[str, typer.Option(help="Кто так решил; хранится всегда.")]


@commands.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    closed_too: Annotated[bool, typer.Option("--all", help="И закрытые.")] = False,
    of_class: Annotated[str | None, typer.Option("--class", help=f"Только эти: {', '.join(CLASSES)}.")] = None,
    sender: Annotated[str | None, typer.Option(help="Только этого отправителя.")] = None,
    as_json: Json = False,
) -> None:
    """Открытые инциденты, сначала наши сбои."""
    if context.invoked_subcommand is None:
        show_list(closed_too=closed_too, of_class=of_class, sender=sender, as_json=as_json)


@commands.command("list")
def list_by_name(
    closed_too: Annotated[bool, typer.Option("--all", help="И закрытые.")] = False,
    of_class: Annotated[str | None, typer.Option("--class", help=f"Только эти: {', '.join(CLASSES)}.")] = None,
    sender: Annotated[str | None, typer.Option(help="Только этого отправителя.")] = None,
    as_json: Json = False,
) -> None:
    """Открытые инциденты, сначала наши сбои."""
    show_list(closed_too=closed_too, of_class=of_class, sender=sender, as_json=as_json)


def show_list(*, closed_too: bool, of_class: str | None, sender: str | None, as_json: bool) -> None:
    from contracts.vocabulary import rows
    from flows.cli.incident_table import show
    from flows.cli.terminal import console
    from warehouse.incidents.handling import incidents

    must_be_known([of_class] if of_class else [], list(CLASSES), "class")
    must_be_known([sender] if sender else [], [row["sender"] for row in rows("senders")], "sender")
    with opened() as (connection, zone, _):
        found = incidents(connection, closed_too=closed_too, incident_class=of_class, sender=sender)
    if as_json:
        write([plain(row._asdict()) for row in found])
    else:
        show(console(), found, zone)


@commands.command()
def show(incident_id: Id, as_json: Json = False) -> None:
    """Один инцидент: что он говорит теперь, что с ним было, кому что сказано."""
    from flows.cli.incident_table import show_one
    from flows.cli.terminal import console
    from warehouse.incidents.handling import history, incidents, messages_about

    with opened() as (connection, zone, _):
        found = incidents(connection, closed_too=True, incident_id=incident_id)
        events, messages = history(connection, incident_id), messages_about(connection, incident_id)
    if not found:
        raise UsageError(f"инцидента {incident_id} нет; все — `profmin incidents --all`")
    (row,) = found
    if as_json:
        of_it = {
            "events": [plain(each) | {"details": json.loads(each["details"])} for each in events.iter_rows(named=True)],
            "messages": [plain(each) for each in messages.iter_rows(named=True)],
        }
        write(plain(row._asdict()) | of_it)
    else:
        show_one(console(), row, events, messages, zone)


@commands.command()
def acknowledge(incident_id: Id, reason: Reason, by: By) -> None:
    """Сказать, что о нём знают: без напоминаний и следующих ступеней, пока он не изменится."""
    from warehouse.incidents.handling import acknowledge as do

    with changed() as (connection, now):
        do(connection, incident_id, by, reason, now)
    typer.echo(f"Инцидент {incident_id} принят к сведению.", err=True)


@commands.command()
def assign(incident_id: Id, to: Annotated[str, typer.Option(help="Кто им займётся.")], reason: Reason, by: By) -> None:
    """Сказать, кто им займётся."""
    from warehouse.incidents.handling import assign as do

    with changed() as (connection, now):
        do(connection, incident_id, to, by, reason, now)
    typer.echo(f"Инцидент {incident_id} поручен: {to}.", err=True)


@commands.command()
def mute(
    incident_id: Id,
    until: Annotated[
        dt.date, typer.Option(parser=day, metavar="ДАТА", help="До начала этого дня по местному времени.")
    ],
    reason: Reason,
    by: By,
) -> None:
    """Не говорить о нём никому до дня; что произойдёт, всё равно записано."""
    from warehouse.incidents.handling import mute as do

    with opened() as (connection, zone, now):
        moment = dt.datetime.combine(until, dt.time(), zone)
        with wrong_usage():
            do(connection, incident_id, moment, by, reason, now)
    typer.echo(f"Об инциденте {incident_id} не говорят до {until:%d.%m.%Y}.", err=True)


@commands.command()
def unmute(incident_id: Id, reason: Reason, by: By) -> None:
    """Снова говорить о нём."""
    from warehouse.incidents.handling import unmute as do

    with changed() as (connection, now):
        do(connection, incident_id, by, reason, now)
    typer.echo(f"Об инциденте {incident_id} снова говорят.", err=True)


@contextmanager
def opened() -> Iterator[tuple[Connection, ZoneInfo, dt.datetime]]:
    """A transaction in the warehouse, the zone in which times are shown, and the moment."""
    from flows.cli.context import settings
    from flows.home.connection import warehouse

    found = settings()
    with warehouse(found) as engine, engine.begin() as connection:
        yield connection, ZoneInfo(found.timezone), dt.datetime.now(dt.UTC)


@contextmanager
def changed() -> Iterator[tuple[Connection, dt.datetime]]:
    with opened() as (connection, _, now), wrong_usage():
        yield connection, now


@contextmanager
def wrong_usage() -> Iterator[None]:
    """What cannot be done is told in a sentence."""
    from warehouse.incidents.handling import NotOpen

    try:
        yield
    except (NotOpen, ValueError) as error:
        raise UsageError(str(error)) from None
