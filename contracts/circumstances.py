"""What is said of a file beside what is in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from contracts.vocabulary import owners

INBOX = "inbox"
"""The channel of files that are put into a folder."""


@dataclass(frozen=True)
class Stated:
    """What the caller says of a file in place of what the file says itself."""

    form: str | None = None
    sender: str | None = None
    as_of: dt.date | None = None


NOTHING_STATED = Stated()


@dataclass(frozen=True)
class NothingToReport:
    """That there is nothing to report of a form, for a campaign, or for a night, month or academic year that `as_of`
    begins."""

    form: str
    sender: str
    campaign: str | None
    as_of: dt.date | None


def answered_to(folder: str | None, sender: str | None) -> str | None:
    """To whom the answer to a file goes: to the owner of its folder, whatever its content says, else to its sender."""
    return owners(INBOX).get(folder or "") or sender
