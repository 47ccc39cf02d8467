"""`profmin db …`: the warehouse's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.context import read_settings

if TYPE_CHECKING:
    pass

commands = typer.Typer(help="The warehouse's database.", no_args_is_help=True)


@commands.command("upgrade")
def db_upgrade() -> None:
    """Bring the database up to this version of the code."""
    from flows.home.connection import warehouse

    with warehouse(read_settings()):
        typer.echo("The database is up to date.", err=True)


@commands.command("url")
def db_url() -> None:
    """Print the SQLAlchemy URL. The embedded server runs only while a profmin command does."""
    from flows.home.connection import url

    typer.echo(url(read_settings()))


@commands.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def db_psql(context: typer.Context) -> None:
    """Open psql on the warehouse; further arguments go to psql."""
    from flows.home.connection import psql

    raise typer.Exit(psql(read_settings(), context.args))


@commands.command("bi-login")
def db_bi_login(
    name: Annotated[str, typer.Argument(help="Name of the login, such as tableau.")],
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Give a login that is there another one.")
    ] = False,
) -> None:
    """Make a login for a reporting tool, or mend one: it reads marts and hinders no night. Prints its password."""
    from flows.home.connection import bi_login

    settings = read_settings()
    password = bi_login(settings, name, new_password=new_password)
    if settings.database_url is None and settings.pg_listen is None:
        typer.echo(
            "The embedded Postgres listens to nobody: this login needs PROFMIN_PG_LISTEN, or a server of your own.",
            err=True,
        )
    if password is not None:
        typer.echo(f"{name} may read the schema mart. Its password is shown once:", err=True)
        typer.echo(password)
    else:
        typer.echo(f"{name} has the limits of today and its password of before.", err=True)
