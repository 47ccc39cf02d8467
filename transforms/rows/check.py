"""Rows against a contract: typed values, findings at their cells, and which rows are set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.forms.offered import offered_words
from contracts.forms.rule_states import States, rows_under
from contracts.rules import (
    CELL,
    CELL_ERROR,
    CODE_AND_NAME_DIFFER,
    CODE_UNKNOWN,
    KEY_NORMALISED,
    NAME_MISSPELT,
    NO_RESULT,
    NOT_IN_OPEN_LIST,
    NOUGHT_RESTORED,
    READ_AS,
)
from contracts.vocabulary import official_names, unit_names
from transforms.cells.answer import DASH
from transforms.cells.cell_value import plain
from transforms.cells.code import tidy
from transforms.cells.free_text import ERROR_CELL
from transforms.cells.number import percent_precision
from transforms.cells.parse import UNVALUED, Parsed, once_each, parse
from transforms.findings.disclosure import NOBODY, KnownNames, is_guarded
from transforms.findings.finding import NOTED_ONCE, PLACED, Table, described, placed, told_once
from transforms.rows.academic_year import of_year
from transforms.rows.broken import broken_rows
from transforms.rows.classes import bare_grades, states_classes, with_letters
from transforms.rows.contract import Judgement, contract
from transforms.rows.identity import person_keys
from transforms.tables.resolve import Register, resolve_units

EXPECTED = {
    "count": "целое число", "amount": "целое число", "hours": "число часов", "date": "дата ДД.ММ.ГГГГ",
    "yes_no": "да или нет", "percent": "процент, например 33,77%", "grade": "целое число",
    "grades": "например 6–11", "unit": "название территории из справочника",
    "letter": "одна буква или слово, например А",
    "lesson": "номер урока, например 3",
    "deadline": "например «11 сентября 2023 года», «сентябрь–ноябрь 2023» или «постоянно»",
    "months": "например «10 мес.» или «1,5 года»",
}  # fmt: skip


FaultyCell = tuple[int, int, str, str, str]
"""Table, row of the sheet from 1, column of the form, rule, and what is expected in the cell."""


@dataclass(frozen=True)
class Checked:
    """`typed`: row, table, delivery, sender, as_of, the columns of the form, school_id if any, `bad` Boolean.

    `findings`: the columns of `contracts.reading.FINDINGS`, and `delivery`, `index` (the row of `typed`).
    `skipped`: ids of rules that needed a register and had none. `spoke`: of each delivery how often rules would have
    spoken of which its region says something (`contracts.forms.rule_states`).
    `spoken_of`: the rows of `typed` of which a rule speaks by itself, whatever the region says of the rule: not of a
    text that may stand in many rows and is told once.
    """

    typed: pl.DataFrame
    findings: pl.DataFrame
    skipped: tuple[str, ...]
    spoke: Sequence[Counter[str]]
    spoken_of: pl.Series


def check_rows(
    raw: pl.DataFrame,
    tables: Sequence[Table],
    form: Form,
    edition: Edition,
    register: Register | None,
    aliases: Mapping[str, str],
    faults: Sequence[FaultyCell] = (),
    states: Sequence[States] = (),
    secret: bytes = b"",
    *,
    alone: bool = False,
) -> Checked:
    """Check the rows of many deliveries of one form at once.

    `raw` has table, row, delivery Int32, sender String, as_of Date, academic_year_start Int32, and a String column
    for each column of the edition. `faults` are cells that are wrong by what else stands in their table; `states` are
    those of rules, of each delivery. By the `secret` rows that are people get their pseudonym. Rows judged each
    `alone` are a block of more of them: whether two have one key is for the caller to say.
    """
    typed, unread = parsed(raw, edition, aliases, form.region)
    typed, of_letters = with_letters(raw, typed, edition)
    unread = pl.concat([unread, of_letters])
    if faults:
        unread = pl.concat([unread, _faulty_cells(raw, faults, edition)])
    frames = [unread]
    if "school_name" in raw.columns and not form.defines_schools:
        typed, problems = _with_schools(raw, typed, register)
        frames.append(problems)
    typed = _with_context(typed, raw, form, edition, register)
    if form.people is not None:
        typed = typed.with_columns(person_keys(typed[form.people.name], typed["sender"], form.people, secret))
    compiled = contract(form, edition, register is not None, alone)
    frames.append(judged(typed, unread, compiled.judgements, broken_rows(typed, compiled)))
    known = known_names(register, aliases) if is_guarded(edition) or form.discreet else NOBODY
    grain = [key.marked for key in form.grain]
    found = described(pl.concat(frames), raw, tables, edition, known, grain=grain, discreet=form.discreet)
    findings, spoke = rows_under(found, states)
    bad = findings.filter(pl.col("severity") == "error")["index"].unique()
    typed = typed.with_columns(pl.int_range(pl.len()).is_in(bad.implode()).alias("bad"))
    spoken_of = found.filter(~pl.col("rule").is_in(NOTED_ONCE))["index"].unique()
    return Checked(typed, findings, compiled.skipped, spoke, spoken_of)


def known_names(register: Register | None, aliases: Mapping[str, str]) -> KnownNames:
    """What may be shown of a form with pupils because the register or the alias table has it."""
    return KnownNames(frozenset() if register is None else register.codes_and_keys, aliases)


def _faulty_cells(raw: pl.DataFrame, faults: Sequence[FaultyCell], edition: Edition) -> pl.DataFrame:
    """A `PLACED` frame of the faults that are of rows of `raw`."""
    schema = {"table": pl.Int32, "row": pl.Int32, "column": pl.String, "rule": pl.String, "expected": pl.String}
    places = raw.select("table", "row").with_row_index("index")
    faulty = pl.DataFrame(list(faults), schema=schema, orient="row").join(places, on=["table", "row"], how="inner")
    frames = [pl.DataFrame(schema=PLACED)]
    for column in edition.columns:
        cells = faulty.filter(pl.col("column") == column.name).sort("index")
        frames.append(placed(cells["index"], cells["rule"], column.name, cells["expected"]))
    return pl.concat(frames)


def parsed(
    raw: pl.DataFrame, edition: Edition, aliases: Mapping[str, str], region: str | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Typed columns, and a `PLACED` frame of the cells that did not parse or were read through an alias."""
    columns = [raw[name] for name in ("table", "row", "delivery", "sender", "as_of", "academic_year_start")]
    frames = [pl.DataFrame(schema=PLACED)]
    for column in edition.columns:
        texts = raw[column.name]
        if column.kind == "grade" and states_classes(edition):
            texts = bare_grades(texts)
        read = once_each(texts, partial(_units, aliases)) if column.kind == "unit" else parse(texts, column)
        if column.kind == "yes_no" and read.remarks:
            read = _with_plain_dashes(texts, raw["delivery"], read)
        if column.of_year:
            read, noted = of_year(texts, raw, read, column)
            frames.append(noted)
        columns.append(read.values.alias(column.name))
        if read.unread is not None:
            frames.append(_unread_cells(texts, read.unread, read, column, *_wanted(column, edition)))
        if read.remarks:
            frames += _noted_cells(raw["delivery"], texts, read, column)
        if column.kind == "unit":
            names = read.values.replace_strict(unit_names(), default=None, return_dtype=pl.String)
            others = texts.set(texts.is_in(official_names(region)), None)
            frames.append(told_once(raw["delivery"], others, names, column.name))
    return pl.DataFrame(columns), pl.concat(frames)


def _units(aliases: Mapping[str, str], texts: pl.Series) -> Parsed:
    return Parsed(*resolve_units(texts, aliases))


def _with_plain_dashes(texts: pl.Series, delivery: pl.Series, read: Parsed) -> Parsed:
    """A dash is «нет» in a delivery that says «+» for «да» in the same column; elsewhere it stays a doubt."""
    dashes = [text for text in read.remarks if plain(text) == DASH]
    pluses = delivery.filter(texts.str.strip_chars() == "+").unique()
    clear = texts.is_in(dashes).fill_null(False) & delivery.is_in(pluses.implode())
    if read.unread is None or not clear.any():
        return read
    return replace(read, values=read.values.set(clear, False), unread=read.unread & ~clear)


def _wanted(column: Column, edition: Edition) -> tuple[Rule, str | None]:
    """The rule of a cell whose text says no value of the column, and what it should say."""
    if column.kind == "grade" and states_classes(edition):
        return CELL["letter"], "один класс, например 7 или 7А; у класса-комплекта строка на каждую параллель"
    own = next((rule for rule in edition.rules if rule.id == column.misfit), None)
    if own is not None and column.pattern:
        return own, own.expected if isinstance(own.expected, str) else None
    rule = NOT_IN_OPEN_LIST if column.open_vocabulary else CELL.get(column.kind, CELL_ERROR)
    if column.kind == "hours" and column.unit != "ак. ч":
        return rule, "число"
    return rule, ", ".join(offered_words(column)) if column.vocabulary else EXPECTED.get(column.kind, "текст")


def _unread_cells(
    texts: pl.Series, unread: pl.Series, read: Parsed, column: Column, rule: Rule, wanted: str | None
) -> pl.DataFrame:
    """Cells that state something that is not one value of the column."""
    index = unread.arg_true()
    there = texts.gather(index)
    clean = there.str.strip_chars()
    error = clean.str.contains(ERROR_CELL)
    ids = error.replace_strict({True: CELL_ERROR.id, False: column.misfit or rule.id}, return_dtype=pl.String)
    ids = ids.set(clean == UNVALUED, NO_RESULT.id)
    expected = pl.repeat(wanted, len(index), dtype=pl.String, eager=True)
    if read.remarks:
        remarked, rules, shown = zip(
            *((text, remark.rule, remark.shown) for text, remark in read.remarks.items()), strict=True
        )
        ids = there.replace_strict(remarked, rules, default=ids, return_dtype=pl.String)
        expected = there.replace_strict(remarked, shown, default=expected, return_dtype=pl.String)
        expected = expected.set((expected.is_null() & (ids == rule.id)).fill_null(False), wanted)
    return placed(index, ids, column.name, expected)


def _noted_cells(delivery: pl.Series, texts: pl.Series, read: Parsed, column: Column) -> list[pl.DataFrame]:
    """Cells with a value of which it is said how it was read; a text that may stand in every row, once a delivery."""
    frames, told = [], (*READ_AS, column.mended)
    for rule in dict.fromkeys(remark.rule for remark in read.remarks.values() if remark.rule in told):
        noted = {text: remark.shown for text, remark in read.remarks.items() if remark.rule == rule}
        shown = texts.replace_strict(noted, default=None, return_dtype=pl.String)
        if rule in NOTED_ONCE:
            frames.append(told_once(delivery, texts, shown, column.name, rule))
        else:
            index = shown.is_not_null().arg_true()
            frames.append(placed(index, rule, column.name, shown.gather(index)))
    return frames


def _with_schools(
    raw: pl.DataFrame, typed: pl.DataFrame, register: Register | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add school_id by the register: by code, else by name within the sender (or the territory of the row)."""
    unit = typed["municipality"] if "municipality" in typed.columns else typed["sender"]
    code = typed["school_code"] if "school_code" in typed.columns else pl.Series([None] * len(typed), dtype=pl.String)
    if register is None:
        return typed.with_columns(school_id=pl.lit(None, dtype=pl.Int64)), pl.DataFrame(schema=PLACED)
    code, restored = _known_codes(code, register)
    if "school_code" in typed.columns:
        typed = typed.with_columns(code.alias("school_code"))
    rows = pl.DataFrame({"school_code": code, "school_name": typed["school_name"], "unit": unit})
    resolved = register.resolve(rows)
    stated = rows["school_name"].is_not_null() | rows["school_code"].is_not_null()
    problem = resolved["school_problem"].is_not_null() & stated
    frames = [restored]
    for rule in (KEY_NORMALISED, NAME_MISSPELT):
        read_as = resolved["school_read_as"].set((resolved["school_note"] != rule.id).fill_null(False), None)
        frames.append(told_once(raw["delivery"], rows["school_name"], read_as, "school_name", rule.id))
    of_code = resolved["school_problem"].is_in([CODE_AND_NAME_DIFFER.id, CODE_UNKNOWN.id]).fill_null(False)
    by_code = rows["school_code"].is_not_null() & (rows["school_name"].is_null() | of_code)
    for mask, column in ((problem & ~by_code, "school_name"), (problem & by_code, "school_code")):
        index = mask.arg_true()
        if len(index):
            at = resolved.select("school_problem", "school_expected")[index]
            frames.append(placed(index, at["school_problem"], column, at["school_expected"]))
    return typed.with_columns(resolved["school_id"]), pl.concat(frames)


def _known_codes(codes: pl.Series, register: Register) -> tuple[pl.Series, pl.DataFrame]:
    """Codes as the register has them, and a `PLACED` frame of those that got their noughts back."""
    changed = {code: written for code in codes.unique().drop_nulls() if (written := register.known_code(code)) != code}
    if not changed:
        return codes, pl.DataFrame(schema=PLACED)
    index = codes.is_in([code for code, written in changed.items() if written != tidy(plain(code))]).arg_true()
    read = codes.replace(changed)
    return read, placed(index, NOUGHT_RESTORED.id, "school_code", read.gather(index))


def _with_context(
    typed: pl.DataFrame, raw: pl.DataFrame, form: Form, edition: Edition, register: Register | None
) -> pl.DataFrame:
    """Add what rules look at besides the row: the unit in the register, and how precisely a percent is stated."""
    if register is not None and "school_id" in typed.columns and form.pupils is None:
        typed = typed.join(register.context, on="school_id", how="left", maintain_order="left")
    if register is not None and "reporting_unit" in form.key:
        typed = typed.join(register.units, on="reporting_unit", how="left", maintain_order="left")
    for column in edition.columns:
        if column.kind == "percent":
            decimals, half_unit = percent_precision(raw[column.name])
            absent = typed[column.name].is_null()
            typed = typed.with_columns(
                decimals.set(absent, None).alias(f"{column.name}_decimals"),
                half_unit.set(absent, None).alias(f"{column.name}_half_unit"),
            )
    return typed


def judged(
    typed: pl.DataFrame, unread: pl.DataFrame, judgements: Mapping[tuple[str, str], Judgement], cases: pl.DataFrame
) -> pl.DataFrame:
    """A `PLACED` frame of broken rules, without those whose cells could not be read in the first place."""
    frames = [pl.DataFrame(schema=PLACED)]
    unread = unread.filter(~pl.col("rule").is_in(READ_AS))
    for (rule, column), rows in cases.group_by("rule", "column", maintain_order=True):
        judgement = judgements[(str(rule), str(column))]
        silent = unread.filter(pl.col("column").is_in([*judgement.roots, str(column)]))["index"]
        index = rows["index"].filter(~rows["index"].is_in(silent.implode()))
        if index.is_empty():
            continue
        shown = (typed if judgement.shows_others else typed[index]).select(
            expected=judgement.expected, difference=judgement.difference
        )
        if judgement.shows_others:
            shown = shown[index]
        if len(shown) == 1 < len(index):
            shown = pl.concat([shown] * len(index))
        expected = (
            shown["expected"].str.replace(r"^(\D*\d+)\.0$", "${1}").str.replace(r"^(\D*\d+)\.(\d+)$", "${1},${2}")
        )
        frames.append(placed(index, str(rule), str(column), expected).with_columns(shown["difference"]))
    return pl.concat(frames)
