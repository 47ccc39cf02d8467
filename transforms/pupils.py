"""Pupil exports: checked a block at a time, counted by a keyed pseudonym, never stored by name."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from contracts.counted_pupils import Pupils
from contracts.form import Column
from contracts.forms import RULES
from contracts.grid import Blocks, column_letters
from contracts.known_rows import KnownRows
from contracts.reading import COUNTER, FINDINGS, PUPILS, RAW_ROWS, Finding, Reading, Rows, empty
from contracts.reading import kept as kept_of
from contracts.rules import NO_REGISTER, NO_ROWS
from transforms.export_reading import FINDINGS_KEPT, ExportReading, Part, in_order
from transforms.findings.disclosure import HIDDEN, shown
from transforms.findings.finding import NOTED_ONCE, finding
from transforms.findings.size import wrong_size
from transforms.identity.identify import Context, Delivery
from transforms.rows.check import check_rows, known_names
from transforms.rows.identity import IDENTITY, distinct_pupils, doubtful_names, identities, line_hashes
from transforms.rows.row_context import circumstances, noted_once
from transforms.tables.text_frame import text_frame

CHECKED_TOGETHER = 100_000
"""Rows of several blocks."""
REPEATED = RULES["REX-005"]
UNDATED = "ФИО, школа и класс те же, что в другой строке, а даты рождения нет: посчитаны одним обучающимся."


@dataclass(frozen=True)
class PupilPart(Part):
    """A block of pupils: its good rows are `contracts.reading.kept`, and `found`: where the line of a row that is as it
    was stands first among the known ones, UInt32, null for another one.

    `schools` are the ids of the schools that its rows name, and the names of those that the register does not know.
    """

    schools: frozenset[int | str]


class PupilReading(ExportReading[PupilPart]):
    """A reading of a pupil export in the making, of a small file too: of pupils nothing else is ever read.

    Iterating yields what is kept of the pupils of each block; memory holds some fifty bytes a pupil. Of a large file
    rows that were in the export before are not yielded again, nor understood again where no rule spoke of them.
    """

    def __init__(self, delivery: Delivery, context: Context) -> None:
        if delivery.form is None or delivery.form.pupils is None:
            raise ValueError("only forms with pupils are read so")
        super().__init__(delivery, context)
        self.pupils: Pupils = delivery.form.pupils
        self.kept = kept_of(self.pupils)
        self.counted_by = PUPILS | IDENTITY | dict.fromkeys(self.pupils.counters, COUNTER)
        self.known: KnownRows | None = None
        self.met: list[pl.Series] = []

    @property
    def sender(self) -> str | None:
        """Whose export it is."""
        return self.delivery.sender

    @property
    def as_of(self) -> dt.date | None:
        """Its date."""
        return self.delivery.as_of

    def circumstances(self) -> str:
        """A hash of all that a row's reading looks at besides the row and the day within its calendar year."""
        return circumstances(self.delivery, self.context, self.tables, self.states)

    def since(self, known: KnownRows) -> None:
        """Rows of the export before. A cell of a small file may be wrong by what else stands in its table, and how
        often a rule that the region puts aside would have spoken of a text is counted by blocks: then each row is
        checked."""
        whole = not isinstance(self.delivery.content, Blocks) or any(rule in NOTED_ONCE for rule in self.states)
        self.known = replace(known, is_trusted=False) if whole else known

    def unchanged(self) -> pl.Series:
        """Of each row that is as it was, where its line stands first among the known ones."""
        return pl.concat([pl.Series([], dtype=pl.UInt32), *self.met])

    @property
    def usual(self) -> str:
        """The name."""
        return self.pupils.identity[0]

    def added(self, part: PupilPart) -> pl.DataFrame:
        """The pupils of a block that are not as they were."""
        whole = part.kept
        self.parts.append(replace(part, kept=whole.select(*self.counted_by)))
        is_new = whole["found"].is_null()
        if is_new.all():
            return whole.select(*self.kept)
        self.met.append(whole["found"].drop_nulls())
        return whole.filter(is_new).select(*self.kept)

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

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Rows that are not as they were. Where the export before is trusted, two threads look for its rows, and the
        others are checked together, many blocks at a time: what checking costs hardly depends on how many there are."""
        if self.known is None or not self.known.is_trusted:
            yield from super().__iter__()
            return
        self.parts, self.met = [], []
        others: list[pl.DataFrame] = []
        for number, height, rows, same in in_order(self.looked_up, self.blocks()):
            self.met.append(same["found"])
            self.parts.append(self.known_part(height - len(rows), same))
            if others and (number != others[0]["table"][0] or sum(map(len, others)) + len(rows) > CHECKED_TOGETHER):
                yield self.added(self.part(int(others[0]["table"][0]), pl.concat(others)))
                others = []
            if len(rows):
                others.append(rows)
        if others:
            yield self.added(self.part(int(others[0]["table"][0]), pl.concat(others)))

    def looked_up(self, number: int, block: pl.DataFrame) -> tuple[int, int, pl.DataFrame, pl.DataFrame]:
        """A table's number, how many rows its block has, those to be checked, and of the others row and `found`."""
        if self.known is None:
            raise AssertionError("nothing is known")
        named = self.hashed(number, block)
        clean = self.known.is_clean.gather(named["found"].fill_null(0))
        same = named["found"].is_not_null() & clean
        places = same.arg_true()  # a text's first row of all may be no data, of which nothing is told
        same = same.scatter(places.filter(noted_once(named[places], self.edition)), False)
        return number, len(block), named.filter(~same), named.select("row", "found").filter(same)

    def known_part(self, height: int, same: pl.DataFrame) -> PupilPart:
        """A part of so many rows, all of which are as they were."""
        if self.known is None:
            raise AssertionError("nothing is known")
        before = self.known.rows(same["found"]).with_columns(same["row"])
        nothing = pl.DataFrame(schema=FINDINGS), pl.DataFrame(schema=RAW_ROWS)
        counted = Rows(height, height, 0, 0)
        return PupilPart(counted, *nothing, before.select(*self.counted_by), (), Counter(), frozenset())

    def hashed(self, number: int, block: pl.DataFrame) -> pl.DataFrame:
        """A block by the names of its columns, with `line` and `found`."""
        named = self.named(number, block)
        lines = line_hashes(named.select(column.name for column in self.edition.columns), self.context.secret)
        nowhere = pl.Series([None], dtype=pl.UInt32).new_from_index(0, len(named))
        return named.with_columns(lines, found=nowhere if self.known is None else self.known.found(lines))

    def checked(self, number: int, block: pl.DataFrame) -> PupilPart:
        """Check a block of a table."""
        return self.part(number, self.hashed(number, block))

    def part(self, number: int, rows: pl.DataFrame) -> PupilPart:
        """Check `hashed` rows of a table."""
        data = self.only_data(number, rows)
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
            *(name for name in PUPILS if name in pupil_rows.columns),
            *(pl.col(name).cast(COUNTER, strict=False) for name in self.pupils.counters),
            "bad",
        ).with_columns(
            *identities(pupil_rows, self.pupils, self.context.secret),
            data["line"],
            data["found"],
            is_clean=~pl.int_range(pl.len()).is_in(checked.spoken_of.implode()),
        )
        kept = (kept.filter(~pl.col("bad")) if bad else kept).select(*self.kept, "found")
        if self.known is not None:
            kept = kept.with_columns(_as_they_were(kept, self.known))
        return PupilPart(
            Rows(len(rows), len(data) - bad, bad, len(rows) - len(data)),
            checked.findings.select(*FINDINGS),
            self.rows_aside(number, data.filter(checked.typed["bad"])),
            kept,
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
        pupil_rows = pl.concat([empty(self.counted_by), *(part.kept for part in self.parts)])
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


def _as_they_were(kept: pl.DataFrame, known: KnownRows) -> pl.Series:
    """`found` of those rows that say what the known row of their texts does, and are as clean as it was."""
    at = kept["found"].is_not_null().arg_true()
    now, before = kept[at], known.rows(kept["found"].gather(at))
    same = pl.select(
        pl.all_horizontal(
            now[name].eq_missing(before[name]) for name in now.columns if name not in ("row", "is_clean", "found")
        )
        & (now["is_clean"] | ~before["is_clean"])
    ).to_series()
    return kept["found"].scatter(at.filter(~same), None)


def _schools_named(typed: pl.DataFrame) -> frozenset[int | str]:
    """Ids of the schools that rows name, and the names that no school of the register has."""
    ids = typed["school_id"]
    names = typed["school_name"].filter(ids.is_null()) if ids.null_count() else typed["school_name"].clear()
    return frozenset(ids.unique().drop_nulls()) | frozenset(names.unique().drop_nulls())
