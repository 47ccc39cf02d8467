"""The rows of one table with what they are, judged by their names and their sums too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.grid import Sheet, cell_address, column_letters
from contracts.reading import Finding
from contracts.rules import BRANCH_LEFT_OUT, NOT_FILLED_IN, SUM_OR_DATA, TOTAL_UNNAMED
from transforms.cells.key import key
from transforms.findings.finding import finding
from transforms.headings.header import Heading
from transforms.headings.row_kind import Places, is_branch, school_words
from transforms.tables.layout import spans
from transforms.tables.resolve import Register
from transforms.tables.table_rows import UNFILLED, Row, data_rows, places_of
from transforms.tables.unnamed_total import unnamed_totals

MARKED = ("total", "subtotal", "note")


@dataclass(frozen=True)
class Part:
    """Rows of a sheet that one heading reads, and findings about them. Without a heading the sheet has no table."""

    sheet: str
    heading: Heading | None
    rows: list[Row]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Names:
    """What the names in the rows of a table are: schools of the register, reporting units, or neither."""

    heading: Heading
    schools: Register | None
    aliases: Mapping[str, str]
    sender: str | None

    def is_known(self, cells: Sequence[str | None]) -> bool:
        """Whether a row names a school or a unit; without a register a code or the words of a school say so."""
        unit = self.at(cells, "reporting_unit")
        if unit is not None:
            return key(unit) in self.aliases
        if self.has_code(cells):
            return True
        name = self.at(cells, "school_name")
        if self.schools is None or self.heading.form.defines_schools:
            code = self.at(cells, "school_code")
            return code is not None or (name is not None and not school_words().isdisjoint(key(name).split()))
        return name is not None and bool(self.schools.named(name, (self.sender,)))

    def has_code(self, cells: Sequence[str | None]) -> bool:
        """Whether a row has the code of a school of the register."""
        code = self.at(cells, "school_code")
        if code is None or self.schools is None or self.heading.form.defines_schools:
            return False
        return self.schools.known_code(code) in self.schools.by_code

    def at(self, cells: Sequence[str | None], column: str) -> str | None:
        """The text of a row in a column of the form; None when it is blank or the table has no such column."""
        place = self.heading.columns.get(column)
        if place is None or place >= len(cells):
            return None
        text = cells[place]
        return text if text and not text.isspace() else None


def part_of(sheet: Sheet, heading: Heading, keys: Sequence[str], names: Names) -> Part:
    """The rows of a table; rows that have a name and nothing else, branches, and totals that nobody named are told.

    A row with the code of a school that no other row has is data, whatever its name begins with; with nothing but its
    key it is a row that nobody filled in, and so is one with nothing but a class where a class may have several rows.
    """
    places, findings = places_of(heading, keys), []
    rows = data_rows(sheet, heading, places)
    marked = [place for place, row in enumerate(rows) if row.outcome in MARKED and names.has_code(row.cells)]
    if marked:
        codes, alone = Counter(names.at(row.cells, "school_code") for row in rows), []
        for place in marked:
            row = rows[place]
            if codes[names.at(row.cells, "school_code")] > 1:
                continue
            if _has_any(row.cells, places.others):
                rows[place] = row._replace(outcome="data")
            else:
                alone.append(place)
        if any(row.outcome == "data" for row in rows):  # an empty template is told as a whole
            for place in alone:
                rows[place] = rows[place]._replace(outcome=UNFILLED)
    if heading.form.tells_of_classes:
        whose = {*keys, *(part.column for part in heading.form.grain if part.of == "class")}
        beyond = [c for name, c in heading.columns.items() if name not in whose]
        bare = {n for n, row in enumerate(rows) if row.outcome == "data" and not _has_any(row.cells, beyond)}
        is_empty = len(bare) == sum(row.outcome == "data" for row in rows)
        left = "note" if is_empty else UNFILLED
        rows = [row._replace(outcome=left) if n in bare else row for n, row in enumerate(rows)]
    unfilled = [row.number for row in rows if row.outcome == UNFILLED]
    if unfilled:
        findings.append(
            finding(NOT_FILLED_IN, value=spans("строка", "строки", unfilled), sheet=sheet.name, row=unfilled[0])
        )
    findings += _branches(sheet, rows, places)
    has_total = any(row.outcome == "total" for row in rows)
    for sums in unnamed_totals([(row.outcome, row.cells) for row in rows], places, names.is_known):
        row, cell_of = rows[sums.place], min(places.keys, default=0)
        if sums.is_doubtful and not _is_named_twice(rows, row, names):
            if sums.is_partly:
                continue
            wanted = f"не сумма строк {rows[sums.rows[0]].number}–{rows[sums.rows[1]].number}"
            rows[sums.place] = row._replace(faults=dict.fromkeys(sums.columns, (SUM_OR_DATA.id, wanted)))
            continue
        rows[sums.place] = row._replace(outcome="total" if sums.is_all and not has_total else "subtotal")
        columns = ", ".join(map(column_letters, sums.columns))
        what = (
            f"{TOTAL_UNNAMED.what} Сумме строк {rows[sums.rows[0]].number}–{rows[sums.rows[1]].number} равны числа "
            f"в столбцах: {columns}."
        )
        name = next((text for c in places.keys if c < len(row.cells) and (text := row.cells[c])), None)
        cell = cell_address(row.number - 1, cell_of)
        findings.append(finding(TOTAL_UNNAMED, what=what, value=name, sheet=sheet.name, cell=cell, row=row.number))
    return Part(sheet.name, heading, rows, tuple(findings))


def _has_any(cells: Sequence[str | None], places: Iterable[int]) -> bool:
    """Whether something stands in one of these columns."""
    return any(c < len(cells) and (text := cells[c]) and not text.isspace() for c in places)


def _is_named_twice(rows: Sequence[Row], row: Row, names: Names) -> bool:
    """Whether another row of data names the unit of a row."""
    unit = names.aliases.get(key(names.at(row.cells, "reporting_unit") or ""))
    units = (names.at(other.cells, "reporting_unit") for other in rows if other is not row and other.outcome == "data")
    return unit is not None and any(names.aliases.get(key(name)) == unit for name in units if name)


def _branches(sheet: Sheet, rows: Sequence[Row], places: Places) -> list[Finding]:
    """COM-101 for each row of a branch that is part of its school's row: it is left out, but not without a word."""
    findings = []
    for row in rows:
        if row.outcome != "subtotal":
            continue
        named = [(c, text) for c in places.keys if c < len(row.cells) and (text := row.cells[c]) and is_branch(text)]
        if named:
            c, name = named[0]
            cell = cell_address(row.number - 1, c)
            findings.append(finding(BRANCH_LEFT_OUT, value=name.strip(), sheet=sheet.name, cell=cell, row=row.number))
    return findings
