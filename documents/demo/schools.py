"""Fictional schools: how many pupils each has, what it is called, and a correct readiness row for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from random import Random

from contracts.vocabulary import academic_year, norms
from documents.demo.data import rows, words
from documents.demo.mistakes import Row

DIRECTIONS = {
    "hours_curricular": "curricular",
    "hours_rmg": "extracurricular_rmg",
    "hours_practice": "practice_module",
    "hours_parents": "parent_engagement",
    "hours_supplementary": "supplementary_education",
    "hours_vocational": "vocational_training",
}
OTHER_WEEKDAYS = ("monday", "tuesday", "wednesday", "friday")
SMALL = 60  # pupils of grades 6–11: below this a village school has no grades 10 and 11


def allocate(total: int, weights: Sequence[float]) -> list[int]:
    """Whole parts of a total in proportion to weights; they add up exactly (largest remainders)."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [int(share) for share in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def village_names(random: Random) -> Iterator[str]:
    """«с. Тихий Омут» and so on in a shuffled order, each once; then again with a number, so that none repeats."""
    places = [f"{a} {n}" for a in words("place_words", "adjective") for n in words("place_words", "noun")]
    random.shuffle(places)
    lap = 0
    while True:
        yield from (f"с. {place}" if not lap else f"п. {place}-{lap + 1}" for place in places)
        lap += 1


def village_school(random: Random, place: str, pupils: int) -> tuple[str, str]:
    """Short name and grades of a school of a village."""
    owner = random.choice(("МБОУ", "МБОУ", "МБОУ", "МАОУ", "МКОУ"))
    return (f"{owner} «ООШ {place}»", "6-9") if pupils < SMALL else (f"{owner} «СОШ {place}»", "6-11")


def town_school(random: Random, town: str, number: int) -> tuple[str, str]:
    """Short name and grades of a school of a town."""
    kind = random.choice(("СОШ", "СОШ", "СОШ", "СОШ", "СОШ", "Гимназия", "Лицей"))
    return f"{random.choice(('МБОУ', 'МАОУ', 'МАОУ'))} «{kind} № {number}» {town}", "6-11"


def region_run_school(random: Random, number: int) -> tuple[str, str]:
    """Short name and grades of a school that the region itself runs."""
    kind = random.choice(("Кадетский корпус", "Школа-интернат", "Лицей-интернат"))
    return f"{'ОГКОУ' if kind == 'Школа-интернат' else 'ОГБОУ'} «{kind} № {number}»", "6-11"


def full_name(short: str) -> str:
    """The name of a school by its statute: abbreviations spelt out."""
    spelt = {row["short"]: row["full"] for row in rows("abbreviations")}
    return " ".join(spelt.get(word, f"«{spelt[word[1:]]}" if word[1:] in spelt else word) for word in short.split(" "))


def levels(pupils: Sequence[int], main: int, advanced: int) -> list[str]:
    """Level of each school of a unit: the largest are advanced, the next ones main, the others basic."""
    order = sorted(range(len(pupils)), key=lambda i: (-pupils[i], i))
    chosen = dict.fromkeys(order, "basic")
    chosen |= dict.fromkeys(order[:advanced], "advanced") | dict.fromkeys(order[advanced : advanced + main], "main")
    return [chosen[i] for i in range(len(pupils))]


def correct_row(random: Random, school: Row, as_of: dt.date) -> Row:
    """A readiness row that breaks no rule of severity error; few of them get a warning."""
    level = school["level"]
    hours: Row = {column: norms(direction)[level] for column, direction in DIRECTIONS.items()}
    hours["hours_curricular"] += random.choice((0, 0, 0, 0, 1, 2))
    hours["hours_parents"] += random.choice((0, 0, 0, 0, 1))
    navigators = 1 + school["pupils_6_11"] // 350 + (random.random() < 0.25)
    trained = max(navigators - random.choice((0, 0, 1)), 1 if level != "basic" else 0)
    order_day = dt.date(academic_year(as_of), 9, 1) - dt.timedelta(days=random.randint(1, 14))
    order_day -= dt.timedelta(days=max(order_day.weekday() - 4, 0))
    return {
        "school_code": school["school_code"],
        "school_name": school["short_name"],
        "level": level,
        "grades": school["grades"],
        **hours,
        "hours_total": sum(value or 0 for value in hours.values()),
        "responsible_position": "head" if random.random() < 0.15 else "deputy",
        "order_number": None
        if random.random() < 0.03
        else f"{random.randint(60, 260)}{random.choice(('', '-о', '/1'))}",
        "order_date": min(order_day, as_of),
        "navigators": navigators,
        "navigators_trained": trained,
        "rmg_in_timetable": True,
        "rmg_weekday": random.choice(OTHER_WEEKDAYS) if random.random() < 0.06 else "thursday",
        "parent_meetings": random.choice((2, 2, 2, 3, 4)),
        "practice_events": random.randint(0, 4) if level == "basic" else random.randint(3, 12),
        "partner_agreements": random.randint(0, 3) if level == "basic" else random.randint(1, 8),
        "pupils_total": school["pupils_6_11"],
        "pupils_planned": school["pupils_planned"],
        "profile_classes": {"basic": 0, "main": random.randint(0, 2), "advanced": random.randint(1, 4)}[level],
    }
