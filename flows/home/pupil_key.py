"""The key under which pupils are told apart, held against what the warehouse knows of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.schema.keys import fingerprint_of, has_pupils, note_fingerprint

if TYPE_CHECKING:
    from sqlalchemy import Engine

NAME = "pupil"
PURPOSE = b"profmin pupil key\0"
BRING_BACK = (
    "bring keys/pupil.key back from the last backup. With another key every pupil would be a new one and none could be "
    "told from those of before; so none is made"
)


def checked_key(engine: Engine, settings: Settings) -> bytes:
    """The key, made and noted on the first use of a warehouse.

    Raises Fault, with what to do, for one that is lost, not whole, or not the one under which the warehouse keeps its
    pupils.
    """
    path = settings.pupil_key_file
    with engine.connect() as connection:
        noted = fingerprint_of(connection, NAME)
        if not path.exists() and (noted is not None or has_pupils(connection)):
            raise Fault(f"{path} is gone, and the warehouse has pupils under it: {BRING_BACK}")
    try:
        key = settings.pupil_key()
    except UsageError as error:
        raise Fault(str(error)) from None
    found = fingerprint(key)
    if noted is None:
        with engine.begin() as connection:
            noted = note_fingerprint(connection, NAME, found)
    if noted != found:
        raise Fault(f"{path} is not the key of this warehouse (its fingerprint is {found}, not {noted}): {BRING_BACK}")
    return key


def fingerprint(key: bytes) -> str:
    """What tells keys apart and tells nothing of them."""
    return hashlib.sha256(PURPOSE + key).hexdigest()[:16]
