"""Receipts, findings and workbooks of the tests of receipts."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.worksheet.worksheet import Worksheet

from contracts.forms import RULES
from contracts.grid import Unreadable
from contracts.reading import Finding, Layout, Rows
from contracts.receipt import Receipt
from documents.reading.read import read_grid
from documents.receipts.make import make_receipt
from documents.receipts.styles import MARKS

RECEIVED = dt.datetime(2023, 9, 8, 15, 6, tzinfo=dt.timezone(dt.timedelta(hours=7)))
INJECTIONS = ("=cmd|'/c calc'!A1", "+7 913", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "=1+1")


def finding(**changed: Any) -> Finding:
    """A finding at F3 of «Лист1», in the words that the pipeline gives it."""
    found: dict[str, Any] = {
        "rule": "RDY-011", "severity": "error", "scope": "row", "sheet": "Лист1", "cell": "F3", "row": 3,
        "column": "navigators_trained", "value": "5", "expected": "≤ 3", "difference": 2.0,
        "subject": "МБОУ «СОШ с. Дальнее»",
    } | changed  # fmt: skip
    subject, rule = found.pop("subject"), RULES[str(found["rule"])]
    stated = f" Указано: «{found['value']}»." if found["value"] is not None else ""
    wanted = f" Ожидается: {found['expected']}." if found["expected"] is not None else ""
    whose = f"{subject}: " if subject else ""
    return Finding(message=f"{whose}{rule.what}{stated}{wanted} {rule.mend}", **found)


def receipt(*findings: Finding, **changed: Any) -> Receipt:
    known: dict[str, Any] = {
        "file": "Отчёт Дальний 08.09.2023.xlsx", "sha256": "0123456789abcdef" * 4, "received_at": RECEIVED,
        "verdict": "partial", "rows": Rows(5, 1, 1, 3), "layout": Layout(), "findings": findings,
        "form": "readiness_report", "edition": "2023", "sender": "asinovsky",
        "sender_name": "Асиновский муниципальный район", "as_of": dt.date(2023, 9, 8),
        "campaign_title": "Готовность 2023/2024", "deadline": dt.date(2023, 9, 11),
    }  # fmt: skip
    return Receipt(**known | changed)


def workbook(sheet: str = "Лист1", **options: Any) -> bytes:
    """A workbook with a title, a heading, two rows (F3 and F4 in colour), a formula with a result, and a chart."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.set_properties({"created": RECEIVED.replace(tzinfo=None)})  # else two differ that a second lies between
        page = book.add_worksheet(sheet)
        page.write_string("A1", "Сведения")
        page.write_row("A2", ["Школа", "Уровень", "Часы", "Дата", "Всего", "Обучено"])
        coloured = book.add_format({"bg_color": "#00B0F0", "num_format": "0.00", "bold": True})
        for row in (2, 3):
            page.write_row(row, 0, ["МБОУ «СОШ с. Дальнее»", "базовый", 40])
            page.write_datetime(row, 3, dt.date(2023, 9, 1), book.add_format({"num_format": "dd.mm.yyyy"}))
            page.write_number(row, 5, 5, coloured)
        page.write_formula("E3", "=C3*2", None, 80)
        page.write_comment("A3", "Проверил отдел кадров", {"author": "Отдел"})
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": f"='{sheet}'!$C$3:$C$4"})
        page.insert_chart("H2", chart)
        for name, value in options.items():
            getattr(page, name)(*value)
    return made.getvalue()


def opened(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def made(told: Receipt, source: bytes | None) -> openpyxl.Workbook:
    return opened(receipt_bytes(told, source))


def texts(page: Worksheet) -> list[str]:
    """Every text of a sheet, line by line."""
    return [str(cell.value) for row in page.iter_rows() for cell in row if cell.value is not None]


def whole(book: openpyxl.Workbook) -> str:
    """All text of the sheet «Квитанция»."""
    return "\n".join(texts(book.worksheets[0]))


def marked(page: Worksheet) -> dict[str, str]:
    """Address → the colour of our mark."""
    ours = set(MARKS.values())
    return {
        cell.coordinate: cell.fill.fgColor.rgb
        for row in page.iter_rows()
        for cell in row
        if cell.fill.fill_type == "solid" and cell.fill.fgColor.rgb in ours
    }


def comments(page: Worksheet) -> dict[str, str]:
    return {cell.coordinate: cell.comment.text for row in page.iter_rows() for cell in row if cell.comment}


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def formulas(data: bytes) -> list[bytes]:
    """Every formula in a workbook, wherever one may stand."""
    return [
        found
        for name, part in parts(data).items()
        if name.startswith("xl/worksheets/")
        for found in re.findall(rb"<(?:\w+:)?f[ >][^<]*", part)
    ]


def saved(book: openpyxl.Workbook) -> bytes:
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def receipt_bytes(told: Receipt, source: Path | bytes | None) -> bytes:
    """The receipt of a delivery that is read here."""
    if source is None:
        return make_receipt(told, None)
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        return make_receipt(told, source, read_grid(told.file, data))
    except Unreadable as error:
        return make_receipt(told, source, error)
