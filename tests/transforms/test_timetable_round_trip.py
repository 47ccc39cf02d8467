"""Timetables of schools, drawn in any layout, with corruption in known cells: the sound lessons load, and the errors
name the corrupted cells.

The cells are counted by the drawing, not found by the reader that is tested.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from example import SCHOOLS
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.forms import form_named
from contracts.grid import CellError, Grid, Range, Sheet, Value, cell_address
from contracts.reading import Reading
from contracts.rules import TOO_MUCH_SET_ASIDE
from transforms.identity.identify import Context, Delivery
from transforms.interpret import interpret

FORM = form_named("timetable")
AS_OF = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)
SCHOOL = "МБОУ «Тестовая СОШ»"
CLASSES = {
    "6А": (6, "А"),
    "6 «Б»": (6, "Б"),
    "7": (7, None),
    "8 класс": (8, None),
    "10-А": (10, "А"),
    "11 IT": (11, "IT"),
}
DAYS = {"Понедельник": "monday", "Вт": "tuesday", "СРЕДА": "wednesday", "четверг": "thursday", "Сб.": "saturday"}
SUBJECTS = {
    "Россия – мои горизонты": "rmg", "РМГ, каб. 5": "rmg", "Алгебра Тестова А. Б.": "other", "Физика/Химия": "other",
    "Профминимум / Алгебра": "rmg_in_part", "Горизонты": "rmg_perhaps",
}  # fmt: skip
NO_VALUE: dict[str, tuple[Value, ...]] = {
    "grade": ("6-7", "класс Тестовой", "?"), "weekday": ("Понидельник", "будни"), "lesson": ("первый", "1-2"),
    "subject": (CellError("#REF!"),),
}  # fmt: skip
"""What is no value of a column, whatever is allowed of the ways in which people write one."""
Place = tuple[int, int]
Slot = tuple[str, str, int]


@dataclass
class Drawn:
    """A sheet, and where it states what of each lesson: class, day and number → column of the form → place."""

    rows: list[list[Value]] = field(default_factory=lambda: [[f"Расписание {SCHOOL} на 08.09.2023"]])
    merged: list[Range] = field(default_factory=list)
    places: dict[Slot, dict[str, Place]] = field(default_factory=dict)

    def write(self, r: int, c: int, value: Value) -> Place:
        self.rows += [[] for _ in range(r + 1 - len(self.rows))]
        self.rows[r] += [None] * (c + 1 - len(self.rows[r]))
        self.rows[r][c] = value
        return r, c


Truth = dict[Slot, str]


def a_list(truth: Truth, classes: list[str], days: list[str], lessons: int) -> Drawn:
    drawn = Drawn()
    for c, heading in enumerate(("№", "Школа", "Класс", "День недели", "№ урока", "Предмет", "Учитель")):
        drawn.write(1, c, heading)
    for n, ((name, day, lesson), subject) in enumerate(truth.items(), 1):
        r = n + 1
        drawn.write(r, 0, n), drawn.write(r, 1, SCHOOL), drawn.write(r, 6, "Тестова А. Б.")
        drawn.places[name, day, lesson] = {
            "grade": drawn.write(r, 2, name), "weekday": drawn.write(r, 3, day),
            "lesson": drawn.write(r, 4, lesson), "subject": drawn.write(r, 5, subject),
        }  # fmt: skip
    return drawn


def on_the_wall(truth: Truth, classes: list[str], days: list[str], lessons: int, *, merged: bool = True) -> Drawn:
    drawn = Drawn()
    drawn.write(1, 0, "День"), drawn.write(1, 1, "Урок")
    heads = {name: drawn.write(1, 2 + n, name) for n, name in enumerate(classes)}
    for d, day in enumerate(days):
        top = 2 + d * lessons
        beside = drawn.write(top, 0, day)
        if merged and lessons > 1:
            drawn.merged.append(Range(top, 0, top + lessons - 1, 0))
        for n in range(lessons):
            number = drawn.write(top + n, 1, n + 1)
            for name, head in heads.items():
                if (subject := truth.get((name, day, n + 1))) is not None:
                    cell = drawn.write(top + n, head[1], subject)
                    drawn.places[name, day, n + 1] = {
                        "grade": head, "weekday": beside, "lesson": number, "subject": cell,
                    }  # fmt: skip
    return drawn


def unmerged(truth: Truth, classes: list[str], days: list[str], lessons: int) -> Drawn:
    return on_the_wall(truth, classes, days, lessons, merged=False)


def days_across(truth: Truth, classes: list[str], days: list[str], lessons: int) -> Drawn:
    drawn = Drawn()
    drawn.write(1, 0, "Класс"), drawn.write(1, 1, "Урок")
    heads = {day: drawn.write(1, 2 + n, day) for n, day in enumerate(days)}
    for k, name in enumerate(classes):
        top = 2 + k * lessons
        beside = drawn.write(top, 0, name)
        for n in range(lessons):
            number = drawn.write(top + n, 1, n + 1)
            for day, head in heads.items():
                if (subject := truth.get((name, day, n + 1))) is not None:
                    cell = drawn.write(top + n, head[1], subject)
                    drawn.places[name, day, n + 1] = {
                        "grade": beside, "weekday": head, "lesson": number, "subject": cell,
                    }  # fmt: skip
    return drawn


def lessons_under_days(truth: Truth, classes: list[str], days: list[str], lessons: int) -> Drawn:
    drawn = Drawn()
    drawn.write(1, 0, "Класс")
    beside = {name: drawn.write(3 + k, 0, name) for k, name in enumerate(classes)}
    for d, day in enumerate(days):
        left = 1 + d * lessons
        head = drawn.write(1, left, day)
        if lessons > 1:
            drawn.merged.append(Range(1, left, 1, left + lessons - 1))
        for n in range(lessons):
            number = drawn.write(2, left + n, n + 1)
            for name, place in beside.items():
                if (subject := truth.get((name, day, n + 1))) is not None:
                    cell = drawn.write(place[0], left + n, subject)
                    drawn.places[name, day, n + 1] = {
                        "grade": place, "weekday": head, "lesson": number, "subject": cell,
                    }  # fmt: skip
    return drawn


LAYOUTS: dict[str, Callable[[Truth, list[str], list[str], int], Drawn]] = {
    "list": a_list, "wall": on_the_wall, "unmerged": unmerged, "days": days_across, "lessons": lessons_under_days,
}  # fmt: skip


@st.composite
def drawings(draw: st.DrawFn) -> tuple[Drawn, Truth, set[Place]]:
    """A timetable in any layout, and the cells that are corrupted."""
    classes = draw(st.lists(st.sampled_from(list(CLASSES)), min_size=4, unique=True))
    days = draw(st.lists(st.sampled_from(list(DAYS)), min_size=3, unique=True))
    lessons = draw(st.integers(3, 5))
    slots = [(name, day, n) for name in classes for day in days for n in range(1, lessons + 1)]
    subjects = draw(st.lists(st.sampled_from([*SUBJECTS, None]), min_size=len(slots), max_size=len(slots)))
    truth = {slot: subject or "Алгебра Тестова А. Б." for slot, subject in zip(slots, subjects, strict=True)}
    dropped = draw(st.sets(st.sampled_from(slots), max_size=len(slots) // 3))
    truth = {slot: subject for slot, subject in truth.items() if slot not in dropped}
    drawn = LAYOUTS[draw(st.sampled_from(list(LAYOUTS)))](truth, classes, days, lessons)
    wrong: set[Place] = set()
    for column in draw(st.sets(st.sampled_from(list(NO_VALUE)))):
        slot = draw(st.sampled_from(list(drawn.places)))
        r, c = drawn.places[slot][column]
        drawn.write(r, c, draw(st.sampled_from(NO_VALUE[column])))
        wrong.add((r, c))
    return drawn, truth, wrong


@given(drawings())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_is_sound_loads_and_what_is_corrupt_is_named(made: tuple[Drawn, Truth, set[Place]]) -> None:
    drawn, truth, wrong = made
    grid = Grid([Sheet("Лист1", drawn.rows, drawn.merged)], "xlsx")
    delivery = Delivery("таблица.xlsx", "0" * 64, "chainsky", AS_OF, grid)
    (reading,) = interpret([delivery], Context(register=SCHOOLS, secret=b"test"))
    assert isinstance(reading, Reading)
    errors = reading.findings.filter(severity="error")
    assert set(errors["cell"]) == {cell_address(*place) for place in wrong}, errors.select("rule", "cell", "value")
    sound = {slot: truth[slot] for slot, places in drawn.places.items() if wrong.isdisjoint(places.values())}
    much = len(truth) - len(sound) > FORM.set_aside.most(len(truth))
    assert (TOO_MUCH_SET_ASIDE.id in reading.findings["rule"]) == much
    expected = {
        (*CLASSES[name], DAYS[day], lesson, SUBJECTS[subject]) for (name, day, lesson), subject in sound.items()
    }
    facts = [] if much else reading.facts.select("grade", "letter", "weekday", "lesson", "subject").rows()
    assert set(facts) == (set() if much else expected) and len(facts) == len(set(facts))
    assert reading.rows.loaded + reading.rows.quarantined == len(truth)
