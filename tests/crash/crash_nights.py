"""Nights of a region of three units: what is published already, and what comes next."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl

from documents.demo import Region, exports, tomsk, write_deliveries
from documents.demo import fictional_pupils as pupils
from documents.demo.dress import STYLES
from documents.demo.programme import Unit
from documents.demo.programme_files import schools_by_unit, written
from documents.demo.reports import report

UNITS = ("bakcharsky", "kedrovy", "teguldetsky")
LOCAL = dt.timezone(dt.timedelta(hours=7), "Asia/Tomsk")
FIRST, SECOND = dt.date(2023, 9, 8), dt.date(2023, 9, 12)
LATER = dt.datetime.combine(SECOND, dt.time(14), LOCAL)
OPERATOR, DEPARTMENT = "regional_operator", "department"
CORRECTION, PART = "исправлено.xlsx", "часть"
ODD = os.fsdecode("фото\nкласса.xlsx".encode("cp1251"))
"""A name that is no UTF-8, with a line break."""


def small_region() -> Region:
    """Bakcharsky, Kedrovy and Teguldetsky of the source: 15 schools, two of them with a fault."""
    whole = tomsk()
    schools = whole.schools.filter(pl.col("subordination").is_in(UNITS))
    return replace(
        whole,
        units=_of_ours(whole.units),
        schools=schools,
        readiness=_of_ours(whole.readiness),
        faults=_of_ours(whole.faults),
        plan=_of_ours(whole.plan),
        pupils=whole.pupils.filter(pl.col("school_code").is_in(schools["school_code"].to_list())),
        published=False,
    )


def _of_ours(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("reporting_unit").is_in(UNITS))


def first_night(inbox: Path) -> None:
    """Register, plan, an export, and reports of two units."""
    region = small_region()
    late = region.units.filter(pl.col("reporting_unit") == "kedrovy")
    sent = region.readiness.filter(pl.col("reporting_unit") != "kedrovy")
    assert late.height == 1
    write_deliveries(replace(region, readiness=sent), inbox)


def correction(inbox: Path) -> None:
    """Between the two: Teguldetsky corrects its report."""
    region = small_region()
    _, data = _report(region, "teguldetsky", pl.col("pupils_total") + 1)
    put(inbox / "teguldetsky" / CORRECTION, data, dt.datetime.combine(FIRST, dt.time(23), LOCAL))


def second_night(inbox: Path) -> None:
    """After the deadline: an export and a part of it, which is held; a list of classes, and hours of them; a corrected
    report, one of before that is sent again after its correction, one in a zip archive; the plan under another name; a
    link, and files that are none."""
    region = small_region()
    noon = dt.datetime.combine(SECOND, dt.time(12), LOCAL)
    later = region.schools.with_columns(registered=pl.col("registered") + 1)
    there = replace(
        region, as_of=SECOND, pupils=pupils.fill(pupils.state_rows(later, region.seed), SECOND, region.seed)
    )
    ending, data = exports.export(there)
    put(inbox / OPERATOR / f"Сводный отчёт по ученикам {SECOND}.{ending}", data, noon)
    part = replace(there, pupils=there.pupils.head(there.pupils.height // 2))
    put(inbox / OPERATOR / f"Сводный отчёт по ученикам {SECOND} {PART}.{ending}", exports.export(part)[1], LATER)
    (plan,) = (inbox / OPERATOR).glob("План*.xlsx")
    put(inbox / OPERATOR / f"ещё раз {plan.name}", plan.read_bytes(), noon)
    (inbox / "teguldetsky" / CORRECTION).unlink()  # in a copy of a place each file is new, and those beside it too
    (before,) = (inbox / "teguldetsky").iterdir()
    put(before, before.read_bytes(), noon)
    for form in ("level_choice", "hours_delivered"):
        name, data = _of_classes(region, "bakcharsky", form)
        put(inbox / "bakcharsky" / name, data, noon)
    name, data = _report(region, "bakcharsky")
    put(inbox / "bakcharsky" / f"исправлено {name}", data, noon)
    name, data = _report(region, "kedrovy")
    packed = inbox / "kedrovy" / "письмо.zip"
    packed.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), data)
        archive.writestr(zipfile.ZipInfo("приказ.docx.xlsx"), b"%PDF-1.7")
    put(packed, packed.read_bytes(), noon)
    put(inbox / "kedrovy" / ODD, b"\xff\xd8\xff\xe0" * 50, noon)
    (inbox / "kedrovy" / "ссылка.xlsx").symlink_to("/etc/hostname")


def third_night(inbox: Path) -> None:
    """A new register, which concerns every date."""
    region = small_region()
    grown = replace(region, schools=region.schools.with_columns(pupils_6_11=pl.col("pupils_6_11") + 1))
    noon = dt.datetime.combine(SECOND + dt.timedelta(days=1), dt.time(12), LOCAL)
    put(inbox / DEPARTMENT / f"Реестр школ {SECOND}.xlsx", exports.register(grown, SECOND), noon)


def _report(region: Region, unit: str, *changed: pl.Expr) -> tuple[str, bytes]:
    """The report of a unit without the rows that are wrong, in columns that are changed: its name and its bytes."""
    (about,) = region.units.filter(pl.col("reporting_unit") == unit).to_dicts()
    wrong = set(region.faults["school_code"])
    rows = region.readiness.filter(pl.col("reporting_unit") == unit).with_columns(*changed).to_dicts()
    kept = [row for row in rows if row["school_code"] not in wrong]
    return report(STYLES[about["style"]], about, kept, {}, region.as_of)


def _of_classes(region: Region, unit: str, form: str) -> tuple[str, bytes]:
    """What a unit sends of its classes: the list that defines them, or what it says of them; its name and its bytes."""
    (about,) = region.units.filter(pl.col("reporting_unit") == unit).to_dicts()
    document = written(form, about, Unit(unit, region.seed, SECOND, schools_by_unit(region)[unit]))
    assert document is not None
    return document


def put(path: Path, data: bytes, received: dt.datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (received.timestamp(), received.timestamp()))
