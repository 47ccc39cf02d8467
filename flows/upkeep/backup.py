"""`profmin backup` and `profmin restore`: the database, then the bytes that it knows, then what is not in either.

The database comes first, as of one snapshot. A delivery's bytes are in the archive before its row is in the database,
and a purge waits until we are done; so every byte that the snapshot knows is there when its turn comes.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from flows.home.archived import SUFFIX, digest, is_kept, parts, put, sealed_place
from flows.home.connection import connected, existing_database, warehouse
from flows.home.faults import LOGGER, Fault
from flows.home.keyring import Keyring, keyring_of
from flows.home.progress import report
from flows.home.pupil_key import keys_are_there, wrap_all
from flows.home.sealed import header_of
from flows.home.sealing import seal_archive
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import HIDDEN_NAME, new_file, replace
from flows.upkeep.doctor import examine, hash_of
from flows.upkeep.retention import destroy_again
from warehouse.core.slices import holding
from warehouse.schema.restricted import note_access
from warehouse.schema.upgrade import must_fit
from warehouse.server.dump import ArchivedDelivery, dump, is_empty, restore, snapshot, take_statistics
from warehouse.server.embedded import embedded_server
from warehouse.watch.ages import newest_revision
from warehouse.watch.destruction import ARCHIVE
from warehouse.watch.naming import years_to_seal

DUMP, MANIFEST, ROUTING = "warehouse.dump", "manifest.json", "routing.csv"


class Manifest(TypedDict):
    """What a backup holds: when it was taken, at which migration, how many deliveries of how many bytes."""

    taken_at: str
    revision: str
    deliveries: int
    bytes: int
    dump_sha256: str


FOLDERS = ("outbox", "acts")
"""What is copied as it is. The inbox is not: what was received from it is in the archive. Keys never are: who has a
backup has nothing to open it with, and a year's key that is destroyed is in none."""
OF_BEFORE = "keys"
"""Backups of before held the key of the pseudonyms in this folder."""


def backup(settings: Settings, to: Path, now: dt.datetime) -> Manifest:
    """Write everything into a new folder; returns its manifest, which is written last and makes the backup whole.

    Runs may work meanwhile; what they do after the snapshot is not in it. Raises UsageError for a folder that is not
    empty or a home without a warehouse, Fault for bytes or keys that are missing or wrong, ServerError.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{str(to)!r} is not an empty folder; name a new one")
    with existing_database(settings) as url:
        if url is None:
            raise UsageError(f"there is no warehouse in {str(settings.home)!r}, so there is nothing to back up")
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        to.chmod(0o700)
        with connected(url) as engine, holding(engine, [ARCHIVE], settings.lock_wait, LOGGER.warning):
            with engine.begin() as connection:
                keys_are_there(connection, settings)
                note_access(connection, getpass.getuser(), "backup")
            with snapshot(engine) as taken:
                dump(engine, taken.name, to / DUMP, settings.lock_wait)
                years = years_to_seal(taken.connection)
            archived = tuple(
                {delivery.archive_path: delivery for delivery in taken.deliveries}.values()
            )  # equal bytes lie there once
            _copy_archive(settings, to / "archive", archived, years)
    for name in FOLDERS:
        _copy_folder(_place(settings, name), to / name)
    for source, target in (
        (settings.routing or settings.home / ROUTING, ROUTING),
        *((copy, copy.name) for copy in settings.copies),
    ):
        if source.exists():
            shutil.copy2(source, to / target)
    manifest: Manifest = {
        "taken_at": now.isoformat(),
        "revision": taken.revision,
        "deliveries": len(taken.deliveries),
        "bytes": sum(delivery.byte_size for delivery in archived),
        "dump_sha256": hash_of(to / DUMP),
    }
    _sync(to)
    replace(to / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    return manifest


def _place(settings: Settings, name: str) -> Path:
    """Where a folder of a home lies, which a setting may have put elsewhere."""
    folder: Path = getattr(settings, name)
    return folder


def _copy_archive(
    settings: Settings, to: Path, deliveries: tuple[ArchivedDelivery, ...], years: Mapping[str, int]
) -> None:
    """Copy the bytes of deliveries; what names people, or may, is sealed by the key of its year. Raises Fault, after
    the rest is copied, for those that are not what came."""
    to.mkdir(mode=0o700)
    keyring = keyring_of(settings)
    wrong = []
    for number, delivery in enumerate(deliveries, start=1):
        place = settings.archive / delivery.archive_path
        try:
            checksum = _copied(place, to / delivery.archive_path, years.get(delivery.archive_path), keyring)
        except FileNotFoundError:
            checksum = "nothing"
        if checksum != delivery.sha256:
            wrong.append(delivery.sha256[:8])
        report(number, len(deliveries))
    if wrong:
        raise Fault(
            f"the archive does not hold the bytes of {len(wrong)} deliveries, the first: {wrong[0]}; "
            "profmin doctor lists them, and this backup is not whole"
        )


def bring_back(settings: Settings, source: Path, now: dt.datetime) -> Manifest:
    """Restore a backup into an empty home and an empty database; returns its manifest.

    Files come first and the database last, in one transaction: a restore that was killed can be called again. What was
    destroyed since the backup was taken, with the key of its year, is destroyed in the restored warehouse too. Raises
    UsageError for what is not a whole backup, is newer than this version, or would overwrite anything, Fault where the
    keys are not there.
    """
    manifest = _read_manifest(source)
    _refuse_to_overwrite(settings, source)
    with _new_database(settings) as url, connected(url) as engine:
        with engine.connect() as connection:
            must_fit(connection)
            if not is_empty(connection):
                raise UsageError("the database holds a warehouse already; restore into a new one")
        sealed_by = {header_of(path).key_id for path in (source / "archive").glob(f"*/*{SUFFIX}")}
        keyring_of(settings).must_have(sealed_by)  # without them nobody knows what was destroyed since
        for name in ("archive", *FOLDERS, OF_BEFORE):
            _copy_folder(source / name, _place(settings, name))
        for name, target in (
            (ROUTING, settings.routing or settings.home / ROUTING),
            *((copy.name, copy) for copy in settings.copies),
        ):
            if (source / name).exists() and not target.exists():
                shutil.copy2(source / name, target)
        restore(engine, source / DUMP)
    settings.make_inbox()
    with warehouse(settings) as engine:  # brings it up to date: views, reference data and grants of this version
        take_statistics(engine)
        destroy_again(engine, settings, now)
        wrap_all(engine, settings)
        seal_archive(engine, settings)
    return manifest


def _read_manifest(source: Path) -> Manifest:
    """Raises UsageError for a folder that is not a whole backup which this version can restore."""
    try:
        manifest: Manifest = json.loads((source / MANIFEST).read_bytes())
        expected, revision = manifest["dump_sha256"], manifest["revision"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{str(source)!r} is not a whole backup: it has no {MANIFEST} that can be read") from None
    if revision > newest_revision():
        raise UsageError(f"the backup is of migration {revision}, newer than this version's {newest_revision()}")
    if not (source / DUMP).exists() or hash_of(source / DUMP) != expected:
        raise UsageError(f"{str(source / DUMP)!r} is not the file that was written when the backup was taken")
    return manifest


def _refuse_to_overwrite(settings: Settings, source: Path) -> None:
    """Raises UsageError when the home has files of its own; those that a killed restore brought are no obstacle."""
    if settings.database_url is None and (settings.pgdata / "PG_VERSION").exists():
        with (
            embedded_server(settings.pgdata, settings.pg_listen) as url,
            connected(url) as engine,
            engine.connect() as connection,
        ):
            if not is_empty(connection):
                raise UsageError(f"{str(settings.home)!r} has a warehouse already; restore into an empty PROFMIN_HOME")
    of_before = [OF_BEFORE] if (source / OF_BEFORE).exists() else []
    for name in ("archive", *FOLDERS, *of_before):
        for path in _files(_place(settings, name)):
            in_backup = source / name / path.relative_to(_place(settings, name))
            if not in_backup.is_file() or in_backup.read_bytes() != path.read_bytes():
                raise UsageError(f"{str(path)!r} is in the way; restore into an empty PROFMIN_HOME")


def show_backup(settings: Settings, to: Path, now: dt.datetime) -> None:
    """Take a backup and print how much is in it."""
    manifest = backup(settings, to, now)
    size = sum(path.stat().st_size for path in to.rglob("*") if path.is_file())
    sys.stdout.write(f"{manifest['deliveries']} deliveries and the database in {to} ({size} bytes)\n")


def show_restored(settings: Settings, source: Path) -> int:
    """Restore, then ask every law; 1 when one is broken."""
    manifest = bring_back(settings, source, dt.datetime.now(dt.UTC))
    sys.stdout.write(f"restored {manifest['deliveries']} deliveries as of {manifest['taken_at']}\n")
    broken = [law for law in examine(settings) if law.times]
    for law in broken:
        sys.stdout.write(f"broken {law.times} times: {law.says} ({law.name})\n")
    sys.stdout.write(
        f"profmin doctor: {len(broken)} laws are broken\n" if broken else "profmin doctor: every law holds\n"
    )
    return int(bool(broken))


@contextmanager
def _new_database(settings: Settings) -> Iterator[str]:
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    else:
        with embedded_server(settings.pgdata, settings.pg_listen) as url:
            yield url


def _copied(source: Path, target: Path, year: int | None, keyring: Keyring) -> str:
    """Copy the bytes of a place of the archive, closed to others: sealed ones as they lie, those of a year sealed; the
    sha256 of what came."""
    if not is_kept(source):
        raise FileNotFoundError(source)
    if source.exists():
        return put(target, year, parts(source, keyring), keyring, target.parents[1])
    target.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(sealed_place(source), sealed_place(target))
    sealed_place(target).chmod(0o600)
    return digest(target, keyring)[0]


def _files(folder: Path) -> list[Path]:
    """Files below a folder, less the hidden ones of those who write there now."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not HIDDEN_NAME.fullmatch(path.name)]


def _copy_folder(source: Path, to: Path) -> None:
    """Copy the files of a folder with their rights, each whole or not at all; those that are there already stay."""
    for path in _files(source):
        target = to / path.relative_to(source)
        if target.exists():
            continue
        for folder in reversed(target.relative_to(to).parents):
            (to / folder).mkdir(parents=True, exist_ok=True)
            shutil.copystat(source / folder, to / folder)
        with new_file(to.parent) as (hidden, file):
            with path.open("rb") as reader, open(file, "wb", closefd=False) as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
            shutil.copystat(path, hidden)
            hidden.rename(target)


def _sync(folder: Path) -> None:
    """Have the disk hold what was written before the manifest says that it does."""
    for path in (*folder.rglob("*"), folder):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
