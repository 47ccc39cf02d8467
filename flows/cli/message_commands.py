"""`profmin messages …` and `profmin routing`: what was said to whom, and who would be told what."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.texts import in_words
from flows.cli.context import read_settings
from flows.cli.options import Json, RegionCode
from flows.home.json_output import Document, plain, write
from flows.home.shown import local_time
from flows.home.usage import UsageError, must_be_known

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from contracts.regions.pack import Region
    from contracts.regions.route import Route
    from flows.home.settings import Settings
    from warehouse.incidents.messages import Attachment, KeptMessage

commands = typer.Typer(help="Сообщения отправителям, сотрудникам и инженерам: что сказано, что ждёт, что не удалось.")

OUTCOMES, CLASSES = in_words("message_outcome"), in_words("incident_class")
COLOURS = {"sent": "green", "failed": "red", "waiting": "yellow", "sending": "yellow", "cancelled": "dim"}
AUDIENCES = {"sender": "отправитель", "officer": "сотрудник", "engineer": "инженер"}


@commands.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    outcome: Annotated[str | None, typer.Option(help=f"Только эти: {', '.join(OUTCOMES)}.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Сколько.")] = 30,
    region: RegionCode = None,
    as_json: Json = False,
) -> None:
    """Последние сообщения: кому, какого класса, о чём, чем кончилось."""
    if context.invoked_subcommand is not None:
        return
    from rich.markup import escape
    from rich.table import Table

    from contracts.regions import only_region, zone_of
    from flows.cli.terminal import console
    from flows.home.asked_region import asked_regions
    from flows.home.connection import warehouse
    from warehouse.incidents.messages import listed

    must_be_known([outcome] if outcome is not None else [], list(OUTCOMES), "outcome")
    settings = read_settings()
    asked_regions(region)
    with warehouse(settings) as engine, engine.connect() as connection:
        messages = listed(connection, most, outcome, region=region)
    if as_json:
        write([_document(message) for message in messages])
        return
    if not messages:
        typer.echo("Сообщений нет.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    several = only_region() is None
    for name in ("№", *(["регион"] if several else []), "когда", "кому", "канал", "класс", "тема", "чем кончилось"):
        table.add_column(name, overflow="fold")
    for message in messages:
        colour, zone = COLOURS[message.outcome], zone_of(message.region)
        table.add_row(
            str(message.message_id), *([message.region or "—"] if several else []),
            local_time(message.created_at, zone), escape(message.recipient), message.channel,
            CLASSES[message.message_class], escape(message.subject),
            f"[{colour}]{escape(_outcome_words(message, zone))}[/{colour}]",
        )  # fmt: skip
    console().print(table)


@commands.command()
def show(
    message_id: Annotated[int, typer.Argument(help="Номер сообщения.", show_default=False)], as_json: Json = False
) -> None:
    """Сообщение, как оно написано, и чем кончилось."""
    from contracts.regions import name_of, zone_of
    from flows.home.connection import warehouse
    from warehouse.incidents.messages import listed

    with warehouse(read_settings()) as engine, engine.connect() as connection:
        messages = listed(connection, 1, message_id=message_id)
    if not messages:
        raise UsageError(f"сообщения {message_id} нет; все — `profmin messages`")
    (message,) = messages
    if as_json:
        write(_document(message))
        return
    zone = zone_of(message.region)
    incidents = ", ".join(map(str, message.incident_ids))
    for name, value in (
        ("Регион", message.region and name_of(message.region)),
        ("Кому", f"{message.recipient} ({message.channel})"), ("Класс", CLASSES[message.message_class]),
        ("Написано", local_time(message.created_at, zone)), ("Исход", _outcome_words(message, zone)),
        ("Попыток", message.attempts), ("Ошибка", message.error), ("Инциденты", incidents),
        ("Приложения", _attachments_words(message.attachments)), ("Тема", message.subject),
    ):  # fmt: skip
        if value:
            typer.echo(f"{name}: {value}")
    typer.echo(f"\n{message.body}")


@commands.command()
def send(as_json: Json = False) -> None:
    """Посмотреть на инциденты и разослать, что пора, как в конце запуска; выход 1, если что-то не удалось совсем."""
    from contracts.regions import regions
    from flows.home.connection import warehouse
    from flows.messages.after_run import write_down
    from flows.messages.delivering import deliver
    from flows.runs.each_region import of_each

    settings = read_settings()
    settings.prepare()
    now = dt.datetime.now(dt.UTC)
    with warehouse(settings) as engine:
        if len(regions()) == 1:
            write_down(engine, settings, regions()[0], now)
        else:
            of_each(regions(), "noticing incidents", lambda region: write_down(engine, settings, region, now))
        delivered = deliver(engine, settings, now)
    if as_json:
        sys.stdout.write(json.dumps(asdict(delivered)) + "\n")
    else:
        typer.echo(
            f"Отправлено {delivered.sent}, ждёт повтора {delivered.waiting}, не удалось {delivered.failed}, "
            f"отменено {delivered.cancelled}."
        )
    raise typer.Exit(1 if delivered.failed else 0)


def show_routing(settings: Settings, test: str | None, code: str | None) -> int:
    """Print who is told what of a region, or of all; with `test` send that recipient a letter by each of its channels.
    Gives the exit code."""
    from flows.home.asked_region import asked_regions
    from flows.messages.routing import routes

    tables = {region: routes(settings, region) for region in asked_regions(code)}
    if test is not None:
        of_all = [route for table in tables.values() for route in table]
        must_be_known([test], sorted({route.recipient for route in of_all}), "recipient")
        return _send_test_letters(settings, [route for route in of_all if route.recipient == test])
    for region, table in tables.items():
        if len(tables) > 1:
            typer.echo(f"{region.name} ({region.code})")
        _show_routes(settings, region, table)
    return 0


def _show_routes(settings: Settings, region: Region, routes: Sequence[Route]) -> None:
    """The table of a region, and the file that says it."""
    from rich.markup import escape
    from rich.table import Table

    from flows.cli.terminal import console
    from flows.messages.routing import source

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("кому", "как", "о ком", "о чём", "ступень", "канал", "когда"):
        table.add_column(name, overflow="fold")
    for route in routes:
        table.add_row(
            escape(route.recipient), AUDIENCES[route.audience], route.sender or "о всех остальных",
            ", ".join(CLASSES[name] for name in route.classes), str(route.level), route.channel, _when_told(route),
        )  # fmt: skip
    console().print(table)
    path = source(settings, region)
    typer.echo(f"{path}: строк {len(routes)}." if path.exists() else f"Файла {path} нет: сообщения пишутся в файлы.")


def _send_test_letters(settings: Settings, routes: Sequence[Route]) -> int:
    """Send a letter by each channel and address of a recipient and say what came of it."""
    import secrets

    from flows.messages.channels import Channels
    from flows.messages.mail import Letter, Undelivered

    settings.prepare()
    failed = 0
    with Channels(settings) as channels:
        for route in {(route.channel, route.address): route for route in routes}.values():
            now = dt.datetime.now(dt.UTC).astimezone()
            letter = Letter(secrets.token_hex(16), 0, "own", route.recipient, "Проверка связи",
                            "Это проверка связи программы мониторинга. Отвечать не нужно.\n", now)  # fmt: skip
            try:
                channels.send(route, letter)
            except Undelivered as error:
                failed += 1
                typer.echo(f"{route.recipient}, {route.channel}: {error}", err=True)
            else:
                typer.echo(f"{route.recipient}, {route.channel}: отправлено")
    return 1 if failed else 0


def _when_told(route: Route) -> str:
    """At which times a recipient is told."""
    text = "сразу" if route.digest is None else f"сводкой в {route.digest:%H:%M}"
    if route.quiet_from is not None and route.quiet_to is not None:
        text += f", не с {route.quiet_from:%H:%M} до {route.quiet_to:%H:%M}"
    return text + (", в рабочие дни" if route.days == "working" else "")


def _document(message: KeptMessage) -> Document:
    """The JSON object of a message."""
    return plain({**message._asdict(), "attachments": [asdict(attachment) for attachment in message.attachments]})


def _outcome_words(message: KeptMessage, zone: ZoneInfo) -> str:
    """What came of a message, in a few words."""
    text = OUTCOMES[message.outcome]
    if message.sent_at is not None:
        return f"{text} {local_time(message.sent_at, zone)}"
    if message.outcome == "waiting":
        text += f" до {local_time(message.not_before, zone)}"
    return text + (f"; попыток {message.attempts}: {message.error}" if message.error else "")


def _attachments_words(attachments: Sequence[Attachment]) -> str:
    """What goes with a message."""
    return "; ".join(
        f"квитанция доставки {attachment.delivery_id}" if attachment.what == "receipt" else f"шаблон {attachment.form}"
        for attachment in attachments
    )
