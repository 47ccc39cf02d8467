"""`profmin template`: a workbook to fill in, with what is known of its sender filled in already."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import polars as pl

from contracts.due import month_owed
from contracts.form import Form
from contracts.forms import FORMS
from contracts.grain import SCHOOL
from contracts.regions.pack import Region
from contracts.texts import phrases
from contracts.vocabulary import academic_year, campaign_at, rows_in
from documents.writing.template import template_xlsx
from flows.home.asked_region import asked_region
from flows.home.settings import Settings
from flows.home.usage import UsageError, write_anew
from flows.intake.readings import DeliveryFiles
from flows.intake.register_file import register_at_hand

Row = dict[str, str]


def write_template(
    settings: Settings,
    name: str,
    sender: str | None = None,
    as_of: dt.date | None = None,
    register: Path | None = None,
    to: Path | None = None,
    region: str | None = None,
) -> Path:
    """Write the template of a form, into the working folder unless `to` names a file or a folder; gives its path.

    It is of the sender's region, else of `region`, a code. Standard error says what could not be filled in. Raises
    UsageError for a form, a sender, a region or a date that has no template, and rather than write over a file: it may
    be filled in already.
    """
    form = fillable(name)
    home = asked_region(region, sender)
    owner = sender_of(form, sender, home)
    day = as_of or default_day(form, dt.datetime.now(home.zone).date(), home)
    if form.period == "campaign" and campaign_at(form.name, day, home.code) is None:
        raise UsageError(f"{day:%d.%m.%Y} кампании {form.name} нет; назовите дату из кампании, --as-of")
    path = destination(form, owner, to)
    named = owner["name"] if owner else None
    data = template_xlsx(form, day, named, known_rows(settings, form, home, sender, day, register), home.code)
    write_anew(path, data)
    return path


def fillable(name: str) -> Form:
    """The form of a name, if people fill it in."""
    filled = {form.name: form for form in FORMS if form.pupils is None}
    if name in filled:
        return filled[name]
    why = "не заполняют, её выгружают с платформы" if name in {form.name for form in FORMS} else "— нет такой формы"
    raise UsageError(f"«{name}» {why}; шаблоны есть у форм: {', '.join(filled)}")


def sender_of(form: Form, sender: str | None, region: Region) -> Row | None:
    """The sender named, if it owes the form, and only where the form is of many senders of a region."""
    owing = {row["sender"]: row for row in rows_in("senders", region.code) if row["kind"] == form.sender_kind}
    if sender is not None and sender not in owing:
        raise UsageError(f"«{sender}» не присылает {form.name}; присылают: {', '.join(owing)}")
    return owing[sender] if sender is not None and len(owing) > 1 else None


def default_day(form: Form, today: dt.date, region: Region) -> dt.date:
    """Today; of a form of months the last day of the month that is over, if it is owed; where no campaign of the form
    runs in the region today, the deadline of its last one."""
    if over := month_owed(form, today):
        return over
    campaigns = [row for row in rows_in("campaigns", region.code) if row["form"] == form.name]
    last = max(campaigns, key=lambda row: row["starts_on"], default=None)
    if form.period != "campaign" or last is None or campaign_at(form.name, today, region.code) is not None:
        return today
    return dt.date.fromisoformat(last["deadline"])


def destination(form: Form, sender: Row | None, to: Path | None) -> Path:
    """The file `to`; in a folder, by default the working folder, one called after the form and the sender."""
    stem = form.title if sender is None else phrases()["template.file"].format(form=form.title, sender=sender["name"])
    if to is None or to.is_dir():
        return (to or Path()) / f"{stem}.xlsx"
    return to


def known_rows(
    settings: Settings, form: Form, region: Region, sender: str | None, day: dt.date, register: Path | None = None
) -> list[Row]:
    """What is known beforehand: the sender's schools for a form with a row a school, its classes of the academic year
    for one that tells of classes."""
    if form.tells_of_classes:
        return classes(settings, sender, day)
    return schools(settings, region, sender, register) if form.grain == (SCHOOL,) else []


def classes(settings: Settings, sender: str | None, day: dt.date) -> list[Row]:
    """School, grade and letter of the sender's classes, by its list of levels of the academic year of a day."""
    if sender is None:
        sys.stderr.write("no classes are filled in: name their sender with --sender\n")
        return []
    listed = pl.read_parquet(settings.classes) if settings.classes.exists() else None
    year = academic_year(day)
    own = listed.filter(pl.col("sender") == sender, pl.col("academic_year") == year) if listed is not None else None
    if own is None or own.is_empty():
        sys.stderr.write(f"no classes are filled in: no list of levels of {sender} is loaded for {year}/{year + 1}\n")
        return []
    rows = own.select("school_code", "school_name", pl.col("grade").cast(pl.String), "letter").to_dicts()
    return [{name: text for name, text in row.items() if text is not None} for row in rows]


def schools(settings: Settings, region: Region, sender: str | None, register: Path | None) -> list[Row]:
    """Code and name of the sender's schools."""
    if sender is None:
        sys.stderr.write("no schools are filled in: name their sender with --sender\n")
        return []
    frame = register_at_hand(settings, register, DeliveryFiles(settings), region.code)
    if frame is None:
        sys.stderr.write("no schools are filled in: no register is loaded yet; name one with --register\n")
        return []
    own = frame.filter(pl.col("subordination") == sender).sort("school_code")
    if own.is_empty():
        sys.stderr.write(f"no schools are filled in: the register has none of {sender}\n")
    return own.select("school_code", school_name="short_name").to_dicts()
