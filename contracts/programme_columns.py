"""What the catalogues of programmes have in common: columns, and rules that each states under its own id."""

from __future__ import annotations

import polars as pl

from contracts.form import Column, Rule

LONGEST_HOURS = 999

HOURS = Column(
    "hours", "Часы", "count", "Академических часов программы.",
    ("Часов", "Количество часов", "Объём, часов", "Объём программы, часов", "Кол-во часов", "Трудоёмкость, часов"),
    unit="ч",
)  # fmt: skip
STUDY_FORM = Column(
    "study_form", "Форма обучения", "choice", "Очная, очно-заочная, заочная или дистанционная.",
    ("Форма", "Форма освоения", "Форма реализации"), vocabulary="study_forms",
)  # fmt: skip
MUNICIPALITY = Column(
    "municipality", "Муниципальный район", "unit", "Где учат.",
    ("Муниципалитет", "Территория", "Муниципальное образование", "Район"), required=False, nullable=True,
)  # fmt: skip
PLACES = Column(
    "places", "Мест", "count", "Сколько обучающихся примут за учебный год.",
    ("Количество мест", "Число мест", "Места", "Свободных мест", "Кол-во мест"), unit="чел.", required=False,
    nullable=True, maximum=5000,
)  # fmt: skip
STARTS_ON = Column(
    "starts_on", "Начало обучения", "date", "Когда начинают, если день уже назначен.",
    ("Дата начала обучения", "Дата начала", "Старт обучения"), required=False, nullable=True,
)  # fmt: skip
LINK = Column(
    "link", "Ссылка", "text", "Страница программы.",
    ("Ссылка на программу", "Адрес страницы", "URL", "Страница программы"), required=False, nullable=True,
)  # fmt: skip


def term(misfit: str, *, required: bool) -> Column:
    """The column of the term; `misfit` is the rule of a term that cannot be read."""
    return Column(
        "term_months", "Срок обучения", "months", "Сколько месяцев учат: «10 мес.», «1,5 года».",
        ("Срок", "Срок освоения", "Длительность", "Продолжительность обучения", "Срок реализации"), misfit=misfit,
        required=required, nullable=not required,
    )  # fmt: skip


def hours_rule(rule: str) -> Rule:
    """Hours are those of a programme, not of a year or a lesson."""
    return Rule(
        rule, "error", "row",
        column="hours", check=pl.col("hours").is_between(1, LONGEST_HOURS), expected=f"от 1 до {LONGEST_HOURS}",
        source="domain 7 (ix): CAT-2",
    )  # fmt: skip


def link_rule(rule: str) -> Rule:
    """A link that a pupil can open."""
    return Rule(
        rule, "warning", "row",
        column="link", check=pl.col("link").str.contains(r"^https?://[^\s/]+\.[^\s/]+"),
        expected="адрес, который начинается с https://", source="seed 305, 324",
    )  # fmt: skip
