"""What a reading bears, and whether that is enough for what it would take the place of."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, text

from contracts.form import Form
from contracts.forms import form_named
from contracts.grain import COUNTED, told_on
from contracts.reading import Finding, Reading
from contracts.rules import NOTHING_LOADED, SCHOOLS_LOST, SUSPICIOUSLY_SMALLER
from warehouse.deliveries.history import Standing, finding
from warehouse.schema.facts import fact_table

NAMES_SHOWN = 20
FEW_MOVED = 3
"""So many rows of a month that is gone may have had a wrong date before."""
# Beside the reading of its own slice: what holds on its date in the marts. A nightly export counts within its academic
# year, a register holds before its first date too.
HOLDS_THEN = """
SELECT DISTINCT ON (i.place) i.place, k.reading_id, r.rows_loaded, k.as_of
FROM unnest(cast(:places AS integer[]), cast(:deliveries AS bigint[]), cast(:forms AS text[]), cast(:senders AS text[]),
            cast(:dates AS date[])) AS i (place, delivery_id, form, sender, as_of)
JOIN ref.form f ON f.form = i.form AND f.period IN ('night', 'none')
JOIN ops.reading_known('infinity') k
    ON k.form = i.form AND k.sender = i.sender AND k.delivery_id <> i.delivery_id AND k.as_of <> i.as_of
JOIN ops.reading r ON r.reading_id = k.reading_id
WHERE (k.as_of < i.as_of OR f.holds_before_first)
  AND (f.period <> 'night' OR ref.academic_year(k.as_of) = ref.academic_year(i.as_of))
ORDER BY i.place, k.as_of < i.as_of DESC, CASE WHEN k.as_of > i.as_of THEN k.as_of END, k.as_of DESC,
    k.counts_at DESC, k.delivery_id DESC, k.reading_id DESC
"""
REGISTERED = """
SELECT f.reading_id, f.school_code, f.short_name FROM core.{table} f
WHERE f.reading_id = ANY (:readings) ORDER BY f.school_code
"""


@dataclass(frozen=True)
class Stands:
    """A reading that a new one would take the place of."""

    reading_id: int
    rows_loaded: int
    as_of: dt.date


@dataclass(frozen=True)
class Weighed:
    """A reading on its way in, of which delivery it is, and what its slice holds."""

    reading: Reading
    delivery_id: int
    before: Standing | None


def objections(connection: Connection, asked: Sequence[Weighed]) -> list[list[Finding]]:
    """Of each reading, the findings by which it does not bear what it would take the place of.

    COM-071 refuses it; of the others each holds it. A delivery that is read again takes its own place: only a reading
    of which no row is loaded may not.
    """
    findings: list[list[Finding]] = [[] for _ in asked]
    places: dict[Form, list[int]] = {}
    stands = standing(connection, asked)
    for place, weighed in enumerate(asked):
        if weighed.before is None and not stands[place]:
            continue
        if weighed.reading.rows.loaded == 0:
            findings[place].append(_nothing(weighed.reading, stands[place], weighed.before))
        elif stands[place]:
            places.setdefault(form_named(weighed.reading.form or ""), []).append(place)
    for form, of_form in places.items():
        readings = {replaced.reading_id for place in of_form for replaced in stands[place]}
        if form.defines_schools:
            schools = registered(connection, form, sorted(readings))
            for place in of_form:
                findings[place] += _lost(asked[place].reading, stands[place], schools)
        else:
            figures = borne(connection, form, sorted(readings))
            told = told_by_month(connection, form, sorted(readings))
            for place in of_form:
                reading = asked[place].reading
                fallen = _fallen(form, reading, stands[place], figures)
                findings[place] += fallen or _months_lost(form, reading, stands[place], told)
    return findings


def standing(connection: Connection, asked: Sequence[Weighed]) -> list[list[Stands]]:
    """What each reading would take the place of: another delivery in its slice, and what holds on its date beside it.

    The latter is not asked when an officer accepted what the slice holds: that was the answer.
    """
    then = [
        (place, weighed)
        for place, weighed in enumerate(asked)
        if weighed.reading.as_of and not (weighed.before and weighed.before.is_accepted)
    ]
    parameters = {
        "places": [place for place, _ in then],
        "deliveries": [weighed.delivery_id for _, weighed in then],
        "forms": [weighed.reading.form for _, weighed in then],
        "senders": [weighed.reading.sender for _, weighed in then],
        "dates": [weighed.reading.as_of for _, weighed in then],
    }
    stands = [
        [Stands(weighed.before.reading_id, weighed.before.rows_loaded, weighed.before.as_of)]
        if weighed.before and weighed.before.delivery_id != weighed.delivery_id
        else []
        for weighed in asked
    ]
    for place, *rest in connection.execute(text(HOLDS_THEN), parameters):
        stands[place].append(Stands(*rest))
    return stands


def titles(form: Form) -> dict[str, str]:
    """What is counted of a form's facts → how it is called: keys, the pupils that count, and totals that are stated."""
    counted = dict(COUNTED[key.of] for key in form.grain if key.of in COUNTED)
    if form.pupils:
        first, measure = next(iter(form.pupils.measures.items()))
        return counted | {first: f"«{measure.title}»"}
    columns = {column.name: column.title for edition in form.editions for column in edition.columns}
    stated = {control.metric for control in form.controls} - {control.metric for control in form.row_controls}
    return counted | {name: f"«{title}»" for name, title in columns.items() if name in stated}


def _columns_counted(form: Form) -> dict[str, str]:
    """Names of what is counted of a form's facts → the column whose distinct values that are."""
    return {COUNTED[key.of][0]: key.column for key in form.grain if key.of in COUNTED}


def borne_by(form: Form, facts: pl.DataFrame) -> dict[str, int]:
    """What facts that are to be loaded bear, by the names of `titles`."""
    keys = _columns_counted(form)
    return {
        name: 0 if facts.is_empty() else facts[keys[name]].n_unique() if name in keys else int(facts[name].sum() or 0)
        for name in titles(form)
        if facts.is_empty() or keys.get(name, name) in facts.columns
    }


def borne(connection: Connection, form: Form, readings: Sequence[int]) -> dict[int, dict[str, int]]:
    """What the facts of readings bear, by the names of `titles`.

    Different things are told apart by hashing: the planner knows little of what was loaded a moment ago, and sorted a
    million facts on disk.
    """
    called, keys, table = titles(form), _columns_counted(form), f"core.{fact_table(form)}"
    figures: dict[int, dict[str, int]] = {}
    asked = {"readings": list(readings)}
    for name in (name for name in called if name in keys):
        things = f"SELECT DISTINCT f.reading_id, f.{keys[name]} FROM {table} f WHERE f.reading_id = ANY (:readings)"
        statement = f"SELECT d.reading_id, count(d.{keys[name]}) FROM ({things}) d GROUP BY d.reading_id"
        for reading_id, count in connection.execute(text(statement), asked):
            figures.setdefault(reading_id, {})[name] = count
    if sums := [name for name in called if name not in keys]:
        stated = ", ".join(f"coalesce(sum(f.{name}), 0)::bigint" for name in sums)
        statement = f"SELECT f.reading_id, {stated} FROM {table} f WHERE f.reading_id = ANY (:readings) GROUP BY 1"
        for reading_id, *totals in connection.execute(text(statement), asked):
            figures.setdefault(reading_id, {}).update(zip(sums, totals, strict=True))
    return figures


def registered(connection: Connection, form: Form, readings: Sequence[int]) -> dict[int, dict[str, str]]:
    """The schools of registers: code → name."""
    schools: dict[int, dict[str, str]] = {}
    statement = text(REGISTERED.format(table=fact_table(form)))
    for reading_id, code, name in connection.execute(statement, {"readings": list(readings)}):
        schools.setdefault(reading_id, {})[code] = name or code
    return schools


def _nothing(reading: Reading, stands: Sequence[Stands], before: Standing | None) -> Finding:
    rows = max((replaced.rows_loaded for replaced in (*stands, *([before] if before else ()))), default=0)
    return finding(
        NOTHING_LOADED,
        f"Строк с данными: {reading.rows.quarantined}, отложено {reading.rows.quarantined}; "
        f"в действующем файле загружено строк: {rows}.",
        value="0",
        expected="хотя бы одна строка без ошибок",
        difference=float(-rows),
    )


def _fallen(
    form: Form, reading: Reading, stands: Sequence[Stands], figures_before: Mapping[int, Mapping[str, int]]
) -> list[Finding]:
    """COM-020 for each figure that falls beyond the form's bound, against the one of which it lacks most."""
    facts = reading.facts if reading.apart is None else reading.apart.named
    now = {"rows": reading.rows.loaded, **borne_by(form, facts)}
    called = {"rows": "строк", **titles(form)}
    counted = {"rows", *_columns_counted(form)}
    findings = []
    for name, figure in now.items():
        before, as_of = max(
            ({"rows": replaced.rows_loaded, **figures_before.get(replaced.reading_id, {})}.get(name, 0), replaced.as_of)
            for replaced in stands
        )
        spare = form.spare_rows if name in counted else form.spare_fall
        if before - figure <= max(form.largest_fall * before + 1e-9, spare):
            continue
        aside = f" (ещё {reading.rows.quarantined} отложено)" if name == "rows" and reading.rows.quarantined else ""
        findings.append(
            finding(
                SUSPICIOUSLY_SMALLER,
                f"Загружается {called[name]}: {figure}{aside}, в действующем файле на {as_of:%d.%m.%Y}: {before}.",
                value=str(figure),
                expected=f"не меньше {math.ceil(before * (1 - form.largest_fall) - 1e-9)}",
                difference=float(figure - before),
                column=None if name in counted or form.pupils else name,  # the pupils that count are no column
            )
        )
    return findings


def told_by_month(connection: Connection, form: Form, readings: Sequence[int]) -> dict[int, dict[dt.date, int]]:
    """Of each reading that tells of the year so far: first day of a month → how many facts it has of that month."""
    told: dict[int, dict[dt.date, int]] = {}
    if day := told_on(form.period, form.grain):
        statement = f"""
            SELECT d.reading_id, cast(date_trunc('month', d.day::timestamp) AS date), sum(d.facts)::bigint FROM (
                SELECT f.reading_id, f.{day} AS day, count(*) AS facts FROM core.{fact_table(form)} f
                WHERE f.reading_id = ANY (:readings) GROUP BY 1, 2
            ) d GROUP BY 1, 2 ORDER BY 1, 2
        """
        for reading_id, month, count in connection.execute(text(statement), {"readings": list(readings)}):
            told.setdefault(reading_id, {})[month] = count
    return told


def _months_lost(
    form: Form, reading: Reading, stands: Sequence[Stands], told: Mapping[int, Mapping[dt.date, int]]
) -> list[Finding]:
    """COM-020 when a list of the year so far has nothing more of months that the one in force tells of: it is that of
    a later month alone, and as long."""
    day = told_on(form.period, form.grain)
    if day is None:
        return []
    now = reading.apart.months if reading.apart is not None else set(reading.facts[day].dt.truncate("1mo"))
    for replaced in stands:
        months = told.get(replaced.reading_id, {})
        lost = {month: count for month, count in months.items() if month not in now}
        if sum(lost.values()) > max(form.largest_fall * sum(months.values()) + 1e-9, FEW_MOVED):
            named = ", ".join(f"{month:%m.%Y} (было строк: {count})" for month, count in lost.items())
            words = f"Список ведут с начала учебного года, а в файле нет ни одной строки за {named}."
            return [finding(SUSPICIOUSLY_SMALLER, words, value="0", difference=float(-sum(lost.values())))]
    return []


def _lost(reading: Reading, stands: Sequence[Stands], schools: Mapping[int, Mapping[str, str]]) -> list[Finding]:
    """COM-070 when a register lacks schools of the one in force, with their names."""
    now = set(reading.facts["school_code"])
    lost: dict[str, str] = {}
    for replaced in stands:
        lost |= {code: name for code, name in schools.get(replaced.reading_id, {}).items() if code not in now}
    if not lost:
        return []
    named = "; ".join(f"{name} ({code})" for code, name in sorted(lost.items())[:NAMES_SHOWN])
    more = f" и ещё {len(lost) - NAMES_SHOWN}" if len(lost) > NAMES_SHOWN else ""
    before = max(len(schools.get(replaced.reading_id, ())) for replaced in stands)
    return [
        finding(
            SCHOOLS_LOST,
            f"Школ в новом реестре: {len(now)}, в действующем: {before}. Нет школ: {len(lost)} — {named}{more}.",
            value=str(len(now)),
            expected=f"все школы действующего реестра, их {before}",
            difference=float(-len(lost)),
        )
    ]
