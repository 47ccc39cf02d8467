"""The list of schools, and a page for each: how it stands by system, what to mend and how, whom to call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl
from markupsafe import Markup, escape

from contracts.texts import page_words, rule_text
from contracts.texts.figures import whole
from contracts.vocabulary import contacts_of
from contracts.vocabulary import rows as vocabulary
from documents.pages.mart_html import NOTHING, SIGNS, banded, link, simple_table
from flows.page.frame import Frame, named, told
from flows.page.made_of import Page, digest
from flows.presentation.mart_sheets import caption_of, short_title
from warehouse.marts.published import mart_named

STANDING, WORDS, OF_DOCUMENT = "_standing", "_words", "_as_of"
OF_WANTING = ("attention", "undone")
BANDS = {"in_order": "green", "attention": "amber", "undone": "red", "no_data": "no_data"}
"""Standing of a system → the band in whose colour and with whose sign it is shown."""
NOT_DUE = "·"
SYSTEM_OF = {"lessons": "journal", "staffing": "staff", "agreements": "partners"}
"""What the card of a school calls a system otherwise than the list of systems."""
MORE = {
    "hours_delivery": ("grade", "letter", "direction_name", "hours_norm", "hours_given", "hours_given_rate"),
    "lessons_held": ("grade", "letter", "lessons_due", "lessons_held", "lessons_left", "held_rate"),
}  # fmt: skip
"""Marts of classes that a school's page shows, and which columns."""
Values = tuple[object, ...]


def standings(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str, list[str]]]:
    """(system, standing, its words, the columns of its figures) of a school's card, as the mart orders them."""
    names = list(row)
    for place, name in enumerate(names):
        if name.endswith(STANDING):
            system = name.removesuffix(STANDING)
            figures = []
            for column in names[place + 2 :]:
                if column.endswith((STANDING, OF_DOCUMENT)) or column in ("by_older_rules", "export_as_of"):
                    break
                figures.append(column)
            yield system, str(row[name]), str(row[f"{system}{WORDS}"] or NOTHING), figures


def school_pages(frame: Frame) -> Iterator[Page]:
    """The list, then the page of each school."""
    cards = frame.rows("school_profile")
    yield _list(frame, cards)
    if cards.is_empty():
        return
    reports = {row["school_code"]: row for row in frame.rows("readiness_by_school").iter_rows(named=True)}
    more = {name: _by_school(frame, name, columns) for name, columns in MORE.items()}
    for number, row in enumerate(cards.iter_rows(named=True)):
        of_school = cards.slice(number, 1)
        classes = {name: found[row["school_code"]] for name, found in more.items() if row["school_code"] in found}
        report = reports.get(row["school_code"], {})
        page = partial(_school, frame, row, of_school, report, classes)
        yield Page(f"school/{row['school_code']}.html", page, digest(frame.made_of, row, report, classes))


def _by_school(frame: Frame, name: str, columns: Sequence[str]) -> dict[str, list[Values]]:
    """School → some columns of the rows of a mart."""
    rows = frame.rows(name)
    found: dict[str, list[Values]] = {}
    for school, *values in rows.select("school_code", *columns).iter_rows() if not rows.is_empty() else ():
        found.setdefault(school, []).append(tuple(values))
    return found


def system_name(system: str) -> str:
    """What a system of a school's card is called."""
    names = {row["system"]: row["name"] for row in vocabulary("systems")}
    return names[SYSTEM_OF.get(system, system)]


def _list(frame: Frame, cards: pl.DataFrame) -> Page:
    """Those that have something to mend first."""
    systems = [name.removesuffix(STANDING) for name in cards.columns if name.endswith(STANDING)]
    of_several = not cards.is_empty() and cards["reporting_unit"].n_unique() > 1
    headings: list[tuple[object, bool]] = [(told("school"), False)]
    headings += [(told("school_unit"), False)] if of_several else []
    headings += [
        (told("in_order"), True),
        (told("wanting"), True),
        *((named(system_name(each), each), False) for each in systems),
    ]
    units = frame.links("")["reporting_unit_name"]
    rows = []
    if not cards.is_empty():
        cards = cards.sort("systems_wanting", descending=True, nulls_last=True, maintain_order=True)
    for row in cards.iter_rows(named=True):
        unit = units(row)
        rows.append([
            link(f"school/{row['school_code']}.html", row["school_name"]),
            *([link(unit, row["reporting_unit_name"]) if unit else row["reporting_unit_name"]] if of_several else []),
            whole(row["systems_in_order"]), whole(row["systems_wanting"]),
            *(_sign(row[f"{each}{STANDING}"], row[f"{each}{WORDS}"]) for each in systems),
        ])  # fmt: skip
    return frame.page(
        "schools.html",
        "schools.html",
        "Школы",
        frame.state(cards),
        told("section_schools"),
        told=simple_table(headings, rows),
    )


def _sign(standing: str, words: str | None) -> Markup:
    """A standing in the room of a sign."""
    seen = escape(words or NOTHING)
    if standing not in BANDS:
        return Markup(f'{NOT_DUE}<span class="unseen"> {seen}</span>')
    band = BANDS[standing]
    return Markup(f'<span class="band {band}">{SIGNS[band]}<span class="unseen"> {seen}</span></span>')


def _school(
    frame: Frame, row: Mapping[str, Any], card: pl.DataFrame, report: Mapping[str, Any],
    classes: Mapping[str, list[Values]],
) -> bytes:  # fmt: skip
    definition = mart_named("school_profile")
    found = list(standings(row))
    lines = []
    for system, standing, words, figures in found:
        day = row.get(f"{system}{OF_DOCUMENT}") or (row.get("export_as_of") if system == "registration" else None)
        shown = "; ".join(
            f"{_small(caption_of(definition, name))} {frame.night.shown(definition, name, row[name])}"
            for name in figures
            if row[name] is not None
        )
        document = f"{day:%d.%m.%Y}" if isinstance(day, dt.date) else NOTHING
        called = named(system_name(system), system)
        lines.append([called, banded(words, BANDS.get(standing)), shown or NOTHING, document])
    headings = [(told(name), False) for name in ("system", "standing_word", "figures", "document")]
    unit = frame.links("../")["reporting_unit_name"](row)
    more = []
    for name, rows in classes.items():
        of_mart = mart_named(name)
        captions = [(caption_of(of_mart, column), column in of_mart.stated.columns) for column in MORE[name]]
        lines_of = [[frame.night.shown(of_mart, *told) for told in zip(MORE[name], row, strict=True)] for row in rows]
        more.append((name.replace("_", "-"), short_title(of_mart), simple_table(captions, lines_of)))
    return frame.draw(
        f"school/{row['school_code']}.html", "school.html", row["school_name"], frame.state(card),
        code=row["school_code"], level=row["level_name"] or "", unit=row["reporting_unit_name"], unit_address=unit,
        mends=list(_mends(found, report)), calls=contacts_of(str(row["reporting_unit"])),
        told=simple_table(headings, lines), more=more,
    )  # fmt: skip


def _small(caption: str) -> str:
    return caption[:1].lower() + caption[1:]


def _mends(found: list[tuple[str, str, str, list[str]]], report: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(system, what is wrong, how to mend it), what is undone first; of a report with what its rules say."""
    for system, _, words, _ in sorted(
        (each for each in found if each[1] in OF_WANTING), key=lambda each: each[1] != "undone"
    ):
        how = page_words()[f"mend_{system}"]["ru"]
        if system == "readiness" and report.get("rules"):
            own = [rule_text(rule).mend for rule in str(report["rules"]).split(", ")]
            how = " ".join([str(report.get("reasons") or ""), *own, how]).strip()
        yield system_name(system), words, how
