"""What a reading says, as a hash: equal digests mean that reading a delivery again has changed nothing."""

from __future__ import annotations

from hashlib import sha256

import polars as pl

from contracts.reading import Reading
from contracts.rules import OF_CIRCUMSTANCES


def digest(reading: Reading) -> str:
    """A hash of everything that a reading tells, apart from the ids and times of its storing."""
    return digests(reading)[0]


def facts_digest(reading: Reading) -> str:
    """The same hash without what only the moment of receipt says."""
    return digests(reading)[1]


def digests(reading: Reading) -> tuple[str, str]:
    """`digest` and `facts_digest`; they differ in findings alone, and mostly not even there."""
    told = (
        reading.form, reading.edition, reading.sender, reading.as_of, reading.campaign, reading.slice, reading.verdict,
        reading.rows,
    )  # fmt: skip
    outcomes = text_of(reading.raw_rows.select("sheet", "row", "outcome"))
    rest = "".join(map(text_of, (reading.facts, reading.control_totals, reading.school_outcomes)))
    lasting = reading.findings.filter(~pl.col("rule").is_in(OF_CIRCUMSTANCES))

    def hashed(findings: pl.DataFrame) -> str:
        return sha256(f"{told!r}{outcomes}{text_of(findings)}{rest}".encode()).hexdigest()[:32]

    whole = hashed(reading.findings)
    return whole, whole if lasting.height == reading.findings.height else hashed(lasting)


def text_of(frame: pl.DataFrame) -> str:
    """A frame as text; its columns in the order of their names, lists joined."""
    if frame.is_empty():
        return ""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    plain = frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join("\x1f") for name in lists)
    return plain.select(sorted(plain.columns)).write_csv(separator="\x1e", quote_style="never")
