"""Homes of one region or of two that lived the same two days: what `test_two_regions.py` compares."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import sqlalchemy as sa
from evidence import copied

from contracts.regions import read_from, region_named
from documents.demo import Region, Sizes, eve, of_pack, put, write_deliveries
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.publishing import publish_changes
from flows.intake.statements import OfficerStatement, state_nothing
from flows.messages.after_run import write_down
from flows.messages.reminders import remind
from flows.runs.ingest import ingest
from warehouse.incidents.handling import incidents
from warehouse.incidents.messages import listed
from warehouse.marts.published import mart
from warehouse.schema.upgrade import connect

DAY = dt.date(2023, 9, 8)
EVE = DAY - dt.timedelta(days=1)
SCHOOL = "МБОУ «СОШ № 5»"
TOLD = dt.datetime(2023, 9, 8, 16, 30, tzinfo=dt.UTC)
"""Half past six in the evening in Калининград, half past eleven at night in Томск."""
MORNING = dt.datetime(2023, 9, 8, 3, tzinfo=dt.UTC)
"""Ten in Томск, five in Калининград: Friday in both."""
OF_A_DAY = dt.timedelta(days=1)
OF_CLOCKS = ("known_at", "published_at", "changed_at")
"""Columns of marts that say when a home was at work."""
NUMBERS = re.compile(r"(№ ?|show |logs |\(№ )\d+")
MOMENTS = re.compile(r"\d\d\.\d\d\.\d{4} \d\d:\d\d")
SMALL = {"39": Sizes(seed=39, senders=60, schools=180, pupils=720, as_of=DAY),
         "69": Sizes(seed=69, senders=21, schools=84, pupils=420, as_of=DAY)}  # fmt: skip
KEPT = {"39": "a_u02", "69": "tomsk_city"}
"""Of each region a unit of which a school is called the same."""
SILENT = {"39": "a_u04", "69": "kedrovy"}
"""Of each a unit that has nothing to report."""


@dataclass(frozen=True)
class Home:
    """A home and its packs. Within it they are in force."""

    settings: Settings
    packs: Path
    engine: sa.Engine

    def __enter__(self) -> Home:
        read_from(self.packs)
        return self

    def __exit__(self, *_: object) -> None:
        read_from(None)


def truth(code: str) -> Region:
    """A region's files: a school of each is called the same, and one unit of each sends no report."""
    made = of_pack(region_named(code), SMALL[code])
    was = made.schools.filter(subordination=KEPT[code]).sort("school_code")["short_name"][0]

    def called(frame: pl.DataFrame, column: str) -> pl.DataFrame:
        return frame.with_columns(pl.col(column).replace({was: SCHOOL}))

    return replace(
        made,
        schools=called(made.schools, "short_name"),
        readiness=called(made.readiness, "school_name").filter(pl.col("reporting_unit") != SILENT[code]),
        pupils=called(made.pupils, "short_name"),
    )


@contextmanager
def lived(databases: Any, folder: Path, packs: Path, codes: tuple[str, ...]) -> Iterator[Home]:
    """A home of some regions that has lived both days, on a database that never knew another."""
    with databases.fresh("template0") as url:
        settings = Settings(home=folder / "home", database_url=url, vouched_channels="inbox,ingest", regions=packs)  # type: ignore[arg-type]
        settings.prepare()
        engine = connect(url)
        with Home(settings, packs, engine) as home:
            live(home, codes)
        yield home
        engine.dispose()


def live(home: Home, codes: tuple[str, ...]) -> None:
    """An evening with half of the reports; the day after the rest, corrections, and the word of a unit that it has
    nothing to report. What is told of it is told at fixed moments."""
    settings, engine = home.settings, home.engine
    for code in codes:
        put(eve.before(truth(code)), settings.inbox)
    night(home, codes, EVE)
    for code in codes:
        remind(engine, settings, region_named(code), MORNING - OF_A_DAY)
        write_down(engine, settings, region_named(code), TOLD - OF_A_DAY)
    for code in codes:
        region = truth(code)
        put(eve.corrections(region), settings.inbox)
        write_deliveries(region, settings.inbox)
        asked = OfficerStatement(SILENT[code], "readiness_report", "Методист", MORNING, "Школы закрыты")
        state_nothing(engine, asked, settings)
    night(home, codes, DAY)
    for code in codes:
        remind(engine, settings, region_named(code), MORNING)
        write_down(engine, settings, region_named(code), TOLD)


def night(home: Home, codes: tuple[str, ...], day: dt.date) -> None:
    """Take in what lies in the inbox, and publish a day of each region."""
    ingest([], Options(), home.settings)
    for code in codes:
        publish_changes(home.engine, home.settings, region_named(code), day, None)


@contextmanager
def another(databases: Any, home: Home, folder: Path) -> Iterator[Home]:
    """A copy of a home, to be changed; its packs are in force, and may be changed too."""
    home.engine.dispose()  # nothing may be connected to what is copied
    with copied(databases, home.settings, folder / "home") as settings:
        assert settings.database_url is not None
        engine = connect(settings.database_url.get_secret_value())
        with Home(settings, home.packs, engine) as made:
            yield made
        engine.dispose()


def published(home: Home, name: str, day: dt.date, code: str) -> pl.DataFrame:
    """The rows of a mart as a home has published them, without what its own clock says."""
    with home.engine.connect() as connection:
        frame = mart(connection, name, day, None, code)
    return frame.drop([column for column in OF_CLOCKS if column in frame.columns])


def told(home: Home, code: str, kind: str | None = None) -> list[tuple[object, ...]]:
    """Messages of a region, in order: to whom, by which way, what, about whom, when; without numbers of a home."""
    with home.engine.connect() as connection:
        messages = listed(connection, 10_000, region=code)
    return sorted(
        (
            message.recipient, message.channel, message.message_class, message.kind, message.sender or "",
            plainly(message.subject), plainly(message.body), message.created_at, message.not_before,
            tuple((each.what, each.form, each.sender) for each in message.attachments),
        )
        for message in messages
        if kind in (None, message.kind)
    )  # fmt: skip


def plainly(text: str) -> str:
    """A text without the numbers that a home gives, and moments of its own clock."""
    return MOMENTS.sub("<moment>", NUMBERS.sub(r"\1N", text))


def wrong(home: Home, code: str | None) -> list[tuple[object, ...]]:
    """Incidents of a region: what, whose, since when, and with which figures."""
    with home.engine.connect() as connection:
        found = [each for each in incidents(connection, closed_too=True) if each.region == code]
    return sorted(
        (each.condition, each.form or "", each.sender or "", each.subject, each.state, each.level, each.opened_at,
         plainly(json.dumps(without_ids(each.details), ensure_ascii=False, sort_keys=True)))
        for each in found
    )  # fmt: skip


def without_ids(details: Any) -> Any:
    return {name: value for name, value in details.items() if not name.endswith("_id") and name != "delivery"}


def receipts(home: Home, code: str) -> dict[str, Any]:
    """What lies in the outbox for the senders of a region: the cells of workbooks, the bytes of other files."""
    senders = {line["sender"] for line in region_named(code).lines("senders")}
    outbox = home.settings.outbox
    return {
        path.relative_to(outbox).as_posix(): cells(path) if path.suffix == ".xlsx" else path.read_bytes()
        for path in sorted(outbox.rglob("*"))
        if path.is_file() and path.relative_to(outbox).parts[0] in senders
    }


def cells(path: Path) -> list[tuple[str, str, object]]:
    """Sheet, address and value of every filled cell, without moments of a home's own clock."""
    book = openpyxl.load_workbook(path)
    return [
        (sheet.title, cell.coordinate, plainly(cell.value) if isinstance(cell.value, str) else cell.value)
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    ]


def everything(home: Home, code: str) -> dict[str, object]:
    """All that a region has in a home: every row of its history and of its runs, readings, publications, incidents and
    messages; its receipts."""
    rows: dict[str, object] = {}
    with home.engine.connect() as connection:
        tables = connection.execute(
            sa.text(
                "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.columns"
                " WHERE column_name = 'region' AND table_schema IN ('history', 'ops') ORDER BY 1"
            )
        ).scalars()
        for table in tables.all():
            select = sa.text(f"SELECT t::text FROM {table} t WHERE t.region = :region ORDER BY 1")
            rows[table] = connection.execute(select, {"region": code}).scalars().all()
    outbox = {path: path.read_bytes() for path in sorted(home.settings.outbox.rglob("*")) if path.is_file()}
    senders = {line["sender"] for line in region_named(code).lines("senders")}
    rows["outbox"] = {
        path.relative_to(home.settings.outbox).as_posix(): data
        for path, data in outbox.items()
        if path.relative_to(home.settings.outbox).parts[0] in senders
    }
    return rows | {"messages": told(home, code)}
