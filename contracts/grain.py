"""What a row of a form is, for which span of time it speaks, and who owes it: the words in which a form states that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Entity = Literal[
    "school", "unit", "class", "person", "partner", "programme", "provider", "college", "event", "agreement",
    "assignment", "role", "direction", "date", "month", "year", "grade", "weekday", "lesson", "number", "specialty",
    "funding", "measure", "document", "step", "served",
]  # fmt: skip
COUNTED: dict[Entity, tuple[str, str]] = {
    "school": ("schools", "школ"),
    "unit": ("units", "отчётных единиц"),
    "person": ("persons", "работников"),
    "partner": ("partners", "партнёров"),
    "programme": ("programmes", "программ"),
    "provider": ("providers", "организаций"),
    "college": ("colleges", "колледжей"),
    "event": ("events", "мероприятий"),
    "agreement": ("agreements", "соглашений"),
    "assignment": ("assignments", "поручений"),
}
"""What is counted of a reading when it is compared with another: the name of the figure, and how it is called."""

Period = Literal["campaign", "night", "month", "academic_year", "none"]
"""The span that a delivery replaces as a whole, and within which it holds.

Of a night and of none it is the as-of date: what was downloaded for a night holds within its academic year, what has no
period holds until the next one comes.
"""


@dataclass(frozen=True)
class Key:
    """A part of what tells rows of a reading apart.

    `column` is the column of the facts, `of` what it names, `stated_in` the column of the form whose cell is marked
    when two rows are the same (a school is stated by its name or its code, and known by its id).
    """

    column: str
    of: Entity
    stated_in: str = ""

    @property
    def marked(self) -> str:
        """The column of the form in which it is stated."""
        return self.stated_in or self.column


SCHOOL = Key("school_id", "school", stated_in="school_name")
"""A school of the register, by its lasting id."""
SERVED = Key("school_id", "served", stated_in="school_name")
"""The school that something is for, by its lasting id; blank where it is for none alone. The row tells of no school."""
UNIT = Key("reporting_unit", "unit")


def told_on(period: Period, grain: Sequence[Key]) -> str | None:
    """The column of the day on which what a row tells of was, where a file tells of the year so far; else None."""
    days = (key.column for key in grain if key.of == "date")
    return next(days, None) if period == "academic_year" else None


@dataclass(frozen=True)
class Owed:
    """How often each sender owes a form, and until when.

    `every` campaign: until its deadline. Every day: of each night, on the next working day. Every month: of the month
    that is over, of those in `months`, `working_days` working days after it. Every academic year: until `until`
    (month, day), if there is such a day. Once: it has to be there.
    """

    every: Literal["campaign", "academic_year", "month", "day", "once"]
    working_days: int = 0
    months: tuple[int, ...] = (9, 10, 11, 12, 1, 2, 3, 4, 5)
    until: tuple[int, int] | None = None


@dataclass(frozen=True)
class Defines:
    """A dimension that the readings of a form define: things of a kind, by a lasting code, and what is said of them.

    `code` is one column or several. With `yearly` a thing is of an academic year, and the same code of another year is
    another thing; `grows` is the column of its code that is one more in the year after: 6А becomes 7А.
    """

    of: Entity
    code: str | tuple[str, ...]
    attributes: tuple[str, ...] = ()
    yearly: bool = False
    grows: str | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the code."""
        return (self.code,) if isinstance(self.code, str) else self.code


@dataclass(frozen=True)
class People:
    """Rows of a form that are people: each is a fact of its own under a keyed pseudonym, and no name is kept.

    `name` is the personal column that tells the people of one sender apart: whether two senders name one person, a name
    does not tell. `key` is the column of the facts with the pseudonym, 32 hexadecimal digits. Its key is derived from
    that of pupils for the `domain`, so nobody of another form ever has the same. A row without a name is a vacant post;
    it has `VACANT` there.
    """

    domain: str
    name: str = "full_name"
    key: str = "person_key"


VACANT = "vacant"
