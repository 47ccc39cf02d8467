"""What the tests of flows look at: files of the region, and everything that a database holds."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import sqlalchemy as sa
from pydantic import SecretStr

from contracts.forms import FORMS, RULES
from contracts.versions import rule_versions as versions
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from transforms.findings import finding
from transforms.rows.contract import contract
from warehouse.schema.upgrade import connect

NAME = "Секретов Тайник Скрытович"
BORN = dt.date(2009, 12, 31)
TRACES = ("Секретов", "Тайник", "Скрытович", "СЕКРЕТОВ", "31.12.2009", "2009-12-31", "tainik@example.org")
COLUMNS = {"name": ("фио",), "born": ("дата рождения", "др"), "grade": ("класс (без буквы)", "класс"),
           "mail": ("электронная почта",)}  # fmt: skip


@contextmanager
def taken_in(databases: Any, home: Path, *files: Path) -> Iterator[Settings]:
    """A new home and database in which files of the region are taken in from the inbox and published: copy them."""
    with databases.fresh() as url:
        made = Settings(home=home, database_url=url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]
        take_in(made, *files)
        yield made


def take_in(settings: Settings, *files: Path) -> None:
    """Put files of the region into the inbox of a new home, and take them in and publish."""
    settings.prepare()
    for file in files:
        folder = settings.inbox / file.parent.name
        folder.mkdir(exist_ok=True)
        shutil.copy2(file, folder)
    ingest([], Options(), settings)


@contextmanager
def copied(databases: Any, lived: Settings, home: Path) -> Iterator[Settings]:
    """A copy of a home and its database, with which nothing works any more."""
    shutil.copytree(lived.home, home, symlinks=True)
    assert lived.database_url is not None
    with databases.fresh(sa.make_url(lived.database_url.get_secret_value()).database) as url:
        yield at(home, lived, database_url=SecretStr(url))


def at(home: Path, like: Settings, **changes: Any) -> Settings:
    """The settings of a home like those of another, whose folders it does not have."""
    stated = like.model_dump(include=like.model_fields_set)
    return Settings(**(stated | {"home": home} | changes))


@contextmanager
def engine_of(settings: Settings) -> Iterator[sa.Engine]:
    """An engine on the database of a home that has one of its own."""
    assert settings.database_url is not None
    made = connect(settings.database_url.get_secret_value())
    try:
        yield made
    finally:
        made.dispose()


def picked(files: Path, *names: str) -> dict[str, Path]:
    """Files of the region by the beginning of `sender/file`."""
    whole = [path for path in sorted(files.rglob("*")) if path.is_file()]
    return {name: next(path for path in whole if str(path.relative_to(files)).startswith(name)) for name in names}


def all_text(engine: sa.Engine) -> str:
    """Everything that the tables of a database hold, bytes as their Latin-1 text."""
    told = []
    with engine.connect() as connection:
        tables = connection.execute(
            sa.text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
        ).scalars()
        for table in tables.all():
            told += [str(row) for row in connection.execute(sa.text(f"SELECT t::text FROM {table} t")).scalars()]
            columns = connection.execute(
                sa.text(
                    "SELECT attname FROM pg_attribute"
                    " WHERE attrelid = to_regclass(:table) AND atttypid = 'bytea'::regtype"
                ),
                {"table": table},
            ).scalars()
            for column in columns.all():
                values = connection.execute(sa.text(f'SELECT "{column}" FROM {table}')).scalars()
                told += [bytes(value).decode("latin-1") for value in values if value is not None]
    return "\n".join(told)


def planted(original: Path, path: Path, damage: str) -> Path:
    """The export with our pupil in a good row, in a row of a wrong grade, and in cells where he does not belong."""
    book = openpyxl.load_workbook(original)
    sheet = book.worksheets[0]
    heading = next(
        row for row in sheet.iter_rows() if any(str(cell.value).strip().lower() in COLUMNS["name"] for cell in row)
    )
    places = {
        what: cell.column
        for what, words in COLUMNS.items()
        for cell in heading
        if str(cell.value).strip().lower() in words
    }
    first = heading[0].row + 1
    for row in (first, first + 1, first + 2):
        sheet.cell(row, places["name"]).value = NAME
        if "born" in places:
            sheet.cell(row, places["born"]).value = BORN.strftime("%d.%m.%Y")
        if "mail" in places:
            sheet.cell(row, places["mail"]).value = "tainik@example.org"
    sheet.cell(first + 1, places["grade"]).value = 3
    sheet.cell(first + 2, places["grade"]).value = NAME if damage == "cell" else 12
    if "born" in places:
        sheet.cell(first + 3, places["born"]).value = f"{NAME} 31.12.2009"
    if damage == "heading":
        sheet.cell(heading[0].row, places["grade"]).value = "Неведомый столбец"
    elif damage == "no headings":
        sheet.delete_rows(1, heading[0].row)
    elif damage == "school":
        school = next(cell.column for cell in heading if "организация" in str(cell.value).lower())
        for row, text in enumerate((f"{NAME}, школа № 1", NAME, f"МБОУ СОШ {NAME}"), start=first + 4):
            sheet.cell(row, school).value = text
    elif damage == "beside":
        sheet.cell(heading[0].row, len(heading) + 1).value = NAME
        sheet.cell(first, len(heading) + 1).value = f"Примечание: {NAME}"
    elif damage == "sheet":
        sheet.title = NAME
        sheet.cell(first + 5, places["grade"]).value = "седьмой"
    elif damage == "note":
        last = sheet.max_row
        sheet.cell(last + 2, 1).value = f"Итого: {NAME}"
        sheet.cell(last + 3, 1).value = f"Исполнитель: {NAME} 31.12.2009"
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def assert_nowhere(told: str, what: str) -> None:
    assert [trace for trace in TRACES if trace in told] == [], f"a pupil's data in {what}"


def severity(rule: str, severity: str) -> None:
    """Change a rule of a form, as a new version of the contracts would."""
    form = next(form for form in FORMS if any(each.id == rule for each in form.rules))
    for edition in form.editions:
        changed = tuple(replace(each, severity=severity) if each.id == rule else each for each in edition.rules)
        object.__setattr__(edition, "rules", changed)
    RULES[rule] = next(each for each in form.rules if each.id == rule)
    contract.cache_clear()
    versions.rules_of.cache_clear()
    finding.texts.cache_clear()
