"""The key under which pupils are told apart, checked against the fingerprint that the warehouse keeps of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contracts.pseudonym import rewrapped
from flows.home.faults import Fault
from flows.home.keyring import KeyGone, YearKey, keyring_of
from flows.home.settings import PUPIL_KEY_BYTES, Settings
from flows.home.whole_file import write_once
from warehouse.schema.keys import (
    RunGoesOn,
    all_over,
    fingerprint_of,
    has_pupils,
    note_fingerprint,
    note_wrapped,
    noted_keys,
    noted_years,
    renote,
    rewrap,
    unnoted_years,
    year_name,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

KEY_NAME = "pupil"
FIRST_MONTH = 9
"""An academic year begins on 1 September."""
PURPOSE = b"profmin pupil key\0"
BRING_BACK = (
    "bring it back from the copy of the keys (docs/operate.md). With another key every pupil would be a new one and "
    "none could be told from those of before; so none is made"
)


class PupilSecrets:
    """The secrets by which a run makes pseudonyms of pupils: the key of the home, and of each academic year another by
    which they are wrapped, so that with the year's key they become numbers of nobody. Pseudonyms that no year wraps
    yet, of a version before, are wrapped by whoever asks first."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.keyring = keyring_of(settings)
        self.key = checked_key(engine, settings)
        with engine.connect() as connection:
            before = unnoted_years(connection)
        for year in before:  # no export of an earlier year may ever come
            self.of_year(year)

    def of(self, day: dt.date | None) -> bytes:
        """The secret for exports of a day; without one that for people who are no pupils, of all years the same.

        Raises Fault, KeyGone for a key that is lost.
        """
        return self.key if day is None else self.key + self.of_year(day.year - (day.month < FIRST_MONTH))

    def of_year(self, year: int) -> bytes:
        """The key that wraps the pseudonyms of an academic year, by what the warehouse notes of it."""
        with self.engine.connect() as connection:
            noted = fingerprint_of(connection, year_name(year))
        if noted is None:
            new = self.keyring.of_year(year)
            noted = note_wrapped(self.engine, year, partial(rewrapped, old=b"", new=wrapping(new)), new.key_id)
        try:
            return wrapping(self.keyring.find(year, noted))
        except KeyGone as gone:
            if gone.destroyed_at is None:
                raise
        new = self.keyring.of_year(year)  # what comes late for a year whose pupils are destroyed
        with self.engine.begin() as connection:
            renote(connection, year, new.key_id)
        return wrapping(new)

    def years(self) -> dict[int, str]:
        """Academic year → the key that is noted of it, less those that are destroyed: nobody has pupils of them."""
        gone = {key.key_id for key in self.keyring.destroyed()}
        with self.engine.connect() as connection:
            return {year: key_id for year, key_id in noted_years(connection).items() if key_id not in gone}

    def rotate(self) -> int:
        """Give the pupils of all years other pseudonyms, under new keys, in one transaction; how many there are.

        The keys are made before, and which holds is told by the warehouse alone: whenever it is killed, either the old
        or the new ones hold. Raises Fault while a run is not over.
        """
        try:
            with self.engine.connect() as connection:
                all_over(connection)  # else each try would leave keys; when no run can begin it is asked again
            years = self.years()
            old = {year: wrapping(self.keyring.find(year, key_id)) for year, key_id in years.items()}
            for year in years:
                self.keyring.renew(year)
            new = {year: self.keyring.of_year(year) for year in years}
            return rewrap(
                self.engine,
                {year: partial(rewrapped, old=old[year], new=wrapping(new[year])) for year in years},
                {year: (years[year], new[year].key_id) for year in years},
            )
        except RunGoesOn as error:
            raise Fault(str(error)) from None


def keys_are_there(connection: Connection, settings: Settings) -> None:
    """Raises Fault, with the folder, where keys that the warehouse notes are not in it: before any is made there."""
    noted = noted_keys(connection)
    names = [settings.pupil_key_file.name] if KEY_NAME in noted else []
    keyring_of(settings).must_have([key_id for name, key_id in noted.items() if name != KEY_NAME], *names)


def wrap_all(engine: Engine, settings: Settings) -> None:
    """Wrap the pseudonyms that no year wraps yet, if there are any. Raises Fault for a key that is lost."""
    with engine.connect() as connection:
        are_left = bool(unnoted_years(connection))
    if are_left:
        PupilSecrets(engine, settings)


def wrapping(key: YearKey) -> bytes:
    """The key made of a year's key that wraps pseudonyms."""
    return HKDF(SHA256(), 32, salt=None, info=b"profmin pseudonyms").derive(key.key)


def checked_key(engine: Engine, settings: Settings) -> bytes:
    """The key; on the first use of a warehouse it is made, and its fingerprint kept there.

    Raises Fault, with what to do, for one that is lost, not whole, or not the one under which the warehouse keeps its
    pupils.
    """
    path = keyring_of(settings).folder / settings.pupil_key_file.name
    with engine.connect() as connection:
        expected = fingerprint_of(connection, KEY_NAME)
        if not path.exists() and (expected is not None or has_pupils(connection)):
            raise Fault(f"{path} is gone, and the warehouse has pupils under it: {BRING_BACK}")
    key = key_of_home(settings)
    own = fingerprint(key)
    if expected is None:
        with engine.begin() as connection:
            expected = note_fingerprint(connection, KEY_NAME, own)
    if expected != own:
        raise Fault(f"{path} is not the key of this warehouse (its fingerprint is {own}, not {expected}): {BRING_BACK}")
    return key


def key_of_home(settings: Settings) -> bytes:
    """The key as it lies in the home, made when there is none. Raises Fault for one that is not whole."""
    path = keyring_of(settings).folder / settings.pupil_key_file.name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(path, secrets.token_bytes(PUPIL_KEY_BYTES))
    key = path.read_bytes()
    if len(key) != PUPIL_KEY_BYTES:
        raise Fault(
            f"{path} has {len(key)} bytes in place of {PUPIL_KEY_BYTES}; bring it back from the copy of the keys"
            " (docs/operate.md): under another key every pupil would be a new one"
        )
    return key


def fingerprint(key: bytes) -> str:
    """Tells keys apart without giving anything of them away."""
    return hashlib.sha256(PURPOSE + key).hexdigest()[:16]
