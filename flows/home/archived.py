"""The bytes of a delivery in the archive: as they came, or sealed beside that place (`<sha256>.sealed`).

Where bytes lie is told by the sha256 of what came, sealed or not: so equal files are one, and a restored archive can be
checked against the database. Such a digest confirms a guess of a whole file only, and that has many pupils in it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from documents.reading.sandbox import Sandbox, shared
from flows.home.faults import Fault
from flows.home.keyring import Keyring, keyring_of
from flows.home.sealed import header_of, sealed, unsealed, unsealed_size
from flows.home.settings import Settings
from flows.home.whole_file import new_file, sync, write

CHUNK = 1 << 20
SUFFIX = ".sealed"
IN_MEMORY = 64 << 20
"""What is larger is opened into a file without a name on the disk of the archive."""


class Opened:
    """Bytes to be read at `path` for as long as this lives; of sealed ones a copy that has no name."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self.path = path
        if path.exists() or not sealed_place(path).exists():
            return
        self._file = _nameless(sealed_place(path))
        weakref.finalize(self, os.close, self._file)
        for chunk in unsealed(sealed_place(path), keyring):
            write(self._file, chunk)
        self.path = Path(f"/proc/self/fd/{self._file}")


@dataclass(frozen=True)
class Opening:
    """Opens places of the archive by the keys of a home."""

    keyring: Keyring

    def __call__(self, path: Path) -> Opened:
        return Opened(path, self.keyring)


def readers(settings: Settings) -> Sandbox:
    """The reader processes of a home, which open what is sealed too."""
    return shared(settings.reader_processes, settings.reader_limits).opening_by(Opening(keyring_of(settings)))


def sealed_place(path: Path) -> Path:
    """Where the bytes of a place of the archive lie when they are sealed."""
    return path.with_name(path.name + SUFFIX)


def is_kept(path: Path) -> bool:
    """Are the bytes of a place there, sealed or not?"""
    return path.exists() or sealed_place(path).exists()


def parts(path: Path, keyring: Keyring) -> Iterator[bytes]:
    """The bytes as they came, part by part. Raises FileNotFoundError, KeyGone, Fault."""
    try:
        file = path.open("rb")
    except FileNotFoundError:  # sealed, perhaps this moment
        yield from unsealed(sealed_place(path), keyring)
        return
    with file:
        yield from iter(lambda: file.read(CHUNK), b"")


def digest(path: Path, keyring: Keyring) -> tuple[str, int]:
    """The sha256 of the bytes as they came, and how many they are; raises as `parts` does."""
    checksum, size = hashlib.sha256(), 0
    for part in parts(path, keyring):
        checksum.update(part)
        size += len(part)
    return checksum.hexdigest(), size


def size_of(path: Path) -> int:
    """How many bytes came, of a place where they are kept."""
    return path.stat().st_size if path.exists() else unsealed_size(sealed_place(path).stat().st_size)


def put(
    path: Path, year: int | None, source: Iterable[bytes], keyring: Keyring, hidden_in: Path, sha256: str | None = None
) -> str:
    """Write bytes to a place, sealed by the key of a year or as they are; the sha256 of what they are. Raises Fault for
    others than those of `sha256`, when it is said, and nothing is there then."""
    checksum = hashlib.sha256()

    def counted() -> Iterator[bytes]:
        for part in source:
            checksum.update(part)
            yield part

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with new_file(hidden_in) as (hidden, file):
        if year is None:
            for part in counted():
                write(file, part)
        else:
            sealed(counted(), file, keyring.of_year(year))
        os.fsync(file)
        if sha256 is not None and checksum.hexdigest() != sha256:
            raise Fault(f"the bytes that came for {path.name[:8]} are others")
        hidden.replace(path if year is None else sealed_place(path))
    sync(path.parent)
    return checksum.hexdigest()


def seal(path: Path, year: int, keyring: Keyring, archive: Path) -> bool:
    """Have the bytes of a place sealed by the key of a year, and in no other way; False when they are already.

    The old copy goes when the new one is on the disk. Raises Fault, and leaves it, for bytes that are not those of the
    place.
    """
    target, is_plain = sealed_place(path), path.exists()
    if target.exists() and header_of(target)[:2] == (year, keyring.of_year(year).key_id):
        if is_plain:  # a run was killed between the two, or the same came again
            path.unlink(missing_ok=True)
        return is_plain
    if digest(path, keyring)[0] != path.name:
        raise Fault(f"the archive holds other bytes than {path.name[:8]}; they are left as they are")
    put(path, year, parts(path, keyring), keyring, archive)
    path.unlink(missing_ok=True)
    sync(path.parent)
    return True


def unseal(path: Path, keyring: Keyring, archive: Path) -> None:
    """Have the bytes of a place lie as they came. Raises KeyGone, Fault."""
    put(path, None, parts(path, keyring), keyring, archive)
    sealed_place(path).unlink()
    sync(path.parent)


def remove(path: Path) -> None:
    """Remove the bytes of a place, sealed or not."""
    path.unlink(missing_ok=True)
    sealed_place(path).unlink(missing_ok=True)


def places_sealed_by(archive: Path, key_ids: Iterable[str]) -> Iterator[Path]:
    """The places of an archive whose bytes are sealed by any of these keys."""
    wanted = set(key_ids)
    for path in sorted(archive.glob(f"*/*{SUFFIX}")):
        if header_of(path).key_id in wanted:
            yield path.with_suffix("")


def _nameless(path: Path) -> int:
    """A file without a name for the bytes of a sealed one."""
    if path.stat().st_size <= IN_MEMORY:
        return os.memfd_create("profmin", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(dir=path.parent.parent) as file:
        return os.dup(file.fileno())
