"""Files that only a year's key opens: AES-256-GCM by chunks, so that memory holds one of them, however large the file.

A file begins with `MAGIC`, the academic year, the fingerprint of the key and a salt. Its own key is made of the year's
key and of these (HKDF-SHA256). A chunk's nonce is its number, and in its last byte whether it is the last one: a file
that was cut, reordered or joined does not open (the construction STREAM of Hoang, Reyhanitabar, Rogaway, Vizár, 2015).
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flows.home.faults import Fault
from flows.home.keyring import Keyring, YearKey
from flows.home.whole_file import write

MAGIC = b"profmin sealed 1\n"
FIELDS = struct.Struct(">H8s32s")
HEADER = len(MAGIC) + FIELDS.size
CHUNK = 1 << 20
TAG = 16


class Header(NamedTuple):
    """How a sealed file begins."""

    year: int
    key_id: str
    salt: bytes

    @property
    def packed(self) -> bytes:
        """As it is written."""
        return MAGIC + FIELDS.pack(self.year, bytes.fromhex(self.key_id), self.salt)


def header_of(path: Path) -> Header:
    """By which key a file is sealed. Raises Fault for a file that is none of ours."""
    with path.open("rb") as file:
        return _header(file, path)


def sealed(source: Iterator[bytes], target: int, key: YearKey) -> None:
    """Write bytes, which come in parts of any size, sealed to an open file."""
    header = Header(key.year, key.key_id, secrets.token_bytes(32))
    cipher = _cipher(key, header)
    write(target, header.packed)
    number = 0
    waiting = b""
    for part in source:
        waiting += part
        while len(waiting) > CHUNK:
            write(target, cipher.encrypt(_nonce(number, is_last=False), waiting[:CHUNK], None))
            number, waiting = number + 1, waiting[CHUNK:]
    write(target, cipher.encrypt(_nonce(number, is_last=True), waiting, None))


def unsealed(path: Path, keyring: Keyring) -> Iterator[bytes]:
    """The bytes of a sealed file, chunk by chunk; nothing of a chunk before it is found whole.

    Raises KeyGone without its key, Fault for one that was changed.
    """
    yield from unsealed_by(path, lambda header: keyring.find(header.year, header.key_id))


def unsealed_by(path: Path, key_of: Callable[[Header], YearKey]) -> Iterator[bytes]:
    """The same by whatever gives the key of a file that begins so."""
    with path.open("rb") as file:
        header = _header(file, path)
        cipher = _cipher(key_of(header), header)
        number, chunk = 0, file.read(CHUNK + TAG)
        while True:
            following = file.read(CHUNK + TAG)
            try:
                yield cipher.decrypt(_nonce(number, is_last=not following), chunk, None)
            except InvalidTag:
                raise Fault(f"{path.name[:8]} is not as it was sealed: chunk {number} was changed or cut") from None
            if not following:
                return
            number, chunk = number + 1, following


def unsealed_size(size: int) -> int:
    """How many bytes are in a sealed file of so many."""
    chunks = -(-(size - HEADER) // (CHUNK + TAG))
    return size - HEADER - chunks * TAG


def _header(file: IO[bytes], path: Path) -> Header:
    data = file.read(HEADER)
    if len(data) != HEADER or not data.startswith(MAGIC):
        raise Fault(f"{path.name[:8]} does not begin as a sealed file does")
    year, key_id, salt = FIELDS.unpack(data[len(MAGIC) :])
    return Header(year, key_id.hex(), salt)


def _cipher(key: YearKey, header: Header) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=header.salt, info=header.packed).derive(key.key))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
