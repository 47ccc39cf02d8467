"""«Организационно-подготовительные мероприятия»: a row a measure (seed lines 248–332; domain 1.3 (xiv)).

Two slides: the first has no ticks at all, the second ticks what is done. So a missing tick says «not done» on a slide
with ticks and nothing on one without.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key

COLUMNS = (
    Column("direction", "Направление", "choice", "К какому направлению Профминимума мера относится.",
           ("Направление работы", "Направление Профминимума", "Раздел"), vocabulary="preparation_directions",
           banded=True),
    Column("measure", "Подготовительное мероприятие", "text", "Что делается.",
           ("Мера", "Мероприятие", "Организационно-подготовительное мероприятие", "Наименование мероприятия")),
    Column("ticked", "Выполнено", "yes_no", "Отметка о выполнении.",
           ("Отметка о выполнении", "Отметка"), nullable=True, vocabulary="answers"),
    Column("slide_has_ticks", "На слайде есть отметки", "yes_no",
           "Отмечают ли на этом слайде сделанное; без ответа — есть ли отметки в таблице.",
           ("Слайд с отметками", "Слайд: есть отметки"), required=False, nullable=True, vocabulary="answers"),
)  # fmt: skip

RULES = (
    Rule(
        "PRP-001", "warning", "row",
        column="slide_has_ticks", check=pl.col("slide_has_ticks") | ~pl.col("ticked").fill_null(False),
        expected="да: на слайде есть эта отметка", source="seed 303–332; domain 1.3 (xiv)",
    ),
    Rule(
        "PRP-002", "warning", "row",
        column="slide_has_ticks",
        check=pl.col("slide_has_ticks").n_unique().over("delivery", "direction") == 1,
        expected="одинаково у всех мер направления", source="seed 248–332: a direction stands on one slide",
    ),
)  # fmt: skip

FORM = Form(
    name="preparatory_measures",
    title="Организационно-подготовительные мероприятия",
    description="Что сделано по направлениям, чтобы Профминимум начался: меры с отметками, как на слайде.",
    sender_kind="department",
    grain=(Key("direction", "direction"), Key("measure", "measure")),
    row_is="мера направления × дата",
    cadence="по мере публикации",
    recognised_by=("direction", "measure", "ticked"),
    period="none",
    owed=None,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
