"""A receipt as a workbook: the sender's own table with the bad cells marked, and the sheet «Квитанция» before it.

`make_receipt` is a plain function of what was stored and of the bytes received, so it can run in a worker with limits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from contracts.forms import FORMS
from contracts.grid import Blocks, Grid, Unreadable
from contracts.receipt import SHEET, Overdue, Receipt, is_receipt
from contracts.texts import phrases
from documents.reading.names import file_name
from documents.reading.read import ZIP_ERRORS
from documents.receipts.likeness import blank_workbook, likeness
from documents.receipts.marks import marks
from documents.receipts.markup import Unusual
from documents.receipts.package import Package
from documents.receipts.page import overdue_lines, receipt_lines
from documents.receipts.sent_workbook import DrawSheet, with_receipt
from documents.receipts.sheet import Line, sheet_xml

LARGEST = 5_000_000
MOST_CELLS = 200_000
"""Bytes and cells of a file above which the receipt lists the places and the table is not copied."""
LONGEST_STEM = 80
SUFFIX = ".квитанция.xlsx"
OWN_SUFFIX = re.compile(r"(?:\.[0-9a-f]{7})?\.квитанция$")
NOT_RECEIVED = ".не получен"
OWN = ("xlsx", "xlsm")

Content = Grid | Blocks | Unreadable


def receipt_name(file: str, sha256: str) -> str:
    """The file name of a receipt. It begins like the sender's own, which may say whose it is and for which date; of a
    checksum 7 digits, since 8 could be a date. Whatever bytes the sender's name had, this one can be written."""
    stem = PurePath(file).name
    stem = PurePath(stem).stem
    while OWN_SUFFIX.search(stem):
        stem = OWN_SUFFIX.sub("", stem)
    return file_name(stem, f".{sha256[:7]}{SUFFIX}", LONGEST_STEM)


def overdue_name(form: str, slot: str) -> str:
    """The file name of a receipt for what was not received."""
    return f"{form} {slot}{NOT_RECEIVED}{SUFFIX}"


def copies_table(receipt: Receipt, size: int) -> bool:
    """Does the receipt of a file of so many bytes hold the sender's table, so that the file has to be opened?"""
    form = next((agreed for agreed in FORMS if agreed.name == receipt.form), None)
    return form is not None and not form.names_people and size <= LARGEST


def make_receipt(receipt: Receipt, source: Path | bytes | None, content: Content | None = None) -> bytes:
    """The bytes of a receipt; the same reading of the same source gives the same bytes.

    `source` is the delivery as it was received, and `content` what was read of it in a process with limits. Where the
    table must not or cannot be copied (names, an unknown form, an unreadable or a large file), the receipt is the
    sheet «Квитанция» alone, and says so.
    """
    if source is None:
        return alone(receipt, "absent")
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if not copies_table(receipt, size):
        is_of_form = any(agreed.name == receipt.form for agreed in FORMS)
        return alone(receipt, "unknown" if not is_of_form else "large" if size > LARGEST else "pupils")
    data = source.read_bytes() if isinstance(source, Path) else source
    if content is None or isinstance(content, Unreadable):
        return alone(receipt, "unread")
    if isinstance(content, Blocks) or sum(len(row) for sheet in content.sheets for row in sheet.rows) > MOST_CELLS:
        return alone(receipt, "large")
    old = {sheet.name for sheet in content.sheets if is_receipt(sheet.name, sheet.rows[0] if sheet.rows else ())}
    grid = replace(content, sheets=[sheet for sheet in content.sheets if sheet.name not in old])
    if grid.format in OWN:
        try:
            return _marked(receipt, data, grid, old)
        except (Unusual, *ZIP_ERRORS):
            return _in_likeness(receipt, grid, "rebuilt")
    return _in_likeness(receipt, grid, "likeness")


def _marked(receipt: Receipt, data: bytes, grid: Grid, old: set[str]) -> bytes:
    """The sender's own workbook, marked."""
    names = {sheet.name: sheet.name for sheet in grid.sheets}
    sheet_marks = marks(receipt.findings, receipt.form, receipt.edition)
    way = "macros" if grid.format == "xlsm" else ""
    draw = _drawn(receipt_lines(receipt, way, names), receipt.file)
    return with_receipt(Package.of(data), draw, sheet_marks, old)


def _in_likeness(receipt: Receipt, grid: Grid, way: str) -> bytes:
    """A workbook of ours with the same cells, marked."""
    data, names = likeness(grid)
    sheet_marks = marks(receipt.findings, receipt.form, receipt.edition)
    draw = _drawn(receipt_lines(receipt, way, names), receipt.file)
    return with_receipt(
        Package.of(data), draw, {names[sheet]: places for sheet, places in sheet_marks.items() if sheet in names}
    )


def alone(receipt: Receipt, way: str) -> bytes:
    """The sheet «Квитанция» and nothing else."""
    return _by_itself(_drawn(receipt_lines(receipt, way, {}), receipt.file))


def make_overdue(overdue: Overdue) -> bytes:
    """A receipt for what was not received before its deadline."""
    return _by_itself(_drawn(overdue_lines(overdue), overdue.form_title))


def _by_itself(draw: DrawSheet) -> bytes:
    """A workbook of one drawn sheet."""
    data, blank = blank_workbook()
    return with_receipt(Package.of(data), draw, {}, {blank})


def _drawn(lines: Sequence[Line], footer: str) -> DrawSheet:
    """What draws the sheet «Квитанция» in the styles of a workbook."""
    return lambda styles: sheet_xml(lines, styles, f"{SHEET}: {footer}", phrases()["receipt.pages"])
