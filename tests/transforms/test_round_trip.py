"""Truth in, corruption in known cells, truth out: exactly the sound rows load, and the errors name the corrupted cells.

The cells are counted by the style's own drawing, not found by the reader that is tested.

Slow: every fault in every style, drawn anew.
"""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass, field
from functools import cache

import openpyxl
import polars as pl
from example import SCHOOLS, drained
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.form import Column, Kind
from contracts.forms import RULES, form_named
from contracts.forms.readiness_report.form import COLUMNS
from contracts.grid import cell_address
from contracts.rules import CELL, CELL_ERROR, TOO_MUCH_SET_ASIDE
from documents.demo import Region, Sizes, synthetic
from documents.demo import mistakes as faults
from documents.demo.dress import COMMON_WORDS, STYLES
from documents.demo.mistakes import Row
from documents.demo.reports import report
from documents.reading.read import read_grid
from documents.writing.template import template_xlsx
from transforms.cells.key import key
from transforms.identity.identify import Context, Delivery

FORM = form_named("readiness_report")
AS_OF = dt.date(2023, 9, 8)
RECEIVED = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)
TEMPLATE = "template"
KEYS = ("school_code", "school_name")
NO_VALUE: dict[Kind, tuple[str, ...]] = {
    "count": ("много", "?", "7 или 8", "1..5", "12,5,6"),
    "hours": ("по плану", "много", "?", "3-4 в неделю"),
    "date": ("31.02.2023", "00.00.2023", "приказ готовится", "13.13.2023"),
    "yes_no": ("частично", "да/нет", "?"),
    "choice": ("никакой", "?", "базовый/основной"),
    "grades": ("все классы", "?"),
}
"""Texts that are no value of a kind, whatever is allowed of the ways in which people write one."""


@dataclass(frozen=True)
class Sent:
    """A report of some schools: the columns that it has, the true rows, and the cells of each corrupted one."""

    name: str
    data: bytes = field(repr=False)
    sender: str
    columns: frozenset[str] = field(repr=False)
    rows: list[Row] = field(repr=False)
    corrupted: dict[str, set[str]]


@cache
def region(seed: int) -> Region:
    """Sound rows only; senders of two to eight schools."""
    return synthetic(Sizes(seed=seed, senders=6, schools=30, pupils=30, bad_share=0))


@cache
def context(seed: int) -> Context:
    made = region(seed)
    register = made.schools.with_row_index("school_id", 1).cast({"school_id": pl.Int64}).select(SCHOOLS.columns)
    return Context(register, b"test", aliases={key(alias): unit for alias, unit in made.aliases.iter_rows()})


def places(dress: str) -> tuple[int, dict[str, int]]:
    """First row of the data and the column of each contract column in a style, both zero-based."""
    style = STYLES[dress]
    headings = style.headings()
    top = max(style.first[0], len(style.above))
    deep = 1 + any(upper for _, upper, _ in headings) + style.column_numbers
    left = style.first[1] + bool(style.numbering)
    return top + deep, {name: left + place for place, (name, _, _) in enumerate(headings)}


def corruptible(dress: str) -> list[Column]:
    """Columns of a dress in which something can stand that is no value at all."""
    there = {c.name for c in COLUMNS} if dress == TEMPLATE else {name for name, _, _ in STYLES[dress].headings()}
    return [c for c in COLUMNS if c.name in there and c.kind in NO_VALUE and not c.open_vocabulary]


def filled_template(sender: str, rows: list[Row], raw: dict[str, tuple[str, str]]) -> tuple[bytes, int, dict[str, int]]:
    """A template filled in as a person would, with the first row of its data and its columns, zero-based."""
    schools = [{name: str(row[name]) for name in KEYS} for row in rows]
    book = openpyxl.load_workbook(io.BytesIO(template_xlsx(FORM, AS_OF, sender, schools)))
    sheet = book.worksheets[0]
    titles = {column.title: column for column in COLUMNS}
    heading = max(sheet.iter_rows(), key=lambda cells: sum(cell.value in titles for cell in cells))
    columns = {titles[cell.value].name: cell.column - 1 for cell in heading if cell.value in titles}
    first = heading[0].row
    for turn, row in enumerate(rows):
        for name, place in columns.items():
            column, text = raw.get(row["school_code"], ("", ""))
            value = (text or None) if column == name else row[name]
            if isinstance(value, bool):
                value = "да" if value else "нет"
            cell = sheet.cell(first + turn + 1, place + 1)
            cell.value = COMMON_WORDS[value][0] if value in COMMON_WORDS else value
    book.save(out := io.BytesIO())
    return out.getvalue(), first, columns


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, Sent]:
    """A report in any dress with any number of corrupted schools."""
    seed = draw(st.integers(0, 5), "seed")
    made = region(seed)
    unit = draw(st.sampled_from(made.units.to_dicts()), "unit")
    dress = draw(st.sampled_from([*STYLES, TEMPLATE]), "dress")
    in_workbook = dress == TEMPLATE or not STYLES[dress].csv
    rows = made.readiness.filter(pl.col("reporting_unit") == unit["reporting_unit"]).to_dicts()
    wrong = draw(st.lists(st.sampled_from([row["school_code"] for row in rows]), unique=True), "corrupted")
    sent, raw, columns = [], {}, {}
    for row in rows:
        code = row["school_code"]
        if code in wrong and draw(st.booleans()):
            fault = draw(st.sampled_from(faults.possible(row["level"], in_workbook)))
            columns[code] = {fault.column, *(RULES[rule].column for rule in fault.also)}
            if fault.raw is not None:
                raw[code] = (fault.column, fault.raw)
            sent.append(fault.apply(row, AS_OF))
            continue
        if code in wrong:
            column = draw(st.sampled_from(corruptible(dress)))
            texts = NO_VALUE[column.kind] + (("#REF!",) if in_workbook and dress != TEMPLATE else ())
            raw[code] = (column.name, draw(st.sampled_from(texts)))
            columns[code] = {column.name}
        sent.append(row)
    if dress == TEMPLATE:
        name = "Шаблон.xlsx"
        data, first, place = filled_template(unit["name"], sent, raw)
    else:
        name, data = report(STYLES[dress], unit, sent, raw, AS_OF)
        first, place = places(dress)
    corrupted = {
        row["school_code"]: {cell_address(first + turn, place[column]) for column in columns[row["school_code"]]}
        for turn, row in enumerate(sent)
        if row["school_code"] in columns
    }
    return seed, Sent(name, data, unit["reporting_unit"], frozenset(place), rows, corrupted)


@given(deliveries())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_is_sound_loads_and_what_is_corrupt_is_named(made: tuple[int, Sent]) -> None:
    seed, sent = made
    known = context(seed)
    grid = read_grid(sent.name, sent.data)
    (reading,) = drained([Delivery(sent.name, "0" * 64, sent.sender, RECEIVED, grid)], known)
    errors = reading.findings.filter(pl.col("severity").is_in(["error", "refuse"]))
    much = len(sent.corrupted) > FORM.set_aside.most(len(sent.rows))
    assert (TOO_MUCH_SET_ASIDE.id in errors["rule"]) == much
    errors = errors.filter(pl.col("rule") != TOO_MUCH_SET_ASIDE.id)
    named = set(errors["cell"])
    assert named == set().union(*sent.corrupted.values()), errors.select("rule", "cell", "value", "message").to_dicts()
    assert known.register is not None
    codes = dict(known.register.select("school_id", "school_code").iter_rows())
    facts = {codes[row.pop("school_id")]: row for row in reading.facts.to_dicts()}
    sound = {row["school_code"]: row for row in sent.rows if row["school_code"] not in sent.corrupted and not much}
    assert facts.keys() == sound.keys()
    for code, row in facts.items():
        assert row == {name: sound[code][name] if name in sent.columns else None for name in row}, code
    assert (reading.rows.loaded, reading.rows.quarantined) == (len(sound), len(sent.rows) - len(sound))
    assert reading.verdict == ("refused" if much else "partial" if sent.corrupted else "accepted")


def test_every_kind_of_cell_can_be_corrupt() -> None:
    kinds = {column.kind for dress in STYLES for column in corruptible(dress)}
    assert kinds == NO_VALUE.keys()
    assert all(kind in CELL for kind in kinds) and CELL_ERROR.severity == "error"
