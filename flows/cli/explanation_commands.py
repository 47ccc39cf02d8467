"""`profmin incidents explain …`: what senders say of warnings, and the decision about it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.context import read_settings
from flows.cli.options import Json, RegionCode
from flows.home.json_output import plain, write
from flows.home.shown import local_time
from flows.home.usage import UsageError, must_be_known

if TYPE_CHECKING:
    from rich.console import Console

    from contracts.explanation import Decision
    from warehouse.deliveries.explanation_decision import ListedExplanation

commands = typer.Typer(help="Пояснения отправителей к предупреждениям: какие ждут решения, принять, отклонить.")

Ids = Annotated[list[int], typer.Argument(help="Номера пояснений.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="И те, по которым уже решено.")]
OfSender = Annotated[str | None, typer.Option(help="Только этого отправителя.")]
WhyRefused = Annotated[str, typer.Option(help="Почему, одним предложением; отправитель это прочтёт.")]
WhyAccepted = Annotated[str | None, typer.Option(help="Почему; можно не указывать.", show_default=False)]
By = Annotated[str | None, typer.Option(help="Кто решил; без этого — пользователь этой машины.", show_default=False)]

DECISIONS = {"accepted": "принято", "refused": "отклонено"}
NOTHING = "Решения не ждёт ни одно пояснение."


@commands.callback(invoke_without_command=True)
def list_(
    context: typer.Context, decided_too: All = False, sender: OfSender = None, region: RegionCode = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Какие пояснения ждут решения."""
    if context.invoked_subcommand is None:
        _show_list(decided_too=decided_too, sender=sender, region=region, as_json=as_json)


@commands.command("list")
def list_by_name(
    decided_too: All = False, sender: OfSender = None, region: RegionCode = None, as_json: Json = False
) -> None:
    """Какие пояснения ждут решения."""
    _show_list(decided_too=decided_too, sender=sender, region=region, as_json=as_json)


def _show_list(*, decided_too: bool, sender: str | None, region: str | None, as_json: bool) -> None:
    """Print the explanations asked for."""
    from contracts.vocabulary import rows
    from flows.cli.terminal import console
    from flows.home.asked_region import asked_regions
    from flows.home.connection import warehouse
    from warehouse.deliveries.explanation_decision import listed

    settings = read_settings()
    must_be_known([sender] if sender else [], [row["sender"] for row in rows("senders")], "sender")
    asked_regions(region)
    with warehouse(settings) as engine, engine.connect() as connection:
        found = listed(connection, decided_too=decided_too, region=region, sender=sender)
    if as_json:
        write([plain(vars(each)) for each in found])
        return
    out = console()
    if not found:
        out.print(NOTHING)
    for each in found:
        _show_one(out, each)


@commands.command()
def accept(ids: Ids, reason: WhyAccepted = None, by: By = None, as_json: Json = False) -> None:
    """Принять: замечание объяснено, пока оно то же; инцидент из одних объяснённых закроется."""
    _decide(ids, "accepted", by, reason, as_json=as_json)


@commands.command()
def refuse(ids: Ids, reason: WhyRefused, by: By = None, as_json: Json = False) -> None:
    """Отклонить: замечание снова считается, отправитель прочтёт причину в квитанции."""
    _decide(ids, "refused", by, reason, as_json=as_json)


def _decide(ids: list[int], decision: Decision, by: str | None, reason: str | None, *, as_json: bool) -> None:
    """Decide of explanations and print what came of it. Raises UsageError for one that is not there."""
    from flows.runs.decide import decide_of_explanations
    from warehouse.deliveries.explanation_decision import NotThere

    try:
        decided, dates = decide_of_explanations(read_settings(), ids, decision, by or getpass.getuser(), reason)
    except NotThere as error:
        raise UsageError(str(error)) from None
    if as_json:
        write({
            "decision": decision, "published": [day.isoformat() for day in dates],
            "explanations": [{"explanation_id": each.explanation_id, "is_repeat": each.is_repeat} for each in decided],
        })  # fmt: skip
        return
    new = [str(each.explanation_id) for each in decided if not each.is_repeat]
    if len(new) < len(decided):
        known = ", ".join(str(each.explanation_id) for each in decided if each.is_repeat)
        typer.echo(f"Так уже решено, ничего не изменилось: {known}.")
    if new:
        days = ", ".join(f"{day:%d.%m.%Y}" for day in dates)
        published = f" Витрины опубликованы заново на даты: {days}." if days else ""
        typer.echo(f"Пояснения: {', '.join(new)} — {DECISIONS[decision]}. Квитанции написаны заново.{published}")


def _show_one(out: Console, each: ListedExplanation) -> None:
    """Whose finding it is and what it says, what is said of it, and what can be done."""
    from rich.markup import escape
    from rich.padding import Padding

    from contracts.regions import zone_at
    from contracts.vocabulary import contacts_of

    zone = zone_at(each.sender)
    state = DECISIONS[each.decision] if each.decision else "ждёт решения"
    out.print(
        f"[bold]{each.explanation_id}[/bold]  {escape(each.sender_name)} — {escape(each.form_title)}: "
        f"[yellow]{state}[/yellow] (с {local_time(each.decided_at or each.said_at, zone)})"
    )
    lines = [f"[bold]«{escape(each.explanation)}»[/bold]", f"{escape(each.finding)} [dim]({each.rule})[/dim]"]
    if not each.stands:
        lines.append("в действующем файле этого замечания уже нет")
    if each.decided_by:
        lines.append(f"решение: {escape(each.decided_by)}{f': {escape(each.reason)}' if each.reason else ''}")
    lines += [f"кому звонить: {escape(contact)}" for contact in contacts_of(each.sender)]
    if each.decision is None:
        lines.append(f"принять: profmin incidents explain accept {each.explanation_id}")
        lines.append(f"отклонить: profmin incidents explain refuse {each.explanation_id} --reason «почему»")
    for line in lines:
        out.print(Padding(line, (0, 0, 0, 4), expand=False))
    out.print()
