"""The marts of every date that what came may have changed."""

from __future__ import annotations

import datetime as dt
import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from contracts.forms import FORMS
from contracts.regions import regions, zone_of
from contracts.regions.pack import Region
from flows.home.faults import guarded
from flows.home.settings import Settings
from flows.home.whole_file import write_changed
from warehouse.core.slices import lock_names
from warehouse.deliveries.judging import judge_across
from warehouse.deliveries.recall import unpublished
from warehouse.marts.publication import publish, published_dates
from warehouse.marts.published import classes, register

if TYPE_CHECKING:
    from sqlalchemy import Engine

STANDING_FORMS = frozenset(form.name for form in FORMS if form.holds_before_first)
"""A register and a plan are not for a date of their own: they hold for the dates of the other forms."""

COPIES = "the copies of all regions"
"""Under this name one reads and writes them at a time: what was read before another's publication does not replace what
was kept after it."""


def publish_changes(
    engine: Engine, settings: Settings, region: Region, as_of: dt.date | None, run_id: int | None
) -> list[dt.date]:
    """Publish a region's marts of a date, if one is asked for, and of every date that what came may have changed; the
    dates. Before that, rules across forms are judged against what holds now.

    Raises Timeout; AuditFailed, and then what was published stays.
    """
    judge_across(engine, region.code, run_id, settings.lock_wait)
    dates = dates_to_publish(engine, region.code, as_of)
    if dates:
        publish(engine, region.code, dates, run_id, settings.lock_wait)
    guarded("keeping a copy of the register", partial(keep_register, engine, settings))
    guarded("keeping a copy of the classes", partial(keep_classes, engine, settings))
    return dates


def dates_to_publish(engine: Engine, region: str, as_of: dt.date | None) -> list[dt.date]:
    """The asked date, the dates of what is new in a region since it was last published, and its published dates after
    those. A day that has not come there is published when it has: a plan for the year that is to come waits for it."""
    with engine.connect() as connection:
        published = published_dates(connection, region)
        new = unpublished(connection, region)
    today = dt.datetime.now(zone_of(region)).date()
    dates = {day for form, day in new if form not in STANDING_FORMS and day <= today}
    if as_of is not None:
        dates.add(as_of)
    if any(form in STANDING_FORMS for form, _ in new):
        return sorted(dates.union(published))
    return sorted(dates.union(day for day in published if dates and new and day > min(dates)))


def keep_register(engine: Engine, settings: Settings) -> None:
    """Keep a copy of the newest registers of all regions for checks without a database, whichever runs loaded them."""
    with engine.begin() as connection:
        lock_names(connection, [COPIES], settings.lock_wait)
        _keep(pl.concat([register(connection, region.code) for region in regions()]), settings.register)


def keep_classes(engine: Engine, settings: Settings) -> None:
    """Keep a copy of the newest lists of classes of all regions for templates without a database."""
    with engine.begin() as connection:
        lock_names(connection, [COPIES], settings.lock_wait)
        _keep(pl.concat([classes(connection, region.code) for region in regions()]), settings.classes)


def _keep(rows: pl.DataFrame, path: Path) -> None:
    if not rows.is_empty():
        copy = io.BytesIO()
        rows.write_parquet(copy)
        write_changed(path, copy.getvalue())
