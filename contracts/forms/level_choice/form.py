"""«Распределение школ и классов по уровням»: a row a class (seed lines 65, 166–174; domain 1.2, 3.3, 7 (ii)).

The level is chosen for each class; how a school's level follows from its classes the source does not say. Here it is
the highest of them, and a level that is stated for the school is compared with it. No public copy of the form exists.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule, Size
from contracts.grain import Defines, Owed
from contracts.school_class import CLASS, GRADE, GRADE_IS_TAUGHT, LETTER
from contracts.school_columns import SCHOOL_CODE
from contracts.vocabulary import words

LEVELS = {"basic": 1, "main": 2, "advanced": 3}
"""The higher, the more hours a year."""
SHOWN = {LEVELS[code]: word for word, code in reversed(words("levels").items())}
OF_SCHOOL = ("delivery", "school_id")
HIGHEST = pl.col("level").replace_strict(LEVELS, default=None, return_dtype=pl.Int64).max().over(OF_SCHOOL)
HIGHEST_SHOWN = HIGHEST.replace_strict(SHOWN, default=None, return_dtype=pl.String)
STATED = pl.col("school_level").replace_strict(LEVELS, default=None, return_dtype=pl.Int64)
IS_FIRST = pl.col("school_id").is_not_null() & pl.struct(OF_SCHOOL).is_first_distinct()
IS_FIRST_STATED = pl.col("school_id").is_not_null() & pl.struct(*OF_SCHOOL, "school_level").is_first_distinct()
PUPILS_OF_SCHOOL = pl.when(GRADE_IS_TAUGHT).then(pl.col("pupils")).sum().over(OF_SCHOOL)
IS_LETTERED = pl.col("letter").is_not_null().any().over(*OF_SCHOOL, "grade")

COLUMNS = (
    SCHOOL_CODE,
    Column("school_name", "Наименование образовательной организации", "school_name",
           "Школа, как её называет отправитель.",
           ("Наименование ОО", "Школа", "Название школы", "Образовательная организация", "ОО",
            "Общеобразовательная организация", "Наименование школы", "Краткое наименование ОО"), fact=False),
    GRADE,
    LETTER,
    Column("level", "Уровень реализации", "choice", "Уровень, который выбран для класса.",
           ("Уровень", "Уровень класса", "Уровень Профминимума", "Уровень реализации Профминимума",
            "Выбранный уровень", "Уровень для класса", "Класс: уровень"), vocabulary="levels"),
    Column("pupils", "Обучающихся в классе", "count", "Сколько обучающихся в классе.",
           ("Обучающихся", "Обучающиеся: всего", "Количество обучающихся", "Численность обучающихся", "Учеников",
            "Количество учеников", "Наполняемость", "Наполняемость класса", "Класс: обучающихся",
            "Обучающихся, всего", "Всего обучающихся", "Кол-во обучающихся", "Кол-во уч-ся", "Кол-во учащихся",
            "Количество учащихся"), unit="чел.", minimum=1, maximum=60),
    Column("pupils_ovz", "Из них с ОВЗ", "count", "Сколько из них с ограниченными возможностями здоровья.",
           ("С ОВЗ", "в т.ч. с ОВЗ", "в том числе с ОВЗ", "Обучающихся с ОВЗ", "Обучающиеся: с ОВЗ",
            "Обучающиеся: из них с ОВЗ", "ОВЗ"), unit="чел.", required=False, nullable=True, minimum=0, maximum=60),
    Column("pupils_planned", "Из них планируется охватить", "count", "Сколько из них примут участие в мероприятиях.",
           ("Планируется охватить", "Планируемый охват", "Примут участие", "Примут участие в мероприятиях",
            "Обучающиеся: планируется охватить", "Обучающиеся: примут участие", "Планируется охватить, чел.",
            "План охвата", "Из них примут участие", "Планируют участвовать", "Планируют участие"),
           unit="чел.", minimum=0, maximum=60),
    Column("profile", "Профиль класса", "text", "Профиль, если класс профильный.",
           ("Профиль", "Профиль (если есть)", "Направленность (профиль)", "Класс: профиль"), required=False,
           nullable=True),
    Column("school_level", "Уровень школы", "choice", "Уровень школы, если он назван отдельно от классов.",
           ("Уровень ОО", "Уровень организации", "Уровень школы в целом", "Школа: уровень"), required=False,
           nullable=True, vocabulary="levels"),
)  # fmt: skip

RULES = (
    Rule(
        "COV-002", "error", "row",
        column="pupils_planned", check=pl.col("pupils_planned") <= pl.col("pupils"),
        expected=pl.format("≤ {}", pl.col("pupils")), difference=pl.col("pupils_planned") - pl.col("pupils"),
        source="domain 7 (ii): COV-2",
    ),
    Rule(
        "COV-003", "error", "row",
        column="grade", check=GRADE_IS_TAUGHT, expected="от 6 до 11", source="seed 67; domain 7 (ii): COV-3",
    ),
    Rule(
        "COV-004", "warning", "table",
        column="school_level", check=pl.when(IS_FIRST_STATED).then(STATED == HIGHEST),
        expected=pl.format("{}: это самый высокий уровень её классов", HIGHEST_SHOWN),
        source="seed 65; domain 7 (ii): COV-4",
    ),
    Rule(
        "COV-005", "error", "table",
        column="level",
        check=(pl.col("level").n_unique().over(*OF_SCHOOL, "grade", "letter") == 1) | pl.col("school_id").is_null(),
        expected="один уровень у одного класса", source="domain 7 (ii): COV-5",
    ),
    Rule(
        "COV-006", "warning", "register",
        column="pupils",
        check=pl.when(IS_FIRST).then(
            (PUPILS_OF_SCHOOL - pl.col("register_pupils")).abs() <= pl.col("register_pupils") * 0.05
        ),
        expected=pl.format("в классах школы вместе около {}", pl.col("register_pupils")),
        difference=PUPILS_OF_SCHOOL - pl.col("register_pupils"), needs_register=True,
        source="domain 7 (ii): COV-6",
    ),
    Rule("COV-007", "warning", "table", source="domain 7"),
    Rule(
        "LVL-001", "error", "row",
        column="pupils_ovz", check=pl.col("pupils_ovz") <= pl.col("pupils"),
        expected=pl.format("≤ {}", pl.col("pupils")), difference=pl.col("pupils_ovz") - pl.col("pupils"),
        source="seed 168; domain 3.3",
    ),
    Rule(
        "LVL-002", "warning", "table",
        column="letter", check=pl.col("letter").is_not_null() | ~IS_LETTERED | pl.col("school_id").is_null(),
        expected="буква: у других классов этой параллели она есть", source="domain 3.6",
    ),
    Rule(
        "LVL-003", "error", "row",
        column="level", check=~pl.col("as_of").dt.month().is_in([7, 8]),
        expected=pl.format("дата не раньше 01.09.{}", pl.col("as_of").dt.year()),
        source="domain 7: dates within the academic year",
    ),
    Rule("LVL-004", "warning", "forms", column="level", source="seed 65, 166–174; domain 7 (ii): COV-4"),
)  # fmt: skip

FORM = Form(
    name="level_choice",
    title="Распределение школ и классов по уровням",
    description="Какой уровень выбран для каждого класса и сколько обучающихся примут участие; новый список заменяет "
    "прежний целиком.",
    sender_kind="reporting_unit",
    grain=CLASS,
    row_is="класс × учебный год",
    cadence="к 15 сентября и при изменениях, целиком",
    recognised_by=("grade", "level", "pupils"),
    covers="schools",
    size=Size("schools_of_sender", most=90, spare=90),
    spare_rows=5,
    spare_fall=60,
    period="academic_year",
    owed=Owed("academic_year", until=(9, 15)),
    defines=Defines(
        "class", ("school_id", "grade", "letter"), ("level", "pupils", "pupils_planned", "profile"),
        yearly=True, grows="grade",
    ),
    controls=tuple(
        Control(metric, pl.col(metric), metric, "COV-007") for metric in ("pupils", "pupils_ovz", "pupils_planned")
    ),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)  # fmt: skip
