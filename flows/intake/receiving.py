"""Files that are received: archived, recorded as what they are, and what is still to be read of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.circumstances import Stated
from contracts.versions.rule_versions import contract_version
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.intake.batches import Options
from flows.intake.incoming import NAMED, Arrival, Incoming, Key, LeftOut, NotTaken, archive, is_bare, unpack
from flows.intake.left_out import gone, not_taken
from flows.intake.left_out_record import entry
from flows.intake.outcome import Outcome, failed
from flows.intake.quota import Quota
from flows.intake.seen import unseen
from flows.intake.settling import settled
from flows.intake.statements import statements_in, take_statements
from warehouse.deliveries import not_taken as left_out
from warehouse.deliveries.arrivals import Came, Look, look, record_came
from warehouse.deliveries.received import archived, waiting

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


class Receiver:
    """Receives the files of one run."""

    def __init__(self, engine: Engine, settings: Settings, options: Options, run_id: int | None) -> None:
        self.engine = engine
        self.settings = settings
        self.options = options
        self.run_id = run_id
        self.version = contract_version()
        self.quota = Quota(settings, self._used)
        self.left_out: set[str] = set()
        self.containers: set[int] = set()
        self.stated: dict[Key, Outcome] = {}

    def receive(self, incoming: Sequence[Incoming]) -> list[Arrival | Outcome]:
        """Archive files that are seen together and record that they came, before anything can go wrong with them; of a
        zip archive, then its files. The deliveries that they are, in the order of the files."""
        with self.engine.connect() as connection:
            seen = look(connection)
        together = [(each.file, each.folder or "") for each in incoming]
        kept: dict[int, Arrival | LeftOut | Outcome | Fault] = {}
        # Of two that nothing else tells apart the one that says to be newer is the newer one.
        for place in sorted(range(len(incoming)), key=lambda place: claim_of(incoming[place])):
            kept[place] = guarded("archiving a file", partial(self._kept, incoming[place], seen, together))
        found: list[Arrival | Outcome] = []
        for place, file in enumerate(incoming):
            found += self._deliveries(file, kept[place], seen, together)
        return found

    def receive_new(self, inbox: Sequence[Incoming]) -> list[Arrival | Outcome]:
        """Receive those files of the inbox that did not lie there before as they are; then what is still to be read of
        what was received earlier, from the archive: late and failed deliveries are never skipped. A file that is still
        being written is left for the next look."""
        whole = settled(unseen(self.engine, inbox), self.settings.settle_seconds)
        if is_bare(self.settings.inbox) and self._has_seen_files():
            whole.append(Incoming(self.settings.inbox, None, ".", LeftOut("gone", "it is empty", is_folder=True)))
        self.left_out.clear()
        arrived = self.receive(whole)
        guarded("noting what is taken in now", self._forget_others)
        return arrived + self._still_waiting({each.key for each in arrived})

    def _kept(self, file: Incoming, seen: Look, together: Collection[tuple[str, str]]) -> Arrival | LeftOut | Outcome:
        """Archive and record one file; why it is not taken, or what came of one that is gone."""
        is_inbox = file.inbox_path is not None
        allowed = self.quota.of(file.folder, is_inbox=is_inbox)
        try:
            arrival = archive(file, self.settings.archive, allowed)
        except NotTaken as error:
            self._note_left_out(file, error.left_out)
            return error.left_out
        except FileNotFoundError:
            if not is_inbox:
                raise
            return gone(file)
        (recorded,) = self._record([arrival], seen, together)
        self.quota.note(file.folder, allowed)
        return recorded

    def _deliveries(
        self,
        file: Incoming,
        kept: Arrival | LeftOut | Outcome | Fault,
        seen: Look,
        together: Collection[tuple[str, str]],
    ) -> list[Arrival | Outcome]:
        if isinstance(kept, Fault):
            return [failed(file, kept)]
        if isinstance(kept, LeftOut):
            return [not_taken(file, kept)]
        return [kept] if isinstance(kept, Outcome) else self._opened(kept, seen, together)

    def _opened(self, arrival: Arrival, seen: Look, together: Collection[tuple[str, str]]) -> list[Arrival | Outcome]:
        """The files of a zip archive, recorded too, or the arrival itself; what is a statement has its outcome."""
        if arrival.key in self.stated:
            return [self.stated[arrival.key]]
        unpacked = partial(self._unpacked, arrival, seen, together)
        inside = guarded("unpacking a delivery", unpacked, delivery=arrival.sha256)
        if isinstance(inside, Fault):
            return [failed(arrival, inside)]
        return [self.stated.get(each.key, each) for each in inside] or [arrival]

    def _unpacked(self, arrival: Arrival, seen: Look, together: Collection[tuple[str, str]]) -> list[Arrival]:
        inside = unpack(arrival, self.settings.archive, self.settings.reader_limits)
        if inside:
            self.containers.add(arrival.delivery_id or 0)
        return self._record(inside, seen, [*together, *((each.file, each.folder or "") for each in inside)])

    def _still_waiting(self, arrived: Collection[Key]) -> list[Arrival | Outcome]:
        with self.engine.connect() as connection:
            kept = archived_arrivals(connection, self.settings.archive, waiting(connection, self.version))
            seen = look(connection)
        return [
            each
            for delivery_id, arrival in kept.items()
            if delivery_id not in arrived and delivery_id not in self.containers
            for each in self._opened(arrival, seen, ())
        ]

    def _note_left_out(self, incoming: Incoming, why: LeftOut) -> None:
        if incoming.inbox_path is not None:
            self.left_out.add(incoming.inbox_path)
            with self.engine.begin() as connection:
                left_out.note(connection, entry(incoming, why), self.run_id)

    def _forget_others(self) -> None:
        with self.engine.begin() as connection:
            left_out.forget_others(connection, self.left_out)

    def _has_seen_files(self) -> bool:
        with self.engine.connect() as connection:
            return left_out.has_seen_files(connection)

    def _used(self, folder: str | None, since: dt.datetime) -> left_out.Used:
        with self.engine.connect() as connection:
            return left_out.used(connection, folder, since)

    def _record(self, arrivals: Sequence[Arrival], seen: Look, together: Collection[tuple[str, str]]) -> list[Arrival]:
        """The arrivals, each with the delivery that it is, and with the time at which that came."""
        options = self.options
        stated = Stated(options.form, options.sender, options.as_of)
        found: dict[Key, Arrival] = {}
        with self.engine.begin() as connection:
            said = statements_in(connection, arrivals, seen.received_at, self.settings, options.sender)
            for arrival in sorted(arrivals, key=lambda each: (each.file, each.sha256)):  # in one order: no deadlock
                came = Came(
                    arrival.sha256, arrival.file, arrival.size, arrival.claimed_at or seen.received_at,
                    arrival.path.relative_to(self.settings.archive).as_posix(), arrival.folder, arrival.channel,
                    is_vouched=self.settings.vouches_for(arrival.channel), run_id=self.run_id,
                    container_id=arrival.container_id, inbox_path=arrival.inbox_path, stamp=arrival.stamp,
                    stated=stated, said=said[arrival.key][0] if arrival.key in said else None,
                )  # fmt: skip
                recorded = record_came(connection, came, seen, together)
                found[arrival.key] = replace(
                    arrival, delivery_id=recorded.delivery_id, received_at=recorded.came_at, stated=stated
                )
            made = {each.key: said[key] for key, each in found.items() if key in said}
            self.stated |= take_statements(connection, list(found.values()), made, self.settings, self.run_id)
        return [found[each.key] for each in arrivals]


def archived_arrivals(connection: Connection, folder: Path, deliveries: Collection[int]) -> dict[int, Arrival]:
    """Delivery id → the bytes that the archive in `folder` keeps of it, in the order in which they were received."""
    return {
        each.delivery_id: Arrival(
            each.file_name, each.folder, each.sha256, each.byte_size, each.came_at, folder / each.archive_path,
            claimed_at=each.claimed_at, channel=each.channel or NAMED, delivery_id=each.delivery_id, stated=each.stated,
        )
        for each in archived(connection, deliveries)
    }  # fmt: skip


def claim_of(incoming: Incoming) -> int:
    """The time that a file says itself; one that cannot be looked at says nothing."""
    with suppress(OSError):
        return incoming.path.lstat().st_mtime_ns
    return 0
