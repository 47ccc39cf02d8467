"""What schools and districts do, as rows of the forms in which they tell it: levels, hours, timetables, people.

Each form has a function that gives the true rows of a reporting unit on a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from contracts.inn import weights_of
from contracts.vocabulary import academic_year, norms, shared, words
from documents.demo.data import words as names
from documents.demo.mistakes import Row
from documents.demo.school_classes import SchoolOf
from documents.demo.schools import OTHER_WEEKDAYS

DIRECTIONS = tuple(dict.fromkeys(row["code"] for row in shared("directions")))
WEEKDAYS = tuple(dict.fromkeys(words("weekdays").values()))
WEEKS = 38
"""School weeks of a year, over which hours are spread."""
PARTNERS = 60
KINDS = (("enterprise", "ООО «{}»"), ("college", "Колледж «{}»"), ("enterprise", "Завод «{}»"),
         ("university", "Университет «{}»"), ("other", "Центр «{}»"))  # fmt: skip
EVENTS = (
    ("excursion", "Экскурсия на производство"), ("masterclass", "Мастер-класс наставников"),
    ("trial", "Профессиональная проба"), ("project", "Защита проектов"), ("contest", "Конкурс профессий"),
)  # fmt: skip
PLANNED = (
    (9, "День профессий", "other"), (9, "Первое всероссийское собрание", "parent_meeting"),
    (10, "Экскурсия на предприятие", "excursion"), (10, "Профпробы в колледже", "trial"),
    (11, "Мастер-классы мастеров", "masterclass"), (11, "Ярмарка учебных мест", "other"),
    (12, "Защита проектов", "project"), (1, "Неделя науки", "other"),
    (2, "Второе всероссийское собрание", "parent_meeting"),
    (3, "Чемпионат профессий", "contest"), (4, "Экскурсия в университет", "excursion"), (5, "Итоги года", "other"),
)  # fmt: skip
NO_SLOT_SHARE, MET_SHARE, HELD_SHARE, STRANGE_SHARE, MISSED_SHARE = 0.01, 0.6, 0.3, 0.05, 0.03
FRIDAY = 4
FILLED = (10, 20)
"""Month and day on which the vacant posts are filled."""


@dataclass(frozen=True)
class Unit:
    """A reporting unit on a day, with its schools."""

    name: str
    seed: int
    as_of: dt.date
    schools: Sequence[SchoolOf] = field(repr=False)

    def random(self, form: str) -> Random:
        """Chances of a form, the same whichever other forms are told of."""
        return Random(f"{form} {self.seed} {self.name}")

    @property
    def year(self) -> int:
        """The first calendar year of the academic year."""
        return academic_year(self.as_of)

    def partners(self) -> list[Row]:
        """The partners with whom the unit has agreements: as many as a school of it says that it has."""
        many = max((school.said["partner_agreements"] for school in self.schools), default=0)
        return [partner(n) for n in sorted(self.random("partners").sample(range(PARTNERS), max(many, 1)))]


def partner(n: int) -> Row:
    """A fictional organisation: its ИНН begins like nobody's."""
    kind, called = KINDS[n % len(KINDS)]
    adjectives, nouns = names("place_words", "adjective"), names("place_words", "noun")
    place = f"{adjectives[n % len(adjectives)]} {nouns[(n * 7 + n // len(adjectives)) % len(nouns)]}"
    digits = f"00000{n + 1:04}"
    control = sum(int(digit) * weight for digit, weight in zip(digits, weights_of(9), strict=True)) % 11 % 10
    return {"inn": f"{digits}{control}", "name": called.format(place), "kind": kind}


def _school(school: SchoolOf) -> Row:
    return {"school_code": school.code, "school_name": school.name}


def level_choice(unit: Unit) -> list[Row]:
    """The classes of the schools, with the levels that are chosen for them."""
    kinds = {code: word for word, code in reversed(words("profile_kinds").items())}
    return [
        {**_school(school), **row, "profile": kinds.get(row["profile"])}
        for school in unit.schools
        for row in school.classes
    ]


def hours_delivered(unit: Unit) -> list[Row]:
    """The hours of the month of the date, so far: each week its part of the norm, in halves."""
    random, rows = unit.random("hours_delivered"), []
    weeks = max((unit.as_of.day + 6) // 7, 1)
    for school in unit.schools:
        for row in school.classes:
            for direction in DIRECTIONS:
                norm = norms(direction)[row["level"]]
                weekly = direction == "extracurricular_rmg"
                hours = weeks if weekly else round(2 * (norm or 0) / WEEKS * weeks) / 2
                hours -= weekly and random.random() < 0.1
                if norm and hours > 0:
                    rows.append({
                        **_school(school), "grade": row["grade"], "letter": row["letter"], "direction": direction,
                        "month": str(unit.as_of.month), "hours": hours,
                    })  # fmt: skip
    return rows


def timetable(unit: Unit) -> list[Row]:
    """Two lessons a class, a row each: one is the course, unless the class has none."""
    rows = []
    for school in unit.schools:
        for row, weekday in slots(unit, school):
            told = {
                **_school(school), "grade": row["grade"], "letter": row["letter"],
                "valid_from": dt.date(unit.year, 9, 1), "school_year": f"{unit.year}/{unit.year + 1}",
            }  # fmt: skip
            rows.append(told | {"weekday": "monday", "lesson": 1, "subject": "Разговоры о важном"})
            if weekday:
                rows.append(told | {"weekday": weekday, "lesson": 7, "subject": "rmg"})
    return rows


def slots(unit: Unit, school: SchoolOf) -> list[tuple[Row, str | None]]:
    """Each class of a school and the weekday on which it has the course: that of the school's report, or none."""
    random = unit.random(f"timetable {school.code}")
    return [
        (row, None if random.random() < NO_SLOT_SHARE else school.said["rmg_weekday"] or OTHER_WEEKDAYS[0])
        for row in school.classes
    ]


def lesson_journal(unit: Unit) -> list[Row]:
    """The lessons of the course so far: each class on its day, of which few are missed."""
    rows = []
    days = [dt.date(unit.year, 9, 1) + dt.timedelta(n) for n in range((unit.as_of - dt.date(unit.year, 9, 1)).days + 1)]
    free = {row["day"] for row in shared("calendar") if row["is_working"] == "false"}
    holidays = [(row["from_day"], row["to_day"]) for row in shared("school_holidays")]
    taught = [
        day for day in days
        if day.weekday() < 6 and day.isoformat() not in free
        and not any(first <= day.isoformat() <= last for first, last in holidays)
    ]  # fmt: skip
    for school in unit.schools:
        for row, weekday in slots(unit, school):
            random = unit.random(f"lesson_journal {school.code} {row['grade']}{row['letter']}")
            own = [day for day in taught if weekday and WEEKDAYS[day.weekday()] == weekday]
            for number, day in enumerate(own, 1):
                absent = random.randint(0, min(3, row["pupils"] - 1))
                if random.random() < MISSED_SHARE:
                    continue
                rows.append({
                    **_school(school), "grade": row["grade"], "letter": row["letter"], "held_on": day, "subject": "rmg",
                    "theme": f"Занятие {number}", "hours": 1, "present": row["pupils"] - absent, "absent": absent,
                })  # fmt: skip
    return rows


def staff(unit: Unit) -> list[Row]:
    """Somebody responsible and the navigators of each school, as many as its report says; in the first school the post
    of the responsible person is vacant until somebody is found."""
    random, rows, people = unit.random("staff"), [], 0
    for school in unit.schools:
        said = school.said
        order = {"order_number": said["order_number"], "order_date": said["order_date"]}
        if school is unit.schools[0] and unit.as_of < dt.date(unit.year, *FILLED):
            rows.append({
                **_school(school), "role": "responsible", "position": said["responsible_position"],
                "valid_from": dt.date(unit.year, 9, 1),
            })  # fmt: skip
        else:
            rows.append({
                **_school(school), "full_name": _name(people), "role": "responsible",
                "position": said["responsible_position"], **order, **_training(random, school, is_trained=True),
            })  # fmt: skip
            people += 1
        for n in range(said["navigators"]):
            trained = _training(random, school, is_trained=n < said["navigators_trained"])
            rows.append({
                **_school(school), "full_name": _name(people), "role": "navigator", "position": "other", **order,
                **trained,
            })  # fmt: skip
            people += 1
    return rows


def _name(n: int) -> str:
    """An invented name; no two of a unit are the same."""
    surnames, given, patronymics = (names("pupil_names", f"{part}_f") for part in ("surname", "given", "patronymic"))
    return f"{surnames[n % len(surnames)]} {given[n // len(surnames) % len(given)]} {patronymics[n % len(patronymics)]}"


def _training(random: Random, school: SchoolOf, *, is_trained: bool) -> Row:
    """Training of which the hours are those of the level; of September before, or of nobody."""
    if not is_trained:
        return {"trained": False}
    day = dt.date(school.said["order_date"].year, 6, 1) + dt.timedelta(days=random.randrange(20))
    return {"trained": True, "training_hours": 16 if school.level == "basic" else 36, "training_date": day}


def parent_meetings(unit: Unit) -> list[Row]:
    """The meetings that schools have held by the day: the first all-Russian one, in November one of some schools."""
    rows = []
    for school in unit.schools:
        random = unit.random(f"parent_meetings {school.code}")
        invited = max(sum(row["pupils"] for row in school.classes) * 9 // 10, 1)
        first = 1 + random.randrange(7) if random.random() < MET_SHARE else 9 + random.randrange(20)
        meetings = [("first", _weekday(dt.date(unit.year, 9, first)))]
        if random.random() < HELD_SHARE:
            meetings.append(("own", _weekday(dt.date(unit.year, 11, 1 + random.randrange(26)))))
        for meeting, day in meetings:
            rows.append({
                **_school(school), "held_on": day, "meeting": meeting, "hours": 1, "parents_invited": invited,
                "parents_attended": int(invited * random.uniform(0.3, 0.8)),
                "link": f"https://example.org/{school.code}/{meeting}",
            })  # fmt: skip
    return [row for row in rows if row["held_on"] <= unit.as_of]


def partner_agreements(unit: Unit) -> list[Row]:
    """The agreements of the territory: one a partner, of last year or of this summer; some without an end."""
    random, rows = unit.random("partner_agreements"), []
    for n, partner in enumerate(unit.partners(), start=1):
        signed = dt.date(unit.year - 1, 8 + random.randrange(2), 1) + dt.timedelta(days=random.randrange(25))
        ends = (
            None,
            dt.date(unit.year + 1, 8, 31),
            dt.date(unit.year + 2, 12, 31),
            dt.date(unit.year, 9, 30),
            dt.date(unit.year, 8, 31),
        )
        rows.append({
            "partner_inn": partner["inn"], "partner_name": partner["name"], "partner_kind": partner["kind"],
            "agreement_number": f"{n}-п", "signed_on": signed, "valid_to": ends[n % len(ends)],
        })  # fmt: skip
    return rows


def practice_events(unit: Unit) -> list[Row]:
    """The events that have been by the day: each month one of each school whose level has a practice module, and of
    some others; those of September in its first full week."""
    rows, hosts = [], unit.partners()
    able = [host for host in hosts if host["kind"] != "other"] or hosts
    for first in _months(unit):
        for school in unit.schools:
            random = unit.random(f"practice_events {school.code} {first.month}")
            if school.level == "basic" and random.random() > HELD_SHARE:
                continue
            kind, title = random.choice(EVENTS)
            stranger = partner(PARTNERS + random.randrange(5))  # with whom nobody has an agreement
            host = stranger if random.random() < STRANGE_SHARE else random.choice(able)
            older = [row for row in school.classes if row["grade"] in (8, 9)]
            rows.append({
                **_school(school),
                "held_on": _weekday(first + dt.timedelta(days=3 + random.randrange(5 if first.month == 9 else 22))),
                "starts_at": f"{9 + random.randrange(6)}:00", "kind": kind, "title": title, "host_inn": host["inn"],
                "host_name": host["name"], "host_kind": host["kind"], "grades": "8-9",
                "pupils": max(sum(row["pupils"] for row in older) // 3, 1), "hours": 2,
            })  # fmt: skip
    return [row for row in rows if row["held_on"] <= unit.as_of]


def _weekday(day: dt.date) -> dt.date:
    """A day, or the Monday after it."""
    return day + dt.timedelta(days=7 - day.weekday()) if day.weekday() > FRIDAY else day


def _months(unit: Unit) -> list[dt.date]:
    """The first days of the months of the academic year, up to that of the day."""
    first = [dt.date(unit.year + (n > 3), (n + 8) % 12 + 1, 1) for n in range(12)]
    return [day for day in first if day <= unit.as_of]


def event_plan(unit: Unit) -> list[Row]:
    """The plan of the year; what has its day and is over has been held."""
    random, rows = unit.random("event_plan"), []
    for month, title, kind in PLANNED:
        first = dt.date(unit.year + (month < 9), month, 1)
        day = first + dt.timedelta(days=3 + random.randrange(20)) if random.random() < 0.7 else None
        is_over = (day or first + dt.timedelta(days=27)) <= unit.as_of
        rows.append({
            "month": str(month), "planned_on": day, "title": title, "kind": kind, "audience": "6–11 классы",
            "responsible_position": "методист", "status": "held" if is_over else "planned",
        })  # fmt: skip
    return rows


def profile_classes(unit: Unit) -> list[Row]:
    """The profile classes of the schools, each with a partner or two."""
    random, rows = unit.random("profile_classes"), []
    taught, worked = ([partner(n) for n in range(PARTNERS) if KINDS[n % len(KINDS)][0] in kinds]
                      for kinds in (("college", "university"), ("enterprise",)))  # fmt: skip
    for school in unit.schools:
        for row in (row for row in school.classes if row["profile"]):
            university, enterprise = random.choice(taught), random.choice(worked)
            rows.append({
                **_school(school), "grade": row["grade"], "letter": row["letter"], "profile_kind": row["profile"],
                "pupils": row["pupils"], "partner_university": university["name"], "university_inn": university["inn"],
                "partner_enterprise": enterprise["name"], "enterprise_inn": enterprise["inn"],
                "order_number": f"{random.randint(60, 260)}-о", "order_date": dt.date(unit.year, 8, 28),
            })  # fmt: skip
    return rows


ROWS: dict[str, Callable[[Unit], list[Row]]] = {
    function.__name__: function
    for function in (
        level_choice, staff, timetable, profile_classes, partner_agreements, practice_events, parent_meetings,
        event_plan, hours_delivered, lesson_journal,
    )
}  # fmt: skip
"""Form → what gives its true rows, in the order in which their files come."""
