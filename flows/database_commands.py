"""`profmin db …`: the warehouse's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from flows.settings import Settings

commands = typer.Typer(help="The warehouse's database.", no_args_is_help=True)


@commands.command("upgrade")
def db_upgrade() -> None:
    """Bring the database up to this version of the code."""
    from flows.intake import warehouse

    with warehouse(_settings()):
        typer.echo("The database is up to date.", err=True)


@commands.command("url")
def db_url() -> None:
    """Print the SQLAlchemy URL. The embedded server runs only while a profmin command does."""
    from flows.database import url

    typer.echo(url(_settings()))


@commands.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def db_psql(context: typer.Context) -> None:
    """Open psql on the warehouse; further arguments go to psql."""
    from flows.database import psql

    raise typer.Exit(psql(_settings(), context.args))


def _settings() -> Settings:
    from flows.cli import settings

    return settings()
