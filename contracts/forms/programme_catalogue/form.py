"""«Программы профессионального обучения»: a row a programme (seed lines 321–339, 499–502; domain 1.3, 7 (ix)).

The navigator of professions publishes three of them as a table whose cells hold HTML: lists without their items'
marks. The catalogue of supplementary education is a form of its own: each comes from its own office and takes the
place of its own former one alone.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key
from contracts.programme_columns import (
    HOURS,
    LINK,
    MUNICIPALITY,
    PLACES,
    STARTS_ON,
    STUDY_FORM,
    hours_rule,
    link_rule,
    term,
)

MOST_COMPETENCIES = 20
COMPETENCIES = pl.col("competencies").str.count_matches("; ", literal=True) + 1

COLUMNS = (
    Column("profession", "Наименование профессии", "markup", "Профессия, как она названа в навигаторе.",
           ("Профессия", "Название профессии", "Наименование программы", "Профессия рабочего, должность служащего",
            "Профессия (специальность)")),
    Column("okpdtr_code", "Код ОКПДТР", "text", "Код профессии: пять цифр.",
           ("ОКПДТР", "Код профессии", "Код профессии по ОКПДТР"), pattern=r"^[0-9]{5}$", misfit="CAT-001",
           required=False, nullable=True),
    Column("competencies", "Компетенции", "items", "Чему учат; пункты через точку с запятой.",
           ("Перечень компетенций", "Формируемые компетенции", "Профессиональные компетенции"), mended="CAT-004",
           nullable=True),
    HOURS,
    term("CAT-003", required=True),
    STUDY_FORM,
    Column("provider", "Организация, которая обучает", "markup", "Колледж или другая организация.",
           ("Организация", "Колледж", "Образовательная организация", "Где обучают", "Площадка", "Провайдер"),
           required=False, nullable=True),
    MUNICIPALITY,
    PLACES,
    STARTS_ON,
    LINK,
)  # fmt: skip

RULES = (
    Rule(
        "CAT-001", "warning", "row",
        column="okpdtr_code", check=pl.col("okpdtr_code").is_not_null(), expected="пять цифр, например 18466",
        source="domain 7 (ix): CAT-1; domain 3.6",
    ),
    hours_rule("CAT-002"),
    Rule("CAT-003", "error", "cell", column="term_months", source="domain 7 (ix): CAT-3"),
    Rule("CAT-004", "warning", "cell", column="competencies", source="domain 7 (ix): CAT-5; seed 501"),
    Rule(
        "CAT-005", "warning", "row",
        column="competencies", check=COMPETENCIES.fill_null(0).is_between(1, MOST_COMPETENCIES),
        expected=f"от 1 до {MOST_COMPETENCIES} пунктов", source="domain 7 (ix): CAT-5",
    ),
    Rule(
        "CAT-006", "warning", "row",
        column="provider", check=pl.col("provider").is_not_null(), expected="организация",
        source="domain 7 (ix): programme without provider",
    ),
    link_rule("CAT-007"),
)  # fmt: skip

FORM = Form(
    name="programme_catalogue",
    title="Программы профессионального обучения",
    description="Весь навигатор профессий на учебный год; новая выгрузка заменяет прежнюю целиком.",
    sender_kind="regional_operator",
    grain=(Key("profession", "programme"), Key("provider", "provider")),
    row_is="программа × учебный год",
    cadence="к началу учебного года и при изменениях, целиком",
    recognised_by=("profession", "competencies"),
    period="academic_year",
    owed=None,
    spare_rows=2,
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
