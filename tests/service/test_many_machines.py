"""Two machines, then four, on one warehouse, one archive and one inbox: Prefect spreads the nights of regions, one of a
machine that loses its power is taken up again by another, and one that is told to stop ends what it does.

Slow: a real Prefect server and its workers, and a run counts as crashed only after a minute of silence.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from machines import Machines, machines
from packs import renamed, write_pack
from telling import ONCE, SILENT

from warehouse.schema.prefect_database import prefect_database

pytestmark = [pytest.mark.in_order, pytest.mark.timeout(900)]
DAY = "2023-09-08"
FIRST, SECOND = ("asinovsky", "kedrovy"), ("bakcharsky", "chainsky", "seversk")
LAST = "tomsk_city"
OVER_OR_NOT = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED")
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'profmin%' AND wait_event_type = 'Lock'
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all machines reach."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def warehouse(databases: Any) -> Iterator[sa.Engine]:
    with databases.fresh() as url:
        engine = sa.create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def service(
    shared: Path, warehouse: sa.Engine, databases: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    url = warehouse.url.render_as_string(hide_password=False)
    common = {f"PROFMIN_{name.upper()}": str(shared / name) for name in ("inbox", "archive", "outbox", "keyring")}
    common |= {
        "PROFMIN_DATABASE_URL": url,
        "PROFMIN_REGIONS": str(write_packs(tmp_path_factory.mktemp("packs"))),
        "PROFMIN_VOUCHED_CHANNELS": "inbox",  # its files play the past
        "PROFMIN_SILENT_SECONDS": str(SILENT),
    }
    with databases.fresh("template0") as beside:
        prefect = prefect_database(url, str(sa.make_url(beside).database))
        with machines(tmp_path_factory.mktemp("machines"), prefect, **common) as made:
            yield made


def write_packs(folder: Path) -> Path:
    """Tomsk, and a region of the same units under codes of its own by another clock."""
    write_pack(folder / "69-tomsk")
    renamed(write_pack(folder / "39-amber", code="39", name="Янтарный край", time_zone="Europe/Kaliningrad"), "a_")
    return folder


def send(region_files: Path, shared: Path, *senders: str) -> None:
    """The files of senders, and the same of their namesakes of the second region."""
    for sender in senders:
        shutil.copytree(region_files / sender, shared / "inbox" / sender)
        shutil.copytree(region_files / sender, shared / "inbox" / f"a_{sender}")


def rows(engine: sa.Engine, statement: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def read_of(engine: sa.Engine) -> set[str]:
    """Senders of whom reports are in force."""
    statement = "SELECT sender FROM ops.reading WHERE status = 'current' AND form = 'readiness_report'"
    return {sender for (sender,) in rows(engine, statement)}


def test_two_machines_share_the_nights(
    service: Machines, warehouse: sa.Engine, shared: Path, region_files: Path
) -> None:
    """Each does that of one region; bytes, receipts and keys are in one place."""
    for _ in range(2):
        service.another().work()
    send(region_files, shared, "department", *FIRST)
    begun = [service.start(f"nightly-{code}", as_of=DAY) for code in ("69", "39")]
    assert [service.ended(run_id)["state"]["type"] for run_id in begun] == ["COMPLETED", "COMPLETED"]
    assert {service.of(run_id).home.name for run_id in begun} == {"machine-1", "machine-2"}
    assert read_of(warehouse) == {*FIRST, *(f"a_{sender}" for sender in FIRST)}
    assert rows(warehouse, ONCE) == []
    kept = {path.name.removesuffix(".sealed") for path in (shared / "archive").rglob("*") if path.is_file()}
    assert kept == {sha256 for (sha256,) in rows(warehouse, "SELECT sha256 FROM ops.delivery")}
    assert {path.name for path in (shared / "outbox").iterdir()} >= {*FIRST, *(f"a_{sender}" for sender in FIRST)}
    for machine in service.all:
        assert not {"inbox", "archive", "outbox"} & {path.name for path in machine.home.iterdir()}


def test_a_night_of_a_machine_that_loses_its_power_is_taken_up_by_another(
    service: Machines, warehouse: sa.Engine, shared: Path, region_files: Path
) -> None:
    """It dies with files archived and nothing loaded; meanwhile the other region has its night."""
    for _ in range(2):
        service.another().work()
    send(region_files, shared, *SECOND)
    with warehouse.connect() as holding:
        holding.execute(sa.text("LOCK TABLE ops.reading IN EXCLUSIVE MODE"))
        run_id = service.start("nightly-69", as_of=DAY)
        service.until(lambda: service.run(run_id)["state"]["type"] == "RUNNING" and rows(warehouse, WAITING) != [(0,)])
        dead = service.of(run_id)
        dead.loses_power()
        holding.rollback()
    assert service.ended(service.start("nightly-39", as_of=DAY))["state"]["type"] == "COMPLETED"
    assert service.ended(run_id)["state"]["type"] == "CRASHED"
    (again,) = service.until(lambda: [run for run in service.api.runs(("COMPLETED",)) if "again-1" in run["tags"]])
    assert again["parameters"] == {"region": "69", "as_of": DAY}
    assert service.of(again["id"]) is not dead
    assert read_of(warehouse) == {sender for each in (*FIRST, *SECOND) for sender in (each, f"a_{each}")}
    assert rows(warehouse, ONCE) == []
    told = "SELECT region, state FROM ops.run WHERE kind = 'nightly' ORDER BY run_id"
    findings = "completed with findings"  # the reports have wrong rows
    assert rows(warehouse, told)[2:] == [("69", "crashed"), ("39", findings), ("69", findings)]
    laws = json.loads(service.all[0].run("doctor", "--json", code=1))
    broken = [law["law"] for law in laws if law["broken"]]
    assert broken == ["documents_are_of_their_region"], "both departments send the register of Tomsk"


def test_a_night_is_taken_up_once(service: Machines) -> None:
    """However often the watchdog looks."""
    assert service.ended(service.start("watchdog"))["state"]["type"] == "COMPLETED"
    assert len([run for run in service.api.runs(OVER_OR_NOT) if "again-1" in run["tags"]]) == 1


def test_a_machine_that_is_told_to_stop_ends_its_run_and_takes_no_other(
    service: Machines, warehouse: sa.Engine, shared: Path, region_files: Path
) -> None:
    """One that has nothing to do ends at once. Meanwhile another takes what begins, although the first has room."""
    working = [machine for machine in service.all if machine.processes() and machine is not service.all[0]]
    assert working
    for machine in working:
        machine.told_to_stop()
    service.until(lambda: all(machine.has_stopped() for machine in working))
    busy = service.another()
    busy.work(limit=2)
    shutil.copytree(region_files / LAST, shared / "inbox" / LAST)
    with warehouse.connect() as holding:
        holding.execute(sa.text("LOCK TABLE ops.reading IN EXCLUSIVE MODE"))
        run_id = service.start("nightly-69", as_of=DAY)
        service.until(lambda: service.run(run_id)["state"]["type"] == "RUNNING" and rows(warehouse, WAITING) != [(0,)])
        busy.told_to_stop()
        service.until(lambda: "no run begins here any more; 1 go on" in service.said())
        other = service.another()
        other.work()
        assert service.of(service.start("nightly-39", as_of=DAY)) is other
        assert not busy.has_stopped()
        holding.rollback()
    assert service.of(run_id) is busy
    assert service.ended(run_id)["state"]["type"] == "COMPLETED"
    service.until(busy.has_stopped)
    assert LAST in read_of(warehouse)
