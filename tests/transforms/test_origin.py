"""The date and the sender that a file name states."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.heading import unit_aliases
from transforms.origin import as_of_in_name, date_of, sender_in_name

DAY = dt.date(2023, 9, 8)


@pytest.mark.parametrize(
    ("file", "day"),
    [
        ("Готовность Асиновский 08.09.2023.xlsx", DAY),
        ("otchet_seversk_2023-09-08.xlsx", DAY),
        ("svod_20230908.xlsx", DAY),
        ("отчёт 08092023 (итог).xls", DAY),
        ("Отчёт_Опытный-2018_08.09.2023.xlsx", DAY),
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
    assert sender_in_name(file, unit_aliases()) == sender


@pytest.mark.parametrize("text", ["на 08.09.2023 г.", "2023-09-08", "8 сентября 2023 года", "08/09/2023"])
def test_date_in_a_line(text: str) -> None:
    assert date_of(text) == DAY
