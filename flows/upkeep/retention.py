"""`profmin purge`: what is kept no longer, removed; of pupils' data with an act."""

from __future__ import annotations

import datetime as dt
import getpass
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.regions import zone_of
from documents.reading.names import as_on_disk
from documents.writing.act import Item, KeyItem, make_act
from flows.home.archived import is_kept, places_sealed_by, remove
from flows.home.connection import warehouse
from flows.home.faults import LOGGER
from flows.home.json_output import write
from flows.home.keyring import keyring_of, lies_beside
from flows.home.pupil_key import keys_are_there, wrap_all
from flows.home.sealing import bring_out, seal_archive
from flows.home.settings import Settings
from flows.home.whole_file import replace
from flows.upkeep.acts import sign
from flows.upkeep.doctor import hash_of
from warehouse.core.slices import holding
from warehouse.deliveries.received import finish_run, start_run
from warehouse.schema.restricted import note_access
from warehouse.watch.destruction import (
    ARCHIVE,
    Destroyed,
    Removal,
    blank_texts,
    destroyed_before,
    due,
    not_purged,
    note_act,
    note_gone,
    old_texts,
    pupil_rows,
    record,
    to_remove,
    together,
    without_act,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

REASON_SENT_AGAIN = "Уничтожено раньше; те же байты присланы снова"
REASON = "Цель обработки достигнута: после конца учебного года прошло больше {} дней (часть 7 статьи 5 152-ФЗ)"


REASON_AGAIN = (
    "Уничтожено раньше вместе с ключом учебного года; возвращено из резервной копии, снятой до этого, в нечитаемом виде"
)


@dataclass(frozen=True)
class Purged:
    """What a purge removed, or would remove: texts of messages, receipts, files that name people with their rows and
    bytes, and the acts that it wrote, by their file names."""

    messages: int
    receipts: int
    deliveries: int
    pupil_rows: int
    byte_size: int
    acts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{self.messages} texts of messages, {self.receipts} receipts, {self.deliveries} deliveries with pupils "
            f"({self.byte_size} bytes, {self.pupil_rows} pupil rows)"
        )


def purge(settings: Settings, now: dt.datetime, *, dry_run: bool = False) -> Purged:
    """Remove texts of messages and receipts older than `keep_days`, when `pupil_days` says so pupils' data, and what
    was destroyed and came again.

    The decision is recorded before a byte is removed, and a run that was killed is finished by the next one. Facts,
    marts and readings stay. Raises Timeout while a backup is taken, GaveUp.
    """
    settings.prepare()
    with warehouse(settings) as engine:
        if dry_run:
            return _would_be_purged(engine, settings, now)
        with engine.begin() as connection:
            keys_are_there(connection, settings)
            run_id = start_run(connection, "purge", now.astimezone(zone_of(None)).date())
            note_access(connection, getpass.getuser(), "purge", run_id)
        state = "failed"
        try:
            with holding(engine, [ARCHIVE], settings.lock_wait, LOGGER.warning, run_id):
                purged = _purged(engine, settings, now, run_id)
            state = "completed"
        finally:
            with engine.begin() as connection:
                finish_run(connection, run_id, state)
    LOGGER.info("purge: %s", purged)
    return purged


def _purged(engine: Engine, settings: Settings, now: dt.datetime, run_id: int) -> Purged:
    wrap_all(engine, settings)  # with a key that never wrapped them pupils would not go
    with engine.begin() as connection:
        messages = blank_texts(connection, _kept_since(settings, now))
    receipts = _old_receipts(settings, now)
    for path in receipts:
        path.unlink(missing_ok=True)
    deliveries, size, rows = _destroyed(engine, settings, now, run_id)
    acts = _acts_written(engine, settings, now)
    seal_archive(engine, settings)
    return Purged(messages, len(receipts), deliveries, rows, size, tuple(acts))


def _destroyed(engine: Engine, settings: Settings, now: dt.datetime, run_id: int | None) -> tuple[int, int, int]:
    """Destroy the pupil rows of what is due and record its bytes as to be removed; deliveries, bytes, pupil rows."""
    sizes = _due(engine, settings, now)
    again = _sent_again(engine, settings, sizes)
    rows = 0
    if sizes:
        rows = record(engine, list(sizes), REASON.format(settings.pupil_days), now, settings.lock_wait, run_id)
    if again:  # an act has one reason, and its name the second of its decision
        at = now + dt.timedelta(seconds=1)
        rows += record(engine, list(again), REASON_SENT_AGAIN, at, settings.lock_wait, run_id)
    return len(sizes) + len(again), sum(sizes.values()) + sum(again.values()), rows


def _acts_written(engine: Engine, settings: Settings, now: dt.datetime) -> list[str]:
    """Remove the bytes of what is recorded as destroyed and attest it, whichever run recorded it; names of the acts."""
    with engine.connect() as connection:
        removals = to_remove(connection)
    for removal in removals:
        remove(settings.archive / removal.archive_path)
        for path in _copies(settings, removal):
            path.unlink(missing_ok=True)
        with engine.begin() as connection:
            note_gone(connection, removal, now)
    _keys_destroyed(engine, settings, now)
    with engine.connect() as connection:
        unattested = without_act(connection)
    acts = []
    zone = zone_of(None)
    for decided_at, destroyed in unattested.items():
        local = decided_at.astimezone(zone)
        settings.acts.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"Акт об уничтожении {local:%Y-%m-%d %H-%M-%S}.xlsx"
        items = [_item(delivery, zone) for delivery in destroyed]
        keys = [
            KeyItem(key.year, key.key_id, key.at.astimezone(zone))
            for key in keyring_of(settings).destroyed()
            if key.at >= decided_at
        ]
        act = make_act(items, destroyed[0].reason, local, destroyed[0].run_id, keys, settings.operator)
        replace(settings.acts / name, act, settings.home)
        sign(settings, settings.acts / name)
        with engine.begin() as connection:
            note_act(connection, decided_at, name)
        acts.append(name)
    return acts


def _keys_destroyed(engine: Engine, settings: Settings, now: dt.datetime) -> None:
    """Destroy the keys of the academic years whose time is over, and with them each copy of what they sealed, in every
    backup. What lies under them and is not to go is taken out before."""
    keyring, today = keyring_of(settings), now.astimezone(zone_of(None)).date()
    for year in keyring.years():
        if settings.pupil_days is not None and dt.date(year + 1, 8, 31) + dt.timedelta(settings.pupil_days) < today:
            bring_out(engine, settings, keyring, year)
            for key in keyring.destroy(year, now):
                LOGGER.info("the key %s of the academic year %d is destroyed", key.key_id, key.year)


def destroy_again(engine: Engine, settings: Settings, now: dt.datetime) -> list[str]:
    """Destroy in a restored warehouse what was destroyed since its backup was taken: of which the year's key is no
    more. Names of the acts. Raises Timeout, GaveUp."""
    keys = {key.key_id: key for key in keyring_of(settings).destroyed()}
    places = [path.relative_to(settings.archive).as_posix() for path in places_sealed_by(settings.archive, keys)]
    if not places:
        return []
    return _destroy_chosen(engine, settings, lambda connection: not_purged(connection, places), REASON_AGAIN, now)


def destroy_deliveries(
    engine: Engine, settings: Settings, deliveries: Sequence[int], reason: str, now: dt.datetime
) -> list[str]:
    """Destroy deliveries wholly, whenever their time would be over, with equal bytes and the zip archives in which they
    came; names of the acts. Raises Timeout while a backup is taken, GaveUp."""
    return _destroy_chosen(engine, settings, lambda connection: together(connection, deliveries), reason, now)


def _destroy_chosen(
    engine: Engine,
    settings: Settings,
    chosen: Callable[[Connection], Sequence[int]],
    reason: str,
    now: dt.datetime,
) -> list[str]:
    """Destroy what is chosen while nobody takes a backup; names of the acts."""
    with holding(engine, [ARCHIVE], settings.lock_wait, LOGGER.warning):
        with engine.connect() as connection:
            deliveries = chosen(connection)
        if deliveries:
            record(engine, deliveries, reason, now, settings.lock_wait, None)
        return _acts_written(engine, settings, now)


def _copies(settings: Settings, removal: Removal) -> Iterator[Path]:
    """The files of the inbox that hold the bytes of a delivery as they came."""
    for place in removal.inbox_paths:
        path = settings.inbox / as_on_disk(place)
        if not path.is_symlink() and path.is_file() and hash_of(path) == removal.sha256:
            yield path


def _kept_since(settings: Settings, now: dt.datetime) -> dt.datetime:
    return now - dt.timedelta(days=settings.keep_days)


def _old_receipts(settings: Settings, now: dt.datetime) -> list[Path]:
    """Files of the outbox that nobody wrote since `keep_days`; `profmin receipt` makes any of them again."""
    since = _kept_since(settings, now).timestamp()
    return [path for path in sorted(settings.outbox.rglob("*")) if path.is_file() and path.stat().st_mtime < since]


def show_purge(settings: Settings, now: dt.datetime, *, dry_run: bool, as_json: bool) -> None:
    """Purge, or tell what would be purged: one sentence and the acts, or one JSON document."""
    purged = purge(settings, now, dry_run=dry_run)
    if as_json:
        document = {"dry_run": dry_run, **asdict(purged)}
        write(document)
        return
    sys.stdout.write(f"{'would remove' if dry_run else 'removed'}: {purged}\n")
    for act in purged.acts:
        sys.stdout.write(f"act to be signed: {settings.acts / act}\n")
    if settings.pupil_days is None:
        sys.stdout.write("pupils' data is kept: PROFMIN_PUPIL_DAYS is not set\n")
    if beside := lies_beside(settings):
        sys.stdout.write(f"{beside}\n")


def _would_be_purged(engine: Engine, settings: Settings, now: dt.datetime) -> Purged:
    sizes = _due(engine, settings, now)
    sizes |= _sent_again(engine, settings, sizes)
    with engine.connect() as connection:
        rows = sum(pupil_rows(connection, sizes).values())
        messages = old_texts(connection, _kept_since(settings, now))
    return Purged(messages, len(_old_receipts(settings, now)), len(sizes), rows, sum(sizes.values()))


def _due(engine: Engine, settings: Settings, now: dt.datetime) -> dict[int, int]:
    """Delivery → bytes, of the exports to be destroyed: never destroyed yet, or received again since."""
    if settings.pupil_days is None:
        return {}
    today = now.astimezone(zone_of(None)).date()
    with engine.connect() as connection:
        exports = due(connection, settings.pupil_days, today)
    return {
        export.delivery_id: export.byte_size
        for export in exports
        if not export.is_purged or is_kept(settings.archive / export.archive_path)
    }


def _sent_again(engine: Engine, settings: Settings, less: Collection[int]) -> dict[int, int]:
    """Delivery → bytes, of what was destroyed, whenever its time would be over, and was sent again, less some."""
    with engine.connect() as connection:
        before = destroyed_before(connection)
    return {
        each.delivery_id: each.byte_size
        for each in before
        if each.delivery_id not in less and is_kept(settings.archive / each.archive_path)
    }


def _item(delivery: Destroyed, zone: ZoneInfo) -> Item:
    return Item(
        delivery.delivery_id, delivery.form_title, delivery.sender_name, delivery.as_of,
        delivery.received_at.astimezone(zone), delivery.pupil_rows, delivery.people, delivery.people_digest,
        delivery.byte_size, delivery.sha256, delivery.gone_at.astimezone(zone),
    )  # fmt: skip
