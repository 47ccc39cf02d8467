"""Pseudonyms of pupils: 16 bytes of an HMAC, wrapped by a key of their academic year.

A wrapped pseudonym is one block of AES-256: equal ones stay equal and others stay apart, so pupils are counted and
compared as before; under another key they are wrapped anew without anybody's name; and without its key it is a number
of nobody, also for whoever has the secret of the HMAC and the name.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

KEY_BYTES = 16
SECRET_BYTES = 32
"""How many bytes of a secret make the HMAC; those that follow, if any, are the key that wraps."""


def rewrapped(keys: bytes, old: bytes, new: bytes) -> bytes:
    """Pseudonyms, one after another, that are wrapped by one key, wrapped by another; an empty key is none."""
    if old:
        keys = Cipher(AES(old), ECB()).decryptor().update(keys)
    return Cipher(AES(new), ECB()).encryptor().update(keys) if new else keys
