"""«Соглашения с партнёрами»: a row an agreement (seed lines 179–182, 512–514; domain 7 (viii), assignment 3), and
of one that is for several schools a row a school.

Partners are known by their ИНН: names are spelt in many ways, and one that changes its name stays the same partner.
The lists of the source are lost (two numbers are left of the slide), so the columns are those that the rules need.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import SERVED, Defines, Key, Owed
from contracts.inn import is_right

INN = pl.col("partner_inn")

COLUMNS = (
    Column("partner_inn", "ИНН партнёра", "inn", "10 цифр у организации, 12 у предпринимателя, как текст.",
           ("ИНН", "ИНН организации-партнёра", "Партнёр: ИНН", "ИНН организации")),
    Column("partner_name", "Наименование партнёра", "text", "Как партнёр называется.",
           ("Партнёр", "Организация-партнёр", "Название организации", "Партнёр: наименование",
            "Наименование организации-партнёра", "Предприятие (организация)")),
    Column("partner_kind", "Вид партнёра", "choice", "Предприятие, колледж, вуз или иная организация.",
           ("Тип партнёра", "Вид организации", "Тип организации", "Партнёр: вид"), vocabulary="partner_kinds"),
    Column("agreement_number", "Номер соглашения", "text", "Номер, под которым соглашение записано.",
           ("№ соглашения", "Соглашение: номер", "Соглашение №", "Номер договора", "№ договора",
            "№ договора (соглашения)")),
    Column("signed_on", "Дата соглашения", "date", "Когда подписано.",
           ("Соглашение: дата", "Дата подписания", "Подписано", "Дата заключения", "Соглашение от")),
    Column("valid_to", "Действует до", "date", "Последний день действия; пусто — бессрочно.",
           ("Срок действия", "Срок действия до", "Соглашение: действует до", "Окончание действия",
            "Действительно по"), nullable=True,
           blank_words=("бессрочно", "бессрочное", "без срока", "не ограничен")),
    Column("school_code", "Код ОО", "school_code",
           "Школа, для которой соглашение, строка на каждую; пусто — для всей территории.",
           ("Код школы", "Код организации (школы)"), required=False, nullable=True),
    Column("school_name", "Школа", "school_name",
           "Школа, для которой соглашение, строка на каждую; пусто — для всей территории.",
           ("Наименование ОО", "Образовательная организация", "Для какой школы"), required=False, nullable=True,
           fact=False),
)  # fmt: skip

RULES = (
    Rule(
        "AG-001", "error", "row",
        column="partner_inn", check=INN.str.contains(r"^(?:\d{10}|\d{12})$"), expected="10 или 12 цифр",
        source="domain 3.6, 7 (viii)",
    ),
    Rule(
        "AG-002", "error", "row",
        column="partner_inn", check=is_right("partner_inn"), expected="ИНН с верной контрольной цифрой",
        source="domain 3.6, 7 (viii)",
    ),
    Rule(
        "AG-003", "error", "row",
        column="signed_on", check=pl.col("signed_on") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 7 (viii)",
    ),
    Rule(
        "AG-004", "error", "row",
        column="valid_to", check=pl.col("valid_to") >= pl.col("signed_on"),
        expected=pl.format("не раньше {}", pl.col("signed_on").dt.to_string("%d.%m.%Y")), source="domain 7 (viii)",
    ),
    Rule(
        "AG-005", "warning", "row",
        column="valid_to", check=(pl.col("valid_to") >= pl.col("as_of")) | (pl.col("valid_to") < pl.col("signed_on")),
        expected=pl.format("не раньше {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 7 (viii)",
    ),
    Rule(
        "AG-006", "warning", "row",
        column="partner_name", check=pl.col("partner_name").n_unique().over("delivery", "partner_inn") == 1,
        expected="одно название у одного ИНН", source="domain 3.6",
    ),
    Rule("AG-007", "warning", "forms", source="domain 7 (viii); the report states a count, this list names them"),
)  # fmt: skip

FORM = Form(
    name="partner_agreements",
    title="Соглашения с партнёрами",
    description="Действующие соглашения территории; из них известно, какие есть партнёры.",
    sender_kind="reporting_unit",
    grain=(Key("partner_inn", "partner"), Key("agreement_number", "agreement"), SERVED),
    row_is="партнёр × соглашение × школа, если оно не для всей территории",
    cadence="к 30 сентября и при изменениях; новый файл заменяет прежний целиком",
    period="academic_year",
    owed=Owed("academic_year", until=(9, 30)),
    recognised_by=("partner_inn", "agreement_number", "signed_on"),
    defines=Defines("partner", "partner_inn", ("partner_name", "partner_kind")),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
