"""What comes from offices and platforms rather than from districts: register, plan, pupil export, summaries."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import polars as pl

from contracts.forms.readiness_summary import form as readiness_summary
from contracts.forms.registration_export import form as registration_export
from contracts.forms.registration_summary import form as registration_summary
from contracts.forms.school_register import form as school_register
from contracts.vocabulary import academic_year
from documents.demo.data import rows
from documents.demo.fictional_pupils import COUNTERS, fill
from documents.demo.region import Region
from documents.demo.sheets import Cell, Page, workbook

EXPORT_COLUMNS = (
    "municipality", "school_name", "full_name", "birth_date", "grade", "grade_letter", "verification", "last_login",
    "archived_on", *COUNTERS,
)  # fmt: skip
EXPORT_TITLE = "Сводный отчёт по ученикам"
WORKBOOK_ROWS = 100_000  # more pupils than this come as a text file
WRONG_CELLS = (
    ("grade", "15", "COM-041"),
    ("school_name", "МБОУ «СОШ, которой нет в реестре»", "COM-038"),
    ("verification", "подтверждён частично", "COM-034"),
    ("archived_on", None, "REX-004"),
    ("grade", "шесть", "COM-030"),
    ("grade", "5", "REX-001"),
)


def september(region: Region) -> dt.date:
    """The first day of the academic year: the date of the register and of the plan."""
    return dt.date(academic_year(region.as_of), 9, 1)


def register(region: Region, day: dt.date | None = None) -> bytes:
    """The register of schools: codes as text, territory and subordination by their names; of September, or of a day."""
    names = _unit_names(region)
    columns = {c.name: c.title for c in school_register.COLUMNS if c.name != "inn"}
    page = Page(
        "Реестр",
        [["Реестр общеобразовательных организаций"], [f"по состоянию на {_russian(day or september(region))}"]],
    )
    page.rows.append(list(columns.values()))
    page.heading, page.wide = range(2, 3), (1, 2, 3, 4)
    for school in region.schools.to_dicts():
        school |= {key: names[school[key]] for key in ("territory", "subordination")}
        school["grades"] = school["grades"].replace("-", "–")
        page.rows.append([school[name] for name in columns])
    return workbook([page])


def plan(region: Region) -> bytes:
    """The registration plan with its total."""
    names = _unit_names(region)
    page = Page("План", [["План регистрации обучающихся на «Билет в будущее» на учебный год"], []])
    page.rows.append(["№", "Муниципальное образование", "План, чел.", "Основание"])
    page.heading, page.wide = range(2, 3), (1, 3)
    for number, row in enumerate(region.plan.to_dicts(), start=1):
        page.rows.append([number, names[row["reporting_unit"]], row["plan_pupils"], row["plan_source"]])
    page.rows.append([None, "Итого", int(region.plan["plan_pupils"].sum())])
    return workbook([page])


def readiness_table() -> bytes:
    """The published summary of readiness, cell by cell as printed."""
    headings = ["№", *(column.title for column in readiness_summary.COLUMNS)]
    return _as_printed("readiness_2023", "МОНИТОРИНГ ГОТОВНОСТИ ШКОЛ К РЕАЛИЗАЦИИ ПРОФМИНИМУМА", headings)


def registration_table() -> bytes:
    """The published summary of registration, cell by cell as printed, with its split heading."""
    titles = [c.title if c.name != "completion_rate" else "% выполнени я" for c in registration_summary.COLUMNS]
    title = "МОНИТОРИНГ РЕГИСТРАЦИИ ШКОЛЬНИКОВ НА ПЛАТФОРМЕ БИЛЕТ В БУДУЩЕЕ"
    return _as_printed("registration_2023", title, ["№", *titles])


def _as_printed(table: str, title: str, headings: list[str]) -> bytes:
    page = Page("Мониторинг", [[title], list(headings)], heading=range(1, 2), wide=(1,))
    for row in rows(table):
        texts = [text for name, text in row.items() if name != "reporting_unit"]
        page.rows.append([int(text) if text.isdigit() else text or None for text in texts])
    return workbook([page])


def export(region: Region) -> tuple[str, bytes]:
    """File ending and bytes of the platform's pupil export; a text file when there are very many pupils."""
    frame = _export_text(region.pupils, region)
    if frame.height > WORKBOOK_ROWS:
        buffer = io.BytesIO()
        _write_csv(buffer, frame, region)
        return "csv", buffer.getvalue()
    page = Page("Отчёт", [[line] for line in _preamble(region)], heading=range(2, 3), wide=(0, 1, 2))
    page.rows.append(list(_export_headings().values()))
    numeric = {"grade", *COUNTERS}
    for row in frame.iter_rows(named=True):
        cells: list[Cell] = [int(text) if name in numeric and text else text for name, text in row.items()]
        page.rows.append(cells)
    return "xlsx", workbook([page])


def _export_text(pupils: pl.DataFrame, region: Region) -> pl.DataFrame:
    """Pupils as the platform writes them, every column String: names of territories, dates as dd.mm.yyyy, «Нет»."""
    municipality = pl.col("territory").replace_strict(_unit_names(region), return_dtype=pl.String)
    return pupils.select(
        municipality=municipality,
        school_name="short_name",
        full_name="full_name",
        birth_date=pl.col("birth_date").dt.to_string("%d.%m.%Y"),
        grade=pl.col("grade").cast(pl.String),
        grade_letter="grade_letter",
        verification=pl.col("verification").replace_strict(
            {"verified": "Верифицирован", "unverified": "Не верифицирован"}, return_dtype=pl.String
        ),
        last_login=pl.col("last_login").dt.to_string("%d.%m.%Y").fill_null("Нет"),
        archived_on=pl.col("archived_on").dt.to_string("%d.%m.%Y").fill_null("Нет"),
        **{counter: pl.col(counter).cast(pl.String) for counter in COUNTERS},
    )


def write_export_csv(path: Path, rows: int, region: Region, bad_share: float, seed: int) -> pl.DataFrame:
    """Write a `;` UTF-8 export of any number of pupils over the region's schools; the known share of rows is broken.

    Gives the broken rows: `row` (of the file, counted from 1, with preamble and heading), `column`, `rule`.
    """
    states = ["registered"] * 9 + ["unverified", "archived"]
    n = pl.col("n")
    spread = pl.select(n=pl.int_range(rows)).with_columns(
        school=n * region.schools.height // max(rows, 1),
        state=pl.lit(pl.Series(states)).gather((n * 7 + seed) % len(states)),
    )
    schools = region.schools.select("short_name", "territory", "grades").with_row_index("school")
    pupils = fill(
        spread.join(schools.cast({"school": pl.Int64}), on="school", maintain_order="left").drop("school", "n"),
        region.as_of,
        seed,
    )
    frame = _export_text(pupils, region).with_row_index("n").with_columns(n.cast(pl.Int64))
    bad = round(rows * bad_share)
    step = rows // bad if bad else rows + 1
    which = pl.when((n % step == step // 2) & (n // step < bad)).then(n // step % len(WRONG_CELLS))
    late = _russian(region.as_of + dt.timedelta(days=40))
    for i, (column, text, _) in enumerate(WRONG_CELLS):
        frame = frame.with_columns(
            pl.when(which == i).then(pl.lit(text or late)).otherwise(pl.col(column)).alias(column)
        )
    broken = frame.select(row=n + len(_preamble(region)) + 2, which=which).drop_nulls()
    with path.open("wb") as file:
        _write_csv(file, frame.drop("n"), region)
    return broken.select(
        "row",
        column=pl.lit(pl.Series([column for column, _, _ in WRONG_CELLS])).gather("which"),
        rule=pl.lit(pl.Series([rule for _, _, rule in WRONG_CELLS])).gather("which"),
    )


def _write_csv(file: io.BufferedWriter | io.BytesIO, frame: pl.DataFrame, region: Region) -> None:
    for line in _preamble(region):
        file.write(f"{line}{';' * (frame.width - 1)}\n".encode())
    frame.rename(_export_headings()).write_csv(file, separator=";")


def _preamble(region: Region) -> tuple[str, str]:
    return EXPORT_TITLE, f"Дата формирования: {_russian(region.as_of)}"


def _export_headings() -> dict[str, str]:
    columns = registration_export.COLUMNS_2025
    return {column.name: column.title for column in columns if column.name in EXPORT_COLUMNS}


def _unit_names(region: Region) -> dict[str, str]:
    return dict(region.units.select("reporting_unit", "name").iter_rows())


def _russian(day: dt.date) -> str:
    return day.strftime("%d.%m.%Y")
