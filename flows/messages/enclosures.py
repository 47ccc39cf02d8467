"""What goes with a message: the receipt of a delivery, the template of a form; made when the message is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.reading import Finding
from contracts.receipt import Receipt
from contracts.texts import phrases
from documents.receipts.make import alone
from documents.writing.template import template_xlsx
from flows.home.asked_region import asked_region
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import write_changed
from flows.intake.outcome import NOBODY
from flows.messages.mail import File
from flows.outbox.receipts import made_receipts, receipt_path
from flows.outbox.templates import default_day, destination, fillable, known_rows, sender_of
from warehouse.deliveries.receipt_contents import addresses, last_readings, receipts
from warehouse.incidents.messages import Attachment, Due

if TYPE_CHECKING:
    from sqlalchemy import Engine

LARGEST = 8_000_000
"""Bytes of the files of one letter; many mail servers take 10 MB, and as text they grow by a third."""


class Enclosures:
    """Makes the files of one pass's letters."""

    def __init__(self, engine: Engine, settings: Settings, now: dt.datetime) -> None:
        self.engine = engine
        self.settings = settings
        self.now = now

    def of(self, messages: Sequence[Due]) -> tuple[tuple[File, ...], tuple[str, ...]]:
        """The files of some messages, and sentences about those that are left out.

        A sender gets receipts as they lie in its folder of the outbox, and only its own; anybody else the first sheet
        without the values of cells.
        """
        wanted = {
            (attachment, is_own): message.sender
            for message in messages
            for attachment in message.attachments
            for is_own in [message.about.get("audience", "sender") == "sender"]
        }
        files: dict[str, File] = {}
        left_out: list[str] = []
        unmade = False
        size = 0
        for (attachment, is_own), sender in wanted.items():
            file = guarded("making an attachment", partial(self._made, attachment, sender, is_own=is_own))
            if isinstance(file, Fault):
                unmade = True
            elif file is None or file.name in files:
                continue
            elif size + len(file.data) > LARGEST:
                left_out.append(file.name)
            else:
                files[file.name] = file
                size += len(file.data)
        return tuple(files.values()), tuple(self._sentences(files, left_out, messages[0].sender, unmade=unmade))

    def _sentences(
        self, files: Iterable[str], left_out: Sequence[str], sender: str | None, *, unmade: bool
    ) -> Iterable[str]:
        folder = f"outbox/{sender or NOBODY}"
        if names := "; ".join(files):
            yield phrases()["message.attached"].format(names=names)
        if left_out:
            yield phrases()["message.left_out"].format(names="; ".join(left_out), folder=folder)
        if unmade:
            yield phrases()["message.unmade"].format(folder=folder)

    def _made(self, attachment: Attachment, sender: str | None, *, is_own: bool) -> File | None:
        if attachment.what == "template":
            return self._template(attachment)
        if attachment.delivery_id is None:
            return None
        return self._receipt(attachment.delivery_id, sender, is_own=is_own)

    def _receipt(self, delivery_id: int, sender: str | None, *, is_own: bool) -> File | None:
        """The receipt of a delivery; none for one that was not read, or is not of the sender that is written to."""
        with self.engine.connect() as connection:
            reading_id = last_readings(connection, [delivery_id]).get(delivery_id)
            if reading_id is None:
                return None
            address = addresses(connection, [reading_id])[reading_id]
            path = receipt_path(self.settings.outbox, address)
            if is_own and (sender is None or address.place != sender):
                return None
            if is_own and path.exists():
                return File(path.name, path.read_bytes())
            receipt = receipts(connection, [reading_id])[reading_id]
        if not is_own:
            name = phrases()["message.receipt"].format(sender=receipt.sender_name or "", checksum=receipt.sha256[:7])
            return File(f"{name}.xlsx", alone(_without_cells(receipt), "officer"))
        with closing(made_receipts(self.settings, [(receipt, address)])) as contents:  # type: ignore[type-var]
            ((_, data),) = contents
        if isinstance(data, Fault):
            raise data
        write_changed(path, data, self.settings.outbox)
        return File(path.name, data)

    def _template(self, attachment: Attachment) -> File | None:
        form = None
        with suppress(UsageError):
            form = fillable(attachment.form or "")
        if form is None:
            return None
        region = asked_region(None, attachment.sender)
        owner = sender_of(form, attachment.sender, region)
        day = default_day(form, self.now.astimezone(region.zone).date(), region)
        rows = known_rows(self.settings, form, region, attachment.sender, day)
        data = template_xlsx(form, day, owner["name"] if owner else None, rows, region.code)
        return File(destination(form, owner, None).name, data)


def _without_cells(receipt: Receipt) -> Receipt:
    """A receipt for others than the sender: what is wrong and where, without the values of cells, headings that are not
    of the form, and names of files, any of which may be a person's name."""

    def bare(finding: Finding) -> Finding:
        value, text = finding.value, finding.message
        if value is not None:
            text = text.replace(f" Указано: «{value}».", "").replace(f"«{value}»", "«…»")
        return finding._replace(value=None, message=text)

    return replace(
        receipt,
        file=f"{receipt.sha256[:7]}{Path(receipt.file).suffix}",
        findings=tuple(bare(finding) for finding in receipt.findings),
        layout=replace(receipt.layout, unknown=(), suggested=(), matched={}),
        other=None,
    )
