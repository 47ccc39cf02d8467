"""«Первая профессия»: a row a programme, a school and a cohort (seed lines 317–326, 456–502; domain 3.5, 7 (ix)).

The first cohort began on 1 February 2024 and learns ten months: it ends in the next academic year. So a table names
all cohorts that there are, and holds until the next one comes, whatever academic year that is in. Pupils are counted,
never named.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule
from contracts.grain import SCHOOL, Key
from contracts.programme_columns import MUNICIPALITY
from contracts.school_columns import SCHOOL_CODE, SCHOOL_NAME

AS_OF = pl.col("as_of")


def _pupils(name: str, title: str, what: str, *headings: str) -> Column:
    return Column(name, title, "count", what, headings, unit="чел.", maximum=5000)


COLUMNS = (
    Column("profession", "Профессия", "markup", "Профессия, как она названа в навигаторе.",
           ("Наименование профессии", "Программа", "Наименование программы", "Название профессии")),
    SCHOOL_CODE,
    SCHOOL_NAME,
    MUNICIPALITY,
    Column("began_on", "Начало обучения потока", "date", "День, с которого учится поток; по нему потоки различают.",
           ("Начало обучения", "Дата начала обучения", "Поток", "Дата начала потока")),
    Column("ends_on", "Окончание обучения", "date", "День, когда поток закончит учиться.",
           ("Дата окончания обучения", "Окончание", "Окончание обучения потока")),
    _pupils("applied", "Подали заявление", "Сколько обучающихся подали заявление.", "Заявлений",
            "Подано заявлений"),
    _pupils("enrolled", "Зачислены", "Сколько из них зачислено.", "Зачислено", "Принято"),
    _pupils("began", "Приступили", "Сколько зачисленных приступило к обучению.", "Приступило", "Начали обучение"),
    _pupils("left_training", "Выбыли", "Сколько приступивших выбыло.", "Выбыло", "Отчислено"),
    _pupils("certified", "Получили свидетельство", "Сколько получило свидетельство о профессии.",
            "Получено свидетельств", "Свидетельств", "Окончили"),
)  # fmt: skip


def _at_most(rule: str, column: str, counted: pl.Expr, whole: str, source: str) -> Rule:
    return Rule(
        rule, "error", "row",
        column=column, check=counted <= pl.col(whole), expected=pl.format("≤ {}", pl.col(whole)),
        difference=counted - pl.col(whole), source=source,
    )  # fmt: skip


RULES = (
    _at_most("ENR-001", "enrolled", pl.col("enrolled"), "applied", "issue: applied, enrolled, began, left, certified"),
    _at_most("ENR-002", "began", pl.col("began"), "enrolled", "issue: applied, enrolled, began, left, certified"),
    _at_most("ENR-003", "certified", pl.col("certified") + pl.col("left_training"), "began",
             "issue: applied, enrolled, began, left, certified"),
    Rule(
        "ENR-004", "error", "row",
        column="ends_on", check=pl.col("ends_on") > pl.col("began_on"), expected="после начала обучения",
        source="domain 3.5: up to ten months",
    ),
    Rule(
        "ENR-005", "warning", "row",
        column="certified", check=(pl.col("certified") == 0) | (pl.col("ends_on") <= AS_OF),
        expected="0 до окончания обучения", source="domain 3.5: certificate",
    ),
    Rule(
        "ENR-006", "warning", "row",
        column="began", check=(pl.col("began") == 0) | (pl.col("began_on") <= AS_OF),
        expected="0 до начала обучения", source="seed 326: begins on 1 February 2024",
    ),
    Rule("ENR-007", "warning", "table", source="domain 7"),
)  # fmt: skip

FORM = Form(
    name="vocational_enrolment",
    title="Первая профессия: зачисление",
    description="Все потоки всех программ по школам; новая таблица заменяет прежнюю целиком, и в другом учебном году.",
    sender_kind="regional_operator",
    grain=(Key("profession", "programme"), SCHOOL, Key("began_on", "date")),
    row_is="программа × школа × поток",
    cadence="каждый месяц и при изменениях, целиком",
    recognised_by=("profession", "began_on", "certified"),
    period="none",
    owed=None,
    controls=tuple(
        Control(name, pl.col(name), name, "ENR-007")
        for name in ("applied", "enrolled", "began", "left_training", "certified")
    ),
    spare_rows=2,
    spare_fall=30,
    editions=(Edition("2024", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
