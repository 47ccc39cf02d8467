"""Pupil exports: checked a block at a time, counted by a keyed pseudonym, never stored by name."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from contracts.counted_pupils import Pupils
from contracts.form import Edition, Form
from contracts.forms import RULES
from contracts.forms.rule_states import notes, states_of, under
from contracts.grid import Blocks, Grid, column_letters
from contracts.reading import (
    FINDINGS,
    NO_CONTROL_TOTALS,
    NO_SCHOOL_OUTCOMES,
    PUPILS,
    RAW_ROWS,
    Finding,
    Reading,
    Rows,
    Verdict,
    empty,
    findings_frame,
)
from contracts.rules import NO_REGISTER, NO_ROWS
from contracts.vocabulary import academic_year
from transforms.cells.key import heading_key, key
from transforms.findings.disclosure import HIDDEN, born_before, shown
from transforms.findings.finding import NOTED_ONCE, Table, finding
from transforms.findings.size import too_much_set_aside, wrong_size
from transforms.rows.check import FaultyCell, check_rows, known_names
from transforms.rows.identity import IDENTITY, distinct_pupils, doubtful_names, identities
from transforms.rows.sieve import Sieve, sheet_names, titles_of
from transforms.tables.identify import Context, Delivery
from transforms.tables.page_row import page_rows
from transforms.tables.text_frame import text_frame

THREADS = 2
COUNTER = pl.Int16()
"""Of a pupil: a contract allows no more than 10 000, and there are a million pupils."""
FINDINGS_KEPT = 10_000
REPEATED = RULES["REX-005"]
UNDATED = "ФИО, школа и класс те же, что в другой строке, а даты рождения нет: посчитаны одним обучающимся."


@dataclass(frozen=True)
class Part:
    """What checking one block yields: its account, findings, rows set aside, and its good rows as `PUPILS`, with the
    counters of each pupil.

    `schools` are the ids of the schools that its rows name, and the names of those that the register does not know;
    `spoke` says how often rules would have spoken of which the region says something.
    """

    counted: Rows
    findings: pl.DataFrame
    set_aside: pl.DataFrame
    kept: pl.DataFrame
    schools: frozenset[int | str]
    skipped: tuple[str, ...]
    spoke: Counter[str]


class PupilReading:
    """A reading of a pupil export in the making (`contracts.reading.PupilStream`).

    Iterating yields `PUPILS` of each block; afterwards `reading()` has the counts, findings and facts of the whole.
    Memory holds a few blocks and some forty bytes a pupil.
    """

    def __init__(self, delivery: Delivery, context: Context) -> None:
        if delivery.form is None or delivery.form.pupils is None or delivery.edition is None:
            raise ValueError("only forms with pupils are read so")
        self.delivery, self.context = delivery, context
        self.aliases = context.aliases_in(delivery.region)
        self.form: Form = delivery.form
        self.edition: Edition = delivery.edition
        self.pupils: Pupils = delivery.form.pupils
        self.states = states_of(self.form.name, delivery.sender, delivery.as_of, delivery.campaign)
        self.sieve = Sieve(sheet_names(delivery), born_before(delivery.as_of))
        self.tables = tuple(
            Table(0, self.sieve.sheet(sheet.name) or HIDDEN, heading.columns) for sheet, heading in delivery.headings
        )
        self.parts: list[Part] = []
        self.faults: list[FaultyCell] = []

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Blocks are checked by two threads, since polars leaves the interpreter free, and yielded in their order."""
        self.parts = []
        with ThreadPoolExecutor(THREADS) as pool:
            waiting: deque[Future[Part]] = deque()
            for number, block in self.blocks():
                waiting.append(pool.submit(self.checked, number, block))
                if len(waiting) > THREADS:
                    yield self._added(waiting.popleft().result())
            while waiting:
                yield self._added(waiting.popleft().result())

    def _added(self, part: Part) -> pl.DataFrame:
        self.parts.append(part)
        return part.kept.select(*PUPILS)

    def blocks(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Rows under the heading of each table: the table's number; row Int32 and c0, c1, … String."""
        content = self.delivery.content
        for number, (sheet, heading) in enumerate(self.delivery.headings):
            if isinstance(content, Blocks):
                yield from ((number, frame) for frame in content.frames(heading.last + 2))
            else:
                frame, shared = text_frame(sheet, heading)
                names = {place: name for name, place in heading.columns.items()}
                self.faults += [
                    (number, r + 1, names[c], *fault) for r, at in shared.items() for c, fault in at.items()
                ]
                yield number, frame

    def checked(self, number: int, block: pl.DataFrame) -> Part:
        """Check a block of a table; nothing of the reading changes, so that blocks may be checked side by side."""
        data = self.only_data(number, self.named(number, block))
        schools = self.context.schools
        checked = check_rows(
            data, self.tables, self.form, self.edition, schools, self.aliases, self.faults, [self.states]
        )
        bad = int(checked.typed["bad"].sum())
        pupil_rows = checked.typed.select(
            "row", "school_id", pl.col("grade").cast(pl.Int16, strict=False), self.pupils.state.alias("state"), "bad",
            *self.pupils.identity, *(name for name in self.pupils.else_by if name != "grade"), *self.pupils.counters,
        )  # fmt: skip
        kept = pupil_rows.select(
            *(name for name in PUPILS if name in pupil_rows.columns), *self.pupils.counters, "bad"
        ).with_columns(identities(pupil_rows, self.pupils, self.context.secret))
        return Part(
            Rows(len(block), len(data) - bad, bad, len(block) - len(data)),
            checked.findings.select(*FINDINGS),
            self.without_names(number, data.filter(checked.typed["bad"])),
            (kept.filter(~pl.col("bad")) if bad else kept).select(
                *PUPILS, "namesake", "is_whole", pl.col(self.pupils.counters).cast(COUNTER)
            ),
            _schools_named(checked.typed),
            checked.skipped,
            checked.spoke[0],
        )

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
        """Rows of pupils: not blank, not the heading printed again, not its numbers or units, not a total."""
        heading = self.delivery.headings[number][1]
        filled = _not_blank(raw, heading.columns, self.pupils.identity[0])
        first = next(name for name in heading.matched.values() if not self.edition.column(name).personal)
        wordings = heading.keys[heading.columns[first]]
        marks = [
            text
            for text in raw[first].unique().drop_nulls()
            if heading_key(text) in wordings or key(text).startswith(("итого", "всего"))
        ]
        if marks:
            filled &= ~raw[first].is_in(marks).fill_null(False)
        names = sorted(heading.columns, key=heading.columns.__getitem__)
        if (pages := page_rows(raw, names, self.pupils.identity[0])) is not None:
            filled &= ~pages
        return raw if filled.all() else raw.filter(filled)

    def without_names(self, number: int, rows: pl.DataFrame) -> pl.DataFrame:
        """`RAW_ROWS` of rows set aside, without what may be somebody's name or birth date."""
        table = self.tables[number]
        names = sorted(table.columns, key=table.columns.__getitem__)
        known = known_names(self.context.schools, self.aliases)
        cells = [shown(rows[name], self.edition.column(name), self.delivery.as_of, known) for name in names]
        return rows.with_columns(cells).select(
            pl.lit(table.sheet).alias("sheet"),
            pl.col("row").cast(pl.Int64),
            pl.lit("quarantined").alias("outcome"),
            pl.concat_list(names).alias("cells"),
        )

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

    def reading(self) -> Reading:
        """The reading of the whole, once all blocks were drained."""
        schema = PUPILS | IDENTITY | dict.fromkeys(self.pupils.counters, COUNTER)
        pupil_rows = pl.concat([empty(schema), *(part.kept for part in self.parts)])
        once, again = distinct_pupils(pupil_rows)
        rows = self.counted()
        own = [self.sieve.finding(doubt) for doubt in self.delivery.findings]
        if rows.loaded + rows.quarantined == 0:
            own.append(finding(NO_ROWS))
        if skipped := {rule for part in self.parts for rule in part.skipped}:
            own.append(finding(NO_REGISTER, value=", ".join(sorted(skipped))))
        if self.context.schools is not None and rows.loaded + rows.quarantined:
            named = frozenset[int | str]().union(*(part.schools for part in self.parts))
            own += wrong_size(self.form.size, len(named), len(self.context.schools.schools))
        own += self.repeated(again)
        own += self.doubtful(once)
        told, spoke = under(own, self.states)
        if not any(doubt.severity == "refuse" for doubt in told):
            much, spoke_of_it = under(too_much_set_aside(self.form, rows.loaded, rows.quarantined), self.states)
            told, spoke = [*told, *much], spoke + spoke_of_it
        spoke = sum((part.spoke for part in self.parts), spoke)
        findings = pl.concat([findings_frame(told), self.row_findings(), findings_frame(notes(self.states, spoke))])
        refused = bool((findings["severity"] == "refuse").any())
        if refused:
            once, rows = once.clear(), Rows(rows.read, 0, rows.loaded + rows.quarantined, rows.not_data)
        verdict: Verdict = "refused" if refused else "partial" if rows.quarantined else "accepted"
        has_unknown = once["school_id"].null_count() > 0
        facts = self.facts(once.filter(pl.col("school_id").is_not_null()) if has_unknown else once)
        set_aside = pl.concat([empty(RAW_ROWS), *(part.set_aside for part in self.parts)])
        return Reading(
            file=self.delivery.file, sha256=self.delivery.sha256, form=self.form.name,
            edition=self.edition.name, sender=self.delivery.sender, as_of=self.delivery.as_of,
            campaign=self.delivery.campaign, slice=None if refused else self.delivery.slice, verdict=verdict, rows=rows,
            layout=self.sieve.layout(self.delivery.layout, titles_of(self.form)), findings=findings,
            raw_rows=set_aside.head(FINDINGS_KEPT), facts=facts,
            control_totals=NO_CONTROL_TOTALS, school_outcomes=NO_SCHOOL_OUTCOMES,
        )  # fmt: skip

    def facts(self, pupils: pl.DataFrame) -> pl.DataFrame:
        """The measures by their keys; null where the delivery does not state the counter."""
        silent = {
            name
            for name in self.pupils.counters
            if pupils[name].null_count() == len(pupils) or any(name not in table.columns for table in self.tables)
        }
        measures = self.pupils.measures.items()
        stated = {
            name: measure.per_pupil
            for name, measure in measures
            if silent.isdisjoint(measure.per_pupil.meta.root_names())
        }
        unknown = pl.lit(None, dtype=pl.Int64)
        return (
            pupils.group_by(self.form.key)
            .agg(measure.sum().cast(pl.Int64).alias(name) for name, measure in stated.items())
            .sort(self.form.key)
            .select(*self.form.key, *(name if name in stated else unknown.alias(name) for name, _ in measures))
        )

    def repeated(self, again: pl.DataFrame) -> list[Finding]:
        """A note for each row of a pupil who is counted by another row."""
        if len(self.tables) > 1:
            return [finding(REPEATED, value=HIDDEN, difference=len(again))] if len(again) else []
        name = self.pupils.identity[0]
        letters = column_letters(self.tables[0].columns[name])
        return [
            finding(
                REPEATED, what=None if is_whole else UNDATED, value=HIDDEN, sheet=self.tables[0].sheet,
                cell=f"{letters}{row}", row=row, column=name,
            )
            for row, is_whole in again.sort("row").head(FINDINGS_KEPT).iter_rows()
        ]  # fmt: skip

    def doubtful(self, once: pl.DataFrame) -> list[Finding]:
        """A warning that counts the names by which pupils may or may not be the same; no name is shown."""
        names, pupils = doubtful_names(once)
        if not names:
            return []
        rule = RULES[self.pupils.namesakes]
        sentence = f"{rule.what} Таких ФИО: {names}, обучающихся с ними: {pupils}."
        return [finding(rule, what=sentence, difference=pupils - names)]


def _schools_named(typed: pl.DataFrame) -> frozenset[int | str]:
    """Ids of the schools that rows name, and the names that no school of the register has."""
    ids = typed["school_id"]
    names = typed["school_name"].filter(ids.is_null()) if ids.null_count() else typed["school_name"].clear()
    return frozenset(ids.unique().drop_nulls()) | frozenset(names.unique().drop_nulls())


def _not_blank(rows: pl.DataFrame, columns: Iterable[str], usual: str) -> pl.Series:
    """True for rows with any text; most have one in the `usual` column, and only the others are looked through."""
    filled = _has_text(rows[usual])
    if not filled.all():
        others = pl.DataFrame([_has_text(rows[name].filter(~filled)).alias(name) for name in columns])
        filled = filled.scatter((~filled).arg_true(), others.select(pl.any_horizontal(pl.all())).to_series())
    return filled


def _has_text(texts: pl.Series) -> pl.Series:
    return (texts.str.strip_chars() != "").fill_null(False)
