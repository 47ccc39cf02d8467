"""Times of a delivery that cannot be, or are worth a look."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.reading import Finding
from contracts.regions import zone_at
from contracts.rules import BEFORE_ITS_DATE, CLAIM_AHEAD
from transforms.findings.finding import finding

if TYPE_CHECKING:
    from transforms.identity.identify import Delivery

AHEAD = dt.timedelta(minutes=10)
"""By how much clocks may differ."""


def moment_findings(delivery: Delivery, as_of: dt.date | None) -> list[Finding]:
    """Times that cannot be: the file's own lies in the future, or it is there before the date that it speaks of."""
    received, claimed = delivery.received_at, delivery.claimed_at
    zone = zone_at(delivery.sender or delivery.folder)
    findings = []
    if claimed is not None and claimed > received + AHEAD:
        expected = f"не позже {_moment(received, zone)}"
        findings.append(finding(CLAIM_AHEAD, value=_moment(claimed, zone), expected=expected))
    first = min(received, claimed or received)
    if as_of is not None and first.astimezone(zone).date() < as_of:
        shown = f"данные на {as_of:%d.%m.%Y}"
        findings.append(finding(BEFORE_ITS_DATE, value=_moment(first, zone), expected=shown))
    return findings


def _moment(when: dt.datetime, zone: ZoneInfo) -> str:
    return f"{when.astimezone(zone):%d.%m.%Y %H:%M}"
