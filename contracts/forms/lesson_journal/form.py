"""«Журнал занятий РМГ»: a row a lesson of «Россия – мои горизонты» (seed lines 35, 73–76; domain 1.4, 6.2, 7 (vi)).

The timetable says where the lesson is to be, the journal that it was held. It is an export of an electronic journal,
from 1 September on: a new one replaces the former as a whole. No public copy of the form exists; its columns are those
that the source and the rules name.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key, Owed
from contracts.school_class import CLASS, GRADE, GRADE_IS_TAUGHT, LETTER
from contracts.school_columns import SCHOOL_CODE, SCHOOL_NAME

YEAR = pl.col("academic_year_start")
DAY = pl.col("held_on").dt
NEW_YEAR = (DAY.month() == 1) & (DAY.day() <= 8)

COLUMNS = (
    SCHOOL_CODE,
    SCHOOL_NAME,
    GRADE,
    LETTER,
    Column("held_on", "Дата занятия", "date", "Когда занятие прошло.",
           ("Дата урока", "Дата проведения занятия", "Дата проведения", "Дата",
            "Занятие: дата", "Урок: дата"), of_year=True),
    Column("subject", "Предмет", "choice", "Что за занятие, если в выгрузке их несколько; хранится только, оно ли это.",
           ("Предмет (курс)", "Дисциплина", "Учебный предмет", "Название предмета", "Занятие", "Курс",
            "Наименование предмета", "Курс внеурочной деятельности"),
           required=False, nullable=True, vocabulary="lesson_subjects", within=True, fact=False),
    Column("theme", "Тема занятия", "text", "О чём было занятие, как в журнале.",
           ("Тема урока", "Тема", "Занятие: тема", "Урок: тема", "Содержание занятия"), nullable=True),
    Column("hours", "Часов", "hours", "Сколько академических часов длилось занятие.",
           ("Кол-во часов", "Количество часов", "Часы", "Занятие: часов", "Ак. часов", "Академических часов",
            "Урок: часов"), unit="ак. ч", minimum=0.5, maximum=8),
    Column("present", "Присутствовали", "count", "Сколько обучающихся класса было на занятии.",
           ("Присутствовало", "Присутствующих", "Присутствовали, чел.", "Было на занятии", "Посетили",
            "Занятие: присутствовали", "Обучающиеся: присутствовали", "Кол-во присутствующих"),
           unit="чел.", minimum=0, maximum=60),
    Column("absent", "Отсутствовали", "count", "Скольких не было; пусто, если журнал этого не говорит.",
           ("Отсутствовало", "Отсутствующих", "Отсутствовали, чел.", "Не было на занятии", "Пропустили",
            "Занятие: отсутствовали", "Обучающиеся: отсутствовали", "Кол-во отсутствующих"),
           unit="чел.", required=False, nullable=True, minimum=0, maximum=60),
)  # fmt: skip

RULES = (
    Rule(
        "LSN-001", "error", "row",
        column="held_on", check=pl.col("held_on") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 7",
    ),
    Rule(
        "LSN-002", "error", "row",
        column="held_on", check=pl.col("held_on") >= pl.date(YEAR, 9, 1),
        expected=pl.format("не раньше 01.09.{}", YEAR), source="domain 7: dates within the academic year",
    ),
    Rule(
        "LSN-003", "error", "row",
        column="grade", check=GRADE_IS_TAUGHT, expected="от 6 до 11", source="seed 67, 516; COV-3",
    ),
    Rule(
        "LSN-004", "error", "row",
        column="subject", check=pl.col("subject") != "other", expected="«Россия – мои горизонты»",
        source="domain 7 (vi): TT-3",
    ),
    Rule(
        "LSN-005", "warning", "row",
        column="subject", check=pl.col("subject") != "rmg_perhaps", expected="«Россия – мои горизонты»",
        source="domain 7 (vi): TT-3",
    ),
    Rule(
        "LSN-006", "warning", "row",
        column="held_on", check=(DAY.weekday() != 7) & ~NEW_YEAR, expected="учебный день", source="domain 1.4",
    ),
    Rule(
        "LSN-007", "warning", "row",
        column="hours", check=pl.col("hours") == 1, expected="1 ак. ч", source="seed 35, 73: 34 hours a year, weekly",
    ),
    Rule(
        "LSN-008", "warning", "row",
        column="present", check=pl.col("present") > 0, expected="больше 0", source="domain 6.2: attended",
    ),
    Rule(
        "LSN-009", "warning", "row",
        column="theme", check=pl.col("theme").is_not_null(), expected="тема занятия", source="domain 6.2",
    ),
    Rule("LSN-010", "warning", "forms", column="grade", source="domain 7 (vi): TT-5"),
    Rule("LSN-011", "warning", "forms", column="hours", source="domain 8: contradictions"),
)  # fmt: skip

FORM = Form(
    name="lesson_journal",
    title="Журнал занятий РМГ",
    description="Проведённые занятия «Россия – мои горизонты» с начала учебного года; новая выгрузка заменяет прежнюю "
    "целиком.",
    sender_kind="reporting_unit",
    grain=(*CLASS, Key("held_on", "date")),
    row_is="класс × дата",
    cadence="нарастающей выгрузкой: к 5 октября и затем каждый месяц",
    period="academic_year",
    owed=Owed("academic_year", until=(10, 5)),
    recognised_by=("grade", "held_on", "present"),
    covers="schools",
    discreet=True,
    by_blocks=True,
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)  # fmt: skip
