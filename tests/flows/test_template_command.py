"""A template filled in with the truth passes `check` without a finding; one left empty is refused in words."""

from __future__ import annotations

import datetime as dt
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import polars as pl
import pytest
from evidence import picked
from openpyxl.worksheet.worksheet import Worksheet
from packs import REGION

from contracts.form import Column, Form
from contracts.forms import FORMS, form_named
from contracts.vocabulary import words
from documents.demo import Region, tomsk
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.dry_run import check
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome
from flows.outbox.templates import default_day, write_template

if TYPE_CHECKING:
    from conftest import Run

GOLDEN = Path(__file__).parents[1] / "golden"
AS_OF = dt.date(2023, 9, 8)
NOON = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC).timestamp()
Truth = list[dict[str, object]]
SUM = re.compile(r"=SUM\(([A-Z]+)(\d+):\1(\d+)\)")
FILLED_IN = [form.name for form in FORMS if form.pupils is None]


@pytest.fixture(scope="module")
def region() -> Region:
    return tomsk()


@pytest.fixture
def register(region_files: Path) -> Path:
    return picked(region_files, "department/Реестр")["department/Реестр"]


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """A home that does not exist; what is named to it plays the past, so that its files' times are those of receipt."""
    return Settings(home=tmp_path / "absent", vouched_channels="ingest")  # type: ignore[arg-type]


def truth_of(form: str, sender: str, region: Region) -> Truth:
    """Rows of a form that break no rule, keyed by its columns; units by their names of that day."""
    names = dict(region.units.select("reporting_unit", "name").iter_rows())
    named = pl.col("reporting_unit").replace_strict(names)
    if form == "readiness_report":
        return [ready(school, region) for school in region.schools.filter(pl.col("subordination") == sender).to_dicts()]
    if form == "school_register":
        own = region.schools.with_columns(pl.col("territory", "subordination").replace_strict(names))
        kept = [column.name for column in columns_of(form_named(form)) if column.name in own.columns]
        return own.select(kept).to_dicts()
    if form == "registration_plan":
        return region.plan.with_columns(reporting_unit=named).to_dicts()
    if form == "level_choice":
        own = region.schools.filter(pl.col("subordination") == sender)
        return [row for school in own.to_dicts() for row in classes(school)]
    if (example := GOLDEN / form / "examples.toml").exists():
        told = tomllib.loads(example.read_text("utf-8"))
        own = region.schools.filter(pl.col("subordination") == sender)
        own = own if form_named(form).covers == "schools" else own.head(3)
        codes = (
            own.select("school_code", school_name="short_name").to_dicts() if "school_name" in told["good"] else [{}]
        )
        return [of_school(good, school) for school in codes for good in (told["good"], *told.get("more_good", ()))]
    counted = region.schools.group_by(reporting_unit="subordination").agg(
        schools=pl.len(),
        accepted=(pl.col("status") != "missing").sum(),
        rejected=pl.lit(0),
        missing=(pl.col("status") == "missing").sum(),
        registered=pl.col("registered").sum(),
    )
    if form == "readiness_summary":
        rate = pl.col("accepted") / pl.col("schools")
        return counted.with_columns(reporting_unit=named, accepted_rate=rate).drop("registered").to_dicts()
    actual = pl.min_horizontal("registered", "plan_pupils")
    return (
        region.plan.join(counted, on="reporting_unit")
        .with_columns(reporting_unit=named, actual_pupils=actual, balance=pl.col("plan_pupils") - actual)
        .with_columns(completion_rate=pl.col("actual_pupils") / pl.col("plan_pupils"))
        .select(column.name for column in columns_of(form_named(form)))
        .to_dicts()
    )


def of_school(good: Mapping[str, object], school: Mapping[str, object]) -> dict[str, object]:
    """A row of a school; somebody who is named in it is nobody of another school."""
    own = "".join("АБВГДЕЖЗИК"[int(digit)] for digit in str(school.get("school_code", "")))
    name = {"full_name": f"{good['full_name']} {own}"} if "full_name" in good else {}
    return {**good, **school, **name}


def ready(school: Mapping[str, object], region: Region) -> dict[str, object]:
    """The report of a school that is ready: its own if that was accepted, else one like that of another school."""
    accepted = region.schools.filter(pl.col("status") == "accepted", pl.col("level") == school["level"])
    code = school["school_code"] if school["status"] == "accepted" else accepted["school_code"][0]
    row = region.readiness.row(by_predicate=pl.col("school_code") == code, named=True)
    own = {"school_code": school["school_code"], "school_name": school["short_name"]}
    own |= {"pupils_total": school["pupils_6_11"], "pupils_planned": school["pupils_planned"]}
    return row | own | {"rmg_weekday": "thursday", "order_number": "5-6"}


def classes(school: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """The classes of a school: twenty-five pupils each, the last one fewer; all on the school's level."""
    left, whose = int(str(school["pupils_6_11"])), ("school_code", "level")
    for number in range(-(-left // 25)):
        pupils = min(25, left - 25 * number)
        row = {name: school[name] for name in whose} | {"school_name": school["short_name"]}
        yield row | {"grade": 6 + number % 6, "letter": "АБВГДЕЖЗИКЛМНОП"[number // 6], "pupils": pupils,
                     "pupils_planned": pupils - pupils % 3, "school_level": school["level"]}  # fmt: skip


def columns_of(form: Form) -> tuple[Column, ...]:
    return form.edition_at(AS_OF).columns


def fill(path: Path, form: Form, truth: Truth) -> None:
    """Fill in a template as a person would: each row where its school or unit stands, else on the next free row."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    columns = columns_of(form)
    heading = next(row for row in range(1, 20) if sheet.cell(row, 1).value == columns[0].title)
    places = {column.name: place for place, column in enumerate(columns, start=1)}
    assert [sheet.cell(heading, place).value for place in places.values()] == [column.title for column in columns]
    standing = {
        sheet.cell(row, 1).value: row for row in range(heading + 1, sheet.max_row + 1) if sheet.cell(row, 1).value
    }
    for number, row in enumerate(truth):
        line = standing.get(row[columns[0].name], heading + 1 + number)
        for column in columns:
            cell = sheet.cell(line, places[column.name])
            value = entered(column, row.get(column.name))
            assert cell.value is None or cell.value == value, "what is filled in beforehand is true"
            assert not cell.has_style or not cell.protection.locked
            cell.value = value
    recalculate(sheet)
    book.save(path)
    os.utime(path, (NOON, NOON))


def entered(column: Column, value: object) -> object:
    """What a person enters: a code by its word, grades with a dash."""
    if value is None:
        return None
    if column.kind in ("choice", "yes_no"):
        code = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        if str(code).lower() in map(str.lower, words(column.vocabulary or "")):
            return code
        return next(word for word, meant in words(column.vocabulary or "").items() if meant == code)
    return str(value).replace("-", "–") if column.kind == "grades" else value


def recalculate(sheet: Worksheet) -> None:
    """What a spreadsheet program does before it saves: openpyxl would leave formulas without results."""
    for row in sheet.iter_rows():
        for cell in row:
            match = SUM.fullmatch(str(cell.value))
            if match:
                letters, first, last = match.groups()
                cell.value = sum(sheet[f"{letters}{line}"].value or 0 for line in range(int(first), int(last) + 1))


@pytest.mark.parametrize(
    ("name", "sender"),
    [(name, "chainsky") for name in FILLED_IN] + [("readiness_report", "")],
)
def test_filled_template_passes_check(
    name: str, sender: str, tmp_path: Path, bare: Settings, region: Region, register: Path
) -> None:
    form = form_named(name)
    whose = sender if form.sender_kind == "reporting_unit" else ""
    path = write_template(bare, name, whose or None, AS_OF, register, tmp_path)
    truth = truth_of(name, sender or "chainsky", region)
    fill(path, form, truth)
    (outcome,) = checked(path, bare, register)
    assert (outcome.verdict, outcome.findings) == ("accepted", ())
    assert (outcome.form, outcome.as_of, outcome.rows.loaded) == (name, AS_OF, len(truth))
    if form.sender_kind == "reporting_unit":
        assert outcome.sender == (sender or "chainsky")


def checked(path: Path, settings: Settings, register: Path) -> list[Outcome]:
    return check([path], Options(register=register), settings)


def test_each_sender_can_fill_in_its_template(tmp_path: Path, bare: Settings, region: Region, register: Path) -> None:
    form, paths = form_named("readiness_report"), []
    for sender in region.units["reporting_unit"]:
        paths.append(write_template(bare, form.name, sender, AS_OF, register, tmp_path))
        fill(paths[-1], form, truth_of(form.name, sender, region))
    outcomes = check(paths, Options(register=register), bare)
    assert [outcome.sender for outcome in outcomes] == region.units["reporting_unit"].to_list()
    assert [finding for outcome in outcomes for finding in outcome.findings] == []
    assert sum(outcome.rows.loaded for outcome in outcomes) == region.schools.height


@pytest.mark.parametrize("name", FILLED_IN)
def test_template_left_empty_is_refused_in_one_sentence(
    name: str, tmp_path: Path, bare: Settings, register: Path
) -> None:
    sender = "chainsky" if form_named(name).sender_kind == "reporting_unit" else None
    path = write_template(bare, name, sender, AS_OF, register, tmp_path)
    os.utime(path, (NOON, NOON))
    (outcome,) = checked(path, bare, register)
    assert (outcome.verdict, [finding.rule for finding in outcome.findings]) == ("refused", ["COM-015"])


def test_schools_not_filled_in_have_not_reported(
    tmp_path: Path, bare: Settings, region: Region, register: Path
) -> None:
    path = write_template(bare, "readiness_report", "chainsky", AS_OF, register, tmp_path)
    fill(path, form_named("readiness_report"), truth_of("readiness_report", "chainsky", region)[:6])
    (outcome,) = checked(path, bare, register)
    assert (outcome.verdict, outcome.rows.loaded) == ("accepted", 6)
    (finding,) = outcome.findings
    assert (finding.rule, finding.difference) == ("COM-062", -2)


def test_template_of_nobody_asks_who_sends_it(
    tmp_path: Path, bare: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_template(bare, "readiness_report", as_of=AS_OF, to=tmp_path)
    assert "--sender" in capsys.readouterr().err
    (outcome,) = check([path], Options(), bare)
    assert "COM-017" in [finding.rule for finding in outcome.findings]


def test_schools_are_those_of_the_register_last_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Settings(home=tmp_path)
    without = cells(write_template(home, "readiness_report", "chainsky", AS_OF, to=tmp_path / "without.xlsx"))
    assert "--register" in capsys.readouterr().err
    schools: Mapping[str, list[object]] = {
        "school_id": [1, 2, 3], "school_code": ["692002", "692001", "690101"], "short_name": ["Б", "А", "В"],
        "territory": ["chainsky"] * 3, "subordination": ["chainsky", "chainsky", "seversk"], "pupils_6_11": [1, 2, 3],
    }  # fmt: skip
    pl.DataFrame(schools).write_parquet(home.register)
    with_them = cells(write_template(home, "readiness_report", "chainsky", AS_OF, to=tmp_path / "with.xlsx"))
    assert with_them - without == {"692001", "А", "692002", "Б"}
    assert capsys.readouterr().err == ""


def cells(path: Path) -> set[object]:
    return {cell.value for row in openpyxl.load_workbook(path).worksheets[0].iter_rows() for cell in row}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("registration_export",), "выгружают с платформы"),
        (("readines",), "нет такой формы"),
        (("readiness_report", "--sender", "department"), "не присылает readiness_report"),
        (("registration_plan", "--sender", "chainsky"), "не присылает registration_plan; присылают: regional_operator"),
        (("readiness_report", "--as-of", "2024-08-31"), "31.08.2024 кампании readiness_report нет"),
        (("readiness_report", "--register", "absent.xlsx"), "файла «absent.xlsx» нет"),
        (("readiness_report", "--to", "absent/form.xlsx"), "не записать"),
    ],
)
def test_what_has_no_template_is_wrong_usage(arguments: tuple[str, ...], said: str, profmin: Run) -> None:
    done = profmin("template", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]


def test_command_says_where_the_template_is(tmp_path: Path, profmin: Run) -> None:
    done = profmin("template", "registration_plan", "--as-of", "2023-09-08")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / done.stdout.strip()).stat().st_size > 5000


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path, bare: Settings) -> None:
    filled_in = tmp_path / "план.xlsx"
    filled_in.write_bytes(b"a day of work")
    with pytest.raises(UsageError, match="already a file"):
        write_template(bare, "registration_plan", to=filled_in)
    assert filled_in.read_bytes() == b"a day of work"


@pytest.mark.parametrize(
    ("name", "today", "day"),
    [("readiness_report", "2023-09-05", "2023-09-05"), ("readiness_report", "2023-09-20", "2023-09-20"),
     ("readiness_report", "2026-01-01", "2023-09-11"), ("registration_plan", "2026-01-01", "2026-01-01"),
     ("event_plan", "2023-09-20", "2023-09-20"), ("event_plan", "2023-10-20", "2023-09-30"),
     ("event_plan", "2024-01-10", "2023-12-31"), ("event_plan", "2024-07-10", "2024-07-10")],
)  # fmt: skip
def test_the_date_is_today_unless_nothing_is_collected_then(name: str, today: str, day: str) -> None:
    assert default_day(form_named(name), dt.date.fromisoformat(today), REGION) == dt.date.fromisoformat(day)


CLASS_FORMS = [form.name for form in FORMS if form.tells_of_classes]


@pytest.fixture
def listed(bare: Settings) -> Settings:
    """A home with the copy of the classes that Чаинский listed: 8А, 8Б and a class without a letter."""
    classes = {
        "academic_year": [2023] * 3 + [2022], "sender": ["chainsky"] * 4, "school_code": ["692001"] * 4,
        "school_name": ["МБОУ «СОШ»"] * 4, "grade": [8, 8, 9, 7], "letter": ["А", "Б", None, "А"],
    }  # fmt: skip
    bare.home.mkdir()
    pl.DataFrame(classes).write_parquet(bare.classes)
    return bare


@pytest.mark.parametrize("name", CLASS_FORMS)
def test_classes_are_those_of_the_list_of_levels(
    name: str, listed: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without = cells(write_template(listed, name, "seversk", AS_OF, to=tmp_path / "without.xlsx"))
    assert "no list of levels of seversk is loaded for 2023/2024" in capsys.readouterr().err
    path = write_template(listed, name, "chainsky", AS_OF, to=tmp_path / "with.xlsx")
    sender = {cell for cell in cells(path) if "Чаинский" in str(cell)}
    assert cells(path) - without - sender == {"692001", "МБОУ «СОШ»", "8", "9", "А", "Б"}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", CLASS_FORMS)
def test_a_class_that_nobody_filled_in_is_no_error(
    name: str, listed: Settings, tmp_path: Path, region: Region, register: Path
) -> None:
    school = region.schools.filter(pl.col("subordination") == "chainsky").row(0, named=True)
    own = {"school_code": school["school_code"], "school_name": school["short_name"]}
    known = pl.read_parquet(listed.classes).with_columns(**{name: pl.lit(text) for name, text in own.items()})
    known.write_parquet(listed.classes)
    path = write_template(listed, name, "chainsky", AS_OF, to=tmp_path / "with.xlsx")
    os.utime(path, (NOON, NOON))
    (left,) = check([path], Options(register=register), listed)
    assert (left.verdict, [finding.rule for finding in left.findings]) == ("refused", ["COM-015"])
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    columns = columns_of(form_named(name))
    heading = next(row for row in range(1, 20) if sheet.cell(row, 1).value == columns[0].title)
    (good, *_) = truth_of(name, "chainsky", region)
    filled = {**good, **own, "grade": "8", "letter": "А"}
    for place, column in enumerate(columns, start=1):
        sheet.cell(heading + 1, place).value = entered(column, filled.get(column.name))
    book.save(path)
    os.utime(path, (NOON, NOON))
    (outcome,) = check([path], Options(register=register), listed)
    assert (outcome.verdict, outcome.rows.loaded) == ("accepted", 1)
