"""Golden cases: each folder is a delivery as sent and what its reading must be; README.md says how to add one."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from packs import write_pack
from xlsxwriter.utility import xl_cell_to_rowcol

from contracts.forms import FORMS
from contracts.reading import Reading
from contracts.regions import read_from
from contracts.versions.pack_faults import wrong_tables
from documents.reading.read import read_grid
from transforms.identity.identify import Context, Delivery
from transforms.interpret import interpret

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/reading.json"))
SHOWN = ("rule", "severity", "sheet", "cell", "column", "value", "expected")
WRITE = "PROFMIN_WRITE_GOLDEN" in os.environ


def register(name: str) -> pl.DataFrame:
    return pl.read_csv(HERE / name, schema_overrides={"school_code": pl.String})


def as_sent(case: Path, told: dict[str, Any]) -> bytes:
    """The bytes of the delivery: the file itself, or a workbook drawn from the grid written as text."""
    path = next(case.glob("delivery.*"))
    if path.suffix != ".csv" or told["file"].endswith(".csv"):
        return path.read_bytes()
    return drawn(path.read_text(encoding="utf-8"), told.get("merged", "").split(), told.get("hidden", "").split())


def drawn(text: str, merged: list[str], hidden: list[str]) -> bytes:
    """A workbook of a grid as text: «=== name» begins a sheet; rows and columns are hidden on the last one, and ranges
    merged there, or on the sheet of which a range has the number before it («1!A3:A8»)."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        sheet, r = None, 0
        drawn_cells: dict[tuple[Any, int, int], str] = {}
        for cells in csv.reader(io.StringIO(text), delimiter=";"):
            if cells and cells[0].startswith("=== "):
                sheet, r = book.add_worksheet(cells[0][4:]), 0
                continue
            sheet = sheet or book.add_worksheet("Лист1")
            for c, cell in enumerate(cells):
                draw(sheet, r, c, cell, day)
                drawn_cells[sheet, r, c] = cell
            r += 1
        for each in merged:
            number, _, address = each.rpartition("!")
            on = book.worksheets()[int(number) - 1] if number else sheet
            on.merge_range(address, "")
            r, c = xl_cell_to_rowcol(address.partition(":")[0])
            draw(on, r, c, drawn_cells[on, r, c], day)
        for each in hidden:
            if each.isdecimal():
                sheet.set_row(int(each) - 1, options={"hidden": True})
            else:
                sheet.set_column(f"{each}:{each}", options={"hidden": True})
    return out.getvalue()


def draw(sheet: Any, r: int, c: int, cell: str, day: Any) -> None:
    """Digits are a number, «=0.41» is one too, an ISO date is a date cell, «'5» is text, «#REF!» a failed formula."""
    if cell in ("#REF!", "#N/A", "#DIV/0!"):
        sheet.write_formula(r, c, "=A0", None, cell)
    elif cell.isdecimal() or cell.startswith("="):
        sheet.write_number(r, c, float(cell.lstrip("=")))
    elif len(cell) == 10 and cell[4] == cell[7] == "-":
        sheet.write_datetime(r, c, dt.date.fromisoformat(cell), day)
    elif cell:
        sheet.write_string(r, c, cell.removeprefix("'"))


@pytest.fixture
def region(case: Path, tmp_path: Path) -> Iterator[None]:
    """The shipped region, in which the case may say that rules judge otherwise."""
    if (case / "rule_states.csv").exists():
        pack = write_pack(tmp_path / "packs" / "69-tomsk")
        shutil.copy(case / "rule_states.csv", pack)
        assert wrong_tables(pack) == []
        read_from(tmp_path / "packs")
    yield
    read_from(None)


@cache
def read(case: Path) -> Reading:
    """A delivery as the fixture `region` has it, once for all tests of it."""
    told = told_of(case)
    content = read_grid(told["file"], as_sent(case, told))
    received = dt.datetime.fromisoformat(told.get("received", "2023-09-08T12:00+00:00"))
    delivery = Delivery(told["file"], "0" * 64, told.get("folder"), received, content)
    schools = None if told["form"] == "school_register" else register(told.get("register", "register.csv"))
    found = interpret([delivery], Context(register=schools, secret=b"golden"))[0]
    if isinstance(found, Reading):
        return found
    for _ in found:
        pass
    return found.reading()


def told_of(case: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((case / "reading.json").read_text(encoding="utf-8"))
    return found


def as_csv(frame: pl.DataFrame) -> str:
    return frame.write_csv(separator=";") if frame.width else ""


def about(reading: Reading) -> dict[str, Any]:
    rows = reading.rows
    return {
        "form": reading.form,
        "edition": reading.edition,
        "sender": reading.sender,
        "as_of": reading.as_of and reading.as_of.isoformat(),
        "verdict": reading.verdict,
        "rows": f"{rows.read} = {rows.loaded} loaded + {rows.quarantined} quarantined + {rows.not_data} not data",
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_golden(case: Path, region: None) -> None:
    told, reading = told_of(case), read(case)
    expected = {
        "facts.csv": as_csv(reading.facts),
        "findings.csv": as_csv(reading.findings.select(SHOWN)),
    }
    if WRITE:
        for name, text in expected.items():
            (case / name).write_text(text, encoding="utf-8")
        told |= about(reading)
        (case / "reading.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert about(reading) == {name: told[name] for name in about(reading)}
    for name, text in expected.items():
        assert text == (case / name).read_text(encoding="utf-8"), name


OF_PYTHON = re.compile(
    r"\b(None|True|False|NaN?|nan|inf|datetime|timedelta|date\(|Error|Exception|Traceback|dtype|polars)\b"
    r"|\d day|<class|\[['\"]|['\"]\]|\{['\"]|\\x|\\u|\d\.\d{10}|e-\d\d"
)
"""What no sentence of ours for a Russian reader may have; the value of a cell stands as its sender wrote it."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_nothing_of_python_is_said(case: Path, region: None) -> None:
    for found in read(case).findings.to_dicts():
        said = found["message"].replace(f"«{found['value']}»", "") + str(found["expected"] or "")
        assert not OF_PYTHON.search(said), said
        assert not re.search(r"\d day|timedelta|datetime", str(found["value"])), found["value"]


def test_every_form_has_a_case() -> None:
    assert {form.name for form in FORMS} <= {case.parent.name for case in CASES}
