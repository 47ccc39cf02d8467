"""The demonstration region says what the source printed, is wrong where it says so, and looks as people's files do."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import polars as pl
import pytest
from packs import write_regions

from contracts.forms import RULES, form_named
from contracts.grid import Sheet, Value
from contracts.regions import packs_in, read_from
from contracts.vocabulary import academic_year, words
from documents.demo import Region, Sizes, of_pack, synthetic, tomsk, write_deliveries, write_export_csv
from documents.demo.data import rows
from documents.demo.dress import STYLES
from documents.demo.mistakes import ALL
from documents.reading.read import read_grid
from transforms.cells.key import key

READINESS = form_named("readiness_report")
DATE = re.compile(r"\d{2}\.\d{2}\.\d{4}|\d{4}-\d{2}-\d{2}")
SENDERS_OF_OTHERS = ("department", "regional_operator")


@pytest.fixture(scope="module")
def region() -> Region:
    return tomsk()


@pytest.fixture(scope="module")
def files(region: Region, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_deliveries(region, tmp_path_factory.mktemp("inbox"))


@pytest.fixture(scope="module")
def small() -> Region:
    return synthetic(Sizes(seed=7, regions=2, senders=20, schools=600, pupils=900, bad_share=0.3))


def sheet(path: Path) -> Sheet:
    """The last sheet of a file: a cover may come first."""
    return read_grid(path.name, path.read_bytes()).sheets[-1]


def reports(files: list[Path]) -> list[Path]:
    return [path for path in files if path.parent.name not in SENDERS_OF_OTHERS]


def named(files: list[Path], start: str) -> Path:
    return next(path for path in files if path.name.startswith(start))


def known_headings(form: str) -> dict[str, str]:
    """Key of a heading → the column of the form that is called so."""
    columns = form_named(form).editions[0].columns
    return {key(heading): column.name for column in columns for heading in (column.title, *column.headings)}


def printed(value: Value) -> str:
    return "" if value is None else str(int(value)) if isinstance(value, float) else str(value)


def errors(region: Region) -> dict[str, set[str]]:
    """School code → the rules of severity error that its typed row breaks, by the contract's own expressions."""
    edition = READINESS.edition_at(region.as_of)
    frame = region.readiness.with_columns(
        as_of=pl.lit(region.as_of), academic_year_start=pl.lit(academic_year(region.as_of))
    )
    broken: dict[str, set[str]] = {code: set() for code in frame["school_code"]}
    for rule in edition.rules:
        if rule.severity == "error" and rule.check is not None:
            for code in frame.filter(~rule.check)["school_code"]:
                broken[code].add(rule.id)
    return broken


def test_units_count_as_the_source_prints(region: Region) -> None:
    counted = region.schools.group_by("subordination").agg(
        schools=pl.len(),
        **{status: (pl.col("status") == status).sum() for status in ("accepted", "rejected", "missing")},
    )
    found = {row[0]: row[1:] for row in counted.iter_rows()}
    for row in rows("readiness_2023"):
        if row["reporting_unit"]:
            columns = ("schools_total", "accepted", "rejected", "missing")
            assert found.pop(row["reporting_unit"]) == tuple(int(row[column]) for column in columns)
    assert not found


def test_territory_and_subordination_differ_for_region_run_schools(region: Region) -> None:
    by_territory = dict(region.schools["territory"].value_counts().iter_rows())
    assert (by_territory["tomsk_city"], by_territory["tomsky_district"]) == (65, 37)
    assert "tomsk_oblast_direct" not in by_territory
    assert region.schools.filter(pl.col("oktmo") == "69000000").is_empty()


def test_levels_and_coverage_are_those_of_the_source(region: Region) -> None:
    assert dict(region.schools["level"].value_counts().iter_rows()) == {"basic": 241, "main": 40, "advanced": 4}
    assert (region.schools["pupils_6_11"].sum(), region.schools["pupils_planned"].sum()) == (61_429, 43_000)
    assert region.readiness["navigators"].sum() > 350
    names = region.schools["short_name"].map_elements(key, return_dtype=pl.String)
    assert names.n_unique() == region.schools["school_code"].n_unique() == 285


def test_every_sender_has_one_report_with_its_schools(region: Region, files: list[Path]) -> None:
    assert len(reports(files)) == region.units.height == 21
    for path in reports(files):
        sent = region.readiness.filter(pl.col("reporting_unit") == path.parent.name)["school_name"]
        cells = {key(value) for row in sheet(path).rows for value in row if isinstance(value, str)}
        assert {key(name) for name in sent} <= cells, path.name
        others = region.schools.filter(pl.col("status") == "missing")["short_name"]
        assert not {key(name) for name in others} & cells


def test_reports_wear_many_styles(region: Region, files: list[Path]) -> None:
    assert region.units["style"].n_unique() >= 6
    texts = [path for path in files if path.suffix == ".csv"]
    assert len(texts) == 1
    assert ";" in texts[0].read_bytes().decode("cp1251")
    sheets = [sheet(path) for path in reports(files)]
    assert any(found.merged for found in sheets)
    assert any(found.used_range is not None and found.used_range.startswith("B") for found in sheets)
    cells = [value for found in sheets for row in found.rows for value in row if value is not None]
    text = [value for value in cells if isinstance(value, str)]
    assert {"Да", "да", "+", "ДА", "–", "-"} <= set(text)
    assert any("\u00a0" in value for value in text)
    assert any("  " in value for value in text)
    assert any(re.search(r"[COM](?=[А-Я])", value) for value in text)
    assert any(value.endswith("%") for value in text)
    assert any(isinstance(value, dt.date) for value in cells)
    assert any(isinstance(value, int | float) and 45_000 < value < 46_000 for value in cells)


@pytest.mark.parametrize("name", STYLES)
def test_headings_of_a_style_are_known_to_the_contract(name: str) -> None:
    known = known_headings("readiness_report")
    for column, upper, heading in STYLES[name].headings():
        full = f"{upper}: {heading}" if upper else heading
        assert known.get(key(full), known.get(key(heading))) == column, full
    given = {column for column, _, _ in STYLES[name].headings()}
    assert {c.name for c in READINESS.editions[0].required} <= given


@pytest.mark.parametrize("name", STYLES)
def test_words_of_a_style_are_in_the_vocabularies(name: str) -> None:
    known = {
        key(word) or word: code
        for vocabulary in ("answers", "levels", "weekdays", "positions")
        for word, code in words(vocabulary).items()
    }
    for code, spellings in STYLES[name].words.items():
        assert {known[key(spelling)] for spelling in spellings} == {code}


def test_every_report_states_one_date(region: Region, files: list[Path]) -> None:
    for path in reports(files):
        lines = [
            str(row[c]) for row in sheet(path).rows[:8] for c in (0, 1) if len(row) > c and isinstance(row[c], str)
        ]
        assert {date_of(text) for text in DATE.findall(" ".join([path.name, *lines]))} == {region.as_of}, path.name


def date_of(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%d.%m.%Y").date() if text[2] == "." else dt.date.fromisoformat(text)  # noqa: DTZ007


def test_wrong_rows_break_their_rules_and_correct_rows_none(region: Region, small: Region) -> None:
    assert region.faults.height == 18
    assert region.faults["rule"].n_unique() >= 10
    for truth in (region, small):
        broken = errors(truth)
        wrong = {row["school_code"]: row for row in truth.faults.iter_rows(named=True)}
        assert wrong.keys() == set(truth.schools.filter(pl.col("status") == "rejected")["school_code"])
        for code, rules in broken.items():
            fault = wrong.get(code)
            expected = {fault["rule"], *fault["also"]} if fault else set()
            assert rules == {rule for rule in expected if rule.startswith("RDY")}, (code, fault)


def test_every_fault_names_a_rule_that_exists() -> None:
    assert {fault.rule for fault in ALL} <= RULES.keys()
    assert {fault.column for fault in ALL} <= {column.name for column in READINESS.editions[0].columns}


def test_cells_that_are_no_value_stand_in_the_file(region: Region, files: list[Path]) -> None:
    for unit, raw in region.faults.filter(pl.col("raw") != "").select("reporting_unit", "raw").iter_rows():
        path = next(path for path in files if path.parent.name == unit)
        assert raw in {str(value) for row in sheet(path).rows for value in row}, raw


def test_one_total_is_out_of_date(region: Region, files: list[Path]) -> None:
    assert region.units["stale_total"].drop_nulls().to_list() == ["pupils_planned"]
    unit = region.units.filter(pl.col("stale_total").is_not_null())["reporting_unit"].item()
    path = next(path for path in files if path.parent.name == unit)
    planned = region.readiness.filter(pl.col("reporting_unit") == unit)["pupils_planned"].sum()
    totals = next(row for row in sheet(path).rows if "Итого:" in row)
    assert planned not in totals
    assert planned - 18 in totals


def test_no_personal_data_in_reports(region: Region, files: list[Path]) -> None:
    surnames = {row["surname_m"] for row in rows("pupil_names")}
    for path in reports(files):
        for row in sheet(path).rows:
            for value in row:
                if isinstance(value, str):
                    assert not re.search(r"фио|фамилия|телефон|почта|e-mail|@", value, re.IGNORECASE), value
                    assert not surnames & set(value.split())


def test_register_tells_territory_from_subordination(region: Region, files: list[Path]) -> None:
    table = sheet(named(files, "Реестр")).rows
    heading = [str(value) for value in table[2]]
    known = known_headings("school_register")
    columns = {known[key(text)]: place for place, text in enumerate(heading)}
    assert len(table) == 3 + 285
    codes = {row[columns["oktmo"]] for row in table[3:]}
    assert all(isinstance(code, str) and re.fullmatch(r"69\d{6}", code) for code in codes)
    apart = [row for row in table[3:] if row[columns["territory"]] != row[columns["subordination"]]]
    assert {row[columns["subordination"]] for row in apart} == {"Томская область"}
    assert len(apart) == 10


def test_export_counts_the_registered_of_the_source(region: Region, files: list[Path]) -> None:
    table = sheet(named(files, "Сводный отчёт")).rows
    assert table[1][0] == "Дата формирования: 08.09.2023"
    place = {str(text): c for c, text in enumerate(table[2])}
    names = dict(region.units.select("name", "reporting_unit").iter_rows())
    unit_of = {(row[0], key(row[1])): row[2] for row in
               region.schools.select("territory", "short_name", "subordination").iter_rows()}  # fmt: skip
    counted = dict.fromkeys(region.units["reporting_unit"], 0)
    people = set()
    for row in table[3:]:
        unit = unit_of[names[str(row[place["Муниципалитет"]])], key(str(row[place["Образовательная организация"]]))]
        people.add((row[place["ФИО"]], row[place["Дата рождения"]]))
        counted[unit] += row[place["Статус верификации"]] == "Верифицирован" and row[place["Дата архивации"]] == "Нет"
    printed_counts = {row["reporting_unit"]: int(row["actual"]) for row in rows("registration_2023")}
    assert counted == {unit: count for unit, count in printed_counts.items() if unit}
    assert len(table) - 3 > 4828
    assert len(people) == len(table) - 3
    assert (region.schools["registered"] <= region.schools["pupils_6_11"]).all()


def test_plan_is_that_of_the_source(files: list[Path]) -> None:
    table = sheet(named(files, "План")).rows
    source = rows("registration_2023")
    assert [printed(row[2]) for row in table[3:]] == [row["plan"] for row in source]


@pytest.mark.parametrize(
    ("file", "table", "heading"),
    [
        (
            "Мониторинг готовности",
            "readiness_2023",
            ["№", "Муниципальный район", "Кол-во школ реализующих Профминимум", "Верный отчёт", "%", "Неверный отчёт",
             "Не предоставлен отчёт"],
        ),
        (
            "Мониторинг регистрации",
            "registration_2023",
            ["№", "Муниципальный район", 'Кол-во детей НА РЕГИСТРАЦИЮ в проекте "Билет в будущее" ("План")',
             'Кол-во детей ЗАРЕГИСТРИРОВАННЫХ в проекте "Билет в будущее" ("Факт")', "% выполнени я", "Остаток"],
        ),
    ],
)  # fmt: skip
def test_summaries_are_as_printed(files: list[Path], file: str, table: str, heading: list[str]) -> None:
    cells = sheet(named(files, file)).rows
    assert cells[1] == heading
    expected = [[text for name, text in row.items() if name != "reporting_unit"] for row in rows(table)]
    assert [[printed(value) for value in row] for row in cells[2:]] == expected
    assert cells[4][1] == "Бак" + "char" + "ский муниципальный район"
    assert cells[-1][1] == "Итого:"


def test_same_seed_gives_the_same_bytes(files: list[Path], small: Region, tmp_path: Path) -> None:
    again = write_deliveries(tomsk(), tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]
    assert [path.name for path in again] == [path.name for path in files]
    sizes = Sizes(seed=7, regions=2, senders=20, schools=600, pupils=900, bad_share=0.3)
    first = write_deliveries(small, tmp_path / "first")
    second = write_deliveries(synthetic(sizes), tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_files_were_received_before_the_deadline(files: list[Path]) -> None:
    tomsk_time = dt.timezone(dt.timedelta(hours=7))
    days = {dt.datetime.fromtimestamp(path.stat().st_mtime, tomsk_time).date() for path in files}
    assert min(days) >= dt.date(2023, 9, 5)
    assert max(days) == dt.date(2023, 9, 8)


def test_synthetic_region_has_the_asked_sizes(small: Region) -> None:
    assert small.units.height == 20
    assert small.units["reporting_unit"].str.slice(0, 3).n_unique() == 2
    assert small.schools.height == small.schools["school_code"].n_unique() == 600
    assert small.schools["short_name"].n_unique() == 600
    assert small.pupils.filter(pl.col("state") == "registered").height == 900
    assert small.faults.height == pytest.approx(600 * 0.3, rel=0.3)
    assert small.units["style"].n_unique() == len(STYLES)
    assert set(small.aliases["reporting_unit"]) == set(small.units["reporting_unit"])
    assert (small.schools["pupils_planned"] <= small.schools["pupils_6_11"]).all()
    assert synthetic(Sizes(styles=3, senders=5, schools=40, pupils=10)).units["style"].n_unique() == 3


def test_large_export_knows_its_broken_rows(small: Region, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    broken = write_export_csv(path, 20_000, small, 0.005, seed=3)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("Дата формирования: 08.09.2023;")
    assert len(lines) == 3 + 20_000
    assert broken.height == 100
    assert broken["rule"].n_unique() == 6
    heading = lines[2].split(";")
    titles = {c.name: c.title for c in form_named("registration_export").editions[-1].columns}
    for row, column, rule in broken.head(6).iter_rows():
        value = lines[row - 1].split(";")[heading.index(titles[column])]
        known = {"COM-041": "15", "COM-034": "подтверждён частично", "COM-030": "шесть", "REX-001": "5"}
        assert value == known.get(rule, value)
    people = {tuple(line.split(";")[2:4]) for line in lines[3:]}
    assert len(people) == 20_000


def test_a_region_of_any_pack_is_that_of_its_units_and_clocks(tmp_path: Path) -> None:
    (amber, _) = packs_in(write_regions(tmp_path / "packs"))
    read_from(tmp_path / "packs")
    try:
        made = of_pack(amber)
        written = write_deliveries(made, tmp_path / "files")
        again = write_deliveries(of_pack(amber), tmp_path / "again")
    finally:
        read_from(None)
    assert (made.units.height, made.as_of) == (60, dt.date(2023, 9, 10))
    assert made.schools["school_code"].str.starts_with("39").all() and made.schools.height == 300
    assert {path.parent.name for path in written} <= {line["sender"] for line in amber.lines("senders")}
    assert {"a_department", "a_operator", "a_u01"} <= {path.parent.name for path in written}
    hours = {dt.datetime.fromtimestamp(path.stat().st_mtime, amber.zone).hour for path in written}
    assert min(hours) >= 9 and max(hours) <= 19, "people work by day, by their own clock"
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    assert 10 < made.faults.height < 40 and set(made.faults["kind"]) == {"error"}
