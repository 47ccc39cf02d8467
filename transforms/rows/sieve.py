"""What leaves the reading of a form that names people: names of sheets and headings where they are our own words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import polars as pl

from contracts.form import Edition, Form
from contracts.forms import RULES
from contracts.grid import Grid
from contracts.reading import Finding, Layout, Reading, findings_frame, findings_in
from contracts.rules import (
    DOUBTS,
    HIDDEN_ROWS,
    HIDDEN_UNDER_MERGED,
    NO_REGISTER,
    NOT_FILLED_IN,
    PARTS_LEFT,
    RULE_STATE,
    SEVERAL_COLUMNS,
)
from transforms.findings.disclosure import HIDDEN, KnownNames, born_before, may_be_shown, sheet_shown, shown
from transforms.identity.identify import Delivery
from transforms.rows.judged import Part
from transforms.tables.table_rows import Row

OF_OURS = frozenset(
    rule.id
    for rule in (
        *DOUBTS.values(),
        HIDDEN_ROWS,
        HIDDEN_UNDER_MERGED,
        NO_REGISTER,
        NOT_FILLED_IN,
        PARTS_LEFT,
        RULE_STATE,
        SEVERAL_COLUMNS,
    )
)
"""Rules whose values we make ourselves: encodings, addresses, numbers of rules."""
OF_SHEETS = frozenset(DOUBTS[reason].id for reason in ("parts", "far_cells"))
"""Those whose values name a sheet."""
SHEET = re.compile("лист «(.*)»", re.DOTALL)
QUOTED = re.compile("«([^«»]*)»")


class Sieve:
    """Passes what is told of one delivery. `sheets` are the names of its sheets, in their order."""

    def __init__(self, sheets: Sequence[str], since: int | None) -> None:
        self.since = since
        self.sheets = {name: sheet_shown(name, n, since) for n, name in enumerate(sheets, start=1)}

    def sheet(self, name: str | None) -> str | None:
        """The name of a sheet, or its number."""
        return None if name is None else self.sheets.get(name, HIDDEN)

    def sheets_in(self, value: str) -> str:
        """A value of `OF_SHEETS`: «лист «Иванов»: B2» is «лист 1: B2»."""
        match = SHEET.search(value)
        if match is None:
            return value
        name = self.sheets.get(match[1], f"лист «{HIDDEN}»")
        return value.replace(match[0], f"лист «{name}»" if name == match[1] else name)

    def text(self, text: str) -> str:
        """A text of the file if it may be shown."""
        return text if text == HIDDEN or may_be_shown(text, self.since) else HIDDEN

    def quoted(self, text: str) -> str:
        """A sentence of ours whose quotations are passed one by one."""
        return QUOTED.sub(lambda match: match[0] if match[1] in _our_sentences() else f"«{self.text(match[1])}»", text)

    def finding(self, finding: Finding) -> Finding:
        """A finding of a table or a delivery; those of rows have their values passed where they are made."""
        passed = finding._replace(sheet=self.sheet(finding.sheet))
        value, message = finding.value, finding.message
        if finding.rule in OF_SHEETS and value is not None:
            shown = self.sheets_in(value)
            return passed._replace(value=shown, message=message.replace(value, shown))
        if finding.rule in OF_OURS:
            return passed
        if value is not None and self.text(value) == HIDDEN:
            value, message = HIDDEN, message.replace(f"«{value}»", f"«{HIDDEN}»")
        expected = finding.expected and self.quoted(finding.expected)
        return passed._replace(value=value, expected=expected, message=self.quoted(message))

    def place(self, place: str) -> str:
        """«sheet!cell»."""
        sheet, _, cell = place.rpartition("!")
        return f"{self.sheet(sheet)}!{cell}"

    def layout(self, layout: Layout, titles: Mapping[str, str]) -> Layout:
        """How headings were understood; one that is not told is its column's title."""
        return replace(
            layout,
            matched={
                heading if may_be_shown(heading, self.since) else titles[column]: column
                for heading, column in layout.matched.items()
            },
            unknown=tuple(dict.fromkeys(map(self.text, layout.unknown))),
            suggested=tuple(
                replace(suggestion, heading=self.text(suggestion.heading), cell=self.place(suggestion.cell))
                for suggestion in layout.suggested
            ),
            places={column: self.place(place) for column, place in layout.places.items()},
        )


def without_names(
    parts: Sequence[Part], edition: Edition, as_of: dt.date | None, known: KnownNames, sieve: Sieve
) -> list[Part]:
    """Rows of a form that names people as they may be kept: the cells of rows of data where they surely are nobody's
    name, those of no other row; names of sheets as they may be told."""
    passed = []
    for part in parts:
        names = {} if part.heading is None else {place: name for name, place in part.heading.columns.items()}
        data = [place for place, row in enumerate(part.rows) if row.outcome == "data"]
        cells_of: dict[int, list[str | None]] = {place: [] for place in data}
        for c in range(max((len(part.rows[place].cells) for place in data), default=0)):
            texts = pl.Series([dict(enumerate(part.rows[place].cells)).get(c) for place in data], dtype=pl.String)
            told = shown(texts, edition.column(names[c]), as_of, known) if c in names else _hidden(texts)
            for place, text in zip(data, told, strict=True):
                cells_of[place].append(text)
        rows = [Row(row.number, row.outcome, cells_of.get(place, [])) for place, row in enumerate(part.rows)]
        passed.append(replace(part, sheet=sieve.sheet(part.sheet) or HIDDEN, rows=rows))
    return passed


def _hidden(texts: pl.Series) -> pl.Series:
    return texts.set(texts.is_not_null(), HIDDEN)


def sieved(delivery: Delivery, reading: Reading) -> Reading:
    """The reading of a form with people of which nothing was loaded, as it may be told; and of no form, which may have
    been one: its own values have no words of the file but names of sheets."""
    sieve = Sieve(sheet_names(delivery), born_before(delivery.as_of))
    findings = [
        sieve.finding(doubt) if delivery.form is not None or doubt.rule in OF_SHEETS else doubt
        for doubt in findings_in(reading.findings)
    ]
    layout = reading.layout if delivery.form is None else sieve.layout(reading.layout, titles_of(delivery.form))
    return replace(reading, layout=layout, findings=findings_frame(findings))


def sheet_names(delivery: Delivery) -> list[str]:
    """The names of all sheets of a delivery."""
    content = delivery.content
    sheets = content.sheets if isinstance(content, Grid) else [sheet for sheet, _ in delivery.headings]
    return [sheet.name for sheet in sheets]


def titles_of(form: Form) -> dict[str, str]:
    """Column → title."""
    return {column.name: column.title for edition in form.editions for column in edition.columns}


@cache
def _our_sentences() -> str:
    """All texts of rules: what they quote is ours."""
    return "\n".join(text for rule in RULES.values() for text in (rule.what, rule.mend))
