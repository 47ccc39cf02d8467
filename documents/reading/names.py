"""Names of files as people may have made them: any bytes, shown as a text that harms no terminal, log or letter."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata

from documents.reading.formats.encoding import russian

LONGEST_NAME = 255
"""Bytes of a file's name that every usual file system takes."""
OLD = ("cp1251", "cp866")
NOT_ALLOWED = re.compile(r'[<>:"/\\|?*]+')
"""What Windows takes in no name."""
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
SURROGATE = re.compile("[\udc80-\udcff]")
ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def shown(name: str) -> str:
    """A name as it is told and stored: composed letters, no control characters and none that change the direction.

    Bytes that are no UTF-8 (a name that Windows wrote) are read as cp1251 or cp866 where that is Russian, else told as
    `\\xNN`. What is told of two names may be equal; `recorded` is never.
    """
    text = _decoded(name) if SURROGATE.search(name) else name
    text = unicodedata.normalize("NFC", text)
    plain = "".join(letter if letter.isprintable() else " " if letter.isspace() else "" for letter in text)
    return plain.strip() or text.encode("unicode_escape").decode("ascii")


def recorded(path: str) -> str:
    """A path as a text that a database takes and `as_on_disk` turns back: what is not printed, and backslashes, are
    `\\xNN`, a byte each."""

    def escaped(letter: str) -> str:
        return "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))

    return "".join(letter if letter.isprintable() and letter != "\\" else escaped(letter) for letter in path)


def as_on_disk(path: str) -> str:
    """The path that was recorded."""
    return os.fsdecode(ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), path.encode()))


def from_bytes(raw: bytes, otherwise: str) -> str:
    """A name in an old encoding as Russian, or by the other encoding."""
    return russian(raw, OLD) or raw.decode(otherwise, "backslashreplace")


def file_name(name: str, end: str, longest: int = LONGEST_NAME) -> str:
    """A name for a file of ours that begins like `name`, at most so many letters of it, then has `end`.

    It fits every file system, is hidden nowhere and no option of a command. One that had to be changed gets a mark, so
    that two that were cut alike stay apart.
    """
    plain = NOT_ALLOWED.sub("_", shown(name)).lstrip("-~$. ").rstrip(" .")
    if DEVICE.match(plain) or not plain:
        plain = f"_{plain}"
    if plain == name and len(plain) <= longest and len((plain + end).encode()) <= LONGEST_NAME:
        return plain + end
    mark = "~" + "".join(chr(ord("a") + byte % 26) for byte in hashlib.sha256(os.fsencode(name)).digest()[:4])
    room = LONGEST_NAME - len((mark + end).encode())
    cut = plain[: longest - len(mark)].encode()[:room].decode(errors="ignore")
    return cut.rstrip(" .") + mark + end


def _decoded(name: str) -> str:
    return from_bytes(os.fsencode(name), "utf-8")
