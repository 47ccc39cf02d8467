"""`profmin access …`: logins that read marts, and what each of them sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.context import read_settings
from flows.cli.options import EnglishJson, EnglishRegionCode
from flows.home.usage import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

commands = typer.Typer(help="Who reads marts, and what of them.", no_args_is_help=True)

Role = Annotated[str, typer.Argument(help="Name of the login, such as clerk_asinovsky.", show_default=False)]
Unit = Annotated[str | None, typer.Option("--unit", metavar="CODE", help="Only this reporting unit of the region.")]


@contextmanager
def _warehouse() -> Iterator[Engine]:
    """The warehouse; what cannot be granted is wrong usage."""
    from flows.home.connection import warehouse
    from warehouse.schema.bi import NoLogin

    with warehouse(read_settings()) as engine:
        try:
            yield engine
        except NoLogin as error:
            raise UsageError(str(error)) from None


@commands.command("grant")
def grant_(
    role: Role,
    region: EnglishRegionCode = None,
    unit: Unit = None,
    country: Annotated[bool, typer.Option("--country", help="Every region.")] = False,
    public: Annotated[bool, typer.Option("--public", help="What is public, and nothing else.")] = False,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", help="Ask for its password; without this one is made.")
    ] = False,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Give a login that is there another one.")
    ] = False,
) -> None:
    """Let a login see a unit, a region or the country, beside what it sees, or what is public alone; make it where
    there is none."""
    from warehouse.schema.access import grant, grant_public

    if [country, public, region is not None].count(True) != 1 or (unit is not None and region is None):
        what = "--region CODE, with --unit CODE for one unit of it, or --country, or --public"
        raise UsageError(f"say what it may see: {what}")
    asked = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True) if ask_password else None
    with _warehouse() as engine:
        made = (
            grant_public(engine, role, new_password=new_password, password=asked)
            if public
            else grant(engine, role, region, unit, new_password=new_password, password=asked)
        )
    what = "the country" if region is None else f"region {region}" + (f", unit {unit}" if unit else "")
    what = "what is public" if public else what
    typer.echo(f"{role} sees {what}.", err=True)
    if made is not None and asked is None:
        typer.echo("Its password is shown once:", err=True)
        typer.echo(made)


@commands.command("revoke")
def revoke_(role: Role, region: EnglishRegionCode = None, unit: Unit = None) -> None:
    """Take from a login all that it sees, or a region or unit of it; one that is left with nothing goes."""
    from warehouse.schema.access import revoke

    if unit is not None and region is None:
        raise UsageError("a unit is of a region: --region CODE")
    with _warehouse() as engine:
        is_gone = revoke(engine, role, region, unit)
    typer.echo(f"The login {role} has gone." if is_gone else f"{role} sees less now: profmin access list", err=True)


@commands.command("list")
def list_(as_json: EnglishJson = False) -> None:
    """Who sees what."""
    from flows.cli.terminal import console, plain_table
    from flows.home.json_output import plain, write
    from warehouse.schema.access import grants

    with _warehouse() as engine, engine.connect() as connection:
        told = grants(connection)
    if as_json:
        write([plain(vars(each)) for each in told])
        return
    table = plain_table()
    for heading in ("role", "region", "unit", "granted by", "at", ""):
        table.add_column(heading)
    for each in told:
        unit = f"{each.reporting_unit} {each.unit_name or ''}" if each.reporting_unit else "all"
        missing = "" if each.is_there else "no such role on this server"
        at = f"{each.granted_at:%d.%m.%Y %H:%M}" if each.granted_at else ""
        region = "what is public" if each.is_of_public else each.region or "all"
        unit = "" if each.is_of_public else unit if each.region else "all"
        table.add_row(each.login, region, unit, each.granted_by or "", at, missing)
    console().print(table)


@commands.command("test")
def test_(role: Role, as_json: EnglishJson = False) -> None:
    """Show, mart by mart, what a role sees of the last published date: how many rows, of which units."""
    from flows.cli.terminal import console, plain_table
    from flows.home.json_output import write
    from warehouse.marts.visible import seen

    with _warehouse() as engine:
        told = seen(engine, role)
    if as_json:
        write([vars(each) for each in told])
        return
    table = plain_table()
    for heading in ("mart", "rows", "of", "regions", "units"):
        table.add_column(heading, justify="right" if heading in ("rows", "of") else "left")
    for each in told:
        units = ", ".join(each.units) if len(each.units) < 4 else f"{len(each.units)} units"
        table.add_row(each.mart, str(each.rows), str(each.of), ", ".join(each.regions), units)
    console().print(table)
