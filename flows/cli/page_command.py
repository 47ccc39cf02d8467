"""`profmin page`: the static site of a region, a folder an audience."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from contracts.vocabulary import reporting_units
from flows.cli.terminal import console, progress
from flows.home.asked_region import asked_region
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.home.usage import UsageError, in_zone, must_be_known
from flows.page.site import build_site
from flows.presentation.region_deck import NotPublished


def write_pages(
    settings: Settings, unit: str | None, as_of: dt.date | None, known_at: dt.datetime | None, to: Path | None,
    region: str | None,
) -> None:  # fmt: skip
    """Write the pages of every audience of a region, or of a unit alone, and say where. Raises UsageError for an
    unknown unit, and without publication."""
    chosen = asked_region(region)
    units = sorted(set(reporting_units(as_of or dt.date.max, chosen.code)["reporting_unit"]))
    must_be_known([unit] if unit else [], units, "unit")
    moment = in_zone(known_at, chosen.zone) if known_at else None
    folder = to or settings.site or Path("site")
    try:
        with warehouse(settings) as engine, progress("страницы"):
            done = build_site(engine, chosen, folder, as_of, moment, [unit] if unit else None)
    except NotPublished:
        raise UsageError(
            "nothing of that date was published (by then): profmin mart readiness_region says what there is",
            "за эту дату (к этому времени) ничего не опубликовано; что есть, скажет profmin mart readiness_region",
        ) from None
    except OSError as error:
        raise UsageError(
            f"{str(folder)!r} cannot be written: {error.strerror}", f"«{folder}» не записать: {error.strerror}"
        ) from None
    first = folder / chosen.code / (unit or "region") / "index.html"
    console(error=True).print(
        f"Страницы на {done.address.as_of:%d.%m.%Y}: читателей {done.audiences}, файлов записано {done.files}. "
        f"Начало: {first}",
        soft_wrap=True,
        highlight=False,
    )
