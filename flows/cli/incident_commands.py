"""`profmin incidents …`: what is wrong, since when, who was told, and what people do about it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.texts import in_words
from flows.cli.context import read_settings
from flows.cli.explanation_commands import commands as explanations
from flows.cli.options import Json, RegionCode
from flows.home.json_output import plain, write
from flows.home.usage import UsageError, day, must_be_known

if TYPE_CHECKING:
    from sqlalchemy import Connection

commands = typer.Typer(help="Что не так, с каких пор, кому сказано и кто этим занят.")

commands.add_typer(explanations, name="explain")

CLASSES = in_words("incident_class")

Id = Annotated[int, typer.Argument(help="Номер инцидента.", show_default=False)]
Reason = Annotated[str, typer.Option(help="Почему, одним предложением; хранится всегда.")]
By = Annotated[str, typer.Option(help="Кто так решил; хранится всегда.")]


@commands.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    closed_too: Annotated[bool, typer.Option("--all", help="И закрытые.")] = False,
    of_class: Annotated[str | None, typer.Option("--class", help=f"Только эти: {', '.join(CLASSES)}.")] = None,
    sender: Annotated[str | None, typer.Option(help="Только этого отправителя.")] = None,
    region: RegionCode = None,
    as_json: Json = False,
) -> None:
    """Открытые инциденты, сначала наши сбои."""
    if context.invoked_subcommand is None:
        _show_list(closed_too=closed_too, of_class=of_class, sender=sender, region=region, as_json=as_json)


@commands.command("list")
def list_by_name(
    closed_too: Annotated[bool, typer.Option("--all", help="И закрытые.")] = False,
    of_class: Annotated[str | None, typer.Option("--class", help=f"Только эти: {', '.join(CLASSES)}.")] = None,
    sender: Annotated[str | None, typer.Option(help="Только этого отправителя.")] = None,
    region: RegionCode = None,
    as_json: Json = False,
) -> None:
    """Открытые инциденты, сначала наши сбои."""
    _show_list(closed_too=closed_too, of_class=of_class, sender=sender, region=region, as_json=as_json)


def _show_list(
    *, closed_too: bool, of_class: str | None, sender: str | None, region: str | None, as_json: bool
) -> None:
    """Print the incidents asked for."""
    from contracts.vocabulary import rows
    from flows.cli.incident_table import show
    from flows.cli.terminal import console
    from flows.home.asked_region import asked_regions
    from warehouse.incidents.handling import incidents

    read_settings()  # which says whose packs are in force
    must_be_known([of_class] if of_class else [], list(CLASSES), "class")
    must_be_known([sender] if sender else [], [incident["sender"] for incident in rows("senders")], "sender")
    asked_regions(region)
    with _opened_warehouse() as (connection, _):
        listed = incidents(connection, closed_too=closed_too, incident_class=of_class, sender=sender, region=region)
    if as_json:
        write([plain(incident._asdict()) for incident in listed])
    else:
        show(console(), listed)


@commands.command()
def show(incident_id: Id, as_json: Json = False) -> None:
    """Один инцидент: что он говорит теперь, что с ним было, кому что сказано."""
    from flows.cli.incident_table import show_one
    from flows.cli.terminal import console
    from warehouse.incidents.handling import history, incidents, messages_about

    with _opened_warehouse() as (connection, _):
        listed = incidents(connection, closed_too=True, incident_id=incident_id)
        events, messages = history(connection, incident_id), messages_about(connection, incident_id)
    if not listed:
        raise UsageError(f"инцидента {incident_id} нет; все — `profmin incidents --all`")
    (incident,) = listed
    if as_json:
        related = {
            "events": [plain(line) | {"details": json.loads(line["details"])} for line in events.iter_rows(named=True)],
            "messages": [plain(line) for line in messages.iter_rows(named=True)],
        }
        write(plain(incident._asdict()) | related)
    else:
        show_one(console(), incident, events, messages)


@commands.command()
def acknowledge(incident_id: Id, reason: Reason, by: By) -> None:
    """Сказать, что о нём знают: без напоминаний и следующих ступеней, пока он не изменится."""
    from warehouse.incidents.handling import acknowledge as do

    with _opened_to_change() as (connection, now):
        do(connection, incident_id, by, reason, now)
    typer.echo(f"Инцидент {incident_id} принят к сведению.", err=True)


@commands.command()
def assign(incident_id: Id, to: Annotated[str, typer.Option(help="Кто им займётся.")], reason: Reason, by: By) -> None:
    """Сказать, кто им займётся."""
    from warehouse.incidents.handling import assign as do

    with _opened_to_change() as (connection, now):
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
    from contracts.regions import zone_of
    from warehouse.incidents.handling import incidents
    from warehouse.incidents.handling import mute as do

    with _opened_warehouse() as (connection, now):
        muted = incidents(connection, closed_too=True, incident_id=incident_id)
        moment = dt.datetime.combine(until, dt.time(), zone_of(muted[0].region if muted else None))
        with _refusals_in_words():
            do(connection, incident_id, moment, by, reason, now)
    typer.echo(f"Об инциденте {incident_id} не говорят до {until:%d.%m.%Y}.", err=True)


@commands.command()
def unmute(incident_id: Id, reason: Reason, by: By) -> None:
    """Снова говорить о нём."""
    from warehouse.incidents.handling import unmute as do

    with _opened_to_change() as (connection, now):
        do(connection, incident_id, by, reason, now)
    typer.echo(f"Об инциденте {incident_id} снова говорят.", err=True)


@contextmanager
def _opened_warehouse() -> Iterator[tuple[Connection, dt.datetime]]:
    """A transaction in the warehouse, and the moment."""
    from flows.home.connection import warehouse

    with warehouse(read_settings()) as engine, engine.begin() as connection:
        yield connection, dt.datetime.now(dt.UTC)


@contextmanager
def _opened_to_change() -> Iterator[tuple[Connection, dt.datetime]]:
    """A transaction for a change, and the moment; what cannot be done is wrong usage."""
    with _opened_warehouse() as (connection, now), _refusals_in_words():
        yield connection, now


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    """What cannot be done is wrong usage, told in a sentence."""
    from warehouse.incidents.handling import NotOpen

    try:
        yield
    except (NotOpen, ValueError) as error:
        raise UsageError(str(error)) from None
