"""What a delivery is: its form, its tables, its sender and its date; or why that cannot be said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from contracts.form import Edition, Form
from contracts.forms import FORMS, form_named
from contracts.grid import Blocks, Grid, Sheet, Unreadable, cell_address
from contracts.reading import Layout
from contracts.rules import (
    AS_OF_UNKNOWN,
    CONTRADICTION,
    FORM_AMBIGUOUS,
    FORM_UNKNOWN,
    HEADING_MISSING,
    HEADING_TWICE,
    HEADING_UNKNOWN,
    HIDDEN_SHEET,
    NO_CAMPAIGN,
    SENDER_UNKNOWN,
    SENDER_WRONG,
    UNREADABLE,
)
from contracts.vocabulary import academic_year, campaign_at, rows, unit_names
from transforms.finding import finding
from transforms.heading import key, unit_aliases
from transforms.origin import as_of_in, as_of_in_name, only_sender, sender_in, sender_in_name
from transforms.resolve import Register
from transforms.table import HEADING_ROWS_SEARCHED, Heading, Top, cell_text, find_heading, may_hold, top_of

Finding = dict[str, object]
USUAL_DEPTH = 15
"""Rows in which nearly every heading stands; the rest is searched only when there is none."""


@dataclass(frozen=True)
class Delivery:
    """A file received. `folder` is the inbox folder it lay in, when that is the name of a sender."""

    file: str
    sha256: str
    folder: str | None
    received_at: dt.datetime
    content: Grid | Blocks | Unreadable = field(repr=False)


@dataclass(frozen=True)
class Context:
    """What a reading may look at besides the file: the register, the secret of pseudonyms, the caller's options.

    `register`: school_id Int64, school_code, short_name, territory, subordination String, pupils_6_11 Int64.
    `aliases`: key of a name → reporting unit, when it is not the vocabulary's (a generated region).
    """

    register: pl.DataFrame | None = field(repr=False)
    secret: bytes = field(repr=False)
    form: str | None = None
    sender: str | None = None
    as_of: dt.date | None = None
    aliases: Mapping[str, str] | None = None

    @cached_property
    def unit_aliases(self) -> Mapping[str, str]:
        return unit_aliases() if self.aliases is None else self.aliases

    @cached_property
    def schools(self) -> Register | None:
        return None if self.register is None else Register(self.register)

    @cached_property
    def senders(self) -> frozenset[str]:
        return frozenset(row["sender"] for row in rows("senders")) | frozenset(self.unit_aliases.values())


@dataclass(frozen=True)
class Identified:
    """A delivery whose form is known (or not: `form` is None), with what was found out about it."""

    delivery: Delivery
    form: Form | None
    edition: Edition | None = None
    headings: tuple[tuple[Sheet, Heading], ...] = field(default=(), repr=False)
    sender: str | None = None
    as_of: dt.date | None = None
    campaign: str | None = None
    layout: Layout = field(default_factory=Layout)
    findings: tuple[Finding, ...] = ()

    @property
    def refused(self) -> bool:
        return any(each["severity"] == "refuse" for each in self.findings)

    @property
    def slice(self) -> str | None:
        """What the delivery replaces as a whole: form/sender/campaign, date or academic year."""
        if self.form is None or self.sender is None or self.as_of is None:
            return None
        by = {"campaign": self.campaign, "as_of": self.as_of.isoformat(), "academic_year": academic_year(self.as_of)}
        return f"{self.form.name}/{self.sender}/{by[self.form.slice_by]}"


def identify(delivery: Delivery, context: Context) -> Identified:
    """Find out the form, the tables, the sender and the date of a delivery; doubts are findings."""
    content = delivery.content
    if isinstance(content, Unreadable):
        return Identified(delivery, None, findings=(finding(UNREADABLE[content.reason], value=content.detail),))
    sheets = [content.head] if isinstance(content, Blocks) else content.sheets
    forms = FORMS if context.form is None else (form_named(context.form),)
    seen: list[tuple[Sheet, Heading]] = []
    for depth in (USUAL_DEPTH, HEADING_ROWS_SEARCHED):
        seen = [(sheet, heading) for sheet in sheets for heading in headings_of(top_of(sheet, depth), forms)]
        if any(is_table(heading, heading.form) for _, heading in seen):
            break
    seen, hidden = seen_by_people(seen)
    form, doubt = choose_form(seen, chosen=context.form is not None)
    if form is None:
        return Identified(delivery, None, findings=(doubt or unknown_form(sheets),))
    headings = tuple((sheet, heading) for sheet, heading in seen if heading.form is form and is_table(heading, form))
    headings = headings or tuple((sheet, heading) for sheet, heading in seen if heading.form is form)[:1]
    titles = [line for sheet, heading in headings for line in lines_above(sheet, heading)]
    as_of, doubts = date_of_delivery(delivery, titles, context)
    edition = form.edition_at(as_of)
    layout = headings[0][1].layout(edition.required)
    findings = [*layout_findings(headings, edition, layout), *doubts]
    findings += [finding(HIDDEN_SHEET, sheet=sheet.name) for sheet, heading in hidden if heading.form is form]
    sender, doubts = sender_of(delivery, form, titles, context, headings)
    findings += doubts
    campaign = None
    if form.slice_by == "campaign" and as_of is not None:
        running = campaign_at(form.name, as_of)
        campaign = running["campaign"] if running else None
        if running is None:
            findings.append(finding(NO_CAMPAIGN, value=f"{as_of:%d.%m.%Y}"))
    return Identified(delivery, form, edition, headings, sender, as_of, campaign, layout, tuple(findings))


def seen_by_people(
    seen: list[tuple[Sheet, Heading]],
) -> tuple[list[tuple[Sheet, Heading]], list[tuple[Sheet, Heading]]]:
    """Headings to read by, and the tables of hidden sheets that are left out because a visible sheet has one."""
    tables = [(sheet, heading) for sheet, heading in seen if is_table(heading, heading.form)]
    if not any(sheet.visible for sheet, _ in tables):
        return seen, []
    hidden = [(sheet, heading) for sheet, heading in tables if not sheet.visible]
    return [(sheet, heading) for sheet, heading in seen if sheet.visible], hidden


def headings_of(top: Top, forms: Sequence[Form]) -> list[Heading]:
    """The best heading of each form on a sheet; forms that cannot be there are asked only when no other is."""
    likely = [form for form in forms if may_hold(top, form)]
    return [heading for form in likely or forms if (heading := find_heading(top, form)) is not None]


def is_table(heading: Heading, form: Form) -> bool:
    return all(name in heading.columns for name in form.recognised_by)


def choose_form(seen: Sequence[tuple[Sheet, Heading]], *, chosen: bool) -> tuple[Form | None, Finding | None]:
    """The form whose telling columns are all there. One that has more columns beats one whose columns it contains."""
    if chosen:
        return (seen[0][1].form, None) if seen else (None, None)
    tables = [(sheet, heading) for sheet, heading in seen if is_table(heading, heading.form)]
    candidates = [
        heading.form
        for sheet, heading in tables
        if not any(
            other_sheet is sheet
            and len(other.columns) > len(heading.columns)
            and set(heading.form.recognised_by) <= other.columns.keys()
            for other_sheet, other in tables
        )
    ]
    candidates = list(dict.fromkeys(candidates))
    if len(candidates) == 1:
        return candidates[0], None
    if candidates:
        names = " и ".join(f"«{form.title}»" for form in candidates)
        return None, finding(FORM_AMBIGUOUS, value=names)
    if seen:
        nearest = max((heading for _, heading in seen), key=lambda heading: len(heading.columns))
        absent = [name for name in nearest.form.recognised_by if name not in nearest.columns]
        titles = ", ".join(f"«{nearest.form.editions[-1].column(name).title}»" for name in absent)
        found = ", ".join(f"«{shown}»" for shown in list(nearest.found)[:6])
        return None, finding(
            FORM_UNKNOWN,
            what=f"{FORM_UNKNOWN.what} Ближе всего форма «{nearest.form.title}»: найдены {found}; не найдены {titles}.",
        )
    return None, None


def unknown_form(sheets: Sequence[Sheet]) -> Finding:
    """Nothing like a heading. Only sizes are shown: the cells of an unknown file may be somebody's name."""
    sizes = [f"лист «{sheet.name}»: {len(sheet.rows)} × {max(map(len, sheet.rows), default=0)}" for sheet in sheets]
    return finding(FORM_UNKNOWN, value="; ".join(sizes[:5]) or None)


def lines_above(sheet: Sheet, heading: Heading) -> list[list[str]]:
    """Filled cells of each line above the table, left to right."""
    return [[text for value in row if (text := cell_text(value))] for row in sheet.rows[: heading.first]]


def layout_findings(headings: Sequence[tuple[Sheet, Heading]], edition: Edition, layout: Layout) -> list[Finding]:
    ignored = {key(row["heading"]) for row in rows("ignored_headings")}
    found = [finding(HEADING_MISSING, value=None, expected=f"столбец «{title}»") for title in layout.missing]
    for sheet, heading in headings:
        doubtful = [(HEADING_TWICE, place, shown) for shown, place in heading.twice.items()]
        doubtful += [
            (HEADING_UNKNOWN, place, shown)
            for place, shown in heading.shown_unknown.items()
            if key(shown) not in ignored
        ]
        for rule, place, shown in doubtful:
            row = own_row(sheet, heading, place)
            cell = cell_address(row, place)
            found.append(finding(rule, value=shown, sheet=sheet.name, cell=cell, row=row + 1))
    return found


def own_row(sheet: Sheet, heading: Heading, place: int) -> int:
    """The last row of a heading that has a cell of its own at a place; a merged cell is its upper left one."""
    filled = (r for r in range(heading.last, heading.first, -1) if sheet.rows[r][place : place + 1] not in ([], [None]))
    return next(filled, heading.first)


def date_of_delivery(
    delivery: Delivery, titles: list[list[str]], context: Context
) -> tuple[dt.date | None, list[Finding]]:
    """The as-of date; it is refused when it is nowhere, or not the same everywhere."""
    stated = [
        (place, day)
        for place, day in (
            ("в таблице", as_of_in(titles)),
            ("в имени файла", as_of_in_name(delivery.file)),
            ("в параметре --as-of", context.as_of),
        )
        if day is not None
    ]
    if len({day for _, day in stated}) > 1:
        return stated[0][1], [contradiction("Дата указана", [(place, f"{day:%d.%m.%Y}") for place, day in stated])]
    return (stated[0][1], []) if stated else (None, [finding(AS_OF_UNKNOWN)])


def sender_of(
    delivery: Delivery,
    form: Form,
    titles: list[list[str]],
    context: Context,
    headings: Sequence[tuple[Sheet, Heading]],
) -> tuple[str | None, list[Finding]]:
    """The sender; when nothing says it, the one unit whose schools the rows name."""
    only = only_sender(form)
    if only is not None:
        stated = [(place, who) for place, who in said_outside(delivery, context) if who != only]
        if stated:
            return only, [finding(SENDER_WRONG, value=called(stated[0][1]), expected=called(only))]
        return only, []
    stated = [
        (place, who)
        for place, who in (
            ("в таблице", sender_in(titles, context.unit_aliases)),
            ("в имени файла", sender_in_name(delivery.file, context.unit_aliases)),
            *said_outside(delivery, context),
        )
        if who is not None
    ]
    if any(who not in set(context.unit_aliases.values()) for _, who in stated):
        wrong = next(who for _, who in stated if who not in set(context.unit_aliases.values()))
        return None, [finding(SENDER_WRONG, value=called(wrong), expected="муниципальное управление образования")]
    if len({who for _, who in stated}) > 1:
        return stated[0][1], [contradiction("Отправитель указан", [(place, called(who)) for place, who in stated])]
    if stated:
        return stated[0][1], []
    named = schools_named(headings, context.schools)
    return (named.pop(), []) if len(named) == 1 else (None, [finding(SENDER_UNKNOWN)])


def said_outside(delivery: Delivery, context: Context) -> list[tuple[str, str]]:
    said = (("в папке", delivery.folder), ("в параметре --sender", context.sender))
    return [(place, who) for place, who in said if who is not None and who in context.senders]


def contradiction(what: str, stated: Sequence[tuple[str, str]]) -> Finding:
    shown = ", ".join(f"{place} — {value}" for place, value in stated)
    return finding(CONTRADICTION, what=f"{what} по-разному: {shown}.") | {"value": shown}


def called(sender: str) -> str:
    """The Russian name of a sender."""
    names = {row["sender"]: row["name"] for row in rows("senders")}
    return unit_names().get(sender) or names.get(sender, sender)


def schools_named(headings: Sequence[tuple[Sheet, Heading]], register: Register | None) -> set[str]:
    """The reporting units whose schools the tables name."""
    found: set[str] = set()
    if register is None:
        return found
    for sheet, heading in headings:
        places = [heading.columns.get(name) for name in ("school_code", "school_name")]
        for row in sheet.rows[heading.last + 1 :]:
            code, name = (cell_text(row[c]) if c is not None and c < len(row) else None for c in places)
            school, problem, _ = register.school(code, name, (None,))
            if school is not None and problem is None and school.subordination is not None:
                found.add(school.subordination)
    return found
