"""The way to the warehouse's database: that of the settings, or the embedded one of the home."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from contracts.regions import regions
from contracts.regions.pack_table import OF_TELLING
from contracts.versions.pack_faults import wrong_tables
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.marts.bringing_up import bring_up, is_laid_out, lay_out
from warehouse.schema.bi import NoLogin, make_login
from warehouse.schema.restricted import note_access
from warehouse.schema.upgrade import connect, fingerprint, is_applied, target, upgrade
from warehouse.server.clients import connection_words, psql_for, server_of
from warehouse.server.embedded import embedded_server
from warehouse.server.replica import only_reads

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

STANDBY = (
    "PROFMIN_DATABASE_URL names a standby, on which nothing can be written: name the server that it follows there, and "
    "the standby in PROFMIN_BI_DATABASE_URL, where marts, decks, reports and pages are read; or promote it"
)


@contextmanager
def warehouse(settings: Settings) -> Iterator[Engine]:
    """An engine on the warehouse, brought up to date: the embedded server's, or that of the settings."""
    _must_be_right(settings)
    if settings.database_url is not None:
        with _engine(settings.database_url.get_secret_value()) as engine:
            yield engine
        return
    with embedded_server(settings.pgdata, settings.pg_listen) as url, _engine(url) as engine:
        yield engine


def _must_be_right(settings: Settings) -> None:
    """Raises UsageError for packs of one's own with a fault: they are not brought into the warehouse. Whom to tell and
    to call is not either, and a fault in that stops nothing: messages of that region wait."""
    if settings.regions is None:
        return
    for region in regions():
        if wrong := wrong_tables(region.folder, unread=OF_TELLING):
            raise UsageError(
                f"PROFMIN_REGIONS: {len(wrong)} faults in {region.folder.name}, the first: {wrong[0]}. "
                f"See all: profmin region check {region.folder}"
            )


def is_brought_up(connection: Connection) -> bool:
    """Has a database all that this version of the code reads?"""
    return is_applied(connection, fingerprint()) and is_laid_out(connection)


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    with connected(url) as engine:
        with engine.connect() as connection:
            if only_reads(connection):
                raise UsageError(STANDBY)
        upgrade(engine, afterwards=lay_out)
        bring_up(engine)
        yield engine


@contextmanager
def connected(url: str, setting: str = "PROFMIN_DATABASE_URL", **query: str) -> Iterator[Engine]:
    """An engine on a database as it is; `query` is added to its URL. Raises UsageError for a URL that is none of ours,
    by the name of its setting."""
    try:
        engine = connect(target(url).update_query_dict(query))
    except ValueError as error:  # its text is about the driver; the password is masked
        raise UsageError(f"{setting}: {error}") from None
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def existing_database(settings: Settings) -> Iterator[str | None]:
    """The URL of the database, which is neither made nor upgraded; None when the home has none.

    The embedded server is started when it does not run.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    elif not (settings.pgdata / "PG_VERSION").exists():
        yield None
    else:
        with embedded_server(settings.pgdata, settings.pg_listen) as url:
            yield url


def url(settings: Settings) -> str:
    """The URL of the warehouse, brought up to date."""
    with warehouse(settings) as engine:
        return engine.url.render_as_string(hide_password=False)


def psql(settings: Settings, arguments: Sequence[str]) -> int:
    """Run psql on the warehouse until its user leaves; returns its exit code. Raises ServerError without a psql."""
    with warehouse(settings) as engine, connection_words(engine) as (target, secrets):
        program = psql_for(server_of(engine))
        with engine.begin() as connection:
            note_access(connection, getpass.getuser(), "db psql")
        engine.dispose()  # its connections would be idle for as long as psql is open
        return subprocess.run([program, target, *arguments], env=os.environ | secrets, check=False).returncode


def bi_login(settings: Settings, name: str, *, new_password: bool) -> str | None:
    """Make a login that reads marts, or bring it to today's limits; its password when it has got a new one.

    Raises UsageError for a name that cannot be had.
    """
    with warehouse(settings) as engine:
        try:
            return make_login(engine, name, new_password=new_password)
        except NoLogin as error:
            raise UsageError(str(error)) from None
