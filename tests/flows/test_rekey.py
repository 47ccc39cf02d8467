"""Pseudonyms are wrapped by the key of their year, wrapped anew in one transaction, and joinable before and after.

Slow: an export is taken in.
"""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import copied, engine_of, picked, taken_in

from contracts.pseudonym import rewrapped
from flows.cli.subject_command import find
from flows.home import pupil_key
from flows.home.faults import Fault
from flows.home.pupil_key import PupilSecrets, wrap_all, wrapping
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.doctor import examine
from flows.upkeep.retention import purge
from warehouse.deliveries.received import finish_run, start_run
from warehouse.schema import keys

Run = Callable[..., "subprocess.CompletedProcess[str]"]
NIGHT = dt.date(2023, 9, 8)
EXPORT = "regional_operator/Сводный"
HASHES = "SELECT DISTINCT line, namesake FROM restricted.pupil_version"
PUPILS = "SELECT DISTINCT pupil_key FROM restricted.pupil_version"


@pytest.fixture(scope="module")
def lived(databases: Any, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    files = picked(region_files, "department/Реестр", EXPORT).values()
    with taken_in(databases, tmp_path_factory.mktemp("rekey") / "home", *files) as made:
        yield made


@pytest.fixture
def settings(databases: Any, lived: Settings, tmp_path: Path) -> Iterator[Settings]:
    with copied(databases, lived, tmp_path / "home") as made:
        yield made


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    with engine_of(settings) as made:
        yield made


def pupils(engine: sa.Engine) -> set[bytes]:
    with engine.connect() as connection:
        return {bytes(key) for key in connection.scalars(sa.text(PUPILS))}


def unwrapped(engine: sa.Engine, settings: Settings) -> set[bytes]:
    """The pseudonyms as no year wraps them."""
    key = PupilSecrets(engine, settings).of(NIGHT)[32:]
    return {rewrapped(each, key, b"") for each in pupils(engine)}


def test_a_block_is_wrapped_and_wrapped_anew() -> None:
    first, second = bytes(range(32)), bytes(32)
    two = b"a" * 16 + b"b" * 16
    assert rewrapped(two, b"", b"") == two
    assert rewrapped(rewrapped(two, b"", first), first, second) == rewrapped(two, b"", second) != two
    assert rewrapped(two, b"", first)[:16] == rewrapped(two[:16], b"", first)


def test_pupils_of_before_are_wrapped_and_meet_those_of_now(
    engine: sa.Engine, settings: Settings, region_files: Path
) -> None:
    wrapped, plain = pupils(engine), unwrapped(engine, settings)
    assert len(wrapped) > 1000 and wrapped.isdisjoint(plain)
    key = PupilSecrets(engine, settings).of_year(2023)
    as_before(engine, settings)
    assert pupils(engine) == plain
    (export,) = picked(region_files, EXPORT).values()
    later = settings.inbox / "regional_operator" / "Ещё.xlsx"
    later.write_bytes(export.read_bytes())
    assert PupilSecrets(engine, settings).of_year(2023) == key
    assert pupils(engine) == wrapped, "the same pupil has the same pseudonym again"


def as_before(engine: sa.Engine, settings: Settings) -> None:
    """Leave pupils as a version did that wrapped none."""
    key = PupilSecrets(engine, settings).of_year(2023)
    with engine.begin() as connection:
        keys._rewrap(connection, 2023, lambda each: rewrapped(each, key, b""))
        connection.execute(sa.text("DELETE FROM ops.key WHERE name = 'pupil 2023'"))


@pytest.mark.parametrize("by", ["ingest", "subject", "rekey", "purge", "wrap_all"])
def test_pupils_of_a_year_of_which_no_export_comes_are_wrapped_too(
    engine: sa.Engine, settings: Settings, by: str
) -> None:
    wrapped, plain = pupils(engine), unwrapped(engine, settings)
    as_before(engine, settings)
    assert pupils(engine) == plain
    assert [law.name for law in examine(settings) if law.times] == ["pupils_are_wrapped"]
    if by == "ingest":
        ingest([], Options(), settings)
    elif by == "subject":
        assert find(engine, settings, "Никакой Нигде Никогдаевич", None) == []
    elif by == "rekey":
        assert PupilSecrets(engine, settings).rotate() == len(wrapped)
    elif by == "purge":
        purge(settings, dt.datetime(2024, 10, 1, 2, tzinfo=dt.UTC))
    else:
        wrap_all(engine, settings)
    assert pupils(engine).isdisjoint(plain) and (pupils(engine) == wrapped) == (by != "rekey")
    assert [law.name for law in examine(settings) if law.times] == []


def test_rekeying_changes_every_pseudonym_and_joins_them_as_before(
    engine: sa.Engine, settings: Settings, profmin: Run
) -> None:
    before, plain = pupils(engine), unwrapped(engine, settings)
    ran = profmin("rekey", settings=settings)
    assert ran.returncode == 0 and ran.stdout.startswith(f"{len(before)} pupils have other pseudonyms, 1 files"), ran
    after = pupils(engine)
    assert len(after) == len(before) and after.isdisjoint(before)
    assert unwrapped(engine, settings) == plain
    assert profmin("doctor", settings=settings).returncode == 0


def test_no_hash_under_the_secret_of_before_is_left(engine: sa.Engine, settings: Settings, region_files: Path) -> None:
    """Of lines and names; the next export is written as a whole, and the same pupils hold."""
    with engine.connect() as connection:
        before = {tuple(row) for row in connection.execute(sa.text(HASHES))}
    assert len(before) > 1000
    PupilSecrets(engine, settings).rotate()
    with engine.connect() as connection:
        assert {tuple(row) for row in connection.execute(sa.text(HASHES))} == {(0, 0)}
    rekeyed = pupils(engine)
    (export,) = picked(region_files, EXPORT).values()
    again = settings.inbox / "regional_operator" / "Ещё.xlsx"
    again.write_bytes(export.read_bytes() + b"\0")
    assert [outcome.failure for outcome in ingest([again], Options(), settings)] == [None]
    with engine.connect() as connection:
        after = {tuple(row) for row in connection.execute(sa.text(f"{HASHES} WHERE gone_reading IS NULL"))}
    assert len(after) == len(before) and after.isdisjoint(before | {(0, 0)})
    assert pupils(engine) == rekeyed and [law.name for law in examine(settings) if law.times] == []


@pytest.mark.parametrize("point", ["the keys are made", "rows are changed", "at the commit", "before sealing"])
def test_rekeying_that_was_killed_goes_on(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    before, plain = pupils(engine), unwrapped(engine, settings)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as now, pytest.raises(KeyboardInterrupt):
        if point == "the keys are made":
            now.setattr(pupil_key, "rewrap", killed)
        elif point == "rows are changed":
            now.setattr(keys, "renote", killed)
        elif point == "at the commit":
            now.setattr(sa.Connection, "commit", killed)
            now.setattr(sa.engine.base.RootTransaction, "commit", killed)
        PupilSecrets(engine, settings).rotate()
        raise KeyboardInterrupt
    is_done = point == "before sealing"
    assert (pupils(engine) == before) != is_done and unwrapped(engine, settings) == plain
    assert PupilSecrets(engine, settings).rotate() == len(before)
    assert pupils(engine).isdisjoint(before) and unwrapped(engine, settings) == plain


def test_it_waits_for_no_run_and_says_so(engine: sa.Engine, settings: Settings) -> None:
    with engine.begin() as connection:
        run_id = start_run(connection, "nightly", NIGHT, region="69")
    made = PupilSecrets(engine, settings).keyring.key_ids(2023)
    with pytest.raises(Fault, match=rf"run {run_id} \(nightly\) is not over: profmin down"):
        PupilSecrets(engine, settings).rotate()
    assert PupilSecrets(engine, settings).keyring.key_ids(2023) == made, "no key is made that may not hold"
    with engine.begin() as connection:
        finish_run(connection, run_id, "completed")
    assert PupilSecrets(engine, settings).rotate() > 1000


@pytest.mark.parametrize(("flow_run_id", "is_over"), [(None, True), ("00000000-0000-0000-0000-000000000001", False)])
def test_a_command_that_was_killed_hinders_nobody_for_ever(
    engine: sa.Engine, settings: Settings, flow_run_id: str | None, is_over: bool
) -> None:
    """Of a run of Prefect the watchdog says that it is dead; of a command nobody does."""
    with engine.begin() as connection:
        run_id = start_run(connection, "ingest", NIGHT, flow_run_id=flow_run_id, region="69")
        aged = "UPDATE ops.run SET started_at = started_at - interval '25 hours' WHERE run_id = :run_id"
        connection.execute(sa.text(aged), {"run_id": run_id})
        assert (keys.run_that_goes_on(connection) is None) == is_over
    if is_over:
        assert PupilSecrets(engine, settings).rotate() > 1000


def test_of_a_year_that_is_destroyed_nobody_finds_a_pupil_again(
    engine: sa.Engine, settings: Settings, region_files: Path
) -> None:
    before, old = pupils(engine), PupilSecrets(engine, settings).of(NIGHT)
    expiring = settings.model_copy(update={"pupil_days": 30})
    assert purge(expiring, dt.datetime(2024, 10, 1, 2, tzinfo=dt.UTC)).deliveries == 1
    assert not list(settings.keys.glob("year-2023-*")) and pupils(engine) == set()
    (export,) = picked(region_files, EXPORT).values()
    late = settings.inbox / "regional_operator" / "Поздняя.xlsx"
    late.parent.mkdir(exist_ok=True)
    data = export.read_bytes()
    late.write_bytes(data + b"\0")  # other bytes of the same table
    outcomes = ingest([late], Options(), settings)
    assert [outcome.failure for outcome in outcomes] == [None]
    assert PupilSecrets(engine, settings).of(NIGHT)[:32] == old[:32]
    assert PupilSecrets(engine, settings).of(NIGHT)[32:] != old[32:]
    assert pupils(engine).isdisjoint(before)


def test_after_a_year_is_destroyed_the_others_are_rekeyed_and_asked(engine: sa.Engine, settings: Settings) -> None:
    secrets = PupilSecrets(engine, settings)
    secrets.of_year(2024)
    purge(settings.model_copy(update={"pupil_days": 30}), dt.datetime(2024, 10, 1, 2, tzinfo=dt.UTC))
    with engine.connect() as connection:
        noted = keys.noted_years(connection)
    assert set(noted) == {2023, 2024} and secrets.keyring.years() == [2024]
    assert find(engine, settings, "Никакой Нигде Никогдаевич", None) == []
    assert secrets.keyring.years() == [2024], "whoever only reads makes no key"
    assert secrets.rotate() == 0
    with engine.connect() as connection:
        after = keys.noted_years(connection)
    assert after[2023] == noted[2023] and after[2024] != noted[2024] and secrets.keyring.years() == [2024]


def test_the_key_that_wraps_is_not_the_one_that_seals(tmp_path: Path) -> None:
    key = pupil_key.keyring_of(Settings(home=tmp_path)).of_year(2023)
    assert wrapping(key) != key.key and len(wrapping(key)) == 32
