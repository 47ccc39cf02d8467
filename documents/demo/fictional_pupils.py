"""Fictional pupils of a platform export: composed by arithmetic, so that a million of them takes a moment."""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.vocabulary import academic_year
from documents.demo.data import words

STATES = ("registered", "unverified", "archived")
COUNTERS = {"diagnostics": 4, "trials": 3, "excursions": 2, "museum_visits": 1, "masterclasses": 3}
WINDOW = 365  # days of birth of one grade


def _mixed(number: pl.Expr, salt: int, below: int) -> pl.Expr:
    """A number from 0 to below − 1 that looks random, the same on every machine and in every version."""
    spread = (number.cast(pl.Int64) + salt * 7919 + 1) * 2_654_435_761 % 4_294_967_296
    return (spread // 256 * 40_503 % 16_777_259) % below


def state_rows(schools: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Rows to fill: school_code, short_name, territory, grades, state; as many a school as its counts of STATES say."""
    kept = ("school_code", "short_name", "territory", "grades")
    return (
        pl.concat(
            schools.select(*kept, state=pl.lit(state).repeat_by(pl.col(state)))
            .filter(pl.col("state").list.len() > 0)
            .explode("state", empty_as_null=False)
            for state in STATES
        )
        .with_row_index("n")
        .sort("school_code", _mixed(pl.col("n"), seed, 1 << 20), "n")
        .drop("n")
    )


def fill(rows: pl.DataFrame, as_of: dt.date, seed: int) -> pl.DataFrame:
    """Pupils for rows with `grades` and `state`: names, birth dates, grades, verification, dates, counters.

    No name with the same birth date repeats: equal names are as many rows apart as there are names, and each lap
    moves the day of birth by one.
    """
    n = pl.col("n")
    surnames, given, patronymics = (
        len(words("pupil_names", f"{name_part}_m")) for name_part in ("surname", "given", "patronymic")
    )
    names = 2 * surnames * given * patronymics
    name = pl.col("name")
    september = academic_year(as_of)
    day_of_year = dt.date(as_of.year, 1, 1)
    lasting = max((as_of - day_of_year).days, 1)
    return (
        rows.with_row_index("n")
        .with_columns(n.cast(pl.Int64))
        .with_columns(
            name=(n * 7919 + seed) % names,
            grade=6 + _mixed(n, seed + 1, 12) % pl.when(pl.col("grades").str.ends_with("11")).then(6).otherwise(4),
        )
        .with_columns(
            male=name % 2 == 0,
            surname=name // 2 % surnames,
            given=name // 2 // surnames % given,
            patronymic=name // 2 // surnames // given,
            born=pl.date(september - 7 - pl.col("grade"), 9, 1)
            + pl.duration(days=(_mixed(name, seed + 2, WINDOW) + n // names) % WINDOW),
        )
        .with_columns(
            full_name=pl.concat_str(
                *(
                    pl.when(pl.col("male")).then(_pick(name_part, "m")).otherwise(_pick(name_part, "f"))
                    for name_part in ("surname", "given", "patronymic")
                ),
                separator=" ",
            ),
            birth_date=pl.col("born"),
            grade_letter=pl.lit(pl.Series(["А", "Б", "В"])).gather(_mixed(n, seed + 3, 3)),
            verification=pl.when(pl.col("state") == "unverified")
            .then(pl.lit("unverified"))
            .otherwise(pl.lit("verified")),
            last_login=pl.when((pl.col("state") != "unverified") | (_mixed(n, seed + 4, 3) == 0)).then(
                pl.lit(day_of_year) + pl.duration(days=_mixed(n, seed + 5, lasting))
            ),
            archived_on=pl.when(pl.col("state") == "archived").then(
                pl.lit(day_of_year) + pl.duration(days=_mixed(n, seed + 6, lasting))
            ),
            **{
                counter: pl.when(pl.col("state") == "registered").then(_mixed(n, seed + at, most + 1)).otherwise(0)
                for at, (counter, most) in enumerate(COUNTERS.items(), start=7)
            },
        )
        .drop("n", "name", "male", "surname", "given", "patronymic", "born", "grades")
    )


def _pick(name_part: str, gender: str) -> pl.Expr:
    """The part of a name at the index that the column of the same name holds."""
    return pl.lit(pl.Series(words("pupil_names", f"{name_part}_{gender}"))).gather(pl.col(name_part))
