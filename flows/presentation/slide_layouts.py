"""A layout a function: the line of slides.csv and a night in, a slide out. A system more is a line, and a layout where
none of these shows it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from contracts.texts import word_of
from contracts.texts.figures import percent, whole
from contracts.vocabulary import norms
from contracts.vocabulary import rows as vocabulary
from documents.receipts.findings import figure_title
from documents.writing.deck import Card, Slide
from documents.writing.deck_chart import Chart
from documents.writing.deck_table import Cell, Table
from flows.presentation.mart_sheets import caption_of, how_sure, short_title
from flows.presentation.on_paper import added, sums
from flows.presentation.slide_data import NOTHING, Line, Night, lines, signed
from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart
from warehouse.marts.published import mart, mart_named
from warehouse.marts.sources import published_before
from warehouse.watch.systems import System, systems_at

NO_DATA = "no_data"
OF_KNOWN = "Суммы по единицам, которые прислали данные."
CORRECTIONS = "corrections"
NO_ROWS = "Таких строк нет."
NOTHING_BEFORE = "Раньше ничего не публиковали: сравнить не с чем."
EMPTY = "Данных на эту дату нет."
ALL = "Итого по региону"
FEW_COLUMNS, FEW_SHARE, MANY_SHARE = 5, 0.4, 0.34
"""What of the width a chart takes beside a table of few columns, and of many."""
LEVELS = ("basic", "main", "advanced")
NO_LEVEL = "не входит"


def units(line: Line, night: Night) -> Slide:
    """Reporting units, a row each, and the region below."""
    definition, rows = mart_named(line.mart), night.rows(line.mart)
    if _is_blank(rows, line.columns):
        return _without(line, night)
    table = [[Cell(str(row[definition.label])), *night.cells(definition, line.columns, row)]
             for row in rows.iter_rows(named=True)]  # fmt: skip
    total = [Cell(ALL), *night.cells(definition, line.columns, night.total(line.mart))]
    return _tabled(line, night, _table(definition, "Отчётная единица", line.columns, table, total))


def groups(line: Line, night: Night) -> Slide:
    """Sums of measures over what a column names, in the order of the mart, beside a chart of them."""
    definition, rows = mart_named(line.mart), night.rows(line.mart)
    if _is_blank(rows, line.columns):
        return _without(line, night)
    rows = rows.filter(pl.all_horizontal(pl.col(line.chart).is_not_null()))
    names, table, charted = [], [], []
    for of_group in rows.partition_by(line.by, maintain_order=True):
        row = sums(definition, of_group) | {name: added(of_group[name]) for name in line.columns}
        names.append(night.shown(definition, line.by, of_group[line.by][0]))
        table.append([Cell(names[-1]), *night.cells(definition, line.columns, row)])
        charted.append([row[name] for name in line.chart])
    total = {name: added(rows[name]) for name in line.columns if name not in line.apart}
    whole_row = [Cell(ALL), *night.cells(definition, line.columns, total)]
    series = {caption_of(definition, name): [row[place] for row in charted] for place, name in enumerate(line.chart)}
    share = FEW_SHARE if len(line.columns) <= FEW_COLUMNS else MANY_SHARE
    chart = Chart(line.kind, ", ".join(series) if len(series) == 1 else "", names, series, share)
    shown = _table(definition, caption_of(definition, line.by), line.columns, table, whole_row)
    return replace(_tabled(line, night, shown, chart), remark=line.remark or OF_KNOWN)


def figures(line: Line, night: Night) -> Slide:
    """Figures of the region in large letters, over a chart of others."""
    definition, rows = mart_named(line.mart), night.rows(line.mart)
    if _is_blank(rows, line.columns):
        return _without(line, night)
    row = rows.row(0, named=True)
    shown = night.cells(definition, line.columns, row)
    cards = [Card(cell.text, caption_of(definition, name), cell.band)
             for name, cell in zip(line.columns, shown, strict=True)]  # fmt: skip
    categories = [caption_of(definition, name) for name in line.chart]
    chart = Chart(line.kind, "", categories, {"Школ": [row[name] for name in line.chart]})
    return Slide(line.title, _state(rows), cards, chart=chart, remark=line.remark, notes=_notes(line, night))


def norms_of_levels(line: Line, night: Night) -> Slide:
    """Directions by levels: hours of a school year, from the norms of the model."""
    names = {row["code"]: row["word"] for row in reversed(vocabulary("directions"))}
    hours = {code: norms(code) for code in dict.fromkeys(row["direction"] for row in vocabulary("level_norms"))}
    rows = [
        [Cell(names[code]), *(Cell(NO_LEVEL if each is None else whole(each)) for each in of_levels.values())]
        for code, of_levels in hours.items()
    ]
    total = [Cell("Академических часов в учебный год"),
             *(Cell(whole(sum(of[level] or 0 for of in hours.values()))) for level in LEVELS)]  # fmt: skip
    headings = ("Направление", *(f"{word_of('level', level).capitalize()} уровень" for level in LEVELS))
    table = Table(headings, rows, (True, False, False, False), total)
    notes = "Источник: нормы модели 2023 года, contracts/vocabulary/level_norms.csv (ref.level_norm_at)."
    return Slide(line.title, "", table=table, remark=line.remark, notes=notes)


def systems(line: Line, night: Night) -> Slide:
    """The systems of the source, a row each."""
    found = systems_at(night.connection, night.region.code, night.as_of, night.known_at)
    rows = [[Cell(each.name), Cell(_words(each)), Cell(whole(each.figure)), Cell(whole(each.of)),
             Cell(percent(each.rate), each.band or ""), Cell(_sent(each)), Cell(_lacks(each))]
            for each in found]  # fmt: skip
    headings = ("Система", "Что считаем", "Есть", "Из", "Доля", "Прислали", "Чего нет")
    texts = (True, True, False, False, False, False, True)
    notes = "\n".join(
        f"{row['name']}: витрина {row['mart']}, {row['figure']} / {row['of']}"
        for row in vocabulary("systems")
    )  # fmt: skip
    notes += "\nСуммы по строкам, где известны и цифра, и знаменатель."
    return Slide(line.title, "", table=Table(headings, rows, texts), notes=notes)


def changes(line: Line, night: Night) -> Slide:
    """Every system beside what it was on the date before, as that was known then."""
    before = published_before(night.connection, night.region.code, night.as_of)
    if before is None:
        return Slide(line.title, lines=[NOTHING_BEFORE])
    day, moment = before
    was = {each.system: each for each in systems_at(night.connection, night.region.code, day, moment)}
    now = systems_at(night.connection, night.region.code, night.as_of, night.known_at)
    rows = [[Cell(each.name), Cell(_words(each)), _figure(was.get(each.system)), _figure(each),
             Cell(signed(_difference(was.get(each.system), each)))] for each in now]  # fmt: skip
    headings = ("Система", "Что считаем", f"Было на {day:%d.%m.%Y}", f"Стало на {night.as_of:%d.%m.%Y}", "Изменение")
    return Slide(line.title, table=Table(headings, rows, (True, True, False, False, False)),
                 notes=_notes_of_change(night, before))  # fmt: skip


def bands(line: Line, night: Night) -> Slide:
    """Units whose band changed since the date before, and of how many there is a figure for the first time."""
    before = published_before(night.connection, night.region.code, night.as_of)
    if before is None:
        return Slide(line.title, lines=[NOTHING_BEFORE])
    day, moment = before
    moved = _bands_moved(night, Night(night.connection, night.region, day, moment))
    rows = [[Cell(name), Cell(what), Cell(word_of("band", old), old), Cell(word_of("band", new), new)]
            for name, what, old, new in moved if old != NO_DATA]  # fmt: skip
    begun = Counter(what for _, what, old, _ in moved if old == NO_DATA)
    first = "; ".join(f"{what} — {count}" for what, count in begun.items())
    first = f"Единиц, у которых цифра появилась впервые: {first}." if first else ""
    headings = ("Отчётная единица", "Полоса", f"Была на {day:%d.%m.%Y}", f"Стала на {night.as_of:%d.%m.%Y}")
    notes = "\n".join([_notes_of_change(night, before),
                       "Полосы: единицы, чья полоса стала другой; витрины, у которых есть полоса."])  # fmt: skip
    if not rows:
        return Slide(line.title, lines=["Ни у одной единицы полоса не сменилась."], remark=first, notes=notes)
    return Slide(line.title, table=Table(headings, rows, (True, True, False, False)), remark=first, notes=notes)


def _notes_of_change(night: Night, before: tuple[dt.date, dt.datetime]) -> str:
    day, moment = before
    return "\n".join([
        f"Было: витрины на {day}, какими они были опубликованы перед первой публикацией {night.as_of}",
        f"({moment.isoformat()}). Стало: витрины на {night.as_of}, известные на {night.known_at.isoformat()}.",
    ])  # fmt: skip


def listed(line: Line, night: Night) -> Slide:
    """Rows of a mart, of which a column says one of some words where `by` asks for it (`column=word|word`); grey where
    a figure of the row waits for a decision."""
    definition, rows = mart_named(line.mart), night.rows(line.mart)
    if rows.is_empty() and not line.by:
        return _without(line, night)
    column, _, words = line.by.partition("=")
    rows = rows.filter(pl.col(column).is_in(words.split("|"))) if column else rows
    state_of = _state(night.rows(line.mart))
    if line.mart == CORRECTIONS:
        rows, state_of = _corrected(night, column, words), ""
    if rows.is_empty():
        return Slide(line.title, state_of, lines=[NO_ROWS], remark=line.remark, notes=_notes(line, night))
    table = [_greyed(row, night.cells(definition, line.columns, _titled(row))) for row in rows.iter_rows(named=True)]
    return replace(_tabled(line, night, _table(definition, "", line.columns, table, None)), state=state_of)


def _greyed(row: dict[str, Any], cells: list[Cell]) -> list[Cell]:
    return [replace(cell, band=NO_DATA) for cell in cells] if row.get("in_question") else cells


def _corrected(night: Night, column: str, words: str) -> pl.DataFrame:
    """Corrections of every date up to this one that was published before."""
    before = published_before(night.connection, night.region.code, night.as_of)
    days = [night.as_of, *([before[0]] if before else [])]
    found = [mart(night.connection, CORRECTIONS, day, night.known_at, night.region.code) for day in days]
    return pl.concat(found).filter(pl.col(column).is_in(words.split("|")))


def _titled(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the figure of a form as the form calls it, and as that figure is shown."""
    if "metric" not in row or "form" not in row:
        return row
    if str(row["metric"]).endswith("_rate"):
        row |= {name: percent(row[name]) for name in ("stated", "computed", "difference") if row[name] is not None}
    return row | {"metric": figure_title(row["form"], row["metric"])}


def _bands_moved(night: Night, before: Night) -> list[tuple[str, str, str, str]]:
    """(unit, what, band before, band now) of units whose band changed, mart by mart."""
    moved = []
    for line in (each for each in lines() if each.layout == "units"):
        definition = mart_named(line.mart)
        for band, words in {
            each.column: each.words for each in definition.stated.figures if each.kind == "band"
        }.items():
            key = definition.key[0]
            both = night.rows(line.mart).join(before.rows(line.mart), on=key, suffix="_before", maintain_order="left")
            changed = both.filter(pl.col(band) != pl.col(f"{band}_before"))
            moved += [(row[definition.label], words, row[f"{band}_before"], row[band])
                      for row in changed.iter_rows(named=True)]  # fmt: skip
    return moved


def state(line: Line, night: Night, told: Sequence[tuple[Line, Slide]]) -> Slide:
    """How complete and how final each slide is."""
    rows = [[Cell(slide.title), Cell(short_title(mart_named(each.mart))), Cell(_state(night.rows(each.mart)))]
            for each, slide in told if each.mart and each.mart != CORRECTIONS]  # fmt: skip
    notes = "Полнота — что есть из ожидаемых документов; её столбец и столбец is_final есть у каждой витрины."
    return Slide(line.title, table=Table(("Слайд", "Витрина", "Полнота"), rows, (True, True, True)), notes=notes)


LAYOUTS: dict[str, Callable[[Line, Night], Slide]] = {
    "units": units, "groups": groups, "figures": figures, "norms": norms_of_levels, "systems": systems,
    "changes": changes, "bands": bands, "rows": listed,
}  # fmt: skip


def _table(
    definition: Mart, first_heading: str, columns: Sequence[str], rows: list[list[Cell]], total: list[Cell] | None
) -> Table:
    """A table of columns of a mart, after one that names the row where it has a heading."""
    captions = [caption_of(definition, name) for name in columns]
    if first_heading:
        headings = [first_heading, *captions]
        return Table(headings, rows, [True, *([False] * len(columns))], total)
    texts = [kind(name, *definition.kinds)[0] == "текст" for name in columns]
    return Table(captions, rows, texts, total)


def _tabled(line: Line, night: Night, table: Table, chart: Chart | None = None) -> Slide:
    return Slide(line.title, _state(night.rows(line.mart)), table=table, chart=chart, remark=line.remark,
                 notes=_notes(line, night))  # fmt: skip


def _without(line: Line, night: Night) -> Slide:
    return Slide(line.title, _state(night.rows(line.mart)), lines=[EMPTY], notes=_notes(line, night))


def _notes(line: Line, night: Night) -> str:
    return night.notes(line.mart, [*line.columns, *line.chart])


def _is_blank(rows: pl.DataFrame, columns: Sequence[str]) -> bool:
    return rows.is_empty() or all(rows[name].is_null().all() for name in columns)


def _state(rows: pl.DataFrame) -> str:
    """How complete and final rows are; where nothing is owed yet, how many units have sent."""
    told = how_sure(rows) if not rows.is_empty() else "Строк нет"
    if "report_received" in rows.columns and rows.height:
        told += f"; прислали {int(rows['report_received'].sum() or 0)} из {rows.height} единиц"
    return f"{told}."


def _words(system: System) -> str:
    return system.words.format(**{name: whole(value) for name, value in system.named.items()})


def _sent(system: System) -> str:
    return f"{system.sent} из {system.senders}" if system.senders is not None else NOTHING


def _lacks(system: System) -> str:
    return system.lacks_words.format(whole(system.lacks)) if system.lacks and system.lacks_words else NOTHING


def _figure(system: System | None) -> Cell:
    if system is None:
        return Cell(NOTHING)
    share = f" ({percent(system.rate)})" if system.rate is not None else ""
    return Cell(f"{whole(system.figure)} из {whole(system.of)}{share}" if system.figure is not None else NOTHING,
                system.band or "")  # fmt: skip


def _difference(was: System | None, now: System) -> float | None:
    return None if was is None or was.figure is None or now.figure is None else now.figure - was.figure
