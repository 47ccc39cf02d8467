"""How things stand, gathered for `profmin status` out of one snapshot, and as one JSON document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from contracts.regions import regions
from contracts.versions import inputs
from contracts.versions.inputs import TITLES
from contracts.versions.rule_versions import UNLISTED, contract_version, in_force
from flows.home.connection import warehouse
from flows.home.json_output import Document, plain
from flows.home.settings import Settings
from flows.runs.freshness import is_stale
from flows.service.control import ServiceStatus, ask_service
from warehouse.backfill.older_rules import by_older_rules
from warehouse.deliveries.runs import last_nights, last_others
from warehouse.schema.calendar import calendars_wanted
from warehouse.schema.input_versions import by_older_inputs
from warehouse.watch.ages import Export, ages
from warehouse.watch.standing import (
    LastPublication,
    deliveries_waiting,
    freshness_of_marts,
    has_register,
    is_set_up,
    last_published,
    messages_unsent,
    only_reading,
    open_backfills,
    open_incidents,
    senders,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

NIGHTS_SHOWN, OTHERS_SHOWN = 5, 3


@dataclass(frozen=True)
class Status:
    """How things stand at a moment; `unlisted` are forms whose rules nobody wrote into the table of versions,
    `inputs_unlisted` inputs; `older_inputs` are published dates that a version listed since would judge.

    `service` is what the service of this home says of itself; None when none runs. `calendars` are years whose working
    days are missing or provisional.
    """

    now: dt.datetime
    service: ServiceStatus | None
    published: LastPublication | None
    marts: pl.DataFrame
    exports: tuple[Export, ...]
    nights: pl.DataFrame
    runs: pl.DataFrame
    senders: pl.DataFrame
    incidents: pl.DataFrame
    messages: pl.DataFrame
    waiting: pl.DataFrame
    has_register: bool
    backfills: pl.DataFrame
    older: pl.DataFrame
    older_inputs: pl.DataFrame
    unlisted: tuple[str, ...]
    inputs_unlisted: tuple[str, ...]
    calendars: tuple[tuple[int, str], ...]

    def document(self) -> Document:
        """One JSON document; times in UTC."""
        exports = [plain({**vars(export), "is_stale": is_stale(export)}) for export in self.exports]
        return {
            "now": self.now.isoformat(),
            "service": self.service,
            "published": self.published and plain(self.published._asdict()),
            "exports": exports,
            **{
                name: [plain(row) for row in frame.iter_rows(named=True)]
                for name, frame in (
                    ("marts", self.marts), ("nights", self.nights), ("runs", self.runs), ("senders", self.senders),
                    ("incidents", self.incidents), ("messages", self.messages), ("waiting", self.waiting),
                    ("backfills", self.backfills), ("judged_by_older_rules", self.older),
                )
            },
            "has_register": self.has_register,
            "read_again": [command_to_read_again(frame) for frame in of_forms(self.older)],
            "rules_not_listed": list(self.unlisted),
            "judged_by_older_inputs": [
                {**plain(row), "judge_again": command_to_judge_again(row)}
                for row in self.older_inputs.iter_rows(named=True)
            ],
            "inputs_not_listed": list(self.inputs_unlisted),
            "calendars_wanted": [{"year": year, "state": state} for year, state in self.calendars],
        }  # fmt: skip


def status(settings: Settings, now: dt.datetime | None = None) -> Status | None:
    """How things stand, by default now; None when there is no database yet, and none is made."""
    if not has_database(settings):
        return None
    with warehouse(settings) as engine:
        return _status_of(engine, settings, now or dt.datetime.now(dt.UTC))


def has_database(settings: Settings) -> bool:
    """Is there a warehouse? The embedded server is not started for the answer."""
    if settings.database_url is None:
        return (settings.pgdata / "PG_VERSION").exists()
    return is_set_up(settings.database_url.get_secret_value())


def _status_of(engine: Engine, settings: Settings, now: dt.datetime) -> Status:
    snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with snapshot as connection, connection.begin():
        only_reading(connection)
        region = regions()[0].code
        return Status(
            now=now,
            service=ask_service(settings.home, "status") if settings.home.is_dir() else None,
            published=last_published(connection, region),
            marts=freshness_of_marts(connection, region),
            exports=ages(connection, region, now.astimezone(ZoneInfo(settings.timezone)).date()).exports,
            nights=last_nights(connection, NIGHTS_SHOWN),
            runs=last_others(connection, OTHERS_SHOWN),
            senders=senders(connection, region),
            incidents=open_incidents(connection),
            messages=messages_unsent(connection),
            waiting=deliveries_waiting(connection, contract_version()),
            has_register=has_register(connection, region),
            backfills=open_backfills(connection),
            older=by_older_rules(connection),
            older_inputs=by_older_inputs(connection),
            unlisted=tuple(version.form for version in in_force() if version.version == UNLISTED),
            inputs_unlisted=tuple(name for _, name in inputs.changed()),
            calendars=tuple(calendars_wanted(connection, now.astimezone(ZoneInfo(settings.timezone)).date())),
        )


def command_to_read_again(older: pl.DataFrame) -> str:
    """The command that plans reading a form again where older rules judged it."""
    first, last = span(older)
    return (
        f"profmin backfill plan --form {older['form'][0]} --from {first} --to {last} "
        f'--reason "Правила версии {versions(older, "judges")}"'
    )


def command_to_judge_again(row: dict[str, Any]) -> str:
    """The command that plans judging published dates by a version of an input that was listed since."""
    return (
        f"profmin backfill plan --input {row['input']} --from {row['from_as_of']} --to {row['to_as_of']} "
        f'--reason "Версия {row["judges"]}: {TITLES.get(row["input"], row["input"])}"'
    )


def versions(older: pl.DataFrame, column: str) -> str:
    """The versions named in a column, in order."""
    return ", ".join(older[column].drop_nulls().unique().sort())


def span(older: pl.DataFrame) -> tuple[dt.date, dt.date]:
    """The first and the last date."""
    return min(older["from_as_of"]), max(older["to_as_of"])


def of_forms(older: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of each form, in their order."""
    if not older.is_empty():
        yield from older.partition_by("form", maintain_order=True)
