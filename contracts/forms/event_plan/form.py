"""«План профориентационных мероприятий»: a row a planned event (seed lines 437–454; domain 7 (xii)).

The source shows twelve months, each behind a click, and not one event: an empty month is a fact. Every district sends
its whole plan each month, with what became of what was planned.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key, Owed

YEAR = pl.col("academic_year_start")
MONTH = pl.col("month").cast(pl.Int32, strict=False)
FIRST_DAY = pl.date(YEAR + (MONTH < 9).cast(pl.Int32), MONTH, 1)
LAST_DAY = FIRST_DAY.dt.month_end()
YEAR_BEGINS = pl.date(YEAR, 9, 1)
IN_AUGUST = MONTH == 8
"""The August in which a year is prepared, or the one with which it ends: the day says which."""
PREPARED_FROM = pl.date(YEAR, 8, 1)

COLUMNS = (
    Column("month", "Месяц", "choice", "Месяц учебного года, на который мероприятие запланировано.",
           ("Месяц проведения", "Планируемый месяц", "Срок (месяц)", "Мероприятие: месяц"), vocabulary="plan_months",
           of_year=True, day="planned_on", banded=True),
    Column("planned_on", "Дата проведения", "date", "День, если он уже назначен.",
           ("Дата мероприятия", "Планируемая дата", "Мероприятие: дата", "Дата", "Срок", "Сроки", "Срок проведения",
            "Сроки проведения", "Период проведения", "Месяц, дата", "Дата (месяц)", "Дата или месяц"),
           required=False, nullable=True, of_year=True,
           blank_words=("в течение месяца", "в течении месяца", "весь месяц", "по графику", "по согласованию",
                        "по плану", "уточняется", "дата уточняется")),
    Column("title", "Мероприятие", "text", "Как мероприятие называется.",
           ("Наименование мероприятия", "Название мероприятия", "Мероприятие: название", "Событие")),
    Column("kind", "Вид мероприятия", "choice", "Один из видов практического модуля, собрание или иное.",
           ("Форма мероприятия", "Форма проведения", "Тип мероприятия", "Мероприятие: вид", "Вид", "Форма", "Формат"),
           vocabulary="event_kinds"),
    Column("audience", "Для кого", "text", "Классы и участники.",
           ("Аудитория", "Участники", "Категория участников", "Целевая аудитория", "Классы")),
    Column("responsible_position", "Ответственный (должность)", "text", "Должность, без имени.",
           ("Ответственный", "Должность ответственного", "Ответственные"), nullable=True),
    Column("status", "Статус", "choice", "Запланировано, проведено, перенесено или отменено.",
           ("Состояние", "Отметка о проведении", "Отметка о выполнении", "Отметка", "Статус мероприятия"),
           vocabulary="event_statuses"),
    Column("moved_to", "Перенесено на", "date", "Новая дата перенесённого мероприятия.",
           ("Новая дата", "Дата переноса", "Перенос на"),
           required=False, nullable=True, of_year=True),
)  # fmt: skip

RULES = (
    Rule(
        "EPL-001", "error", "row",
        column="planned_on",
        check=pl.col("planned_on").is_between(FIRST_DAY, LAST_DAY)
        | (IN_AUGUST & pl.col("planned_on").is_between(PREPARED_FROM, YEAR_BEGINS, closed="left")),
        expected=pl.when(IN_AUGUST).then(pl.format("август {} или {} года", YEAR, YEAR + 1)).otherwise(
            pl.format("с {} по {}", FIRST_DAY.dt.to_string("%d.%m.%Y"), LAST_DAY.dt.to_string("%d.%m.%Y"))
        ),
        source="domain 7 (xii): PL-2",
    ),
    Rule(
        "EPL-002", "warning", "row",
        column="responsible_position", check=pl.col("responsible_position").is_not_null(), expected="должность",
        source="domain 7 (xii): PL-3",
    ),
    Rule(
        "EPL-003", "error", "row",
        column="status",
        check=(pl.col("status") != "held")
        | (pl.coalesce("planned_on", pl.when(IN_AUGUST).then(PREPARED_FROM).otherwise(FIRST_DAY)) <= pl.col("as_of")),
        expected="запланировано", source="domain 7 (xii): PL-4",
    ),
    Rule(
        "EPL-004", "warning", "row",
        column="status",
        check=(pl.col("status") != "planned")
        | (pl.coalesce("planned_on", LAST_DAY) >= pl.col("as_of"))
        | ((pl.col("as_of") == YEAR_BEGINS) & (pl.col("planned_on") < YEAR_BEGINS)),  # made before both
        expected="проведено, перенесено или отменено", source="domain 7 (xii): PL-4",
    ),
    Rule(
        "EPL-005", "error", "row",
        column="moved_to", check=(pl.col("status") != "moved") | pl.col("moved_to").is_not_null(),
        expected="новая дата", source="domain 7 (xii): PL-4",
    ),
    Rule(
        "EPL-006", "warning", "row",
        column="moved_to", check=pl.col("moved_to").is_null() | (pl.col("status") == "moved"),
        expected="статус «перенесено»", source="domain 7 (xii): PL-4",
    ),
    Rule("EPL-007", "warning", "forms", source="domain 7 (vii), (xii): what was held is in the list of meetings"),
)  # fmt: skip

FORM = Form(
    name="event_plan",
    title="План профориентационных мероприятий",
    description="План учебного года с отметками о проведении: каждый месяц заново, весь.",
    sender_kind="reporting_unit",
    grain=(Key("month", "month"), Key("title", "event")),
    row_is="месяц × мероприятие",
    cadence="каждый месяц, до 5-го рабочего дня следующего",
    period="month",
    owed=Owed("month", working_days=5),
    recognised_by=("month", "title", "status"),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
