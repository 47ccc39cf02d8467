"""«Реестр школ»: every general education organisation of the region, where it lies and to whom it reports."""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule, SetAside
from contracts.grain import Defines, Key, Owed
from contracts.inn import control_digit

COLUMNS = (
    Column("school_code", "Код ОО", "text", "Код школы, единственный в регионе.",
           ("Код школы", "Код организации", "Код образовательной организации")),
    Column("full_name", "Полное наименование", "text", "Наименование по уставу.",
           ("Полное наименование ОО", "Полное наименование организации"), required=False, nullable=True),
    Column("short_name", "Краткое наименование", "text", "Наименование, под которым школу знают отчёты и платформа.",
           ("Краткое наименование ОО", "Краткое наименование организации", "Наименование ОО")),
    Column("territory", "Территория", "unit", "Муниципалитет, где школа расположена.",
           ("Муниципалитет расположения", "Наименование АТО", "Территория расположения")),
    Column("subordination", "Подчинение", "unit", "Кому школа подчинена и за кем отчитывается.",
           ("Учредитель", "Ведомственное подчинение", "Отчитывается через")),
    Column("oktmo", "ОКТМО", "oktmo", "Код территории, 8 цифр, как текст.",
           ("ОКТМО территории", "Код ОКТМО"), required=False, nullable=True),
    Column("inn", "ИНН", "inn", "ИНН организации, 10 цифр, как текст; у филиала ИНН головной организации.",
           ("ИНН организации",), required=False, nullable=True),
    Column("organisation_kind", "Статус организации", "text", "Юридическое лицо или филиал.",
           ("Юр. лицо / филиал", "Статус"), required=False, nullable=True),
    Column("grades", "Классы", "grades", "Какие из классов 6–11 есть в школе.",
           ("Реализуемые классы",), required=False, nullable=True),
    Column("pupils_6_11", "Обучающихся 6–11 классов", "count", "Контингент 6–11 классов.",
           ("Численность обучающихся 6–11 классов", "Контингент 6–11 классов"), unit="чел.", required=False,
           nullable=True, minimum=0, maximum=5000),
)  # fmt: skip

GRADES_6_TO_11 = pl.all_horizontal(
    pl.col("grades").str.extract(end).cast(pl.Int64).is_between(6, 11) for end in (r"^(\d+)", r"(\d+)$")
)
"""Grades from 6 to 11 only (seed line 67); null where none are stated."""

RULES = (
    Rule(
        "SCH-001", "error", "row",
        column="oktmo", check=pl.col("oktmo").str.contains(r"^\d{8}$"), expected="8 цифр", source="domain 3.6",
    ),
    Rule(
        "SCH-002", "error", "row",
        column="inn", check=pl.col("inn").str.contains(r"^\d{10}$"), expected="10 цифр", source="domain 3.6",
    ),
    Rule(
        "SCH-003", "warning", "row",
        column="inn",
        check=pl.when(pl.col("inn").str.contains(r"^\d{10}$")).then(
            pl.col("inn").str.slice(9, 1).cast(pl.Int64, strict=False) == control_digit("inn", 9)
        ),
        expected="ИНН с верной контрольной цифрой", source="domain 3.6",
    ),
    Rule(
        "SCH-004", "warning", "row",
        column="oktmo", check=~pl.col("oktmo").str.starts_with("70"), expected="69……", source="domain 3.6",
    ),
    Rule(
        "SCH-005", "error", "row",
        column="grades",
        check=GRADES_6_TO_11,
        expected="классы с 6 по 11", source="seed 67; COV-3",
    ),
)  # fmt: skip

FORM = Form(
    name="school_register",
    title="Реестр школ",
    description="Кто существует: школы, их территория и подчинение. Отсюда узнаётся, кто не отчитался.",
    sender_kind="department",
    grain=(Key("school_code", "school"),),
    row_is="школа × дата",
    cadence="раз в год и при изменениях",
    recognised_by=("school_code", "short_name", "subordination", "territory"),
    period="none",
    owed=Owed("once"),
    defines=Defines("school", "school_code", ("short_name", "full_name", "territory", "subordination", "pupils_6_11")),
    set_aside=SetAside(0.05, spare=3),
    largest_fall=0.05,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)
