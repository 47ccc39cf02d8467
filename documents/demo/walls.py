"""The timetable on the wall: a sheet a school, classes as columns, days and lessons down the side, days merged."""

from __future__ import annotations

from documents.demo.dress import Style
from documents.demo.programme import Unit, slots
from documents.demo.school_classes import SchoolOf
from documents.demo.sheets import Cell, Page, workbook
from documents.demo.tables import spelt

DAYS = {
    "monday": "ПОНЕДЕЛЬНИК", "tuesday": "ВТОРНИК", "wednesday": "СРЕДА", "thursday": "ЧЕТВЕРГ", "friday": "ПЯТНИЦА",
}  # fmt: skip
LESSONS = 7
SUBJECTS = ("Математика", "Русский язык", "История", "Физика", "Английский язык", "География", "Химия", "Музыка")
MOST = 8
"""Districts with more schools send a row a lesson."""


def wall(unit: Unit, style: Style) -> bytes:
    """The workbook of a unit."""
    return workbook([_sheet(unit, school, style, number) for number, school in enumerate(unit.schools, start=1)])


def _sheet(unit: Unit, school: SchoolOf, style: Style, number: int) -> Page:
    having = slots(unit, school)
    page = Page(f"Школа {number}", [
        [f"Расписание занятий на {unit.year}/{unit.year + 1} учебный год"], [f"Школа: {school.name}"], [],
        ["День", "Урок", *(f"{row['grade']}{row['letter'] or ''}" for row, _ in having)],
    ], heading=range(3, 4))  # fmt: skip
    for place, (day, name) in enumerate(DAYS.items()):
        first = len(page.rows)
        for lesson in range(1, LESSONS + 1):
            cells: list[Cell] = [name if lesson == 1 else None, lesson]
            for n, (_, weekday) in enumerate(having):
                subject = SUBJECTS[(place * 3 + lesson * 5 + n) % len(SUBJECTS)]
                is_course = weekday == day and lesson == LESSONS
                cells.append(
                    spelt(style, "lesson_subjects", "rmg") if is_course else None if lesson == LESSONS else subject
                )
            page.rows.append(cells)
        page.merged.append((first, 0, first + LESSONS - 1, 0))
    return page
