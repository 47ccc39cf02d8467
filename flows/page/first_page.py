"""The first screen: every system of the source, the map of the region, what needs a decision today."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import ceil, sqrt
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from contracts.texts import word_of
from contracts.texts.figures import percent, points, whole
from contracts.vocabulary import rows as vocabulary
from documents.pages.mart_html import NOTHING, HtmlTable, banded, link, simple_table
from flows.page.figure_links import mart_behind, to_column, to_mart, to_rate, to_row
from flows.page.frame import Frame, named, said, told
from flows.page.made_of import Page

Row = Mapping[str, Any]
NO_BAND = "none"
LATE = ("overdue", "contradiction")


class Tile(NamedTuple):
    """A unit on the map."""

    row: int
    column: int
    name: str
    figure: Markup | str
    band: str
    address: str


def first_page(frame: Frame) -> Page:
    """The page that an address opens with."""
    systems = frame.rows("region_profile")
    units = frame.rows("municipality_profile")
    before = systems["before_as_of"].drop_nulls().max() if not systems.is_empty() else None
    tiles, columns = _places(frame)
    return frame.page(
        "index.html", "index.html", "Главное", frame.state(systems), told("section_first"),
        decisions=list(_decisions(frame)), told=_systems(frame, systems, units), columns=columns,
        before=f"{before:%d.%m.%Y}" if before else "",  # type: ignore[str-bytes-safe]
        maps=[] if frame.audience.unit else _maps(frame, systems, units, tiles),
    )  # fmt: skip


def _systems(frame: Frame, systems: pl.DataFrame, units: pl.DataFrame) -> HtmlTable:
    wrong, unit = _disagreeing(frame), frame.audience.unit
    own = next(units.iter_rows(named=True), {}) if unit else {}
    headings = ["system", "counted", "figure", "whole", "share", *(["unit_share"] if unit else []), "change",
                "completeness", "sent", "lacks", "disagrees"]  # fmt: skip
    texts = {"system", "counted", "lacks"}
    words = {row["system"]: row for row in vocabulary("systems")}
    rows = []
    for row in systems.iter_rows(named=True):
        of = words[row["system"]]
        share = to_rate(frame, row, banded(percent(row["figure_rate"]), row["band"]))
        sent = f"{row['units_sent']} из {row['units_expected']}" if row["units_expected"] is not None else NOTHING
        lacks = f"{whole(row['lacks'])} {row['lacks_words']}" if row["lacks"] and row["lacks_words"] else NOTHING
        disagrees = sum(wrong[form] for form in of["forms"].split())
        cells = [
            to_mart(frame, mart_behind(row), named(row["system_name"], row["system"])), of["title"],
            *(to_column(frame, row, name, whole(row[name])) for name in ("figure", "whole")), share,
            *([_own_share(frame, own, row["system"])] if unit else []),
            points(row["rate_change"]), percent(row["completeness"]), sent, lacks,
            link("table/control_totals.html", whole(disagrees)) if disagrees else "0",
        ]  # fmt: skip
        rows.append(cells)
    return simple_table([(told(name), name not in texts) for name in headings], rows)


def _own_share(frame: Frame, own: Row, system: str) -> Markup | str:
    """The share of the unit's own, which leads to its row."""
    rate = own.get(f"{system}_figure_rate")
    share = banded(percent(rate), own.get(f"{system}_band"))
    return share if rate is None else to_row(frame, system, frame.audience.unit, share)


def _disagreeing(frame: Frame) -> Counter[str]:
    """Form → how many stated figures of its documents are not what their rows say."""
    totals = frame.rows("control_totals")
    return Counter(totals.filter(pl.col("verdict") == "disagrees")["form"].to_list() if not totals.is_empty() else ())


def _decisions(frame: Frame) -> Iterator[tuple[str, str]]:
    """What waits for somebody: documents that are held, what did not come, assignments, admissions, red figures."""
    health = frame.rows("delivery_health")
    if not health.is_empty():
        for row in health.filter(pl.col("status") == "held").iter_rows(named=True):
            yield f"form/{row['form']}.html", said("decide_held", form=row["form_title"], sender=row["sender_name"])
        late = health.filter((pl.col("status") == "missing") & (pl.col("deadline") < frame.night.as_of))
        for form, title, count in late.group_by("form", "form_title", maintain_order=True).len().iter_rows():
            yield f"form/{form}.html", said("decide_missing", form=title, count=count)
    if frame.audience.unit:
        yield from _own_decisions(frame)
        return
    for row in frame.rows("region_profile").filter(pl.col("band") == "red").iter_rows(named=True):
        figure = f"{whole(row['figure'])} из {whole(row['whole'])} ({percent(row['figure_rate'])})"
        yield f"table/{mart_behind(row)}.html", said("decide_red", system=row["system_title"], figure=figure)
    assignments = frame.rows("assignments")
    for row in assignments.iter_rows(named=True) if not assignments.is_empty() else ():
        if row["status"] in LATE:
            yield "table/assignments.html", said("decide_assignments", number=row["number"], status=row["status_words"])
    admissions = frame.rows("admissions_by_year")
    for row in admissions.iter_rows(named=True) if not admissions.is_empty() else ():
        if row["anomalies_waiting"]:
            count = whole(row["anomalies_waiting"])
            yield "table/admissions_by_year.html", said("decide_admissions", year=row["year"], count=count)


def _own_decisions(frame: Frame) -> Iterator[tuple[str, str]]:
    """What waits for the unit itself: its red shares, its schools that have something to mend."""
    own = next(frame.rows("municipality_profile").iter_rows(named=True), {})
    for system in vocabulary("systems"):
        if own.get(f"{system['system']}_band") == "red":
            share = percent(own[f"{system['system']}_figure_rate"])
            yield f"unit/{frame.audience.unit}.html", said("decide_red", system=system["title"], figure=share)
    cards = frame.rows("school_profile")
    wanting = cards.filter(pl.col("systems_wanting") > 0).height if not cards.is_empty() else 0
    if wanting:
        yield "schools.html", said("decide_schools", count=whole(wanting))


def _places(frame: Frame) -> tuple[dict[str, tuple[int, int]], int]:
    """Unit → row and column of its tile, and how many columns there are; who has no place stands below the others."""
    lines = frame.night.region.lines("tiles")
    places = {line["reporting_unit"]: (int(line["row"]), int(line["column"])) for line in lines}
    columns = max((column for _, column in places.values()), default=ceil(sqrt(max(1, len(frame.units)))))
    first = max((row for row, _ in places.values()), default=0)
    for number, unit in enumerate(unit for unit in frame.units if unit not in places):
        places[unit] = (first + 1 + number // columns, 1 + number % columns)
    return places, columns


def _maps(
    frame: Frame, systems: pl.DataFrame, units: pl.DataFrame, places: Mapping[str, tuple[int, int]]
) -> list[dict[str, object]]:
    """A map for each system of which units have a share."""
    maps: list[dict[str, object]] = []
    names = {line["reporting_unit"]: _short(line) for line in frame.night.region.lines("reporting_units")}
    for row in systems.iter_rows(named=True):
        rate = f"{row['system']}_figure_rate"
        if rate not in units.columns or units[rate].is_null().all():
            continue
        tiles = [_tile(unit, names[unit["reporting_unit"]], row["system"], places)
                 for unit in units.iter_rows(named=True)]  # fmt: skip
        named = {"system": row["system"], "name": row["system_name"], "title": row["system_title"]}
        maps.append(named | {"tiles": sorted(tiles)})
    chosen = next((each for each in maps if any(tile.band != NO_BAND for tile in each["tiles"])), None)  # type: ignore[attr-defined]
    return [each | {"is_chosen": each is (chosen or maps[0])} for each in maps]


def _short(line: Mapping[str, str]) -> str:
    """The name of a unit without the words of what kind of municipality it is."""
    short = re.sub(re.escape(line["municipality_type"]), "", line["name"], flags=re.IGNORECASE).strip()
    return short or line["name"]


def _tile(unit: Row, name: str, system: str, places: Mapping[str, tuple[int, int]]) -> Tile:
    code, share, band = unit["reporting_unit"], unit[f"{system}_figure_rate"], unit.get(f"{system}_band")
    row, column = places[code]
    figure = banded(percent(share) if share is not None else word_of("band", "no_data"), band)
    return Tile(row, column, name, figure, band or NO_BAND, f"unit/{code}.html")
