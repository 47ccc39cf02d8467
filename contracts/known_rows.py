"""Rows of an export that are known from the one before: the same texts say the same, and are not understood twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class KnownRows:
    """Rows of the export before, by the hashes of their lines.

    `lines` Int64 are sorted; `places` UInt32 are the numbers of their rows, of which `rows_at` yields what the form
    keeps of a pupil (`contracts.reading.kept`). `is_clean` Boolean, in the order of `lines`: no rule speaks of the
    row by itself. Only when the export before was read in the same circumstances may a clean row be taken as it was
    (`is_trusted`). Memory is some thirteen bytes a row; the rows themselves lie on the disk.
    """

    lines: pl.Series
    places: pl.Series
    is_clean: pl.Series
    rows_at: Callable[[pl.Series], pl.DataFrame]
    is_trusted: bool

    def found(self, lines: pl.Series) -> pl.Series:
        """Where each of the lines stands first among `lines`, UInt32; null for one that is not there."""
        if self.lines.is_empty():
            return pl.repeat(None, len(lines), dtype=pl.UInt32, eager=True)
        at = self.lines.search_sorted(lines, side="left").cast(pl.UInt32)
        at = at.clip(upper_bound=len(self.lines) - 1)
        return at.set(self.lines.gather(at) != lines, None)

    def rows(self, found: pl.Series) -> pl.DataFrame:
        """The rows that stand there, in this order; none of them may be null."""
        return self.rows_at(self.places.gather(found))

    def difference(self, met: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Of rows that were `met` again, each by where its line stands first: the places of those that are gone, and
        where lines stand that came more often than they were there, as often as they came more."""
        runs = self.lines.rle().struct.unnest().select(times=pl.col("len").cast(pl.UInt32))
        runs = runs.with_columns(first=(pl.col("times").cum_sum() - pl.col("times")).cast(pl.UInt32))
        again = met.sort().rle().struct.unnest()
        came = pl.zeros(len(self.lines), dtype=pl.UInt32, eager=True)
        came = came.scatter(again["value"], again["len"].cast(pl.UInt32))
        runs = runs.with_columns(came=came.gather(runs["first"]))
        fewer, more = runs.filter(pl.col("came") < pl.col("times")), runs.filter(pl.col("came") > pl.col("times"))
        end = pl.col("first") + pl.col("times")
        gone = fewer.select(pl.int_ranges(pl.col("first") + pl.col("came"), end, dtype=pl.UInt32))
        surplus = more.select(pl.col("first").repeat_by(pl.col("came") - pl.col("times")))
        return self.places.gather(_flat(gone)), _flat(surplus)


def _flat(lists: pl.DataFrame) -> pl.Series:
    return lists.to_series().explode().drop_nulls().cast(pl.UInt32)
