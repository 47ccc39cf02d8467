"""Good files to spoil: every style, the other files of a region, the template of each form filled in, and each format
that is read."""

from __future__ import annotations

import datetime as dt
import io
import json
import struct
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
from example import SENDERS
from truth import SCHOOLS, filled_template, truth

from contracts.forms import FORMS, form_named
from contracts.grid import Grid, Value
from documents.demo import Region, Sizes, deliveries, synthetic
from documents.reading.read import read_grid
from documents.writing.template import template_xlsx
from transforms.cells.key import key
from transforms.identity.identify import Context

GOLDEN = Path(__file__).parents[1] / "golden"
RECEIVED = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)
KEPT = ("kept_as_xls", "kept_as_ods", "error_cells_in_xls", "error_cells_in_ods", "html_named_xls")
DAY_ZERO = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook keeps local time


@dataclass(frozen=True)
class Good:
    """A file that is read well. `world` says with which register it is read."""

    name: str
    folder: str | None
    data: bytes
    world: str

    @property
    def ending(self) -> str:
        return self.name.rpartition(".")[2].lower()


@cache
def region() -> Region:
    """Nine senders, one a style, with three schools each."""
    return synthetic(Sizes(seed=11, senders=9, schools=30, pupils=60, bad_share=0.15))


@cache
def corpus() -> tuple[Good, ...]:
    found = [Good(name, sender, data, "region") for sender, name, data, _ in deliveries(region())]
    report = found[1]  # xlsb() knows no merged cells
    found.append(Good("готовность.xlsb", report.folder, xlsb(read_grid(report.name, report.data)), "region"))
    sender = region().units.row(0, named=True)
    schools = region().schools.filter(subordination=sender["reporting_unit"]).select("school_code", "short_name")
    known = [{"school_code": code, "school_name": name} for code, name in schools.iter_rows()]
    template = template_xlsx(form_named("readiness_report"), region().as_of, sender["name"], known)
    found.append(Good("шаблон.xlsx", sender["reporting_unit"], template, "region"))
    for case in KEPT:
        path = next((GOLDEN / "readiness_report" / case).glob("delivery.*"))
        told = json.loads(path.with_name("reading.json").read_text(encoding="utf-8"))
        found.append(Good(told["file"], told.get("folder"), path.read_bytes(), "golden"))
    text = next(each for each in found if each.ending == "csv")
    for encoding in ("utf-8-sig", "utf-16", "cp866", "koi8-r"):
        data = text.data.decode("cp1251").encode(encoding, "replace")
        found.append(Good(text.name, text.folder, data, "region"))
    page = next(each for each in found if b"<html" in each.data[:200])
    data = page.data.decode("cp1251").replace("windows-1251", "utf-8").encode()
    found.append(Good(f"{page.name}.html", page.folder, data, page.world))
    for form in (form for form in FORMS if form.pupils is None):
        data, *_ = filled_template(form, truth(form))
        found.append(Good(f"{form.title}.xlsx", SENDERS[form.name], data, "forms"))
    return tuple(found)


@cache
def contexts() -> dict[str, Context]:
    made = region()
    register = made.schools.with_row_index("school_id", 1).cast({"school_id": pl.Int64})
    columns = ("school_id", "school_code", "short_name", "territory", "subordination", "pupils_6_11")
    aliases = {key(alias): unit for alias, unit in made.aliases.iter_rows()}
    golden = pl.read_csv(GOLDEN / "register.csv", schema_overrides={"school_code": pl.String})
    return {
        "region": Context(register.select(columns), b"test", aliases=aliases),
        "golden": Context(golden, b"test"),
        "forms": Context(SCHOOLS, b"test"),
    }


def xlsb(grid: Grid) -> bytes:
    """A binary workbook of the last sheet of a grid: texts and numbers, nothing else. Nobody but Excel writes one."""

    def record(kind: int, data: bytes = b"") -> bytes:
        head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
        size, length = len(data), b""
        while True:
            length += bytes([size & 127 | (128 if size > 127 else 0)])
            size >>= 7
            if not size:
                return head + length + data

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(column: int, value: Value) -> bytes:
        place = struct.pack("<II", column, 0)
        number = value if isinstance(value, int | float) else as_number(value)
        if number is not None:
            return record(0x05, place + struct.pack("<d", number))
        return record(0x06, place + wide(str(value)))

    rows = grid.sheets[-1].rows
    width = max(map(len, rows))
    sheet = record(0x81) + record(0x94, struct.pack("<4I", 0, len(rows) - 1, 0, width - 1)) + record(0x91)
    for r, row in enumerate(rows):
        sheet += record(0x00, struct.pack("<II", r, 0) + bytes(17))
        sheet += b"".join(cell(c, value) for c, value in enumerate(row) if value is not None)
    sheet += record(0x92) + record(0x82)
    bundle = struct.pack("<II", 0, 1) + wide("rId1") + wide("Лист1")
    book = record(0x83) + record(0x8F) + record(0x9C, bundle) + record(0x90) + record(0x84)
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    relations = (
        f'<Relationships><Relationship Id="rId1" Type="{relation}" Target="worksheets/sheet1.bin"/></Relationships>'
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", '<Types><Default Extension="bin"/></Types>')
        archive.writestr("xl/_rels/workbook.bin.rels", relations)
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    return data.getvalue()


def as_number(value: Value) -> float | None:
    """The number that a workbook keeps for a date or a time."""
    if isinstance(value, dt.datetime):
        return (value - DAY_ZERO) / dt.timedelta(days=1)
    if isinstance(value, dt.date):
        return float((value - DAY_ZERO.date()).days)
    if isinstance(value, dt.timedelta):
        return value / dt.timedelta(days=1)
    return None
