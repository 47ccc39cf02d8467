"""The pupil export of the platform «Билет в будущее»: a row a pupil, downloaded by the regional operator.

The platform moves its headings every year, prints years inside them, and writes the word «Нет» into a date column
(public processing scripts of a sister region, 2023 and 2025). Names tell pupils apart and go nowhere else.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl

from contracts.counted_pupils import Measure, Pupils
from contracts.form import Column, Edition, Form, Rule, SetAside, Size
from contracts.grain import SCHOOL, Key, Owed

COUNTERS = (
    ("diagnostics", "Количество пройденных диагностик", ("темы диагностик",)),
    ("trials", "Кол-во посещенных профессиональных и партнерских проб", ()),
    ("excursions", "Кол-во посещенных экскурсий на предприятие", ()),
    ("museum_visits", "Кол-во посещенных экскурсий в корпоративный музей", ()),
    ("masterclasses", "Кол-во посещенных мастер-классов", ()),
)

COLUMNS_2023 = (
    Column("municipality", "Муниципалитет", "unit", "Территория, как её пишет платформа.",
           ("Муниципальное образование", "Муниципальный район")),
    Column("school_name", "Образовательная организация", "school_name", "Школа, как её пишет платформа.",
           ("Название образовательной организации", "Школа"), fact=False),
    Column("full_name", "ФИО", "text", "Только чтобы отличать обучающихся друг от друга.",
           ("ФИО обучающегося", "ФИО ученика", "Фамилия, имя, отчество"), personal=True, fact=False),
    Column("birth_date", "Дата рождения", "date", "Только чтобы отличать однофамильцев.",
           ("ДР", "Дата рождения обучающегося"), required=False, nullable=True, personal=True, fact=False),
    Column("grade", "Класс (без буквы)", "grade", "Класс обучающегося.", ("Класс", "Класс обучения"),
           minimum=1, maximum=11),
    Column("grade_letter", "Буква класса", "text", "Буква класса.", ("Литера",), required=False, nullable=True,
           fact=False),
    Column("verification", "Статус верификации", "choice", "Подтверждён ли обучающийся.", ("Верификация",),
           required=False, nullable=True, vocabulary="verification"),
    Column("last_login", "Дата последнего входа на платформу", "date", "Когда заходил в последний раз.",
           ("Последний вход",), required=False, nullable=True, blank_words=("нет", "не входил")),
    Column("archived_on", "Дата архивации", "date", "Дата или слово «Нет».", ("Архивация",), required=False,
           nullable=True, blank_words=("нет",)),
    *(
        Column(name, f"{title} (за календарный год)", "count", "Счётчик платформы за календарный год.",
               (title, *others), required=False, nullable=True, minimum=0, maximum=10_000, fact=False)
        for name, title, others in COUNTERS
    ),
    Column("email", "Электронная почта", "text", "Не нужна и не хранится.", ("E-mail", "Почта"), required=False,
           nullable=True, personal=True, fact=False),
    Column("navigator", "Ответственный педагог-навигатор", "text", "Не нужен и не хранится.",
           ("Педагог-навигатор",), required=False, nullable=True, personal=True, fact=False),
)  # fmt: skip

COLUMNS_2025 = tuple(
    replace(column, required=True, nullable=False) if column.name == "verification" else
    replace(column, required=True) if column.name == "archived_on" else column
    for column in COLUMNS_2023
)  # fmt: skip

AGE = pl.col("as_of").dt.year() - pl.col("birth_date").dt.year()

RULES = (
    Rule(
        "REX-001", "error", "row",
        column="grade", check=pl.col("grade").is_between(6, 11), expected="от 6 до 11", source="seed 67; COV-3",
    ),
    Rule(
        "REX-002", "warning", "row",
        column="birth_date", check=AGE.is_between(10, 19), expected="от 10 до 19 лет", source="domain 3.4",
    ),
    Rule(
        "REX-003", "warning", "row",
        column="last_login", check=pl.col("last_login") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 3.4",
    ),
    Rule(
        "REX-004", "error", "row",
        column="archived_on", check=pl.col("archived_on") <= pl.col("as_of"),
        expected=pl.format("не позже {}", pl.col("as_of").dt.to_string("%d.%m.%Y")), source="domain 3.4",
    ),
    Rule(
        "REX-005", "note", "table",
        column="full_name", source="domain 3.4, trap 8",
    ),
    Rule("REX-006", "warning", "history", source="REG-5"),
    Rule("REX-007", "warning", "table", source="domain 3.4, trap 8; the export of 2025"),
)  # fmt: skip


def _added(counter: str, whose: pl.Expr) -> pl.Expr:
    """What a pupil adds to the sum of a counter over pupils of a state."""
    return pl.when(whose).then(pl.col(counter)).otherwise(0)


STATE = (
    pl.when(pl.col("archived_on").is_not_null())
    .then(3)
    .when(pl.col("verification") == "unverified")
    .then(2)
    .otherwise(1)
    .cast(pl.Int16)
)
COUNTED, UNVERIFIED, ARCHIVED = (pl.col("state") == state for state in (1, 2, 3))

MEASURES = {
    "actual_pupils": Measure("Зарегистрировано", "Разных обучающихся, кроме неподтверждённых и архивных.", COUNTED),
    "unverified_pupils": Measure("Не подтверждены", "Разных обучающихся, которых школа не подтвердила.", UNVERIFIED),
    "archived_pupils": Measure("В архиве", "Разных обучающихся, чьи карточки в архиве.", ARCHIVED),
    **{
        name: Measure(
            title, "Сумма за календарный год по зарегистрированным; пусто, если не сообщено.", _added(name, COUNTED)
        )
        for name, title, _ in COUNTERS
    },
    **{
        f"{name}_pupils": Measure(
            f"{title}: обучающихся",
            "Зарегистрированных, у кого за календарный год хотя бы одно; пусто, если не сообщено.",
            COUNTED & (pl.col(name) > 0),
        )
        for name, title, _ in COUNTERS
    },
    **{
        f"{name}_archived": Measure(
            f"{title}: в архиве",
            "Сумма за календарный год по архивным: без неё архивирование выглядело бы как убыль.",
            _added(name, ARCHIVED),
        )
        for name, title, _ in COUNTERS
    },
}  # fmt: skip

FORM = Form(
    name="registration_export",
    title="Сводный отчёт по ученикам платформы «Билет в будущее»",
    description="Выгрузка платформы, строка — обучающийся; архивные и неподтверждённые не считаются.",
    sender_kind="regional_operator",
    grain=(SCHOOL, Key("grade", "grade")),
    row_is="обучающийся × дата; в хранилище — школа × класс × дата",
    cadence="каждую ночь в сезон регистрации",
    recognised_by=("municipality", "school_name", "full_name", "grade"),
    size=Size("schools", least=0.02, most=2),
    period="night",
    owed=Owed("day"),
    pupils=Pupils(
        identity=("full_name", "birth_date"),
        else_by=("school_name", "grade", "grade_letter"),
        namesakes="REX-007",
        state=STATE,
        measures=MEASURES,
        counters=tuple(name for name, *_ in COUNTERS),
    ),
    set_aside=SetAside(0.2, spare=7),
    largest_fall=0.2,
    editions=(
        Edition("2023", dt.date(2023, 1, 1), COLUMNS_2023, RULES),
        Edition("2025", dt.date(2025, 1, 1), COLUMNS_2025, RULES),
    ),
)
