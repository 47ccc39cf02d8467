"""A mart as a sheet for people: its title, of when, how complete and how final it is, its columns, the region's row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from contracts.regions import zone_of
from contracts.regions.pack import Region
from contracts.texts import word_of
from contracts.texts.figures import percent
from contracts.vocabulary import rows as vocabulary
from documents.receipts.findings import figure_title
from documents.writing.mart_xlsx import FIGURES, TOTAL, MartSheet, Shown
from flows.home.shown import NUMBERS, kind_shown, local_time
from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart, marts, total_of, views
from warehouse.marts.published import mart, mart_named

if TYPE_CHECKING:
    from sqlalchemy import Connection

SERVICE = ("region", "as_of", "oktmo", "known_at", "code", "inputs_judged_by")
"""Columns that a reader of a sheet does without, as he does without the codes of what is named: they stand folded."""
OF_RULES = ("_rule_version", "judged_by")
NAMES = ("{}_name", "{}_title")
STATE = ("completeness", "is_final", "by_older_rules")
NUMBER = "№"
"""What a place is called, and units of numbers that count nothing."""
COUNTRY_NAME = "Россия"
OF_NO_REGION = "Установка"
"""Whose rows are of no one region."""


@dataclass(frozen=True)
class Asked:
    """Which marts are asked for: of a date (without one the latest), as known at a moment (without one as now)."""

    as_of: dt.date | None = None
    known_at: dt.datetime | None = None


def read_sheet(connection: Connection, name: str, region: Region, asked: Asked, title: str = "") -> MartSheet:
    """A mart of a region as a sheet, with the region's row where a view sums the mart up.

    Raises KeyError for a name that is not a mart.
    """
    definition = mart_named(name)
    rows = mart(connection, name, asked.as_of, asked.known_at, region.code)
    return sheet_of(definition, rows, region, asked, title, region_row(connection, definition, region, asked))


def region_row(connection: Connection, definition: Mart, region: Region, asked: Asked) -> dict[str, Any] | None:
    """The row of the view that sums a mart up, whose shares are of sums; None where none does."""
    view = region_view(definition)
    if view is None:
        return None
    found = mart(connection, view.name, asked.as_of, asked.known_at, region.code)
    return next(found.iter_rows(named=True), None)


def region_view(definition: Mart) -> Mart | None:
    """The view that sums a mart up in one row a region, itself or what it reads; None where none does."""
    return total_of(definition) or next((each for each in views() if _sums_up_the_same(each, definition)), None)


def _sums_up_the_same(view: Mart, definition: Mart) -> bool:
    """Is it the region's view of what a view of units sums up?"""
    if "country" in (view.audience.kind, definition.audience.kind):
        return False
    return definition.is_view and not view.key and view is not definition and view.marts_read == definition.marts_read


def sheet_of(
    definition: Mart,
    rows: pl.DataFrame,
    region: Region | None,
    asked: Asked,
    title: str = "",
    total: dict[str, Any] | None = None,
    *,
    is_one_row: bool = False,
) -> MartSheet:
    """Rows of a mart, of a region or of the installation, as a sheet named `title`; `total` is the row that sums up.

    The only row of `is_one_row`, or of a view of regions, is a list of figures.
    """
    zone = zone_of(region.code if region else None)
    rows = _with_titles(rows)
    is_one_row = is_one_row or (not definition.key and definition.is_view and rows.height <= 1)
    said, aside = ([], set()) if is_one_row else _said_once(definition, rows)
    local = _local(rows, zone)
    columns = _columns(definition, rows, aside, zone, is_one_row=is_one_row)
    if total is not None and not rows.is_empty():
        total = {**_total(definition, total), definition.label: TOTAL}
    return MartSheet(
        name=(title or definition.name)[:31],
        title=title_of(definition),
        lines=[*state_lines(rows, region.name if region else whose(definition), zone, asked), *said],
        columns=sorted(columns, key=lambda column: column.is_aside),
        rows=local,
        total=total,
        notes=notes_of(definition, rows),
        is_one_row=is_one_row,
    )


def whose(definition: Mart) -> str:
    """Whose rows are that are of no region."""
    return COUNTRY_NAME if definition.audience.kind == "country" else OF_NO_REGION


def title_of(definition: Mart) -> str:
    """The first sentence of what a mart says it is."""
    return definition.about.split(". ", 1)[0].removesuffix(".")


def short_title(definition: Mart) -> str:
    """The title without what it explains of itself."""
    return title_of(definition).split(": ", 1)[0]


def caption_of(definition: Mart, column: str) -> str:
    """What a column of a mart is called."""
    return definition.captions[column].split(". ", 1)[0].removesuffix(".")


def state_lines(rows: pl.DataFrame, whose: str, zone: ZoneInfo, asked: Asked) -> list[str]:
    """Whose figures these are, of which date, as known when, how complete and how final."""
    if rows.is_empty():
        day = f" на {asked.as_of:%d.%m.%Y}" if asked.as_of else ""
        return [f"{whose}{day}: ни одной строки."]
    days = sorted(set(rows["as_of"].to_list()))
    of_day = f"на {days[0]:%d.%m.%Y}" if len(days) == 1 else f"с {days[0]:%d.%m.%Y} по {days[-1]:%d.%m.%Y}"
    known = rows["known_at"].max() if "known_at" in rows.columns else None
    parts = [whose, of_day]
    if isinstance(known, dt.datetime):
        parts.append(f"известно на {local_time(known, zone)} (время {zone})")
    if asked.known_at:
        parts.append(f"как было опубликовано к {local_time(asked.known_at, zone)}")
    return [" · ".join(parts), f"{how_sure(rows)}."]


def how_sure(rows: pl.DataFrame) -> str:
    """How complete and how final rows are, in words."""
    parts = []
    if "completeness" in rows.columns and (least := rows["completeness"].min()) is not None:
        most = rows["completeness"].max()
        span = percent(least) if least == most else f"от {percent(least)} до {percent(most)}"  # type: ignore[arg-type]
        parts.append(f"Полнота {span}")
    if "is_final" in rows.columns:
        open_rows = rows.height - int(rows["is_final"].sum())
        some = f": ещё могут измениться {open_rows} из {rows.height} строк" if 0 < open_rows < rows.height else ""
        parts.append(f"цифры предварительные{some}" if open_rows else "цифры окончательные")
    if "by_older_rules" in rows.columns and (older := int(rows["by_older_rules"].sum() or 0)):
        parts.append(f"по прежним правилам проверено строк: {older}")
    told = "; ".join(parts) or "Полнота не определена"
    return told[0].upper() + told[1:]


def notes_of(definition: Mart, rows: pl.DataFrame) -> list[str]:
    """Of what each share is one, and what else a reader has to know of the rows."""
    notes = [
        f"{caption_of(definition, rate.name)} = {caption_of(definition, rate.numerator)} / "
        f"{caption_of(definition, rate.denominator)}; из чего: {rate.population}."
        for rate in definition.stated.rates
    ]
    if "in_rule_gap" in rows.columns and rows["in_rule_gap"].any():
        notes.append("Промежуток правила: доля между 50 % и 51 %, о которой легенда источника молчит.")
    return notes


def band_columns(definition: Mart) -> dict[str, str]:
    """Column → the column with the band by which it is coloured: the rates that have one, and bands themselves."""
    of_rates = {rate.name: rate.band for stating in _stating(definition) for rate in stating.stated.rates if rate.band}
    bands = {name: name for name in definition.columns if name == "band" or name.endswith("_band")}
    return {rate: band for rate, band in of_rates.items() if band in bands} | bands


def _stating(definition: Mart) -> list[Mart]:
    """The mart, and for a view those that it reads."""
    return [definition, *(base for base in marts() if base.name in definition.marts_read)]


def _columns(definition: Mart, rows: pl.DataFrame, aside: set[str], zone: ZoneInfo, *, is_one_row: bool) -> list[Shown]:
    bands = band_columns(definition)
    shown = []
    for name in rows.columns:
        of_kind = shown_kind(definition, name)
        caption = NUMBER if name == "position" else caption_of(definition, name)
        caption = f"{caption} (время {zone})" if of_kind == "момент" else caption
        hidden = name in aside or _is_service(name, rows) or (name == "position" and is_one_row)
        shown.append(Shown(name, caption, of_kind, bands.get(name, ""), hidden))
    return shown


def shown_kind(definition: Mart, column: str) -> str:
    """How a column of a mart is shown."""
    return kind_shown(*kind(column, *definition.kinds))


def _is_service(name: str, rows: pl.DataFrame) -> bool:
    named = any(pattern.format(name) in rows.columns for pattern in NAMES)
    stem, _, ending = name.rpartition("_")
    named = named or (ending in ("code", "kind") and f"{stem}_name" in rows.columns)
    return named or name in SERVICE or name.endswith(OF_RULES)


def _said_once(definition: Mart, rows: pl.DataFrame) -> tuple[list[str], set[str]]:
    """What is the same in every row, in words under the title, and the columns that stand aside for that.

    How complete and how final rows are is said of all of them; it stays a column where they differ. Figures
    stay, unless there is none of them.
    """
    figures = definition.stated.columns | {name for name in rows.columns if name.endswith("band")}
    said, aside, empty = [], set(), []
    for name in rows.columns:
        if rows.height < 2 or rows[name].n_unique() > 1 or name in definition.key:
            continue
        of_kind, unit = kind(name, *definition.kinds)
        if rows[name][0] is None:
            aside.add(name)
            empty += [caption_of(definition, name)] * (not _is_service(name, rows))
        elif name in figures:
            continue
        elif name in STATE or of_kind == "да/нет":
            aside.add(name)
        elif (of_kind == "текст" or unit in NUMBERS) and name != definition.label and not _is_service(name, rows):
            aside.add(name)
            said.append(f"{caption_of(definition, name)}: {word_of(name, str(rows[name][0]))}")
        elif of_kind == "дата" and name != "as_of":
            aside.add(name)
            said.append(f"{caption_of(definition, name)}: {rows[name][0]:%d.%m.%Y}")
    lines = ["; ".join(said)] if said else []
    return [*lines, *([f"Нет данных: {', '.join(empty)}"] if empty else [])], aside


def _with_titles(rows: pl.DataFrame) -> pl.DataFrame:
    """Figures of a form as the form calls them, campaigns by their titles."""
    if "campaign" in rows.columns and "campaign_title" not in rows.columns:
        campaigns = {row["campaign"]: row["title"] for row in vocabulary("campaigns")}
        rows = rows.with_columns(pl.col("campaign").replace(campaigns))
    if {"metric", "was", "became"} <= set(rows.columns) and not rows.is_empty():
        rows = rows.with_columns(_words_of_metric(rows, name) for name in ("was", "became"))
    if not {"form", "metric"} <= set(rows.columns) or "metric_name" in rows.columns or rows.is_empty():
        return rows
    named = [figure_title(form, metric) for form, metric in rows.select("form", "metric").iter_rows()]
    return rows.with_columns(pl.Series("metric", named, dtype=pl.String))


def _words_of_metric(rows: pl.DataFrame, name: str) -> pl.Series:
    """What was said of a column of a mart before or since, codes of it in words."""
    told = [
        None if said is None else word_of(str(metric), str(said)) for metric, said in rows.select("metric", name).rows()
    ]
    return pl.Series(name, told, dtype=pl.String)


def _local(rows: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Moments by the clocks of a zone, as workbooks take them."""
    moments = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Datetime)]
    return rows.with_columns(pl.col(moments).dt.convert_time_zone(str(zone)).dt.replace_time_zone(None))


def _total(definition: Mart, row: dict[str, Any]) -> dict[str, Any]:
    """What the region's row says of figures and bands that the mart has."""
    bands = set(band_columns(definition).values())
    kinds = {name: kind(name, *definition.kinds) for name in definition.columns}
    counted = {name for name, (of_kind, unit) in kinds.items() if of_kind in FIGURES and unit not in NUMBERS}
    return {name: value for name, value in row.items() if name in (counted | bands) - {"completeness"}}
