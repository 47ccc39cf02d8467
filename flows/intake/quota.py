"""How much may be kept: of a sender in a day, and on the disk of the archive at all."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from contracts.circumstances import answered_to
from contracts.regions import zone_at
from flows.home.settings import Settings
from flows.intake.incoming import LeftOut, NotTaken
from warehouse.deliveries.not_taken import Used, used

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Quota:
    """What one run may still keep; what was taken in of a folder that day is asked once."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings = settings
        self.engine = engine
        self._used: dict[str | None, Used] = {}

    def of(self, folder: str | None, *, is_inbox: bool) -> Allowance:
        """What may be kept of a sender; what somebody names on the command line is limited by the disk alone."""
        return Allowance(self, folder, is_inbox=is_inbox)

    def note(self, folder: str | None, allowed: Allowance) -> None:
        """What was asked for was taken in, the files of an archive too."""
        if folder in self._used:
            before = self._used[folder]
            self._used[folder] = replace(before, files=before.files + allowed.files, size=before.size + allowed.size)

    def ask(self, folder: str | None, files: int, size: int, *, is_inbox: bool) -> None:
        """Raises NotTaken for what is more than a sender may send in a day, or than the disk can hold."""
        if is_inbox:
            self._day(folder, files, size)
        self._disk(size)

    def _day(self, folder: str | None, files: int, size: int) -> None:
        settings = self.settings
        if folder not in self._used:
            now = dt.datetime.now(zone_at(answered_to(folder, None)))
            with self.engine.connect() as connection:
                self._used[folder] = used(connection, folder, now.replace(hour=0, minute=0, second=0, microsecond=0))
        before = self._used[folder]
        if before.files + files > settings.sender_files:
            raise NotTaken(LeftOut("quota", f"{before.files + files} files, {settings.sender_files} are allowed"))
        if before.size + size > settings.sender_mb << 20:
            raise NotTaken(LeftOut("quota", f"{before.size + size} bytes, {settings.sender_mb} MB are allowed"))

    def _disk(self, size: int) -> None:
        disk = os.statvfs(self.settings.archive)
        free = disk.f_bavail * disk.f_frsize - size
        if free < self.settings.free_mb << 20:
            raise NotTaken(LeftOut("no_room", f"{free >> 20} MB would be free, {self.settings.free_mb} MB have to be"))


class Allowance:
    """Asks whether so much of one file may be kept, and remembers how much that was. Raises NotTaken."""

    def __init__(self, quota: Quota, folder: str | None, *, is_inbox: bool) -> None:
        self.quota = quota
        self.folder = folder
        self.is_inbox = is_inbox
        self.files = self.size = 0

    def __call__(self, files: int, size: int) -> None:
        self.quota.ask(self.folder, files, size, is_inbox=self.is_inbox)
        self.files, self.size = files, size
