"""A journal of lessons as an electronic journal exports it, of so many rows, and the register of its schools."""

from __future__ import annotations

from pathlib import Path

import polars as pl

CLASSES = pl.DataFrame({"grade": [6, 7, 8, 9, 10, 11]}).join(pl.DataFrame({"letter": ["А", "Б"]}), how="cross")
LESSONS = 34
ROWS_OF_SCHOOL = CLASSES.height * LESSONS
ODD = 200
"""One row in so many says no number of pupils."""


def write_journal(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write the register and the journal of one sender; returns their paths. Nobody is named in either."""
    schools = pl.DataFrame({"number": pl.int_range(-(-rows // ROWS_OF_SCHOOL), eager=True)}).select(
        pl.format("7{}", pl.col("number").cast(pl.String).str.zfill(5)).alias("Код ОО"),
        pl.format("МБОУ «СОШ № {} села Большой Лог»", pl.col("number") + 1).alias("Наименование ОО"),
    )
    register = folder / "Реестр школ 2023-09-01.csv"
    schools.with_columns(Территория=pl.lit("Город Томск"), Подчинение=pl.lit("Город Томск")).write_csv(
        register, separator=";", include_bom=True
    )
    lessons = pl.DataFrame({"lesson": pl.int_range(LESSONS, eager=True)}).select(
        (pl.date(2023, 9, 7) + pl.duration(days=7 * pl.col("lesson"))).dt.to_string("%d.%m.%Y").alias("Дата урока"),
        pl.format("Занятие {}. Россия – мои горизонты: отрасли и профессии", pl.col("lesson") + 1).alias("Тема урока"),
    )
    classes = CLASSES.select(pl.format("{}{}", "grade", "letter").alias("Класс"))
    journal = schools.join(classes, how="cross").join(lessons, how="cross").head(rows)
    number = pl.int_range(pl.len())
    present = (15 + number * 7 % 12).cast(pl.String)
    path = folder / "Журнал занятий 2024-05-31.csv"
    journal.with_columns(
        pl.lit("1").alias("Кол-во часов"),
        pl.when(number % ODD == ODD - 1).then(pl.lit("н/д")).otherwise(present).alias("Присутствовало"),
        (number * 5 % 4).alias("Отсутствовало"),
    ).write_csv(path, separator=";", include_bom=True, line_terminator="\r\n")
    return register, path
