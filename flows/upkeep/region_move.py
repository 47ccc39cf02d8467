"""`profmin region export` and `import`: a region leaves a home with its data, and another takes it in.

Its deliveries' bytes, readings, facts, publications, incidents, explanations and its pack go; who may see what, what
whom was told, and keys stay. Pupils go under pseudonyms that no year wraps, which the key of the file seals, and are
wrapped by the keys of the home that takes them in.
"""

from __future__ import annotations

import datetime as dt
import getpass
import io
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from contracts.pseudonym import rewrapped
from contracts.regions import forget, read_from
from contracts.regions.pack import Region, stated_in
from contracts.regions.pack_check import beside
from contracts.regions.shipped_packs import copy_pack
from contracts.versions.pack_faults import wrong_pack
from flows.home.archived import is_kept, parts, put, sealed_place, size_of
from flows.home.connection import warehouse
from flows.home.faults import LOGGER, Fault
from flows.home.keyring import keyring_of
from flows.home.pupil_key import PupilSecrets
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import sync
from flows.upkeep.region_file import Manifest, Part, manifest_of, read_file, streamed, write_file
from warehouse.core.slices import holding
from warehouse.core.transaction import GaveUp
from warehouse.watch.ages import newest_revision
from warehouse.watch.destruction import ARCHIVE
from warehouse.watch.region_coming import Coming, has_region, known_bytes, must_be_takable, take, was_imported
from warehouse.watch.region_leaving import Leaving, leaving
from warehouse.watch.region_trust import CannotTake

if TYPE_CHECKING:
    from sqlalchemy import Engine

PACK, ROWS, BYTES = "pack/", "rows/", "bytes/"
PLAIN = re.compile(r"[^\W_][\w.-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")


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
    scratch = settings.scratch or settings.home
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in rows.tables:
        with tempfile.TemporaryFile(dir=scratch) as file:  # the archive may lie on a share, where it would have a name
            rows.copy(each, file)
            size = file.tell()
            file.seek(0)
            yield Part(f"{ROWS}{each.table}", size, {"columns": each.columns}, file)
    keyring = keyring_of(settings)
    for place, sha256 in rows.deliveries():
        path = settings.archive / place
        if not is_kept(path):
            raise Fault(f"the archive does not hold the bytes of {sha256[:8]}: profmin doctor")
        said: dict[str, object] = {"sha256": sha256, "year": rows.years.get(place)}
        yield streamed(f"{BYTES}{place}", size_of(path), said, parts(path, keyring))


def import_region(settings: Settings, source: Path, key_file: Path, packs: Path) -> Manifest:
    """Take in a region from a file and its key; its pack comes into the folder of packs.

    All of the file is looked at before anything is written, and nothing of it is believed that a region may not say.
    Bytes come first, which nobody sees, then the rows, in one transaction, and last the pack comes into force: what was
    killed can be called again, and ends what was begun. Raises UsageError for a region that is there already, a file of
    another migration, a pack that cannot stand beside those in force; Fault for a file that was changed, and while
    others load all the time.
    """
    manifest = manifest_of(source, key_file)
    _must_fit(manifest)
    place = packs / manifest.pack
    with (
        tempfile.TemporaryDirectory() as folder,
        warehouse(settings) as engine,
        holding(engine, [ARCHIVE], settings.lock_wait, LOGGER.warning),
    ):
        pack = _pack_of(manifest, source, key_file, Path(folder))
        is_taken = has_region(engine, manifest.region)
        if is_taken and (place.exists() or not was_imported(engine, manifest.region, manifest.exported_at)):
            raise UsageError(
                f"region {manifest.region} is in this warehouse already, and two of it cannot be joined",
                f"регион {manifest.region} в этом хранилище уже есть, а соединить два нельзя",
            )
        _must_stand_beside(pack, place)
        if not is_taken:
            _take(engine, settings, manifest, source, key_file)
        if not place.exists():
            _bring_into_force(pack, packs)
    forget()
    read_from(packs)
    with warehouse(settings):  # which learns what the pack lists
        return manifest


def _must_fit(manifest: Manifest) -> None:
    """Raises UsageError for a file of another migration, and for a pack whose folder would lie elsewhere or unseen."""
    if manifest.revision != newest_revision():
        older = manifest.revision < newest_revision()
        raise UsageError(
            f"the file is of migration {manifest.revision}, this version's is {newest_revision()}: "
            + ("export it anew by this version" if older else "this version is older, take the newer one"),
            f"файл записан при миграции {manifest.revision}, а здесь {newest_revision()}: "
            + ("вынесите регион заново этой версией" if older else "эта версия старше, поставьте новую"),
        )
    if not PLAIN.fullmatch(manifest.pack):
        raise UsageError(
            f"{manifest.pack!r} is no name of a pack's folder: letters, digits, dots and dashes",
            f"«{manifest.pack}» — не имя папки пакета: буквы, цифры, точки и дефисы",
        )


def _pack_of(manifest: Manifest, source: Path, key_file: Path, folder: Path) -> Path:
    """The pack of the file, in a folder of its own. Raises UsageError for one of another region than the file's."""
    pack = folder / manifest.pack
    for part in read_file(source, key_file):
        if part.name.startswith(PACK):
            target = (pack / part.name.removeprefix(PACK)).resolve()
            if pack.resolve() not in target.parents:
                raise Fault(f"{source.name} names a file outside of its pack")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(part.data.read())
    code = stated_in(pack)[0].get("code")
    if code != manifest.region:
        raise UsageError(
            f"the file is of region {manifest.region}, and its pack is of {code}",
            f"файл назван регионом {manifest.region}, а пакет в нём — {code}",
        )
    return pack


def _must_stand_beside(pack: Path, place: Path) -> None:
    """Raises UsageError for a pack that cannot come to its place, or is another than the one that is there."""
    if place.exists():
        if _contents(place) != _contents(pack):
            raise UsageError(
                f"{place} is there and is another pack", f"{place}: такая папка уже есть, и пакет в ней другой"
            )
    elif wrong := wrong_pack(pack, beside(pack, [place.parent])):
        raise UsageError(f"the pack cannot be taken: {wrong[0]}", f"пакет не взять: {wrong[0]}")


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _bring_into_force(pack: Path, packs: Path) -> None:
    """Let the pack be in force: before its rows are there conditions would find that it has sent nothing."""
    copy_pack(pack, packs)
    sync(packs)


def _take(engine: Engine, settings: Settings, manifest: Manifest, source: Path, key_file: Path) -> None:
    """Take in bytes and rows; bytes of which no delivery knows go again when the rows do not come."""
    secrets = PupilSecrets(engine, settings)

    def wrap(year: int, keys: bytes) -> bytes:
        return rewrapped(keys, old=b"", new=secrets.of_year(year))

    def coming() -> Coming:
        for part in read_file(source, key_file):
            if part.name.startswith(ROWS):
                yield part.name.removeprefix(ROWS), _columns(part), part.data

    came: list[str] = []
    try:
        must_be_takable(engine, manifest.region, coming())
        for place in _put_all(settings, source, key_file):
            came.append(place)
        take(engine, manifest.region, getpass.getuser(), coming, wrap, manifest.exported_at, settings.lock_wait)
    except BaseException as error:
        _remove(engine, settings, came)
        if isinstance(error, CannotTake):
            raise UsageError(str(error)) from None
        if isinstance(error, GaveUp):
            raise Fault(
                f"others load all the time, nothing was taken in: call it again ({error})", passing=True
            ) from None
        raise


def _columns(part: Part) -> tuple[str, ...]:
    columns = part.said["columns"]
    return tuple(columns) if isinstance(columns, list) else ()


def _put_all(settings: Settings, source: Path, key_file: Path) -> Iterator[str]:
    """Put the bytes of deliveries into the archive, sealed by this home's keys of their years where they name people;
    the places of those that were not there. Raises Fault for bytes that are not what their place says."""
    keyring = keyring_of(settings)
    for part in read_file(source, key_file):
        place = part.name.removeprefix(BYTES)
        if place == part.name:
            continue
        sha256, year = str(part.said["sha256"]), part.said["year"]
        if not SHA256.fullmatch(sha256) or place != f"{sha256[:2]}/{sha256}":
            raise Fault(f"{part.name} is no place of the archive")
        path = settings.archive / place
        if not is_kept(path):
            seal_year = year if isinstance(year, int) else None
            put(path, seal_year, _blocks(part.data), keyring, settings.archive, sha256)
            yield place


def _remove(engine: Engine, settings: Settings, came: Collection[str]) -> None:
    """Take back bytes that came with rows that did not: the archive holds none of which no delivery knows."""
    for place in sorted({*came} - known_bytes(engine, came)):
        path = settings.archive / place
        for each in (path, sealed_place(path)):
            each.unlink(missing_ok=True)


def _blocks(data: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: data.read(1 << 20), b"")
