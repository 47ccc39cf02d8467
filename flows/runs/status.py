"""How things stand, gathered for `profmin status` out of one snapshot, and as one JSON document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from contracts.regions import only_region, zone_of
from contracts.regions.pack import Region
from contracts.versions import inputs
from contracts.versions.inputs import TITLES
from contracts.versions.rule_versions import UNLISTED, contract_version, in_force
from flows.home.asked_region import asked_regions
from flows.home.bi_database import replica_of
from flows.home.connection import warehouse
from flows.home.json_output import Document, plain
from flows.home.settings import Settings
from flows.intake.receiving import still_unread
from flows.runs.freshness import is_stale
from flows.service.control import ServiceStatus, ask_service
from warehouse.backfill.older_rules import by_older_rules
from warehouse.deliveries.runs import last_nights, last_others
from warehouse.schema.calendar import calendars_wanted
from warehouse.schema.input_versions import by_older_inputs
from warehouse.server.replica import Replica
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
    from sqlalchemy import Connection, Engine

NIGHTS_SHOWN, OTHERS_SHOWN = 5, 3


@dataclass(frozen=True)
class Standing:
    """How things stand in a region; `unlisted` are forms whose rules nobody wrote into the table of versions."""

    region: Region
    published: LastPublication | None
    marts: pl.DataFrame
    exports: tuple[Export, ...]
    nights: pl.DataFrame
    runs: pl.DataFrame
    senders: pl.DataFrame
    incidents: pl.DataFrame
    waiting: pl.DataFrame
    has_register: bool
    unlisted: tuple[str, ...]

    def about(self) -> Document:
        """What is not said in lists."""
        return {
            "region": self.region.code,
            "name": self.region.name,
            "published": self.published and plain(self.published._asdict()),
            "has_register": self.has_register,
            "rules_not_listed": list(self.unlisted),
        }


@dataclass(frozen=True)
class Status:
    """How things stand at a moment, region by region; `runs` and `incidents` are those of the installation alone.
    `inputs_unlisted` are inputs that nobody listed, `older_inputs` published dates that a version listed since would
    judge.

    `service` is what the service of this home says of itself; None when none runs. `calendars` are years whose working
    days are missing or provisional; `replica` is None where the settings name none.
    """

    now: dt.datetime
    service: ServiceStatus | None
    standings: tuple[Standing, ...]
    runs: pl.DataFrame
    incidents: pl.DataFrame
    messages: pl.DataFrame
    backfills: pl.DataFrame
    older: pl.DataFrame
    older_inputs: pl.DataFrame
    inputs_unlisted: tuple[str, ...]
    calendars: tuple[tuple[int, str], ...]
    replica: Replica | None

    def document(self) -> Document:
        """One JSON document; times in UTC. What is of a region says so; of one alone the document has at its top what
        `regions` says of each."""
        exports = [
            plain({"region": each.region.code, **vars(export), "is_stale": is_stale(export)})
            for each in self.standings
            for export in each.exports
        ]
        of_regions = {
            name: [
                {"region": each.region.code, **plain(row)}
                for each in self.standings
                for row in getattr(each, name).iter_rows(named=True)
            ]
            for name in ("marts", "nights", "runs", "senders", "incidents", "waiting")
        }
        for name in ("runs", "incidents"):
            of_none = [plain(row) for row in getattr(self, name).iter_rows(named=True)]
            of_regions[name] = [*of_none, *of_regions[name]]
        about = [each.about() for each in self.standings]
        return {
            "now": self.now.isoformat(),
            "service": self.service,
            "bi_replica": self.replica and {
                "state": self.replica.state, "lag_seconds": self.replica.seconds, "lag_bytes": self.replica.missing,
            },
            "regions": about,
            **(about[0] if len(about) == 1 else {}),
            "exports": exports,
            **of_regions,
            **{
                name: [plain(row) for row in frame.iter_rows(named=True)]
                for name, frame in (
                    ("messages", self.messages), ("backfills", self.backfills), ("judged_by_older_rules", self.older),
                )
            },
            "read_again": [command_to_read_again(frame) for frame in of_forms(self.older)],
            "judged_by_older_inputs": [
                {**plain(row), "judge_again": command_to_judge_again(row)}
                for row in self.older_inputs.iter_rows(named=True)
            ],
            "inputs_not_listed": list(self.inputs_unlisted),
            "calendars_wanted": [{"year": year, "state": state} for year, state in self.calendars],
        }  # fmt: skip


def status(settings: Settings, now: dt.datetime | None = None, region: str | None = None) -> Status | None:
    """How things stand in a region, or in all that are in force, by default now; None when there is no database yet,
    and none is made. Raises UsageError for a region that is none."""
    asked = asked_regions(region)
    if not has_database(settings):
        return None
    with warehouse(settings) as engine:
        return _status_of(engine, settings, asked, now or dt.datetime.now(dt.UTC))


def has_database(settings: Settings) -> bool:
    """Is there a warehouse? The embedded server is not started for the answer."""
    if settings.database_url is None:
        return (settings.pgdata / "PG_VERSION").exists()
    return is_set_up(settings.database_url.get_secret_value())


def _status_of(engine: Engine, settings: Settings, asked: Sequence[Region], now: dt.datetime) -> Status:
    snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with snapshot as connection, connection.begin():
        only_reading(connection)
        incidents = open_incidents(connection)
        codes = [region.code for region in asked]
        return Status(
            now=now,
            service=ask_service(settings.home, "status") if settings.home.is_dir() else None,
            standings=tuple(_standing(connection, region, incidents, now) for region in asked),
            runs=last_others(connection, None, OTHERS_SHOWN),
            incidents=incidents.filter(pl.col("region").is_null()),
            messages=messages_unsent(connection),
            backfills=open_backfills(connection).filter(pl.col("region").is_in(codes)),
            older=by_older_rules(connection).filter(pl.col("region").is_in(codes)),
            older_inputs=by_older_inputs(connection).filter(pl.col("region").is_in(codes)),
            inputs_unlisted=tuple(dict.fromkeys(name for _, name in inputs.changed())),
            calendars=tuple(calendars_wanted(connection, now.astimezone(zone_of(None)).date())),
            replica=replica_of(settings),
        )


def _standing(connection: Connection, region: Region, incidents: pl.DataFrame, now: dt.datetime) -> Standing:
    code = region.code
    waiting = deliveries_waiting(connection, contract_version(code))
    return Standing(
        region=region,
        published=last_published(connection, code),
        marts=freshness_of_marts(connection, code),
        exports=ages(connection, code, now.astimezone(region.zone).date()).exports,
        nights=last_nights(connection, code, NIGHTS_SHOWN),
        runs=last_others(connection, code, OTHERS_SHOWN),
        senders=senders(connection, code),
        incidents=incidents.filter(region=code),
        waiting=waiting.filter(pl.col("delivery_id").is_in(still_unread(connection, region))),
        has_register=has_register(connection, code),
        unlisted=tuple(version.form for version in in_force(region=code) if version.version == UNLISTED),
    )


def command_to_read_again(older: pl.DataFrame) -> str:
    """The command that plans reading a form again where older rules judged it."""
    first, last = span(older)
    return (
        f"profmin backfill plan{named(older['region'][0])} --form {older['form'][0]} --from {first} --to {last} "
        f'--reason "Правила версии {versions(older, "judges")}"'
    )


def command_to_judge_again(row: dict[str, Any]) -> str:
    """The command that plans judging published dates by a version of an input that was listed since."""
    return (
        f"profmin backfill plan{named(row['region'])} --input {row['input']} --from {row['from_as_of']} "
        f"--to {row['to_as_of']} "
        f'--reason "Версия {row["judges"]}: {TITLES.get(row["input"], row["input"])}"'
    )


def named(region: str) -> str:
    """The option that names a region, where one is needed."""
    return "" if only_region() else f" --region {region}"


def versions(older: pl.DataFrame, column: str) -> str:
    """The versions named in a column, in order."""
    return ", ".join(older[column].drop_nulls().unique().sort())


def span(older: pl.DataFrame) -> tuple[dt.date, dt.date]:
    """The first and the last date."""
    return min(older["from_as_of"]), max(older["to_as_of"])


def of_forms(older: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of each form, in their order; of each region by itself."""
    if not older.is_empty():
        keys = [name for name in ("region", "form") if name in older.columns]
        yield from older.partition_by(keys, maintain_order=True)
