"""What schools and districts send in an autumn, as it falls due: lists of the year around their day and anew when they
have grown, reports of a month when it is over; some late, a few never.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from contracts.due import due_on
from contracts.form import Form
from contracts.forms import form_named
from contracts.vocabulary import academic_year
from documents.demo import File, programme_files
from documents.demo.programme import ROWS, Unit
from documents.demo.programme_files import schools_by_unit, written, wrong_rows
from documents.demo.region import Region

OFFSETS = (-5, -3, -2, -1, -1, 0, 0, 2, 6, 14)
"""By how many days documents miss their last day."""
NEVER_SHARE, AGAIN_SHARE = 0.05, 0.3
GROWING = ("lesson_journal", "parent_meetings", "practice_events")
"""Lists that are sent again each month; of the others some are sent once more."""
AGAIN_AFTER = 30
HOUR = 11


@dataclass(frozen=True)
class Due:
    """A document that comes on a day: a form of a unit, as of a date. What is wrong is wrong in the first one."""

    day: dt.date
    form: str
    unit: str
    as_of: dt.date
    is_first: bool


def schedule(region: Region, first: dt.date, last: dt.date) -> list[Due]:
    """What comes from one day to another, in the order of days, forms and units."""
    found = [
        Due(day, form, unit, as_of, is_first=number == 0)
        for form in ROWS
        for unit in region.units["reporting_unit"]
        for number, (day, as_of) in enumerate(_days(region, form_named(form), unit, first, last))
    ]
    return sorted((due for due in found if due.day <= last), key=lambda due: due.day)


def _days(region: Region, form: Form, unit: str, first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """The days on which a unit sends a form, each with the date that the document is for."""
    random = Random(f"autumn {region.seed} {form.name} {unit}")
    if form.owed is None or random.random() < NEVER_SHARE:
        return
    if form.owed.every == "month":
        for month_end in _month_ends(first, last):
            due = due_on(form, month_end, sender=unit) or month_end
            yield max(due + dt.timedelta(days=random.choice(OFFSETS)), month_end + dt.timedelta(days=1)), month_end
        return
    day = (due_on(form, first, sender=unit) or first) + dt.timedelta(days=random.choice(OFFSETS))
    yield max(day, first), max(day, first)
    times = 12 if form.name in GROWING else int(random.random() < AGAIN_SHARE)
    for number in range(1, times + 1):
        again = max(day, first) + dt.timedelta(days=AGAIN_AFTER * number + random.randrange(7))
        if academic_year(again) == academic_year(first):
            yield again, again


def _month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """The last days of the months that are over, from the month of one day to another."""
    days = (first + dt.timedelta(days=n) for n in range((last - first).days))
    return [day for day in days if (day + dt.timedelta(days=1)).day == 1]


def of_offices(region: Region, day: dt.date) -> Iterator[File]:
    """What the department and the operator send on a day: their tables on that of the demo, each month's on the same
    day of it. A region that is invented has none."""
    if region.published and day >= region.as_of and day.day == region.as_of.day:
        yield from programme_files.of_offices(replace(region, as_of=day), again=day > region.as_of)


class Programme:
    """The documents of an autumn, each written when its day comes."""

    def __init__(self, region: Region, first: dt.date, last: dt.date) -> None:
        self.region = region
        self.coming = schedule(region, first, last)
        self.units = {unit["reporting_unit"]: unit for unit in region.units.iter_rows(named=True)}
        self.schools = schools_by_unit(region)

    def files(self, day: dt.date) -> Iterator[File]:
        """Sender, file name, bytes and time of receipt of what comes on a day."""
        received = dt.datetime.combine(day, dt.time(HOUR), self.region.zone)
        for due in self.coming:
            if due.day == day:
                unit = Unit(due.unit, self.region.seed, due.as_of, self.schools.get(due.unit, ()))
                wrong = wrong_rows(self.region, due.form, due.unit) if due.is_first else ()
                if document := written(due.form, self.units[due.unit], unit, wrong):
                    yield due.unit, *document, received
