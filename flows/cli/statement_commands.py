"""`profmin nothing`: a sender told an officer that there is nothing to report."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import Annotated

import typer

from flows.cli.context import read_settings
from flows.home.usage import UsageError, day, must_be_known


def nothing(
    sender: Annotated[str, typer.Argument(help="Кому сообщать нечего.", show_default=False)],
    form: Annotated[str, typer.Argument(help="Форма.", show_default=False)],
    campaign: Annotated[str | None, typer.Option(help="Кампания; без неё — та, что идёт.")] = None,
    as_of: Annotated[
        dt.date | None,
        typer.Option(
            parser=day, metavar="ДАТА", help="Ночь, если форму ждут каждую ночь; любой день месяца, если каждый месяц."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Почему, одним предложением, без имён обучающихся.")] = None,
    by: Annotated[str | None, typer.Option(help="Кто это сообщил; без него — вы.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Отозвать заявление.")] = False,
) -> None:
    """Записать, что отправителю сообщать нечего: без напоминаний и без «не прислано»; отчёт, если придёт, важнее."""
    from contracts.forms import FORMS
    from contracts.regions import code_at
    from contracts.vocabulary import rows, rows_in
    from flows.home.connection import warehouse
    from flows.intake.statements import OfficerStatement, state_nothing, take_back

    settings = read_settings()
    must_be_known([sender], [row["sender"] for row in rows("senders")], "sender")
    must_be_known([form], [listed_form.name for listed_form in FORMS], "form")
    campaigns = [row["campaign"] for row in rows_in("campaigns", code_at(sender))]
    must_be_known([campaign] if campaign else [], campaigns, "campaign")
    if reason is None and not withdraw:
        raise UsageError("скажите, почему сообщать нечего: --reason")
    now = dt.datetime.now(dt.UTC)
    asked = OfficerStatement(sender, form, by or getpass.getuser(), now, reason or "", campaign, as_of)
    with warehouse(settings) as engine:
        answer = (take_back if withdraw else state_nothing)(engine, asked, settings)
    typer.echo(answer)
