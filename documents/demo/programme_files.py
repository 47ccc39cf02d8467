"""The documents of all systems of the source that schools and districts send besides readiness: who has sent what by a
day, and what is wrong in it on purpose.

Wrong rows (`data/wrong_rows.csv`) come on top of the true ones, so that figures of what is true stay exact. Each names
the rules of severity error that break by it, as often as they do.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from contracts.forms import form_named
from contracts.vocabulary import academic_year
from documents.demo import File, received_at
from documents.demo.data import rows
from documents.demo.dress import STYLES
from documents.demo.mistakes import Row
from documents.demo.programme import ROWS, Unit
from documents.demo.region import PUPILS_6_11, PUPILS_PLANNED, Region
from documents.demo.school_classes import SchoolOf, schools_of
from documents.demo.sheets import Cell, Page, workbook
from documents.demo.tables import file_name, table
from documents.demo.walls import MOST, wall

SUMMARY, ASSIGNMENTS = "levels_summary", "assignments"
CATALOGUE, ENROLMENT = "programme_catalogue", "vocational_enrolment"
SUPPLEMENTARY = "supplementary_catalogue"
COHORT = (dt.date(2024, 2, 1), dt.date(2024, 11, 30))
"""The first cohort of «Первая профессия» learns ten months (seed line 326)."""
ENROLLED = (20, 20, 10)
"""Pupils of a school enrolled in each of the three programmes; of ten schools 500, as was made public (domain 3.5)."""
SCHOOLS_OF_COHORT, BESIDES = 10, 3
AS_PRINTED = ("admissions", "admission_calendar", "preparatory_measures", "regulations")
"""Forms whose tables the department sends cell by cell as the source prints them (`data/<form>.csv`)."""
MONTHLY = ("preparatory_measures",)
"""Those of them that a month changes; so do assignments and enrolment."""
EXPORTED = "lesson_journal"
"""What an electronic journal exports: a text file, whoever sends it."""
EARLY, EARLY_ROWS, TOO_EARLY = "kedrovy", 3, "LVL-003"
"""Who began a list of levels in August, of how many classes, and the rule that each breaks: the year had not begun."""


def deliveries(region: Region) -> Iterator[File]:
    """Sender, file name, bytes and time of receipt of what has been sent by the region's day, form by form."""
    units = {unit["reporting_unit"]: unit for unit in region.units.iter_rows(named=True)}
    schools = schools_by_unit(region)
    for turn, form in enumerate(ROWS):
        for place, slug in enumerate(senders(region, form)):
            unit = Unit(slug, region.seed, region.as_of, schools.get(slug, ()))
            if document := written(form, units[slug], unit, wrong_rows(region, form, slug)):
                yield slug, *document, received_at(region, 0, 9 + turn, (place * 7 + turn) % 60)
    if region.published:
        yield region.department, *_summary(region), received_at(region, 0, 19, 6)
        yield from of_offices(region)


def of_offices(region: Region, *, again: bool = False) -> Iterator[File]:
    """The tables of the department and the operator as the source prints them; `again`, those that a month changes."""
    yield region.department, *assignments(region), received_at(region, 0, 19, 20)
    for turn, form in enumerate(AS_PRINTED):
        if not again or form in MONTHLY:
            yield region.department, *as_printed(region, form), received_at(region, 0, 19, 8 + turn)
    if not again:
        yield region.department, *supplementary(region), received_at(region, 0, 19, 18)
        yield region.operator, *as_printed(region, CATALOGUE), received_at(region, 0, 19, 21)
    yield region.operator, *enrolment(region), received_at(region, 0, 19, 22)


def early(region: Region) -> Iterator[File]:
    """The list that came before its year."""
    if not region.published:
        return
    (about,) = region.units.filter(reporting_unit=EARLY).to_dicts()
    day = dt.date(academic_year(region.as_of), 8, 31)
    classes = ROWS["level_choice"](Unit(EARLY, region.seed, day, schools_by_unit(region)[EARLY]))[:EARLY_ROWS]
    document = table(form_named("level_choice"), STYLES[about["style"]], about, classes, day)
    yield EARLY, *document, received_at(region, (region.as_of - day).days, 16, 20)


def written(form: str, about: Row, unit: Unit, wrong: Sequence[Row] = ()) -> tuple[str, bytes] | None:
    """File name and bytes of a unit's document of a form; None where it has nothing to say.

    Small districts send the timetables of the wall, if nothing in them is wrong.
    """
    true, style = ROWS[form](unit), STYLES[about["style"]]
    if form == EXPORTED:
        style = replace(style, csv=True, numbers="number", dates="text")
    if not true:
        return None
    if form == "timetable" and len(unit.schools) <= MOST and not wrong and not style.csv:
        return file_name(form_named(form), style, about, unit.as_of, "xlsx"), wall(unit, style)
    return table(form_named(form), style, about, [*true, *(true[0] | cells for cells in wrong)], unit.as_of)


def schools_by_unit(region: Region) -> dict[str, list[SchoolOf]]:
    """The schools of each reporting unit."""
    found: dict[str, list[SchoolOf]] = {}
    for school in schools_of(region):
        found.setdefault(school.unit, []).append(school)
    return found


def senders(region: Region, form: str) -> list[str]:
    """Who has sent a form: whoever is to have something wrong in it, and others up to the form's share of all."""
    (share,) = (float(row["share"]) for row in rows("programme") if row["form"] == form)
    all_units = region.units["reporting_unit"].to_list()
    first = [unit for unit in all_units if wrong_rows(region, form, unit)]
    drawn = Unit("", region.seed, region.as_of, ()).random(f"senders {form}").sample(all_units, len(all_units))
    chosen = {
        *first,
        *[unit for unit in drawn if unit not in first][: max(round(share * len(all_units)) - len(first), 0)],
    }
    return [unit for unit in all_units if unit in chosen]


def wrong_rows(region: Region, form: str, sender: str) -> list[Row]:
    """The cells in which the wrong rows of a document differ from its first row; none in a region that is invented."""
    return [
        {name: text or None for name, _, text in (cell.partition("=") for cell in row["cells"].split("|"))}
        for row in rows("wrong_rows")
        if region.published and (row["form"], row["sender"]) == (form, sender)
    ]


def planted(region: Region) -> Counter[tuple[str, str, str]]:
    """(form, sender, rule) → how many findings of severity error there are to be."""
    if not region.published:
        return Counter()
    of_early = {("level_choice", EARLY, TOO_EARLY): EARLY_ROWS}
    return Counter(
        (row["form"], row["sender"], rule) for row in rows("wrong_rows") for rule in row["rules"].split()
    ) + Counter(of_early)


def set_aside(region: Region) -> int:
    """How many rows are to be set aside in what holds on the region's day."""
    return sum(region.published for _ in rows("wrong_rows"))


def _summary(region: Region) -> tuple[str, bytes]:
    """File name and bytes of the slide of levels and coverage as a table (seed lines 166–174)."""
    form, year = form_named(SUMMARY), academic_year(region.as_of)
    counted = dict(region.schools["level"].value_counts().iter_rows())
    told: Row = {
        "school_year": f"{year}/{year + 1}", "schools": region.schools.height,
        **{f"schools_{level}": number for level, number in counted.items()},
        "pupils_6_11": PUPILS_6_11, "pupils_planned": PUPILS_PLANNED, "coverage_rate": "70 %",
    }  # fmt: skip
    about = {"name": "Томская область", "file_as": "Томская область"}
    wrong = [told | cells for cells in wrong_rows(region, SUMMARY, region.department)]
    return table(form, STYLES["plain"], about, [told, *wrong], region.as_of)


def assignments(region: Region) -> tuple[str, bytes]:
    """File name and bytes of the assignments of the source (seed lines 508–521), which name no executor."""
    given: list[Row] = [
        {"number": row["number"], "assignment": row["text_short"], "deadline": row["deadline_as_printed"]}
        for row in rows("assignments_2023")
    ]
    about = {"name": "Томская область", "file_as": "Томская область"}
    return table(form_named(ASSIGNMENTS), STYLES["plain"], about, given, region.as_of)


def enrolment(region: Region) -> tuple[str, bytes]:
    """File name and bytes of who wants to learn a first profession: the largest school of each of ten units, and more
    who applied than places. The cohort has not begun."""
    largest = [
        max(of, key=lambda school: sum(row["pupils"] for row in school.classes))
        for of in schools_by_unit(region).values()
    ]
    began, ends = COHORT
    given: list[Row] = [
        {
            "profession": row["profession"], "school_code": school.code, "school_name": school.name,
            "began_on": began, "ends_on": ends, "applied": enrolled + BESIDES, "enrolled": enrolled,
            "began": 0, "left_training": 0, "certified": 0,
        }
        for school in sorted(largest, key=lambda school: school.code)[:SCHOOLS_OF_COHORT]
        for row, enrolled in zip(rows(CATALOGUE), ENROLLED, strict=True)
    ]  # fmt: skip
    about = {"name": "Томская область", "file_as": "Томская область"}
    return table(form_named(ENROLMENT), STYLES["plain"], about, given, region.as_of)


def supplementary(region: Region) -> tuple[str, bytes]:
    """File name and bytes of the catalogue of supplementary education, of which the source has the number of hours
    alone (seed lines 303–305): a house of children's arts in each unit, which teaches every so-manieth programme."""
    given: list[Row] = [
        {
            "title": row["title"], "focus": row["focus"], "hours": int(row["hours"]),
            "term_months": f"{row['term_months']} мес.", "study_form": "full_time",
            "provider": f"Дом детского творчества, {unit['file_as']}", "municipality": unit["name"],
            "places": int(row["places"]),
        }
        for place, unit in enumerate(region.units.filter(kind="municipality").iter_rows(named=True))
        for row in rows("supplementary_programmes")
        if place % int(row["every"]) == 0
    ]  # fmt: skip
    about = {"name": "Томская область", "file_as": "Томская область"}
    return table(form_named(SUPPLEMENTARY), STYLES["plain"], about, given, region.as_of)


def as_printed(region: Region, form: str) -> tuple[str, bytes]:
    """File name and bytes of a table as the source prints it (seed lines 67, 133–137, 248–332, 371–406, 499–502)."""
    about, lines = form_named(form), rows(form)
    edition = about.edition_at(region.as_of)
    page = Page("Таблица", [[about.title], [f"по состоянию на {region.as_of:%d.%m.%Y}"]], heading=range(2, 3))
    page.rows.append([edition.column(name).title for name in lines[0]])
    page.wide = tuple(range(len(lines[0])))
    for line in lines:
        cells: list[Cell] = [int(text) if text.isdigit() else text or None for text in line.values()]
        page.rows.append(cells)
    return f"{about.title} {region.as_of.isoformat()}.xlsx", workbook([page])
