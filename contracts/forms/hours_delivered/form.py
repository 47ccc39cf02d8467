"""«Выполнение часов»: a row a class, direction and month (seed lines 29–61; domain 1.2, 7 (i)).

Hours of a year are promised by the level of a class; here it is seen whether they are given. A file speaks for the
months of its rows: a month that a later file states again is the later one's. No public copy of the form exists.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule
from contracts.grain import Key, Owed
from contracts.school_class import CLASS, GRADE, GRADE_IS_TAUGHT, LETTER
from contracts.school_columns import SCHOOL_CODE, SCHOOL_NAME

YEAR = pl.col("academic_year_start")
MONTH = pl.col("month").cast(pl.Int32, strict=False)
FIRST_DAY = pl.date(YEAR + (MONTH < 9).cast(pl.Int32), MONTH, 1)

COLUMNS = (
    SCHOOL_CODE,
    SCHOOL_NAME,
    GRADE,
    LETTER,
    Column("direction", "Направление", "choice", "Одно из шести направлений Профминимума.",
           ("Направление деятельности", "Направление Профминимума", "Часы: направление", "Вид деятельности",
            "Формат деятельности"), vocabulary="directions"),
    Column("month", "Месяц", "choice", "Месяц учебного года, в котором часы даны.",
           ("Месяц проведения", "За месяц", "Отчётный месяц", "Часы: месяц"), vocabulary="plan_months", of_year=True),
    Column("hours", "Дано часов", "hours", "Сколько академических часов дано классу за месяц.",
           ("Часы", "Часов дано", "Проведено часов", "Выполнено часов", "Фактически часов", "Часы: дано", "Факт, часов",
            "Дано часов за месяц"), unit="ак. ч", minimum=0, maximum=60),
)  # fmt: skip

RULES = (
    Rule(
        "HRS-001", "error", "row",
        column="month", check=pl.col("as_of") >= FIRST_DAY,
        expected=pl.format("месяц, который начался не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")),
        source="domain 7: dates within the academic year",
    ),
    Rule(
        "HRS-002", "error", "row",
        column="grade", check=GRADE_IS_TAUGHT, expected="от 6 до 11", source="seed 67; COV-3",
    ),
    Rule(
        "HRS-003", "warning", "row",
        column="month", check=MONTH.is_in([7, 8]).not_() | (pl.col("hours") == 0), expected="0 ч в июле и августе",
        source="domain 7: dates within the academic year",
    ),
    Rule("HRS-004", "warning", "table", source="domain 7"),
    Rule("HRS-005", "warning", "forms", column="grade", source="domain 7 (vi): TT-5"),
    Rule("HRS-006", "warning", "forms", column="hours", source="seed 29–61: a direction is no part of each level"),
)  # fmt: skip

FORM = Form(
    name="hours_delivered",
    title="Выполнение часов Профминимума",
    description="Сколько часов дано классам по направлениям и месяцам; месяц, названный снова, — по новому файлу.",
    sender_kind="reporting_unit",
    grain=(*CLASS, Key("direction", "direction"), Key("month", "month")),
    row_is="класс × направление × месяц",
    cadence="каждый месяц, до 5-го рабочего дня следующего",
    period="month",
    owed=Owed("month", working_days=5),
    recognised_by=("grade", "direction", "month", "hours"),
    controls=(Control("hours", pl.col("hours"), "hours", "HRS-004"),),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
