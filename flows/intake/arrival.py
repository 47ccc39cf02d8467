"""A file on its way from the inbox to a reading: one value that knows more after each step."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from contracts.circumstances import INBOX, NOTHING_STATED, Stated
from contracts.explanation import Returned
from contracts.forms import FORMS
from contracts.vocabulary import owners
from flows.intake.incoming import NAMED

Key = int | tuple[str, str, str]
REGISTER_FORM = next(form.name for form in FORMS if form.defines_schools)


@dataclass(frozen=True)
class Arrival:
    """A file whose bytes are kept: `path` is where.

    Archived, it has its checksum and its circumstances: `claimed_at` is the time that the file itself has,
    `received_at` when it came for all we know; `container_id` is the delivery of the zip archive that it came in;
    `stamp` tells whether the file at `inbox_path` is still the one that was read. Recorded, it has the delivery that it
    is, the moment at which that came, and what an operator `stated` of it; a dry run records nothing. Recognised, it
    has what a first look told, by which it is sorted and never judged: form, sender, region, date, how many cells; and
    what it has `returned` as a receipt that comes back.
    """

    file: str
    folder: str | None
    sha256: str
    size: int
    received_at: dt.datetime
    path: Path
    claimed_at: dt.datetime | None = None
    channel: str = NAMED
    container_id: int | None = None
    inbox_path: str | None = None
    stamp: str | None = None
    stated: Stated = NOTHING_STATED
    delivery_id: int | None = None
    form: str | None = None
    sender: str | None = None
    region: str | None = None
    as_of: dt.date | None = None
    cells: int = 0
    returned: Returned | None = None

    @property
    def key(self) -> Key:
        """What tells deliveries of a run apart: equal bytes under two names are two."""
        return self.delivery_id or (self.sha256, self.file, self.folder or "")

    @property
    def recorded_id(self) -> int:
        """The delivery that it is. Raises ValueError for one that was not recorded."""
        if self.delivery_id is None:
            raise ValueError(f"a file that is not recorded yet: {self.sha256[:8]}")
        return self.delivery_id

    @property
    def owner(self) -> str | None:
        """The sender whom its folder proves."""
        return None if self.folder is None else owners(INBOX).get(self.folder)

    @property
    def is_unowned(self) -> bool:
        """Did it come by a way that is nobody's?"""
        return self.channel == INBOX and self.owner is None

    @property
    def is_register(self) -> bool:
        """Was it recognised as a register of schools?"""
        return self.form == REGISTER_FORM

    def came(self, now: dt.datetime, *, is_vouched: bool) -> dt.datetime:
        """When a file comes that is seen for the first time: as its channel vouches, else now."""
        claim = self.claimed_at
        return claim if is_vouched and claim is not None and claim <= now else now
