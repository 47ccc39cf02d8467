"""Reading marts and the register as polars frames."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame
from warehouse.marts.definitions import Mart, marts, views

LATEST = "SELECT max(as_of) FROM ops.publication WHERE published_at <= :known_at"

FIRST_PUBLISHED = "SELECT as_of, min(published_at) FROM ops.publication GROUP BY as_of"

REGISTER = """
SELECT school_id, school_code, short_name, full_name, territory, subordination, pupils_6_11
FROM ref.school_at(:as_of, :known_at) WHERE in_register ORDER BY school_code
"""


def mart_names() -> list[str]:
    """Every mart that `mart` can read, the regional totals among them."""
    return sorted(mart.name for mart in (*marts(), *views()))


def mart(
    connection: Connection, name: str, as_of: dt.date | None = None, known_at: dt.datetime | None = None
) -> pl.DataFrame:
    """A mart in its printed order, as published for the latest or a given date; with `known_at` as it was then.

    A date that was not published (by then) gives no rows. Raises KeyError for a name that is not a mart, with the names
    that are.
    """
    definition = mart_named(name)
    if connection.scalar(text("SELECT to_regclass(:relation)"), {"relation": definition.relation}) is None:
        return pl.DataFrame(schema=dict.fromkeys(definition.captions, pl.String()))
    if known_at is not None:
        day = as_of or connection.scalar(text(LATEST), {"known_at": known_at})
        return frame(
            connection, f"SELECT * FROM {definition.as_known}(:as_of, :known_at)", {"as_of": day, "known_at": known_at}
        )
    day = as_of or connection.scalar(text(f"SELECT max(as_of) FROM {definition.relation}"))
    return frame(
        connection, f"SELECT * FROM {definition.relation} WHERE as_of = :as_of ORDER BY position", {"as_of": day}
    )


def first_published(connection: Connection) -> dict[dt.date, dt.datetime]:
    """Every published as-of date and the moment at which it first was."""
    return dict(connection.execute(text(FIRST_PUBLISHED)).tuples().all())


def column_captions(name: str) -> dict[str, str]:
    """Column → Russian caption, the first sentence of its comment, in the mart's order."""
    return {column: comment.split(". ", 1)[0] for column, comment in mart_named(name).captions.items()}


def mart_named(name: str) -> Mart:
    """A mart or a regional total by its name. Raises KeyError that lists the names."""
    for mart in (*marts(), *views()):
        if mart.name == name:
            return mart
    raise KeyError(f"no mart is named {name!r}; there are: {', '.join(mart_names())}")


def register(connection: Connection, as_of: dt.date | None = None, known_at: dt.datetime | None = None) -> pl.DataFrame:
    """Schools of the register that holds on a date, by default of the newest; with `known_at` as we knew it then.

    Columns: school_id, school_code, short_name, full_name, territory, subordination, pupils_6_11; empty without one.
    """
    return frame(connection, REGISTER, {"as_of": as_of or dt.date.max, "known_at": known_at or "infinity"})
