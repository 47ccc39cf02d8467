"""«Отчёт о готовности»: a row a school, filled in by hand in a district office (domain of the seed's lines 188–210).

No public copy of the form exists; the columns are those that the source and the methodical letters name.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Control, Edition, Form, Rule, SetAside, Size
from contracts.forms.school_register.form import GRADES_6_TO_11
from contracts.grain import SCHOOL, Owed
from contracts.school_columns import SCHOOL_CODE
from contracts.vocabulary import norm_totals, norms, ranks

LEVEL = pl.col("level")
HOURS = ("curricular", "rmg", "practice", "parents", "supplementary", "vocational")


def _norm(direction: str) -> pl.Expr:
    """Hours that the row's level demands in a direction; null where the level has none."""
    return LEVEL.replace_strict(norms(direction), default=None, return_dtype=pl.Int64)


def _hours_rule(number: int, column: str, direction: str) -> Rule:
    """Hours of a direction are at least the norm of the level (seed lines 29–61; the letters say «не менее»)."""
    return Rule(
        f"RDY-{number:03}", "error", "row",
        column=column,
        check=pl.col(column).fill_null(0) >= _norm(direction),
        expected=pl.format("не меньше {}", _norm(direction)),
        difference=pl.col(column).fill_null(0) - _norm(direction),
        source="seed 29–61",
    )  # fmt: skip


HOURS_SUM = pl.sum_horizontal(pl.col(f"hours_{name}").fill_null(0) for name in HOURS)
HOURS_NORM = LEVEL.replace_strict(norm_totals(), default=None, return_dtype=pl.Int64)
RANK = pl.col("responsible_position").replace_strict(ranks(), default=None, return_dtype=pl.Int64)
AHEAD = LEVEL.is_in(["main", "advanced"])

COLUMNS = (
    SCHOOL_CODE,
    Column("school_name", "Наименование образовательной организации", "school_name",
           "Школа, как её называет отправитель.",
           ("Наименование ОО", "Школа", "Название школы", "Образовательная организация", "ОО",
            "Общеобразовательная организация", "Наименование школы", "Краткое наименование ОО"), fact=False),
    Column("level", "Уровень реализации", "choice", "Уровень Профминимума: базовый, основной, продвинутый.",
           ("Уровень", "Уровень Профминимума", "Уровень реализации Профминимума", "Выбранный уровень"),
           vocabulary="levels"),
    Column("grades", "Классы", "grades", "Классы, которые участвуют, например 6–11.",
           ("Классы (6–11)", "Параллели", "Какие классы участвуют"), required=False, nullable=True),
    Column("hours_curricular", "Часы: урочная деятельность", "hours", "Часы урочной деятельности в год.",
           ("Часы в год: урочная деятельность", "Количество часов: урочная деятельность", "Урочная деятельность, ч",
            "Урочная, ч.", "Урочная деятельность (часов)"), unit="ак. ч", nullable=True, minimum=0, maximum=400),
    Column("hours_rmg", "Часы: внеурочная деятельность «Россия – мои горизонты»", "hours", "Часы курса в год.",
           ("Часы в год: курс «Россия – мои горизонты»", "Количество часов: «Россия – мои горизонты»",
            "Россия – мои горизонты, ч", "РМГ, ч.", "Внеурочная деятельность (часов)",
            "Курс «Россия – мои горизонты», часов"), unit="ак. ч", nullable=True, minimum=0, maximum=400),
    Column("hours_practice", "Часы: практико-ориентированный модуль", "hours", "Часы практического модуля в год.",
           ("Часы в год: практико-ориентированный модуль", "Количество часов: практико-ориентированный модуль",
            "Практико-ориентированный модуль, ч", "Практика, ч.", "Практико-ориентированный модуль (часов)"),
           unit="ак. ч", nullable=True, minimum=0, maximum=400),
    Column("hours_parents", "Часы: взаимодействие с родителями", "hours", "Часы работы с родителями в год.",
           ("Часы в год: взаимодействие с родителями", "Количество часов: взаимодействие с родителями",
            "Взаимодействие с родителями, ч", "Родители, ч.", "Взаимодействие с родителями (часов)"),
           unit="ак. ч", nullable=True, minimum=0, maximum=400),
    Column("hours_supplementary", "Часы: дополнительное образование", "hours", "Часы дополнительного образования.",
           ("Часы в год: дополнительное образование", "Количество часов: дополнительное образование",
            "Дополнительное образование, ч", "Доп. образование, ч.", "Дополнительное образование (часов)"),
           unit="ак. ч", nullable=True, minimum=0, maximum=400),
    Column("hours_vocational", "Часы: профессиональное обучение", "hours", "Часы профессионального обучения в год.",
           ("Часы в год: профессиональное обучение", "Количество часов: профессиональное обучение",
            "Профессиональное обучение, ч", "Профобучение, ч.", "Профессиональное обучение (часов)"),
           unit="ак. ч", nullable=True, minimum=0, maximum=400),
    Column("hours_total", "Часы: всего", "hours", "Все часы в год, как их сложил отправитель.",
           ("Часы в год: всего", "Количество часов: всего", "Всего часов", "Итого часов", "Всего, ч.",
            "Всего часов в год"), unit="ак. ч", minimum=0, maximum=1000),
    Column("responsible_position", "Должность ответственного", "choice", "Должность, без имени.",
           ("Ответственный: должность", "Ответственный за Профминимум (должность)", "Ответственный (должность)",
            "Должность ответственного за реализацию"), vocabulary="positions", open_vocabulary=True),
    Column("order_number", "Номер приказа", "text", "Приказ о назначении ответственного.",
           ("Приказ: номер", "Ответственный: № приказа", "№ приказа", "Приказ №", "Приказ о назначении (номер)"),
           nullable=True),
    Column("order_date", "Дата приказа", "date", "Дата приказа о назначении.",
           ("Приказ: дата", "Ответственный: дата приказа", "Приказ от", "Приказ о назначении (дата)"), nullable=True),
    Column("navigators", "Педагогов-навигаторов", "count", "Сколько педагогов-навигаторов в школе.",
           ("Педагоги-навигаторы: всего", "Количество педагогов-навигаторов", "Навигаторы, всего", "Навигаторов, чел.",
            "Число педагогов-навигаторов"), unit="чел.", minimum=0, maximum=100),
    Column("navigators_trained", "Из них обучено", "count", "Сколько из них прошли обучение.",
           ("Педагоги-навигаторы: обучено", "Количество обученных педагогов-навигаторов", "Навигаторы, обучено",
            "в т.ч. обучено, чел.", "Обучено навигаторов", "Обучено педагогов-навигаторов"), unit="чел.",
           minimum=0, maximum=100),
    Column("rmg_in_timetable", "«Россия – мои горизонты» в расписании", "yes_no", "Внесён ли курс в расписание.",
           ("Курс «Россия – мои горизонты» внесён в расписание", "РМГ в расписании", "В расписании (да/нет)",
            "Россия – мои горизонты: в расписании", "Занятия в расписании", "РМГ в расписании (да/нет)"),
           vocabulary="answers"),
    Column("rmg_weekday", "День недели занятия", "choice", "День недели; рекомендован четверг.",
           ("День недели", "День занятия", "Россия – мои горизонты: день недели", "РМГ: день недели",
            "День проведения РМГ"), nullable=True, vocabulary="weekdays"),
    Column("parent_meetings", "Родительских собраний запланировано", "count", "Собраний в учебном году.",
           ("Родительские собрания", "Родительских собраний", "Кол-во родительских собраний",
            "Количество родительских собраний"), minimum=0, maximum=200),
    Column("practice_events", "Практических мероприятий запланировано", "count", "Мероприятий в учебном году.",
           ("Практические мероприятия", "Практических мероприятий", "Кол-во практических мероприятий",
            "Количество практических мероприятий"), minimum=0, maximum=1000),
    Column("partner_agreements", "Соглашений с партнёрами", "count", "Действующих соглашений.",
           ("Соглашения с партнёрами", "Кол-во соглашений", "Количество соглашений", "Заключено соглашений"),
           minimum=0, maximum=500),
    Column("pupils_total", "Обучающихся 6–11 классов", "count", "Все обучающиеся 6–11 классов.",
           ("Обучающиеся 6–11 классов: всего", "Всего обучающихся 6–11 классов", "Контингент 6–11 классов",
            "Обучающихся 6–11 кл., всего", "Численность обучающихся 6–11 классов"), unit="чел.",
           minimum=0, maximum=5000),
    Column("pupils_planned", "Из них планируется охватить", "count", "Сколько из них примут участие.",
           ("Обучающиеся 6–11 классов: планируется охватить", "Планируемый охват", "Планируется охватить, чел.",
            "Планируемый охват обучающихся", "План охвата, чел."), unit="чел.", minimum=0, maximum=5000),
    Column("profile_classes", "Профильных классов", "count", "Профильных предпрофессиональных классов.",
           ("Профильные классы", "Кол-во профильных классов", "Количество профильных классов",
            "Профильных предпрофессиональных классов"), minimum=0, maximum=100),
)  # fmt: skip

RULES = (
    _hours_rule(1, "hours_curricular", "curricular"),
    _hours_rule(2, "hours_rmg", "extracurricular_rmg"),
    _hours_rule(3, "hours_practice", "practice_module"),
    _hours_rule(4, "hours_parents", "parent_engagement"),
    _hours_rule(5, "hours_supplementary", "supplementary_education"),
    _hours_rule(6, "hours_vocational", "vocational_training"),
    Rule(
        "RDY-007", "error", "row",
        column="hours_total", check=pl.col("hours_total") == HOURS_SUM,
        expected=pl.format("{}", HOURS_SUM), difference=pl.col("hours_total") - HOURS_SUM, source="seed 29–61",
    ),
    Rule(
        "RDY-008", "error", "row",
        column="hours_total", check=pl.col("hours_total") >= HOURS_NORM,
        expected=pl.format("не меньше {}", HOURS_NORM), difference=pl.col("hours_total") - HOURS_NORM,
        source="seed 31, 40, 51",
    ),
    Rule(
        "RDY-010", "error", "row",
        column="responsible_position", check=RANK <= 2,
        expected="директор или заместитель директора", source="seed 149; STF-2",
    ),
    Rule(
        "RDY-011", "error", "row",
        column="navigators_trained", check=pl.col("navigators_trained") <= pl.col("navigators"),
        expected=pl.format("≤ {}", pl.col("navigators")),
        difference=pl.col("navigators_trained") - pl.col("navigators"), source="STF-3",
    ),
    Rule(
        "RDY-012", "warning", "row",
        column="order_number", check=pl.col("order_number").is_not_null(), expected="номер приказа", source="STF-4",
    ),
    Rule(
        "RDY-013", "warning", "row",
        column="order_date", check=pl.col("order_date").is_not_null(), expected="дата приказа", source="STF-4",
    ),
    Rule(
        "RDY-014", "error", "row",
        column="order_date",
        check=pl.col("order_date").is_between(
            pl.date(pl.col("academic_year_start") - 1, 9, 1), pl.col("as_of"), closed="both"
        ),
        expected=pl.format(
            "с 01.09.{} по {}", pl.col("academic_year_start") - 1, pl.col("as_of").dt.to_string("%d.%m.%Y")
        ),
        source="domain 7: dates within the academic year; wrong_year",
    ),
    Rule(
        "RDY-015", "error", "row",
        column="rmg_in_timetable", check=pl.col("rmg_in_timetable"), expected="да",
        source="seed 276–278, 510; R11",
    ),
    Rule(
        "RDY-016", "warning", "row",
        column="rmg_weekday", check=pl.col("rmg_weekday") == "thursday", expected="четверг (рекомендуется)",
        source="seed 73; TT-2",
    ),
    Rule(
        "RDY-017", "error", "row",
        column="rmg_weekday",
        check=pl.col("rmg_weekday").is_not_null() | ~pl.col("rmg_in_timetable"),
        expected="день недели", source="domain 3.3",
    ),
    Rule(
        "RDY-018", "error", "row",
        column="pupils_planned", check=pl.col("pupils_planned") <= pl.col("pupils_total"),
        expected=pl.format("≤ {}", pl.col("pupils_total")),
        difference=pl.col("pupils_planned") - pl.col("pupils_total"), source="COV-2",
    ),
    Rule(
        "RDY-019", "error", "row",
        column="grades",
        check=GRADES_6_TO_11,
        expected="классы с 6 по 11", source="seed 67; COV-3",
    ),
    Rule(
        "RDY-020", "warning", "register",
        column="pupils_total",
        check=(pl.col("pupils_total") - pl.col("register_pupils")).abs() <= pl.col("register_pupils") * 0.05,
        expected=pl.format("около {}", pl.col("register_pupils")),
        difference=pl.col("pupils_total") - pl.col("register_pupils"), needs_register=True, source="COV-6",
    ),
    Rule(
        "RDY-021", "warning", "row",
        column="navigators", check=pl.col("navigators") >= 1, expected="≥ 1", source="STF-5",
    ),
    Rule(
        "RDY-022", "warning", "row",
        column="navigators_trained", check=(pl.col("navigators_trained") >= 1) | ~AHEAD, expected="≥ 1", source="STF-3",
    ),
    Rule(
        "RDY-023", "warning", "row",
        column="parent_meetings", check=pl.col("parent_meetings") >= 2, expected="≥ 2",
        difference=pl.col("parent_meetings") - 2, source="seed 84–85; PM-1",
    ),
    Rule(
        "RDY-024", "warning", "row",
        column="practice_events", check=(pl.col("practice_events") >= 1) | ~AHEAD, expected="≥ 1", source="EV-5",
    ),
    Rule(
        "RDY-025", "warning", "row",
        column="profile_classes", check=(pl.col("profile_classes") >= 1) | (LEVEL != "advanced"), expected="≥ 1",
        source="seed 61; PC",
    ),
    Rule(
        "RDY-026", "warning", "row",
        column="order_date",
        check=pl.when(pl.col("order_date") >= pl.date(pl.col("academic_year_start") - 1, 9, 1)).then(
            pl.col("order_date") >= pl.date(pl.col("academic_year_start"), 1, 1)
        ),
        expected=pl.format("не раньше 01.01.{}", pl.col("academic_year_start")),
        source="domain 7: wrong_year",
    ),
    Rule("RDY-030", "warning", "history", source="RDY-5"),
)  # fmt: skip

FORM = Form(
    name="readiness_report",
    title="Отчёт о готовности школ к реализации Профминимума",
    description="Муниципальное управление образования сообщает по каждой школе, готова ли она.",
    sender_kind="reporting_unit",
    grain=(SCHOOL,),
    row_is="школа × кампания",
    cadence="раз в кампанию, к сроку; исправленный отчёт заменяет прежний",
    recognised_by=("level", "responsible_position", "rmg_in_timetable"),
    covers="schools",
    size=Size("schools_of_sender", most=1.5, spare=5),
    set_aside=SetAside(0.8, spare=5),  # to tell which schools reported wrongly is what the report is for
    spare_rows=1,
    spare_fall=5,
    period="campaign",
    owed=Owed("campaign"),
    controls=tuple(
        Control(metric, pl.col(metric), metric, "RDY-031")
        for metric in ("navigators", "navigators_trained", "pupils_total", "pupils_planned", "profile_classes")
    ),
    editions=(
        Edition(
            "2023", dt.date(2023, 8, 1), COLUMNS,
            (
                *RULES,
                Rule("RDY-031", "warning", "table", source="domain 6: totals are control totals"),
            ),
        ),
    ),
)  # fmt: skip
