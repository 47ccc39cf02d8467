"""`profmin page`: the static site of a region, a folder an audience, and that of the country."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.regions import COUNTRY_ZONE
from contracts.vocabulary import reporting_units
from flows.cli.terminal import console, in_russian, progress
from flows.home.asked_region import asked_region
from flows.home.bi_database import readable
from flows.home.settings import Settings
from flows.home.usage import UsageError, in_zone, must_be_known
from flows.page.country_page import FOLDER, build_country
from flows.page.site import build_site
from flows.presentation.region_deck import NotPublished


def write_pages(
    settings: Settings, unit: str | None, as_of: dt.date | None, known_at: dt.datetime | None, to: Path | None,
    region: str | None, *, country: bool = False,
) -> None:  # fmt: skip
    """Write the pages of every audience of a region, of a unit alone or of the country, and say where. Raises
    UsageError for an unknown unit, and without publication."""
    if country:
        _write_country(settings, as_of, known_at, to, is_of_one=bool(unit or region))
        return
    chosen = asked_region(region)
    units = sorted(set(reporting_units(as_of or dt.date.max, chosen.code)["reporting_unit"]))
    must_be_known([unit] if unit else [], units, "unit")
    moment = in_zone(known_at, chosen.zone) if known_at else None
    folder = to or settings.site or Path("site")
    with _written_to(folder), readable(settings, in_russian) as engine, progress("страницы"):
        done = build_site(engine, chosen, folder, as_of, moment, [unit] if unit else None)
    first = folder / chosen.code / (unit or "region") / "index.html"
    console(error=True).print(
        f"Страницы на {done.address.as_of:%d.%m.%Y}: читателей {done.audiences}, файлов записано {done.files}. "
        f"Начало: {first}",
        soft_wrap=True,
        highlight=False,
    )


def _write_country(
    settings: Settings, as_of: dt.date | None, known_at: dt.datetime | None, to: Path | None, *, is_of_one: bool
) -> None:
    if is_of_one:
        raise UsageError(
            "--country is of all regions: leave --region and --unit out",
            "--country — обо всех регионах: уберите --region и --unit",
        )
    moment = in_zone(known_at, COUNTRY_ZONE) if known_at else None
    folder = to or settings.site or Path("site")
    with _written_to(folder), readable(settings, in_russian) as engine:
        address, files = build_country(engine, folder, as_of, moment)
    console(error=True).print(
        f"Страница страны на {address.as_of:%d.%m.%Y}: файлов записано {files}."
        f" Начало: {folder / FOLDER / 'index.html'}",
        soft_wrap=True,
        highlight=False,
    )


@contextmanager
def _written_to(folder: Path) -> Iterator[None]:
    """What may go wrong with pages, as wrong usage."""
    try:
        yield
    except NotPublished:
        raise UsageError(
            "nothing of that date was published (by then): profmin mart readiness_region says what there is",
            "за эту дату (к этому времени) ничего не опубликовано; что есть, скажет profmin mart readiness_region",
        ) from None
    except OSError as error:
        raise UsageError(
            f"{str(folder)!r} cannot be written: {error.strerror}", f"«{folder}» не записать: {error.strerror}"
        ) from None
