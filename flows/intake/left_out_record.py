"""The record of an entry of the inbox that is not taken in: it opens an incident. Only runs with a database keep it."""

from __future__ import annotations

import re

from contracts.forms import FORMS
from contracts.rules import LEFT_OUT
from contracts.vocabulary import rows
from flows.intake.incoming import Incoming, LeftOut, stamp
from flows.intake.left_out import place
from warehouse.deliveries.not_taken import Entry

SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")


def entry(incoming: Incoming, why: LeftOut) -> Entry:
    """The record of an entry that is not taken in."""
    rule = LEFT_OUT[why.why].id
    where = place(incoming) if why.is_folder or names_no_pupil(incoming.folder) else nameless(incoming)
    return Entry(incoming.inbox_path or "", where, incoming.folder, rule, seen_as(incoming))


def names_no_pupil(folder: str | None) -> bool:
    """Whether what a sender's folder holds is not about pupils, after one of whom a file may be named."""
    kinds = {form.sender_kind for form in FORMS if form.pupils is not None}
    return any(row["sender"] == folder and row["kind"] not in kinds for row in rows("senders"))


def nameless(incoming: Incoming) -> str:
    """Where a file lies without its name: incidents tell it to others than its sender."""
    suffix = incoming.path.suffix
    return f"{incoming.folder or '.'}/*{suffix if SUFFIX.fullmatch(suffix) else ''}"


def seen_as(incoming: Incoming) -> str:
    """What tells whether an entry is still the one that was left out; nothing when it cannot be looked at."""
    try:
        return stamp(incoming.path.lstat())
    except OSError:
        return ""
