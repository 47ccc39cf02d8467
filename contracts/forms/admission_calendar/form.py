"""«Календарь приёма»: a row a step of the yearly admission to colleges (seed lines 371–385; domain 1.3 (xvi)).

A step has a day and a month and no year: «1 июня», «До 10 августа». The federal calendar allows a start until 20 June,
so the days are a region's own and are data.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key
from contracts.vocabulary import rows

YEAR = r"(20\d\d) *(?:г\.?|года?)?"
DAY_OF_YEAR = rf"(?i)^(?:(?:до|по|с) +)?\d{{1,2}}(?:\.\d{{1,2}}| +[а-яё]{{3,}}\.?(?: +{YEAR})?)$"
"""«1 июня», «До 15 авг.», «10.08», «20 июня 2024 года»."""

COLUMNS = (
    Column("step", "Этап приёмной кампании", "text", "Что происходит.",
           ("Этап", "Этап приёма", "Шаг приёма", "Событие приёмной кампании")),
    Column("date_as_printed", "Срок этапа", "text", "День и месяц, как напечатано: «1 июня», «До 15 августа».",
           ("Срок", "Дата этапа", "Срок (как напечатано)", "Дата или срок"), pattern=DAY_OF_YEAR,
           misfit="ADC-001"),
)  # fmt: skip

PRINTED = pl.col("date_as_printed").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
PARTS = PRINTED.str.extract_groups(rf"^(?:(до|по|с) )?(\d{{1,2}})(?:\.(\d{{1,2}})| ([а-яё]+)\.?(?: {YEAR})?)$")
WORDS = {row["word"]: row["month"] for row in rows("months")}
MONTH = pl.coalesce(PARTS.struct["3"], PARTS.struct["4"].replace_strict(WORDS, default=None, return_dtype=pl.String))
LEAP_YEAR = 2024
OF_CALENDAR = PARTS.struct["5"].cast(pl.Int32) - pl.col("as_of").dt.year()
"""A calendar of the next year may be published in this one."""
DAY = pl.format("{}-{}-{}", LEAP_YEAR, MONTH.str.zfill(2), PARTS.struct["2"].str.zfill(2)).str.to_date(strict=False)
STARTS = pl.when(PARTS.struct["1"].is_null()).then(DAY).min().over("delivery")

RULES = (
    Rule(
        "ADC-001", "error", "row",
        column="date_as_printed", check=DAY.is_not_null() & OF_CALENDAR.is_between(0, 1).fill_null(True),
        expected="«1 июня» или «До 15 августа»",
        source="seed 371–385",
    ),
    Rule(
        "ADC-002", "warning", "row",
        column="date_as_printed", check=DAY >= STARTS,
        expected=pl.format("не раньше {}", STARTS.dt.to_string("%d.%m")), source="seed 371–385; domain 1.3 (xvi)",
    ),
)  # fmt: skip

FORM = Form(
    name="admission_calendar",
    title="Календарь приёма в колледжи",
    description="Этапы приёмной кампании со сроками, как их публикует центр опережающей подготовки.",
    sender_kind="department",
    grain=(Key("step", "step"),),
    row_is="этап приёмной кампании × дата",
    cadence="по мере публикации",
    recognised_by=("step", "date_as_printed"),
    period="none",
    owed=None,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
