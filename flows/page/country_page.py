"""The page of the country: every system, the map of the regions, and each region's day and shares, which leads to the
region's own page. It is written for who may see the country, beside the folders of the regions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from contracts.texts import word_of
from contracts.texts.figures import percent, whole
from contracts.vocabulary import rows as vocabulary
from documents.pages.mart_html import NOTHING, HtmlTable, banded, link, simple_table
from documents.pages.render import asset_names, assets, rendered
from documents.writing.mart_csv import mart_csv
from documents.writing.mart_xlsx import marts_xlsx
from flows.home.whole_file import remove_drafts, write_changed
from flows.page.addresses import Address
from flows.page.first_page import NO_BAND, Tile
from flows.page.frame import named, told
from flows.page.page_audience import OF_REGION
from flows.presentation.country_deck import make_country_deck
from flows.presentation.country_night import REGIONS, SYSTEMS, CountryNight, country_night
from flows.presentation.mart_sheets import COUNTRY_NAME, Asked, sheet_of
from warehouse.core.slices import holding
from warehouse.marts.published import mart_named
from warehouse.schema.access import seen_by

if TYPE_CHECKING:
    from sqlalchemy import Engine

FOLDER = "country"
"""The folder of those who see the country."""
LONGEST_WAIT = dt.timedelta(minutes=10)
MOST_ABSENT = 5
"""Regions that a row of a system names as absent."""
UP = "../../../"
"""From an address to the site."""
Row = Mapping[str, Any]


def build_country(
    engine: Engine, to: Path, as_of: dt.date | None = None, known_at: dt.datetime | None = None
) -> tuple[Address, int]:
    """Write the page of the country's date, by default the last that a region published (by `known_at`); its address,
    and how many files were written. Raises NotPublished, OSError, Timeout."""
    folder = to / FOLDER
    with (
        holding(engine, ["the page of the country"], LONGEST_WAIT),
        engine.connect() as whole_connection,
        seen_by(engine, None) as connection,
    ):
        night = country_night(connection, whole_connection, as_of, known_at)
        address = Address(night.as_of, night.known_at)
        root = folder / address.path
        root.mkdir(parents=True, exist_ok=True)
        written = sum(write_changed(folder / "assets" / name, data) for name, data in assets().items())
        for name, data in _files(night, to).items():
            written += write_changed(root / name, data, root)
        for place in (folder, folder / "assets", *folder.glob("*/*")):
            remove_drafts(place)
    newest = max(path.relative_to(folder).as_posix() for path in folder.glob("*/*/index.html"))
    words = f"{COUNTRY_NAME}, на {dt.date.fromisoformat(newest.partition('/')[0]):%d.%m.%Y}"
    written += write_changed(
        folder / "index.html", rendered("newest.html", whose=COUNTRY_NAME, address=newest, words=words)
    )
    return address, written


def _files(night: CountryNight, site: Path) -> dict[str, bytes]:
    found = {}
    for name in (SYSTEMS, REGIONS):
        sheet = sheet_of(mart_named(name), night.rows(name), None, Asked(night.as_of, night.known_at))
        found[f"{name}.csv"] = mart_csv(night.rows(name)).encode()
        found[f"{name}.xlsx"] = marts_xlsx([sheet], in_memory=True)
    found["deck.pptx"] = make_country_deck(night)
    maps, columns = _maps(night, site)
    found["index.html"] = rendered(
        "country.html", whose=COUNTRY_NAME, day=f"{night.as_of:%d.%m.%Y}", state=night.state, root="../../",
        asset=asset_names(), t=told, has_book=lambda _: True, systems=_systems(night), regions=_regions(night, site),
        maps=maps, columns=columns, map_title="country_map", footer=night.footer,
    )  # fmt: skip
    return found


def _systems(night: CountryNight) -> HtmlTable:
    words = {row["system"]: row["title"] for row in vocabulary("systems")}
    rows = [
        [
            named(row["system_name"], row["system"]), words[row["system"]], whole(row["figure"]), whole(row["whole"]),
            percent(row["figure_rate"]), f"{row['regions_told']} из {row['regions']}",
            f"{row['regions_final']} из {row['regions']}",
            f"{row['regions_green']} / {row['regions_amber']} / {row['regions_red']}",
            _some(row["regions_absent"]),
        ]
        for row in night.rows(SYSTEMS).iter_rows(named=True)
    ]  # fmt: skip
    texts = ("system", "counted", "country_absent")
    headings = ("system", "counted", "figure", "whole", "share", "country_told", "country_final", "country_bands",
                "country_absent")  # fmt: skip
    return simple_table([(told(name), name not in texts) for name in headings], rows)


def _some(names: str | None) -> str:
    """The first of names; all of them stand in the file beside the table."""
    listed = names.split(", ") if names else []
    more = f" и ещё {len(listed) - MOST_ABSENT}" if len(listed) > MOST_ABSENT else ""
    return ", ".join(listed[:MOST_ABSENT]) + more if listed else NOTHING


def _regions(night: CountryNight, site: Path) -> HtmlTable:
    systems = night.shown_systems
    rows = []
    for row in night.rows(REGIONS).iter_rows(named=True):
        address = _page_of(row["region_code"], site)
        name = link(address, row["region_name"]) if address else row["region_name"]
        day = f"{row['region_as_of']:%d.%m.%Y}" if row["region_as_of"] else NOTHING
        final = "да" if row["is_final"] else "нет"
        rows.append([name, day, final, *(_share(row, each["system"]) for each in systems)])
    headings = [(told("country_region"), False), (told("country_day"), True), (told("country_final"), False)]
    return simple_table([*headings, *((named(each["name"], each["system"]), True) for each in systems)], rows)


def _share(row: Row, system: str) -> Markup:
    return banded(percent(row[f"{system}_figure_rate"]), row.get(f"{system}_band"))


def _page_of(code: str, site: Path) -> str:
    """The way to a region's own page; empty where it has none yet."""
    page = Path(code, OF_REGION, "index.html")
    return f"{UP}{page.as_posix()}" if (site / page).is_file() else ""


def _maps(night: CountryNight, site: Path) -> tuple[list[dict[str, object]], int]:
    """A map for each system of which regions have a share, and how many columns it has; who is not in the warehouse has
    a tile without a figure."""
    places = {row["region"]: row for row in vocabulary("region_tiles")}
    columns = max(int(row["column"]) for row in places.values())
    regions = {row["region_code"]: row for row in night.rows(REGIONS).iter_rows(named=True)}
    below = 1 + max(int(row["row"]) for row in places.values())
    for number, code in enumerate(code for code in regions if code not in places):
        places[code] = {"row": str(below + number // columns), "column": str(1 + number % columns),
                        "name": regions[code]["region_name"]}  # fmt: skip
    systems = night.shown_systems
    chosen = next((each for each in systems if f"{each['system']}_band" in night.rows(REGIONS).columns), None)
    return [
        {
            "system": each["system"], "name": each["name"], "title": each["title"],
            "is_chosen": each is (chosen or systems[0]),
            "tiles": sorted(_tile(code, place, regions.get(code), each["system"], site)
                            for code, place in places.items()),
        }
        for each in systems
    ], columns  # fmt: skip


def _tile(code: str, place: Mapping[str, str], row: Row | None, system: str, site: Path) -> Tile:
    share = row[f"{system}_figure_rate"] if row else None
    band = row.get(f"{system}_band") if row else None
    figure = banded(percent(share), band) if share is not None else word_of("band", "no_data") if row else NOTHING
    address = _page_of(code, site) if row else ""
    return Tile(int(place["row"]), int(place["column"]), place["name"], figure, band or NO_BAND, address)
