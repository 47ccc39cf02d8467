"""Pupil exports: checked a block at a time, counted by a keyed pseudonym, never stored by name."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import polars_hash as plh

from contracts.form import Edition, Form, Pupils
from contracts.forms import RULES
from contracts.grid import Blocks, Grid, column_letters
from contracts.reading import (
    FINDINGS,
    NO_CONTROL_TOTALS,
    NO_SCHOOL_OUTCOMES,
    PUPILS,
    RAW_ROWS,
    Reading,
    Rows,
    Verdict,
    empty,
)
from contracts.rules import NO_REGISTER, NO_ROWS
from contracts.vocabulary import academic_year
from transforms.check import check_rows
from transforms.finding import HIDDEN, Table, finding
from transforms.heading import key
from transforms.identify import Context, Identified
from transforms.table import cell_text

KEY_BYTES = 16
FINDINGS_KEPT = 10_000
REPEATED = RULES["REX-005"]


class PupilReading:
    """A reading of a pupil export in the making (`contracts.reading.PupilStream`).

    Iterating yields `PUPILS` of each block; afterwards `reading()` has the counts, findings and facts of the whole.
    Memory holds one block and twenty-odd bytes a pupil.
    """

    def __init__(self, found: Identified, context: Context) -> None:
        if found.form is None or found.form.pupils is None or found.edition is None:
            raise ValueError("only forms with pupils are read so")
        self.found, self.context = found, context
        self.form: Form = found.form
        self.edition: Edition = found.edition
        self.pupils: Pupils = found.form.pupils
        self.sheet, self.heading = found.headings[0]
        self.counted = Rows()
        self.findings: list[pl.DataFrame] = []
        self.set_aside: list[pl.DataFrame] = []
        self.seen: list[pl.DataFrame] = []
        self.skipped: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[pl.DataFrame]:
        above = self.heading.last + 1
        self.counted = Rows(read=above, not_data=above)
        for block in self.blocks():
            yield self.read_block(block)

    def blocks(self) -> Iterator[pl.DataFrame]:
        """Rows under the heading: row Int32 and c0, c1, … String."""
        content = self.found.delivery.content
        first = self.heading.last + 1
        if isinstance(content, Blocks):
            yield from content.frames(first + 1)
        elif isinstance(content, Grid):
            width = max((len(row) for row in self.sheet.rows), default=0)
            texts = [[cell_text(value) for value in row] for row in self.sheet.rows[first:]]
            columns = {
                f"c{c}": pl.Series([row[c] if c < len(row) else None for row in texts], dtype=pl.String)
                for c in range(width)
            }
            yield pl.DataFrame({"row": pl.Series(range(first + 1, first + 1 + len(texts)), dtype=pl.Int32), **columns})

    def read_block(self, block: pl.DataFrame) -> pl.DataFrame:
        """Check a block, add it to the account, and return its good rows as `PUPILS`."""
        raw = self.named(block)
        data = self.only_data(raw)
        checked = check_rows(
            data, (Table(0, self.sheet.name, self.heading.columns),), self.form, self.edition,
            self.context.schools, self.context.unit_aliases,
        )  # fmt: skip
        self.skipped = checked.skipped
        bad = int(checked.typed["bad"].sum())
        counted = self.counted
        self.counted = Rows(
            read=counted.read + len(block),
            loaded=counted.loaded + len(data) - bad,
            quarantined=counted.quarantined + bad,
            not_data=counted.not_data + len(block) - len(data),
        )
        if sum(map(len, self.findings)) < FINDINGS_KEPT:
            self.findings.append(checked.findings.select(*FINDINGS))
            self.set_aside.append(self.without_names(data.filter(checked.typed["bad"])))
        known = checked.typed.select(
            "row", "school_id", pl.col("grade").cast(pl.Int16), self.pupils.state.alias("state"), "bad",
            *self.pupils.identity,
        )  # fmt: skip
        good = known.filter(~pl.col("bad")) if bad else known
        kept = good.with_columns(pseudonyms(good, self.pupils, self.context.secret)).select(*PUPILS)
        self.seen.append(kept)
        return kept

    def named(self, block: pl.DataFrame) -> pl.DataFrame:
        """A block with the columns of the form by name, and what `check_rows` wants to know of the delivery."""
        as_of = self.found.as_of
        places = self.heading.columns
        return block.select(
            pl.lit(0, dtype=pl.Int32).alias("table"),
            "row",
            pl.lit(0, dtype=pl.Int32).alias("delivery"),
            pl.lit(self.found.sender, dtype=pl.String).alias("sender"),
            pl.lit(as_of, dtype=pl.Date).alias("as_of"),
            pl.lit(academic_year(as_of) if as_of else None, dtype=pl.Int32).alias("academic_year_start"),
            *(
                pl.lit(None, dtype=pl.String).alias(column.name)
                if (place := f"c{places.get(column.name)}") not in block.columns
                else pl.col(place).alias(column.name)
                for column in self.edition.columns
            ),
        )

    def only_data(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Rows of pupils: not blank, not the heading printed again, not a total."""
        filled = raw.select(pl.any_horizontal(pl.col(name).is_not_null() for name in self.heading.columns)).to_series()
        shown, first = next(
            (s, name) for s, name in self.heading.found.items() if not self.edition.column(name).personal
        )
        marks = [
            text
            for text in raw[first].unique().drop_nulls()
            if key(text) == key(shown) or key(text).startswith(("итого", "всего"))
        ]
        if marks:
            filled &= ~raw[first].is_in(marks).fill_null(False)
        return raw if filled.all() else raw.filter(filled)

    def without_names(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`RAW_ROWS` of rows set aside, with personal cells hidden."""
        shown = [
            pl.when(pl.col(name).is_not_null()).then(pl.lit(HIDDEN)).alias(name)
            if self.edition.column(name).personal
            else pl.col(name)
            for name in sorted(self.heading.columns, key=self.heading.columns.__getitem__)
        ]
        return rows.select(
            pl.lit(self.sheet.name).alias("sheet"),
            pl.col("row").cast(pl.Int64),
            pl.lit("quarantined").alias("outcome"),
            pl.concat_list(shown).alias("cells"),
        )

    def reading(self) -> Reading:
        """The reading of the whole, once all blocks were drained."""
        seen = pl.concat(self.seen) if self.seen else pl.DataFrame(schema=PUPILS)
        self.seen = []
        once, again = told_apart(seen)
        own = [*self.found.findings]
        if self.counted.loaded + self.counted.quarantined == 0:
            own.append(finding(NO_ROWS))
        if self.skipped:
            own.append(finding(NO_REGISTER, value=", ".join(self.skipped)))
        own += self.repeated(again)
        findings = pl.concat([pl.DataFrame(own, schema=FINDINGS, orient="row"), *self.findings])
        refused = bool((findings["severity"] == "refuse").any())
        rows = self.counted
        if refused:
            rows = Rows(rows.read, 0, rows.loaded + rows.quarantined, rows.not_data)
        verdict: Verdict = "refused" if refused else "partial" if rows.quarantined else "accepted"
        facts = (
            once.filter(pl.col("school_id").is_not_null())
            .group_by(self.pupils.keys)
            .agg(measure.sum().cast(pl.Int64).alias(name) for name, measure in self.pupils.measures.items())
            .sort(self.pupils.keys)
        )
        return Reading(
            file=self.found.delivery.file, sha256=self.found.delivery.sha256, form=self.form.name,
            edition=self.edition.name, sender=self.found.sender, as_of=self.found.as_of,
            campaign=self.found.campaign, slice=None if refused else self.found.slice, verdict=verdict, rows=rows,
            layout=self.found.layout, findings=findings,
            raw_rows=pl.concat([empty(RAW_ROWS), *self.set_aside]), facts=facts,
            control_totals=NO_CONTROL_TOTALS, school_outcomes=NO_SCHOOL_OUTCOMES,
        )  # fmt: skip

    def repeated(self, again: pl.Series) -> list[dict[str, object]]:
        """A note for each row of a pupil who is counted by another row."""
        letters = column_letters(self.heading.columns[self.pupils.identity[0]])
        return [
            finding(REPEATED, value=HIDDEN, sheet=self.sheet.name, cell=f"{letters}{row}", row=row,
                    column=self.pupils.identity[0])
            for row in again.sort().head(FINDINGS_KEPT)
        ]  # fmt: skip


def told_apart(seen: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Each pupil once, by the row of the best state, and the numbers of the other rows."""
    if seen["pupil_key"].n_unique() == len(seen):
        return seen, pl.Series(dtype=pl.Int32)
    twice = seen["pupil_key"].is_duplicated()
    several = seen.filter(twice).sort("state", "row")
    first = several.unique("pupil_key", keep="first", maintain_order=True)
    again = several["row"].filter(~several["row"].is_in(first["row"].implode()))
    return pl.concat([seen.filter(~twice), first]), again


def pseudonyms(rows: pl.DataFrame, pupils: Pupils, secret: bytes) -> pl.Series:
    """16 bytes of HMAC-SHA256 over the normalised identity of each row; the key never leaves the house."""
    parts = []
    for name in pupils.identity:
        value = rows[name]
        if value.dtype == pl.Date:
            parts.append(value.dt.to_string("%Y-%m-%d").fill_null(""))
            continue
        value = value.str.to_lowercase().str.replace_all("ё", "е", literal=True)
        if value.str.contains("  ", literal=True).any():
            value = value.str.replace_all(" +", " ")
        parts.append(value.fill_null(""))
    identity = pl.DataFrame(parts).select(identity=pl.concat_str(pl.all(), separator="|"))
    digest = identity.select(plh.col("identity").chash.hmac_sha256(key=secret.hex()))
    return digest.to_series().str.head(2 * KEY_BYTES).str.decode("hex").alias("pupil_key")
