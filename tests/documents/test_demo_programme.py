"""The demonstration of the systems of the source: its classes add up to its schools, and what is wrong in it is found,
all of it and nothing else.

Slow: some ninety workbooks are drawn and read.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from contracts.due import due_on
from contracts.forms import FORMS, form_named
from documents.demo import Region, deliveries, programme_files, put, tomsk
from documents.demo.autumn import FIRST
from documents.demo.autumn_programme import GROWING, Due, Programme, of_offices, schedule
from documents.demo.data import rows
from documents.demo.mistakes import LEVELS
from documents.demo.programme import ROWS, Unit
from documents.demo.school_classes import SchoolOf, schools_of, totals
from documents.reading.read import read_grid
from flows.home.settings import Settings
from flows.intake.dry_run import check
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome


@pytest.fixture(scope="module")
def region() -> Region:
    return tomsk()


@pytest.fixture(scope="module")
def schools(region: Region) -> tuple[SchoolOf, ...]:
    return schools_of(region)


@pytest.fixture(scope="module")
def outcomes(region: Region, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    home = tmp_path_factory.mktemp("home")
    register = next(file for file in deliveries(region) if file[1].startswith("Реестр"))
    (path,) = put([register], home / "register")
    files = put([*programme_files.early(region), *programme_files.deliveries(region)], home / "inbox")
    settings = Settings(home=home / "profmin", vouched_channels="inbox,ingest")  # type: ignore[call-arg]
    settings.prepare()
    return check(files, Options(register=path), settings)


def test_classes_add_up_to_what_schools_state(region: Region, schools: tuple[SchoolOf, ...]) -> None:
    stated = region.schools.select("school_code", pupils="pupils_6_11", planned="pupils_planned").sort("school_code")
    assert totals(region).sort("school_code").equals(stated)
    assert (stated["pupils"].sum(), stated["planned"].sum()) == (61_429, 43_000)
    reported = region.readiness.filter(~pl.col("school_code").is_in(region.faults["school_code"].to_list()))
    said = dict(reported.select("school_code", "pupils_total").iter_rows())
    of_classes = {school.code: sum(row["pupils"] for row in school.classes) for school in schools}
    assert said and all(of_classes[code] == pupils for code, pupils in said.items())
    assert all(row["pupils_planned"] <= row["pupils"] for school in schools for row in school.classes)
    assert {row["grade"] for school in schools for row in school.classes} == set(range(6, 12))


def test_levels_of_schools_follow_from_their_classes(schools: tuple[SchoolOf, ...]) -> None:
    highest = [max((row["level"] for row in school.classes), key=LEVELS.index) for school in schools]
    assert highest == [school.level for school in schools]
    assert Counter(highest) == {"basic": 241, "main": 40, "advanced": 4}
    profiled = sum(row["profile"] is not None for school in schools for row in school.classes)
    assert profiled == sum(school.said["profile_classes"] for school in schools)


def test_every_wrong_row_is_found_and_nothing_else(region: Region, outcomes: list[Outcome]) -> None:
    assert {outcome.verdict for outcome in outcomes} == {"accepted", "partial"}
    found = Counter(
        (str(outcome.form), str(outcome.sender), finding.rule)
        for outcome in outcomes
        for finding in outcome.findings
        if finding.severity == "error"
    )
    assert found == programme_files.planted(region)
    assert sum(outcome.rows.quarantined for outcome in outcomes if outcome.rows) == (
        programme_files.set_aside(region) + programme_files.EARLY_ROWS
    )


@pytest.mark.parametrize("form", [form.name for form in FORMS if form.name in {*ROWS, programme_files.SUMMARY}])
def test_every_error_rule_of_a_form_is_broken(region: Region, form: str) -> None:
    edition = form_named(form).edition_at(region.as_of)
    rules = {rule.id for rule in edition.rules if rule.severity == "error"}
    assert rules <= {rule for of_form, _, rule in programme_files.planted(region) if of_form == form}


def test_forms_that_schools_and_districts_send_are_all_there() -> None:
    sent = {form.name for form in FORMS if form.sender_kind == "reporting_unit"}
    assert sent == {*ROWS, "readiness_report"}


def test_there_are_more_navigators_than_the_source_names(region: Region) -> None:
    schools = programme_files.schools_by_unit(region)
    units = [Unit(name, region.seed, region.as_of, schools[name]) for name in programme_files.senders(region, "staff")]
    assert sum(row["role"] == "navigator" for unit in units for row in ROWS["staff"](unit)) > 350


def test_timetables_come_in_both_layouts(region: Region) -> None:
    files = [file for file in programme_files.deliveries(region) if "Расписание" in file[1]]
    sheets = {sender: read_grid(name, data).sheets for sender, name, data, _ in files}
    walls = {sender for sender, found in sheets.items() if found[0].name == "Школа 1"}
    assert walls and sheets.keys() - walls
    assert all(any("ПОНЕДЕЛЬНИК" in row for row in sheet.rows) for sender in walls for sheet in sheets[sender])


def test_styles_differ_from_sender_to_sender(region: Region) -> None:
    names = [name for _, name, _, _ in programme_files.deliveries(region)]
    assert len({name.split("_")[0][:9] for name in names}) > len(ROWS)
    assert {name.rpartition(".")[2] for name in names} == {"xlsx", "csv"}


def test_the_same_region_gives_the_same_bytes(region: Region) -> None:
    first, second = (list(programme_files.deliveries(region)) for _ in range(2))
    assert first == second


def test_wrong_rows_are_of_forms_senders_and_columns_that_exist(region: Region) -> None:
    senders = {*region.units["reporting_unit"], region.department}
    for row in rows("wrong_rows"):
        columns = {column.name for column in form_named(row["form"]).edition_at(region.as_of).columns}
        assert {cell.partition("=")[0] for cell in row["cells"].split("|")} <= columns, row
        assert row["sender"] in senders


LAST = dt.date(2024, 1, 31)


@pytest.fixture(scope="module")
def coming(region: Region) -> list[Due]:
    return schedule(region, FIRST, LAST)


def test_documents_of_an_autumn_come_as_they_fall_due(coming: list[Due]) -> None:
    assert {due.form for due in coming} == ROWS.keys()
    months = {form: {due.day.month for due in coming if due.form == form} for form in ROWS}
    assert months["hours_delivered"] == months["event_plan"] == {10, 11, 12, 1}
    assert months["level_choice"] >= {9} and months["parent_meetings"] >= {10, 11, 12, 1}
    assert all(FIRST <= due.day <= LAST and due.as_of <= due.day for due in coming)
    for form in ROWS:
        days = {(due.unit, due.as_of): due.day for due in coming if due.form == form}
        late = [due_on(form_named(form), as_of, sender=unit) < day for (unit, as_of), day in days.items()]  # type: ignore[operator]
        assert any(late) and not all(late), form


def test_what_is_wrong_in_an_autumn_is_wrong_once(coming: list[Due]) -> None:
    assert max(Counter((due.form, due.unit) for due in coming if due.is_first).values()) == 1


def test_lists_of_an_autumn_grow(region: Region) -> None:
    schools = systems_of(region)
    for form in GROWING:
        sizes = [len(ROWS[form](replace(schools, as_of=dt.date(2023, month, 28)))) for month in (9, 10, 11, 12)]
        assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def systems_of(region: Region) -> Unit:
    return Unit("seversk", region.seed, region.as_of, programme_files.schools_by_unit(region)["seversk"])


def test_a_day_of_an_autumn_is_read_without_complaint(region: Region, tmp_path: Path) -> None:
    """The documents of a day in January, by the register of the demo."""
    register = next(file for file in deliveries(region) if file[1].startswith("Реестр"))
    (path,) = put([register], tmp_path / "register")
    programme = Programme(region, FIRST, LAST)
    ((day, _),) = Counter(due.day for due in programme.coming if due.day.month == 1).most_common(1)
    settings = Settings(home=tmp_path / "profmin", vouched_channels="inbox,ingest")  # type: ignore[call-arg]
    settings.prepare()
    told = check(put(programme.files(day), tmp_path / "inbox"), Options(register=path), settings)
    assert len(told) > 5
    assert {(outcome.form, outcome.verdict) for outcome in told if outcome.verdict != "accepted"} == set()


def test_offices_send_their_tables_once_and_what_a_month_changes_each_month(region: Region, tmp_path: Path) -> None:
    """Slow: the documents of two days are read. Nothing of them is set aside, and no day but these has any."""
    register = next(file for file in deliveries(region) if file[1].startswith("Реестр"))
    (path,) = put([register], tmp_path / "register")
    settings = Settings(home=tmp_path / "profmin", vouched_channels="inbox,ingest")  # type: ignore[call-arg]
    settings.prepare()
    days = [FIRST + dt.timedelta(days=n) for n in range(LAST.toordinal() - FIRST.toordinal() + 1)]
    sent = [day for day in days if list(of_offices(region, day))]
    assert sent == [dt.date(2023, 9, 8), *(dt.date(2023, month, 8) for month in (10, 11, 12)), dt.date(2024, 1, 8)]
    forms = []
    for day in sent[:2]:
        told = check(put(of_offices(region, day), tmp_path / f"{day}"), Options(register=path), settings)
        assert {(outcome.verdict, outcome.as_of) for outcome in told} == {("accepted", day)}
        forms.append({outcome.form for outcome in told})
    monthly = {"assignments", "preparatory_measures", "vocational_enrolment"}
    once = {"admissions", "admission_calendar", "regulations", "programme_catalogue", "supplementary_catalogue"}
    assert forms == [{*monthly, *once}, monthly]
