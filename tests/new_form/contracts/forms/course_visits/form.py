"""«Посещение курсов»: pupils of a school on a course in a month."""

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule
from contracts.grain import SCHOOL, Defines, Key, Owed

COLUMNS = (
    Column("school_code", "Код ОО", "school_code", "Код школы.", ("Код школы",), required=False, nullable=True),
    Column("school_name", "Школа", "school_name", "Школа.", ("Наименование ОО",), fact=False),
    Column("course_code", "Код курса", "text", "Под которым курс известен.", ("Шифр курса",)),
    Column("course_name", "Курс", "text", "Как курс называется.", ("Название курса",)),
    Column("course_kind", "Вид курса", "choice", "Очно или дистанционно.", ("Форма курса",), vocabulary="course_kinds"),
    Column("visitors", "Посетили, чел.", "count", "Сколько обучающихся были.", ("Посетило",), unit="чел.", minimum=0),
)  # fmt: skip

RULES = (
    Rule("CRS-001", "error", "row", column="visitors", check=pl.col("visitors") > 0, expected="> 0", source="test"),
    Rule("CRS-002", "warning", "table", source="test"),
)

FORM = Form(
    name="course_visits",
    title="Посещение курсов",
    description="Кто посещал курсы за месяц.",
    sender_kind="reporting_unit",
    grain=(SCHOOL, Key("course_code", "programme")),
    row_is="школа × курс × месяц",
    cadence="каждый месяц",
    period="month",
    owed=Owed("month", working_days=5),
    recognised_by=("course_code", "visitors"),
    defines=Defines("programme", "course_code", ("course_name", "course_kind")),
    controls=(Control("visitors", pl.col("visitors"), "visitors", "CRS-002"),),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
