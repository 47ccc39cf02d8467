"""Vocabularies: small CSV tables that a non-programmer can review, read once.

What all regions share lies here; the tables of a region lie in its pack, and are asked for by name all the same.
"""

from __future__ import annotations

import csv
import datetime as dt
from contextlib import suppress
from functools import cache
from pathlib import Path

import polars as pl

from contracts.regions import code_at, kept, region_at, regions
from contracts.regions.contacts import in_words
from contracts.regions.pack_table import TABLES, PackFault

FOLDER = Path(__file__).parent
FORM_FOLDERS = FOLDER.parent / "forms"


@kept
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a vocabulary, every value as text: of all regions, of `contracts/vocabulary`, or of a form's folder.

    Those of a table of the regions have `region` in front: its code, and nothing for a row that all regions share.
    Raises FileNotFoundError for a table that nobody has, ValueError for one that two forms have.
    """
    if name not in TABLES:
        return shared(name)
    common = shared(name) if (FOLDER / f"{name}.csv").exists() else ()
    own = [{"region": region.code, **line} for region in regions() for line in region.lines(name)]
    return (*({"region": "", **row} for row in common), *own)


def shared(name: str) -> tuple[dict[str, str], ...]:
    """Rows of a table that all regions share; raises as `rows` does."""
    table = FOLDER / f"{name}.csv"
    if not table.exists() and (of_forms := sorted(FORM_FOLDERS.glob(f"*/{name}.csv"))):
        if len(of_forms) > 1:
            raise ValueError(
                f"{name}.csv is a table of several forms: {', '.join(path.parent.name for path in of_forms)}"
            )
        (table,) = of_forms
    with table.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def form_rows(form: str, name: str) -> tuple[dict[str, str], ...]:
    """Rows of `contracts/forms/<form>/<name>.csv`, every value as text; none where the form has no such table."""
    table = FORM_FOLDERS / form / f"{name}.csv"
    if not table.exists():
        return ()
    with table.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def words(name: str) -> dict[str, str]:
    """Russian word → code of a choice vocabulary (`levels`, `answers`, `weekdays`, `positions`, `verification`)."""
    return {row["word"]: row["code"] for row in rows(name)}


@cache
def first_words(name: str) -> dict[str, str]:
    """Code → its first word: the one by which it is told."""
    first: dict[str, str] = {}
    for word, code in words(name).items():
        first.setdefault(code, word)
    return first


@cache
def allowed_words(name: str) -> str:
    """The first word of each code: what a message shows as the allowed values."""
    return ", ".join(first_words(name).values())


def sender_name(sender: str) -> str:
    """The name of a sender; the code itself for one that is not listed."""
    return next((row["name"] for row in rows("senders") if row["sender"] == sender), sender)


@kept
def contacts_of(sender: str) -> tuple[str, ...]:
    """Whom to call at a sender's: a post with its phone and mail each; nobody where the pack's table cannot be read,
    of which `profmin region check` tells."""
    region = region_at(sender)
    with suppress(PackFault):
        return tuple(in_words(row) for row in (region.lines("contacts") if region else ()) if row["sender"] == sender)
    return ()


@cache
def ranks() -> dict[str, int]:
    """Code of a position → its rank: 1 head, 2 deputy, 3 other (seed line 149: not below a deputy)."""
    return {row["code"]: int(row["rank"]) for row in rows("positions")}


@cache
def norms(direction: str, model_version: str = "2023") -> dict[str, int | None]:
    """Level → academic hours a school year of one direction (seed lines 29–61); None is «not part of the level»."""
    hours = {
        row["level"]: int(row["hours"])
        for row in rows("level_norms")
        if row["direction"] == direction and row["model_version"] == model_version
    }
    return {level: hours.get(level) for level in ("basic", "main", "advanced")}


@cache
def norm_totals(model_version: str = "2023") -> dict[str, int]:
    """Level → all hours of a school year: 40, 60, 80 (seed lines 31, 40, 51)."""
    totals: dict[str, int] = {}
    for row in rows("level_norms"):
        if row["model_version"] == model_version:
            totals[row["level"]] = totals.get(row["level"], 0) + int(row["hours"])
    return totals


def rows_in(name: str, region: str | None) -> tuple[dict[str, str], ...]:
    """Rows of a table of the regions that hold in one: its own, after those that all share; without a region all."""
    return rows(name) if region is None else tuple(row for row in rows(name) if row["region"] in ("", region))


def reporting_units(as_of: dt.date, region: str | None = None) -> pl.DataFrame:
    """The reporting units of a region (of all without one) as valid on a date: reporting_unit, name, kind, oktmo (all
    String), in printed order."""
    day = as_of.isoformat()
    valid = [row for row in rows_in("reporting_units", region) if row["valid_from"] <= day <= row["valid_to"]]
    return pl.DataFrame(
        {name: [row[name] for row in valid] for name in ("reporting_unit", "name", "kind", "oktmo")},
        schema_overrides=dict.fromkeys(("reporting_unit", "name", "kind", "oktmo"), pl.String),
    )


@kept
def unit_names() -> dict[str, str]:
    """Reporting unit → its newest Russian name."""
    return {row["reporting_unit"]: row["name"] for row in rows("reporting_units")}


@kept
def official_names(region: str | None) -> tuple[str, ...]:
    """Every name that a reporting unit of a region has or had."""
    return tuple(row["name"] for row in rows_in("reporting_units", region))


@kept
def owners(channel: str) -> dict[str, str]:
    """Address → the sender that it proves, for a channel: `inbox` (folders), `mail` (addresses), `drop` (accounts).

    Raises ValueError for an address of somebody unknown, or of two.
    """
    senders = {row["sender"] for row in rows("senders")}
    senders_at: dict[str, str] = {}
    for row in rows("sender_addresses"):
        if row["sender"] not in senders:
            raise ValueError(f"sender_addresses.csv: nobody is called {row['sender']!r}")
        if row["channel"] == channel and senders_at.setdefault(row["address"], row["sender"]) != row["sender"]:
            raise ValueError(f"sender_addresses.csv: {channel} {row['address']!r} is of two senders")
    return senders_at


@kept
def campaign_at(form: str, as_of: dt.date, region: str | None) -> dict[str, str] | None:
    """The campaign of a form that runs in a region on a date: the last one started in the same academic year, or None.

    Of two that start together the one with the later deadline.
    """
    started = [
        row
        for row in rows("campaigns")
        if row["region"] == region
        and row["form"] == form
        and row["starts_on"] <= as_of.isoformat()
        and academic_year(as_of + dt.timedelta(days=31)) == int(row["academic_year"])
    ]
    started.sort(key=lambda row: row["campaign"])
    return max(started, key=lambda row: (row["starts_on"], row["deadline"]), default=None)


@kept
def _exceptions(region: str) -> dict[str, bool]:
    """Day → is it worked, of days that are not as their weekday; a region's own come before the country's."""
    lines = sorted(rows_in("calendar", region), key=lambda row: row["region"])
    return {row["day"]: row["is_working"] == "true" for row in lines}


def add_working_days(day: dt.date, days: int, sender: str | None) -> dt.date:
    """The day that is so many working days of a sender's region after a day; 0 is the day itself if it is worked, else
    the next one."""
    exceptions, left = _exceptions(code_at(sender) or ""), max(days, 1)
    day += dt.timedelta(days=days > 0)
    while True:
        left -= exceptions.get(day.isoformat(), day.weekday() < 5)
        if not left:
            return day
        day += dt.timedelta(days=1)


def academic_year(day: dt.date) -> int:
    """First calendar year of the academic year of a day: 1 September to 31 August."""
    return day.year if day.month >= 9 else day.year - 1
