"""Reading spread over processes of dask.distributed: the same comes of it, whatever becomes of the processes.

Slow: processes are started that import all that reads.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from distributed import LocalCluster
from evidence import engine_of, picked, take_in
from pydantic import SecretStr

from flows.cli.service_commands import deploy, up
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake import spread
from flows.intake.spread import Spread, look_there, without_secrets
from warehouse.marts.definitions import marts
from warehouse.marts.published import mart

OF_CLOCKS = ("known_at", "published_at", "changed_at")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Spread]:
    """Two processes, for all tests."""
    made = Spread("local:2")
    yield made
    made.client.cluster.close()
    made.client.close()


@pytest.fixture
def spreading(settings: Settings, cluster: Spread, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose nights are spread, however small."""
    monkeypatch.setattr(spread, "WORTH", 1)
    monkeypatch.setattr(spread, "LOOKED_AT", 5)
    monkeypatch.setattr(spread, "_at", {"local:2": cluster}.__getitem__)
    return settings.model_copy(update={"dask": "local:2"})


def published(settings: Settings) -> dict[str, pl.DataFrame]:
    """Every mart as it was published last, without what a home's own clock and counters say."""
    with engine_of(settings) as engine, engine.connect() as connection:
        found = {each.name: mart(connection, each.name, region="69") for each in marts()}
    return {name: frame.drop(OF_CLOCKS, strict=False) for name, frame in found.items()}


def readings_of(settings: Settings, *senders: str) -> int:
    """How many readings of some senders are current."""
    read = sa.text("SELECT count(*) FROM ops.reading WHERE sender = ANY(:senders) AND status = 'current'")
    with engine_of(settings) as engine, engine.connect() as connection:
        return int(connection.scalar(read, {"senders": list(senders)}) or 0)


def test_marts_are_those_of_an_undisturbed_run_though_a_process_is_killed(
    spreading: Settings, cluster: Spread, region_files: Path, region_taken_in: Settings
) -> None:
    """It is killed as soon as it has something to read; that is read by the other, or by the one in its place."""
    killed: list[int] = []

    def kill_one() -> None:
        while not any((busy := cluster.client.processing()).values()):
            time.sleep(0.01)
        pids = cluster.client.run(os.getpid)
        killed.append(pids[next(address for address, tasks in busy.items() if tasks)])
        os.kill(killed[0], signal.SIGKILL)

    killing = threading.Thread(target=kill_one)
    killing.start()
    take_in(spreading, *(path for path in region_files.rglob("*") if path.is_file()))
    killing.join()
    assert killed[0] not in cluster.client.run(os.getpid).values()
    expected, found = published(region_taken_in), published(spreading)
    assert {name for name, frame in expected.items() if not frame.equals(found[name])} == set()
    assert not any(frame.is_empty() for name, frame in expected.items() if name.startswith("readiness_by"))


def test_what_ends_its_process_is_read_here(
    spreading: Settings, cluster: Spread, region_files: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A machine that kills what takes too much ends what was there, whichever file it was: each has its reading."""
    monkeypatch.setattr(spread, "look_there", lambda *_: os._exit(1))
    monkeypatch.setattr(cluster.client.cluster.scheduler, "allowed_failures", 0)
    take_in(spreading, *picked(region_files, "department/Реестр", "asinovsky", "kedrovy").values())
    assert "KilledWorker" in caplog.text
    assert readings_of(spreading, "asinovsky", "kedrovy") == 2


async def waited(number: int) -> int:
    """The first comes back, the others do not. As a coroutine it holds no thread, for which its worker would wait."""
    if number:
        await asyncio.Event().wait()
    return number


def no_workers(cluster: Any, _client: Any) -> None:
    cluster.scale(0)


def no_scheduler(_cluster: Any, client: Any) -> None:
    """What a client does that could not connect again."""
    client.close()


@pytest.mark.parametrize("lose", [no_workers, no_scheduler])
def test_what_a_cluster_that_is_lost_had_comes_back(
    lose: Callable[[Any, Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, though nobody tells the run that nobody works any more."""
    monkeypatch.setattr(spread, "NOBODY_SECONDS", 0.2)
    monkeypatch.setattr(spread, "LOOK_SECONDS", 0.1)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=None
    ) as made:
        connected = Spread(made.scheduler_address)
        with closing(connected.client):
            coming = connected._completed(lambda number: (waited, number), range(9))
            assert next(coming) == (0, 0)
            lose(made, connected.client)
            left = dict(coming)
    assert sorted(left) == list(range(1, 9))
    assert all(isinstance(found, Exception) for found in left.values())


def test_a_scheduler_without_processes_is_not_waited_for(
    settings: Settings, region_files: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "WORTH", 1)
    with LocalCluster(n_workers=0, processes=False, protocol="tcp", dashboard_address=None) as made:
        spreading = settings.model_copy(update={"dask": made.scheduler_address})
        take_in(spreading, *picked(region_files, "department/Реестр", "asinovsky").values())
        found = spread.spread_of(spreading, 1)
        assert found is not None
        found.client.close()
    assert "has no process" in caplog.text
    assert readings_of(settings, "asinovsky") == 1


def test_without_the_library_a_night_is_read_here_and_the_service_says_what_to_install(
    settings: Settings, region_files: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "WORTH", 1)
    monkeypatch.setitem(sys.modules, "distributed", None)
    spreading = settings.model_copy(update={"dask": "tcp://127.0.0.1:10"})
    take_in(spreading, *picked(region_files, "department/Реестр", "asinovsky").values())
    assert "pip install 'profmin[dask]'" in caplog.text
    assert readings_of(settings, "asinovsky") == 1
    for begin in (deploy, lambda asked: up(asked, None, foreground=True)):
        with pytest.raises(UsageError, match=r"pip install 'profmin\[dask\]'"):
            begin(spreading)


def test_a_process_with_other_rules_reads_nothing(spreading: Settings) -> None:
    with pytest.raises(Fault, match="the same version of the code"):
        look_there(spreading, ("69", "another"), [])


def test_without_a_cluster_everything_is_read_here(
    settings: Settings, region_files: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "WORTH", 1)
    monkeypatch.setattr(spread, "CONNECT_SECONDS", 0.2)
    take_in(
        settings.model_copy(update={"dask": "tcp://127.0.0.1:9"}),
        *picked(region_files, "department/Реестр", "asinovsky").values(),
    )
    assert "no cluster answers" in caplog.text
    assert readings_of(settings, "asinovsky") == 1


def test_no_password_goes_to_a_process(settings: Settings) -> None:
    told = without_secrets(settings.model_copy(update={"smtp_url": SecretStr("smtp://user:word@host")}))
    assert (told.database_url, told.smtp_url) == (None, None)
    assert (told.archive, told.keyring) == (settings.archive, settings.keyring)
