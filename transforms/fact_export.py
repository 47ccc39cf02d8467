"""Exports whose rows are facts: loaded a block at a time, and taken back where two rows have one key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from contracts.form import Column
from contracts.grain import COUNTED, SCHOOL, told_on
from contracts.grid import column_letters
from contracts.reading import FINDINGS, RAW_ROWS, SCHOOL_OUTCOMES, Apart, Finding, Reading, Rows, empty
from contracts.rules import DUPLICATE_KEY
from transforms.batch import about_delivery, facts_of, outcomes_of
from transforms.cells.within import word_within
from transforms.export_reading import FINDINGS_KEPT, ExportReading, Part
from transforms.findings.finding import finding
from transforms.identity.identify import Context, Delivery
from transforms.rows.check import check_rows
from transforms.rows.contract import one_row_a_key, whole_key

PLACE = ["table", "row"]


@dataclass(frozen=True)
class FactPart(Part):
    """A block of facts.

    `keys` has table, row and the key of each row of data that has a whole one, `is_good` and `is_twice`; `outcomes` are
    those of its schools, as far as its rows alone tell (`SCHOOL_OUTCOMES`).
    """

    keys: pl.DataFrame
    outcomes: pl.DataFrame


class FactReading(ExportReading[FactPart]):
    """A reading of an export in the making whose rows are facts of their own.

    Iterating yields the facts of each block; memory holds some fifty bytes a row, by which rows of one key are found.
    Facts that were yielded before another row with their key came are `taken_back`.
    """

    def __init__(self, delivery: Delivery, context: Context) -> None:
        super().__init__(delivery, context)
        self.blocks_of: dict[object, list[int]] = {}
        self.doubles: list[pl.DataFrame] = []
        self.withheld: list[pl.DataFrame] = []
        self.taken: list[pl.DataFrame] = []

    @property
    def usual(self) -> str:
        """What the first part of the key is stated in: the name of the school."""
        return self.form.grain[0].marked

    def telling(self, matched: Iterable[str]) -> Sequence[str]:
        """The first column, and the usual one."""
        return list(dict.fromkeys([*super().telling(matched), self.usual]))

    def named(self, number: int, block: pl.DataFrame) -> pl.DataFrame:
        """Of texts that are read within only the word of the vocabulary is kept."""
        named = super().named(number, block)
        return named.with_columns(
            _words(named[column.name], column) for column in self.edition.columns if column.within
        )

    def checked(self, number: int, block: pl.DataFrame) -> FactPart:
        """Check a block of a table; of its rows of one key none is good."""
        data = self.only_data(number, self.named(number, block))
        checked = check_rows(
            data, self.tables, self.form, self.edition, self.context.schools, self.aliases, (), [self.states],
            self.context.secret, alone=True,
        )  # fmt: skip
        typed, key = checked.typed, list(self.form.key)
        is_whole = pl.Series(typed.select(whole_key(self.form, self.edition)).to_series())
        is_twice = is_whole & _duplicated(typed.select(key))
        is_good = ~(typed["bad"] | is_twice)
        bad = len(typed) - int(is_good.sum())
        keys = typed.select(*PLACE, *key).with_columns(is_good.alias("is_good"), is_twice.alias("is_twice"))
        return FactPart(
            Rows(len(block), len(data) - bad, bad, len(block) - len(data)),
            checked.findings.select(*FINDINGS),
            self.rows_aside(number, data.filter(~is_good)),
            facts_of(self.form, self.edition, typed if not bad else typed.filter(is_good), "row"),
            checked.skipped,
            checked.spoke[0],
            keys if is_whole.all() else keys.filter(is_whole),
            outcomes_of(typed, checked.findings).drop("delivery") if SCHOOL in self.form.grain else pl.DataFrame(),
        )

    def added(self, part: FactPart) -> pl.DataFrame:
        """The facts of a block, without those whose key a row of an earlier block has too."""
        key, keys, facts = list(self.form.key), part.keys, part.kept
        self.doubles.append(keys.filter("is_twice"))
        things = keys[key[0]].unique().to_list()
        if places := sorted({place for thing in things for place in self.blocks_of.get(thing, ())}):
            before = pl.concat(self.parts[place].keys for place in places)
            again = keys.join(before, on=key, how="semi", nulls_equal=True)
            if len(again):
                earlier = before.join(again, on=key, how="semi", nulls_equal=True)
                self.doubles += [again, earlier]
                self.withheld.append(again.filter("is_good"))
                self.taken.append(earlier.filter("is_good"))
                is_again = pl.col("row").is_in(again["row"].implode())
                facts = facts.filter(~is_again)
                keys = keys.with_columns(is_good=pl.col("is_good") & ~is_again)
        for thing in things:
            self.blocks_of.setdefault(thing, []).append(len(self.parts))
        self.parts.append(replace(part, kept=facts.clear(), keys=keys))
        return facts.drop("row")

    def taken_back(self) -> pl.DataFrame:
        """The keys of facts that were yielded and are none."""
        return self._once(self.taken).select(self.form.key)

    def reading(self) -> Reading:
        """The reading of the whole, whose facts were yielded."""
        doubles, taken = self._once(self.doubles), self._once(self.taken)
        aside = self._once([*self.withheld, taken])
        counted = self.counted()
        rows = Rows(counted.read, counted.loaded - len(aside), counted.quarantined + len(aside), counted.not_data)
        keys = pl.concat(part.keys for part in self.parts) if rows.loaded + rows.quarantined else None
        own = [
            *self.delivery.findings,
            *about_delivery(self.delivery, keys, self.skipped(), self.context),
            *self._told(doubles),
        ]
        whole = self.whole(rows, own, [self._without_cells(aside)] if len(aside) else [])
        if whole.verdict == "refused" or keys is None:
            return whole
        good = keys.filter("is_good").join(taken, on=PLACE, how="anti")
        named = good.select(key.column for key in self.form.grain if key.of in COUNTED).unique()
        day = told_on(self.form.period, self.form.grain)
        months = frozenset(good[day].dt.truncate("1mo").unique().to_list() if day else ())
        return replace(whole, apart=Apart(named, months), school_outcomes=self._outcomes(doubles))

    def _once(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Rows of `keys`, each once, in the order of the file."""
        some = [part.keys.clear() for part in self.parts[:1]] + list(frames)
        if not some:
            return pl.DataFrame(schema=dict.fromkeys([*PLACE, *self.form.key], pl.Int32()))
        return pl.concat(some).unique(PLACE, keep="first").sort(PLACE)

    def _told(self, doubles: pl.DataFrame) -> list[Finding]:
        """COM-050 of rows with one key."""
        name, only = self.form.grain[0].marked, one_row_a_key(self.form, self.edition)
        schools = self.context.schools
        names = {number: school.name for number, school in schools.schools.items()} if schools is not None else {}
        told = doubles.head(FINDINGS_KEPT).select(*PLACE, self.form.key[0])
        return [
            finding(
                DUPLICATE_KEY, value=names.get(thing, str(thing)), expected=only, sheet=self.tables[table].sheet,
                cell=f"{column_letters(self.tables[table].columns[name])}{row}" if name in self.tables[table].columns
                else None,
                row=row, column=name,
            )
            for table, row, thing in told.iter_rows()
        ]  # fmt: skip

    def _without_cells(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`RAW_ROWS` of rows that were good until another one came: what they said is gone with their block."""
        sheets = {number: table.sheet for number, table in enumerate(self.tables)}
        return rows.select(
            pl.col("table").replace_strict(sheets, return_dtype=pl.String).alias("sheet"),
            pl.col("row").cast(pl.Int64),
            pl.lit("quarantined").alias("outcome"),
            pl.lit([], dtype=pl.List(pl.String)).alias("cells"),
        ).cast(pl.Schema(RAW_ROWS))

    def _outcomes(self, doubles: pl.DataFrame) -> pl.DataFrame:
        """`SCHOOL_OUTCOMES` of all blocks together; who has two rows of one key is rejected for that too."""
        if SCHOOL not in self.form.grain:
            return empty(SCHOOL_OUTCOMES)
        twice = (
            doubles.select("school_id")
            .unique()
            .with_columns(report_status=pl.lit("rejected"), rules=pl.lit([DUPLICATE_KEY.id], dtype=pl.List(pl.String)))
        )
        each = pl.concat([*(part.outcomes for part in self.parts), twice])
        return (
            each.group_by("school_id", maintain_order=True)
            .agg(
                pl.when((pl.col("report_status") == "rejected").any()).then(pl.lit("rejected"))
                .otherwise(pl.lit("accepted")).alias("report_status"),
                pl.col("rules").list.explode(keep_nulls=False, empty_as_null=False).unique(maintain_order=True),
            )
        )  # fmt: skip


def _duplicated(keys: pl.DataFrame) -> pl.Series:
    """True for rows of one key. Hashes of mostly different keys are told apart much faster than the keys."""
    if keys.hash_rows().n_unique() == keys.height:
        return pl.repeat(False, keys.height, eager=True)
    return keys.is_duplicated()


def _words(texts: pl.Series, column: Column) -> pl.Series:
    """What different texts say, each asked once."""
    said = {text: word_within(text, column.vocabulary or "") for text in texts.unique().drop_nulls()}
    return texts.replace_strict(said, default=None, return_dtype=pl.String)
