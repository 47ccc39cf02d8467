"""`profmin nothing`: a sender told an officer that there is nothing to report."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import Annotated

import typer

from flows.usage import UsageError, day, must_be_known


def nothing(
    sender: Annotated[str, typer.Argument(help="Who has nothing to report.", show_default=False)],
    form: Annotated[str, typer.Argument(help="The form.", show_default=False)],
    campaign: Annotated[str | None, typer.Option(help="The campaign; by default the one that runs.")] = None,
    as_of: Annotated[
        dt.date | None, typer.Option(parser=day, metavar="DATE", help="The night, for a form owed each night.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in a sentence; without names of pupils.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so; by default you.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the statement back.")] = False,
) -> None:
    """Record that a sender has nothing to report: no reminders, no silence; a report that comes matters more."""
    from contracts.forms import FORMS
    from contracts.vocabulary import rows
    from flows.cli import settings
    from flows.intake import warehouse
    from flows.statements import state_nothing, take_back

    must_be_known([sender], [row["sender"] for row in rows("senders")], "sender")
    must_be_known([form], [known.name for known in FORMS], "form")
    must_be_known([campaign] if campaign else [], [row["campaign"] for row in rows("campaigns")], "campaign")
    if reason is None and not withdraw:
        raise UsageError("say why there is nothing to report with --reason")
    found, who, now = settings(), by or getpass.getuser(), dt.datetime.now(dt.UTC)
    with warehouse(found) as engine:
        if withdraw:
            told = take_back(engine, found, sender, form, campaign, as_of, who, now)
        else:
            told = state_nothing(engine, found, sender, form, campaign, as_of, reason or "", who, now)
    typer.echo(told)
