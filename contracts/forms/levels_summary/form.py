"""The published figures of levels and coverage, as the slide has them (seed lines 166–174): a claim to compare with.

The slide is six figures of the region as a whole, so the form is one row a school year.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, RowControl, Rule
from contracts.grain import Key

YEAR = pl.col("academic_year_start")

COLUMNS = (
    Column("school_year", "Учебный год", "text", "За какой учебный год цифры, например 2023/2024.",
           ("Год", "Уч. год")),
    Column("schools", "Общеобразовательных организаций", "count", "Сколько школ реализуют Профминимум.",
           ("Общеобразовательные организации", "Школ всего", "Количество школ", "Кол-во школ",
            "Школы: всего", "Организаций всего"), minimum=0, maximum=10_000),
    Column("schools_basic", "Базовый уровень", "count", "Школ на базовом уровне.",
           ("Школы: базовый уровень", "Школ на базовом уровне", "Базовый", "Школы: базовый"),
           minimum=0, maximum=10_000),
    Column("schools_main", "Основной уровень", "count", "Школ на основном уровне.",
           ("Школы: основной уровень", "Школ на основном уровне", "Основной", "Школы: основной"),
           minimum=0, maximum=10_000),
    Column("schools_advanced", "Продвинутый уровень", "count", "Школ на продвинутом уровне.",
           ("Школы: продвинутый уровень", "Школ на продвинутом уровне", "Продвинутый", "Школы: продвинутый"),
           minimum=0, maximum=10_000),
    Column("pupils_6_11", "Обучающихся 6–11 классов", "count", "Сколько всего обучающихся 6–11 классов.",
           ("Обучающиеся 6–11 классов", "Обучающиеся: всего", "Контингент 6–11 классов"), unit="чел.",
           required=False, nullable=True, minimum=0),
    Column("pupils_planned", "Обучающихся примут участие в мероприятиях", "count",
           "Сколько обучающихся примут участие в мероприятиях.",
           ("Обучающихся 6–11-х классов примут участие в мероприятиях",
            "Обучающихся 6–11 классов примут участие в мероприятиях", "Примут участие в мероприятиях",
            "Примут участие", "Обучающиеся: примут участие", "Планируется охватить"), unit="чел.", minimum=0),
    Column("coverage_rate", "Охват, %", "percent", "Доля участников, как напечатана.",
           ("%", "Охват", "% охвата", "Доля обучающихся, %", "Обучающиеся: %"), required=False, nullable=True),
)  # fmt: skip

SUM = pl.col("schools_basic") + pl.col("schools_main") + pl.col("schools_advanced")
RATE = pl.col("pupils_planned") / pl.when(pl.col("pupils_6_11") > 0).then(pl.col("pupils_6_11"))

RULES = (
    Rule(
        "COV-001", "error", "row",
        column="schools", check=pl.col("schools") == SUM, expected=pl.format("{}", SUM),
        difference=pl.col("schools") - SUM, source="seed 166–174; domain 7 (ii): COV-1",
    ),
    Rule(
        "LVS-001", "error", "row",
        column="school_year",
        check=pl.col("school_year").str.replace_all(r"\s", "").str.contains(
            pl.format("^{}[/–-](20)?{}$", YEAR, (YEAR + 1) % 100)
        )
        | (
            (pl.col("as_of").dt.month() == 8)
            & pl.col("school_year").str.replace_all(r"\s", "").str.contains(
                pl.format("^{}[/–-](20)?{}$", YEAR + 1, (YEAR + 2) % 100)
            )
        ),  # before a year begins its levels are known
        expected=pl.format("{}/{}", YEAR, YEAR + 1), source="domain 7: dates within the academic year",
    ),
    Rule(
        "LVS-002", "error", "row",
        column="pupils_planned", check=pl.col("pupils_planned") <= pl.col("pupils_6_11"),
        expected=pl.format("≤ {}", pl.col("pupils_6_11")),
        difference=pl.col("pupils_planned") - pl.col("pupils_6_11"), source="domain 7 (ii): COV-2",
    ),
    Rule("LVS-003", "warning", "row", column="coverage_rate", source="seed 168; domain 1.3 (ii)"),
)  # fmt: skip

FORM = Form(
    name="levels_summary",
    title="Сводные цифры уровней и охвата",
    description="Опубликованные цифры: загружаются как утверждение и сверяются с вычисленным.",
    sender_kind="department",
    grain=(Key("school_year", "year"),),
    row_is="учебный год × дата",
    cadence="по мере публикации",
    recognised_by=("schools_basic", "schools_main", "schools_advanced", "pupils_planned"),
    period="none",
    owed=None,
    row_controls=(RowControl("coverage_rate", "coverage_rate", RATE, pl.col("coverage_rate_half_unit"), "LVS-003"),),
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
