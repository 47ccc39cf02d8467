"""`profmin receipt`: the receipt of a delivery, written again out of what is stored."""

from __future__ import annotations

from pathlib import Path

from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import write_changed
from flows.outbox.receipts import made_receipts, receipt_path
from warehouse.deliveries.receipt_contents import addresses, deliveries_called, receipts


def write_receipt(settings: Settings, delivery: str, to: Path | None) -> Path:
    """Write the receipt of a delivery to a file or a folder, by default where it belongs in the outbox; returns the
    file. The delivery is an id, a file name (of several the newest) or the beginning of a sha256.

    Raises UsageError for a delivery that is not there, is not told apart, or was not read yet; Fault for one whose
    receipt cannot be made.
    """
    settings.prepare()
    with warehouse(settings) as engine, engine.connect() as connection:
        candidates = deliveries_called(connection, delivery)
        if not candidates:
            raise UsageError(
                f"доставки «{delivery}» нет; назовите номер, имя файла или начало sha256, не меньше 4 знаков"
            )
        if len(candidates) > 1:
            several = ", ".join(
                f"{candidate.delivery_id} ({candidate.sha256[:12]} {candidate.file})" for candidate in candidates[:5]
            )
            raise UsageError(f"доставок «{delivery}» несколько ({len(candidates)}): {several}; назовите номер")
        (first,) = candidates
        if first.reading_id is None:
            raise UsageError(f"доставка {first.delivery_id} ещё не прочитана, ответить нечего")
        address = addresses(connection, [first.reading_id])[first.reading_id]
        receipt = receipts(connection, [first.reading_id])[first.reading_id]
    ((_, data),) = made_receipts(settings, [(receipt, address)])
    if isinstance(data, Exception):
        raise data
    usual = receipt_path(settings.outbox, address)
    path = usual if to is None else to / usual.name if to.is_dir() else to
    write_changed(path, data)
    return path
