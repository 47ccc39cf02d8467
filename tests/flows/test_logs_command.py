"""The log, read back for one run: in both formats, over rotated files, from threads, and when the warehouse is away."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from evidence import picked

from flows.home.faults import LOGGER, Fault, guarded, log_failure, log_to
from flows.home.log import Record, logged, records
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from warehouse.deliveries.received import finish_run, start_run

if TYPE_CHECKING:
    from conftest import Run

FLOW_RUN = "0c5e7a52-7b1c-4b7e-9a0f-0d6f4f6a1b2c"
FORMATS = ("text", "json")


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    handlers = LOGGER.handlers[:]
    yield
    for handler in LOGGER.handlers:
        if handler not in handlers:
            handler.close()
    LOGGER.handlers[:] = handlers


@pytest.fixture(params=FORMATS)
def log(request: Any, tmp_path: Path) -> Path:
    """A log file that is written to in one of the formats."""
    file = tmp_path / "logs" / "profmin.log"
    log_to(file, "error", request.param)
    return file


def told(file: Path) -> list[tuple[dict[str, Any], str]]:
    return [(record.ids, record.message) for record in records(file)]


def test_what_is_logged_is_read_back(log: Path) -> None:
    LOGGER.info("before [run 7]\n2026-11-23T10:00:00+00:00 ERROR [run 7] not a record of its own")
    with logged(run_id=12, flow_run_id=FLOW_RUN):
        with logged(delivery="728465cc" * 8):
            logging.getLogger("profmin.warehouse").warning("принято %d, «%s»", 3, '{"time": 1}')
        LOGGER.info("done")
    assert told(log) == [
        ({}, "before [run 7]\n2026-11-23T10:00:00+00:00 ERROR [run 7] not a record of its own"),
        ({"run_id": 12, "flow_run_id": FLOW_RUN, "delivery": "728465cc"}, 'принято 3, «{"time": 1}»'),
        ({"run_id": 12, "flow_run_id": FLOW_RUN}, "done"),
    ]
    assert [record.level for record in records(log)] == ["INFO", "WARNING", "INFO"]


def test_json_lines_are_documents(tmp_path: Path) -> None:
    log_to(tmp_path / "log", "error", "json")
    with logged(run_id=12, delivery="728465cc"):
        LOGGER.error("что-то\nсо следом")
    (line,) = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    document = json.loads(line)
    assert document.pop("time").endswith("+00:00")
    assert document == {
        "level": "ERROR", "logger": "profmin", "message": "что-то\nсо следом", "run_id": 12, "delivery": "728465cc",
    }  # fmt: skip
    assert "что-то" in line


def test_an_error_keeps_its_ids_for_whoever_logs_it(log: Path) -> None:
    def work() -> None:
        with logged(run_id=12), logged(delivery="728465cc"):
            raise ZeroDivisionError

    assert isinstance(guarded("counting", work), Fault)
    with pytest.raises(ZeroDivisionError) as caught:
        work()
    log_failure(caught.value)
    assert [ids for ids, _ in told(log)] == [{"run_id": 12, "delivery": "728465cc"}] * 2
    assert "raised at:\n" in told(log)[0][1] and "in work" in told(log)[0][1]
    LOGGER.info("afterwards")
    assert told(log)[-1] == ({}, "afterwards")


def test_a_thread_in_a_copy_of_the_context_says_whose_it_is(log: Path) -> None:
    with logged(run_id=12), ThreadPoolExecutor(2) as pool:
        for number in range(4):
            pool.submit(copy_context().run, LOGGER.info, "thread %d", number)
    assert sorted(told(log), key=str) == [({"run_id": 12}, f"thread {number}") for number in range(4)]


def test_older_files_and_lines_cut_off(tmp_path: Path) -> None:
    """Formats may be mixed, lines of before have no ids, and a killed process leaves half a line."""
    log = tmp_path / "log"
    (tmp_path / "log.2").write_text("2026-11-20 10:00:00,123 INFO of an older version\nand more of it\n", "utf-8")
    (tmp_path / "log.1").write_text(
        '{"time": "2026-11-21T10:00:02+00:00", "level": "INFO", "message": "third", "run_id": 1}\n'
        '{"time": "2026-11-21T10:00:03+00:00", "level": "IN',
        "utf-8",
    )
    log.write_text(
        "2026-11-21T10:00:01.500+00:00 INFO [run 1, delivery aa] second\n  its rest\n"
        "2026-11-21T10:00:04.000+00:00 INFO [-] fourth\n",
        "utf-8",
    )
    found = list(records(log))
    assert [record.message.split("\n")[0] for record in found] == ["of an older version", "second", "third", "fourth"]
    assert [record.ids for record in found] == [{}, {"run_id": 1, "delivery": "aa"}, {"run_id": 1}, {}]
    assert found[1].message == "second\nits rest"
    assert list(records(tmp_path / "nothing")) == []


def run_of(settings: Settings, profmin: Run, files: Path, log_format: str) -> None:
    paths = picked(files, "department/Реестр", "asinovsky")
    done = profmin("ingest", *paths.values(), settings=settings, PROFMIN_LOG_FORMAT=log_format)
    assert done.returncode == 0, done.stderr


def test_a_run_of_each_format(settings: Settings, profmin: Run, region_files: Path) -> None:
    run_of(settings, profmin, region_files, "text")
    run_of(settings, profmin, region_files, "json")
    (settings.home / "inbox" / "torn.xlsx").write_bytes(b"PK")
    assert profmin("ingest", settings.home / "inbox" / "torn.xlsx", settings=settings).returncode == 4
    done = profmin("logs", 1, settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    head, lines = done.stdout.split("\n\n", 1)
    assert head.startswith("run 1: ingest, completed\n") and "Asia/Tomsk and took" in head
    assert "deliveries read: 2 accepted, 0 partial, 0 refused" in head
    assert lines.count("readiness_report of asinovsky for 2023-09-08 is accepted") == 1
    second = json.loads(profmin("logs", "2", "--json", settings=settings).stdout)
    assert [run["run_id"] for run in second["runs"]] == [2] and second["lines"]
    assert {line["run_id"] for line in second["lines"]} == {2}
    last = json.loads(profmin("logs", "last", "--json", settings=settings).stdout)
    assert [(run["run_id"], run["refused"]) for run in last["runs"]] == [(3, 1)]
    deliveries = [line for line in last["lines"] if "is refused" in line["message"]]
    assert len(deliveries) == 1 and deliveries[0]["message"].startswith(f"delivery {deliveries[0]['delivery']}:")


def test_a_flow_run_by_its_id(settings: Settings, engine: sa.Engine, profmin: Run) -> None:
    with engine.begin() as connection:
        number = start_run(connection, "nightly", region="69", flow_run_id=FLOW_RUN)
        other = start_run(connection, "nightly", region="69", flow_run_id=FLOW_RUN.replace("0", "1"))
    with engine.begin() as connection:
        finish_run(connection, number, "failed")
    log_to(settings.log_file, "error")
    with logged(flow_run_id=FLOW_RUN):
        with logged(run_id=number):
            LOGGER.info("in the run")
        LOGGER.error("after the run")
    with logged(run_id=other, flow_run_id=FLOW_RUN.replace("0", "1")):
        LOGGER.info("of another")
    for name in (FLOW_RUN, FLOW_RUN.upper(), number):
        document = json.loads(profmin("logs", name, "--json", settings=settings).stdout)
        assert [run["state"] for run in document["runs"]] == ["failed"]
        assert [line["message"] for line in document["lines"]] == ["in the run", "after the run"], name
    running = profmin("logs", "last", settings=settings).stdout
    assert f"run {other}: nightly, running" in running and "has not finished" in running and "of another" in running


def test_without_the_warehouse_the_lines_are_there(settings: Settings, profmin: Run) -> None:
    log_to(settings.log_file, "error")
    with logged(run_id=3):
        LOGGER.error("the end of it")
    away = {"PROFMIN_DATABASE_URL": "postgresql+psycopg2://nobody@/nothing?host=/nonexistent"}
    for name in ("3", "last"):
        done = profmin("logs", name, PROFMIN_HOME=str(settings.home), **away)
        assert (done.returncode, done.stderr) == (0, "")
        assert "the warehouse cannot be asked" in done.stdout and "ERROR   the end of it" in done.stdout


@pytest.mark.parametrize(
    ("name", "says"),
    [("12", "there is no run 12; the last one is 1"), ("yesterday", "neither the number of a run"),
     (FLOW_RUN, f"there is no run {FLOW_RUN}")],
)  # fmt: skip
def test_a_run_that_nobody_has_seen(settings: Settings, engine: sa.Engine, profmin: Run, name: str, says: str) -> None:
    with engine.begin() as connection:
        start_run(connection, "nightly", region="69")
    done = profmin("logs", name, settings=settings)
    assert (done.returncode, done.stdout) == (2, "") and says in done.stderr


def test_without_anything_there_is_nothing_to_tell(profmin: Run, tmp_path: Path) -> None:
    done = profmin("logs", "last", PROFMIN_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stdout) == (2, "") and "there is no warehouse yet" in done.stderr
    assert not (tmp_path / "home").exists()


def test_two_runs_in_one_process_do_not_mix(settings: Settings, region_files: Path) -> None:
    log_to(settings.log_file, "error")
    paths = picked(region_files, "department/Реестр", "asinovsky", "kedrovy")
    for name in paths:
        ingest([paths[name]], Options(), settings)
    found: list[Record] = list(records(settings.log_file))
    senders = {record.ids["run_id"]: record.message for record in found if "is accepted" in record.message}
    assert {run: text.split(" of ")[1].split()[0] for run, text in senders.items()} == {
        1: "department", 2: "asinovsky", 3: "kedrovy",
    }  # fmt: skip
    assert all("run_id" in record.ids for record in found)
