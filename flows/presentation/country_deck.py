"""The presentation of the country: its systems, its regions, how complete and final the figures are."""

from __future__ import annotations

from contracts.regions import COUNTRY_ZONE
from contracts.texts.figures import percent, whole
from documents.writing.deck import Slide, Slides, write_deck
from documents.writing.deck_table import Cell, Table
from flows.presentation.country_night import REGIONS, SYSTEMS, CountryNight
from flows.presentation.mart_sheets import COUNTRY_NAME
from flows.presentation.region_deck import SUBTITLE, TITLE
from flows.presentation.slide_data import NOTHING

SYSTEMS_A_SLIDE = 6
SOURCE = 'Источник: витрина {}. Команда: profmin mart {} --as-of {} --known-at "{}"'
OF_SUMS = "Доля — сумма числителей на сумму знаменателей."


def make_country_deck(night: CountryNight) -> bytes:
    """The .pptx of the country; the same date and moment give the same bytes."""
    moment = night.known_at.astimezone(COUNTRY_ZONE)
    slides = [_systems(night), *_regions(night), Slide("Насколько полны и окончательны эти слайды", lines=night.state)]
    return write_deck(
        Slides(
            TITLE.format(COUNTRY_NAME), SUBTITLE.format(night.as_of), night.footer, slides, night.known_at,
            f'Команда: profmin deck --country --as-of {night.as_of} --known-at "{moment.isoformat()}"', None,
        )
    )  # fmt: skip


def _systems(night: CountryNight) -> Slide:
    rows = [
        [Cell(row["system_title"]), Cell(_figure(row["figure"])), Cell(_figure(row["whole"])),
         Cell(percent(row["figure_rate"])), Cell(f"{row['regions_told']} из {row['regions']}"),
         Cell(f"{row['regions_final']} из {row['regions']}"),
         Cell(f"{row['regions_green']} / {row['regions_amber']} / {row['regions_red']}")]
        for row in night.rows(SYSTEMS).iter_rows(named=True)
    ]  # fmt: skip
    headings = ("Система", "Есть", "Из", "Доля", "Регионов", "Окончательно", "Зел. / жёлт. / красн.")
    table = Table(headings, rows, (True, *[False] * 6))
    return Slide("Страна: что известно по каждой системе", night.state[0], table=table, notes=_notes(night, SYSTEMS))


def _regions(night: CountryNight) -> list[Slide]:
    """Regions, a row each, and shares of some systems a slide."""
    systems = night.shown_systems
    slides = []
    for first in range(0, len(systems), SYSTEMS_A_SLIDE):
        some = systems[first : first + SYSTEMS_A_SLIDE]
        rows = [
            [Cell(row["region_name"]), Cell(f"{row['region_as_of']:%d.%m.%Y}" if row["region_as_of"] else NOTHING)]
            + [Cell(percent(row[f"{each['system']}_figure_rate"]), row.get(f"{each['system']}_band") or "")
               for each in some]
            for row in night.rows(REGIONS).iter_rows(named=True)
        ]  # fmt: skip
        headings = ("Регион", "День региона", *(each["name"] for each in some))
        table = Table(headings, rows, (True, False, *[False] * len(some)))
        remark = "Полоса — по правилам региона. Тире — за неделю не опубликовано, или о системе не сообщали."
        slides.append(Slide("Регионы по системам", "", table=table, remark=remark, notes=_notes(night, REGIONS)))
    return slides


def _figure(value: float | None) -> str:
    return NOTHING if value is None else whole(round(value, 2))


def _notes(night: CountryNight, name: str) -> str:
    moment = night.known_at.astimezone(COUNTRY_ZONE).isoformat()
    return f"{SOURCE.format(name, name, night.as_of, moment)}\n{OF_SUMS}"
