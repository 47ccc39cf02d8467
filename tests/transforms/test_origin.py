"""The date and the sender that a file name states."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from example import Sent

from transforms.cells.key import unit_aliases
from transforms.tables.origin import as_of_in_name, date_of, school_years_in, sender_in_name

DAY = dt.date(2023, 9, 8)


@pytest.mark.parametrize(
    ("file", "day"),
    [
        ("Готовность Асиновский 08.09.2023.xlsx", DAY),
        ("otchet_seversk_2023-09-08.xlsx", DAY),
        ("svod_20230908.xlsx", DAY),
        ("отчёт 08092023 (итог).xls", DAY),
        ("Отчёт_Опытный-2018_08.09.2023.xlsx", DAY),
        ("Готовность Асиновский 08.09.23.xlsx", DAY),
        ("otchet_08_09_23.xlsx", DAY),
        ("отчёт 08.09.23 от 2022-09-01.xlsx", dt.date(2022, 9, 1)),
        ("отчёт 23-09-08.xlsx", None),
        ("версия 10.02.03.xlsx", None),
        ("отчёт за 2023 год.xlsx", None),
        ("приказ 31.02.2023.xlsx", None),
        ("школа 1234567890.xlsx", None),
    ],
)
def test_date_in_a_file_name(file: str, day: dt.date | None) -> None:
    assert as_of_in_name(file) == day


@pytest.mark.parametrize(
    ("file", "sender"),
    [
        ("Готовность Асиновский 08.09.2023.xlsx", "asinovsky"),
        ("otchet_tomsk_city_2023-09-08.xlsx", "tomsk_city"),
        ("Отчёт Томская область Асиновский район.xlsx", "asinovsky"),
        ("Томский и Асиновский.xlsx", None),
        ("отчёт.xlsx", None),
    ],
)
def test_sender_in_a_file_name(file: str, sender: str | None) -> None:
    assert sender_in_name(file, unit_aliases("69"), frozenset(unit_aliases("69").values())) == sender


@pytest.mark.parametrize("text", [
    "на 08.09.2023 г.", "2023-09-08", "8 сентября 2023 года", "08/09/2023", "08.09.23", "на 8.9.23 г.",
    "8 сентября 23 г.",
])  # fmt: skip
def test_date_in_a_line(text: str) -> None:
    assert date_of(text) == DAY


@pytest.mark.parametrize("text", ["8 сентября 20 школ", "08.09.99", "08.09.230", "на 8.09"])
def test_no_date_in_a_line(text: str) -> None:
    assert date_of(text) is None


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("в 2022/2023 учебном году", [2022]), ("2023-2024", [2023]), ("2023/24 уч. г.", [2023]),
        ("на начало 2023 / 2024 уч. года", [2023]), ("2023–24", [2023]),
        ("22/23 уч. год", [2022]), ("в 22-23 учебном году", [2022]), ("22-23 сентября", []),
        ("5/6 уч.", []), ("2022/2023 и 2023/2024", [2022, 2023]),
        ("2011-12-05", []), ("2011.12", []), ("2023-09-08", []), ("2020-2023", []), ("на 2023 год", []),
        ("тел. 202324", []), ("в 2022 и 2023", []),
    ],
)  # fmt: skip
def test_school_years_in_a_title(text: str, years: list[int]) -> None:
    assert list(school_years_in([text])) == years


def doubts(above: str, as_of: str, file: str = "таблица.xlsx") -> list[str]:
    found = Sent("registration_plan", above=(above, f"по состоянию на {as_of}"), file=file).read().findings
    return found.filter(pl.col("rule") == "COM-111")["value"].to_list()


@pytest.mark.parametrize(
    ("title", "as_of"),
    [
        ("План на 2023/2024 учебный год", "08.09.2023"), ("План на 2023/2024 учебный год", "25.08.2023"),
        ("План на 2023-24 уч. год", "15.06.2023"), ("Итоги 2022/2023", "15.06.2023"),
        ("План на 2023/2024", "31.05.2024"),
        ("План в сравнении: 2022/2023 и 2023/2024", "08.09.2023"), ("План", "08.09.2023"),
    ],
)  # fmt: skip
def test_a_title_of_the_school_year_of_its_date(title: str, as_of: str) -> None:
    assert doubts(title, as_of) == []


@pytest.mark.parametrize(
    ("title", "as_of"),
    [("План на 2022/2023", "08.09.2023"), ("2022-23 уч. год", "01.02.2024"), ("2024/2025", "08.09.2023")],
)
def test_a_title_of_another_school_year_is_named(title: str, as_of: str) -> None:
    assert len(doubts(title, as_of)) == 1


def test_a_file_name_of_another_school_year_is_named() -> None:
    assert doubts("План", "08.09.2023", "План 2022-2023.xlsx") == ["2022-2023"]


def test_a_date_with_a_year_of_two_digits_that_differs_is_a_contradiction() -> None:
    reading = Sent("registration_plan", file="План 07.09.23.xlsx").read()
    assert "COM-016" in reading.findings["rule"].to_list()
