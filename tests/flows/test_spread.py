"""Reading spread over processes of dask.distributed: the same comes of it, whatever becomes of the processes.

Slow: processes are started that import all that reads.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from evidence import engine_of, picked, take_in
from pydantic import SecretStr

from flows.home.faults import Fault
from flows.home.settings import Settings
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
    with engine_of(settings) as engine, engine.connect() as connection:
        read = "SELECT count(*) FROM ops.reading WHERE sender = 'asinovsky' AND status = 'current'"
        assert connection.scalar(sa.text(read)) == 1


def test_no_password_goes_to_a_process(settings: Settings) -> None:
    told = without_secrets(settings.model_copy(update={"smtp_url": SecretStr("smtp://user:word@host")}))
    assert (told.database_url, told.smtp_url) == (None, None)
    assert (told.archive, told.keyring) == (settings.archive, settings.keyring)
