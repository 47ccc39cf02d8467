"""`profmin messages …` and `profmin routing`: what was said to whom, and who would be told what."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from contracts.texts import in_words
from flows.home.json_output import plain, write
from flows.home.usage import UsageError, must_be_known

if TYPE_CHECKING:
    from flows.home.settings import Settings
    from flows.messages.routing import Route
    from warehouse.incidents.messages import Attachment, StoredMessage

commands = typer.Typer(help="Сообщения отправителям, сотрудникам и инженерам: что сказано, что ждёт, что не удалось.")
Json = Annotated[bool, typer.Option("--json", help="Только документ JSON.")]

OUTCOMES, CLASSES = in_words("message_outcome"), in_words("incident_class")
COLOURS = {"sent": "green", "failed": "red", "waiting": "yellow", "sending": "yellow", "cancelled": "dim"}
AUDIENCES = {"sender": "отправитель", "officer": "сотрудник", "engineer": "инженер"}


@commands.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    outcome: Annotated[str | None, typer.Option(help=f"Только эти: {', '.join(OUTCOMES)}.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Сколько.")] = 30,
    as_json: Json = False,
) -> None:
    """Последние сообщения: кому, какого класса, о чём, чем кончилось."""
    if context.invoked_subcommand is not None:
        return
    from rich.markup import escape
    from rich.table import Table

    from flows.cli.context import settings
    from flows.cli.terminal import console
    from flows.home.connection import warehouse
    from warehouse.incidents.messages import listed

    must_be_known([outcome] if outcome is not None else [], list(OUTCOMES), "outcome")
    found = settings()
    with warehouse(found) as engine, engine.connect() as connection:
        rows = listed(connection, most, outcome)
    if as_json:
        write([document(row) for row in rows])
        return
    if not rows:
        typer.echo("Сообщений нет.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("№", "когда", "кому", "канал", "класс", "тема", "чем кончилось"):
        table.add_column(name, overflow="fold")
    zone = ZoneInfo(found.timezone)
    for row in rows:
        colour = COLOURS[row.outcome]
        table.add_row(
            str(row.message_id), local(row.created_at, zone), escape(row.recipient), row.channel,
            CLASSES[row.message_class], escape(row.subject), f"[{colour}]{escape(ending(row, zone))}[/{colour}]",
        )  # fmt: skip
    console().print(table)


@commands.command()
def show(
    message_id: Annotated[int, typer.Argument(help="Номер сообщения.", show_default=False)], as_json: Json = False
) -> None:
    """Сообщение, как оно написано, и чем кончилось."""
    from flows.cli.context import settings
    from flows.home.connection import warehouse
    from warehouse.incidents.messages import listed

    found = settings()
    with warehouse(found) as engine, engine.connect() as connection:
        rows = listed(connection, 1, message_id=message_id)
    if not rows:
        raise UsageError(f"сообщения {message_id} нет; все — `profmin messages`")
    (row,) = rows
    if as_json:
        write(document(row))
        return
    zone = ZoneInfo(found.timezone)
    incidents = ", ".join(map(str, row.incident_ids))
    for name, value in (
        ("Кому", f"{row.recipient} ({row.channel})"), ("Класс", CLASSES[row.message_class]),
        ("Написано", local(row.created_at, zone)), ("Исход", ending(row, zone)), ("Попыток", row.attempts),
        ("Ошибка", row.error), ("Инциденты", incidents), ("Приложения", enclosed(row.attachments)),
        ("Тема", row.subject),
    ):  # fmt: skip
        if value:
            typer.echo(f"{name}: {value}")
    typer.echo(f"\n{row.body}")


@commands.command()
def send(as_json: Json = False) -> None:
    """Посмотреть на инциденты и разослать, что пора, как в конце запуска; выход 1, если что-то не удалось совсем."""
    from flows.cli.context import settings
    from flows.home.connection import warehouse
    from flows.messages.after_run import notify

    found = settings()
    found.prepare()
    with warehouse(found) as engine:
        done = notify(engine, found, dt.datetime.now(dt.UTC))
    if as_json:
        sys.stdout.write(json.dumps(asdict(done)) + "\n")
    else:
        typer.echo(
            f"Отправлено {done.sent}, ждёт повтора {done.waiting}, не удалось {done.failed}, отменено {done.cancelled}."
        )
    raise typer.Exit(1 if done.failed else 0)


def show_routing(settings: Settings, test: str | None) -> int:
    """Print who is told what; with `test` send that recipient a letter by each of its channels. Gives the exit code."""
    from rich.markup import escape
    from rich.table import Table

    from flows.cli.terminal import console
    from flows.messages.routing import FILE, routes

    known = routes(settings)
    if test is not None:
        must_be_known([test], sorted({each.recipient for each in known}), "recipient")
        return tested(settings, [each for each in known if each.recipient == test])
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("кому", "как", "о ком", "о чём", "ступень", "канал", "когда"):
        table.add_column(name, overflow="fold")
    for each in known:
        table.add_row(
            escape(each.recipient), AUDIENCES[each.audience], each.sender or "о всех остальных",
            ", ".join(CLASSES[one] for one in each.classes), str(each.level), each.channel, when(each),
        )  # fmt: skip
    console().print(table)
    path = settings.routing or settings.home / FILE
    typer.echo(f"{path}: строк {len(known)}." if path.exists() else f"Файла {path} нет: сообщения пишутся в файлы.")
    return 0


def tested(settings: Settings, own: Sequence[Route]) -> int:
    """Send a letter by each channel of a recipient and say what came of it."""
    import secrets

    from flows.messages.channels import Channels
    from flows.messages.mail import Letter, Undelivered

    settings.prepare()
    failed = 0
    with Channels(settings) as channels:
        for each in {route.channel: route for route in own}.values():
            now = dt.datetime.now(ZoneInfo(settings.timezone))
            letter = Letter(secrets.token_hex(16), 0, "own", each.recipient, "Проверка связи",
                            "Это проверка связи программы мониторинга. Отвечать не нужно.\n", now)  # fmt: skip
            try:
                channels.send(each, letter)
            except Undelivered as error:
                failed += 1
                typer.echo(f"{each.recipient}, {each.channel}: {error}", err=True)
            else:
                typer.echo(f"{each.recipient}, {each.channel}: отправлено")
    return 1 if failed else 0


def when(route: Route) -> str:
    told = "сразу" if route.digest is None else f"сводкой в {route.digest:%H:%M}"
    if route.quiet_from is not None and route.quiet_to is not None:
        told += f", не с {route.quiet_from:%H:%M} до {route.quiet_to:%H:%M}"
    return told + (", в рабочие дни" if route.days == "working" else "")


def document(row: StoredMessage) -> dict[str, object]:
    """The JSON object of a message."""
    return plain({**row._asdict(), "attachments": [asdict(each) for each in row.attachments]})


def ending(row: StoredMessage, zone: ZoneInfo) -> str:
    """What came of a message, in a few words."""
    told = OUTCOMES[row.outcome]
    if row.sent_at is not None:
        return f"{told} {local(row.sent_at, zone)}"
    if row.outcome == "waiting":
        told += f" до {local(row.not_before, zone)}"
    return told + (f"; попыток {row.attempts}: {row.error}" if row.error else "")


def enclosed(attachments: Sequence[Attachment]) -> str:
    return "; ".join(
        f"квитанция доставки {each.delivery_id}" if each.what == "receipt" else f"шаблон {each.form}"
        for each in attachments
    )


def local(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d.%m.%Y %H:%M}"
