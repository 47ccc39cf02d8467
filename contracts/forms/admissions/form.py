"""«Динамика приёма в колледжи»: a row a year, by college, specialty and funding where known (seed lines 388–406).

The published summary is four years alone. What it states of itself (applications per place) is compared with its own
figures and never loaded. Of an anomaly nobody but an officer can say whether it is true: the row is loaded, and its
warnings wait for a decision (`profmin incidents explain`).
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule
from contracts.grain import Key

COLUMNS = (
    Column("year", "Год", "count", "Год приёма.", ("Год приёма", "Приёмная кампания"), minimum=2000, maximum=2100),
    Column("college", "Колледж", "text", "Куда принимают; пусто, если цифры по всем.",
           ("Образовательная организация СПО", "Колледж (техникум)", "Наименование колледжа"),
           required=False, nullable=True),
    Column("specialty", "Специальность", "text", "Код и название; пусто, если цифры по всем.",
           ("Специальность (профессия)", "Код специальности", "Специальность, профессия"),
           required=False, nullable=True),
    Column("funding", "Финансирование", "choice", "Бюджет или договор; пусто, если цифры по всем.",
           ("Источник финансирования", "Основа обучения", "Бюджет / договор"), required=False, nullable=True,
           vocabulary="fundings"),
    Column("budget_places", "КЦП", "count", "Контрольные цифры приёма: бюджетных мест.",
           ("Контрольные цифры приёма", "План приёма", "Бюджетных мест", "Количество бюджетных мест", "Мест (КЦП)"),
           unit="мест", minimum=0, maximum=1_000_000),
    Column("applications", "Количество заявлений на обучение", "count", "Заявлений, а не людей.",
           ("Количество заявлений", "Подано заявлений", "Заявлений", "Кол-во заявлений",
            "Заявления: подано"), minimum=0,
           maximum=10_000_000),
    Column("applicants", "Абитуриентов", "count", "Людей: один подаёт несколько заявлений.",
           ("Подали заявления, чел.", "Количество абитуриентов", "Заявителей"), unit="чел.", required=False,
           nullable=True, minimum=0, maximum=10_000_000),
    Column("enrolled", "Зачислено", "count", "Зачислено людей.",
           ("Зачислено, чел.", "Принято", "Количество зачисленных"), unit="чел.", required=False, nullable=True,
           minimum=0, maximum=1_000_000),
    Column("stated_per_place", "Количество заявлений на 1 бюджетное место", "hours",
           "Как напечатано; сверяется с вычисленным и не загружается.",
           ("Заявлений на место", "Конкурс", "Заявлений на 1 место", "Кол-во заявлений на 1 бюджетное место",
            "Заявления: на место"),
           required=False, nullable=True, fact=False, minimum=0, misfit="ADM-010"),
    Column("average_mark", "Средний балл по аттестату", "hours", "Средний балл аттестата зачисленных.",
           ("Средний балл", "Средний балл аттестата"), unit="балл", required=False, nullable=True, minimum=2,
           maximum=5, misfit="ADM-010"),
)  # fmt: skip

WHOSE = ("delivery", "college", "specialty", "funding")
PLACES = pl.col("budget_places")
PER_PLACE = pl.col("applications") / pl.when(PLACES > 0).then(PLACES)
MOST_OFF, LEAST_FACTOR, MOST_FACTOR = 0.1, 0.5, 2


def before(column: str) -> pl.Expr:
    """The figure of the year before in the same table; null where there is none."""
    of_before = pl.col(column).shift(1).over(WHOSE, order_by="year")
    return pl.when(pl.col("year").shift(1).over(WHOSE, order_by="year") == pl.col("year") - 1).then(of_before)


def is_alone(column: str) -> pl.Expr:
    """False for a row without it where rows of the same year have it: such a row sums them up."""
    return pl.col(column).is_not_null() | ~pl.col(column).is_not_null().any().over("delivery", "year")


PLACES_BEFORE = before("budget_places")

RULES = (
    Rule(
        "ADM-001", "warning", "row",
        column="budget_places", check=(pl.col("applications") != PLACES) | (PLACES == 0),
        expected="число мест, а не заявлений", source="seed 396; domain 2.1 A10, 7 (xi): ADM-1",
    ),
    Rule(
        "ADM-002", "warning", "row",
        column="budget_places",
        check=PLACES.is_between(PLACES_BEFORE * LEAST_FACTOR, PLACES_BEFORE * MOST_FACTOR),
        expected=pl.format(
            "от {} до {}: годом раньше {}", (PLACES_BEFORE * LEAST_FACTOR).ceil().cast(pl.Int64),
            PLACES_BEFORE * MOST_FACTOR, PLACES_BEFORE,
        ),
        difference=PLACES - PLACES_BEFORE, source="seed 393–394; domain 2.1 A11, 7 (xi): ADM-2",
    ),
    Rule(
        "ADM-003", "warning", "row",
        column="stated_per_place",
        check=(pl.col("stated_per_place") - PER_PLACE).abs() <= MOST_OFF * PER_PLACE + 1e-9,
        expected=PER_PLACE.round(2), difference=(pl.col("stated_per_place") - PER_PLACE).round(2),
        source="seed 395–401; domain 2.1 A9, 7 (xi): ADM-3",
    ),
    Rule(
        "ADM-004", "warning", "row",
        column="stated_per_place", check=pl.col("stated_per_place") != before("stated_per_place"),
        expected="цифра этого года", source="seed 400–401; domain 2.1 A12, 7 (xi): ADM-4",
    ),
    Rule(
        "ADM-005", "warning", "row",
        column="average_mark", check=pl.col("average_mark") != before("average_mark"),
        expected="цифра этого года", source="seed 405–406; domain 2.1 A12, 7 (xi): ADM-4",
    ),
    Rule(
        "ADM-006", "error", "row",
        column="applicants", check=pl.col("applicants") <= pl.col("applications"),
        expected=pl.format("≤ {}", pl.col("applications")),
        difference=pl.col("applicants") - pl.col("applications"), source="domain 7 (xi): ADM-6",
    ),
    Rule(
        "ADM-007", "error", "row",
        column="enrolled", check=pl.col("enrolled") <= pl.coalesce("applicants", "applications"),
        expected=pl.format("≤ {}", pl.coalesce("applicants", "applications")),
        difference=pl.col("enrolled") - pl.coalesce("applicants", "applications"), source="domain 7 (xi): ADM-6",
    ),
    Rule(
        "ADM-008", "error", "row",
        column="year", check=pl.all_horizontal(is_alone(name) for name in WHOSE[1:]),
        expected="строка без более подробных строк того же года",
        source="the grain: a total is compared and never loaded",
    ),
    Rule(
        "ADM-009", "error", "row",
        column="year", check=pl.col("year") <= pl.col("as_of").dt.year(),
        expected=pl.format("≤ {}", pl.col("as_of").dt.year()), source="domain 7: dates",
    ),
    Rule("ADM-010", "error", "cell", source="seed 400–406"),
)  # fmt: skip

FORM = Form(
    name="admissions",
    title="Динамика приёма в колледжи",
    description="Бюджетные места, заявления и зачисление по годам; заявленные отношения сверяются и не загружаются.",
    sender_kind="department",
    grain=(
        Key("year", "year"), Key("college", "college"), Key("specialty", "specialty"), Key("funding", "funding"),
    ),
    row_is="год приёма, где известно — колледж, специальность и финансирование",
    cadence="по мере публикации",
    recognised_by=("year", "budget_places", "applications"),
    period="none",
    owed=None,
    editions=(Edition("2023", dt.date(2023, 1, 1), COLUMNS, RULES),),
)  # fmt: skip
