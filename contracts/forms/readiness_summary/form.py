"""The published summary of readiness, as printed in the source (seed lines 188–210): a claim to compare with."""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, RowControl, Rule, Size
from contracts.grain import UNIT

UNITS = (
    "Муниципальный район", "Муниципальное образование", "Муниципалитет", "Территория", "Район",
)  # fmt: skip

COLUMNS = (
    Column("reporting_unit", UNITS[0], "unit", "Отчётная единица.", UNITS[1:]),
    Column("schools", "Кол-во школ реализующих Профминимум", "count", "Школ в отчётной единице.",
           ("Кол-во школ", "Количество школ", "Школ всего"), minimum=0, maximum=10_000),
    Column("accepted", "Верный отчёт", "count", "Школ, чей отчёт верен.", ("Верных отчётов",), minimum=0),
    Column("accepted_rate", "%", "percent", "Доля верных отчётов, как напечатана.",
           ("% верных", "Процент", "Доля, %"), required=False, nullable=True),
    Column("rejected", "Неверный отчёт", "count", "Школ, чей отчёт неверен.", ("Неверных отчётов",), minimum=0),
    Column("missing", "Не предоставлен отчёт", "count", "Школ без отчёта.",
           ("Отчёт не предоставлен", "Нет отчёта", "Не представлен отчёт"), minimum=0),
)  # fmt: skip

SUM = pl.col("accepted") + pl.col("rejected") + pl.col("missing")
RATE = pl.col("accepted") / pl.when(pl.col("schools") > 0).then(pl.col("schools"))

RULES = (
    Rule(
        "RDS-001", "error", "row",
        column="schools", check=pl.col("schools") == SUM, expected=pl.format("{}", SUM),
        difference=pl.col("schools") - SUM, source="RDY-1",
    ),
    Rule(
        "RDS-002", "warning", "row",
        column="accepted_rate", source="RDY-2",
    ),
    Rule("RDS-003", "warning", "table", source="RDY-3"),
    Rule(
        "RDS-004", "warning", "register",
        column="schools", check=pl.col("schools") == pl.col("register_unit_schools"),
        expected=pl.format("{}", pl.col("register_unit_schools")),
        difference=pl.col("schools") - pl.col("register_unit_schools"), needs_register=True, source="RDY-4",
    ),
)  # fmt: skip

FORM = Form(
    name="readiness_summary",
    title="Сводная таблица готовности школ",
    description="Опубликованная таблица: загружается как утверждение и сверяется с вычисленным.",
    sender_kind="department",
    grain=(UNIT,),
    row_is="отчётная единица × дата",
    cadence="по мере публикации",
    recognised_by=("reporting_unit", "accepted", "rejected", "missing"),
    covers="units",
    size=Size("units", most=1.2),
    period="none",
    owed=None,
    controls=tuple(
        Control(metric, pl.col(metric), metric, "RDS-003") for metric in ("schools", "accepted", "rejected", "missing")
    ),
    row_controls=(RowControl("accepted_rate", "accepted_rate", RATE, pl.col("accepted_rate_half_unit"), "RDS-002"),),
    states_total=True,
    largest_fall=0.1,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
