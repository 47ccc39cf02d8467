"""Times of a delivery that cannot be, or are worth a look."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from contracts.reading import Finding
from contracts.rules import BEFORE_ITS_DATE, CLAIM_AHEAD
from transforms.cells.day import OFFICE_HOURS
from transforms.findings.finding import finding

if TYPE_CHECKING:
    from transforms.tables.identify import Delivery

AHEAD = dt.timedelta(minutes=10)
"""By how much clocks may differ."""


def moment_findings(delivery: Delivery, as_of: dt.date | None) -> list[Finding]:
    """Times that cannot be: the file's own lies in the future, or it is there before the date that it speaks of."""
    received, claimed = delivery.received_at, delivery.claimed_at
    findings = []
    if claimed is not None and claimed > received + AHEAD:
        findings.append(finding(CLAIM_AHEAD, value=_moment(claimed), expected=f"не позже {_moment(received)}"))
    first = min(received, claimed or received)
    if as_of is not None and first.astimezone(OFFICE_HOURS).date() < as_of:
        shown = f"данные на {as_of:%d.%m.%Y}"
        findings.append(finding(BEFORE_ITS_DATE, value=_moment(first), expected=shown))
    return findings


def _moment(when: dt.datetime) -> str:
    return f"{when.astimezone(OFFICE_HOURS):%d.%m.%Y %H:%M}"
