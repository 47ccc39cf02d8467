"""A backup brings back every mart to the byte, also one that was taken while a run was loading.

Slow: a region is loaded, dumped and restored, each by the real programs.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import picked

from flows.home.connection import warehouse
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.backup import backup, bring_back
from flows.upkeep.doctor import examine
from flows.upkeep.retention import purge
from warehouse.core.slices import holding
from warehouse.schema.upgrade import connect
from warehouse.server.clients import Server, program_for, server_of, version_of
from warehouse.server.programs import ServerError, binaries_of_wheel
from warehouse.watch.destruction import ARCHIVE

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FIGURES = """
SELECT (reporting_unit, schools, accepted, rejected, missing)::text FROM mart.readiness_by_municipality
UNION ALL SELECT (reporting_unit, plan_pupils, actual_pupils)::text FROM mart.registration_by_municipality
ORDER BY 1
"""
NOW = dt.datetime(2023, 9, 9, 3, tzinfo=dt.UTC)
UNKNOWN = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND reltuples < 0 AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY(:schemas))
"""
"""Tables of which the planner does not know how much they hold."""


@pytest.fixture
def region(region: Settings) -> Settings:
    """The whole region, taken in and published."""
    (region.home / "routing.csv").write_text("кто\n")
    return region


@pytest.fixture
def elsewhere(databases: Any, tmp_path: Path) -> Iterator[Settings]:
    """An empty home on an empty database."""
    with databases.fresh("template0") as url:
        yield Settings(home=tmp_path / "elsewhere", database_url=url, keyring=tmp_path / "keys")  # type: ignore[arg-type]


def carried(keys_of: Settings, to: Settings) -> Settings:
    """The settings of another home whose folder of keys has those of the first: a backup has none."""
    assert to.keyring is not None
    shutil.copytree(keys_of.keys, to.keyring)
    return to


def tables(settings: Settings, *schemas: str) -> dict[str, list[str]]:
    """Every row of every table and view of schemas, as text and in one order."""
    assert settings.database_url is not None
    engine = connect(settings.database_url.get_secret_value())
    told = {}
    with engine.connect() as connection:
        names = """
            SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY (:schemas) AND c.relkind IN ('r', 'v', 'p')
        """
        for table in connection.scalars(sa.text(names), {"schemas": list(schemas)}).all():
            told[table] = list(connection.scalars(sa.text(f"SELECT t::text FROM {table} t ORDER BY 1")))
    engine.dispose()
    assert told
    return told


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def broken(settings: Settings) -> list[str]:
    return [law.name for law in examine(settings) if law.times]


def test_what_is_restored_is_what_there_was(region: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    manifest = backup(region, tmp_path / "backup", NOW)
    assert (manifest["deliveries"], manifest["revision"] >= "0007") == (26, True)
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700
    assert bring_back(carried(region, elsewhere), tmp_path / "backup", NOW) == manifest
    schemas = ("mart", "history", "core", "restricted", "ops")
    before, after = tables(region, *schemas), tables(elsewhere, *schemas)
    del before["ops.applied"], after["ops.applied"]  # when views and grants were brought up to date
    assert after == before
    for folder in ("archive", "outbox"):
        assert files(elsewhere.home / folder) == files(region.home / folder)
    assert elsewhere.register.read_bytes() == region.register.read_bytes()
    assert (elsewhere.home / "routing.csv").read_text() == "кто\n"
    assert oct(elsewhere.archive.stat().st_mode & 0o777) == "0o700"
    assert broken(elsewhere) == []
    with warehouse(elsewhere) as engine, engine.connect() as connection:
        assert connection.scalars(sa.text(UNKNOWN), {"schemas": [*schemas, "ref"]}).all() == []


def test_life_goes_on_after_a_restore(
    region: Settings, elsewhere: Settings, tmp_path: Path, region_files: Path
) -> None:
    backup(region, tmp_path / "backup", NOW)
    bring_back(carried(region, elsewhere), tmp_path / "backup", NOW)
    elsewhere.prepare()
    shutil.copytree(region_files, elsewhere.inbox, dirs_exist_ok=True)
    outcomes = ingest([], Options(), elsewhere)
    assert (len(outcomes), all(outcome.is_repeat for outcome in outcomes)) == (26, True)
    assert tables(elsewhere, "core") == tables(region, "core")
    assert broken(elsewhere) == []


def test_a_backup_while_a_run_loads_is_whole(
    settings: Settings, region_inbox: Path, elsewhere: Settings, tmp_path: Path
) -> None:
    """Whatever moment the snapshot falls on: every delivery in it has its bytes, and the next run reads the rest."""
    assert settings.database_url is not None
    environment = os.environ | {
        "PROFMIN_HOME": str(settings.home),
        "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    engine = connect(settings.database_url.get_secret_value())
    loader = subprocess.Popen(
        [sys.executable, "-m", "flows.cli.app", "ingest"], env=environment, stdout=subprocess.DEVNULL, cwd=Path.cwd()
    )
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            with engine.connect() as connection:
                if (connection.scalar(sa.text("SELECT count(*) FROM ops.delivery")) or 0) >= 5:
                    break
            time.sleep(0.01)
        manifest = backup(settings, tmp_path / "backup", NOW)
        is_alive = loader.poll() is None
        assert loader.wait(300) in (0, 3)
    finally:
        loader.kill()
        engine.dispose()
    assert is_alive, "the run ended before the backup did: nothing was tested"
    assert manifest["deliveries"] >= 5
    bring_back(carried(settings, elsewhere), tmp_path / "backup", NOW)
    left = set(broken(elsewhere)) - {"every_delivery_is_read"}
    assert left == set()
    elsewhere.prepare()
    shutil.copytree(settings.inbox, elsewhere.inbox, dirs_exist_ok=True)
    ingest([], Options(), elsewhere)
    assert broken(elsewhere) == []
    assert figures(elsewhere) == figures(settings)


def figures(settings: Settings) -> list[str]:
    """What the marts say of schools and pupils, without when it was known."""
    assert settings.database_url is not None
    engine = connect(settings.database_url.get_secret_value())
    with engine.connect() as connection:
        rows = connection.scalars(sa.text(FIGURES)).all()
    engine.dispose()
    assert len(rows) >= 42
    return list(rows)


def test_a_purge_waits_until_the_bytes_are_copied_and_is_then_kept(
    region: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    expiring = region.model_copy(update={"pupil_days": 30})
    done = purge(expiring, dt.datetime(2024, 10, 1, tzinfo=dt.UTC))
    assert done.deliveries == 1
    assert backup(region, tmp_path / "backup", NOW)["deliveries"] == 25
    bring_back(carried(region, elsewhere), tmp_path / "backup", NOW)
    assert files(elsewhere.acts) == files(region.acts)
    assert broken(elsewhere) == []


def test_a_backup_waits_for_a_purge(region: Settings, tmp_path: Path) -> None:
    assert region.database_url is not None
    engine = connect(region.database_url.get_secret_value())
    hurried = region.model_copy(update={"lock_seconds": 0.2})
    with holding(engine, [ARCHIVE]), pytest.raises(Exception, match="waited 0 s for the archive"):
        backup(hurried, tmp_path / "backup", NOW)
    engine.dispose()


@pytest.mark.parametrize("damage", ["missing", "other"])
def test_an_archive_that_lost_bytes_makes_no_whole_backup(region: Settings, tmp_path: Path, damage: str) -> None:
    victim = next(path for path in region.archive.rglob("*") if path.is_file())
    victim.unlink()
    if damage == "other":
        victim.write_bytes(b"other")
    with pytest.raises(Fault, match=f"does not hold the bytes of 1 deliveries, the first: {victim.name[:8]}"):
        backup(region, tmp_path / "backup", NOW)
    with pytest.raises(UsageError, match="is not a whole backup"):
        bring_back(region, tmp_path / "backup", NOW)


def test_nothing_is_overwritten(region: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    backup(region, tmp_path / "backup", NOW)
    with pytest.raises(UsageError, match="name a new one"):
        backup(region, tmp_path / "backup", NOW)
    before = tables(region, "ops"), files(region.archive)
    with pytest.raises(UsageError, match="the database holds a warehouse already"):
        bring_back(region, tmp_path / "backup", NOW)
    elsewhere.prepare()
    (elsewhere.outbox / "письмо.txt").write_text("своё")
    with pytest.raises(UsageError, match=r"письмо\.txt' is in the way"):
        bring_back(elsewhere, tmp_path / "backup", NOW)
    assert (tables(region, "ops"), files(region.archive)) == before


def test_a_backup_that_was_changed_is_refused(region: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    backup(region, tmp_path / "backup", NOW)
    manifest = tmp_path / "backup" / "manifest.json"
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(document | {"revision": "9999"}))
    with pytest.raises(UsageError, match="is of migration 9999, newer than"):
        bring_back(elsewhere, tmp_path / "backup", NOW)
    manifest.write_text(json.dumps(document))
    with (tmp_path / "backup" / "warehouse.dump").open("ab") as file:
        file.write(b" ")
    with pytest.raises(UsageError, match="is not the file that was written"):
        bring_back(elsewhere, tmp_path / "backup", NOW)
    assert not elsewhere.archive.exists()


def test_a_restore_that_was_killed_can_be_called_again(
    region: Settings, elsewhere: Settings, tmp_path: Path, profmin: Run
) -> None:
    backup(region, tmp_path / "backup", NOW)
    assert elsewhere.database_url is not None
    carried(region, elsewhere)
    environment = os.environ | {
        "PROFMIN_HOME": str(elsewhere.home),
        "PROFMIN_KEYRING": str(elsewhere.keyring),
        "PROFMIN_DATABASE_URL": elsewhere.database_url.get_secret_value(),
    }
    command = [sys.executable, "-m", "flows.cli.app", "restore", str(tmp_path / "backup")]
    for wanted in (elsewhere.archive, elsewhere.outbox):
        killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
        while killed.poll() is None and not (wanted.exists() and any(wanted.iterdir())):
            time.sleep(0.001)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    done = profmin("restore", tmp_path / "backup", settings=elsewhere)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "profmin doctor: every law holds"), done.stderr
    assert tables(elsewhere, "mart") == tables(region, "mart")


def test_the_embedded_server_is_backed_up_and_restored_by_the_command(
    tmp_path: Path, region_files: Path, profmin: Run
) -> None:
    some = picked(region_files, "department/Реестр", "asinovsky", "regional_operator/План")
    first, second = Settings(home=tmp_path / "first"), Settings(home=tmp_path / "second")
    assert profmin("backup", tmp_path / "backup", settings=first).returncode == 2
    assert not (tmp_path / "backup").exists()
    ingested = profmin("ingest", *some.values(), settings=first)
    assert ingested.returncode in (0, 3), ingested.stderr
    saved = profmin("backup", tmp_path / "backup", settings=first)
    assert (saved.returncode, saved.stdout[:12]) == (0, "3 deliveries"), saved.stderr
    restored = profmin("restore", tmp_path / "backup", settings=second)
    assert restored.returncode == 0, restored.stderr
    marts = [
        profmin("mart", "readiness_by_school", "--format", "csv", settings=each).stdout for each in (first, second)
    ]
    assert marts[0] == marts[1]
    assert marts[0].count("\n") > 200
    again = profmin("restore", tmp_path / "backup", settings=second)
    assert again.returncode == 2
    assert "has a warehouse already" in again.stderr


def test_the_program_is_of_the_servers_version_or_newer(engine: sa.Engine) -> None:
    ours = version_of(binaries_of_wheel() / "pg_dump")
    assert version_of(program_for("pg_dump", Server(ours, encrypted=False))) == ours
    there = server_of(engine)
    assert version_of(program_for("pg_dump", there)) >= there.major
    with pytest.raises(ServerError, match="the server is Postgres 99; pg_dump of that version is needed"):
        program_for("pg_dump", Server(99, encrypted=False))


def test_a_password_is_in_no_message(region: Settings, tmp_path: Path, profmin: Run) -> None:
    done = profmin("backup", tmp_path / "backup", PROFMIN_DATABASE_URL="postgresql://u:geheim@127.0.0.1:9/x")
    assert done.returncode == 1
    assert "geheim" not in done.stdout + done.stderr
