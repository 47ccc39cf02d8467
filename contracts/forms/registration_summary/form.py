"""The published summary of registration, as printed in the source (seed lines 222–244): a claim to compare with."""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, RowControl, Rule, Size
from contracts.forms.readiness_summary.form import UNITS
from contracts.grain import UNIT

COLUMNS = (
    Column("reporting_unit", UNITS[0], "unit", "Отчётная единица.", UNITS[1:]),
    Column("plan_pupils", 'Кол-во детей НА РЕГИСТРАЦИЮ в проекте "Билет в будущее" ("План")', "count",
           "Сколько обучающихся нужно зарегистрировать.", ("План", "План, чел."), unit="чел.", minimum=0),
    Column("actual_pupils", 'Кол-во детей ЗАРЕГИСТРИРОВАННЫХ в проекте "Билет в будущее" ("Факт")', "count",
           "Сколько зарегистрировано.", ("Факт", "Факт, чел.", "Зарегистрировано"), unit="чел.", minimum=0),
    Column("completion_rate", "% выполнения", "percent", "Доля выполнения, как напечатана.",
           ("% выполнени я", "Процент выполнения", "%"), required=False, nullable=True),
    Column("balance", "Остаток", "amount", "План минус факт, как напечатан.", ("Осталось", "Остаток, чел."),
           unit="чел.", required=False, nullable=True),
)  # fmt: skip

BALANCE = pl.col("plan_pupils") - pl.col("actual_pupils")
RATE = pl.col("actual_pupils") / pl.when(pl.col("plan_pupils") > 0).then(pl.col("plan_pupils"))

RULES = (
    Rule(
        "RGS-001", "error", "row",
        column="plan_pupils", check=pl.col("plan_pupils") > 0, expected="> 0", source="REG-1",
    ),
    Rule(
        "RGS-002", "warning", "row",
        column="actual_pupils", check=pl.col("actual_pupils") <= pl.col("plan_pupils"),
        expected=pl.format("≤ {}", pl.col("plan_pupils")),
        difference=pl.col("actual_pupils") - pl.col("plan_pupils"), source="REG-2",
    ),
    Rule(
        "RGS-003", "warning", "row",
        column="balance", source="REG-3",
    ),
    Rule(
        "RGS-004", "warning", "row",
        column="completion_rate", source="REG-4",
    ),
    Rule(
        "RGS-005", "warning", "row",
        column="completion_rate", check=pl.col("completion_rate_decimals") >= 2, expected="два знака после запятой",
        source="REG-4; seed 223",
    ),
    Rule("RGS-006", "warning", "table", source="REG-7"),
)  # fmt: skip

FORM = Form(
    name="registration_summary",
    title="Сводная таблица регистрации на «Билет в будущее»",
    description="Опубликованная таблица: загружается как утверждение и сверяется с вычисленным.",
    sender_kind="department",
    grain=(UNIT,),
    row_is="отчётная единица × дата",
    cadence="по мере публикации",
    recognised_by=("reporting_unit", "plan_pupils", "actual_pupils"),
    covers="units",
    size=Size("units", most=1.2),
    period="none",
    owed=None,
    controls=(
        Control("plan_pupils", pl.col("plan_pupils"), "plan_pupils", "RGS-006"),
        Control("actual_pupils", pl.col("actual_pupils"), "actual_pupils", "RGS-006"),
        Control("balance", BALANCE, "balance", "RGS-006"),
    ),
    row_controls=(
        RowControl("completion_rate", "completion_rate", RATE, pl.col("completion_rate_half_unit"), "RGS-004"),
        RowControl("balance", "balance", BALANCE, pl.lit(0.0), "RGS-003"),
    ),
    states_total=True,
    largest_fall=0.1,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
