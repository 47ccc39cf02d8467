"""Pupil exports: checked a block at a time, counted by a keyed pseudonym, never stored by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from contracts.counted_pupils import Pupils
from contracts.form import Column
from contracts.forms import RULES
from contracts.grid import Blocks, column_letters
from contracts.reading import FINDINGS, PUPILS, Finding, Reading, Rows, empty
from contracts.rules import NO_REGISTER, NO_ROWS
from transforms.export_reading import FINDINGS_KEPT, ExportReading, Part
from transforms.findings.disclosure import HIDDEN, shown
from transforms.findings.finding import finding
from transforms.findings.size import wrong_size
from transforms.rows.check import check_rows, known_names
from transforms.rows.identity import IDENTITY, distinct_pupils, doubtful_names, identities
from transforms.tables.identify import Context, Delivery
from transforms.tables.text_frame import text_frame

COUNTER = pl.Int16()
"""Of a pupil: a contract allows no more than 10 000, and there are a million pupils."""
REPEATED = RULES["REX-005"]
UNDATED = "ФИО, школа и класс те же, что в другой строке, а даты рождения нет: посчитаны одним обучающимся."


@dataclass(frozen=True)
class PupilPart(Part):
    """A block of pupils: its good rows are `PUPILS`, with the counters of each pupil.

    `schools` are the ids of the schools that its rows name, and the names of those that the register does not know.
    """

    schools: frozenset[int | str]


class PupilReading(ExportReading[PupilPart]):
    """A reading of a pupil export in the making, of a small file too: of pupils nothing else is ever read.

    Iterating yields `PUPILS` of each block; memory holds some forty bytes a pupil.
    """

    def __init__(self, delivery: Delivery, context: Context) -> None:
        if delivery.form is None or delivery.form.pupils is None:
            raise ValueError("only forms with pupils are read so")
        super().__init__(delivery, context)
        self.pupils: Pupils = delivery.form.pupils

    @property
    def usual(self) -> str:
        """The name."""
        return self.pupils.identity[0]

    def added(self, part: PupilPart) -> pl.DataFrame:
        """The pupils of a block."""
        self.parts.append(part)
        return part.kept.select(*PUPILS)

    def blocks(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Rows under the heading of each table, of a grid too."""
        if isinstance(self.delivery.content, Blocks):
            yield from super().blocks()
            return
        for number, (sheet, heading) in enumerate(self.delivery.headings):
            frame, shared = text_frame(sheet, heading)
            names = {place: name for name, place in heading.columns.items()}
            self.faults += [(number, r + 1, names[c], *fault) for r, at in shared.items() for c, fault in at.items()]
            yield number, frame

    def checked(self, number: int, block: pl.DataFrame) -> PupilPart:
        """Check a block of a table."""
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
        return PupilPart(
            Rows(len(block), len(data) - bad, bad, len(block) - len(data)),
            checked.findings.select(*FINDINGS),
            self.rows_aside(number, data.filter(checked.typed["bad"])),
            (kept.filter(~pl.col("bad")) if bad else kept).select(
                *PUPILS, "namesake", "is_whole", pl.col(self.pupils.counters).cast(COUNTER)
            ),
            checked.skipped,
            checked.spoke[0],
            _schools_named(checked.typed),
        )

    def told(self, texts: pl.Series, column: Column) -> pl.Series:
        """Without what may be somebody's name or birth date."""
        known = known_names(self.context.schools, self.aliases)
        return shown(texts, column, self.delivery.as_of, known)

    def reading(self) -> Reading:
        """The reading of the whole: each pupil counts once."""
        if self.sieve is None:
            raise AssertionError("a form with pupils names people")
        schema = PUPILS | IDENTITY | dict.fromkeys(self.pupils.counters, COUNTER)
        pupil_rows = pl.concat([empty(schema), *(part.kept for part in self.parts)])
        once, again = distinct_pupils(pupil_rows)
        rows = self.counted()
        own = [self.sieve.finding(doubt) for doubt in self.delivery.findings]
        if rows.loaded + rows.quarantined == 0:
            own.append(finding(NO_ROWS))
        if skipped := self.skipped():
            own.append(finding(NO_REGISTER, value=", ".join(skipped)))
        if self.context.schools is not None and rows.loaded + rows.quarantined:
            named = frozenset[int | str]().union(*(part.schools for part in self.parts))
            own += wrong_size(self.form.size, len(named), len(self.context.schools.schools))
        own += self.repeated(again)
        own += self.doubtful(once)
        whole = self.whole(rows, own)
        if whole.verdict == "refused":
            once = once.clear()
        has_unknown = once["school_id"].null_count() > 0
        return replace(whole, facts=self.facts(once.filter(pl.col("school_id").is_not_null()) if has_unknown else once))

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
