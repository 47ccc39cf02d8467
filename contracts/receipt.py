"""The receipt: what goes back to a sender about one delivery, and how it is known when it comes back to us."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contracts.explanation import STAMP, CameOf, Explained
from contracts.reading import Answer, Finding, Layout, Rows, Status

SHEET = "Квитанция"
"""The name of our sheet; a sender's own sheet of that name stays, and ours then gets a number."""
TITLE = "Квитанция о приёме документа"
"""What stands in A1 of our sheet, exactly."""
AUTHOR = "profmin"
"""The author of our comments."""


def is_receipt(name: str, first_row: Sequence[object]) -> bool:
    """Is a sheet of that name and with that first row our receipt, which is no part of a delivery? Either its title or
    its stamp says so."""
    text = first_row[0].strip() if first_row and isinstance(first_row[0], str) else ""
    if text == TITLE or (name.strip() == SHEET and text.startswith(TITLE)):
        return True
    return any(isinstance(value, str) and STAMP.fullmatch(value.strip()) for value in first_row)


@dataclass(frozen=True)
class WrongSchool:
    """A school whose report was not accepted, and the rules that it broke."""

    name: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Total:
    """A figure that the sender stated; `reporting_unit` is None for the «Итого» of a table."""

    reporting_unit: str | None
    metric: str
    stated: float
    computed: float
    difference: float
    agrees: bool


@dataclass(frozen=True)
class OtherDelivery:
    """Another delivery for the same slice: one that this one `replaced`, one that still `holds` because this one was
    refused or waits for a decision, a `newer` one that was there already, or one that has said the `same`."""

    relation: Literal["replaced", "holds", "newer", "same"]
    file: str
    received_at: dt.datetime


@dataclass(frozen=True)
class Receipt:
    """All that a receipt says of one reading of a delivery. Times are in the region's time zone."""

    file: str
    sha256: str
    received_at: dt.datetime
    verdict: Answer
    rows: Rows
    layout: Layout
    findings: tuple[Finding, ...] = ()
    form: str | None = None
    edition: str | None = None
    sender: str | None = None
    sender_name: str | None = None
    as_of: dt.date | None = None
    campaign_title: str | None = None
    deadline: dt.date | None = None
    accepted: tuple[str, ...] = ()
    wrong: tuple[WrongSchool, ...] = ()
    absent: tuple[str, ...] = ()
    totals: tuple[Total, ...] = ()
    other: OtherDelivery | None = None
    status: Status = "current"
    decision: str | None = None
    """Why an officer accepted or declined it; None without a decision."""
    explained: Mapping[Finding, Explained] = field(default_factory=dict)
    """Of the warnings that may be explained: what is said of them."""
    came_of: CameOf | None = None
    """What came of the explanations that this file brought back; None where it brought none."""


@dataclass(frozen=True)
class Overdue:
    """A delivery that is owed for a `slot` (a campaign, a month, an academic year), and whose deadline has passed on a
    day. `is_received` says that an accepted one holds, `is_nothing` that its sender stated that there is nothing to
    report; `refused_file` is the last refused one, if any; `schools` are those of which nothing is known for that."""

    form: str
    form_title: str
    sender: str
    sender_name: str
    slot: str
    slot_title: str
    deadline: dt.date
    day: dt.date
    is_received: bool
    is_nothing: bool = False
    refused_file: str | None = None
    schools: tuple[str, ...] = ()
