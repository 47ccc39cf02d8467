"""Months with a year: that of the report is read, any other is an error, and neither is silent."""

from __future__ import annotations

import datetime as dt

import pytest
from example import Sent

from contracts.grid import Value
from transforms.cells.month import month_with_year


@pytest.mark.parametrize(
    ("written", "month"),
    [
        ("10.2023", ("10", True)), ("10/2023", ("10", True)), ("2023-10", ("10", True)), ("10.2023 г.", ("10", True)),
        ("Октябрь 2023", ("10", True)), ("октябрь, 2023 г.", ("10", True)), ("ОКТ.23", ("10", True)),
        ("в октябре 2023 года", ("10", True)), ("2023-10-01", ("10", True)), ("2023-10-01 00:00:00", ("10", True)),
        ("01.10.2023", ("10", True)), ("03.2024", ("3", True)), ("март 2024", ("3", True)),
        ("10.2022", ("10", False)), ("октябрь 2024", ("10", False)), ("март 2023", ("3", False)),
        ("октябрь", None), ("10", None), ("13.2023", None), ("02.10.2023", None), ("10.23", None),
        ("октябрь – ноябрь 2023", None), ("осень 2023", None), ("10.20233", None),
    ],
)  # fmt: skip
def test_a_month_with_a_year(written: str, month: tuple[str, bool] | None) -> None:
    assert month_with_year(written, 2023, "plan_months") == month


@pytest.mark.parametrize(
    "written", ["09.2023", "сентябрь 2023 г.", dt.datetime(2023, 9, 1, tzinfo=dt.UTC).replace(tzinfo=None)]
)
def test_the_year_of_the_report_is_read_and_told(written: Value) -> None:
    reading = Sent("hours_delivered", {"month": written}).read()
    assert reading.facts["month"].to_list()[0] == "9"
    told = reading.findings.filter(column="month")
    assert told.select("rule", "severity", "expected").rows() == [("COM-107", "note", "Сентябрь")]


@pytest.mark.parametrize("written", ["09.2022", "Сентябрь 2022"])
def test_the_month_of_another_year_is_an_error(written: str) -> None:
    reading = Sent("hours_delivered", {"month": written}).read()
    told = reading.findings.filter(column="month")
    assert told.select("rule", "severity", "value", "expected").rows() == [
        ("COM-034", "error", written, "месяц 2023/2024 учебного года")
    ]
    assert reading.rows.quarantined == 1
