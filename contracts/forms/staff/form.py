"""«Ответственные и педагоги-навигаторы»: a row a person and role in a school (seed 149, 156, 267–272; domain 7 (v)).

The source says that there is somebody responsible in each school, not below a deputy head, and «более 350» navigators,
which is no number. People are told apart by their names, which go nowhere else; a vacant post has none.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from contracts.form import Column, Edition, Form, Rule, SetAside, Size
from contracts.grain import SCHOOL, VACANT, Key, Owed, People
from contracts.vocabulary import ranks

ORDER_NUMBER = (
    r"(?i)^(?:№ ?)?(?:[а-яёa-z]{1,3}-)?\d{1,6}(?:[-/.]\d{1,6})*"
    r"(?: ?[-/]? ?(?:[а-яёa-z]{1,2}|[а-яё]/[а-яё]|осн|общ|лич|пед))?(?:[-/]\d{1,4})?"
    r"(?: от \d{1,2}\.\d{1,2}\.\d{2,4} ?г?\.?)?$"
)
"""The number of an order: «17», «№ 45-од», «01-04/15», «12 о/д», «45-од от 01.09.2023»; no name is one."""
WORD = r"\p{L}(?:\p{L}|['’]\p{L})(?:[-'’]?\p{L})*"
WHOLE_NAME = rf"^{WORD}(?: +{WORD})+$"
WITH_INITIALS = rf"^{WORD} +\p{{L}}\.?(?: *\p{{L}}\.?)?$"
NO_NAME = r"(?i)ваканс|вакант"
DEPUTY, OTHER = 2, 3
"""Ranks of positions."""
NAME, ROLE, AS_OF = pl.col("full_name"), pl.col("role"), pl.col("as_of")
YEAR = pl.col("academic_year_start")
RANK = pl.col("position").replace_strict(ranks(), default=None, return_dtype=pl.Int64)
IS_PERSON = NAME.is_not_null()
SERVES = (
    IS_PERSON
    & (pl.col("valid_from").fill_null(AS_OF) <= AS_OF)
    & (pl.col("valid_to").fill_null(AS_OF) >= AS_OF)
)  # fmt: skip
"""Somebody is in the role on the date of the file."""
IN_SCHOOL = ("delivery", "school_id")
RESPONSIBLE = (SERVES & (ROLE == "responsible")).sum().over(IN_SCHOOL)
NAVIGATORS = (SERVES & (ROLE == "navigator")).sum().over(IN_SCHOOL)
FIRST_OF_SCHOOL = (pl.col("row").rank("ordinal").over(IN_SCHOOL) == 1) & (pl.col("register_sender") == pl.col("sender"))
"""The row at which what a school of the sender lacks is said."""
TRAINED = pl.col("trained").fill_null(False)

COLUMNS = (
    Column("school_code", "Код ОО", "school_code", "Код школы в реестре.",
           ("Код школы", "Код организации", "Код образовательной организации"), required=False, nullable=True,
           fact=False),
    Column("school_name", "Наименование образовательной организации", "school_name",
           "Школа, как её называет отправитель.",
           ("Наименование ОО", "Школа", "Название школы", "Образовательная организация", "ОО",
            "Наименование школы", "Краткое наименование ОО", "Место работы"), fact=False),
    Column("full_name", "ФИО работника", "text", "Только чтобы отличать работников друг от друга; «вакансия» — никого.",
           ("ФИО", "Ф.И.О.", "Фамилия, имя, отчество", "ФИО (полностью)", "ФИО педагога", "Работник",
            "ФИО ответственного / педагога-навигатора", "Работник: ФИО"), nullable=True, personal=True, fact=False,
           blank_words=("вакансия", "вакантно", "вакантная", "вакант", "вакансия.", "не назначен", "не назначена",
                        "не назначено", "нет", "назначается")),
    Column("role", "Роль", "choice", "Ответственный за Профминимум или педагог-навигатор.",
           ("Роль в Профминимуме", "Кем назначен", "В качестве кого назначен", "Функционал", "Статус работника",
            "Работник: роль", "Ответственный / навигатор"), vocabulary="staff_roles"),
    Column("position", "Должность", "choice", "Должность по основной работе.",
           ("Занимаемая должность", "Должность работника", "Основная должность", "Работник: должность"), nullable=True,
           vocabulary="positions", open_vocabulary=True),
    Column("order_number", "Номер приказа", "text", "Приказ о назначении.",
           ("№ приказа", "Приказ №", "Приказ: номер", "Приказ о назначении (номер)", "Реквизиты приказа: номер"),
           nullable=True, pattern=ORDER_NUMBER, misfit="STF-019"),
    Column("order_date", "Дата приказа", "date", "Дата приказа о назначении.",
           ("Приказ от", "Приказ: дата", "Приказ о назначении (дата)", "Реквизиты приказа: дата"), nullable=True),
    Column("trained", "Обучен", "yes_no", "Прошёл ли обучение по профориентации.",
           ("Обучение пройдено", "Прошёл обучение", "Прошёл обучение (да/нет)", "Обучен (да/нет)", "Обучение: пройдено",
            "Повышение квалификации пройдено", "Отметка об обучении"), nullable=True, vocabulary="training_answers"),
    Column("training_hours", "Часов обучения", "hours", "Сколько академических часов длилось обучение.",
           ("Обучение: часов", "Объём обучения, ч", "Количество часов обучения", "Кол-во часов", "Объём программы, ч"),
           unit="ак. ч", required=False, nullable=True, minimum=0, maximum=1000, misfit="STF-006"),
    Column("training_date", "Дата обучения", "date", "Когда обучение окончено.",
           ("Обучение: дата", "Дата окончания обучения", "Дата удостоверения", "Дата документа об обучении",
            "Обучение: окончено"), required=False, nullable=True),
    Column("valid_from", "В роли с", "date", "С какого дня в этой роли; у вакансии — с какого дня место свободно.",
           ("Назначен с", "Работает с", "Действует с", "Исполняет с", "Период: с", "Срок: с"), required=False,
           nullable=True),
    Column("valid_to", "В роли по", "date", "По какой день в этой роли; пусто — и сейчас.",
           ("Освобождён", "Работает по", "Действует по", "Исполняет по", "Период: по", "Срок: по", "Уволен"),
           required=False, nullable=True, blank_words=("по настоящее время", "по наст. время", "бессрочно", "н.в.",
                                                       "до отмены", "настоящее время")),
)  # fmt: skip

RULES = (
    Rule(
        "STF-001", "error", "register",
        column="role",
        check=pl.when(SERVES & (ROLE == "responsible") & pl.col("school_id").is_not_null()).then(RESPONSIBLE == 1),
        expected="один ответственный в школе", needs_register=True, source="domain 7 (v): STF-1; seed 149",
    ),
    Rule(
        "STF-002", "error", "row",
        column="position", check=pl.when(IS_PERSON & (ROLE == "responsible")).then(RANK.fill_null(OTHER) <= DEPUTY),
        expected="директор или заместитель директора", source="domain 7 (v): STF-2; seed 149",
    ),
    Rule(
        "STF-003", "warning", "row",
        column="trained",
        check=pl.when(TRAINED).then(pl.col("training_hours").is_not_null() & pl.col("training_date").is_not_null()),
        expected="часы и дата обучения", source="domain 7 (v): STF-3",
    ),
    Rule(
        "STF-004", "warning", "row",
        column="order_number",
        check=pl.when(IS_PERSON).then(pl.col("order_number").is_not_null() & pl.col("order_date").is_not_null()),
        expected="номер и дата приказа", source="domain 7 (v): STF-4",
    ),
    Rule(
        "STF-005", "warning", "register",
        column="role", check=pl.when(FIRST_OF_SCHOOL).then(NAVIGATORS >= 1),
        expected="хотя бы один педагог-навигатор", needs_register=True, source="domain 7 (v): STF-5",
    ),
    Rule("STF-006", "error", "cell", column="training_hours", source="domain 7 (v): STF-6; seed 270"),
    Rule(
        "STF-007", "warning", "register",
        column="role", check=pl.when(FIRST_OF_SCHOOL).then(RESPONSIBLE >= 1),
        expected="ответственный за Профминимум", needs_register=True, source="domain 7 (v): STF-1; seed 149",
    ),
    Rule(
        "STF-008", "error", "row",
        column="full_name",
        check=pl.when(IS_PERSON).then(
            (NAME.str.contains(WHOLE_NAME) | NAME.str.contains(WITH_INITIALS)) & ~NAME.str.contains(NO_NAME)
        ),
        expected="фамилия, имя и отчество", source="domain 3.8",
    ),
    Rule(
        "STF-009", "warning", "row",
        column="full_name", check=pl.when(IS_PERSON).then(~NAME.str.contains(WITH_INITIALS)),
        expected="имя и отчество полностью", source="domain 3.4, trap 8",
    ),
    Rule(
        "STF-010", "error", "row",
        column="full_name",
        check=IS_PERSON
        | (TRAINED.not_() & pl.col("order_number").is_null() & pl.col("order_date").is_null()
           & pl.col("training_hours").is_null() & pl.col("training_date").is_null()),
        expected="ФИО", source="domain 3.8",
    ),
    Rule(
        "STF-011", "error", "row",
        column="order_date", check=pl.col("order_date") <= AS_OF,
        expected=pl.format("не позже {}", AS_OF.dt.to_string("%d.%m.%Y")), source="domain 7",
    ),
    Rule(
        "STF-012", "warning", "row",
        column="order_date", check=pl.when(SERVES).then(pl.col("order_date") >= pl.date(YEAR, 1, 1)),
        expected=pl.format("не раньше 01.01.{}", YEAR), source="domain 3.3: wrong_year",
    ),
    Rule(
        "STF-013", "error", "row",
        column="training_date", check=pl.when(TRAINED).then(pl.col("training_date") <= AS_OF),
        expected=pl.format("не позже {}", AS_OF.dt.to_string("%d.%m.%Y")), source="domain 7 (v): STF-3",
    ),
    Rule(
        "STF-014", "warning", "row",
        column="trained",
        check=pl.when(IS_PERSON & (ROLE == "navigator")).then(pl.col("trained").is_not_null()),
        expected="да или нет", source="domain 7 (v): STF-3",
    ),
    Rule(
        "STF-015", "error", "row",
        column="valid_to", check=pl.col("valid_to") >= pl.col("valid_from"),
        expected=pl.format("не раньше {}", pl.col("valid_from").dt.to_string("%d.%m.%Y")), source="domain 7",
    ),
    Rule(
        "STF-016", "warning", "register",
        column="role",
        check=pl.when(SERVES & (ROLE == "responsible") & (pl.col("person_key") != VACANT)).then(
            (SERVES & (ROLE == "responsible")).sum().over("delivery", "person_key") == 1
        ),
        expected="одна школа у одного ответственного", needs_register=True, source="domain 3.2: branches; seed 149",
    ),
    Rule("STF-017", "warning", "forms", column="role", source="domain 7 (v); the report has counts, this list people"),
    Rule("STF-019", "warning", "cell", column="order_number", source="domain 3.8: no name may stand in a fact"),
    Rule("STF-018", "warning", "forms", column="training_hours", source="domain 7 (v): STF-3; 3.1: 36 hours"),
)  # fmt: skip

FORM = Form(
    name="staff",
    title="Ответственные и педагоги-навигаторы",
    description="Кто в каждой школе отвечает за Профминимум и кто навигатор; новый файл заменяет прежний целиком.",
    sender_kind="reporting_unit",
    grain=(Key("person_key", "person", stated_in="full_name"), Key("role", "role"), SCHOOL),
    row_is="работник × роль × школа",
    cadence="к 15 сентября и при изменениях; новый файл заменяет прежний целиком",
    period="academic_year",
    owed=Owed("academic_year", until=(9, 15)),
    recognised_by=("school_name", "full_name", "role"),
    covers="schools",
    size=Size("schools_of_sender", most=20, spare=40),
    set_aside=SetAside(0.5, spare=5),
    people=People("staff"),
    spare_rows=3,
    editions=(Edition("2023", dt.date(2023, 8, 1), COLUMNS, RULES),),
)
