"""Truth of any form, drawn in any style, with corruption in known cells: the sound rows load as they would alone, and
the errors name the corrupted cells.

One test over the tuple of forms: truth are the good rows that the form's folder of golden cases states, of several
schools where it has schools. The cells are counted by the drawing, not found by the reader that is tested. The styles
and mistakes of the demo's reports are tried in `test_round_trip.py`, timetables on the wall in
`test_timetable_round_trip.py`.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

import polars as pl
import pytest
from example import Cells
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import DATE, columns_of, filled_template, plain, read, truth

from contracts.form import Column, Form, Kind
from contracts.forms import FORMS
from contracts.grid import Grid, Sheet, Value, cell_address
from contracts.reading import Reading
from contracts.rules import TOO_MUCH_SET_ASIDE
from documents.reading.read import read_grid

NO_VALUE: dict[Kind, tuple[str, ...]] = {
    "count": ("много", "?", "7 или 8"), "amount": ("много", "?", "1..5"), "hours": ("по плану", "?"),
    "date": ("31.02.2023", "приказ готовится"), "yes_no": ("частично", "?"), "choice": ("никакой", "?"),
    "grade": ("6-7", "?"), "grades": ("все классы", "?"), "lesson": ("первый", "1-2"), "percent": ("половина", "?"),
    "text": ("когда-нибудь", "?"), "deadline": ("когда-нибудь", "?"),
}  # fmt: skip
"""Texts that are no value of a kind, whatever is allowed of the ways in which people write one; of texts those of which
a pattern says how they go."""
DRESSES = ("workbook", "csv", "template")


@dataclass
class Drawn:
    """A file, and the place of the first row of its data and of each column, zero-based."""

    name: str
    content: Grid = field(repr=False)
    first: int
    places: dict[str, int]
    rows: dict[int, int] = field(default_factory=dict)
    """Number of a row → where it stands, if not one below the other."""


def corruptible(form: Form, rows: list[Cells]) -> list[Column]:
    """Columns that are there, in which something can stand that is no value at all."""
    there = [column for column in columns_of(form) if any(row.get(column.name) is not None for row in rows)]
    errors = {rule.id for rule in form.rules if rule.severity == "error"}
    return [
        column for column in there
        if column.kind in NO_VALUE and not column.open_vocabulary and not column.within
        if column.kind != "text" or (column.pattern and column.misfit in errors)
    ]  # fmt: skip


@st.composite
def drawings(draw: st.DrawFn, form: Form, rows: list[Cells]) -> Drawn:
    """The rows in some style: order and wording of headings, what stands above and beside them, kind of file."""
    dress = draw(st.sampled_from(DRESSES[: 2 if form.pupils else 3]), "dress")
    if dress == "template":
        return in_template(form, rows)
    filled = {column.name for column in columns_of(form) if any(row.get(column.name) is not None for row in rows)}
    columns = [c for c in columns_of(form) if c.required or c.name in filled or draw(st.booleans())]
    columns = draw(st.permutations(columns), "order")
    headings: list[Value] = [draw(st.sampled_from((column.title, *column.headings))) for column in columns]
    left = draw(st.integers(0, 2), "left")
    has_number = any("№" in (column.title, *column.headings) for column in columns)  # two of them would be refused
    numbered = not has_number and draw(st.booleans(), "numbered")
    above: list[list[Value]] = [
        [form.title],
        [DATE],
        *draw(st.sampled_from(([], [[]], [[], ["Приложение 1"]])), "above"),
    ]
    margin: list[Value] = [None] * left
    table = [[*margin, *(["№"] if numbered else []), *headings]]
    if draw(st.booleans(), "column numbers"):
        table.append([*margin, *range(1, len(headings) + numbered + 1)])
    body = [
        [*margin, *([turn] if numbered else []), *(row.get(column.name) for column in columns)]
        for turn, row in enumerate(rows, 1)
    ]
    places = {column.name: left + numbered + place for place, column in enumerate(columns)}
    lines = [*above, *table, *body]
    grid = Grid([Sheet("Лист1", lines)], "xlsx")
    if dress == "csv":
        text = io.StringIO()
        csv.writer(text, delimiter=";").writerows([["" if cell is None else cell for cell in line] for line in lines])
        written = text.getvalue()
        ways = [way for way in ("utf-8-sig", "cp1251") if written.encode(way, "ignore").decode(way) == written]
        content = read_grid("таблица.csv", written.encode(draw(st.sampled_from(ways))))
        assert isinstance(content, Grid)
        grid = content
    return Drawn(f"таблица.{'csv' if dress == 'csv' else 'xlsx'}", grid, len(above) + len(table), places)


def in_template(form: Form, rows: list[Cells]) -> Drawn:
    data, heading, lines = filled_template(form, rows)
    content = read_grid("Шаблон.xlsx", data)
    assert isinstance(content, Grid)
    return Drawn("Шаблон.xlsx", content, heading, {c.name: place for place, c in enumerate(columns_of(form))}, lines)


def told(reading: Reading) -> list[str]:
    """Its facts, without an order."""
    return sorted(map(repr, reading.facts.to_dicts()))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@given(data=st.data())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_what_is_sound_loads_and_what_is_corrupt_is_named(form: Form, data: st.DataObject) -> None:
    rows = truth(form)
    can_be = [turn for turn, row in enumerate(rows) if corruptible(form, [row])]
    wrong = data.draw(st.lists(st.sampled_from(can_be), unique=True, max_size=3), "corrupted")
    spoilt: dict[int, str] = {}
    sent = list(rows)
    for turn in wrong:
        column = data.draw(st.sampled_from(corruptible(form, [rows[turn]])))
        spoilt[turn] = column.name
        sent[turn] = {**rows[turn], column.name: data.draw(st.sampled_from(NO_VALUE[column.kind]))}
    drawn = data.draw(drawings(form, sent))
    reading = read(form, drawn.name, drawn.content)
    errors = reading.findings.filter(pl.col("severity").is_in(["error", "refuse"]))
    sound = [row for turn, row in enumerate(rows) if turn not in spoilt]
    refused = len(spoilt) > form.set_aside.most(len(rows))
    assert reading.verdict == ("refused" if refused else "partial" if spoilt else "accepted"), errors.to_dicts()
    assert (TOO_MUCH_SET_ASIDE.id in errors["rule"]) == refused
    errors = errors.filter(pl.col("rule") != TOO_MUCH_SET_ASIDE.id)
    corrupted = {
        cell_address(drawn.rows.get(turn, drawn.first + turn), drawn.places[column]) for turn, column in spoilt.items()
    }
    assert set(errors["cell"]) == corrupted, errors.select("rule", "cell", "value", "message").to_dicts()
    assert reading.rows.loaded == (0 if refused else len(sound))
    assert told(reading) == ([] if refused or not sound else told(plain(form, sound)))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_has_cells_that_can_be_corrupt(form: Form) -> None:
    assert corruptible(form, truth(form)), "else nothing of it is tried"
    assert plain(form, truth(form)).verdict == "accepted"
