"""The file in which a region leaves: parts one after another, sealed as a whole by a key that lies in another file.

A part is a line of JSON with its name and size, and then its bytes. The first says what the file is, the last that it
is whole. The key opens nothing but this file; it is made for it, and no key of a home leaves.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from flows.home.faults import Fault
from flows.home.keyring import KEY_BYTES, YearKey
from flows.home.sealed import Header, header_of, sealed, unsealed_by
from flows.home.usage import UsageError
from flows.home.whole_file import new_file, sync, write_once

BLOCK = 1 << 20
MANIFEST, END = "manifest", "end"
NO_YEAR = 0


@dataclass(frozen=True)
class Manifest:
    """What a file holds: of which region, at which migration, who wrote it and when, how many deliveries."""

    region: str
    name: str
    pack: str
    revision: str
    exported_at: str
    exported_by: str
    deliveries: int


@dataclass(frozen=True)
class Part:
    """A part of a file: its name, what else is said of it, its bytes to be read once before the next part."""

    name: str
    size: int
    said: dict[str, object]
    data: IO[bytes]


def write_file(to: Path, key_to: Path, manifest: Manifest, parts: Iterable[Part]) -> None:
    """Write a file, seen when it is whole, and its key. Raises UsageError where one is there or both lie in one
    folder."""
    if key_to.resolve().parent == to.resolve().parent:
        raise UsageError(
            "the key may not lie beside what it opens: name a file in another folder with --key-to",
            "ключ не может лежать рядом с тем, что он открывает: назовите в --key-to файл в другой папке",
        )
    for path in (to, key_to):
        if path.exists():
            raise UsageError(f"{str(path)!r} is there already", f"«{path}» уже есть")
        if not path.parent.is_dir():
            raise UsageError(f"there is no folder {str(path.parent)!r}", f"папки «{path.parent}» нет")
    key = YearKey(NO_YEAR, secrets.token_bytes(KEY_BYTES))
    write_once(key_to, f"{key.key.hex()}\n".encode())
    try:
        with new_file(to.parent) as (hidden, file):
            first = _part(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False).encode())
            sealed(_framed(first, parts), file, key)
            os.fsync(file)
            hidden.rename(to)
        sync(to.parent)
    except BaseException:
        key_to.unlink()
        raise


def read_file(path: Path, key_file: Path) -> Iterator[Part]:
    """The parts of a file, without its manifest and its end, one after another.

    Raises UsageError for a file or a key that is not one, or another's, Fault for one that was changed or cut off.
    """
    stream = _Stream(_opened(path, key_file))
    while True:
        part = _next(stream, path)
        if part.name == END:
            return
        if part.name != MANIFEST:
            yield part
        while part.data.read(BLOCK):  # whatever was left unread
            pass


def manifest_of(path: Path, key_file: Path) -> Manifest:
    """What a file holds, when all of it is as it was written; raises as `read_file` does."""
    part = _next(_Stream(_opened(path, key_file)), path)
    manifest = Manifest(**json.loads(part.data.read()))
    for _ in read_file(path, key_file):
        pass
    return manifest


def _opened(path: Path, key_file: Path) -> Iterator[bytes]:
    try:
        key = YearKey(NO_YEAR, bytes.fromhex(key_file.read_text(encoding="ascii").strip()))
        header = header_of(path)
    except (OSError, ValueError):
        raise UsageError(
            f"{str(path)!r} or its key {str(key_file)!r} is not there, or the key is none",
            f"«{path}» или его ключа «{key_file}» нет, или это не ключ",
        ) from None
    except Fault:
        raise UsageError(f"{str(path)!r} is no region that was exported", f"«{path}» — не вынесенный регион") from None

    def of(found: Header) -> YearKey:
        return key

    if header.key_id != key.key_id:
        raise UsageError(f"{str(key_file)!r} is the key of another file", f"«{key_file}» — ключ от другого файла")
    return unsealed_by(path, of)


def _framed(first: Part, parts: Iterable[Part]) -> Iterator[bytes]:
    yield from _frame(first)
    for each in parts:
        yield from _frame(each)
    yield from _frame(_part(END, b""))


def _frame(part: Part) -> Iterator[bytes]:
    yield json.dumps({"name": part.name, "size": part.size, **part.said}, ensure_ascii=False).encode() + b"\n"
    left = part.size
    while left:
        block = part.data.read(min(BLOCK, left))
        if not block:
            raise Fault(f"{part.name} became shorter while it was read")
        left -= len(block)
        yield block


def streamed(name: str, size: int, said: dict[str, object], blocks: Iterator[bytes]) -> Part:
    """A part whose bytes come in blocks and lie nowhere meanwhile."""
    return Part(name, size, said, _Limited(_Stream(blocks), size))


def _part(name: str, data: bytes) -> Part:
    return Part(name, len(data), {}, io.BytesIO(data))


class _Stream:
    """Bytes that come in blocks, read as a file is."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._have = blocks, b""

    def line(self) -> bytes:
        """The bytes to the end of a line; what is left when there is none."""
        while b"\n" not in self._have and self._more():
            pass
        line, _, self._have = self._have.partition(b"\n")
        return line

    def read(self, most: int) -> bytes:
        """Some of the next bytes, at most so many."""
        if not self._have:
            self._more()
        taken, self._have = self._have[:most], self._have[most:]
        return taken

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        self._have += block
        return bool(block)


class _Limited(io.BytesIO):
    """So many bytes of a stream, as a file that is read."""

    def __init__(self, stream: _Stream, size: int) -> None:
        super().__init__()
        self._stream, self._left = stream, size

    def read(self, size: int | None = -1, /) -> bytes:
        """So many of the bytes that are left; fewer only at their end."""
        parts, wanted = [], self._left if size is None or size < 0 else min(size, self._left)
        while wanted and (taken := self._stream.read(wanted)):
            parts.append(taken)
            wanted -= len(taken)
            self._left -= len(taken)
        return b"".join(parts)


def _next(stream: _Stream, path: Path) -> Part:
    try:
        said = json.loads(stream.line())
        name, size = said.pop("name"), said.pop("size")
    except (ValueError, KeyError):
        raise Fault(f"{path.name} is not whole: bring it again") from None
    return Part(name, size, said, _Limited(stream, size))
