"""Incidents: what is wrong for longer than a moment, opened, changed and closed by what the conditions find."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

EventKind = Literal["opened", "changed", "reminded", "escalated", "closed"]


@dataclass(frozen=True)
class IncidentEvent:
    """What happened to an incident and is to be told; `details` are those of the condition, with its figures.

    `deliveries` are the deliveries whose receipts belong to it. `audiences` out of sender, officer, engineer.
    """

    event_id: int
    incident_id: int
    kind: EventKind
    condition: str
    incident_class: Literal["data", "lateness", "own"]
    audiences: tuple[str, ...]
    form: str | None
    form_title: str | None
    sender: str | None
    sender_name: str | None
    subject: str
    at: dt.datetime
    opened_at: dt.datetime
    level: int
    details: Mapping[str, Any]
    deliveries: tuple[int, ...]
