"""`profmin subject`: what is held of one pupil, for a parent who asks, and its destruction.

Name and birth date are typed at a prompt: nothing of them is in the arguments of a process, a log or the database.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import typer

from contracts.forms import FORMS
from contracts.vocabulary import academic_year
from flows.home.connection import warehouse
from flows.home.pupil_key import PupilSecrets
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.home.whole_file import replace
from flows.upkeep.retention import destroy_deliveries
from transforms.rows.identity import identities
from warehouse.schema.restricted import Held, held, note_access, refused_exports, school_ids

if TYPE_CHECKING:
    from sqlalchemy import Engine

GRADES = range(5, 12)
LETTERS = (None, *"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ")
"""Of classes by which a pupil without a birth date is told apart; one of another letter is not found so."""
STATES = {1: "учтён", 2: "не верифицирован", 3: "в архиве"}
REASON = "Требование субъекта персональных данных или его представителя (часть 1 статьи 14, статья 21 152-ФЗ)"
BY_BIRTH_DATE, BY_CLASS = "по имени и дате рождения", "по имени и классу, даты рождения в выгрузке нет"
NOT_HERE = (
    "не найдено. Это не значит, что файлов с этим именем нет: ищется точное написание; без даты рождения — по школе, "
    "классу и букве русского алфавита; списки работников не просматриваются"
)
NOT_SEARCHED = (
    "Не просмотрены строки, отложенные при чтении, и отклонённые выгрузки: он может быть назван и в них. Отклонённых и "
    "неопознанных файлов за эти учебные годы в архиве: {}"
)


@dataclass(frozen=True)
class Row:
    """A row that is held, and whether it was found by name and birth date; else by the name in some class."""

    held: Held
    by_birth_date: bool

    @property
    def told(self) -> dict[str, object]:
        """For the parent: no pseudonym, no name."""
        row = self.held
        return {
            "форма": row.form_title, "отправитель": row.sender, "за дату": row.as_of.isoformat(),
            "номер школы в системе": row.school_id, "класс": row.grade, "состояние": STATES[row.state],
            "найдено": BY_BIRTH_DATE if self.by_birth_date else BY_CLASS,
            "доставка": row.delivery_id,
        }  # fmt: skip


def show_subject(settings: Settings, to: Path | None, *, destroy: bool) -> int:
    """Ask for a pupil, tell what is held, and destroy it when that is asked for and confirmed; 1 when nothing is held.

    Raises UsageError for no date, Fault, GaveUp.
    """
    name = typer.prompt("Фамилия, имя, отчество", err=True).strip()
    born = _day(
        typer.prompt("Дата рождения, ДД.ММ.ГГГГ (пусто, если неизвестна)", default="", show_default=False, err=True)
    )
    settings.prepare()
    with warehouse(settings) as engine:
        with engine.begin() as connection:
            note_access(connection, getpass.getuser(), "subject --destroy" if destroy else "subject")
        rows = find(engine, settings, name, born)
        document = json.dumps([row.told for row in rows], ensure_ascii=False, indent=2) + "\n"
        if to is None:
            sys.stdout.write(document)
        else:
            replace(to, document.encode())
        if destroy or not rows:
            years = {academic_year(row.held.as_of) for row in rows}
            with engine.connect() as connection:
                refused = refused_exports(connection, [form.name for form in FORMS if form.pupils], years)
            typer.echo(NOT_SEARCHED.format(refused), err=True)
        if not rows:
            typer.echo(NOT_HERE, err=True)
            return 1
        typer.echo(f"строк: {len(rows)}, выгрузок: {len({row.held.delivery_id for row in rows})}", err=True)
        if destroy:
            _destroy(engine, settings, rows)
    return 0


def find(engine: Engine, settings: Settings, name: str, born: dt.date | None) -> list[Row]:
    """Every row of a pupil, of all academic years whose key is not destroyed: by name and birth date, and by the name
    in any class where the export has no birth date."""
    secrets = PupilSecrets(engine, settings)
    with engine.connect() as connection:
        schools = school_ids(connection)
    classes = pl.DataFrame({"school_id": schools}, schema={"school_id": pl.Int64})
    classes = classes.join(pl.DataFrame({"grade": list(GRADES)}, schema={"grade": pl.Int16}), how="cross")
    classes = classes.join(pl.DataFrame({"grade_letter": list(LETTERS)}), how="cross")
    undated = classes.with_columns(
        full_name=pl.lit(name), birth_date=pl.lit(None, pl.Date), school_name=pl.lit(None, pl.String)
    )
    dated = undated.head(1).with_columns(birth_date=pl.lit(born, pl.Date))
    years = secrets.years()
    rows = []
    for form in FORMS:
        if form.pupils is None:
            continue
        for year in years:
            secret = secrets.key + secrets.of_year(year)
            by_date = set() if born is None else set(identities(dated, form.pupils, secret)["pupil_key"])
            by_class = set(identities(undated, form.pupils, secret)["pupil_key"])
            with engine.connect() as connection:
                found = held(connection, year, by_date | by_class)
            rows += [Row(row, row.pupil_key in by_date) for row in found if row.form == form.name]
    return rows


def _destroy(engine: Engine, settings: Settings, rows: list[Row]) -> None:
    """Destroy the files that name the pupil, with all rows of them, when whoever asks for it types yes."""
    deliveries = sorted({row.held.delivery_id for row in rows})
    typer.echo(
        f"Будут уничтожены целиком {len(deliveries)} выгрузок, в которых он назван, со всеми строками: из файла нельзя "
        "убрать одного человека. Числа и витрины останутся; прочитать эти выгрузки снова будет нельзя. Пока его имя "
        "стоит на платформе, оно придёт со следующей выгрузкой: сначала его убирают там.",
        err=True,
    )
    if typer.prompt("Чтобы уничтожить, напишите: уничтожить", err=True).strip().lower() != "уничтожить":
        raise UsageError("nothing was destroyed", "ничего не уничтожено")
    for act in destroy_deliveries(engine, settings, deliveries, REASON, dt.datetime.now(dt.UTC)):
        typer.echo(f"акт на подпись: {settings.acts / act}", err=True)


def _day(text: str) -> dt.date | None:
    """Raises UsageError for what is no date; the text itself is not repeated."""
    if not text.strip():
        return None
    try:
        return dt.datetime.strptime(text.strip(), "%d.%m.%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise UsageError("that is not a date DD.MM.YYYY", "это не дата вида ДД.ММ.ГГГГ") from None
