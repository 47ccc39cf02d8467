"""What a delivery is: its form, its tables, its sender and its date; or why that cannot be said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from contracts.form import Edition, Form
from contracts.forms import form_named, forms_in
from contracts.grid import Blocks, Grid, Sheet, Unreadable
from contracts.reading import Finding, Layout
from contracts.regions import code_at
from contracts.rules import (
    DOUBTS,
    HIDDEN_SHEET,
    HIDDEN_UNDER_MERGED,
    NO_CAMPAIGN,
    UNREADABLE,
)
from contracts.texts import phrases
from contracts.vocabulary import academic_year, campaign_at, rows, unit_names
from transforms.cells.key import unit_aliases
from transforms.cells.text_formula import without_text_formulas
from transforms.crosstabs.unpivot import Unpivoted, lacking_in, unpivoted
from transforms.findings.finding import finding
from transforms.findings.moment import moment_findings
from transforms.headings.header import Heading
from transforms.headings.rival import by_year
from transforms.identity.delivery_date import (
    date_of_delivery,
    month_doubts,
    newest_tables,
    school_year_doubts,
    year_to_come,
)
from transforms.identity.returned import date_answered, without_receipts
from transforms.identity.whose import nobodys_folder, owner, sender_of
from transforms.tables.bands import with_bands
from transforms.tables.find import edged, lines_above, stands_alone, tables_of
from transforms.tables.layout import (
    another_table,
    beside_table,
    hidden_findings,
    layout_findings,
    layout_of,
    rival_findings,
    year_findings,
)
from transforms.tables.merged import seen_cells
from transforms.tables.resolve import Register
from transforms.tables.which_form import ambiguous, choose_form, nearly_seen, seen_by_people, seen_on, unknown_form

RANGES_SHOWN = 10


@dataclass(frozen=True)
class Delivery:
    """A file received, opened; and, once `identify` has looked at it, what was found out about it.

    `folder` is the sender whose folder it lay in, if any; `unowned` the folder that is nobody's, when that refuses it
    (the top of the inbox has no name). `region` is that of its sender, as soon as it is known. `received_at` is when it
    came, `claimed_at` its own time. `form` is None as long as nobody knows it; `nearest` is then the form that it
    resembles. A sheet of several tables stands in `headings` as often.
    """

    file: str
    sha256: str
    folder: str | None
    received_at: dt.datetime
    content: Grid | Blocks | Unreadable = field(repr=False)
    claimed_at: dt.datetime | None = None
    unowned: str | None = None
    region: str | None = None
    form: Form | None = None
    edition: Edition | None = None
    headings: tuple[tuple[Sheet, Heading], ...] = field(default=(), repr=False)
    sender: str | None = None
    as_of: dt.date | None = None
    campaign: str | None = None
    layout: Layout = field(default_factory=Layout)
    findings: tuple[Finding, ...] = ()
    nearest: Form | None = None

    @property
    def refused(self) -> bool:
        """Whether a finding keeps the delivery out as a whole."""
        return any(doubt.severity == "refuse" for doubt in self.findings)

    @property
    def slice(self) -> str | None:
        """What the delivery replaces as a whole: form/sender/campaign, academic year, month or date."""
        if self.form is None or self.sender is None or self.as_of is None:
            return None
        day = self.as_of.isoformat()
        spans = {"campaign": self.campaign, "academic_year": academic_year(self.as_of), "month": day[: len("2023-09")]}
        return f"{self.form.name}/{self.sender}/{spans.get(self.form.period, day)}"


@dataclass(frozen=True)
class Context:
    """What a reading may look at besides the file: the register, the secret of pseudonyms, the caller's options.

    `register`: school_id Int64, school_code, short_name, full_name, territory, subordination String, pupils_6_11 Int64.
    `region` is that of a file of which nothing else says whose it is. `aliases`: key of a name → reporting unit, when
    it is not the vocabulary's (a generated region).
    """

    register: pl.DataFrame | None = field(repr=False)
    secret: bytes = field(repr=False)
    form: str | None = None
    sender: str | None = None
    as_of: dt.date | None = None
    region: str | None = None
    aliases: Mapping[str, str] | None = None

    def aliases_in(self, region: str | None) -> Mapping[str, str]:
        """Key of a name → reporting unit of a region: the caller's, else the vocabulary's."""
        return unit_aliases(region) if self.aliases is None else self.aliases

    def units_in(self, region: str | None) -> frozenset[str]:
        """The reporting units of a region."""
        return frozenset(self.aliases_in(region).values())

    @cached_property
    def schools(self) -> Register | None:
        """The register by codes and names; None when there is none."""
        return None if self.register is None else Register(self.register)

    @cached_property
    def senders(self) -> frozenset[str]:
        """Everybody who may send a delivery, the reporting units among them."""
        return frozenset(row["sender"] for row in rows("senders")) | self.units

    @cached_property
    def units(self) -> frozenset[str]:
        """The reporting units of all regions."""
        return frozenset(unit_names() if self.aliases is None else self.aliases.values())


def identify(delivery: Delivery, context: Context) -> Delivery:
    """The delivery with its form, tables, sender and date, as far as they can be found out; doubts are findings.

    It is read in the words of its region: that of whom it comes from. What only says itself whose it is, in the words
    that all regions share, is read again in those of that region.
    """
    region = code_at(owner(delivery, context)) or context.region
    found = _identified(replace(delivery, region=region), context)
    says = code_at(found.sender) if region is None else None
    return found if says is None else _identified(replace(delivery, region=says), context)


def _identified(delivery: Delivery, context: Context) -> Delivery:
    """As `identify`, in the words of the delivery's region."""
    answered = date_answered(delivery.content)
    content, hidden_values = _as_seen(without_text_formulas(_without_receipts(delivery.content)))
    if content is not delivery.content:
        delivery = replace(delivery, content=content)
    unproved = nobodys_folder(delivery)
    if isinstance(content, Unreadable):
        # The detail is English, for engineers: it stays out of the message, which is the sender's.
        what = phrases()[f"unreadable.{content.looks}"] if content.looks else None
        unreadable = finding(UNREADABLE[content.reason], what=what)._replace(value=content.detail)
        return replace(delivery, sender=owner(delivery, context), findings=(unreadable, *unproved))
    read_with_doubt = [
        finding(DOUBTS[doubt.reason], value=doubt.decided, expected=doubt.other) for doubt in content.doubts
    ]
    read_with_doubt += hidden_values
    sheets = [content.head] if isinstance(content, Blocks) else content.sheets
    region = delivery.region
    forms = forms_in(region) if context.form is None else (form_named(context.form, region),)
    seen_there = [seen_on(sheet, forms) for sheet in sheets]
    is_read = [any(_is_list(heading) for _, heading in seen) for seen in seen_there]
    if not all(is_read) and (made := _of_crosstabs(sheets, is_read, forms, delivery, context)):
        sheets = made.sheets
        read_with_doubt += made.findings
        if isinstance(content, Grid):
            content = replace(content, sheets=sheets)
            delivery = replace(delivery, content=content)
        seen_there = [seen_on(sheet, forms) for sheet in sheets]
    if isinstance(content, Grid) and (banded := with_bands(content, seen_there, forms)) is not None:
        content, sheets = banded, banded.sheets
        delivery = replace(delivery, content=content)
        seen_there = [seen_on(sheet, forms) for sheet in sheets]
    seen = [table for seen in seen_there for table in seen] or nearly_seen(sheets, forms)
    seen, hidden = seen_by_people(seen)
    form, doubt = choose_form(seen, chosen=context.form is not None)
    if form is None:
        nearest, unknown = unknown_form(seen, sheets)
        nearest = None if doubt is not None else nearest
        read_with_doubt += [
            lacking
            for each in forms
            if each.crosstab and nearest in (None, each)
            for lacking in lacking_in(each, sheets)
        ]
        return replace(
            delivery,
            sender=owner(delivery, context),
            nearest=nearest,
            findings=(doubt or unknown, *read_with_doubt, *unproved),
        )
    seen, edges = edged(form, seen)
    if isinstance(content, Grid):
        content = replace(content, sheets=[edges.sheets.get(id(sheet), sheet) for sheet in content.sheets])
        delivery = replace(delivery, content=content)
    headings, others = tables_of(form, seen, whole=not isinstance(content, Blocks))
    beside = next((other.form for other in others if other.form is not None and stands_alone(other.form, form)), None)
    if beside is not None and context.form is None:
        both = (ambiguous((form, beside)), *read_with_doubt, *unproved)
        return replace(delivery, sender=owner(delivery, context), findings=both)
    headings, sheet_day, older = newest_tables(headings, delivery.file, context.as_of)
    titles = [line for sheet, heading in headings for line in lines_above(sheet, heading)]
    as_of, doubts = date_of_delivery(form, delivery.file, titles, sheet_day, context.as_of, answered)
    stated = as_of
    as_of, ahead = year_to_come(form, delivery.file, titles, headings, as_of, context.as_of)
    doubts = [*doubts, *ahead]
    edition = form.edition_at(as_of)
    headings = [(sheet, by_year(heading, as_of)) for sheet, heading in headings]
    findings = [*layout_findings(headings, edition), *doubts, *older, *read_with_doubt]
    findings += [another_table(other) for other in others] + [beside_table(part) for part in edges.beside]
    findings += rival_findings(headings) + year_findings(headings, as_of)
    findings += [finding(HIDDEN_SHEET, sheet=sheet.name) for sheet, heading in hidden if heading.form is form]
    findings += hidden_findings(headings)
    findings += school_year_doubts(delivery.file, titles, headings, as_of)
    findings += moment_findings(delivery, stated)
    sender, doubts = sender_of(delivery, form, titles, context, headings)
    findings += unproved or doubts
    findings += month_doubts(form, delivery.file, titles, headings, as_of, sender)
    campaign = None
    if form.period == "campaign" and as_of is not None and region is not None:
        running = campaign_at(form.name, as_of, region)
        campaign = running["campaign"] if running else None
        if running is None:
            findings.append(finding(NO_CAMPAIGN, value=f"{as_of:%d.%m.%Y}"))
    layout = layout_of(headings, edition)
    return replace(
        delivery, form=form, edition=edition, headings=tuple(headings), sender=sender, as_of=as_of, campaign=campaign,
        layout=layout, findings=tuple(findings),
    )  # fmt: skip


def _is_list(heading: Heading) -> bool:
    """Whether a heading is that of a table of rows; over a crosstab «предмет» stands again for each class."""
    return heading.is_table and not (heading.form.crosstab and (heading.twice or heading.several))


def _of_crosstabs(
    sheets: Sequence[Sheet], is_read: Sequence[bool], forms: Sequence[Form], delivery: Delivery, context: Context
) -> Unpivoted | None:
    """The sheets with the crosstabs of the first form that has one there as rows; None when no form has. A sheet that
    has a table of rows (`is_read`) is not asked: lists name weekdays and classes too."""
    for form in forms:
        if form.crosstab is not None:
            unit = owner(delivery, context)
            if made := unpivoted(form, sheets, is_read, context.schools, unit, delivery.file):
                return made
    return None


def _without_receipts(content: Grid | Blocks | Unreadable) -> Grid | Blocks | Unreadable:
    """The content without our own receipt, which comes back in a workbook that was mended."""
    if not isinstance(content, Grid):
        return content
    sheets, ours = without_receipts(content)
    return replace(content, sheets=sheets) if ours else content


def _as_seen(content: Grid | Blocks | Unreadable) -> tuple[Grid | Blocks | Unreadable, list[Finding]]:
    """The content without values under merged cells, which nobody sees, and a finding for each sheet that has some."""
    if not isinstance(content, Grid) or not any(sheet.merged for sheet in content.sheets):
        return content, []
    sheets, findings = [], []
    for sheet in content.sheets:
        seen, covered = seen_cells(sheet)
        sheets.append(seen)
        if covered:
            more = f" и ещё {len(covered) - RANGES_SHOWN}" if len(covered) > RANGES_SHOWN else ""
            areas = ", ".join(area.address for area in covered[:RANGES_SHOWN]) + more
            findings.append(finding(HIDDEN_UNDER_MERGED, value=areas, sheet=sheet.name))
    return replace(content, sheets=sheets), findings
