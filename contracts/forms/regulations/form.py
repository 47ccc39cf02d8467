"""«Нормативные документы»: a row a document by which the minimum is run (seed lines 67, 133, 137, 160).

The source has one order twice, once without its numbers: a document is known by its number and date, and one without a
number beside the same one with it is no second document.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key
from contracts.paper_number import AMENDED, DAY

COLUMNS = (
    Column("number", "Номер документа", "text", "Номер, у совместного — все через косую черту.",
           ("Номер", "№ документа", "Рег. номер", "Документ: номер"), nullable=True),
    Column("signed_on", "Дата документа", "date", "Когда подписан.",
           ("Дата", "Дата подписания", "Документ: дата"), nullable=True),
    Column("issuer", "Кем издан", "text", "Орган или органы, без имён.",
           ("Издатель", "Кто издал", "Орган", "Документ: кем издан")),
    Column("title", "О чём документ", "text", "Название документа.",
           ("Название документа", "Наименование документа", "Заголовок", "Документ: название")),
    Column("ends_on", "Утратил силу", "date", "С какого дня не действует; пусто, если действует.",
           ("Утратил силу с", "Отменён с"), required=False, nullable=True),
)  # fmt: skip

NO_DATE = ~pl.col("number").str.replace(rf"(?i){AMENDED}", "").str.contains(
    rf"(?i)(?:^|[\s,;(])(?:{DAY})(?:[\s,;)]|г|$)"
)  # fmt: skip
"""A cell of two documents keeps both of its dates with their numbers."""

RULES = (
    Rule(
        "DOC-001", "error", "row",
        column="number",
        check=pl.col("number").is_not_null()
        | ~pl.col("number").is_not_null().any().over("delivery", "signed_on", "issuer"),
        expected="одна строка на документ", source="seed 133, 160; domain 2.1 A19, 7 (xv)",
    ),
    Rule(
        "DOC-002", "error", "row",
        column="number", check=pl.col("number").is_not_null() | pl.col("signed_on").is_not_null(),
        expected="номер или дата", source="domain 7 (xv): number and date are unique",
    ),
    Rule(
        "DOC-003", "warning", "row",
        column="signed_on", check=pl.col("signed_on") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 7: dates",
    ),
    Rule(
        "DOC-004", "error", "row",
        column="ends_on", check=pl.col("ends_on") >= pl.col("signed_on"),
        expected=pl.format("не раньше {}", pl.col("signed_on").dt.to_string("%d.%m.%Y")), source="domain 7: dates",
    ),
    Rule(
        "DOC-005", "error", "row",
        column="number", check=NO_DATE,
        expected="один номер, дата в своей ячейке", source="domain 7 (xv): number and date are unique",
    ),
)  # fmt: skip

FORM = Form(
    name="regulations",
    title="Нормативные документы",
    description="Приказы, распоряжения и письма, по которым идёт Профминимум.",
    sender_kind="department",
    grain=(Key("number", "document"), Key("signed_on", "date")),
    row_is="документ × дата",
    cadence="по мере публикации",
    recognised_by=("number", "issuer", "title"),
    period="none",
    owed=None,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
