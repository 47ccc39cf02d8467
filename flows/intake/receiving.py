"""Files that are received: archived, recorded as what they are, and what is still to be read of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.circumstances import INBOX
from contracts.regions import region_of
from contracts.regions.pack import Region
from contracts.versions.rule_versions import contract_version
from contracts.vocabulary import owners
from documents.reading.names import file_name
from flows.home.archived import Opened
from flows.home.faults import Fault, guarded
from flows.home.keyring import keyring_of
from flows.intake.archive import archive, unpack
from flows.intake.arrival import Arrival, Key
from flows.intake.incoming import INBOX_ITSELF, NAMED, Incoming, LeftOut, NotTaken, is_bare, lying_with
from flows.intake.intake import Intake
from flows.intake.left_out import gone, not_taken
from flows.intake.left_out_record import entry
from flows.intake.outcome import Outcome, failed
from flows.intake.seen import unseen
from flows.intake.settling import settled
from flows.intake.statements import statements_in, take_statements
from warehouse.deliveries import not_taken as left_out
from warehouse.deliveries.arrivals import Came, Look, look, record_all
from warehouse.deliveries.received import archived, has_deliveries, waiting

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Together = Sequence[tuple[str, str]]
"""Names and folders of the files that are seen together."""


def receive(intake: Intake, incoming: Sequence[Incoming]) -> list[Arrival | Outcome]:
    """Archive files that are seen together and record that they came, before anything can go wrong with them; of a
    zip archive, then its files. The deliveries that they are, in the order of the files; of what is no delivery to be
    read, a statement among it, the outcome."""
    arrived, _ = _received(intake, incoming)
    return arrived


def receive_new(intake: Intake, inbox: Sequence[Incoming]) -> list[Arrival | Outcome]:
    """Receive those files of the inbox that are the region's and did not lie there before as they are; then what is
    still to be read of what was received earlier, from the archive: late and failed deliveries are never skipped. A
    file that is still being written is left for the next look."""
    settings = intake.settings
    whole = settled(unseen(intake.engine, lying_with(intake.region, inbox)), settings.settle_seconds)
    if is_bare(settings.inbox) and _has_seen_files(intake.engine):
        whole.append(Incoming(settings.inbox, None, INBOX_ITSELF, LeftOut("gone", "it is empty", is_folder=True)))
    arrived, still_left_out = _received(intake, whole)
    guarded("noting what is taken in now", partial(_forget_others, intake, still_left_out))
    return arrived + _still_waiting(intake, {file.key for file in arrived})


def _received(intake: Intake, incoming: Sequence[Incoming]) -> tuple[list[Arrival | Outcome], set[str]]:
    """The deliveries, and the paths of entries of the inbox that are left out. Raises as `archive_is_there` does."""
    archive_is_there(intake)
    with intake.engine.connect() as connection:
        seen = look(connection)
    together = _circumstances(incoming)
    kept: dict[int, Arrival | LeftOut | Outcome | Fault] = {}
    # Of two that nothing else tells apart the one that says to be newer is the newer one.
    for place in sorted(range(len(incoming)), key=lambda place: claim_of(incoming[place])):
        kept[place] = guarded("archiving a file", partial(_kept, intake, incoming[place], seen, together))
    arrived: list[Arrival | Outcome] = []
    left_out_there: set[str] = set()
    for place, file in enumerate(incoming):
        result = kept[place]
        if isinstance(result, LeftOut):
            arrived.append(not_taken(file, result))
            if file.inbox_path is not None:
                left_out_there.add(file.inbox_path)
        elif isinstance(result, Fault):
            arrived.append(failed(file, result))
        else:
            arrived += _deliveries(intake, result, seen, together)
    return arrived, left_out_there


def _kept(intake: Intake, file: Incoming, seen: Look, together: Together) -> Arrival | LeftOut | Outcome:
    """Archive and record one file; why it is not taken, or what came of one that is gone or states something."""
    is_inbox = file.inbox_path is not None
    allowed = intake.quota.of(file.folder, is_inbox=is_inbox)
    try:
        arrival = archive(file, intake.settings.archive, allowed)
    except NotTaken as error:
        if is_inbox:
            with intake.engine.begin() as connection:
                left_out.note(connection, entry(file, error.left_out), intake.run_id)
        return error.left_out
    except FileNotFoundError:
        if not is_inbox:
            raise
        return gone(file)
    (result,) = record(intake, [arrival], seen, together)
    intake.quota.note(file.folder, allowed)
    return result


def _deliveries(intake: Intake, kept: Arrival | Outcome, seen: Look, together: Together) -> list[Arrival | Outcome]:
    """The files of a zip archive, recorded too, or the arrival itself; an outcome stays one."""
    if isinstance(kept, Outcome):
        return [kept]
    unpacked = partial(_unpacked, intake, kept, seen, together)
    inside = guarded("unpacking a delivery", unpacked, delivery=kept.sha256)
    return [failed(kept, inside)] if isinstance(inside, Fault) else inside or [kept]


def _unpacked(intake: Intake, arrival: Arrival, seen: Look, together: Together) -> list[Arrival | Outcome]:
    opened = Opened(arrival.path, keyring_of(intake.settings))
    inside = unpack(replace(arrival, path=opened.path), intake.settings.archive, intake.settings.reader_limits)
    return record(intake, inside, seen, [*together, *_circumstances(inside)]) if inside else []


def record(intake: Intake, arrivals: Sequence[Arrival], seen: Look, together: Together) -> list[Arrival | Outcome]:
    """Record in one transaction that archived files came: the arrivals, each with the delivery that it is and with the
    time at which that came; the outcome of one that states that there is nothing to report."""
    settings, recorded_arrivals = intake.settings, {}
    with intake.engine.begin() as connection:
        statements = statements_in(connection, arrivals, seen.received_at, settings, intake.stated.sender)
        in_order = sorted(arrivals, key=lambda arrival: (arrival.file, arrival.sha256))  # always the same: no deadlock
        came = [
            Came(
                arrival.sha256, arrival.file, arrival.size, arrival.claimed_at or seen.received_at,
                arrival.path.relative_to(settings.archive).as_posix(), arrival.folder, arrival.channel,
                is_vouched=settings.vouches_for(arrival.channel), run_id=intake.run_id,
                container_id=arrival.container_id, inbox_path=arrival.inbox_path, stamp=arrival.stamp,
                stated=intake.stated, nothing=statements[arrival.key][0] if arrival.key in statements else None,
            )
            for arrival in in_order
        ]  # fmt: skip
        for arrival, delivery in zip(in_order, record_all(connection, came, seen, together), strict=True):
            recorded_arrivals[arrival.key] = replace(
                arrival, delivery_id=delivery.delivery_id, received_at=delivery.came_at, stated=intake.stated
            )
        made = {arrival.key: statements[key] for key, arrival in recorded_arrivals.items() if key in statements}
        stated = take_statements(connection, list(recorded_arrivals.values()), made, settings, intake.run_id)
    in_their_order = [recorded_arrivals[arrival.key] for arrival in arrivals]
    return [stated.get(arrival.key, arrival) for arrival in in_their_order]


def still_unread(connection: Connection, region: Region) -> list[int]:
    """Deliveries of a region that were received and are still to be read, wherever they came from."""
    unread = archived(connection, waiting(connection, contract_version(region.code)))
    return [
        delivery.delivery_id
        for delivery in unread
        if region_of(owners(INBOX).get(delivery.folder or "") or delivery.stated.sender) == region
    ]


def _still_waiting(intake: Intake, arrived: Collection[Key]) -> list[Arrival | Outcome]:
    with intake.engine.connect() as connection:
        unread = still_unread(connection, intake.region)
        kept = archived_arrivals(connection, intake.settings.archive, unread)
        seen = look(connection)
    return [
        result
        for delivery_id, arrival in kept.items()
        if delivery_id not in arrived
        for result in _deliveries(intake, arrival, seen, ())
    ]


def _forget_others(intake: Intake, still: Collection[str]) -> None:
    """Forget what of the region's is not left out any more; of others this look has seen nothing."""
    with intake.engine.begin() as connection:
        others = [path for path in left_out.stamps(connection) if not _is_of(intake.region, path)]
        left_out.forget_others(connection, {*still, *others})


def _is_of(region: Region, inbox_path: str) -> bool:
    """Is a path below the inbox a region's?"""
    folder, inside, _ = inbox_path.partition("/")
    owner = owners(INBOX).get(file_name(folder, "")) if inside else None
    return inbox_path == INBOX_ITSELF or region_of(owner) == region


def archive_is_there(intake: Intake) -> None:
    """Raises Fault where the archive lies elsewhere and has no entry at all although the warehouse knows deliveries:
    what is written to the folder on which a disk should be mounted is found by no other machine."""
    folder = intake.settings.archive
    if "archive" in intake.settings.elsewhere and is_bare(folder) and _has_deliveries(intake.engine):
        raise Fault(f"PROFMIN_ARCHIVE: {folder} is empty, and the warehouse has deliveries: is it the mounted disk?")


def _has_deliveries(engine: Engine) -> bool:
    with engine.connect() as connection:
        return has_deliveries(connection)


def _has_seen_files(engine: Engine) -> bool:
    with engine.connect() as connection:
        return left_out.has_seen_files(connection)


def _circumstances(files: Sequence[Incoming] | Sequence[Arrival]) -> list[tuple[str, str]]:
    return [(file.file, file.folder or "") for file in files]


def archived_arrivals(connection: Connection, folder: Path, deliveries: Collection[int]) -> dict[int, Arrival]:
    """Delivery id → the bytes that the archive in `folder` keeps of it, in the order in which they were received."""
    return {
        delivery.delivery_id: Arrival(
            delivery.file_name, delivery.folder, delivery.sha256, delivery.byte_size, delivery.came_at,
            folder / delivery.archive_path, claimed_at=delivery.claimed_at, channel=delivery.channel or NAMED,
            delivery_id=delivery.delivery_id, stated=delivery.stated,
        )
        for delivery in archived(connection, deliveries)
    }  # fmt: skip


def claim_of(incoming: Incoming) -> int:
    """The time that a file says itself; one that cannot be looked at says nothing."""
    with suppress(OSError):
        return incoming.path.lstat().st_mtime_ns
    return 0
