"""«План регистрации»: how many pupils each reporting unit has to register on «Билет в будущее» (seed lines 222–244)."""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule, Size
from contracts.grain import UNIT, Owed

COLUMNS = (
    Column("reporting_unit", "Муниципальный район", "unit", "Чей план.",
           ("Муниципальное образование", "Муниципалитет", "Территория", "Район", "Наименование территории")),
    Column("plan_pupils", "План регистрации, чел.", "count", "Сколько обучающихся нужно зарегистрировать.",
           ("План", "План регистрации", "План на учебный год", "Количество детей на регистрацию", "План, чел."),
           unit="чел.", minimum=0, maximum=1_000_000),
    Column("plan_source", "Основание", "text", "Документ, которым план утверждён.",
           ("Документ", "Основание плана", "Приказ"), required=False, nullable=True),
)  # fmt: skip

RULES = (
    Rule(
        "PLN-001", "error", "row",
        column="plan_pupils", check=pl.col("plan_pupils") > 0, expected="> 0", source="REG-1",
    ),
    Rule(
        "PLN-002", "warning", "register",
        column="plan_pupils", check=pl.col("plan_pupils") <= pl.col("register_unit_pupils"),
        expected=pl.format("≤ {}", pl.col("register_unit_pupils")),
        difference=pl.col("plan_pupils") - pl.col("register_unit_pupils"), needs_register=True, source="REG-8",
    ),
    Rule("PLN-003", "warning", "table", source="REG-7"),
    Rule("PLN-004", "warning", "history", source="REG-6"),
)  # fmt: skip

FORM = Form(
    name="registration_plan",
    title="План регистрации на «Билет в будущее»",
    description="Плановое число обучающихся по отчётным единицам на учебный год.",
    sender_kind="regional_operator",
    grain=(UNIT,),
    row_is="отчётная единица × учебный год",
    cadence="раз в учебный год и при пересмотре",
    recognised_by=("reporting_unit", "plan_pupils"),
    covers="units",
    size=Size("units", most=1.2),
    period="academic_year",
    holds_before=True,
    owed=Owed("academic_year"),
    controls=(Control("plan_pupils", pl.col("plan_pupils"), "plan_pupils", "PLN-003"),),
    states_total=True,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
