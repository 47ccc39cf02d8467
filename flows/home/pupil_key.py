"""The key under which pupils are told apart, checked against the fingerprint that the warehouse keeps of it."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from flows.home.faults import Fault
from flows.home.keyring import keyring_of
from flows.home.settings import PUPIL_KEY_BYTES, Settings
from flows.home.whole_file import write_once
from warehouse.schema.keys import fingerprint_of, has_pupils, note_fingerprint

if TYPE_CHECKING:
    from sqlalchemy import Engine

KEY_NAME = "pupil"
PURPOSE = b"profmin pupil key\0"
BRING_BACK = (
    "bring it back from the copy of the keys (docs/operate.md). With another key every pupil would be a new one and "
    "none could be told from those of before; so none is made"
)


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
