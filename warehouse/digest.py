"""What a reading says, as a hash: equal digests mean that reading a delivery again has changed nothing."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import polars as pl

from contracts.reading import Reading
from contracts.rules import OF_CIRCUMSTANCES


def digest(reading: Reading) -> str:
    """A hash of everything that a reading tells, apart from the ids and times of its storing."""
    checksum = sha256()
    told = (
        reading.form, reading.edition, reading.sender, reading.as_of, reading.campaign, reading.slice, reading.verdict,
        reading.rows,
    )  # fmt: skip
    checksum.update(repr(told).encode())
    outcomes = reading.raw_rows.select("sheet", "row", "outcome")
    for frame in (outcomes, reading.findings, reading.facts, reading.control_totals, reading.school_outcomes):
        checksum.update(text_of(frame).encode())
    return checksum.hexdigest()[:32]


def facts_digest(reading: Reading) -> str:
    """The same hash without what only the moment of receipt says."""
    only_then = pl.col("rule").is_in(OF_CIRCUMSTANCES)
    return digest(replace(reading, findings=reading.findings.filter(~only_then)))


def text_of(frame: pl.DataFrame) -> str:
    """A frame as text; its columns in the order of their names, lists joined."""
    if frame.is_empty():
        return ""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    plain = frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join("\x1f") for name in lists)
    return plain.select(sorted(plain.columns)).write_csv(separator="\x1e", quote_style="never")
