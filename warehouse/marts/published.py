"""Reading marts and the register as polars frames."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame
from warehouse.marts.definitions import Mart, marts, views

LATEST = """
SELECT max(as_of) FROM ops.publication WHERE published_at <= :known_at AND coalesce(region = :region, true)
"""
FIRST_PUBLISHED = """
SELECT as_of, min(published_at) FROM ops.publication WHERE coalesce(region = :region, true) GROUP BY as_of
"""

AROUND = """
SELECT * FROM {relation} WHERE region = :region AND as_of BETWEEN :first AND :last
  AND known_at <= :known_at ORDER BY known_at DESC, as_of DESC, position
"""
REGISTER = """
SELECT school_id, school_code, short_name, full_name, territory, subordination, pupils_6_11
FROM ref.school_at(:region, :as_of, :known_at) WHERE in_register ORDER BY school_code
"""
CLASSES = """
SELECT c.academic_year, c.told_by AS sender, s.school_code, s.short_name AS school_name, c.grade, c.letter
FROM (SELECT max(r.as_of) AS day FROM ops.reading_known(:region, 'infinity') r WHERE r.form = 'level_choice') l
CROSS JOIN LATERAL ref.class_at(:region, l.day, 'infinity') c
JOIN ref.school_at(:region, l.day, 'infinity') s ON s.school_id = c.school_id
WHERE c.in_force ORDER BY s.school_code, c.grade, c.letter
"""


def mart_names() -> list[str]:
    """Every mart that `mart` can read, the regional totals among them."""
    return sorted(mart.name for mart in (*marts(), *views()))


def mart(
    connection: Connection,
    name: str,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
    region: str | None = None,
) -> pl.DataFrame:
    """A mart in its printed order, as published for the latest or a given date; with `known_at` as it was then.

    It has rows of every region, or of one. A date that was not published (by then) gives no rows. Raises KeyError for a
    name that is not a mart, with the names that are.
    """
    definition = mart_named(name)
    asked = {"as_of": as_of, "known_at": known_at, "region": region}
    if known_at is not None:
        asked["as_of"] = as_of or connection.scalar(text(LATEST), asked)
        return frame(connection, f"SELECT * FROM {definition.as_known}(:as_of, :known_at, :region)", asked)
    of_region = "" if region is None else " AND region = :region"
    if as_of is None:
        of_last = definition.latest if definition.audience.kind == "country" else definition.relation
        latest = f"SELECT max(as_of) FROM {of_last} WHERE true{of_region}"  # of the country all dates are many sums
        asked["as_of"] = connection.scalar(text(latest), asked)
    rows = f"SELECT * FROM {definition.relation} WHERE as_of = :as_of{of_region} ORDER BY region, position"
    return frame(connection, rows, asked)


def mart_around(
    connection: Connection, mart: Mart, as_of: dt.date, known_at: dt.datetime, region: str, days: int
) -> pl.DataFrame:
    """The rows of a mart for a date and so many days before and after it, that were known at a moment; the latest
    known first. Of a mart whose rows are each known from a moment on, and do not change."""
    if connection.scalar(text("SELECT to_regclass(:relation)"), {"relation": mart.relation}) is None:
        return pl.DataFrame(schema=dict.fromkeys(mart.captions, pl.String()))
    span = dt.timedelta(days=days)
    asked = {"region": region, "first": as_of - span, "last": as_of + span, "known_at": known_at}
    return frame(connection, AROUND.format(relation=mart.relation), asked)


def first_published(connection: Connection, region: str | None = None) -> dict[dt.date, dt.datetime]:
    """Every as-of date that was published (of a region) and the moment at which it first was."""
    return dict(connection.execute(text(FIRST_PUBLISHED), {"region": region}).tuples().all())


def latest(
    connection: Connection, region: str, as_of: dt.date | None = None, known_at: dt.datetime | None = None
) -> dt.date | None:
    """The last date of a region that was published (by then), or the given one; None where none, or not this one,
    was."""
    by_then = [day for day, at in first_published(connection, region).items() if known_at is None or at <= known_at]
    return max((day for day in by_then if as_of in (None, day)), default=None)


def column_captions(name: str) -> dict[str, str]:
    """Column → Russian caption, the first sentence of its comment, in the mart's order."""
    return {column: comment.split(". ", 1)[0] for column, comment in mart_named(name).captions.items()}


def mart_named(name: str) -> Mart:
    """A mart or a regional total by its name. Raises KeyError that lists the names."""
    for mart in (*marts(), *views()):
        if mart.name == name:
            return mart
    raise KeyError(f"no mart is named {name!r}; there are: {', '.join(mart_names())}")


def register(
    connection: Connection, region: str, as_of: dt.date | None = None, known_at: dt.datetime | None = None
) -> pl.DataFrame:
    """Schools of a region's register that holds on a date, by default of the newest; with `known_at` as we knew it
    then.

    Columns: school_id, school_code, short_name, full_name, territory, subordination, pupils_6_11; empty without one.
    """
    asked = {"region": region, "as_of": as_of or dt.date.max, "known_at": known_at or "infinity"}
    return frame(connection, REGISTER, asked)


def classes(connection: Connection, region: str) -> pl.DataFrame:
    """Classes of a region by the newest lists: academic_year, sender (whose list), school_code, school_name, grade,
    letter; empty without one."""
    return frame(connection, CLASSES, {"region": region})
