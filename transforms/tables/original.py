"""What was found on a sheet of rows that was made of a crosstab, told at the cells of the file."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from contracts.grid import Place, Sheet, cell_address
from contracts.reading import FINDINGS, Layout, Reading

ADDRESS = re.compile(r"([A-Z]+)(\d+)")
Places = Sequence[Sequence[Place | None]]


@dataclass(frozen=True)
class SheetOfRows(Sheet):
    """A sheet that was made of a crosstab: `origin` has the place in the file of each of its cells."""

    origin: Places = field(default=(), repr=False)


def as_in_file(reading: Reading, sheets: Sequence[Sheet], placed_there: Collection[str] = ()) -> Reading:
    """The reading with the places of the file; findings of the rules `placed_there` have them already. What is said of
    an edge is said once, not of each cell along it."""
    origins = {sheet.name: sheet.origin for sheet in sheets if isinstance(sheet, SheetOfRows)}
    if not origins:
        return reading
    findings = reading.findings
    placed = [
        (cell, row) if rule in placed_there else _placed(origins, sheet, cell, row)
        for rule, sheet, cell, row in findings.select("rule", "sheet", "cell", "row").iter_rows()
    ]
    cells = pl.Series("cell", [cell for cell, _ in placed], dtype=pl.String)
    rows = pl.Series("row", [row for _, row in placed], dtype=pl.Int64)
    told = findings.with_columns(cells, rows)
    in_crosstab = told.select(pl.col("sheet").is_in(list(origins)) & pl.col("cell").is_not_null()).to_series()
    once = told.select(~pl.struct("rule", "sheet", "cell", "column", "value").is_first_distinct()).to_series()
    return replace(
        reading,
        findings=told.filter(~(in_crosstab.fill_null(False) & once)).select(*FINDINGS),
        layout=_layout(reading.layout, origins),
    )


def _placed(
    origins: Mapping[str, Places], sheet: str | None, cell: str | None, row: int | None
) -> tuple[str | None, int | None]:
    """Cell and row of the file for those of a sheet of rows."""
    origin = origins.get(sheet or "")
    if origin is None or row is None:
        return cell, row
    if cell is None:
        place = next((place for place in origin[row - 1] if place), None) if row <= len(origin) else None
        return None, place[0] + 1 if place else row
    place = _origin_of(origin, cell)
    return (cell_address(*place), place[0] + 1) if place else (cell, row)


def _origin_of(origin: Places, cell: str) -> Place | None:
    match = ADDRESS.fullmatch(cell)
    if match is None:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    r, c = int(match[2]) - 1, column - 1
    return origin[r][c] if r < len(origin) and c < len(origin[r]) else None


def _layout(layout: Layout, origins: Mapping[str, Places]) -> Layout:
    places = {}
    for column, where in layout.places.items():
        sheet, _, cell = where.rpartition("!")
        place = _origin_of(origins[sheet], cell) if sheet in origins else None
        places[column] = f"{sheet}!{cell_address(*place)}" if place else where
    return replace(layout, places=places)
