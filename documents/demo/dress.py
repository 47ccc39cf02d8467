"""How people dress a workbook: nine styles of the same readiness report, from a bare table to a text file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from documents.demo.data import rows

LONG_DEPUTY = "Заместитель директора по воспитательной работе"

COMMON_WORDS: dict[str, tuple[str, ...]] = {
    "yes": ("да",),
    "no": ("нет",),
    "basic": ("базовый",),
    "main": ("основной",),
    "advanced": ("продвинутый",),
    "monday": ("понедельник",),
    "tuesday": ("вторник",),
    "wednesday": ("среда",),
    "thursday": ("четверг",),
    "friday": ("пятница",),
    "head": ("директор",),
    "deputy": ("заместитель директора по ВР", "заместитель директора по УВР"),
    "other": ("учитель", "педагог-психолог", "педагог-организатор"),
}
"""Code of a vocabulary → its spellings, used in turn. The codes of all vocabularies differ."""


@dataclass(frozen=True)
class Style:
    """One way to fill in and dress the report.

    Lines of `above` and `below` and `file_name` may hold {name}, {file_as}, {slug}, {date} and {iso}; an empty line is
    a blank row; `merged_lines` centres those above over the table. `first` is the zero-based cell where the heading
    begins. `numbering` is the heading of an ordinal column, `column_numbers` a row «1 2 3» under the heading, `own`
    are columns that nobody asked for, `cover` a sheet before the table. `outside` stands for the hours of a direction
    that is no part of the level. Every `untidy`-th school name is written untidily.
    """

    name: str
    file_name: str
    sheet: str
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    first: tuple[int, int] = (0, 0)
    merged_lines: bool = False
    numbering: str | None = None
    column_numbers: bool = False
    own: tuple[str, ...] = ()
    cover: tuple[str, ...] = ()
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outside: str = ""
    numbers: Literal["number", "text"] = "number"
    dates: Literal["date", "text", "serial"] = "date"
    totals: str | None = None
    untidy: int = 0
    csv: bool = False

    def word(self, code: str, turn: int) -> str:
        """The spelling of a code on its turn."""
        spellings = self.words.get(code, COMMON_WORDS[code])
        return spellings[turn % len(spellings)]

    def headings(self) -> list[tuple[str, str | None, str]]:
        """Columns in the order of the style: name, upper heading or None, heading."""
        columns = []
        for row in rows("headings"):
            if row[self.name]:
                upper, _, lower = row[self.name].replace("\\n", "\n").rpartition("|")
                columns.append((row["column"], upper or None, lower))
        return columns


STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style(
            "plain",
            "Готовность {file_as} {date}.xlsx",
            "Лист1",
            words={"yes": ("Да",), "no": ("Нет",), "basic": ("Базовый",), "main": ("Основной",)},
        ),
        Style(
            "official",
            "Отчёт о готовности_{file_as}_{date}.xlsx",
            "Готовность",
            above=(
                "ОТЧЁТ",
                "о готовности общеобразовательных организаций к реализации Профориентационного минимума",
                "в 2023/2024 учебном году",
                "Муниципальное образование: {name}",
                "по состоянию на {date}",
                "",
            ),
            merged_lines=True,
            below=("", "Исполнитель: ведущий специалист управления образования"),
            numbering="№ п/п",
            column_numbers=True,
            outside="–",
            totals="Итого",
            words={"yes": ("Да", "да"), "deputy": (LONG_DEPUTY, "Заместитель директора по УВР")},
        ),
        Style(
            "as_text",
            "profmin {slug} {iso}.xlsx",
            "Лист1",
            above=("Мониторинг готовности школ к Профминимуму", "{name}", "Дата отчёта: по состоянию на {date}"),
            numbers="text",
            dates="text",
            outside="-",
            untidy=3,
            words={"yes": ("Да", "да", "ДА", "да "), "basic": ("Базовый уровень", "базовый"), "thursday": ("Четверг",),
                   "deputy": ("Зам. директора по ВР", "зам директора по УВР", "Зам. директора по  УВР")},
        ),
        Style(
            "short",
            "otchet_{slug}_{iso}.xlsx",
            "профминимум",
            above=("{file_as}: школы и Профминимум, по состоянию на {date}",),
            numbering="№",
            words={"yes": ("1",), "no": ("0",), "basic": ("баз.",), "main": ("осн.",), "advanced": ("прод.",),
                   "monday": ("пн",), "tuesday": ("вт",), "wednesday": ("ср",), "thursday": ("чт", "чт", "чт."),
                   "friday": ("пт",), "deputy": ("завуч", "зам. директора")},
            below=("", "* часы указаны в академических часах за учебный год"),
        ),
        Style(
            "shifted",
            "{file_as} район профминимум {date}.xlsx",
            "Таблица",
            above=("", "Готовность к Профминимуму, {name}, по состоянию на {date}", ""),
            first=(3, 1),
            numbering="№ п/п",
            totals="ВСЕГО:",
            untidy=4,
            words={"yes": ("+",), "no": ("-",), "thursday": ("Чт", "Четверг"), "deputy": ("Заместитель директора",)},
        ),
        Style(
            "letter",
            "Ответ на письмо {file_as} {date}.xlsx",
            "Приложение 1",
            above=("Приложение 1 к письму", "", "Сведения о готовности школ", "Территория: {name}", "", ""),
            outside="–",
            dates="text",
            words={"yes": ("да", "Да", "+"), "basic": ("базовый",), "head": ("и.о. директора", "директор школы"),
                   "deputy": ("зам. директора по УВР", "Зам. директора по ВР")},
            below=("Примечание: часы по направлениям вне уровня не планируются.", "",
                   "Исполнитель: методист управления образования"),
        ),
        Style(
            "capitals",
            "ГОТОВНОСТЬ {file_as} {date}.xlsx",
            "СВОД",
            above=("СВОД ПО ШКОЛАМ ({name}) ПО СОСТОЯНИЮ НА {date}",),
            dates="serial",
            outside="-",
            totals="ИТОГО:",
            words={"yes": ("ДА",), "no": ("НЕТ",), "basic": ("БАЗОВЫЙ",), "main": ("ОСНОВНОЙ",),
                   "thursday": ("ЧЕТВЕРГ",)},
        ),
        Style(
            "own_columns",
            "{file_as} отчет готовность (итог) {date}.xlsx",
            "Отчёт",
            above=("Готовность к реализации Профминимума", "Муниципальное образование: {name}",
                   "по состоянию на {date}", ""),
            numbering="п/п",
            own=("% охвата", "Комментарий"),
            cover=("Инструкция по заполнению", "1. Заполните лист «Отчёт», строка на каждую школу.",
                   "2. Не меняйте заголовки столбцов.", "3. Пришлите файл до срока."),
            totals="Итого:",
            untidy=5,
            words={"yes": ("имеется", "да"), "no": ("отсутствует", "нет"), "main": ("основной уровень", "Основной"),
                   "deputy": ("Заместитель директора по УР", "Заместитель  директора по ВР")},
            below=("", "Исполнитель: специалист по учебной работе"),
        ),
        Style(
            "old_csv",
            "Отчет_{file_as}_{date}.csv",
            "",
            above=("Отчет о готовности к Профминимуму", "Муниципальное образование: {name}", "по состоянию на {date}"),
            numbering="№",
            dates="text",
            outside="-",
            totals="Итого",
            csv=True,
            words={"yes": ("да",), "deputy": ("зам. директора по ВР", "зам. директора по УВР")},
        ),
    )
}  # fmt: skip


def untidily(name: str, turn: int) -> str:
    """A school's name as a hurried hand writes it: the form changes, the name stays the same."""
    ways = (
        name.replace(" ", "\u00a0", 1),
        name.replace("СОШ", "CОШ").replace("ООШ", "OОШ").replace("МБОУ", "MБОУ"),  # Latin C, O, M
        name.replace(" ", "  ", 2) + " ",
        name.replace("«", '"').replace("»", '"'),
        name.replace("«", "“").replace("»", "”"),
    )
    return ways[turn % len(ways)]
