"""A mart as its workbook has it: what is folded, names in the place of codes, a total where figures add up."""

from __future__ import annotations

import datetime as dt
import fnmatch

import polars as pl

from contracts.regions import region_named
from documents.writing.mart_xlsx import MartSheet
from flows.presentation.mart_sheets import Asked, sheet_of
from flows.presentation.on_paper import folded, on_paper
from warehouse.marts.definitions import marts, views
from warehouse.marts.published import mart_named

DAY = dt.date(2023, 9, 8)


def sheet(name: str, **columns: list[object]) -> MartSheet:
    definition = mart_named(name)
    count = max(map(len, columns.values()))
    rows = pl.DataFrame({"region": ["69"] * count, "as_of": [DAY] * count, **columns})
    return on_paper(sheet_of(definition, rows, region_named("69"), Asked(DAY)), definition)


def shown(made: MartSheet) -> list[str]:
    return [column.name for column in made.columns if not column.is_aside]


def test_what_a_workbook_folds_are_columns_of_their_marts() -> None:
    columns = {each.name: each.columns for each in (*marts(), *views())}
    columns[""] = tuple({name for names in columns.values() for name in names})
    lost = [(mart, pattern) for mart, patterns in folded().items() for pattern in patterns
            if not fnmatch.filter(columns[mart], pattern)]  # fmt: skip
    assert lost == []


def test_a_workbook_of_assignments_shows_words_and_folds_the_names_of_columns() -> None:
    made = sheet(
        "assignments", number=["1", "5"], assignment=["а", "б"], status=["done", "overdue"],
        status_words=["выполнено", "просрочено: 244 из 285"], measured_by=["школы", "отчёты"],
        measured_mart=["level_coverage", "readiness_by_municipality"], measured_figure=["schools", "accepted"],
    )  # fmt: skip
    assert shown(made) == ["number", "assignment", "status_words", "measured_by"]
    assert made.rows["measured_mart"].to_list() == ["Уровни и охват по отчётным единицам",
                                                    "Готовность школ по отчётным единицам"]  # fmt: skip
    assert {column.name for column in made.columns} == set(made.rows.columns)  # folded, not lost


def test_units_stand_by_their_names_and_one_that_nobody_knows_by_its_code() -> None:
    made = sheet("partners", partner_name=["а", "б", "в"], reporting_units=["tomsk_city, kedrovy", "новая", None])
    assert made.rows["reporting_units"].to_list() == ["Город Томск, Город Кедровый", "новая", None]
    assert [column.caption for column in made.columns if column.name == "reporting_units"] == ["У каких единиц"]


def test_what_adds_up_over_units_has_a_total_and_a_single_unit_has_none() -> None:
    units = {"reporting_unit": ["kedrovy", "tomsk_city"], "reporting_unit_name": ["К", "Т"]}
    made = sheet("partners_by_unit", **units, agreements=[7, None], agreements_valid=[6, None], partners=[7, None])
    assert made.total is not None
    assert made.total == {"reporting_unit_name": "Итого по региону", "agreements": 7, "agreements_valid": 6}
    one = sheet("partners_by_unit", reporting_unit=["kedrovy"], reporting_unit_name=["К"], agreements=[7])
    assert one.total is None
    assert sheet("partners_by_unit", **units, agreements=[None, None]).total is None


def test_what_the_region_has_a_mart_of_its_own_for_is_not_added_up_in_part() -> None:
    units = {"reporting_unit": ["kedrovy", "tomsk_city"], "reporting_unit_name": ["К", "Т"]}
    made = sheet("registration_forecast", **units, plan_pupils=[1, 2], forecasts_checked=[3, 4], forecasts_held=[2, 3])
    assert made.total is None


def test_rows_of_older_rules_are_a_column_where_there_are_some() -> None:
    units = {"reporting_unit": ["kedrovy", "tomsk_city"], "reporting_unit_name": ["К", "Т"], "agreements": [1, 2]}
    assert "by_older_rules" not in shown(sheet("partners_by_unit", **units, by_older_rules=[False, None]))
    assert "by_older_rules" in shown(sheet("partners_by_unit", **units, by_older_rules=[False, True]))


def test_months_are_called_months() -> None:
    made = sheet("event_plan", reporting_unit_name=["К", "К"], position=[1, 2], month=[9, 10], events=[1, 2])
    assert [column.caption for column in made.columns if column.name in ("position", "month")] == ["№", "Месяц"]
