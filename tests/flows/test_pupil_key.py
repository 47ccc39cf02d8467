"""The key of the pseudonyms: made once, known by its fingerprint, never made anew where there are pupils."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from evidence import at

from flows.home.faults import Fault
from flows.home.pupil_key import checked_key, fingerprint, key_of_home
from flows.home.settings import Settings

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def noted(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT fingerprint FROM ops.key")).scalars())


def test_the_first_use_makes_the_key_and_notes_it(settings: Settings, engine: sa.Engine) -> None:
    key = checked_key(engine, settings)
    assert noted(engine) == [fingerprint(key)] and key.hex() not in fingerprint(key)
    assert stat.S_IMODE(settings.pupil_key_file.stat().st_mode) == 0o600
    assert checked_key(engine, settings) == key


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (None, "is gone, and the warehouse has pupils under it"), (b"", "has 0 bytes in place of 32"),
        (b"x" * 31, "has 31 bytes"), (b"x" * 33, "has 33 bytes"), (b"x" * 32, "is not the key of this warehouse"),
    ],
)  # fmt: skip
def test_a_lost_short_or_foreign_key_stops_with_words(
    damage: bytes | None, told: str, settings: Settings, engine: sa.Engine
) -> None:
    checked_key(engine, settings)
    settings.pupil_key_file.unlink()
    if damage is not None:
        settings.pupil_key_file.write_bytes(damage)
    with pytest.raises(Fault, match=told) as caught:
        checked_key(engine, settings)
    assert "from the copy of the keys" in str(caught.value)
    assert (settings.pupil_key_file.read_bytes() if damage is not None else None) == damage
    assert settings.pupil_key_file.exists() == (damage is not None), "none was made"


def test_a_key_from_before_fingerprints_is_taken_up(settings: Settings, engine: sa.Engine) -> None:
    key = key_of_home(settings)
    assert checked_key(engine, settings) == key and noted(engine) == [fingerprint(key)]


def test_a_run_with_a_lost_key_fails_in_words(settings: Settings, engine: sa.Engine, profmin: Run) -> None:
    assert profmin("ingest", settings=settings).returncode == 0
    settings.pupil_key_file.unlink()
    ran = profmin("ingest", settings=settings)
    assert ran.returncode == 1 and "pupil.key is gone" in ran.stderr and "copy of the keys" in ran.stderr
    assert not settings.pupil_key_file.exists()


MAKE = """
import sys
from flows.home.pupil_key import key_of_home
from flows.home.settings import Settings
sys.stdout.write(key_of_home(Settings()).hex())
"""


def test_two_first_runs_agree_on_one_key(tmp_path: Path) -> None:
    def made(_number: int) -> str:
        environment = {**os.environ, "PROFMIN_HOME": str(tmp_path)}
        command = [sys.executable, "-c", MAKE]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(made, range(4)))
    assert keys == {(tmp_path / "keys" / "pupil.key").read_bytes().hex()}


def test_two_homes_of_one_warehouse_need_one_key(settings: Settings, engine: sa.Engine, tmp_path: Path) -> None:
    other = at(tmp_path / "other", settings)
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(checked_key, engine, each) for each in (settings, other)]
        told = [each.exception() for each in found]
    assert sorted(type(each).__name__ for each in told) in (["Fault", "NoneType"],), told


def test_what_is_written_is_closed_to_others(settings: Settings, region_inbox: Path) -> None:
    assert settings.database_url is not None
    variables = {"PROFMIN_HOME": str(settings.home), "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value()}
    ran = subprocess.run(
        [sys.executable, "-m", "flows.cli.app", "ingest"],
        cwd=settings.home, umask=0o022, capture_output=True, text=True, check=False, env={**os.environ, **variables},
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr
    written = [path for path in settings.home.rglob("*") if region_inbox not in (path, *path.parents)]
    assert any("квитанция" in path.name for path in written) and settings.log_file in written
    assert [path for path in written if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
