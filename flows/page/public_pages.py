"""The folder of a region that everybody may read: each release for the public as a page, with a workbook and a CSV of
each table. It is read as the role that sees what is public and nothing else, and a release is written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from contracts.regions.pack import Region
from contracts.texts import page_words
from documents.pages.mart_html import html_table, in_two_languages
from documents.pages.render import asset_names, assets, rendered
from documents.writing.mart_csv import mart_csv
from documents.writing.mart_xlsx import MartSheet, Shown, marts_xlsx
from flows.home.whole_file import remove_drafts, write_changed
from flows.page.frame import MOST_ROWS, said, told
from flows.presentation.mart_sheets import title_of
from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart
from warehouse.marts.public_release import Release, caption_of_public, public_marts, read_public_mart, releases
from warehouse.schema.access import seen_by_public

if TYPE_CHECKING:
    from sqlalchemy import Engine

OF_PUBLIC = "public"
"""The folder of everybody. No unit may be called so (`contracts/regions/pack_check.py`)."""
ASIDE = ("region", "as_of", "reporting_unit", "is_municipality", "campaign")
"""Columns that stand in the files alone."""


def write_public_pages(engine: Engine, region: Region, to: Path) -> int:
    """Write the releases of a region that have no pages yet; returns how many files were written. A region that tells
    the public nothing has no folder."""
    folder, written = to / region.code / OF_PUBLIC, 0
    with engine.connect() as connection:
        there = releases(connection, region.code)
    if not there:
        return 0
    with seen_by_public(engine) as connection:
        for release in there:
            root = folder / str(release.as_of)
            if (root / "index.html").exists():  # it is written last
                continue
            root.mkdir(parents=True, exist_ok=True)
            remove_drafts(root)
            sheets = [
                (mart, _sheet(mart, read_public_mart(connection, mart, region.code, release.as_of)))
                for mart, _ in public_marts()
            ]
            for mart, sheet in sheets:
                written += write_changed(root / f"{mart.name}.csv", mart_csv(sheet.rows).encode())
                written += write_changed(root / f"{mart.name}.xlsx", marts_xlsx([sheet], in_memory=True))
            written += sum(write_changed(folder / "assets" / name, data) for name, data in assets().items())
            written += write_changed(root / "index.html", _page(region, release, sheets))
    return written + _lists(folder, region, there)


def _page(region: Region, release: Release, sheets: list[tuple[Mart, MartSheet]]) -> bytes:
    tables = [
        (mart.name, sheet.title, html_table(sheet, mart.label, {}, MOST_ROWS), mart.about) for mart, sheet in sheets
    ]
    words = page_words()["public_hidden"]
    hidden = in_two_languages(*(words[language].format(threshold=release.threshold) for language in ("ru", "en")))
    return rendered(
        "public.html", whose=region.name, day=f"{release.as_of:%d.%m.%Y}", tables=tables, root="../", t=told,
        asset=asset_names(), hidden=hidden, has_book=lambda _: True,
    )  # fmt: skip


def _sheet(mart: Mart, rows: pl.DataFrame) -> MartSheet:
    """A mart as the public has it. A share is coloured by its band, as everywhere."""
    columns = []
    for name in rows.columns:
        words = caption_of_public(mart, name).split(". ", 1)[0].removesuffix(".")
        of_kind = _kind(mart, name)
        band = "band" if of_kind == "доля" and "band" in rows.columns else "band" if name == "band" else ""
        columns.append(Shown(name, words, of_kind, band, name in ASIDE or name == "position"))
    title = title_of(mart)
    return MartSheet(mart.name[:31], title, [], sorted(columns, key=lambda column: column.is_aside), rows)


def _kind(mart: Mart, name: str) -> str:
    if name in mart.captions:
        of_kind, _ = kind(name, *mart.kinds)
        return of_kind
    return "дата" if name.endswith("_as_of") else "текст"


def _lists(folder: Path, region: Region, there: list[Release]) -> int:
    """The page that leads to the newest release, and the list of all."""
    shown = [(f"{each.as_of}/index.html", f"{each.as_of:%d.%m.%Y}", said("public_release")) for each in there]
    whose = f"{region.name}: {said('public_title')}"
    newest, words, _ = shown[-1]
    pages = {
        "all.html": rendered(
            "all.html", whose=whose, addresses=shown[::-1], t=told, t_plain=said, asset=asset_names(), root=""
        ),
        "index.html": rendered("newest.html", whose=whose, address=newest, words=words),
    }
    return sum(write_changed(folder / name, data) for name, data in pages.items())
