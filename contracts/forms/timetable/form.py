"""«Расписание занятий»: where in the week each class has «Россия – мои горизонты» (seed lines 73–76, 276–278, 510).

People have two layouts: a row a lesson, and the timetable on the wall with classes, days and lessons along its edges.
Both name teachers, and neither subject nor teacher is kept: only whether a lesson is the one that is asked for.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.crosstab import Axis, Crosstab
from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key, Owed
from contracts.school_class import CLASS, GRADE, GRADE_IS_TAUGHT, LETTER
from contracts.school_columns import SCHOOL_CODE, SCHOOL_NAME

YEAR = pl.col("academic_year_start")
OF_CLASS = ("delivery", pl.col("school_id").cast(pl.String).fill_null(pl.col("school_name")), "grade", "letter")
IS_SLOT = pl.col("subject").is_in(["rmg", "rmg_in_part"])
MAY_BE_SLOT = IS_SLOT | (pl.col("subject") == "rmg_perhaps")

COLUMNS = (
    SCHOOL_CODE,
    SCHOOL_NAME,
    GRADE,
    LETTER,
    Column("weekday", "День недели", "choice", "В какой день недели урок.",
           ("День", "Дни", "Дни недели", "Недели день"), vocabulary="weekdays"),
    Column("lesson", "Номер урока", "lesson", "Который урок по счёту; нулевой — 0. Пусто, если номера нет.",
           ("Урок", "№ урока", "Уроки", "Номер", "Номер занятия", "№ занятия", "Урок №", "Порядковый номер урока"),
           required=False, nullable=True, minimum=0, maximum=14),
    Column("subject", "Предмет", "choice",
           "Что за урок. Хранится только, «Россия – мои горизонты» ли это.",
           ("Предмет (курс)", "Предмет, курс", "Дисциплина", "Учебный предмет", "Название предмета", "Занятие",
            "Курс", "Наименование предмета", "Курс внеурочной деятельности"),
           vocabulary="lesson_subjects", within=True),
    Column("valid_from", "Действует с", "date", "С какого дня действует расписание.",
           ("Расписание действует с", "Дата введения", "Вводится с"), required=False, nullable=True),
    Column("school_year", "Учебный год", "text", "На какой учебный год расписание, например 2023/2024.",
           ("Уч. год",), required=False, nullable=True, fact=False),
)  # fmt: skip

RULES = (
    Rule(
        "TT-001", "warning", "row",
        column="grade",
        check=pl.when(GRADE_IS_TAUGHT & (pl.int_range(pl.len()).over(*OF_CLASS) == 0))
        .then(MAY_BE_SLOT.any().over(*OF_CLASS)),
        expected="занятие «Россия – мои горизонты» раз в неделю", source="seed 276–278, 510, 516; domain 7 (vi): TT-1",
    ),
    Rule(
        "TT-002", "warning", "row",
        column="subject", check=pl.when(IS_SLOT).then(pl.col("weekday") == "thursday"), expected="четверг",
        source="seed 73; domain 7 (vi): TT-2",
    ),
    Rule(
        "TT-003", "warning", "row",
        column="subject", check=pl.col("subject") != "rmg_perhaps", expected="«Россия – мои горизонты»",
        source="domain 7 (vi): TT-3",
    ),
    Rule(
        "TT-004", "warning", "row",
        column="subject", check=pl.col("subject") != "rmg_in_part", expected="весь класс, каждую неделю",
        source="seed 35, 73; domain 7 (vi): TT-4",
    ),
    Rule(
        "TT-006", "error", "row",
        column="school_year",
        check=pl.col("school_year").str.extract(r"(20\d\d)").cast(pl.Int32) == YEAR,
        expected=pl.format("{}/{}", YEAR, YEAR + 1), source="domain 7: dates within the academic year",
    ),
    Rule(
        "TT-007", "error", "row",
        column="valid_from", check=pl.col("valid_from").is_between(pl.date(YEAR, 8, 1), pl.date(YEAR + 1, 7, 31)),
        expected=pl.format("с 01.08.{} по 31.07.{}", YEAR, YEAR + 1), source="domain 7: dates within the academic year",
    ),
    Rule(
        "TT-008", "warning", "row",
        column="valid_from", check=pl.col("valid_from") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 7",
    ),
    Rule(
        "TT-009", "warning", "row",
        column="subject",
        check=pl.when(IS_SLOT).then(IS_SLOT.cast(pl.Int32).cum_sum().over(*OF_CLASS) <= 1),
        expected="раз в неделю", source="seed 35, 73: 34 hours a year, weekly",
    ),
    Rule("TT-005", "warning", "forms", column="grade", source="domain 7 (vi): TT-5"),
    Rule("TT-010", "warning", "forms", column="subject", source="seed 276–278, 510; domain 8: contradictions"),
    Rule("TT-013", "warning", "forms", column="grade", source="domain 7 (vi): TT-1, TT-5"),
    Rule("TT-011", "warning", "table", source="domain 7: a part that is not read is named"),
    Rule("TT-012", "warning", "table", column="grade", source="domain 7: a part that is not read is named"),
)  # fmt: skip

YEARS = r"(?<![\d.])(20\d{2}\s*[-/]\s*(?:20)?\d{2})(?!\d|[-./]\d)"
FORM = Form(
    name="timetable",
    title="Расписание занятий",
    description="Расписание уроков и внеурочных занятий школ; новый файл заменяет прежний целиком.",
    sender_kind="reporting_unit",
    grain=(*CLASS, Key("weekday", "weekday"), Key("lesson", "lesson")),
    row_is="класс × день недели × урок",
    cadence="к 15 сентября и при изменениях; новый файл заменяет прежний целиком",
    period="academic_year",
    owed=Owed("academic_year", until=(9, 15)),
    recognised_by=("grade", "weekday", "subject"),
    covers="schools",
    crosstab=Crosstab(
        axes=(
            Axis("класс", ("grade",), "6А"),
            Axis("день недели", ("weekday",), "Понедельник"),
            Axis("номер урока", ("lesson",), "1", optional=True),
        ),
        cell="subject",
        above=(
            ("school_code", r"код(?: оо| школы| организации)?\s*[:№]?\s*(\d{3,})"),
            ("school_name", r"^(?:школа|оо|образовательная организация|наименование оо|организация)\s*:\s*(.+)$"),
            ("valid_from", r"(?:действует|вводится|введено|применяется|вступает в силу) с (\d{1,2}[. ]\S+[. ]20\d\d)"),
            ("school_year", YEARS),
        ),
        labels="grid_labels",
        incomplete="TT-011",
        empty="TT-012",
    ),
    discreet=True,
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
