"""The ways in which a school's row is wrong: each changes a correct row so that a known rule breaks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from contracts.vocabulary import academic_year, norms

Row = dict[str, Any]
"""A readiness row of one school: column of the contract → typed value."""

LEVELS = ("basic", "main", "advanced")
AHEAD = ("main", "advanced")

FAULTS: dict[str, pl.DataType] = {
    "reporting_unit": pl.String(),
    "school_code": pl.String(),
    "fault": pl.String(),
    "column": pl.String(),
    "rule": pl.String(),
    "kind": pl.String(),
    "raw": pl.String(),
    "also": pl.List(pl.String()),
}
"""What is wrong on purpose: a row a school. `raw` is the text put into the cell when it is no value at all, `also`
are the rules of severity error that break together with the main one, `kind` is the severity (always `error`)."""


@dataclass(frozen=True)
class Fault:
    """A way to be wrong: `change` makes the new values of the row, or `raw` stands in the cell of `column`."""

    name: str
    rule: str
    column: str
    change: Callable[[Row, dt.date], Row] | None = None
    raw: str | None = None
    levels: tuple[str, ...] = LEVELS
    also: tuple[str, ...] = ()
    workbook_only: bool = False

    def apply(self, row: Row, as_of: dt.date) -> Row:
        """The wrong row. A cell that is no value has no typed value either."""
        if self.change is not None:
            return row | self.change(row, as_of)
        return row | {self.column: None}


def _short_hours(column: str, direction: str, by: int, rest_to: str) -> Callable[[Row, dt.date], Row]:
    """Hours of a direction below the norm of the level, with the rest in another direction, so that the sum stays."""

    def change(row: Row, _: dt.date) -> Row:
        hours = (norms(direction)[row["level"]] or 0) - by
        return {column: hours, rest_to: (row[rest_to] or 0) + row[column] - hours}

    return change


def _course_short(row: Row, _: dt.date) -> Row:
    return {"hours_rmg": 17, "hours_total": row["hours_total"] - row["hours_rmg"] + 17}


def _order_years_ago(_: Row, as_of: dt.date) -> Row:
    return {"order_date": dt.date(academic_year(as_of) - 2, 8, 30)}


def _order_next_year(_: Row, as_of: dt.date) -> Row:
    return {"order_date": dt.date(academic_year(as_of) + 1, 8, 28)}


ALL: tuple[Fault, ...] = (
    Fault("lessons_short", "RDY-001", "hours_curricular",
          _short_hours("hours_curricular", "curricular", 2, "hours_parents")),
    Fault("course_short", "RDY-002", "hours_rmg", _course_short, also=("RDY-008",)),
    Fault("practice_short", "RDY-003", "hours_practice",
          _short_hours("hours_practice", "practice_module", 4, "hours_curricular"), levels=AHEAD),
    Fault("parents_short", "RDY-004", "hours_parents",
          _short_hours("hours_parents", "parent_engagement", 1, "hours_curricular")),
    Fault("supplementary_short", "RDY-005", "hours_supplementary",
          _short_hours("hours_supplementary", "supplementary_education", 2, "hours_practice"), levels=AHEAD),
    Fault("vocational_short", "RDY-006", "hours_vocational",
          _short_hours("hours_vocational", "vocational_training", 4, "hours_practice"), levels=("advanced",)),
    Fault("total_is_not_the_sum", "RDY-007", "hours_total", lambda row, _: {"hours_total": row["hours_total"] + 2}),
    Fault("total_of_a_lower_level", "RDY-008", "hours_total", lambda *_: {"hours_total": 40}, levels=AHEAD,
          also=("RDY-007",)),
    Fault("responsible_too_low", "RDY-010", "responsible_position", lambda *_: {"responsible_position": "other"}),
    Fault("more_trained_than_navigators", "RDY-011", "navigators_trained",
          lambda row, _: {"navigators_trained": row["navigators"] + 2}),
    Fault("order_of_another_year", "RDY-014", "order_date", _order_years_ago),
    Fault("order_from_the_future", "RDY-014", "order_date", _order_next_year),
    Fault("not_in_timetable", "RDY-015", "rmg_in_timetable",
          lambda *_: {"rmg_in_timetable": False, "rmg_weekday": None}),
    Fault("weekday_blank", "RDY-017", "rmg_weekday", lambda *_: {"rmg_weekday": None}),
    Fault("more_planned_than_pupils", "RDY-018", "pupils_planned",
          lambda row, _: {"pupils_planned": row["pupils_total"] + 15}),
    Fault("grades_outside", "RDY-019", "grades", lambda *_: {"grades": "5-11"}),
    Fault("navigators_more_than", "COM-030", "navigators", raw="более 5"),
    Fault("pupils_in_a_sentence", "COM-030", "pupils_total", raw="17 чел., из них 3 ОВЗ"),
    Fault("hours_in_words", "COM-031", "hours_vocational", raw="по плану", levels=("basic", "main")),
    Fault("order_date_in_words", "COM-032", "order_date", raw="сентябрь 2023"),
    Fault("no_such_day", "COM-032", "order_date", raw="31.02.2023"),
    Fault("answer_partly", "COM-033", "rmg_in_timetable", raw="частично"),
    Fault("two_levels", "COM-034", "level", raw="базовый/основной"),
    Fault("grades_in_words", "COM-036", "grades", raw="все классы"),
    Fault("planned_is_an_error", "COM-039", "pupils_planned", raw="#REF!", workbook_only=True),
    Fault("level_blank", "COM-040", "level", raw=""),
    Fault("planned_blank", "COM-040", "pupils_planned", raw=""),
    Fault("navigators_mistyped", "COM-041", "navigators", lambda row, _: {"navigators": row["navigators"] + 200}),
)  # fmt: skip

BY_NAME: dict[str, Fault] = {fault.name: fault for fault in ALL}


def possible(level: str, in_workbook: bool) -> list[Fault]:
    """The faults that a school of this level can have in a file of this kind."""
    return [fault for fault in ALL if level in fault.levels and (in_workbook or not fault.workbook_only)]
