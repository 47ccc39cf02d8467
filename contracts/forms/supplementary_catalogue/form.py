"""«Программы дополнительного образования»: a row a programme of the pfdo navigator (seed lines 88–90, 303–305;
domain 3.7, 7 (ix))."""

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

COLUMNS = (
    Column("title", "Название программы", "markup", "Программа, как она названа в навигаторе.",
           ("Наименование программы", "Программа", "Полное наименование программы", "Наименование")),
    Column("focus", "Направленность", "choice", "Одна из шести направленностей дополнительного образования.",
           ("Направленность программы", "Направление программы"), vocabulary="programme_focuses",
           open_vocabulary=True, misfit="SUP-001"),
    Column("description", "Описание", "markup", "О чём программа; без разметки страницы.",
           ("Описание программы", "Аннотация", "Краткое описание"), required=False, nullable=True),
    HOURS,
    term("SUP-003", required=False),
    STUDY_FORM,
    Column("provider", "Организация", "markup", "Кто учит.",
           ("Поставщик услуг", "Поставщик", "Организация-поставщик", "Образовательная организация",
            "Наименование организации", "Провайдер")),
    MUNICIPALITY,
    PLACES,
    STARTS_ON,
    LINK,
)  # fmt: skip

RULES = (
    Rule("SUP-001", "warning", "cell", column="focus", source="domain 7 (ix); domain 1.2 R6"),
    hours_rule("SUP-002"),
    Rule("SUP-003", "error", "cell", column="term_months", source="domain 7 (ix): CAT-3"),
    Rule(
        "SUP-004", "warning", "row",
        column="municipality", check=pl.col("municipality").is_not_null(), expected="муниципальный район",
        source="domain 7 (ix): what can a pupil of this municipality study",
    ),
    link_rule("SUP-005"),
)  # fmt: skip

FORM = Form(
    name="supplementary_catalogue",
    title="Программы дополнительного образования",
    description="Выгрузка навигатора дополнительного образования на учебный год; новая заменяет прежнюю целиком.",
    sender_kind="department",
    grain=(Key("title", "programme"), Key("provider", "provider")),
    row_is="программа × учебный год",
    cadence="к началу учебного года и при изменениях, целиком",
    recognised_by=("title", "focus", "study_form"),
    period="academic_year",
    owed=None,
    spare_rows=2,
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
