"""Messages on their way: written with what they tell of, sent afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MessageClass = Literal["data", "lateness", "own"]
Kind = Literal["incident", "reminder", "statement"]


@dataclass(frozen=True)
class Attachment:
    """What goes with a message: the receipt of a delivery, or the template of a form for a sender."""

    what: Literal["receipt", "template"]
    delivery_id: int | None = None
    form: str | None = None
    sender: str | None = None


@dataclass(frozen=True)
class Message:
    """A message to be sent, not before a moment. The same `dedup_key` twice is one message."""

    dedup_key: str
    recipient: str
    channel: str
    message_class: MessageClass
    kind: Kind
    subject: str
    body: str
    not_before: dt.datetime
    sender: str | None = None
    incident_ids: tuple[int, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    is_digest: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
