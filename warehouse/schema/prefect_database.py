"""The database of the Prefect server, beside ours: never in it, since Prefect migrates its own."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from warehouse.schema.upgrade import target

TEMPLATE = "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'template0'"


class NoDatabaseBeside(ValueError):
    """The server of the warehouse cannot have a database for Prefect; the text says why, without the URL."""


def prefect_database(warehouse_url: str, name: str) -> str:
    """The URL, for asyncpg, of a database on the warehouse's server, which is made when it is not there.

    Raises NoDatabaseBeside when the role may not create databases, or when the URL says more than where the server is:
    asyncpg has other words for that.
    """
    ours = target(warehouse_url)
    if unknown := set(ours.query) - {"host", "port"}:
        raise NoDatabaseBeside(f"its URL says {', '.join(sorted(unknown))}, which Prefect's driver calls otherwise")
    engine = create_engine(ours, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(hashtext('profmin prefect'))"))  # goes with the connection
            exists = connection.scalar(text("SELECT count(*) FROM pg_database WHERE datname = :name"), {"name": name})
            may_create = connection.scalar(
                text("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
            )
            if not exists and not may_create:
                raise NoDatabaseBeside("its role may not create databases")
            if not exists:
                in_utf8 = (
                    ""
                    if connection.scalar(text(TEMPLATE)) == "UTF8"
                    else " ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
                )
                quoted = engine.dialect.identifier_preparer.quote(name)
                connection.execute(text(f"CREATE DATABASE {quoted} TEMPLATE template0{in_utf8}"))
    finally:
        engine.dispose()
    beside = ours.set(drivername="postgresql+asyncpg", database=name)
    return beside.render_as_string(hide_password=False)
