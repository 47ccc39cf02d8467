"""«Мероприятия практического модуля»: a row an event and a school (seed lines 94–101, 508–514; domain 7 (viii)).

Five kinds of events make up the practice module. An event for several schools has a row for each; a row counts pupils
who came, so sums over rows are visits and never pupils. No public copy of the form exists; its columns are those that
the source and the rules name.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule
from contracts.grain import SCHOOL, Key, Owed
from contracts.inn import is_right
from contracts.school_columns import SCHOOL_CODE

KIND = pl.col("kind")
HOST_KINDS = ("enterprise", "college", "university")
AT_A_HOST = KIND.is_in(["excursion", "masterclass"])
YEAR = pl.col("academic_year_start")
SLOT = ("delivery", "school_id", "host_inn", "held_on", "starts_at")

COLUMNS = (
    SCHOOL_CODE,
    Column("school_name", "Наименование образовательной организации", "school_name",
           "Школа, обучающиеся которой участвовали.",
           ("Наименование ОО", "Школа", "Название школы", "Образовательная организация", "ОО",
            "Наименование школы", "Краткое наименование ОО", "Школа-участник"), fact=False),
    Column("held_on", "Дата мероприятия", "date", "Когда мероприятие прошло.",
           ("Дата проведения мероприятия", "Дата проведения", "Дата", "Мероприятие: дата", "Проведено"), of_year=True),
    Column("starts_at", "Время начала", "text", "Когда началось; различает две группы одного дня.",
           ("Начало", "Время", "Начало мероприятия", "Мероприятие: начало", "Время проведения"), required=False,
           nullable=True),
    Column("kind", "Вид мероприятия", "choice",
           "Профпроба, проект, экскурсия, мастер-класс, конкурс или другое мероприятие.",
           ("Форма мероприятия", "Тип мероприятия", "Мероприятие: вид", "Вид", "Вид практики"),
           vocabulary="practice_kinds"),
    Column("kind_note", "Что за мероприятие (если другое)", "text", "Чем было мероприятие, которого нет в перечне.",
           ("Пояснение к виду", "Если другое, то что", "Мероприятие: пояснение", "Уточнение вида"), required=False,
           nullable=True),
    Column("title", "Мероприятие", "text", "Как мероприятие называется.",
           ("Наименование мероприятия", "Название мероприятия", "Мероприятие: название", "Тема мероприятия",
            "Название")),
    Column("host_inn", "ИНН принимающей организации", "inn", "10 цифр у организации, 12 у предпринимателя, как текст.",
           ("ИНН организатора", "Организатор: ИНН", "ИНН партнёра", "ИНН площадки", "Принимающая организация: ИНН"),
           required=False, nullable=True),
    Column("host_name", "Принимающая организация", "text", "У кого мероприятие прошло.",
           ("Организатор", "Площадка", "Организатор: наименование", "Принимающая организация: наименование",
            "Партнёр, на базе которого прошло"), nullable=True),
    Column("host_kind", "Вид принимающей организации", "choice", "Предприятие, колледж, вуз или иная организация.",
           ("Тип организатора", "Вид организатора", "Организатор: вид", "Принимающая организация: вид"), nullable=True,
           vocabulary="partner_kinds"),
    Column("grades", "Классы", "grades", "Классы участников, например 8–9.",
           ("Классы участников", "Параллели", "Участники: классы", "Какие классы участвовали")),
    Column("pupils", "Участников", "count", "Сколько обучающихся этих классов школы пришло.",
           ("Участников, чел.", "Количество участников", "Участники: всего", "Обучающихся",
            "Кол-во участников"), unit="чел.", minimum=1, maximum=5000),
    Column("hours", "Часов", "hours", "Сколько академических часов длилось мероприятие для участника.",
           ("Продолжительность", "Продолжительность, ак. ч", "Длительность, часов", "Кол-во часов",
            "Количество часов", "Мероприятие: часов"), unit="ак. ч", minimum=0.5, maximum=80),
)  # fmt: skip

RULES = (
    Rule(
        "EV-001", "error", "row",
        column="kind_note", check=(KIND != "other") | pl.col("kind_note").is_not_null(), expected="чем оно было",
        source="seed 97–101; domain 7 (viii)",
    ),
    Rule(
        "EV-002", "warning", "row",
        column="host_kind", check=~AT_A_HOST | pl.col("host_kind").is_in(HOST_KINDS).fill_null(value=False),
        expected="предприятие, колледж или вуз", source="seed 99; domain 7 (viii)",
    ),
    Rule("EV-003", "warning", "forms", column="pupils", source="domain 7 (viii)"),
    Rule(
        "EV-004", "error", "table",
        column="starts_at",
        check=pl.when(pl.col("host_inn").is_not_null() & pl.col("starts_at").is_not_null()).then(
            pl.struct("title", "kind").n_unique().over(SLOT) == 1
        ),
        expected="одно мероприятие школы у одной организации в одно время", needs_register=True,
        source="domain 7 (viii)",
    ),
    Rule("EV-005", "warning", "forms", column="hours", source="seed 29–61; domain 1.2, 7 (viii)"),
    Rule(
        "EV-007", "error", "row",
        column="held_on", check=pl.col("held_on") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 7",
    ),
    Rule(
        "EV-008", "error", "row",
        column="held_on", check=pl.col("held_on") >= pl.date(YEAR, 9, 1),
        expected=pl.format("не раньше 01.09.{}", YEAR), source="domain 7: dates within the academic year",
    ),
    Rule(
        "EV-009", "warning", "row",
        column="host_inn",
        check=pl.when(pl.col("host_inn").is_not_null()).then(is_right("host_inn").fill_null(value=False)),
        expected="ИНН с верной контрольной цифрой", source="domain 3.6",
    ),
    Rule(
        "EV-010", "error", "row",
        column="grades",
        check=pl.all_horizontal(
            pl.col("grades").str.extract(end).cast(pl.Int64).is_between(6, 11) for end in (r"^(\d+)", r"(\d+)$")
        ),
        expected="классы с 6 по 11", source="seed 67; COV-3",
    ),
    Rule("EV-011", "warning", "table", source="domain 7"),
    Rule("EV-012", "warning", "forms", column="host_inn", source="seed 512–514, assignment 3; domain 7 (viii): AG-2"),
    Rule(
        "EV-013", "warning", "row",
        column="host_inn",
        check=pl.col("host_name").is_null() | pl.col("host_inn").is_not_null(), expected="ИНН",
        source="domain 3.6: partners are known by their ИНН",
    ),
)  # fmt: skip

FORM = Form(
    name="practice_events",
    title="Мероприятия практического модуля",
    description="Мероприятия, которые прошли с начала учебного года; новый файл заменяет прежний целиком.",
    sender_kind="reporting_unit",
    grain=(
        SCHOOL, Key("held_on", "date"), Key("title", "event"), Key("starts_at", "number"), Key("host_inn", "partner"),
        Key("grades", "grade"),
    ),
    row_is="школа × дата × мероприятие × классы",
    cadence="нарастающим списком: к 30 ноября и после каждого мероприятия",
    period="academic_year",
    owed=Owed("academic_year", until=(11, 30)),
    recognised_by=("held_on", "title", "grades", "pupils"),
    controls=(Control("pupils", pl.col("pupils"), "pupils", "EV-011"),),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)  # fmt: skip
