"""`profmin backfill …`: reading the past again, in sight of what would change."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.context import read_settings
from flows.cli.options import EnglishJson as Json
from flows.cli.options import EnglishRegionCode as RegionCode
from flows.home.json_output import plain, write
from flows.home.usage import UsageError, day, in_zone, moment, must_be_known

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from flows.home.settings import Settings

commands = typer.Typer(help="Read the past again, see what would change, apply it, take it back.", no_args_is_help=True)


Id = Annotated[int, typer.Argument(help="The backfill's number.", show_default=False)]
To = Annotated[Path | None, typer.Option("--to", help="Also write the report as a workbook into this file.")]


@commands.command()
def plan(
    reason: Annotated[str, typer.Option(help="Why, in a sentence; it is kept for ever.")],
    since: Annotated[
        dt.date | None, typer.Option("--from", parser=day, metavar="DATE", help="The first as-of date.")
    ] = None,
    until: Annotated[dt.date | None, typer.Option("--to", parser=day, metavar="DATE", help="The last one.")] = None,
    campaign: Annotated[
        str | None, typer.Option(help="The days of this campaign and its forms, in place of --from and --to.")
    ] = None,
    form: Annotated[list[str] | None, typer.Option(help="Only this form; may be given several times.")] = None,
    sender: Annotated[list[str] | None, typer.Option(help="Only this sender; may be given several times.")] = None,
    known_at: Annotated[
        dt.datetime | None,
        typer.Option(
            parser=moment, metavar="TIME", help="Read with the register known at that moment, in place of today's."
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME[=VERSION]",
            help="Read nothing; judge the dates anew by this input (bands, calendar, …); may be given several times.",
        ),
    ] = None,
    keep_inputs: Annotated[
        bool, typer.Option("--keep-inputs", help="Only read again; the dates keep the inputs that judge them.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Also write the report as a workbook into this file.")] = None,
    region: RegionCode = None,
    as_json: Json = False,
) -> None:
    """Read archived deliveries again, judge their dates by today's contracts, and show what would change.

    Nothing changes yet. A backfill is of one region: where there are several, --sender or --region says of which. With
    --sender deliveries are only read again: whole dates keep the inputs that judge them.
    """
    from contracts.forms import FORMS
    from contracts.vocabulary import rows
    from flows.backfills.steps import plan as make_plan
    from flows.backfills.steps import region_meant, requested
    from warehouse.backfill.requests import Refused

    read_settings()  # which says whose packs are in force
    must_be_known(form or [], [listed_form.name for listed_form in FORMS], "form")
    must_be_known(sender or [], [row["sender"] for row in rows("senders")], "sender")
    try:
        if known_at is not None:
            known_at = in_zone(known_at, region_meant(region, sender or []).zone)
        request = requested(
            form or [], sender or [], since, until, reason, campaign=campaign, register_known_at=known_at,
            inputs=inputs, keeps_inputs=keep_inputs, region=region,
        )  # fmt: skip
    except Refused as error:
        raise UsageError(str(error)) from None
    with _opened_warehouse() as (engine, settings):
        backfill_id = make_plan(engine, settings, request, lambda text: typer.echo(text, err=True))
        _show_report(engine, backfill_id, as_json=as_json, to=report)


@commands.command()
def resume(backfill_id: Id, as_json: Json = False, to: To = None) -> None:
    """Go on with a plan that was interrupted."""
    from flows.backfills.steps import resume as go_on

    with _opened_warehouse() as (engine, settings):
        go_on(engine, settings, backfill_id)
        _show_report(engine, backfill_id, as_json=as_json, to=to)


@commands.command()
def show(backfill_id: Id, as_json: Json = False, to: To = None) -> None:
    """The before/after report of a backfill."""
    with _opened_warehouse() as (engine, _):
        _show_report(engine, backfill_id, as_json=as_json, to=to)


@commands.command("apply")
def apply_(backfill_id: Id) -> None:
    """Make a plan current and publish, in one transaction."""
    from flows.backfills.steps import apply_backfill, region_of_backfill
    from flows.outbox.receipts import write_receipts
    from flows.page.after_publish import write_site

    with _opened_warehouse() as (engine, settings):
        published = apply_backfill(engine, settings, backfill_id)
        region = region_of_backfill(engine, backfill_id)
        write_receipts(engine, settings, region, [], None)  # of documents of which others now say something else
        write_site(engine, settings, region)
    typer.echo(f"Applied; {len({mart.as_of for mart in published})} dates published.", err=True)


@commands.command()
def revert(backfill_id: Id) -> None:
    """Bring back exactly what was before an applied backfill."""
    from flows.backfills.steps import region_of_backfill, revert_backfill
    from flows.outbox.receipts import write_receipts
    from flows.page.after_publish import write_site

    with _opened_warehouse() as (engine, settings):
        published = revert_backfill(engine, settings, backfill_id)
        region = region_of_backfill(engine, backfill_id)
        write_receipts(engine, settings, region, [], None)
        write_site(engine, settings, region)
    typer.echo(f"Reverted; {len({mart.as_of for mart in published})} dates published.", err=True)


@commands.command()
def cancel(backfill_id: Id) -> None:
    """Drop a plan; only its record stays."""
    from warehouse.backfill.apply import cancel as drop

    with _opened_warehouse() as (engine, _):
        drop(engine, backfill_id)
    typer.echo("Cancelled.", err=True)


@commands.command("list")
def list_(as_json: Json = False) -> None:
    """Every backfill, the newest first."""
    import polars as pl
    from rich.markup import escape
    from rich.table import Table

    from contracts.regions import only_region, zone_of
    from flows.backfills.report import REQUEST, STATUSES
    from flows.cli.terminal import console
    from flows.home.shown import cell
    from warehouse.backfill.requests import backfills

    with _opened_warehouse() as (engine, _), engine.connect() as connection:
        requests = backfills(connection)
    if as_json:
        write([plain(row) for row in requests.iter_rows(named=True)])
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    of_region = () if only_region() else ("region",)
    columns = (
        "backfill_id",
        *of_region,
        "status",
        "from_as_of",
        "to_as_of",
        "deliveries",
        "changed",
        "requested_by",
        "reason",
    )
    for name in columns:
        table.add_column(REQUEST[name])
    requests = requests.with_columns(pl.col("status").replace(STATUSES))
    for row in requests.iter_rows(named=True):
        local = zone_of(row["region"])
        table.add_row(*(escape(cell(name, row[name], local)) for name in columns))
    console().print(table)


@contextmanager
def _opened_warehouse() -> Iterator[tuple[Engine, Settings]]:
    """The warehouse; what is refused is wrong usage, told in a sentence."""
    from flows.cli.terminal import progress
    from flows.home.connection import warehouse
    from warehouse.backfill.requests import Refused

    settings = read_settings()
    try:
        with warehouse(settings) as engine, progress("пересчёт"):
            yield engine, settings
    except Refused as error:
        raise UsageError(str(error)) from None


def _show_report(engine: Engine, backfill_id: int, *, as_json: bool, to: Path | None) -> None:
    """Print the report, and write it as a workbook too when a file is named."""
    from flows.backfills.report import report_of
    from flows.cli.terminal import console

    with engine.connect() as connection:
        report = report_of(connection, backfill_id)
    if to is not None:
        to.write_bytes(report.workbook())
    if as_json:
        sys.stdout.write(json.dumps(report.document(), ensure_ascii=False) + "\n")
    else:
        report.show(console())
