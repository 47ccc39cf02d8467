"""A class of a school, as forms state it: the grade and the letter, in one column or in two.

`ref.class` has a row a class, known by school, academic year, grade and letter. A class without a letter has none: its
letter is null, and two of them in a grade of a school are one.
"""

from __future__ import annotations

import polars as pl

from contracts.form import Column
from contracts.grain import SCHOOL, Key

GRADE = Column(
    "grade", "Класс", "grade", "Номер класса, от 6 до 11.",
    ("Параллель", "Номер класса", "Класс (параллель)", "Класс (номер)", "Класс (без буквы)", "Класс: параллель",
     "Класс: номер", "Наименование класса", "Класс (с литерой)", "Класс с литерой"),
    minimum=1, maximum=11,
)  # fmt: skip
LETTER = Column(
    "letter", "Буква класса", "letter", "Буква или название класса в параллели; пусто, если класс один и без буквы.",
    ("Литера", "Буква", "Литера класса", "Класс (литера)", "Класс (буква)", "Класс: литера", "Класс: буква",
     "Индекс класса"),
    required=False, nullable=True, blank_words=("нет", "без буквы", "без литеры"),
)  # fmt: skip
"""Blank too where the letter stands beside the grade."""
CLASS = (SCHOOL, Key("grade", "class"), Key("letter", "class"))
"""What tells classes of a delivery apart."""
GRADE_IS_TAUGHT = pl.col("grade").is_between(6, 11)
"""The programme is for grades 6 to 11 (seed line 67)."""
