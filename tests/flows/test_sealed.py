"""What names people lies sealed by the key of its year, and goes with it, in every copy.

Slow: an export is taken in, backed up, destroyed and restored by the real programs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import shutil
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import TRACES, assert_nowhere, at, copied, engine_of, picked, planted, taken_in
from pydantic import SecretStr

from flows.backfills.steps import plan, requested
from flows.home import sealing
from flows.home.archived import Opened, digest, is_kept, parts, put, readers, seal, sealed_place, size_of
from flows.home.faults import Fault
from flows.home.keyring import DESTROYED, KeyGone, Keyring, keyring_of, lies_beside
from flows.home.sealed import CHUNK, HEADER, TAG, header_of
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.backup import DUMP, backup, bring_back
from flows.upkeep.doctor import examine
from flows.upkeep.retention import purge
from warehouse.deliveries.received import finish_run, start_run
from warehouse.schema.upgrade import connect
from warehouse.server.clients import program_for, server_of

NOW = dt.datetime(2023, 9, 9, 3, tzinfo=dt.UTC)
AFTER = dt.datetime(2024, 10, 1, 2, tzinfo=dt.UTC)
NIGHT = dt.date(2023, 9, 8)


def ring(folder: Path) -> Keyring:
    return Keyring(folder / "keys", folder / "master.key")


def place_of(folder: Path, data: bytes) -> Path:
    name = hashlib.sha256(data).hexdigest()
    path = folder / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_is_sealed_comes_back(tmp_path: Path, size: int) -> None:
    keyring, data = ring(tmp_path), secrets.token_bytes(size)
    path = place_of(tmp_path, data)
    path.write_bytes(data)
    assert seal(path, 2023, keyring, tmp_path) is True
    assert not path.exists() and is_kept(path)
    assert size < 64 or data[:64] not in sealed_place(path).read_bytes()
    assert b"".join(parts(path, keyring)) == data and size_of(path) == size
    assert digest(path, keyring) == (path.name, size)
    assert Opened(path, keyring).path.read_bytes() == data
    assert seal(path, 2023, keyring, tmp_path) is False, "the second time there is nothing to do"
    assert seal(path, 2024, keyring, tmp_path) is True
    assert header_of(sealed_place(path)).year == 2024
    assert b"".join(parts(path, keyring)) == data


@pytest.mark.parametrize("damage", ["a bit", "the end", "order", "the salt", "another year", "more"])
def test_what_was_changed_does_not_open(tmp_path: Path, damage: str) -> None:
    keyring, data = ring(tmp_path), secrets.token_bytes(2 * CHUNK + 5)
    path = place_of(tmp_path, data)
    put(path, 2023, [data], keyring, tmp_path)
    sealed = bytearray(sealed_place(path).read_bytes())
    first, second = slice(HEADER, HEADER + CHUNK + TAG), slice(HEADER + CHUNK + TAG, HEADER + 2 * (CHUNK + TAG))
    if damage == "a bit":
        sealed[HEADER + CHUNK // 2] ^= 1
    elif damage == "the end":
        del sealed[second.stop :]
    elif damage == "order":
        sealed[first], sealed[second] = sealed[second], sealed[first]
    elif damage == "the salt":
        sealed[HEADER - 1] ^= 1
    elif damage == "another year":
        sealed[17:19] = (2022).to_bytes(2, "big")
    else:
        sealed += b"x"
    sealed_place(path).write_bytes(sealed)
    with pytest.raises(Fault, match=r"is not as it was sealed|which is not in"):
        list(parts(path, keyring))


def test_memory_is_that_of_a_chunk(tmp_path: Path) -> None:
    keyring = ring(tmp_path)
    path = tmp_path / "ab" / "large"
    tracemalloc.start()
    put(path, 2023, (bytes(CHUNK) for _ in range(64)), keyring, tmp_path)
    assert sum(map(len, parts(path, keyring))) == 64 * CHUNK
    assert tracemalloc.get_traced_memory()[1] < 12 * CHUNK
    tracemalloc.stop()


def test_keys_are_made_once_and_lie_locked(tmp_path: Path) -> None:
    keyring = ring(tmp_path)
    key = keyring.of_year(2023)
    assert keyring.of_year(2023) == key != keyring.of_year(2024) and keyring.years() == [2023, 2024]
    keyring.renew(2024)
    assert keyring.key_ids(2024)[0] == keyring.of_year(2024).key_id and len(keyring.key_ids(2024)) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*.key"))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.key in path.read_bytes()]
    keyring.master_file.write_bytes(bytes(32))
    with pytest.raises(Fault, match=r"master\.key does not open the key of 2023"):
        keyring.of_year(2023)
    keyring.master_file.unlink()
    with pytest.raises(Fault, match=r"master\.key is gone, and the keys of years are locked by it"):
        keyring.of_year(2022)
    assert not keyring.master_file.exists()


def test_a_destroyed_key_is_told_from_a_lost_one(tmp_path: Path) -> None:
    keyring = ring(tmp_path)
    gone, lost = keyring.of_year(2023), keyring.of_year(2024)
    assert [key.key_id for key in keyring.destroy(2023, NOW)] == [gone.key_id]
    (keyring.folder / f"year-2024-01-{lost.key_id}.key").unlink()
    with pytest.raises(KeyGone, match="was destroyed on 2023-09-09") as told:
        keyring.find(2023, gone.key_id)
    assert told.value.destroyed_at == NOW
    with pytest.raises(KeyGone, match=r"which is not in .*: bring it back") as told:
        keyring.find(2024, lost.key_id)
    assert told.value.destroyed_at is None
    assert keyring.of_year(2023).key_id != gone.key_id, "what comes late has a key of its own"


def test_a_destruction_that_was_killed_is_brought_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = ring(tmp_path)
    key = keyring.of_year(2023)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Path, "unlink", lambda _path: (_ for _ in ()).throw(KeyboardInterrupt))
        keyring.destroy(2023, NOW)
    keyring.destroy(2023, AFTER)
    assert keyring.years() == [] and [each.key_id for each in keyring.destroyed()] == [key.key_id]
    assert (keyring.folder / DESTROYED).read_text().count("\n") == 1


def test_keys_move_out_of_the_home(tmp_path: Path) -> None:
    before = Settings(home=tmp_path / "home")
    key = keyring_of(before).of_year(2023)
    (before.keys / "prefect.auth").write_text("password")
    assert "within PROFMIN_HOME" in (lies_beside(before) or "")
    after = before.model_copy(update={"keyring": tmp_path / "elsewhere"})
    assert keyring_of(after).of_year(2023) == key and lies_beside(after) is None
    assert [path.name for path in before.keys.iterdir()] == ["prefect.auth"]
    shutil.copytree(tmp_path / "elsewhere", before.keys, dirs_exist_ok=True)
    (before.keys / "master.key").write_bytes(bytes(32))
    with pytest.raises(Fault, match="are two keys"):
        keyring_of(after)


@pytest.fixture(scope="module")
def lived(databases: Any, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The register, a report and an export with a planted pupil were taken in."""
    files = picked(region_files, "department/Реестр", "asinovsky", "regional_operator/Сводный")
    folder = tmp_path_factory.mktemp("sealed")
    export = planted(files.pop("regional_operator/Сводный"), folder / "regional_operator" / "Выгрузка.xlsx", "none")
    with taken_in(databases, folder / "home", *files.values(), export) as made:
        yield made


@pytest.fixture
def settings(databases: Any, lived: Settings, tmp_path: Path) -> Iterator[Settings]:
    with copied(databases, lived, tmp_path / "home") as made:
        yield made.model_copy(update={"keyring": tmp_path / "keys", "pupil_days": 30})


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    with engine_of(settings) as made:
        yield made


def export_of(engine: sa.Engine, settings: Settings) -> Path:
    with engine.connect() as connection:
        (place,) = connection.scalars(
            sa.text(
                "SELECT DISTINCT d.archive_path FROM ops.delivery d JOIN ops.reading r USING (delivery_id)"
                " WHERE r.form = 'registration_export'"
            )
        )
    return settings.archive / place


def broken(settings: Settings) -> list[str]:
    return [law.name for law in examine(settings) if law.times]


def readable(folder: Path, of: bytes) -> list[Path]:
    """Files of a folder that hold the planted pupil as it was sent, or the bytes of the export, packed or not."""
    traces = [trace.encode() for trace in TRACES]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and (of[:4096] in (data := path.read_bytes()) or any(trace in data for trace in traces))
    ]


def test_an_export_lies_sealed_and_reads_as_before(engine: sa.Engine, settings: Settings) -> None:
    path = export_of(engine, settings)
    assert not path.exists() and sealed_place(path).exists() and header_of(sealed_place(path)).year == 2023
    assert broken(settings) == []
    planned = plan(engine, settings, requested(["registration_export"], [], NIGHT, NIGHT, "Прочитать снова"))
    assert planned is not None
    data = b"".join(parts(path, keyring_of(settings)))
    again = settings.inbox / "regional_operator" / "Ещё раз.xlsx"
    again.write_bytes(data)
    assert [outcome.is_repeat for outcome in ingest([again], Options(), settings)] == [True]
    assert not path.exists() and broken(settings) == []


def test_a_home_of_before_is_brought_over_by_its_next_run(engine: sa.Engine, settings: Settings) -> None:
    path = export_of(engine, settings)
    data = b"".join(parts(path, keyring_of(settings)))
    sealed_place(path).unlink()
    path.write_bytes(data)
    assert broken(settings) == ["names_are_sealed"]
    with engine.begin() as connection:
        run_id = start_run(connection, "nightly", NIGHT, region="69")
    assert "names_are_sealed" not in broken(settings), "a run seals at its end"
    with engine.begin() as connection:
        finish_run(connection, run_id, "completed")
    ingest([], Options(), settings)
    assert not path.exists() and digest(path, keyring_of(settings))[0] == path.name and broken(settings) == []


@pytest.mark.parametrize("point", ["before", "both", "other bytes"])
def test_sealing_that_was_killed_is_made_good(engine: sa.Engine, settings: Settings, point: str) -> None:
    path, keyring = export_of(engine, settings), keyring_of(settings)
    data = b"".join(parts(path, keyring))
    path.write_bytes(data)
    if point == "before":
        sealed_place(path).unlink()
    elif point == "other bytes":
        sealed_place(path).unlink()
        path.write_bytes(data + b"x")
    done = sealing.seal_archive(engine, settings)
    assert (done, path.exists()) == ((0, True) if point == "other bytes" else (1, False))
    if point != "other bytes":
        assert digest(path, keyring)[0] == path.name


def test_a_backup_of_before_a_destruction_has_no_readable_pupil(
    engine: sa.Engine, settings: Settings, databases: Any, tmp_path: Path
) -> None:
    path = export_of(engine, settings)
    data = b"".join(parts(path, keyring_of(settings)))
    assert backup(settings, tmp_path / "backup", NOW)["deliveries"] == 3
    assert readable(tmp_path / "backup", data) == [] and not (tmp_path / "backup" / "keys").exists()
    program = program_for("pg_restore", server_of(engine))
    dumped = subprocess.run([program, "--file=-", tmp_path / "backup" / DUMP], capture_output=True, check=True).stdout
    assert b"registration_export" in dumped
    assert_nowhere(dumped.decode(), "the dump")
    (copy,) = (tmp_path / "backup").rglob("*.sealed")
    assert b"".join(parts(copy.with_suffix(""), keyring_of(settings))) == data, "who has the key reads it"

    assert purge(settings, AFTER).deliveries == 1
    assert keyring_of(settings).years() == [] and [key.year for key in keyring_of(settings).destroyed()] == [2023]
    with pytest.raises(KeyGone, match="was destroyed on 2024-10-01"):
        list(parts(copy.with_suffix(""), keyring_of(settings)))
    assert readable(settings.home, data) == []

    with databases.fresh("template0") as url:
        restored = at(tmp_path / "restored", settings, database_url=SecretStr(url))
        bring_back(restored, tmp_path / "backup", AFTER)
        assert readable(restored.home, data) == [] and list(restored.archive.rglob("*.sealed")) == []
        other = connect(url)
        with other.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM restricted.pupil_version")) == 0
            assert connection.scalar(sa.text("SELECT count(*) FROM ops.purged WHERE act IS NOT NULL")) == 1
        other.dispose()
        assert broken(restored) == [] and len(list(restored.acts.iterdir())) == 1


@pytest.mark.parametrize("by", ["purge", "backup", "seal_archive"])
def test_where_the_keys_are_not_no_others_are_made(
    engine: sa.Engine, settings: Settings, tmp_path: Path, by: str
) -> None:
    """As in a shell that lacks the setting which the service has."""
    path, keys = export_of(engine, settings), sorted(keyring_of(settings).folder.iterdir())
    before = sealed_place(path).read_bytes()
    elsewhere = settings.model_copy(update={"keyring": None})
    with pytest.raises(Fault, match=r"lacks pupil\.key, the key [0-9a-f]{16}, by which .* Set PROFMIN_KEYRING"):
        if by == "purge":
            purge(elsewhere, AFTER)
        elif by == "backup":
            backup(elsewhere, tmp_path / "backup", NOW)
        else:
            sealing.seal_archive(engine, elsewhere)
    assert list(elsewhere.keys.glob("*.key")) == [] and sealed_place(path).read_bytes() == before
    assert sorted(keyring_of(settings).folder.iterdir()) == keys and broken(settings) == []
    assert purge(settings, AFTER).deliveries == 1


def test_a_restore_waits_for_the_keys(settings: Settings, databases: Any, tmp_path: Path) -> None:
    backup(settings, tmp_path / "backup", NOW)
    with databases.fresh("template0") as url:
        restored = at(tmp_path / "restored", settings, database_url=SecretStr(url), keyring=tmp_path / "other")
        with pytest.raises(Fault, match=r"other lacks the key [0-9a-f]{16}, by which"):
            bring_back(restored, tmp_path / "backup", NOW)
        assert not (tmp_path / "other").exists() and not restored.archive.exists()
        shutil.copytree(keyring_of(settings).folder, tmp_path / "other")
        bring_back(restored, tmp_path / "backup", NOW)
        assert broken(restored) == []


def test_what_nobody_has_read_yet_is_sealed_in_a_backup(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    """A report that waits is sealed too, since nobody knows what it is; it outlives the key of its year."""
    report = settings.inbox / "asinovsky" / next((settings.inbox / "asinovsky").iterdir()).name
    data = report.read_bytes()
    waiting = place_of(settings.archive, data)
    with engine.begin() as connection:
        received = "UPDATE ops.delivery SET received_at = '2023-09-08' WHERE sha256 = :s"
        connection.execute(sa.text(received), {"s": waiting.name})
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            sa.text(
                "DELETE FROM ops.reading r USING ops.delivery d WHERE d.delivery_id = r.delivery_id AND sha256 = :s"
            ),
            {"s": waiting.name},
        )
    backup(settings, tmp_path / "backup", NOW)
    copy = tmp_path / "backup" / "archive" / waiting.name[:2] / waiting.name
    assert not copy.exists() and sealed_place(copy).exists() and waiting.exists()
    shutil.copy2(sealed_place(copy), sealed_place(waiting))
    waiting.unlink()
    purge(settings, AFTER)
    assert waiting.read_bytes() == data and keyring_of(settings).years() == []


def test_two_homes_have_the_same_reader_processes(tmp_path: Path) -> None:
    """Else a process that serves many homes, as these tests do, would start two for each and end none."""
    one, other = (
        readers(Settings(home=tmp_path / name, keyring=tmp_path / f"keys of {name}"))  # type: ignore[arg-type]
        for name in ("one", "other")
    )
    assert one.opening != other.opening
    assert one._readers is other._readers
