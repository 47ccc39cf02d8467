"""Exports: large files of a form, checked a block at a time while the blocks before are loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

import polars as pl

from contracts.form import Column, Edition, Form
from contracts.forms.rule_states import notes, states_of, under
from contracts.grid import Blocks, Grid
from contracts.reading import (
    FINDINGS,
    NO_CONTROL_TOTALS,
    NO_SCHOOL_OUTCOMES,
    RAW_ROWS,
    Finding,
    Reading,
    Rows,
    Verdict,
    empty,
    findings_frame,
)
from contracts.vocabulary import academic_year
from transforms.cells.key import heading_key, key
from transforms.findings.disclosure import HIDDEN, born_before
from transforms.findings.finding import NOTED_ONCE, Table
from transforms.findings.size import too_much_set_aside
from transforms.identity.identify import Context, Delivery
from transforms.rows.check import FaultyCell
from transforms.rows.sieve import Sieve, sheet_names, titles_of
from transforms.tables.page_row import page_rows

THREADS = 2
FINDINGS_KEPT = 10_000


@dataclass(frozen=True)
class Part:
    """What checking one block yields: its account, findings, rows set aside (`RAW_ROWS`), and its good rows.

    `spoke` says how often rules would have spoken of which the region says something.
    """

    counted: Rows
    findings: pl.DataFrame
    set_aside: pl.DataFrame
    kept: pl.DataFrame
    skipped: tuple[str, ...]
    spoke: Counter[str]


P = TypeVar("P", bound=Part)
T = TypeVar("T")


class ExportReading(ABC, Generic[P]):
    """A reading of an export in the making (`contracts.reading.Stream`).

    Iterating yields what is loaded of each block; afterwards `reading()` has the counts and findings of the whole.
    Memory holds a few blocks, and of each row what tells it from others.
    """

    def __init__(self, delivery: Delivery, context: Context) -> None:
        if delivery.form is None or delivery.edition is None:
            raise ValueError("only a file whose form is known is read so")
        self.delivery, self.context = delivery, context
        self.aliases = context.aliases_in(delivery.region)
        self.form: Form = delivery.form
        self.edition: Edition = delivery.edition
        self.states = states_of(self.form.name, delivery.sender, delivery.as_of, delivery.campaign)
        self.sieve = Sieve(sheet_names(delivery), born_before(delivery.as_of)) if self.form.names_people else None
        self.tables = tuple(
            Table(0, self.sheet_name(sheet.name), heading.columns) for sheet, heading in delivery.headings
        )
        self.parts: list[P] = []
        self.faults: list[FaultyCell] = []

    def sheet_name(self, name: str) -> str:
        """The name of a sheet as it may be shown."""
        return name if self.sieve is None else self.sieve.sheet(name) or HIDDEN

    @property
    @abstractmethod
    def usual(self) -> str:
        """A column that nearly each row of data fills, with several words."""

    @abstractmethod
    def checked(self, number: int, block: pl.DataFrame) -> P:
        """Check a block of a table; nothing of the reading changes, so that blocks may be checked side by side."""

    @abstractmethod
    def added(self, part: P) -> pl.DataFrame:
        """Take a part into the whole, in the order of the file; what is loaded of it."""

    def taken_back(self) -> pl.DataFrame:
        """The keys of facts that were yielded and are none."""
        return pl.DataFrame()

    @abstractmethod
    def reading(self) -> Reading:
        """The reading of the whole, once all blocks were drained."""

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Blocks are checked by two threads, since polars leaves the interpreter free, and yielded in their order."""
        self.parts = []
        yield from map(self.added, in_order(self.checked, self.blocks()))

    def blocks(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Rows under the heading of each table: the table's number; row Int32 and c0, c1, … String."""
        content = self.delivery.content
        for number, (_, heading) in enumerate(self.delivery.headings):
            if isinstance(content, Blocks):
                yield from ((number, frame) for frame in content.frames(heading.last + 2))

    def named(self, number: int, block: pl.DataFrame) -> pl.DataFrame:
        """A block with the columns of the form by name, and what `check_rows` wants to know of the delivery."""
        as_of = self.delivery.as_of
        places = self.tables[number].columns
        return block.select(
            pl.lit(number, dtype=pl.Int32).alias("table"),
            "row",
            pl.lit(0, dtype=pl.Int32).alias("delivery"),
            pl.lit(self.delivery.sender, dtype=pl.String).alias("sender"),
            pl.lit(as_of, dtype=pl.Date).alias("as_of"),
            pl.lit(academic_year(as_of) if as_of else None, dtype=pl.Int32).alias("academic_year_start"),
            *(
                pl.lit(None, dtype=pl.String).alias(column.name)
                if (place := f"c{places.get(column.name)}") not in block.columns
                else pl.col(place).alias(column.name)
                for column in self.edition.columns
            ),
        )

    def only_data(self, number: int, raw: pl.DataFrame) -> pl.DataFrame:
        """Rows of data: not blank, not the heading printed again, not its numbers or units, not a total."""
        heading = self.delivery.headings[number][1]
        filled = _not_blank(raw, heading.columns, self.usual)
        for name in self.telling(heading.matched.values()):
            wordings = heading.keys[heading.columns[name]]
            marks = [
                text
                for text in raw[name].unique().drop_nulls()
                if heading_key(text) in wordings or key(text).startswith(("итого", "всего"))
            ]
            if marks:
                filled &= ~raw[name].is_in(marks).fill_null(False)
        names = sorted(heading.columns, key=heading.columns.__getitem__)
        if (pages := page_rows(raw, names, self.usual)) is not None:
            filled &= ~pages
        return raw if filled.all() else raw.filter(filled)

    def telling(self, matched: Iterable[str]) -> Sequence[str]:
        """Columns in which a heading that is printed again, or a total, is told by its text."""
        return [next(name for name in matched if not self.edition.column(name).personal)]

    def rows_aside(self, number: int, rows: pl.DataFrame) -> pl.DataFrame:
        """`RAW_ROWS` of rows set aside, as they may be shown."""
        table = self.tables[number]
        names = sorted(table.columns, key=table.columns.__getitem__)
        cells = [self.told(rows[name], self.edition.column(name)) for name in names]
        return rows.with_columns(cells).select(
            pl.lit(table.sheet).alias("sheet"),
            pl.col("row").cast(pl.Int64),
            pl.lit("quarantined").alias("outcome"),
            pl.concat_list(names).alias("cells"),
        )

    def told(self, texts: pl.Series, column: Column) -> pl.Series:
        """The texts of a column as they may be shown."""
        return texts

    def counted(self) -> Rows:
        """Rows of the tables: those of all blocks, and the others: down to the heading, or of another table."""
        is_grid = isinstance(self.delivery.content, Grid)
        others = sum(
            (len(sheet.rows) if heading.end is None else heading.end) - heading.start - len(heading.below(sheet))
            if is_grid
            else heading.last + 1
            for sheet, heading in self.delivery.headings
        )
        parts = [part.counted for part in self.parts]
        return Rows(
            others + sum(part.read for part in parts),
            sum(part.loaded for part in parts),
            sum(part.quarantined for part in parts),
            others + sum(part.not_data for part in parts),
        )

    def row_findings(self) -> pl.DataFrame:
        """Findings of the blocks, what is noted once over all of them, no more than `FINDINGS_KEPT` of either."""
        findings = pl.concat([empty(FINDINGS), *(part.findings for part in self.parts)])
        notes = findings["rule"].is_in(NOTED_ONCE)
        once = findings.filter(notes).unique(["rule", "column", "value"], keep="first", maintain_order=True)
        return pl.concat([once.head(FINDINGS_KEPT), findings.filter(~notes).head(FINDINGS_KEPT)])

    def skipped(self) -> list[str]:
        """Rules that needed the register where there is none."""
        return sorted({rule for part in self.parts for rule in part.skipped})

    def whole(self, rows: Rows, own: Sequence[Finding], set_aside: Sequence[pl.DataFrame] = ()) -> Reading:
        """The reading of so many rows with what is found of the whole; without facts, and nothing loaded if refused."""
        told, spoke = under(own, self.states)
        if not any(doubt.severity == "refuse" for doubt in told):
            much, spoke_of_it = under(too_much_set_aside(self.form, rows.loaded, rows.quarantined), self.states)
            told, spoke = [*told, *much], spoke + spoke_of_it
        spoke = sum((part.spoke for part in self.parts), spoke)
        findings = pl.concat([findings_frame(told), self.row_findings(), findings_frame(notes(self.states, spoke))])
        refused = bool((findings["severity"] == "refuse").any())
        if refused:
            rows = Rows(rows.read, 0, rows.loaded + rows.quarantined, rows.not_data)
        verdict: Verdict = "refused" if refused else "partial" if rows.quarantined else "accepted"
        layout = self.delivery.layout
        aside = pl.concat([empty(RAW_ROWS), *(part.set_aside for part in self.parts), *set_aside])
        return Reading(
            file=self.delivery.file, sha256=self.delivery.sha256, form=self.form.name,
            edition=self.edition.name, sender=self.delivery.sender, as_of=self.delivery.as_of,
            campaign=self.delivery.campaign, slice=None if refused else self.delivery.slice, verdict=verdict, rows=rows,
            layout=layout if self.sieve is None else self.sieve.layout(layout, titles_of(self.form)),
            findings=findings, raw_rows=aside.head(FINDINGS_KEPT), facts=pl.DataFrame(),
            control_totals=NO_CONTROL_TOTALS, school_outcomes=NO_SCHOOL_OUTCOMES,
        )  # fmt: skip


def in_order(work: Callable[[int, pl.DataFrame], T], blocks: Iterable[tuple[int, pl.DataFrame]]) -> Iterator[T]:
    """What comes of some work on blocks, in their order: two threads do it, a few blocks ahead."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[T]] = deque()
        for number, block in blocks:
            waiting.append(pool.submit(work, number, block))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _not_blank(rows: pl.DataFrame, columns: Iterable[str], usual: str) -> pl.Series:
    """True for rows with any text; most have one in the `usual` column, and only the others are looked through."""
    filled = _has_text(rows[usual])
    if not filled.all():
        others = pl.DataFrame([_has_text(rows[name].filter(~filled)).alias(name) for name in columns])
        filled = filled.scatter((~filled).arg_true(), others.select(pl.any_horizontal(pl.all())).to_series())
    return filled


def _has_text(texts: pl.Series) -> pl.Series:
    return (texts.str.strip_chars() != "").fill_null(False)
