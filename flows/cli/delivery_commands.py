"""`profmin deliveries …`: what waits for an officer's decision, and the decision."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.cli.context import read_settings
from flows.cli.options import Json
from flows.home.json_output import plain, write
from flows.home.shown import local_time
from flows.home.usage import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from warehouse.deliveries.decision import Decided, HeldReading

commands = typer.Typer(help="Файлы, которые ждут решения: они отняли бы слишком много у действующих.")

Id = Annotated[int, typer.Argument(help="Номер файла.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="И те, по которым уже решено.")]
Reason = Annotated[str, typer.Option(help="Почему, одним предложением; хранится всегда, отправитель это прочтёт.")]
By = Annotated[str | None, typer.Option(help="Кто решил; без этого — пользователь этой машины.", show_default=False)]

STATUSES = {
    "held": "ждёт решения", "current": "принят решением, действует", "superseded": "принят решением, потом заменён",
    "declined": "отклонён решением", "overtaken": "обогнан более новым файлом",
}  # fmt: skip
NOTHING = "Решения ничто не ждёт."


@commands.callback(invoke_without_command=True)
def list_(context: typer.Context, decided_too: All = False, as_json: Json = False) -> None:
    """Что ждёт решения, с обеими цифрами."""
    if context.invoked_subcommand is None:
        _show_list(decided_too=decided_too, as_json=as_json)


@commands.command("list")
def list_by_name(decided_too: All = False, as_json: Json = False) -> None:
    """Что ждёт решения, с обеими цифрами."""
    _show_list(decided_too=decided_too, as_json=as_json)


def _show_list(*, decided_too: bool, as_json: bool) -> None:
    """Print what waits, or waited, for a decision."""
    from flows.cli.terminal import console
    from flows.home.connection import warehouse
    from warehouse.deliveries.decision import held

    settings = read_settings()
    with warehouse(settings) as engine, engine.connect() as connection:
        waiting = held(connection, decided_too=decided_too)
    if as_json:
        write([_document(row) for row in waiting])
        return
    out = console()
    if not waiting:
        out.print(NOTHING)
    for row in waiting:
        _show_one(out, row)


@commands.command()
def show(delivery_id: Id, as_json: Json = False) -> None:
    """Один файл, который ждёт или ждал: обе цифры и все замечания."""
    from flows.cli.terminal import console
    from flows.home.connection import warehouse
    from warehouse.deliveries.decision import held

    settings = read_settings()
    with warehouse(settings) as engine, engine.connect() as connection:
        waiting = held(connection, decided_too=True, delivery_id=delivery_id, all_rules=True)
    if not waiting:
        raise UsageError(f"Файл с номером {delivery_id} решения не ждал: profmin deliveries list покажет те, что ждут.")
    if as_json:
        write(_document(waiting[-1]))
    else:
        _show_one(console(), waiting[-1])


@commands.command()
def accept(delivery_id: Id, reason: Reason, by: By = None, as_json: Json = False) -> None:
    """Принять: файл действует с этого момента вместо прежнего, витрины публикуются."""
    _decide(delivery_id, "current", by, reason, as_json=as_json)


@commands.command()
def refuse(delivery_id: Id, reason: Reason, by: By = None, as_json: Json = False) -> None:
    """Отклонить: файл хранится, но действовать не будет; действует то, что было."""
    _decide(delivery_id, "declined", by, reason, as_json=as_json)


def _decide(
    delivery_id: int, decision: Literal["current", "declined"], by: str | None, reason: str, *, as_json: bool
) -> None:
    """Decide on a delivery and print what came of it. Raises UsageError when it does not wait."""
    from flows.runs.decide import decide_and_publish
    from warehouse.deliveries.decision import NotWaiting

    try:
        decided, dates = decide_and_publish(read_settings(), delivery_id, decision, by or getpass.getuser(), reason)
    except NotWaiting as error:
        raise UsageError(str(error)) from None
    if as_json:
        status = "current" if decision == "current" else "declined"
        write({
            "delivery_id": decided.delivery_id, "reading_id": decided.reading_id, "file": decided.file,
            "status": status, "is_repeat": decided.is_repeat, "published": [day.isoformat() for day in dates],
        })  # fmt: skip
    else:
        typer.echo(_decision_sentence(decided, decision, dates))


def _decision_sentence(decided: Decided, decision: str, dates: Sequence[dt.date]) -> str:
    """What came of a decision."""
    ending = "принят и действует" if decision == "current" else "отклонён; действует то, что было"
    if decided.is_repeat:
        return f"Файл «{decided.file}» ({decided.delivery_id}) уже {ending}: ничего не изменилось."
    days = ", ".join(f"{day:%d.%m.%Y}" for day in dates)
    published = f" Витрины опубликованы заново на даты: {days}." if days else ""
    return f"Файл «{decided.file}» ({decided.delivery_id}) {ending}.{published}"


def _show_one(out: Console, row: HeldReading) -> None:
    """The file, why it waits, what holds meanwhile, whom to call, and what can be done."""
    from rich.markup import escape
    from rich.padding import Padding

    from contracts.regions import zone_at
    from contracts.texts.figures import whole
    from contracts.vocabulary import contacts_of

    zone = zone_at(row.sender)
    moment = local_time(row.held_at, zone)
    status = STATUSES[row.status]
    out.print(
        f"[bold]{row.delivery_id}[/bold]  {escape(row.file_name)} — {escape(row.form_title or '')}, "
        f"{escape(row.sender_name or '')}, на {row.as_of:%d.%m.%Y}: [yellow]{status}[/yellow] (с {moment})"
    )
    lines = [
        f"в файле: загружается строк {whole(row.rows_loaded)}, отложено {whole(row.rows_quarantined)}",
        "сейчас действует этот файл"
        if row.status == "current"
        else "сейчас на эту дату ничего не действует"
        if row.holds_file is None
        else f"сейчас действует: «{escape(row.holds_file)}» на {row.holds_as_of:%d.%m.%Y}, "
        f"строк {whole(row.holds_rows_loaded)}",
        *(f"{escape(finding.message)} [dim]({finding.rule})[/dim]" for finding in row.findings),
    ]
    if row.decided_by and row.decided_at:
        when = local_time(row.decided_at, zone)
        lines.append(f"решение: {escape(row.decided_by)}, {when}: {escape(str(row.decision_reason))}")
    lines += [f"кому звонить: {escape(contact)}" for contact in contacts_of(row.sender or "")]
    if row.status == "held":
        number = row.delivery_id
        lines.append(f"принять: profmin deliveries accept {number} --reason «почему»")
        lines.append(f"отклонить: profmin deliveries refuse {number} --reason «почему»")
    for line in lines:
        out.print(Padding(line, (0, 0, 0, 4), expand=False))
    out.print()


def _document(row: HeldReading) -> dict[str, object]:
    """The JSON object of a reading that waits."""
    return plain({**vars(row), "findings": [finding.document() for finding in row.findings]})
