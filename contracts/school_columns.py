"""How forms name a school: its code and its name, in the wordings that people use in all of them."""

from __future__ import annotations

from contracts.form import Column

SCHOOL_CODE = Column(
    "school_code", "Код ОО", "school_code", "Код школы в реестре.",
    ("Код школы", "Код организации", "Код образовательной организации"), required=False, nullable=True,
)  # fmt: skip
SCHOOL_NAME = Column(
    "school_name", "Наименование образовательной организации", "school_name", "Школа, как её называет отправитель.",
    ("Наименование ОО", "Школа", "Название школы", "Образовательная организация", "ОО", "Наименование школы",
     "Краткое наименование ОО"),
    fact=False,
)  # fmt: skip
