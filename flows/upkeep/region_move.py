"""`profmin region export` and `import`: a region leaves a home with its data, and another takes it in.

Its deliveries' bytes, readings, facts, publications, incidents, explanations and its pack go; who may see what, what
whom was told, and keys stay. Pupils go under pseudonyms that no year wraps, which the key of the file seals, and are
wrapped by the keys of the home that takes them in.
"""

from __future__ import annotations

import datetime as dt
import getpass
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from contracts.pseudonym import rewrapped
from contracts.regions import forget, read_from
from contracts.regions.pack import Region
from contracts.regions.pack_check import beside
from contracts.regions.shipped_packs import copy_pack
from contracts.versions.pack_faults import wrong_pack
from flows.home.archived import is_kept, parts, put, size_of
from flows.home.connection import warehouse
from flows.home.faults import LOGGER, Fault
from flows.home.keyring import Keyring, keyring_of
from flows.home.pupil_key import PupilSecrets
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.upkeep.region_file import Manifest, Part, manifest_of, read_file, write_file
from warehouse.core.slices import holding
from warehouse.watch.ages import newest_revision
from warehouse.watch.destruction import ARCHIVE
from warehouse.watch.region_coming import CannotTake, has_region, take
from warehouse.watch.region_leaving import Leaving, leaving

if TYPE_CHECKING:
    from sqlalchemy import Engine

PACK, ROWS, BYTES = "pack/", "rows/", "bytes/"


def export_region(settings: Settings, region: Region, to: Path, key_to: Path, now: dt.datetime) -> Manifest:
    """Write a region into a file, as of one moment, and the key of the file into another.

    Runs may work meanwhile; a purge waits. Raises UsageError, and Fault for bytes or keys that are not there.
    """
    with warehouse(settings) as engine, holding(engine, [ARCHIVE], settings.lock_wait, LOGGER.warning):
        secrets = PupilSecrets(engine, settings)

        def unwrap(year: int, keys: bytes) -> bytes:
            return rewrapped(keys, old=secrets.of_year(year), new=b"")

        who = getpass.getuser()
        with leaving(engine, region.code, who, unwrap) as rows:
            manifest = Manifest(
                region.code, region.name, region.folder.name, rows.revision, now.isoformat(), who,
                len(rows.deliveries()),
            )  # fmt: skip
            write_file(to, key_to, manifest, _leaving(settings, region, rows))
    return manifest


def _leaving(settings: Settings, region: Region, rows: Leaving) -> Iterator[Part]:
    for path in sorted(path for path in region.folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        yield Part(f"{PACK}{path.relative_to(region.folder).as_posix()}", len(data), {}, io.BytesIO(data))
    for each in rows.tables:
        with tempfile.TemporaryFile(dir=settings.archive) as file:  # without a name, as opened bytes are
            rows.copy(each, file)
            size = file.tell()
            file.seek(0)
            yield Part(f"{ROWS}{each.table}", size, {"columns": each.columns}, file)
    keyring = keyring_of(settings)
    for place, sha256 in rows.deliveries():
        path = settings.archive / place
        if not is_kept(path):
            raise Fault(f"the archive does not hold the bytes of {sha256[:8]}: profmin doctor")
        with tempfile.TemporaryFile(dir=settings.archive) as file:
            file.writelines(parts(path, keyring))
            file.seek(0)
            said: dict[str, object] = {"sha256": sha256, "year": rows.years.get(place)}
            yield Part(f"{BYTES}{place}", size_of(path), said, file)


def import_region(settings: Settings, source: Path, key_file: Path, packs: Path) -> Manifest:
    """Take in a region from a file and its key; its pack comes into the folder of packs.

    All of the file is looked at before anything is written. Bytes come first, which nobody sees, and rows last, in one
    transaction: what was killed can be called again. Raises UsageError for a region that is there already, a file of
    another migration, a pack that cannot stand beside those in force.
    """
    manifest = manifest_of(source, key_file)
    if manifest.revision != newest_revision():
        older = manifest.revision < newest_revision()
        raise UsageError(
            f"the file is of migration {manifest.revision}, this version's is {newest_revision()}: "
            + ("export it anew by this version" if older else "this version is older, take the newer one"),
            f"файл записан при миграции {manifest.revision}, а здесь {newest_revision()}: "
            + ("вынесите регион заново этой версией" if older else "эта версия старше, поставьте новую"),
        )
    with warehouse(settings) as engine:
        if has_region(engine, manifest.region):
            raise UsageError(
                f"region {manifest.region} is in this warehouse already, and two of it cannot be joined",
                f"регион {manifest.region} в этом хранилище уже есть, а соединить два нельзя",
            )
    brought = _take_pack(manifest, source, key_file, packs)
    try:
        forget()
        read_from(packs)
        with warehouse(settings) as engine:  # which learns what the pack lists
            _take(engine, settings, manifest, source, key_file)
    except BaseException:
        if brought is not None:
            shutil.rmtree(brought)
            forget()
        raise
    return manifest


def _take_pack(manifest: Manifest, source: Path, key_file: Path, packs: Path) -> Path | None:
    """Have the pack of the file in the folder of packs; its place, when it was not there. Raises UsageError."""
    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder) / Path(manifest.pack).name
        for part in read_file(source, key_file):
            if part.name.startswith(PACK):
                target = (pack / part.name.removeprefix(PACK)).resolve()
                if pack.resolve() not in target.parents:
                    raise Fault(f"{source.name} names a file outside of its pack")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(part.data.read())
        place = packs / pack.name
        if place.exists():
            if _contents(place) != _contents(pack):
                raise UsageError(
                    f"{place} is there and is another pack", f"{place}: такая папка уже есть, и пакет в ней другой"
                )
            return None
        if wrong := wrong_pack(pack, beside(pack, [packs])):
            raise UsageError(f"the pack cannot be taken: {wrong[0]}", f"пакет не взять: {wrong[0]}")
        return copy_pack(pack, packs)


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _take(engine: Engine, settings: Settings, manifest: Manifest, source: Path, key_file: Path) -> None:
    keyring = keyring_of(settings)
    secrets = PupilSecrets(engine, settings)

    def wrap(year: int, keys: bytes) -> bytes:
        return rewrapped(keys, old=b"", new=secrets.of_year(year))

    with holding(engine, [ARCHIVE], settings.lock_wait, LOGGER.warning):
        for part in read_file(source, key_file):
            if part.name.startswith(BYTES):
                _put(settings, part, keyring)
        coming = (
            (part.name.removeprefix(ROWS), _columns(part), part.data)
            for part in read_file(source, key_file)
            if part.name.startswith(ROWS)
        )
        try:
            take(engine, manifest.region, getpass.getuser(), coming, wrap, manifest.exported_at)
        except CannotTake as error:
            raise UsageError(str(error)) from None


def _columns(part: Part) -> tuple[str, ...]:
    columns = part.said["columns"]
    return tuple(columns) if isinstance(columns, list) else ()


def _put(settings: Settings, part: Part, keyring: Keyring) -> None:
    """Put the bytes of a delivery into the archive, sealed by this home's key of their year where they name people."""
    path = settings.archive / part.name.removeprefix(BYTES)
    if settings.archive.resolve() not in path.resolve().parents:
        raise Fault(f"{part.name} is no place of the archive")
    if is_kept(path):
        return
    year = part.said["year"]
    if (
        put(path, year if isinstance(year, int) else None, _blocks(part.data), keyring, settings.archive)
        != part.said["sha256"]
    ):
        raise Fault(f"{part.name} is not what its name says")


def _blocks(data: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: data.read(1 << 20), b"")
