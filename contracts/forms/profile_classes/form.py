"""«Профильные предпрофессиональные классы»: a row a class (seed lines 61, 116, 332; domain 1.2 R8, 7 (x)).

On the advanced level a school is recommended to have one. The kinds are an open list: engineering, medical, space,
pedagogical, entrepreneurial «и др.». The list that was approved is not public; its columns are those that rules need.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule
from contracts.grain import Owed
from contracts.inn import is_right
from contracts.school_class import CLASS, GRADE, GRADE_IS_TAUGHT, LETTER
from contracts.school_columns import SCHOOL_CODE, SCHOOL_NAME

AS_OF = pl.col("as_of")
YEAR = pl.col("academic_year_start")
OLDEST = 10
"""From this grade on a class is a profile class; younger ones are on the way to it."""
UNIVERSITY, ENTERPRISE = pl.col("partner_university"), pl.col("partner_enterprise")


def _inn(partner: str, heading: str) -> Column:
    return Column(
        f"{partner}_inn", f"ИНН {heading}", "inn", "10 цифр у организации, 12 у предпринимателя, как текст.",
        (f"ИНН {heading}-партнёра", f"Партнёр-{heading}: ИНН"), required=False, nullable=True,
    )  # fmt: skip


def _inn_rule(rule: str, partner: str) -> Rule:
    return Rule(
        rule, "error", "row",
        column=f"{partner}_inn", check=is_right(f"{partner}_inn").fill_null(pl.col(f"{partner}_inn").is_null()),
        expected="ИНН с верной контрольной цифрой", source="domain 3.6",
    )  # fmt: skip


COLUMNS = (
    SCHOOL_CODE,
    SCHOOL_NAME,
    GRADE,
    LETTER,
    Column("profile_kind", "Профиль класса", "choice", "Инженерный, медицинский, космический или другой.",
           ("Вид профиля", "Профиль", "Направленность класса", "Предпрофессиональный профиль", "Профильность",
            "Класс: профиль", "Направление предпрофессиональной подготовки"), vocabulary="profile_kinds",
           open_vocabulary=True, misfit="PC-001"),
    Column("pupils", "Обучающихся в классе", "count", "Сколько обучающихся в классе.",
           ("Обучающихся", "Количество обучающихся", "Численность обучающихся", "Наполняемость класса",
            "Класс: обучающихся", "Учеников", "Кол-во обучающихся"), unit="чел.", maximum=60),
    Column("partner_university", "Партнёр: вуз или колледж", "text", "С кем класс учится: вуз или колледж.",
           ("Вуз или колледж", "Вуз-партнёр", "Вуз / СПО", "Вуз/СПО партнёр", "Партнёр (вуз, колледж)",
            "Образовательный партнёр", "Партнёр: вуз", "Партнёры: вуз или колледж", "Партнёры: вуз"), nullable=True),
    _inn("university", "вуза или колледжа"),
    Column("partner_enterprise", "Партнёр: предприятие", "text", "С кем класс учится: предприятие.",
           ("Предприятие", "Предприятие-партнёр", "Индустриальный партнёр", "Партнёр (предприятие)",
            "Партнёры: предприятие", "Работодатель"), nullable=True),
    _inn("enterprise", "предприятия"),
    Column("order_number", "Номер приказа", "text", "Приказ об открытии класса.",
           ("№ приказа", "Приказ №", "Приказ: номер", "Приказ об открытии (номер)"), nullable=True),
    Column("order_date", "Дата приказа", "date", "Дата приказа об открытии класса.",
           ("Приказ от", "Приказ: дата", "Приказ об открытии (дата)"), nullable=True),
)  # fmt: skip

RULES = (
    Rule("PC-001", "warning", "cell", column="profile_kind", source="domain 7 (x): PC-1; seed 116"),
    Rule(
        "PC-002", "warning", "row",
        column="grade", check=pl.when(GRADE_IS_TAUGHT).then(pl.col("grade") >= OLDEST),
        expected="10 или 11; в 6–9 классах класс предпрофильный", source="domain 7 (x): PC-2",
    ),
    Rule(
        "PC-003", "error", "row",
        column="pupils", check=pl.col("pupils") >= 1, expected="не меньше 1", source="domain 7 (x): PC-3",
    ),
    Rule(
        "PC-004", "warning", "row",
        column="partner_university", check=UNIVERSITY.is_not_null() | ENTERPRISE.is_not_null(),
        expected="вуз, колледж или предприятие", source="domain 7 (x): PC-4",
    ),
    Rule(
        "PC-005", "warning", "row",
        column="order_number", check=pl.col("order_number").is_not_null() & pl.col("order_date").is_not_null(),
        expected="номер и дата приказа", source="domain 7 (x): PC-5",
    ),
    Rule(
        "PC-006", "error", "row",
        column="grade", check=GRADE_IS_TAUGHT, expected="от 6 до 11", source="seed 67; domain 7 (ii): COV-3",
    ),
    Rule(
        "PC-007", "error", "row",
        column="order_date", check=pl.col("order_date") <= AS_OF,
        expected=pl.format("не позже {}", AS_OF.dt.to_string("%d.%m.%Y")), source="domain 7",
    ),
    Rule(
        "PC-008", "warning", "row",
        column="order_date", check=pl.col("order_date") >= pl.date(YEAR - 1, 1, 1),
        expected=pl.format("не раньше 01.01.{}", YEAR - 1), source="domain 3.3: wrong_year",
    ),
    _inn_rule("PC-009", "university"),
    _inn_rule("PC-010", "enterprise"),
    Rule("PC-011", "warning", "table", source="domain 7"),
    Rule("PC-012", "warning", "forms", column="grade", source="domain 7 (x): a class that the contingent lacks"),
    Rule("PC-013", "warning", "forms", source="domain 7 (x); the report states a count, this list has the classes"),
)  # fmt: skip

FORM = Form(
    name="profile_classes",
    title="Профильные предпрофессиональные классы",
    description="Какие классы профильные, с какими партнёрами и по какому приказу; новый список заменяет прежний.",
    sender_kind="reporting_unit",
    grain=CLASS,
    row_is="класс × учебный год",
    cadence="к 1 октября и при изменениях, целиком",
    period="academic_year",
    owed=Owed("academic_year", until=(10, 1)),
    recognised_by=("grade", "profile_kind", "partner_enterprise"),
    spare_rows=2,
    spare_fall=60,
    controls=(Control("pupils", pl.col("pupils"), "pupils", "PC-011"),),
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
