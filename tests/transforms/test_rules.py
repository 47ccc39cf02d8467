"""Every rule with one example that keeps it and one that breaks it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from example import ADVANCED, GOOD, MAIN, OF_FORMS, PUPIL, REPORT, SCHOOL, SCHOOLS, TOTAL_OF_REPORT, TOTALS, Cells, Sent

from contracts.form import Rule
from contracts.forms import RULES
from contracts.grid import Doubt, Grid, Range, Sheet, Unreadable, Value

HISTORY = {
    "COM-020": "test_a_suspiciously_smaller_delivery_is_held_with_both_numbers",
    "COM-070": "test_a_register_that_loses_a_school_is_held",
    "COM-071": "test_a_reading_without_a_loaded_row_replaces_nothing",
    "COM-077": "test_bytes_whose_word_was_taken_over_are_another_delivery",
    "RDY-030": "test_a_school_that_was_accepted_and_no_longer_is_named",
    "PLN-004": "test_a_changed_plan_is_named_with_both_numbers",
    "REX-006": "test_a_fall_of_registered_pupils_is_named",
}
"""Rules that compare with what was stored, and the tests of the warehouse that have their examples."""

ACROSS = {
    "AG-007": "test_fewer_agreements_are_listed_than_a_school_states",
    "EV-003": "test_more_pupils_came_than_the_classes_have",
    "EV-005": "test_classes_lack_hours_of_practice_from_may_on",
    "EV-012": "test_a_host_has_no_agreement_on_the_day_of_the_event",
    "HRS-005": "test_a_class_that_no_list_of_levels_knows",
    "HRS-006": "test_hours_of_a_direction_that_is_no_part_of_the_level",
    "PM-003": "test_hours_of_meetings_are_below_the_norm_from_march_on",
    "LVL-004": "test_the_level_of_a_report_is_not_that_of_its_classes",
    "TT-005": "test_classes_of_a_timetable_that_no_list_knows",
    "TT-010": "test_a_report_says_that_the_lesson_is_in_the_timetable",
    "TT-013": "test_classes_of_a_list_that_no_timetable_has",
    "LSN-010": "test_classes_of_a_journal_that_no_list_knows",
    "LSN-011": "test_more_hours_are_reported_than_the_journal_shows",
    "EPL-007": "test_a_meeting_that_was_held_is_in_no_list",
    "PC-012": "test_a_profile_class_is_in_no_list_of_levels",
    "PC-013": "test_fewer_profile_classes_are_listed_than_a_school_states",
    "STF-017": "test_fewer_navigators_are_listed_than_a_school_states",
    "STF-018": "test_training_is_shorter_than_the_level_asks_for",
}
"""Rules across forms, and the tests of the warehouse that have their examples."""


@dataclass(frozen=True)
class Example:
    """A delivery that breaks a rule, the column of the broken cell, and one like it that keeps the rule."""

    broken: Sent
    column: str | None = None
    kept: Sent | None = None

    @property
    def good(self) -> Sent:
        return self.kept or Sent(self.broken.form)


def of(form: str, broken: Cells, column: str, kept: Cells | None = None) -> Example:
    """Cells that break a rule and cells that keep it; without the latter the good delivery keeps it."""
    return Example(Sent(form, broken), column, Sent(form, kept or {}))


def report(broken: Cells, column: str, kept: Cells | None = None) -> Example:
    return of("readiness_report", broken, column, kept)


def unreadable(reason: str) -> Example:
    return sent(content=Unreadable(reason, "The file cannot be read."))


def doubted(reason: str) -> Example:
    """A report that was read with a doubt of the reader."""
    return sent(content=replace(Sent("readiness_report").grid(), doubts=(Doubt(reason, "одно", "другое"),)))


def with_sheet(**changed: Any) -> Example:
    """A report on a sheet that has something else too."""
    return sent(content=Grid([replace(Sent("readiness_report").grid().sheets[0], **changed)], "xlsx"))


def sent(**changed: Any) -> Example:
    """A report that as a whole is not as agreed."""
    return Example(replace(Sent("readiness_report"), **changed))


def merged(cells: Cells) -> Sent:
    """A report of two schools whose cells of navigators are merged."""
    sheet = Sent("readiness_report", cells, more=({**REPORT, "school_code": "700003", "school_name": None},)).grid()
    c = list(REPORT).index("navigators")
    return Sent("readiness_report", content=Grid([replace(sheet.sheets[0], merged=[Range(2, c, 3, c)])], "xlsx"))


def hiding(value: Value) -> Sent:
    """A report whose title is merged over a cell with this value."""
    title, *rows = Sent("readiness_report").grid().sheets[0].rows
    return Sent("readiness_report", content=Grid([Sheet("Лист1", [[*title, value], *rows], [Range(0, 0, 0, 1)])], "x"))


def by_parts(*parts: str) -> Sent:
    """A plan in parts under one heading."""
    rows: list[list[Value]] = [["по состоянию на 08.09.2023"], ["Муниципальный район", "План", None], [None, *parts]]
    rows += [[each["reporting_unit"], 20, 30] for each in GOOD["registration_plan"]]
    merged = [Range(1, 0, 2, 0), Range(1, 1, 1, 2)]
    return Sent("registration_plan", content=Grid([Sheet("Лист1", rows, merged)], "xlsx"))


def with_beside(columns: int) -> Sent:
    """A report, and past a blank column a column of a list (1) or the whole table again (2)."""
    title, *rows = Sent("readiness_report").grid().sheets[0].rows
    side = {0: [[], []], 1: [["Уровень"], ["базовый"]], 2: rows}[columns]
    table = [[*row, None, *other] for row, other in zip(rows, side, strict=True)]
    return Sent("readiness_report", content=Grid([Sheet("Лист1", [title, *table])], "xlsx"))


def of_year(year: str) -> Sent:
    """A plan whose heading names a year."""
    title, (unit, _, source), *rows = Sent("registration_plan").grid().sheets[0].rows
    heading = [unit, f"План на {year} уч. год", source]
    return Sent("registration_plan", content=Grid([Sheet("Лист1", [title, heading, *rows])], "xlsx"))


def a_week(other: str) -> Sent:
    """A report, and the same on another sheet as of another day."""
    sheet = Sent("readiness_report").grid().sheets[0]
    earlier = replace(sheet, name="Лист2", rows=[[f"по состоянию на {other}"], *sheet.rows[1:]])
    return Sent("readiness_report", content=Grid([sheet, earlier], "xlsx"))


PLAN = Sheet("План", [["Муниципальный район", "План"], ["Чаинский муниципальный район", 10]])
EARLIER = Sheet(
    "Было",
    [["Школа", "Уровень", "Должность ответственного", "РМГ в расписании"], ["МБОУ СОШ", "базовый", "директор", "нет"]],
    visible=False,
)
ALL_OF_CHAINSKY = SCHOOLS.with_columns(subordination=pl.lit("chainsky"))
THE_DAY_BEFORE = dt.datetime(2023, 9, 7, 12, tzinfo=dt.UTC)
AFTER_DEADLINE = dt.datetime(2023, 9, 11, 18, tzinfo=dt.UTC)

EXAMPLES: dict[str, Example] = {
    "COM-001": unreadable("empty"),
    "COM-002": unreadable("encrypted"),
    "COM-003": unreadable("corrupt"),
    "COM-004": unreadable("unknown"),
    "COM-005": unreadable("too_large"),
    "COM-006": unreadable("too_slow"),
    "COM-010": sent(without=tuple(REPORT)),
    "COM-011": sent(beside=(PLAN,)),
    "COM-012": sent(without=("navigators",)),
    "COM-013": sent(headings=("Комментарий",)),
    "COM-014": sent(headings=("Навигаторов, чел.",)),
    "COM-015": sent(most=0),
    "COM-016": sent(above=("Городской округ Стрежевой", "по состоянию на 08.09.2023")),
    "COM-017": sent(folder=None, register=None),
    "COM-018": sent(above=()),
    "COM-019": sent(above=("по состоянию на 08.09.2025",)),
    "COM-021": Example(Sent("registration_plan", folder="chainsky")),
    "COM-022": of("registration_plan", {"reporting_unit": "Чаинский р-н"}, "reporting_unit"),
    "COM-023": report({"school_code": None, "school_name": None}, "school_name", {"school_code": None}),
    "COM-024": sent(register=None),
    "COM-025": Example(Sent("readiness_report", beside=(EARLIER,)), None, Sent("readiness_report", beside=())),
    "COM-026": doubted("encoding"),
    "COM-027": doubted("separator"),
    "COM-028": doubted("records"),
    "COM-029": with_sheet(hidden_rows=frozenset({2})),
    "COM-030": report({"navigators": "более 5"}, "navigators", {"navigators": " 5 чел."}),
    "COM-031": report({"hours_practice": "по плану"}, "hours_practice", {"hours_practice": "–"}),
    "COM-032": report({"order_date": "сентябрь 2023"}, "order_date", {"order_date": "1 сентября 2023 г."}),
    "COM-033": report({"rmg_in_timetable": "частично"}, "rmg_in_timetable", {"rmg_in_timetable": "+"}),
    "COM-034": report({"level": "базовый/основной"}, "level", {"level": "Базовый уровень"}),
    "COM-035": of("readiness_summary", {"accepted_rate": "почти все"}, "accepted_rate", {"accepted_rate": "100"}),
    "COM-036": report({"grades": "все классы"}, "grades", {"grades": "с 6 по 11 класс"}),
    "COM-037": of("registration_plan", {"reporting_unit": "Чаинская волость"}, "reporting_unit"),
    "COM-038": report({"school_code": None, "school_name": "МБОУ «СОШ, которой нет»"}, "school_name"),
    "COM-039": report({"navigators": "#REF!"}, "navigators"),
    "COM-040": report({"level": None}, "level", {"order_number": None}),
    "COM-041": report({"navigators": 202}, "navigators", {"navigators": 100}),
    "COM-042": report({"responsible_position": "ответственный за всё"}, "responsible_position"),
    "COM-043": report({"navigators": "#FORMULA!"}, "navigators", {"navigators": "2"}),
    "COM-044": report({"pupils_total": "1,120"}, "pupils_total", {"pupils_total": "1 120"}),
    "COM-045": report({"navigators": "2 3)"}, "navigators", {"navigators": "23)"}),
    "COM-046": of("school_register", {"inn": "105012349"}, "inn", {"inn": "0105012349"}),
    "COM-048": with_sheet(rows=[*Sent("readiness_report").grid().sheets[0].rows, [], ["№", "Школа", "Телефон"]]),
    "COM-049": sent(more=({"school_name": "МАОУ гимназия № 1"},), register=None),
    "COM-050": Example(Sent("readiness_report", more=(REPORT,)), "school_name"),
    "COM-051": report({"school_code": "700002", "school_name": "МАОУ гимназия № 1"}, "school_name"),
    "COM-052": report({"school_code": None, "school_name": "МБОУ «Школа-сад»"}, "school_name"),
    "COM-053": report({"school_code": "700002"}, "school_code"),
    "COM-105": report({"school_name": "МБОУ «Тестовая CОШ с. Тест»"}, "school_name", {"school_name": None}),
    "COM-106": report({"school_code": "799999"}, "school_code", {"school_code": None}),
    "COM-107": report({"level": "Базовый (40 часов)"}, "level", {"level": "Базовый уровень"}),
    "COM-108": report({"hours_rmg": dt.timedelta(hours=34)}, "hours_rmg", {"hours_rmg": "34 ч."}),
    "COM-109": report({"order_number": dt.date(2023, 1, 12)}, "order_number", {"order_number": "12/1"}),
    "COM-110": report({"grades": dt.date(2023, 11, 6)}, "grades", {"grades": "6-11"}),
    "COM-111": sent(above=("Готовность в 2022/2023 учебном году", "по состоянию на 08.09.2023")),
    "COM-112": Example(
        Sent("event_plan", above=("по состоянию на 06.10.2023",)), None,
        Sent("event_plan", above=("по состоянию на 09.10.2023",)),
    ),
    "COM-117": Example(
        Sent("event_plan", above=("План на 2023/2024 учебный год", "по состоянию на 24.08.2023")), None,
        Sent("event_plan", above=("План на 2022/2023 учебный год", "по состоянию на 24.08.2023")),
    ),
    "COM-113": of("level_choice", {"letter": "А, Б"}, "letter", {"letter": "«а»"}),
    "COM-116": of("parent_meetings", {"hours": "90 мин"}, "hours", {"hours": "2 ч"}),
    "COM-115": of("parent_meetings", {"held_on": "7 сентября"}, "held_on"),
    "COM-114": of("level_choice", {"grade": "7A", "letter": None}, "grade", {"grade": "7 «А»", "letter": None}),
    "COM-060": Example(Sent("registration_plan", total={})),
    "COM-061": Example(Sent("registration_plan", most=20)),
    "COM-062": sent(register=ALL_OF_CHAINSKY),
    "COM-063": sent(received=AFTER_DEADLINE),
    "COM-064": Example(Sent("readiness_report", more=[REPORT] * 6), None, Sent("readiness_report", more=[REPORT] * 5)),
    "COM-072": Example(
        Sent("school_register", {"inn": "7,01E+09"}, more=[{**SCHOOL, "inn": "7,01E+09"}] * 3), None,
        Sent("school_register", {"inn": "7,01E+09"}, more=[{**SCHOOL, "inn": "7,01E+09"}] * 2),
    ),
    "COM-065": Example(Sent("registration_plan", total={"plan_pupils": 1050})),
    "COM-075": sent(claimed=AFTER_DEADLINE),
    "COM-076": sent(received=THE_DAY_BEFORE),
    "COM-078": sent(folder=None, unowned="почта"),
    "COM-085": doubted("parts"),
    "COM-086": doubted("far_cells"),
    "COM-095": Example(merged({"navigators": 2}), "navigators", merged({"navigators": 0})),
    "COM-096": Example(hiding("меньше"), None, hiding(None)),
    "COM-097": Example(by_parts("юноши", "девушки"), None, by_parts("юноши", "всего")),
    "COM-098": Example(by_parts("юноши", "всего"), None, by_parts("юноши", "девушки")),
    "COM-099": Example(with_beside(2), None, with_beside(1)),
    "COM-100": Example(with_beside(1), None, with_beside(0)),
    "COM-101": sent(more=({**REPORT, "school_code": None, "school_name": "в т.ч. филиал в с. Речное"},)),
    "COM-102": Example(a_week("01.09.2023"), None, a_week("08.09.2023")),
    "COM-103": Example(of_year("2022/2023"), None, of_year("2023/2024")),
    "COM-104": Example(
        Sent("registration_plan", most=20, total={**GOOD["registration_plan"][20], "plan_pupils": 1000}),
        "plan_pupils",
    ),
    "RDY-001": report({**MAIN, "hours_curricular": 8, "hours_parents": 3}, "hours_curricular", MAIN),
    "RDY-002": report({"hours_rmg": 33, "hours_parents": 3}, "hours_rmg", {"hours_rmg": "34,0"}),
    "RDY-003": report({**MAIN, "hours_practice": 11, "hours_parents": 3}, "hours_practice", MAIN),
    "RDY-004": report({"hours_parents": 1, "hours_rmg": 35}, "hours_parents", {"hours_parents": "2 ч."}),
    "RDY-005": report({**MAIN, "hours_supplementary": None, "hours_rmg": 37}, "hours_supplementary", MAIN),
    "RDY-006": report({**ADVANCED, "hours_vocational": 9, "hours_rmg": 35}, "hours_vocational", ADVANCED),
    "RDY-007": report({"hours_total": 42}, "hours_total", {"hours_total": 42, "hours_rmg": 36}),
    "RDY-008": report({"hours_total": 39, "hours_rmg": 33}, "hours_total", {"hours_total": 41, "hours_rmg": 35}),
    "RDY-010": report({"responsible_position": "учитель"}, "responsible_position", {"responsible_position": "завуч"}),
    "RDY-011": report({"navigators_trained": 3}, "navigators_trained", {"navigators_trained": 2}),
    "RDY-012": report({"order_number": None}, "order_number"),
    "RDY-013": report({"order_date": "-"}, "order_date"),
    "RDY-014": report({"order_date": "09.09.2023"}, "order_date", {"order_date": "08.09.2023"}),
    "RDY-015": report({"rmg_in_timetable": "нет", "rmg_weekday": None}, "rmg_in_timetable"),
    "RDY-016": report({"rmg_weekday": "пт"}, "rmg_weekday", {"rmg_weekday": "Чт."}),
    "RDY-017": report({"rmg_weekday": None}, "rmg_weekday", {"rmg_weekday": None, "rmg_in_timetable": "нет"}),
    "RDY-018": report({"pupils_planned": 121}, "pupils_planned", {"pupils_planned": 120}),
    "RDY-019": report({"grades": "5–9"}, "grades", {"grades": "6–9"}),
    "RDY-020": report({"pupils_total": 127}, "pupils_total", {"pupils_total": 126}),
    "RDY-021": report({"navigators": 0, "navigators_trained": 0}, "navigators", {"navigators": 1}),
    "RDY-022": report({**MAIN, "navigators_trained": 0}, "navigators_trained", {"navigators_trained": 0}),
    "RDY-023": report({"parent_meetings": 1}, "parent_meetings", {"parent_meetings": 3}),
    "RDY-024": report({**MAIN, "practice_events": 0}, "practice_events", {"practice_events": 0}),
    "RDY-025": report({**ADVANCED, "profile_classes": 0}, "profile_classes", ADVANCED),
    "RDY-026": report({"order_date": "05.09.2022"}, "order_date", {"order_date": "09.01.2023"}),
    "RDY-031": Example(
        Sent("readiness_report", total={**TOTAL_OF_REPORT, "navigators": 3}),
        "navigators",
        Sent("readiness_report", total=TOTAL_OF_REPORT),
    ),
    "RDS-001": of("readiness_summary", {"rejected": 1}, "schools", {"rejected": 1, "accepted": 0}),
    "RDS-002": of("readiness_summary", {"accepted_rate": "99%"}, "accepted_rate", {"accepted_rate": "100,0%"}),
    "RDS-003": Example(Sent("readiness_summary", total={**TOTALS["readiness_summary"], "missing": 1}), "missing"),
    "RDS-004": of("readiness_summary", {"schools": 2, "accepted": 2}, "schools"),
    "RGS-001": of("registration_summary", {"plan_pupils": 0}, "plan_pupils", {"plan_pupils": 1}),
    "RGS-002": of("registration_summary", {"actual_pupils": 201}, "actual_pupils", {"actual_pupils": 200}),
    "RGS-003": of("registration_summary", {"actual_pupils": 201, "balance": 1}, "balance",
                  {"actual_pupils": 201, "balance": -1}),
    "RGS-004": of("registration_summary", {"completion_rate": "25,01%"}, "completion_rate",
                  {"completion_rate": "25,0%"}),
    "RGS-005": of("registration_summary", {"completion_rate": "25%"}, "completion_rate", {"completion_rate": 0.25}),
    "RGS-006": Example(Sent("registration_summary", total={**TOTALS["registration_summary"], "balance": 3151}),
                       "balance"),
    "PLN-001": of("registration_plan", {"plan_pupils": 0}, "plan_pupils", {"plan_pupils": 1}),
    "PLN-002": of("registration_plan", {"plan_pupils": 121}, "plan_pupils", {"plan_pupils": 120}),
    "PLN-003": Example(Sent("registration_plan", total={"reporting_unit": "Всего:", "plan_pupils": 1051}),
                       "plan_pupils"),
    "REX-001": of("registration_export", {"grade": 5}, "grade", {"grade": 6}),
    "REX-002": of("registration_export", {"birth_date": "12.03.2014"}, "birth_date", {"birth_date": "12.03.2013"}),
    "REX-003": of("registration_export", {"last_login": "09.09.2023"}, "last_login", {"last_login": "08.09.2023"}),
    "REX-004": of("registration_export", {"archived_on": "09.09.2023"}, "archived_on", {"archived_on": "08.09.2023"}),
    "REX-005": Example(
        Sent("registration_export", more=({**PUPIL, "full_name": "ТЕСТОВ Иван  Образцович"},)),
        "full_name",
        Sent("registration_export", more=({**PUPIL, "birth_date": "13.03.2010"},)),
    ),
    "REX-007": Example(
        Sent("registration_export", more=({**PUPIL, "birth_date": None, "grade": 8},)),
        None,
        Sent("registration_export", more=({**PUPIL, "birth_date": "13.03.2010", "grade": 8},)),
    ),
    "SCH-001": of("school_register", {"oktmo": "6965600"}, "oktmo"),
    "SCH-002": of("school_register", {"inn": "701700001"}, "inn", {"inn": None}),
    "SCH-003": of("school_register", {"inn": "7017000006"}, "inn"),
    "SCH-004": of("school_register", {"oktmo": "70656000"}, "oktmo"),
    "SCH-005": of("school_register", {"grades": "1–11"}, "grades", {"grades": "10–11"}),
}  # fmt: skip


def of_sheets(sheets: list[list[list[Value]]]) -> Grid:
    return Grid([Sheet(f"Лист{n}", rows) for n, rows in enumerate(sheets, 1)], "xlsx")


def of_golden(form: str, told: dict[str, Any]) -> Example:
    """An example as the form's folder of golden cases tells it: cells of a row, or whole sheets."""
    if "broken_sheets" in told:
        broken, kept = (
            Sent(form, content=of_sheets(told[name])) if name in told else None
            for name in ("broken_sheets", "kept_sheets")
        )
        assert broken is not None
        return Example(broken, told.get("column"), kept)
    more, kept_more = ((told[name],) if name in told else () for name in ("more", "kept_more"))
    above = {name: {"above": (told[name],)} if name in told else {} for name in ("broken_above", "kept_above")}
    broken = Sent(
        form, told.get("broken", {}), told.get("broken_total"), more, told.get("most"), **above["broken_above"]
    )
    kept = Sent(form, told.get("kept", {}), told.get("kept_total"), kept_more, **above["kept_above"])
    return Example(broken, told["column"], kept)


EXAMPLES |= {told["id"]: of_golden(form, told) for form, of_form in OF_FORMS.items() for told in of_form["rule"]}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_is_broken_by_its_example(rule: str) -> None:
    example, severity = EXAMPLES[rule], RULES[rule].severity
    reading = example.broken.read()
    found = reading.findings.filter(pl.col("rule") == rule).to_dicts()
    assert found, reading.findings["rule"].to_list()
    assert {each["column"] for each in found} == {example.column}
    assert all(each["severity"] == severity and each["message"] for each in found)
    if severity in ("error", "refuse"):
        assert reading.verdict == {"error": "partial", "refuse": "refused"}[severity]


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_is_kept_by_its_example(rule: str) -> None:
    assert rule not in EXAMPLES[rule].good.read().findings["rule"].to_list()


@pytest.mark.parametrize("form", GOOD)
def test_good_delivery_has_no_finding(form: str) -> None:
    reading = Sent(form).read()
    assert reading.findings["message"].to_list() == []
    assert reading.verdict == "accepted"
    assert reading.rows.loaded == len(GOOD[form]) == len(reading.facts)


AT_THE_DOOR = {
    "COM-080": "test_a_sender_that_sends_too_much_stops_nobody", "COM-081": "test_the_archives_disk_keeps_some_room",
    "COM-082": "test_links_and_special_files_are_named_and_not_opened", "COM-083": "test_what_is_closed_to_us_is_named",
    "COM-084": "test_an_inbox_that_is_gone_is_a_failure_that_says_so",
}  # fmt: skip
"""Rules of what lies in the inbox and is not read: their examples are in tests/flows/test_left_out.py."""


OF_REGIONS = {"COM-120"}
"""Rules that speak only where a region says something: their examples are in test_rules_put_aside.py."""


def test_every_rule_has_examples() -> None:
    elsewhere = HISTORY.keys() | ACROSS.keys() | AT_THE_DOOR.keys() | OF_REGIONS
    assert EXAMPLES.keys() | elsewhere == RULES.keys()
    assert not EXAMPLES.keys() & elsewhere
    assert "COM-120" in Path(__file__).with_name("test_rules_put_aside.py").read_text("utf-8")


def test_rules_of_the_inbox_have_examples_in_the_flows() -> None:
    tests = Path(__file__).parents[1].joinpath("flows", "test_left_out.py").read_text("utf-8")
    for rule, name in AT_THE_DOOR.items():
        example = re.search(rf"^def {name}\(.*?(?=^def |\Z)", tests, re.MULTILINE | re.DOTALL)
        assert example and rule in example[0], (rule, name)


def test_rules_of_history_have_examples_in_the_warehouse() -> None:
    assert {rule for rule, told in RULES.items() if told.scope == "history"} == HISTORY.keys()
    assert {rule for rule, told in RULES.items() if told.scope == "forms"} == ACROSS.keys()
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parents[1].glob("warehouse/test_*.py"))
    for rule, name in (HISTORY | ACROSS).items():
        example = re.search(rf"^def {name}\(.*?(?=^def |\Z)", tests, re.MULTILINE | re.DOTALL)
        assert example, name
        assert rule in example[0], (rule, name)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_rule_says_what_when_and_how_to_mend(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z]{2,3}-\d{3}", rule.id)
    for text in (rule.what, rule.when, rule.mend):
        assert re.fullmatch(r"[«А-Я0-9].*\.", text), text
