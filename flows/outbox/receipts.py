"""What goes back to the senders: a receipt for each delivery, and one for what did not come before its deadline."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace as replace_fields
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from contracts.circumstances import answered_to
from contracts.forms import FORMS
from contracts.grid import Blocks, Grid, Unreadable
from contracts.receipt import Overdue, Receipt
from contracts.regions import region_of
from contracts.regions.pack import Region
from documents.receipts.explanation_lines import came_of_sentences
from documents.receipts.make import Content, copies_table, make_overdue, make_receipt, overdue_name, receipt_name
from flows.home.archived import Opened, is_kept, readers, size_of
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.keyring import Keyring, keyring_of
from flows.home.settings import Settings
from flows.home.whole_file import write_changed
from flows.intake.outcome import NOBODY, Outcome
from flows.intake.statement_file import answer, answer_name, came_back_answer
from transforms.findings.disclosure import HIDDEN, born_before, may_be_shown
from warehouse.deliveries.explanations import UnansweredReturn, note_returns_answered, unanswered_returns
from warehouse.deliveries.receipt_contents import (
    Address,
    addresses,
    note_answered,
    note_same_answered,
    overdue,
    receipts,
    same_unanswered,
    unanswered,
)
from warehouse.incidents import nothing_to_report as statements
from warehouse.incidents.nothing_to_report import Unanswered

if TYPE_CHECKING:
    from sqlalchemy import Engine

NAMING_PEOPLE = frozenset(form.name for form in FORMS if form.names_people)
AT_ONCE = 500
"""Receipts whose findings are in memory together."""


def write_receipts(
    engine: Engine, settings: Settings, region: Region, outcomes: Iterable[Outcome], day: dt.date | None
) -> list[Path]:
    """Write the receipts of a run's deliveries, those that an earlier run of the region owes, and those for what is
    overdue there on a day; returns the files that changed.

    A repeated delivery keeps the receipt that it has. The data is loaded: a receipt that cannot be made is logged, and
    the next run tries again.
    """
    is_repeated: dict[int, bool] = {}
    for outcome in outcomes:
        if outcome.reading_id is not None:
            is_repeated[outcome.reading_id] = is_repeated.get(outcome.reading_id, True) and outcome.is_repeat
    written: list[Path] = []
    failure = guarded(
        "writing receipts", lambda: written.extend(_receipts_written(engine, settings, region, is_repeated))
    )
    guarded("answering what was sent again", lambda: written.extend(_same_answered(engine, settings, region)))
    if day is not None and not isinstance(failure, Fault):
        overdues = partial(_overdue_written, engine, settings, region, day)
        guarded("writing receipts of what is overdue", lambda: written.extend(overdues()))
    guarded("answering statements", lambda: written.extend(_statements_answered(engine, settings, region)))
    guarded("answering explanations", lambda: written.extend(_explanations_answered(engine, settings, region)))
    LOGGER.info("%d new receipts in the outbox", len(written))
    return written


def receipt_path(outbox: Path, address: Address) -> Path:
    """Where the receipt of a delivery goes."""
    name = _public_name(address.file, address.form, address.as_of, address.sha256)
    return outbox / (address.place or NOBODY) / receipt_name(name, address.sha256)


def _public_name(file: str, form: str | None, as_of: dt.date | None, sha256: str) -> str:
    """The name of a file as others may see it; a file of people keeps its own only when all its words are ours."""
    if form not in NAMING_PEOPLE or may_be_shown(file, born_before(as_of)):
        return file
    return f"{sha256[:7]}{PurePath(file).suffix}"


def _with_public_names(receipt: Receipt) -> Receipt:
    """A receipt with the names of files that may be told."""
    other = receipt.other
    if other is not None:
        other = replace_fields(other, file=_public_name(other.file, receipt.form, receipt.as_of, HIDDEN))
    file = _public_name(receipt.file, receipt.form, receipt.as_of, receipt.sha256)
    return replace_fields(receipt, file=file, other=other)


def made_receipts(
    settings: Settings, addressed: Collection[tuple[Receipt, Address]]
) -> Iterator[tuple[Receipt, bytes | Fault]]:
    """The bytes of receipts in their order; files are opened in the reader processes, ahead of who asks."""
    sources = [settings.archive / address.archive_path for _, address in addressed]
    is_opened = [
        is_kept(source) and copies_table(receipt, size_of(source))
        for (receipt, _), source in zip(addressed, sources, strict=True)
    ]
    files = [
        (receipt.file, source)
        for (receipt, _), source, is_one in zip(addressed, sources, is_opened, strict=True)
        if is_one
    ]
    keyring = keyring_of(settings)
    with closing(readers(settings).in_order(files)) as opened:
        for (receipt, _), source, is_one in zip(addressed, sources, is_opened, strict=True):
            future = next(opened) if is_one else None
            doing = f"making the receipt of delivery {receipt.sha256[:8]}"
            made = partial(_made, receipt, source, keyring, future)
            yield receipt, guarded(doing, made, delivery=receipt.sha256)


def _made(receipt: Receipt, source: Path, keyring: Keyring, opened: Future[Grid | Blocks] | None) -> bytes:
    content: Content | None = None
    if opened is not None:
        try:
            content = opened.result()
        except Unreadable as error:
            content = error
    delivery = Opened(source, keyring) if is_kept(source) else None
    return make_receipt(_with_public_names(receipt), delivery.path if delivery else None, content)


def _receipts_written(
    engine: Engine, settings: Settings, region: Region, is_repeated: Mapping[int, bool]
) -> Iterator[Path]:
    """Receipts of readings and of those that were never answered; of `asked` the value says that the delivery was only
    repeated. One that cannot be told of, made or written stays unanswered and holds up no other."""
    with engine.connect() as connection:
        owed = unanswered(connection)
        addressed = addresses(connection, {*is_repeated, *owed})
    own = [reading_id for reading_id in owed if region_of(addressed[reading_id].place) == region]
    is_repeated = {**is_repeated, **dict.fromkeys(own, False)}
    paths = {reading_id: receipt_path(settings.outbox, address) for reading_id, address in addressed.items()}
    due = [
        reading_id
        for reading_id, is_repeat in is_repeated.items()
        if not (is_repeat and os.path.exists(paths[reading_id]))  # noqa: PTH110
    ]
    for start in range(0, len(due), AT_ONCE):
        contents = _contents(engine, settings, due[start : start + AT_ONCE])
        made = made_receipts(settings, [(receipt, addressed[reading_id]) for reading_id, receipt in contents.items()])
        answered = []
        for reading_id, (receipt, data) in zip(contents, made, strict=True):
            written = _put(settings, receipt.sha256, paths[reading_id], data)
            if written is True:
                yield paths[reading_id]
            if not isinstance(written, Fault):
                answered.append(reading_id)
        with engine.begin() as connection:
            note_answered(connection, answered)


def _same_answered(engine: Engine, settings: Settings, region: Region) -> Iterator[Path]:
    """The receipts of deliveries that say again what holds: those of the others, under their own names."""
    with engine.connect() as connection:
        owed = [same for same in same_unanswered(connection) if region_of(same.address.place) == region]
    for start in range(0, len(owed), AT_ONCE):
        batch = owed[start : start + AT_ONCE]
        first = _contents(engine, settings, [same.reading_id for same in batch])
        repeats = [(same, same.receipt(first[same.reading_id])) for same in batch if same.reading_id in first]
        made = made_receipts(settings, [(receipt, same.address) for same, receipt in repeats])
        answered = []
        for (same, _), (_, data) in zip(repeats, made, strict=True):
            path = receipt_path(settings.outbox, same.address)
            written = _put(settings, same.address.sha256, path, data)
            if written is True:
                yield path
            if not isinstance(written, Fault):
                answered.append(same.delivery_id)
        with engine.begin() as connection:
            note_same_answered(connection, answered)


def _put(settings: Settings, sha256: str, path: Path, data: bytes | Fault) -> bool | Fault:
    """Write a receipt; whether it was news, or why it was not made or written."""
    if isinstance(data, Fault):
        return data
    doing = f"writing the receipt of delivery {sha256[:8]}"
    return guarded(doing, partial(write_changed, path, data, settings.outbox))


def _contents(engine: Engine, settings: Settings, readings: Sequence[int]) -> dict[int, Receipt]:
    """What the receipts of readings say, in one question; when that fails, in a question each."""

    def read() -> dict[int, Receipt]:
        with engine.connect() as connection:
            contents = receipts(connection, list(readings))
        return {reading_id: contents[reading_id] for reading_id in readings}

    contents = guarded(f"asking what to answer to {len(readings)} readings from {readings[0]} on", read)
    if not isinstance(contents, Fault):
        return contents
    if len(readings) == 1:
        return {}
    return {
        key: receipt for reading_id in readings for key, receipt in _contents(engine, settings, [reading_id]).items()
    }


def _statements_answered(engine: Engine, settings: Settings, region: Region) -> Iterator[Path]:
    """An answer to each statement by file that has none."""
    with engine.connect() as connection:
        owed = [each for each in statements.unanswered(connection) if region_of(each.sender) == region]
    answered = []
    for statement in owed:
        path = settings.outbox / statement.sender / answer_name(statement.file or "", statement.sha256)

        def work(statement: Unanswered = statement, path: Path = path) -> bool:
            return write_changed(path, answer(statement), settings.outbox)

        written = guarded(f"answering statement {statement.statement_id}", work)
        if written is True:
            yield path
        if not isinstance(written, Fault):
            answered.append(statement.statement_id)
    if answered:
        with engine.begin() as connection:
            statements.note_answered(connection, answered)


def _explanations_answered(engine: Engine, settings: Settings, region: Region) -> Iterator[Path]:
    """An answer to each receipt that came back without a table: what came of it. The receipt that it answers is written
    again as any other."""
    with engine.connect() as connection:
        owed = [each for each in unanswered_returns(connection) if region_of(_place_of(each)) == region]
    answered = []
    for returned in owed:
        path = settings.outbox / (_place_of(returned) or NOBODY) / answer_name(returned.file, returned.sha256)
        data = came_back_answer(PurePath(returned.file).name, came_of_sentences(returned.came_of))
        doing = f"answering the receipt {returned.sha256[:8]} that came back"
        written = guarded(doing, partial(write_changed, path, data, settings.outbox))
        if written is True:
            yield path
        if not isinstance(written, Fault):
            answered.append(returned.delivery_id)
    if answered:
        with engine.begin() as connection:
            note_returns_answered(connection, answered)


def _place_of(returned: UnansweredReturn) -> str | None:
    return answered_to(returned.folder, returned.sender)


def _overdue_written(engine: Engine, settings: Settings, region: Region, day: dt.date) -> Iterator[Path]:
    """A receipt for each delivery that is overdue on a day; that of one which came meanwhile, or of which
    its sender said that there is nothing to report, is removed, and so are those of earlier months and campaigns."""
    with engine.connect() as connection:
        overdues: list[Overdue] = overdue(connection, region.code, day)
    for document in overdues:
        path = settings.outbox / document.sender / overdue_name(document.form, document.slot)
        if guarded(f"telling {document.sender} what is overdue", partial(_overdue, settings, document, path)) is True:
            yield path


def _overdue(settings: Settings, document: Overdue, path: Path) -> bool:
    for earlier in path.parent.glob(overdue_name(document.form, "*")):
        if earlier.name < path.name:
            earlier.unlink(missing_ok=True)
    if document.is_received or document.is_nothing:
        path.unlink(missing_ok=True)
        return False
    return write_changed(path, make_overdue(document), settings.outbox)
