"""What a region's import asks of a file before it believes it, and in which order it does what cannot be undone.

Slow: a region is exported and taken in again.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import engine_of, take_in
from packs import write_regions

from contracts.regions import packs_in, read_from, region_named
from documents.demo import eve, of_pack, put
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.upkeep import region_move
from flows.upkeep.region_file import Manifest, Part, manifest_of, read_file, write_file
from flows.upkeep.region_move import export_region, import_region
from warehouse.schema.upgrade import connect
from warehouse.watch.region_coming import has_region

LEAVES = "39"
NOW = dt.datetime(2023, 9, 9, 9, tzinfo=dt.UTC)
Carried = tuple[Path, Path]
RUNS = "SELECT kind, state, finished_at IS NOT NULL FROM ops.run ORDER BY run_id"
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = cast(:table AS regclass))"


@pytest.fixture(scope="module")
def carried(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Carried:
    """The file of a region of which a register and a report were taken in, and its key.

    A run of it goes on, and one was of no region.
    """
    folder = tmp_path_factory.mktemp("leaves")
    write_regions(folder / "both")
    shutil.copytree(folder / "both" / "39-amber", folder / "packs" / "39-amber")
    (amber,) = packs_in(folder / "packs")
    (folder / "key").mkdir()
    with databases.fresh() as url:
        settings = Settings(
            home=folder / "home", database_url=url, vouched_channels="inbox,ingest", regions=folder / "packs"
        )
        read_from(settings.regions)
        engine = connect(url)
        try:
            put(eve.before(of_pack(amber)), folder / "files")
            take_in(
                settings,
                *sorted(path for of in ("a_department", "a_u02") for path in (folder / "files" / of).iterdir()),
            )
            with engine.begin() as connection:
                for kind, region in (("watchdog", None), ("nightly", LEAVES)):
                    made = "INSERT INTO ops.run (kind, region, as_of) VALUES (:kind, :region, '2023-09-08')"
                    connection.execute(sa.text(made), {"kind": kind, "region": region})
            export_region(settings, region_named(LEAVES), folder / "file", folder / "key" / "key", NOW)
        finally:
            engine.dispose()
            read_from(None)
    return folder / "file", folder / "key" / "key"


@pytest.fixture
def target(databases: Any, tmp_path: Path) -> Iterator[Settings]:
    """A home of another region, in which nothing has come yet."""
    write_regions(tmp_path / "both")
    shutil.copytree(tmp_path / "both" / "69-tomsk", tmp_path / "packs" / "69-tomsk")
    with databases.fresh() as url:
        read_from(tmp_path / "packs")
        made = Settings(home=tmp_path / "home", database_url=url, regions=tmp_path / "packs")
        made.prepare()
        yield made
        read_from(None)


@pytest.fixture
def engine(target: Settings) -> Iterator[sa.Engine]:
    with engine_of(target) as made:
        yield made


def take(target: Settings, carried: Carried) -> Manifest:
    assert target.regions is not None
    return import_region(target, *carried, target.regions)


def packs_of(target: Settings) -> set[str]:
    assert target.regions is not None
    return {path.name for path in target.regions.iterdir()}


def archived(target: Settings) -> list[Path]:
    return [path for path in target.archive.rglob("*") if path.is_file()]


def part(name: str, data: bytes, **said: object) -> Part:
    return Part(name, len(data), said, io.BytesIO(data))


def forged(
    carried: Carried, to: Path, change: Callable[[Part, bytes], Part | None] | None = None, *more: Part, **said: Any
) -> Carried:
    """The file with parts that are others, with more of them, or with another manifest; None leaves a part out."""

    def parts() -> Iterator[Part]:
        for each in read_file(*carried):
            data = each.data.read()
            made = part(each.name, data, **each.said)
            if (found := change(made, data) if change else made) is not None:
                yield found
        yield from more

    (to / "file.key").mkdir(parents=True)
    made = to / "file", to / "file.key" / "key"
    write_file(*made, replace(manifest_of(*carried), **said), parts())
    return made


def of_another_region(each: Part, data: bytes) -> Part:
    """Publications that say that they are of the region which is there."""
    if each.name != "rows/ops.publication":
        return each
    columns = each.said["columns"]
    assert isinstance(columns, list) and data
    rows = [line.split(b"\t") for line in data.splitlines()]
    for row in rows:
        row[columns.index("region")] = b"69"
    return part(each.name, b"".join(b"\t".join(row) + b"\n" for row in rows), **each.said)


def other_numbers(each: Part, data: bytes) -> Part:
    """Readings with numbers that would be those of rows which are there, once they are moved."""
    if each.name != "rows/ops.delivery":
        return each
    columns = each.said["columns"]
    assert isinstance(columns, list)
    rows = [line.split(b"\t") for line in data.splitlines()]
    for row in rows:
        row[columns.index("delivery_id")] = b"-1"
    return part(each.name, b"".join(b"\t".join(row) + b"\n" for row in rows), **each.said)


def more_columns(each: Part, data: bytes) -> Part:
    if not each.name.startswith("rows/history."):
        return each
    columns = each.said["columns"]
    assert isinstance(columns, list)
    return part(each.name, b"", columns=[*columns, 'x" text; CREATE TABLE public.taken (); --'])


def other_bytes(each: Part, data: bytes) -> Part:
    return part(each.name, data[::-1], **each.said) if each.name.startswith("bytes/") else each


def test_what_comes_is_whole_and_of_its_region_alone(carried: Carried, target: Settings, engine: sa.Engine) -> None:
    """Runs of no region stay where they were, and one that went on there has ended here."""
    take(target, carried)
    assert packs_of(target) == {"39-amber", "69-tomsk"}
    assert has_region(engine, LEAVES) and archived(target)
    with engine.connect() as connection:
        runs = [tuple(row) for row in connection.execute(sa.text(RUNS))]
    assert runs[-1] == ("nightly", "crashed", True)
    assert "watchdog" not in {kind for kind, _, _ in runs}
    with pytest.raises(UsageError, match="already"):
        take(target, carried)


@pytest.mark.parametrize(
    ("change", "more", "error"),
    [
        (None, [part("rows/ref.access", b"mallory\t69\n", columns=["login", "region"])], UsageError),
        (None, [part("rows/public.x", b"", columns=["a"])], UsageError),
        (more_columns, [], UsageError), (of_another_region, [], UsageError), (other_numbers, [], UsageError),
        (other_bytes, [], Fault), (None, [part("bytes/../x", b"", sha256="0" * 64, year=None)], Fault),
    ],
    ids=["rights", "another table", "SQL", "another region", "others' numbers", "other bytes", "another place"],
)  # fmt: skip
def test_a_file_that_says_more_than_a_region_may_is_refused(
    carried: Carried, target: Settings, engine: sa.Engine, tmp_path: Path, change: Any, more: list[Part], error: Any
) -> None:
    for each in more:
        each.data.seek(0)
    with pytest.raises(error):
        take(target, forged(carried, tmp_path / "forged", change, *more))
    assert packs_of(target) == {"69-tomsk"}
    assert archived(target) == [], "no bytes stay of which no delivery knows"
    assert not has_region(engine, LEAVES)
    with engine.connect() as connection:
        assert not connection.scalar(sa.text("SELECT to_regclass('public.taken') IS NOT NULL"))
        assert not connection.scalar(sa.text("SELECT count(*) FROM ref.access WHERE login = 'mallory'"))
    take(target, carried)  # what was refused stands in nobody's way


@pytest.mark.parametrize("said", [{"pack": name} for name in ("..", "_x", ".x", "a/b", "")] + [{"region": "70"}])
def test_a_manifest_names_a_plain_folder_and_the_region_of_its_pack(
    carried: Carried, target: Settings, tmp_path: Path, said: dict[str, Any]
) -> None:
    there = sorted(path for path in tmp_path.rglob("*") if "home" not in path.parts)
    with pytest.raises(UsageError):
        take(target, forged(carried, tmp_path / "forged", **said))
    shutil.rmtree(tmp_path / "forged")
    assert sorted(path for path in tmp_path.rglob("*") if "home" not in path.parts) == there


def test_schools_of_another_region_are_asked_for_before_anything_is_written(
    carried: Carried, target: Settings, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (schools,) = [each.data.read() for each in read_file(*carried) if each.name == "rows/ref.school_identity"]
    code = next(cell for cell in schools.splitlines()[0].decode().split("\t") if len(cell) > 3)
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO ref.school_identity (school_code, region) VALUES (:code, '69')"), {"code": code}
        )
    monkeypatch.setattr(region_move, "put", None)
    with pytest.raises(UsageError, match="schools"):
        take(target, carried)
    assert (packs_of(target), archived(target)) == ({"69-tomsk"}, [])


def dies_in(target: Settings, carried: Carried, monkeypatch: pytest.MonkeyPatch, name: str, when: Any) -> None:
    """Have another process do it, which is killed when it calls what `when` stands for."""
    if (child := os.fork()) == 0:
        try:
            monkeypatch.setattr(region_move, name, when)
            take(target, carried)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def killed(*_: object) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_pack_is_in_force_only_when_the_rows_are_there(
    carried: Carried, target: Settings, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed among the rows, nothing of it is in force; killed when they are there, the next call ends it."""

    def dies(path: Path, key_file: Path) -> Iterator[Part]:
        for each in read_file(path, key_file):
            yield each
            if each.name == "rows/ops.reading" and archived(target):
                killed()

    assert target.regions is not None
    engine.dispose()
    dies_in(target, carried, monkeypatch, "read_file", dies)
    assert [each.code for each in packs_in(target.regions)] == ["69"]
    assert not has_region(engine, LEAVES)
    engine.dispose()
    dies_in(target, carried, monkeypatch, "_bring_into_force", killed)
    assert [each.code for each in packs_in(target.regions)] == ["69"]
    assert has_region(engine, LEAVES)
    take(target, carried)
    assert packs_of(target) == {"39-amber", "69-tomsk"}
    with pytest.raises(UsageError, match="already"):
        take(target, carried)


def test_it_waits_for_who_loads_without_holding_what_he_needs(
    carried: Carried, target: Settings, engine: sa.Engine
) -> None:
    """Who loads writes readings first and their findings next."""
    took: list[Manifest] = []
    with engine.connect() as loader, loader.begin():
        loader.execute(sa.text("LOCK TABLE ops.reading IN ROW EXCLUSIVE MODE"))
        taking = threading.Thread(target=lambda: took.append(take(target, carried)))
        taking.start()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
            while taking.is_alive() and not watcher.scalar(sa.text(WAITS), {"table": "ops.reading"}):
                time.sleep(0.05)
        loader.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
        loader.execute(sa.text("LOCK TABLE ops.finding IN ROW EXCLUSIVE MODE"))
        loader.execute(sa.text("LOCK TABLE ops.finding_across IN ROW EXCLUSIVE MODE"))
    taking.join()
    assert len(took) == 1
