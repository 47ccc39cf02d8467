"""«Поручения по итогам совещания»: a row an assignment (seed lines 508–521; domain 7 (xiii)).

A deadline is kept as it is printed and read as a day, a month, a period or the whole academic year: how it may be
written is data (`contracts/deadline_patterns.py`), for the reading of its cell and for the marts.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.deadline_patterns import ONGOING, deadline_patterns
from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key


def plain(text: pl.Expr) -> pl.Expr:
    """A text in small letters, with plain spaces and dashes, without a stop at its end."""
    tidy = text.str.to_lowercase().str.replace_all("ё", "е").str.replace_all("[‐‑‒–—−]", "-")
    return tidy.str.replace_all(r"\s+", " ").str.strip_chars(" .;")


YEAR = pl.col("academic_year_start")
LAST_YEAR = YEAR + 1 + (pl.col("as_of").dt.month() == 8).cast(pl.Int32)
"""In August tasks are set for the year that is to come."""
IS_ONGOING = plain(pl.col("deadline")).str.contains(
    "|".join(f"(?:{pattern})" for kind, _, pattern in deadline_patterns() if kind == ONGOING)
)
STATED_YEAR = pl.col("deadline").str.extract(r"\b((?:19|20)[0-9]{2})\b").cast(pl.Int32)

COLUMNS = (
    Column("number", "№ поручения", "text", "Номер поручения в протоколе.",
           ("№", "Номер поручения", "Поручение №", "Номер пункта", "№ пункта", "Пункт протокола", "Пункт")),
    Column("assignment", "Поручение", "text", "Что поручено, текстом протокола.",
           ("Текст поручения", "Содержание поручения", "Содержание", "Наименование поручения")),
    Column("deadline", "Срок", "deadline", "Срок, как он напечатан: день, месяц, период или весь год.",
           ("Срок исполнения", "Срок выполнения", "Срок поручения", "Контрольный срок"), misfit="ASG-001"),
    Column("executor", "Исполнитель", "text", "Организация или должность, без имени.",
           ("Исполнители", "Ответственный исполнитель", "Кто исполняет"), nullable=True),
    Column("controller", "Контроль", "text", "Кто контролирует: организация или должность, без имени.",
           ("Контролирует", "Ответственный за контроль", "Кто контролирует"), required=False, nullable=True),
    Column("status", "Статус", "choice", "Что об исполнении говорит исполнитель.",
           ("Статус исполнения", "Состояние", "Отметка об исполнении", "Отметка о выполнении"),
           required=False, nullable=True, vocabulary="assignment_statuses"),
    Column("evidence", "Подтверждение", "text", "Чем подтверждено: ссылка или документ.",
           ("Подтверждающий документ", "Ссылка на подтверждение", "Основание"), required=False, nullable=True),
    Column("review_every", "Как часто рассматривать", "choice", "Как часто смотрят, что сделано по бессрочному.",
           ("Периодичность", "Периодичность контроля", "Рассматривать", "Периодичность рассмотрения"),
           required=False, nullable=True, vocabulary="review_periods"),
)  # fmt: skip

RULES = (
    Rule("ASG-001", "error", "cell", column="deadline", source="domain 7 (xiii): DIR-1"),
    Rule(
        "ASG-002", "warning", "row",
        column="executor", check=pl.col("executor").is_not_null(), expected="организация или должность",
        source="domain 7 (xiii): DIR-2; not one of the six in the seed names anybody",
    ),
    Rule(
        "ASG-003", "warning", "row",
        column="evidence", check=(pl.col("status") != "done") | pl.col("evidence").is_not_null(),
        expected="ссылка или документ", source="domain 7 (xiii): DIR-3",
    ),
    Rule(
        "ASG-004", "warning", "row",
        column="review_every", check=~IS_ONGOING | pl.col("review_every").is_not_null(), expected="например ежемесячно",
        source="domain 7 (xiii): DIR-4",
    ),
    Rule(
        "ASG-005", "warning", "row",
        column="assignment", check=plain(pl.col("assignment")).is_first_distinct().over("delivery"),
        expected="одно поручение под одним номером", source="domain 7 (xiii): a directive is one row",
    ),
    Rule(
        "ASG-006", "warning", "row",
        column="deadline", check=STATED_YEAR.is_between(YEAR, LAST_YEAR),
        expected=pl.format("от {} до {} года", YEAR, LAST_YEAR), source="domain 7: dates within the academic year",
    ),
)  # fmt: skip

FORM = Form(
    name="assignments",
    title="Поручения по итогам совещания",
    description="Все поручения на контроле со сроками, как они напечатаны; новая таблица заменяет прежнюю целиком.",
    sender_kind="department",
    grain=(Key("number", "assignment"),),
    row_is="поручение",
    cadence="по итогам совещания и при изменениях",
    recognised_by=("assignment", "deadline"),
    period="none",
    owed=None,
    largest_fall=1,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
