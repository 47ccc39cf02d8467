"""What the raw parts of a workbook say beside its values, gathered before calamine reads them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from contracts.grid import Range, Unreadable

CELL_LIMIT = 50_000_000  # rows times columns of a sheet
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}


@dataclass
class Extras:
    """What the raw sheet says beside the values: its error cells, merges and the size of the filled rectangle."""

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    rows: int = 0
    columns: int = 0

    def fill(self, row: int, column: int) -> None:
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)

    def check_size(self, name: str) -> None:
        if self.rows * self.columns > CELL_LIMIT:
            raise Unreadable("too_large", f"Sheet {name!r} spans {self.rows} rows and {self.columns} columns.")


def walk(
    archive: zipfile.ZipFile,
    member: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Stream a part through expat. A spreadsheet needs no DTD, and entity bombs do: it is refused."""

    def refuse(*_: object) -> None:
        raise Unreadable("corrupt", "The workbook declares XML entities, which no spreadsheet program writes.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    with archive.open(member) as part:
        parser.ParseFile(part)
