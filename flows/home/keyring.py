"""The keys that lie outside the warehouse and outside every backup: of each academic year, and the one over them.

A year's key seals the files of that year that name people (`flows.home.sealed`). It lies wrapped by the master key.
Once it is destroyed, nobody reads any copy of these files, wherever it lies.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.whole_file import sync, write_once

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_NAME = re.compile(r"year-(?P<year>\d{4})-(?P<turn>\d{2})-(?P<key_id>[0-9a-f]{16})\.key")
DESTROYED = "destroyed.csv"
"""A line a key that was destroyed: academic year, key, moment. It opens nothing."""
BESIDE = (
    "the keys lie in {}, within PROFMIN_HOME, beside what they lock: whoever copies the one copies the other. "
    "Set PROFMIN_KEYRING to a folder elsewhere; what is there moves with the next run"
)

LACKS = (
    "{} lacks {}, by which pupils are kept. Set PROFMIN_KEYRING to the folder of the keys, as the service has it, or "
    "bring them back from their copy (docs/operate.md); nothing is done, and no other keys are made"
)


class KeyGone(Fault):
    """The key under which a file is sealed is not there: `destroyed_at` tells since when it is destroyed, if it is."""

    def __init__(self, text: str, destroyed_at: dt.datetime | None) -> None:
        super().__init__(text)
        self.destroyed_at = destroyed_at


@dataclass(frozen=True)
class YearKey:
    """The key of an academic year; `key_id` is a fingerprint, 16 hexadecimal digits, that gives nothing away."""

    year: int
    key: bytes

    @cached_property
    def key_id(self) -> str:
        """Tells keys of a year apart."""
        return hashlib.sha256(b"profmin year key\0" + self.key).hexdigest()[:16]


@dataclass(frozen=True)
class DestroyedKey:
    """A key that is no more."""

    year: int
    key_id: str
    at: dt.datetime


@dataclass(frozen=True)
class Keyring:
    """The folder of the keys, and the file of the master key."""

    folder: Path
    master_file: Path

    def of_year(self, year: int) -> YearKey:
        """The newest key of an academic year, by which it is sealed; one is made where there is none.

        Raises Fault when the master key is lost or another one.
        """
        if not self.key_ids(year):
            self.renew(year)
        return self.find(year, self.key_ids(year)[0])  # of two that make one at once, both take the same

    def renew(self, year: int) -> None:
        """Make a new key for an academic year. The old ones stay for what they sealed, until the year is destroyed."""
        made = YearKey(year, secrets.token_bytes(KEY_BYTES))
        nonce = secrets.token_bytes(NONCE_BYTES)
        wrapped = AESGCM(self._master(may_make=True)).encrypt(nonce, made.key, _said_of(year, made.key_id))
        turn = 1 + max((int(match["turn"]) for match in self._matches(year)), default=0)
        write_once(self.folder / f"year-{year}-{turn:02}-{made.key_id}.key", nonce + wrapped)

    def find(self, year: int, key_id: str) -> YearKey:
        """A key by its fingerprint. Raises KeyGone when it is destroyed or not there, Fault for a wrong master key."""
        try:
            data = self._file(year, key_id).read_bytes()
        except (FileNotFoundError, StopIteration):
            raise self._gone(year, key_id) from None
        try:
            key = AESGCM(self._master()).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _said_of(year, key_id))
        except InvalidTag:
            raise Fault(
                f"{self.master_file} does not open the key of {year} in {self.folder}: it is another master key, or "
                "the file is damaged; bring both back from where they are kept"
            ) from None
        return YearKey(year, key)

    def years(self) -> list[int]:
        """Academic years that have keys."""
        return sorted({int(match["year"]) for match in self._matches()})

    def must_have(self, key_ids: Collection[str], *names: str) -> None:
        """Raises Fault where keys of years are neither there nor destroyed, or other files are not: keys that were made
        in their place would be a second keyring."""
        known = {match["key_id"] for match in self._matches()} | {key.key_id for key in self.destroyed()}
        missing = [name for name in names if not (self.folder / name).exists()]
        missing += [f"the key {key_id}" for key_id in sorted({*key_ids} - known)]
        if missing:
            raise Fault(LACKS.format(self.folder, ", ".join(missing)))

    def destroy(self, year: int, now: dt.datetime) -> list[DestroyedKey]:
        """Destroy the keys of a year: overwritten, then removed. It is noted before, so that a killed run leaves no key
        of which nobody knows what became; the next call makes an end of it. Returns those that were there."""
        gone = [DestroyedKey(year, key_id, now) for key_id in self.key_ids(year)]
        noted = {key.key_id for key in self.destroyed()}
        with (self.folder / DESTROYED).open("a", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(f"{key.year},{key.key_id},{now.isoformat()}\n" for key in gone if key.key_id not in noted)
            file.flush()
            os.fsync(file.fileno())
        for key in gone:
            path = self._file(year, key.key_id)
            with path.open("r+b") as file_of_key:
                file_of_key.write(secrets.token_bytes(path.stat().st_size))
                file_of_key.flush()
                os.fsync(file_of_key.fileno())
            path.unlink()
        sync(self.folder)
        return gone

    def destroyed(self) -> list[DestroyedKey]:
        """Every key that was destroyed, in the order of that."""
        try:
            lines = (self.folder / DESTROYED).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        parts = (line.split(",") for line in lines)
        return [DestroyedKey(int(year), key_id, dt.datetime.fromisoformat(at)) for year, key_id, at in parts]

    def _gone(self, year: int, key_id: str) -> KeyGone:
        at = next((key.at for key in self.destroyed() if key.key_id == key_id), None)
        if at is not None:
            return KeyGone(f"the key {key_id} of {year} was destroyed on {at:%Y-%m-%d}, so nobody can read this", at)
        return KeyGone(f"sealed by the key {key_id} of {year}, which is not in {self.folder}: bring it back", None)

    def _master(self, *, may_make: bool = False) -> bytes:
        """The master key; made where nothing is wrapped by one yet."""
        if not self.master_file.exists():
            if not may_make or self.years():
                raise Fault(f"{self.master_file} is gone, and the keys of years are locked by it: bring it back")
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_once(self.master_file, secrets.token_bytes(KEY_BYTES))
        key = self.master_file.read_bytes()
        if len(key) != KEY_BYTES:
            raise Fault(f"{self.master_file} has {len(key)} bytes in place of {KEY_BYTES}: bring it back")
        return key

    def key_ids(self, year: int) -> list[str]:
        """Fingerprints of the keys of a year, the newest first."""
        return [match["key_id"] for match in self._matches(year)]

    def _matches(self, year: int | None = None) -> list[re.Match[str]]:
        """The names of files of keys, those of the newest first."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        found = [match for match in map(KEY_NAME.fullmatch, sorted(names)) if match]
        newest_first = sorted(found, key=lambda match: int(match["turn"]), reverse=True)
        return [match for match in newest_first if year is None or int(match["year"]) == year]

    def _file(self, year: int, key_id: str) -> Path:
        name = next(match[0] for match in self._matches(year) if match["key_id"] == key_id)
        return self.folder / name


def keyring_of(settings: Settings) -> Keyring:
    """The keys of a home, moved out of it when the settings say so."""
    folder = settings.keyring or settings.keys
    if settings.keyring is not None:
        _move(settings.keys, settings.keyring)
    return Keyring(folder, settings.master_key or folder / "master.key")


def lies_beside(settings: Settings) -> str | None:
    """In words, that the keys lie within the home; None when they do not."""
    keyring = keyring_of(settings)
    home = settings.home.resolve()
    inside = [path for path in (keyring.folder, keyring.master_file) if home in path.resolve().parents]
    return BESIDE.format(inside[0]) if inside else None


def _move(old: Path, new: Path) -> None:
    """Move the keys of a home to where the settings say that they lie. What is there already is not touched."""
    if new.resolve() == old.resolve():
        return
    for path in _keys_in(old):
        new.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(new / path.name, path.read_bytes())
        if (new / path.name).read_bytes() != path.read_bytes():
            raise Fault(f"{path} and {new / path.name} are two keys: keep the right one, and take the other away")
        path.unlink(missing_ok=True)


def _keys_in(folder: Path) -> Iterator[Path]:
    """The files of keys in a folder; the password of Prefect's server is none."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.name in ("pupil.key", "master.key", DESTROYED) or KEY_NAME.fullmatch(path.name):
                yield path


def _said_of(year: int, key_id: str) -> bytes:
    return f"profmin year key {year} {key_id}".encode()
