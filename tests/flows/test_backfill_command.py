"""The backfill by the real command line: requests that are refused, and a plan whose process was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from warehouse.schema.upgrade import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PLAN = ("backfill", "plan", "--reason", "Проверка чтения")
DATES = ("--from", "2023-09-01", "--to", "2023-09-30")


@pytest.fixture(scope="module")
def lived(module_database_url: str, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The region taken in and published; the tests of this module leave no plan open."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), database_url=module_database_url)  # type: ignore[arg-type]
    settings.prepare()
    ingest([region_files], Options(), settings)
    return settings


@pytest.fixture
def engine(lived: Settings) -> Iterator[sa.Engine]:
    assert lived.database_url is not None
    made = connect(lived.database_url.get_secret_value())
    yield made
    made.dispose()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*PLAN], "needs both ends of its dates"),
        ([*PLAN, "--from", "2023-09-01"], "needs both ends of its dates"),
        ([*PLAN, "--to", "2023-09-01"], "give --from and --to, or --campaign"),
        ([*PLAN, "--from", "2023-09-08", "--to", "2023-09-01"], "--to 2023-09-01 is before --from 2023-09-08"),
        ([*PLAN, *DATES, "--campaign", "readiness-2023"], "leave out --from and --to, or --campaign"),
        ([*PLAN, "--campaign", "readiness-1999"], "no campaign is named 'readiness-1999'; there are: readiness-2023"),
        ([*PLAN, "--campaign", "readiness-2023", "--form", "registration_plan"], "is no form of campaign"),
        ([*PLAN, *DATES, "--known-at", "2023-09-01"], "is a day, not a moment"),
        ([*PLAN, *DATES, "--known-at", "2999-09-01T00:00Z"], "is still to come"),
        ([*PLAN, *DATES, "--known-at", "2020-09-01T00:00Z"], "no register of schools was known by 2020-09-01"),
        ([*PLAN, *DATES, "--form", "readyness"], "no form is named 'readyness'"),
        (["backfill", "plan", *DATES, "--reason", " "], "needs a reason in a sentence"),
        ([*PLAN, "--from", "2020-01-01", "--to", "2020-01-02"], "no delivery was read for these"),
        (["backfill", "apply", "99"], "there is no backfill 99"),
        (["backfill", "show", "99"], "there is no backfill 99"),
    ],
)
def test_what_is_refused_is_told_in_a_sentence(profmin: Run, lived: Settings, arguments: list[str], said: str) -> None:
    ran = profmin(*arguments, settings=lived)
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr and "Traceback" not in ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.splitlines()[-1].startswith("profmin: ")


def test_a_campaign_from_plan_to_cancel(profmin: Run, lived: Settings) -> None:
    asked = ("backfill", "plan", "--reason", "Проверка кампании", "--campaign", "readiness-2023")
    ran = profmin(*asked, "--json", settings=lived)
    assert ran.returncode == 0, ran.stderr
    assert "deliveries to read again, about" in ran.stderr
    told = json.loads(ran.stdout)["backfill"]
    assert (told["campaign"], told["from_as_of"], told["to_as_of"]) == ("readiness-2023", "2023-08-01", "2024-07-31")
    assert set(told["forms"].split(", ")) >= {"readiness_report"}
    number = str(told["backfill_id"])
    again = profmin(*asked, settings=lived)
    assert (again.returncode, again.stdout) == (2, "")
    assert f"backfill {number} is open over the same slices: apply or cancel it first" in again.stderr
    assert profmin("backfill", "cancel", number, settings=lived).returncode == 0
    late = profmin("backfill", "apply", number, settings=lived)
    assert late.returncode == 2
    assert f"backfill {number} is cancelled" in late.stderr
    shown = profmin("backfill", "list", settings=lived).stdout
    assert "отменён" in shown and "Проверка кампании" in shown


def killed_while_reading(lived: Settings, engine: sa.Engine, folder: Path) -> tuple[int, list[str], list[str]]:
    """Kill a plan when it has read something; its number, what it has read, and what not, which may be nothing."""
    assert lived.database_url is not None
    environment = os.environ | {
        "PROFMIN_HOME": str(lived.home), "PROFMIN_DATABASE_URL": lived.database_url.get_secret_value(),
        "PROFMIN_WORKERS": "1",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "flows.cli.app", *PLAN, *DATES], cwd=folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        while not waiting(engine) and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    with engine.connect() as connection:
        number = connection.scalar(sa.text("SELECT max(backfill_id) FROM ops.backfill")) or 0
        read = list(connection.scalars(sa.text(f"{READ} AND o.outcome <> 'waiting'"), {"id": number}))
        rest = list(connection.scalars(sa.text(f"{READ} AND o.outcome = 'waiting'"), {"id": number}))
    return number, read, rest


def test_a_plan_that_was_killed_goes_on_where_it_was(
    profmin: Run, lived: Settings, engine: sa.Engine, tmp_path: Path
) -> None:
    """What was read before the kill is not read again: its bytes are gone by then."""
    number, read, rest = killed_while_reading(lived, engine, tmp_path)
    while not rest:  # the plan was quicker
        assert profmin("backfill", "cancel", number, settings=lived).returncode == 0
        number, read, rest = killed_while_reading(lived, engine, tmp_path)
    with engine.connect() as connection:
        asked = sa.text("SELECT status FROM ops.backfill WHERE backfill_id = :id")
        assert connection.scalar(asked, {"id": number}) == "planning"
    assert read
    kept = {place: (lived.archive / place).read_bytes() for place in read}
    for place in read:
        (lived.archive / place).unlink()
    ran = profmin("backfill", "resume", number, "--json", settings=lived)
    for place, data in kept.items():
        (lived.archive / place).write_bytes(data)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)["backfill"]
    assert (told["status"], told["deliveries"], told["same"], told["waiting"]) == ("planned", 26, 26, 0)
    assert profmin("backfill", "cancel", number, settings=lived).returncode == 0


READ = """
SELECT d.archive_path FROM ops.backfill_delivery o JOIN ops.delivery d ON d.delivery_id = o.delivery_id
WHERE o.backfill_id = :id
"""


def waiting(engine: sa.Engine) -> int:
    """How many deliveries a plan has still to read, once it has read some."""
    statement = """
        SELECT count(*) FILTER (WHERE o.outcome = 'waiting') FROM ops.backfill_delivery o
        JOIN ops.backfill b ON b.backfill_id = o.backfill_id WHERE b.status = 'planning'
        HAVING count(*) FILTER (WHERE o.outcome <> 'waiting') > 0
    """
    with engine.connect() as connection:
        return connection.scalar(sa.text(statement)) or 0
