"""What a reading says, as a hash: equal digests mean that reading a delivery again has changed nothing.

A warehouse keeps the digests of its readings for good, so the text that is hashed never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import polars as pl

from contracts.reading import Reading
from contracts.rules import OF_CIRCUMSTANCES

BETWEEN = "\x1e"


class Digests(NamedTuple):
    """Hashes of everything that a reading tells, apart from the ids and times of its storing: `facts` is without what
    only the moment of receipt says. They differ in findings alone, and mostly not even there."""

    whole: str
    facts: str


def digests(readings: Sequence[Reading]) -> list[Digests]:
    """The hashes of each reading; their frames become text together."""
    outcomes = lines([reading.raw_rows for reading in readings], ("outcome", "row", "sheet"))
    findings = lines([reading.findings.drop("row_key") for reading in readings])  # it was not there from the first
    rest = [
        lines([getattr(reading, name) for reading in readings])
        for name in ("facts", "control_totals", "school_outcomes")
    ]
    hashes = []
    for place, reading in enumerate(readings):
        identity = (
            reading.form,
            reading.edition,
            reading.sender,
            reading.as_of,
            reading.campaign,
            reading.slice,
            reading.verdict,
            reading.rows,
        )
        before = f"{identity!r}{''.join(outcomes[place])}"
        after = "".join(line for frames in rest for line in frames[place])
        after += "" if reading.apart is None else reading.apart.digest
        heading, *all_findings = findings[place] or [""]
        rules = reading.findings["rule"].to_list()
        lasting = [line for line, rule in zip(all_findings, rules, strict=True) if rule not in OF_CIRCUMSTANCES]
        whole = _hashed(before, heading, all_findings, after)
        is_same = len(lasting) == len(all_findings)
        hashes.append(Digests(whole, whole if is_same else _hashed(before, heading, lasting, after)))
    return hashes


def _hashed(before: str, heading: str, findings: Sequence[str], after: str) -> str:
    lines_between = f"{heading}{''.join(findings)}" if findings else ""
    return sha256(f"{before}{lines_between}{after}".encode()).hexdigest()[:32]


def lines(frames: Sequence[pl.DataFrame], columns: Sequence[str] | None = None) -> list[list[str]]:
    """Each frame as lines of text, the names of its columns first, or as none when it has no rows.

    Columns are in the order of their names, or those given; lists are joined. Frames alike are written as one.
    """
    texts: list[list[str]] = [[] for _ in frames]
    alike: dict[tuple[tuple[str, pl.DataType], ...], list[int]] = {}
    for place, frame in enumerate(frames):
        if frame.height:
            alike.setdefault(tuple(frame.schema.items()), []).append(place)
    for schema, places in alike.items():
        names = columns or sorted(name for name, _ in schema)
        whole = pl.concat([frames[place] for place in places]).select(names)
        written = whole.select(pl.concat_str(map(as_text, whole), separator=BETWEEN) + "\n").to_series().to_list()
        heading, start = BETWEEN.join(names) + "\n", 0
        for place in places:
            end = start + frames[place].height
            texts[place] = [heading, *written[start:end]]
            start = end
    return texts


def as_text(column: pl.Series) -> pl.Series:
    """The values of a column as polars writes csv without quotes; a missing value is an empty text."""
    if isinstance(column.dtype, pl.List):
        column = column.cast(pl.List(pl.String)).list.join("\x1f")
    elif column.dtype.is_float():  # they are written otherwise than they are cast
        written = column.to_frame().write_csv(include_header=False, quote_style="never")
        column = pl.Series(column.name, written.split("\n")[:-1])
    return column.cast(pl.String).fill_null("")
