"""How well polluted csv files are read: `python -m benchmarks.polluted_csv`.

Files are polluted as the Pollock benchmark describes it (Vitagliano and others, «Pollock: A Data Loading Benchmark»,
VLDB 2023), from an invented table of the same kind: 83 rows of 9 columns, with dates, prices and quoted texts.
Each reading is scored by ten measures between 0 and 1: success; precision, recall and F1 of the header's cells, of the
records (texts joined, so a blank cell more does not matter), and of all cells. The simple score is the mean over the
files, the weighted one counts a pollution as often as it was met in the survey of real files. Ten is the best; a grid
keeps what the clean tables leave out (a preamble, a second table, headings not joined into one), so it cannot reach it.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import mul
from pathlib import Path

from contracts.grid import Unreadable
from documents.reading.read import read_grid

ROWS, COLUMNS = 84, 9
HEADER = ("DAY", "HOUR", "Pieces", "ARTICLE", "Price", "Name", "Description", "Link", "Remarks")
QUOTED_ALWAYS = (6, 7)
KINDS = ("Men's Gloves", "Rake", "Garden Hose", "Women's Apron", "Watering Can", "Bird House", "Kids' Spade", "Sieve")
LISTED = ("Rope, Hemp", "Pot, Clay, Round", "Shelf, Folding", "Lamp, Solar", "Net, Children's")
INCHES = {
    9: 'Table, Round 48"',
    20: 'Shears, 5" Blade',
    21: 'Wheel, 24"',
    38: 'Boots, 10"',
    82: 'Frame, 10" Oak, Oiled',
}
PHRASES = (
    "It keeps its shape year after year",
    "light, strong and quick to dry",
    "made of wood that won't warp",
    "for the bed, the balcony or the field",
    "neither wind nor rain harms it",
    "you'll find it in every shed",
)
LESS, MORE, STRAY, SPACES = 260 / 707, 260 / 707, 1 / 108, 1 / 7
"""Frequency in the survey of a missing and of an extra separator, of a stray mark, of a row with its own separator."""


@dataclass(frozen=True)
class Row:
    """A row before it is written: its cells, the separators between them and at its end."""

    cells: tuple[str, ...]
    separators: tuple[str, ...]
    end: str = "\r\n"
    always: tuple[int, ...] = QUOTED_ALWAYS


@dataclass(frozen=True)
class Table:
    rows: list[Row]
    quote: str = '"'
    escape: str = '"'
    stray: dict[tuple[int, int], str] = field(default_factory=dict)
    """Marks that stand unescaped before the text of a cell (row, column)."""

    def written(self) -> bytes:
        return "".join(self.line(r, row) for r, row in enumerate(self.rows)).encode()

    def line(self, r: int, row: Row) -> str:
        parts = []
        for c, cell in enumerate(row.cells):
            text = self.stray.get((r, c), "") + cell.replace('"', self.escape + '"')
            is_quoted = c in row.always or "," in cell or '"' in cell
            parts.append(f"{self.quote}{text}{self.quote}" if is_quoted else text)
            parts += row.separators[c : c + 1]
        return "".join([*parts, *row.separators[len(row.cells) :], row.end])


@dataclass(frozen=True)
class Polluted:
    """A file that was polluted and the rows that a perfect reader finds in it."""

    name: str
    weight: float
    table: Table
    clean: list[list[str]]

    @property
    def data(self) -> bytes:
        """Written when asked for: there are two thousand of them."""
        return self.table.written()

    @property
    def kind(self) -> str:
        return self.name if self.name.startswith(("file", "source")) else self.name.rstrip("0123456789_")


def source() -> Table:
    choose = random.Random(7)
    rows = [HEADER]
    for number in range(1, ROWS):
        code = f"{choose.choice(('GR', 'LT', 'PO', 'WD'))}-{choose.randrange(1000, 10000)}"
        name = choose.choice(KINDS) if choose.random() < 0.6 else choose.choice(LISTED)
        text = ", ".join(choose.sample(PHRASES, 3)) + "."
        rows.append(
            (f"{number % 28 + 1:02}/{number // 28 + 3:02}/2018", f"{number // 4:02}:{number % 4 * 15:02}",
             str(choose.randrange(0, 34)), code, f"${choose.randrange(90, 9100) / 100}", INCHES.get(number, name),
             "A rod of 8\\'9\" length, packed." if number == 12 else text,
             f"https://www.example.com/goods/{code.replace('-', '_')}.html", "")
        )  # fmt: skip
    return Table([Row(cells, (",",) * (COLUMNS - 1)) for cells in rows])


def polluted() -> Iterator[Polluted]:
    table = source()
    rows = table.rows
    clean = [list(row.cells) for row in rows]

    def whole(name: str, weight: float, changed: Table, expected: list[list[str]] = clean) -> Polluted:
        return Polluted(f"file_{name}", weight, changed, expected)

    def with_rows(name: str, weight: float, changed: list[Row], expected: list[list[str]] = clean) -> Polluted:
        return whole(name, weight, replace(table, rows=changed), expected)

    yield Polluted("source", 1, table, clean)
    yield Polluted("file_no_payload", 15, Table([]), [])
    yield with_rows("no_trailing_newline", 184, [*rows[:-1], replace(rows[-1], end="")])
    yield with_rows("double_trailing_newline", 5, [*rows[:-1], replace(rows[-1], end="\r\n\r\n")])
    yield with_rows("no_header", 470, rows[1:], clean[1:])
    for times in (2, 3):
        joined = [" ".join([cell] * times) for cell in HEADER]
        yield with_rows(f"header_multirow_{times}", 47, [rows[0]] * (times - 1) + rows, [joined, *clean[1:]])
    blank = Row(("",) * COLUMNS, (",",) * (COLUMNS - 1), always=())
    title = replace(blank, cells=("PREAMBLE", *blank.cells[1:]))
    yield with_rows("preamble", 282, [title, blank, *rows])
    for name, width in (("less", COLUMNS - 1), ("same", COLUMNS), ("more", COLUMNS + 1)):
        second = [
            Row((*row.cells, "" if r else "more")[:width], (",",) * (width - 1), always=())
            for r, row in enumerate(rows[:-1])
        ]
        yield with_rows(f"multitable_{name}", 62 + 2 / 3, rows + second)  # only the first table is asked for
    yield with_rows("header_only", 3, rows[:1], clean[:1])
    yield with_rows("one_data_row", 4, rows[:2], clean[:2])
    for end, name, weight in (("\r", "0xD", 7), ("\n", "0xA", 1691)):
        yield with_rows(f"record_delimiter_{name}", weight, [replace(row, end=end) for row in rows])
    for mark, name, weight in (("\t", "0x9", 4), (";", "0x3B", 834), (" ", "0x20", 4), (", ", "0x2C_0x20", 101)):
        changed = [replace(row, separators=(mark,) * (COLUMNS - 1)) for row in rows]
        yield with_rows(f"field_delimiter_{name}", weight, changed)
    yield whole("quotation_char_0x27", 11, replace(table, quote="'"))
    yield whole("escape_char_0x5C", 1, replace(table, escape="\\"))
    yield whole("escape_char_0x00", 7, replace(table, escape=""))
    for r, row in enumerate(rows):
        spaced = replace(row, separators=(" ",) * (COLUMNS - 1))
        yield one(f"row_field_delimiter_{r}", SPACES, table, r, spaced, clean)
        for c in range(COLUMNS):
            more = replace(row, cells=(*row.cells[:c], "", *row.cells[c:]), separators=(*row.separators, ","))
            shifted = tuple(place + (place >= c) for place in row.always)
            yield one(f"row_more_sep_{r}_{c}", MORE, table, r, replace(more, always=shifted), clean)
            if c:
                less = (*row.separators[: c - 1], "", *row.separators[c:])
                yield one(f"row_less_sep_{r}_{c}", LESS, table, r, replace(row, separators=less), clean)
            expected = [list(cells) for cells in clean]
            expected[r][c] = '"' + expected[r][c]
            stray = replace(table, stray={(r, c): '"'})
            yield Polluted(f"row_extra_quote_{r}_{c}", STRAY, stray, expected)


def one(name: str, weight: float, table: Table, place: int, row: Row, clean: list[list[str]]) -> Polluted:
    changed = [*table.rows[:place], row, *table.rows[place + 1 :]]
    return Polluted(name, weight, replace(table, rows=changed), clean)


def loaded(data: bytes, by_addresses: bool = False) -> list[list[str]] | None:
    """The rows read; None if the file was refused, which an empty one is by right.

    By addresses the rows are as wide as the used range, as somebody sees them who has only the filled cells.
    """
    try:
        sheet = read_grid("polluted.csv", data).sheets[0]
    except Unreadable as error:
        return [] if error.reason == "empty" else None
    rows = [["" if value is None else str(value) for value in row] for row in sheet.rows]
    if by_addresses:
        width = max(place + 1 for row in rows for place, text in enumerate(row) if text)
        rows = [(row + [""] * width)[:width] for row in rows]
    return rows


def measures(clean: list[list[str]], found: list[list[str]] | None) -> list[float]:
    """Success, then precision, recall and F1 of the header, of the records, and of the cells."""
    if found is None:
        return [0.0] * 10
    if not clean:
        return [1.0] * 10
    header = shares(clean[0], found[0] if found else [])
    records = shares(["".join(row) for row in clean[1:]], ["".join(row) for row in found[1:]])
    cells = shares([cell for row in clean for cell in row], [cell for row in found for cell in row])
    return [1.0, *header, *records, *cells]


def shares(clean: list[str], found: list[str]) -> tuple[float, float, float]:
    if not clean:
        return 1.0, 1.0, 1.0
    common = (Counter(clean) & Counter(found)).total()
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / len(clean), common / len(found)
    return precision, recall, 2 * precision * recall / (precision + recall)


@dataclass
class Score:
    """Sums of measures of the files read so far, and of single kinds of pollution."""

    simple: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    kinds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, each: Polluted, found: list[list[str]] | None) -> None:
        self.simple.append(sum(measures(each.clean, found)))
        self.weights.append(each.weight)
        self.kinds[each.kind].append(self.simple[-1])

    @property
    def mean(self) -> float:
        return sum(self.simple) / len(self.simple)

    @property
    def weighted(self) -> float:
        return sum(map(mul, self.simple, self.weights)) / sum(self.weights)

    def __str__(self) -> str:
        return f"simple {self.mean:.4f}, weighted {self.weighted:.4f} of 10"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--write", type=Path, help="a folder to write the files to, with their clean tables")
    folder = arguments.parse_args().write
    rows, addresses = Score(), Score()
    for each in polluted():
        rows.add(each, loaded(each.data))
        addresses.add(each, loaded(each.data, by_addresses=True))
        if folder:
            for kind, data in (("csv", each.data), ("clean", in_rfc_form(each.clean))):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                (folder / kind / f"{each.name}.csv").write_bytes(data)
    for kind, scores in rows.kinds.items():
        print(f"{kind:32} {len(scores):4}  {sum(scores) / len(scores):7.4f}  least {min(scores):7.4f}")
    print(f"rows as they are read: {rows}\nfilled cells in the used range: {addresses}")


def in_rfc_form(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


if __name__ == "__main__":
    main()
