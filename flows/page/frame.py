"""What every page of an address has: whose it is, of which date, how sure, what leads from it to the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import polars as pl
from markupsafe import Markup

from contracts.texts import page_words
from documents.pages.mart_html import Links, in_two_languages
from documents.pages.render import asset_names, rendered
from flows.page.address_moment import marked
from flows.page.made_of import Page, digest, program
from flows.page.page_audience import PageAudience, Seen
from flows.presentation.mart_sheets import Asked, state_lines
from flows.presentation.officer_report import told_marts
from warehouse.marts.definitions import Mart

MOST_ROWS = 400
"""Rows that a table of a page has, and the workbook beside it; one of more has the rest in its CSV alone."""


def told(code: str) -> Markup:
    """What the page says in Russian, with the English for the switch."""
    words = page_words()[code]
    return in_two_languages(words["ru"], words["en"])


def named(words: str, name: str) -> Markup:
    """Russian words of what has an English name, a column, a mart or a system: for the switch the name is the words."""
    return in_two_languages(words, name.replace("_", " ").capitalize())


def said(code: str, **values: object) -> str:
    """The Russian words of a code with values in them."""
    return page_words()[code]["ru"].format(**values)


@dataclass(frozen=True)
class Frame:
    """An audience and what it sees of a night. `units` and `schools` are those that have a page here,
    `standing` says how new the address is, given the way to its root."""

    audience: PageAudience
    night: Seen
    units: Mapping[str, str]
    schools: frozenset[str]
    standing: Callable[[str], Markup]

    @property
    def seen(self) -> list[Mart]:
        """The marts that have a page here."""
        return [each for each in told_marts() if self.audience.has(each)]

    @cached_property
    def forms(self) -> frozenset[str]:
        """The forms that have a page here."""
        health = self.rows("delivery_health")
        return frozenset(health["form"].drop_nulls()) if not health.is_empty() else frozenset()

    def has_book(self, name: str) -> bool:
        """Has a mart a workbook beside its table? One that is shown in part has none, nor an empty one of a unit."""
        rows = self.rows(name).height
        return rows <= MOST_ROWS and (not self.audience.unit or rows > 0)

    @property
    def asked(self) -> Asked:
        """As what the night is read."""
        return Asked(self.night.as_of, self.night.known_at)

    @property
    def of_date(self) -> Asked:
        """As what sheets tell of it: from when rows are known each says itself, and the address what it is of."""
        return Asked(self.night.as_of)

    @cached_property
    def made_of(self) -> str:
        """Of what every page is made: whose it is, and which units and schools have one to lead to."""
        whose = (self.audience.region.code, self.audience.unit, self.audience.name, self.night.as_of)
        return digest(program(self.audience.region.folder), whose, dict(self.units), sorted(self.schools))

    def rows(self, name: str) -> pl.DataFrame:
        """The rows of a mart that the audience sees."""
        return self.night.rows(name)

    def state(self, rows: pl.DataFrame) -> list[str]:
        """Of when rows are, and how sure."""
        return state_lines(rows, self.audience.name, self.night.region.zone, self.of_date)

    def links(self, up: str) -> Links:
        """Where values of columns lead from a page; `up` is the way to the root of the address."""

        def unit(row: Mapping[str, object]) -> str:
            code = str(row.get("reporting_unit"))
            return f"{up}unit/{code}.html" if code in self.units else ""

        def school(row: Mapping[str, object]) -> str:
            code = str(row.get("school_code"))
            return f"{up}school/{code}.html" if code in self.schools else ""

        return {"reporting_unit_name": unit, "school_name": school}

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The pages that every page leads to, each with what it is called."""
        own = [(f"unit/{self.audience.unit}.html", "section_unit")] if self.audience.unit else []
        listed = [("index.html", "section_first"), *own, ("schools.html", "section_schools"),
                  ("forms.html", "section_forms"), ("lines.html", "section_lines")]  # fmt: skip
        for_all = [("table/municipality_profile.html", "section_units")] if not self.audience.unit else []
        return [*listed, *for_all, ("table/corrections.html", "section_corrections"),
                *([] if self.audience.unit else [("table/assignments.html", "section_assignments")]),
                ("tables.html", "section_tables")]  # fmt: skip

    def page(
        self, path: str, template: str, title: str, state: Sequence[str], heading: Markup | str = "", **values: Any
    ) -> Page:
        """A page that is always written (`draw`)."""
        return Page(path, partial(self.draw, path, template, title, state, heading, **values))

    def draw(
        self, path: str, template: str, title: str, state: Sequence[str], heading: Markup | str = "", **values: object
    ) -> bytes:
        """A page at a path from the root of the address; `heading` is its title in two languages."""
        up = "../" * path.count("/")
        night = self.night
        return rendered(
            template, title=title, heading=heading or title, whose=self.audience.name,
            day=f"{self.night.as_of:%d.%m.%Y}", state=state, up=up, root=f"../../{up}", asset=asset_names(),
            sections=self.sections, here=path, t=told, has_book=self.has_book,
            standing=self.standing(up), footer=marked(night.footer, night.known_at, night.region.zone), **values,
        )  # fmt: skip
