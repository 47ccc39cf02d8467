"""Explanations of warnings: how a finding is known in a receipt that comes back, and what may be said of it.

A receipt has a hidden column: in its first row a stamp with the checksum of the file that it answers, beside each
warning a mark with the key of the finding (`ops.finding_key`), beside each error one with its rule. All are texts of
cells, which every program keeps. They are claims: a key says something of a finding only where its sender has a finding
of that key.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from contracts.texts import rule_text

LONGEST = 500
"""Signs of an explanation that are kept."""
STAMP = re.compile(r"profmin-receipt ([0-9a-f]{64})")
MARK = re.compile(r"profmin-(?:(warning) ([0-9a-f]{32}) ([0-9a-f]{8}|-)|(error) ([A-Z]{2,3}-\d{3}))")
LEADING = re.compile(r"^[\s=+\-@|'\"—–.,;:]+")
"""What would make a formula of a text, or no beginning of a sentence."""
USUAL = Path(__file__).parent / "texts" / "explanations.csv"
Decision = Literal["accepted", "refused"]


@dataclass(frozen=True)
class Explained:
    """A warning that may be explained: the key of its finding; the words of its sender, if there are some, since when,
    and what an officer decided of them."""

    key: str
    text: str | None = None
    said_at: dt.datetime | None = None
    decision: Decision | None = None
    decided_at: dt.datetime | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Returned:
    """What a receipt brings back: the checksum of the file that it says to answer; keys with the words beside them,
    where these are not what the receipt had there itself; rules of errors beside which something was written; how many
    texts stand beside nothing, and how many were cut to `LONGEST`.

    `is_alone` says that there is no table beside it.
    """

    about: str | None
    said: tuple[tuple[str, str], ...] = ()
    of_errors: tuple[str, ...] = ()
    astray: int = 0
    shortened: int = 0
    is_alone: bool = False

    @property
    def says_something(self) -> bool:
        """Did anybody write into it?"""
        return bool(self.said or self.of_errors or self.astray)


@dataclass(frozen=True)
class CameOf:
    """What came of what a receipt brought back. `is_foreign`: it answers a file of somebody else. Counts of
    explanations: `taken`, `known` as they were, of findings that are `mended` meanwhile, beside nothing (`astray`)."""

    is_foreign: bool
    taken: int
    known: int
    mended: int
    astray: int
    shortened: int
    of_errors: tuple[str, ...]


def stamp(about: str) -> str:
    """The stamp of a receipt that answers the file of a checksum."""
    return f"profmin-receipt {about}"


def warning_mark(explained: Explained) -> str:
    """The mark of a warning; it tells too which words the receipt itself has beside it."""
    return f"profmin-warning {explained.key} {_fingerprint(explained.text) if explained.text else '-'}"


def error_mark(rule: str) -> str:
    """The mark of an error."""
    return f"profmin-error {rule}"


def is_said_anew(text: str, fingerprint: str) -> bool:
    """Is a text another one than the receipt had there?"""
    return _fingerprint(text) != fingerprint


def _fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]


def cleaned(value: object) -> tuple[str, bool] | None:
    """An explanation as it is kept, on one line, and whether it was cut; None for one without a letter or digit.

    It begins with nothing that a spreadsheet takes for a formula.
    """
    if value is None:
        return None
    text = LEADING.sub(
        "", re.sub(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+", " ", str(value))
    ).strip()
    if not re.search(r"[^\W_]", text):
        return None
    return text[:LONGEST].rstrip(), len(text) > LONGEST


@cache
def usual(rule: str) -> Sequence[str]:
    """The explanations that are offered for a warning: those of its rule, then those of the rule's class."""
    with USUAL.open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["rule_class"] == rule_text(rule).rule_class]
    own = [line["ru"] for line in lines if line["rule"] == rule]
    return (*own, *(line["ru"] for line in lines if not line["rule"]))
