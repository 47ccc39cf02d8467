"""«Родительские собрания»: a row a meeting that a school has held (seed lines 82–86, 313; domain 7 (vii)).

Two all-Russian meetings fall into the academic year, in September and in February; further ones are the school's own.
No public copy of the form exists; its columns are those that the source and the letters name.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule
from contracts.grain import SCHOOL, Key, Owed
from contracts.school_columns import SCHOOL_CODE, SCHOOL_NAME
from contracts.vocabulary import rows

YEAR = pl.col("academic_year_start")
WINDOWS = {row["meeting"]: int(row["month"]) for row in rows("meeting_months")}
"""Kind of meeting → the month in which it is held all over Russia."""
MONTH = pl.col("meeting").replace_strict(WINDOWS, default=None, return_dtype=pl.Int32)
FIRST_DAY = pl.date(YEAR + (MONTH < 9).cast(pl.Int32), MONTH, 1)

COLUMNS = (
    SCHOOL_CODE,
    SCHOOL_NAME,
    Column("held_on", "Дата собрания", "date", "Когда собрание прошло.",
           ("Дата проведения собрания", "Дата родительского собрания", "Собрание проведено", "Когда проведено",
            "Собрание: дата", "Собрание: когда проведено"),
           of_year=True),
    Column("meeting", "Вид собрания", "choice", "Первое или второе всероссийское либо своё.",
           ("Собрание", "Какое собрание", "Вид родительского собрания", "Собрание: вид",
            "Всероссийское или школьное"), vocabulary="meeting_kinds"),
    Column("hours", "Часов", "hours", "Сколько академических часов длилось собрание.",
           ("Продолжительность", "Продолжительность, ак. ч", "Длительность, часов", "Кол-во часов",
            "Количество часов", "Собрание: часов"), unit="ак. ч", minimum=0, maximum=12),
    Column("parents_invited", "Родителей приглашено", "count", "Сколько родителей приглашено.",
           ("Приглашено родителей", "Приглашено, чел.", "Родители: приглашено", "Приглашено"), unit="чел.",
           minimum=1, maximum=10_000),
    Column("parents_attended", "Родителей участвовало", "count", "Сколько из них участвовало.",
           ("Участвовало родителей", "Участвовало, чел.", "Родители: участвовало", "Присутствовало родителей",
            "Присутствовало", "Присутствовало, чел.", "Приняли участие, чел."), unit="чел.", minimum=0, maximum=10_000),
    Column("link", "Ссылка на материалы", "text", "Где собрание подтверждено: новость, запись, протокол.",
           ("Ссылка", "Ссылка на новость", "Ссылка на публикацию", "Ссылка на сайт", "Подтверждение (ссылка)"),
           required=False, nullable=True),
)  # fmt: skip

RULES = (
    Rule(
        "PM-001", "warning", "row",
        column="held_on",
        check=pl.col("held_on").is_between(FIRST_DAY, FIRST_DAY.dt.month_end()),
        expected=pl.format(
            "с {} по {}", FIRST_DAY.dt.to_string("%d.%m.%Y"), FIRST_DAY.dt.month_end().dt.to_string("%d.%m.%Y")
        ),
        source="seed 84–85; domain 7 (vii)",
    ),
    Rule(
        "PM-002", "error", "row",
        column="parents_attended", check=pl.col("parents_attended") <= pl.col("parents_invited"),
        expected=pl.format("≤ {}", pl.col("parents_invited")),
        difference=pl.col("parents_attended") - pl.col("parents_invited"), source="domain 7 (vii)",
    ),
    Rule(
        "PM-004", "warning", "row",
        column="link", check=pl.col("link").is_not_null() & pl.col("link").str.contains(r"^https?://\S+$"),
        expected="адрес, который начинается с https://", source="domain 7 (vii)",
    ),
    Rule(
        "PM-005", "error", "row",
        column="held_on", check=pl.col("held_on") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 7",
    ),
    Rule(
        "PM-006", "error", "row",
        column="held_on", check=pl.col("held_on") >= pl.date(YEAR, 8, 15),
        expected=pl.format("не раньше 15.08.{}", YEAR), source="domain 7: dates within the academic year",
    ),
    Rule("PM-007", "warning", "table", source="domain 7"),
    Rule("PM-003", "warning", "forms", column="hours", source="seed 82–86, 313; domain 7 (vii)"),
)  # fmt: skip

FORM = Form(
    name="parent_meetings",
    title="Родительские собрания по профориентации",
    description="Собрания, которые школы провели с начала учебного года; новый файл заменяет прежний целиком.",
    sender_kind="reporting_unit",
    grain=(SCHOOL, Key("held_on", "date")),
    row_is="школа × дата собрания",
    cadence="нарастающим списком: к 10 октября и после каждого собрания",
    period="academic_year",
    owed=Owed("academic_year", until=(10, 10)),
    recognised_by=("school_name", "held_on", "parents_invited", "parents_attended"),
    controls=tuple(Control(name, pl.col(name), name, "PM-007") for name in ("parents_invited", "parents_attended")),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
