"""A streaming replica that BI reads, on two real servers: what is read there, what is said of it, and its life after
the warehouse is gone.

Slow: two servers are made, and a district is taken in.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from clusters import Cluster, cluster, standby
from evidence import picked, take_in
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from contracts.regions import region_named
from flows.home import bi_database
from flows.home.bi_database import readable, readable_after, replica_of, said_of
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.page.site import build_site
from flows.upkeep.doctor import examine
from warehouse.schema.bi import make_login
from warehouse.server.replica import Replica, caught_up

if TYPE_CHECKING:
    from conftest import Run

pytestmark = pytest.mark.in_order
DAY = "2023-09-08"
NOBODY = "postgresql+psycopg2://nobody@127.0.0.1:9/profmin"
REPLAYS = "SELECT pg_get_wal_replay_pause_state() = 'not paused'"


def url_of(server: Cluster) -> SecretStr:
    return SecretStr(sa.make_url(server.admin).set(database="profmin").render_as_string(hide_password=False))


@pytest.fixture(scope="module")
def running() -> Iterator[ExitStack]:
    """The server of the warehouse, as long as it is there."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def primary(running: ExitStack) -> Cluster:
    made = running.enter_context(cluster())
    made.run("CREATE DATABASE profmin")
    return made


@pytest.fixture(scope="module")
def home(primary: Cluster, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose warehouse has the register and a district."""
    home = tmp_path_factory.mktemp("replica") / "home"
    made = Settings(home=home, database_url=url_of(primary), vouched_channels="inbox,ingest")
    take_in(made, *picked(region_files, "department/Реестр", "asinovsky").values())
    return made


@pytest.fixture(scope="module")
def replica(home: Settings, primary: Cluster) -> Iterator[Cluster]:
    with standby(primary) as made:
        yield made


@pytest.fixture(scope="module")
def settings(home: Settings, replica: Cluster) -> Settings:
    return home.model_copy(update={"bi_database_url": url_of(replica)})


def accepted(profmin: Run, settings: Settings, **variables: str) -> tuple[str, str]:
    """How many schools of the region are ready as `profmin mart` says, and what it says beside that."""
    assert settings.bi_database_url is not None
    variables = {"PROFMIN_BI_DATABASE_URL": settings.bi_database_url.get_secret_value()} | variables
    done = profmin("mart", "readiness_region", "--as-of", DAY, "--format", "csv", settings=settings, **variables)
    assert done.returncode == 0, done.stderr
    heading, row = done.stdout.splitlines()
    return dict(zip(heading.split(","), row.split(","), strict=True))["accepted"], done.stderr


def test_what_it_has_is_what_the_warehouse_has(settings: Settings, tmp_path: Path, profmin: Run) -> None:
    """The page of the region and of a unit too, which is read with the rights of its readers."""
    with warehouse(settings) as engine, readable_after(settings, engine) as read:
        assert read.url.query != engine.url.query
        for name, each in (("there", read), ("here", engine)):
            build_site(each, region_named("69"), tmp_path / name, units=["", "asinovsky"])
    here, there = ({path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.html")}
                   for name in ("here", "there"))  # fmt: skip
    assert here == there and len(here) > 20
    found = replica_of(settings)
    assert found is not None and found.state == "follows"
    assert accepted(profmin, settings)[1] == ""
    assert settings.bi_database_url is not None
    there_too = {"PROFMIN_BI_DATABASE_URL": settings.bi_database_url.get_secret_value()}
    for command in (("deck", "--to", "a.pptx"), ("report", "--to", "a.xlsx")):
        assert profmin(*command, settings=settings, **there_too).returncode == 0
        assert (tmp_path / command[-1]).stat().st_size > 10_000
    said = profmin("status", settings=settings, **there_too)
    assert "Копия для BI повторяет хранилище" in " ".join(said.stdout.split())


def test_figures_are_read_there_and_one_that_is_too_far_behind_is_said(
    settings: Settings, replica: Cluster, region_files: Path, profmin: Run
) -> None:
    replica.run("SELECT pg_wal_replay_pause()")
    before, _ = accepted(profmin, settings)
    take_in(settings, *picked(region_files, "kedrovy").values())
    assert accepted(profmin, settings) == (before, "")
    behind = settings.model_copy(update={"bi_lag_seconds": 0.001})
    now, said = accepted(profmin, behind, PROFMIN_BI_LAG_SECONDS="0.001")
    assert int(now) > int(before)
    assert "слишком отстаёт" in said and "читаю само хранилище" in said
    found = replica_of(behind)
    assert found is not None and found.state == "behind" and found.seconds
    broken = [law for law in examine(behind) if law.times]
    assert [law.name for law in broken] == ["replica_follows"]
    told = profmin("metrics", settings=settings, PROFMIN_BI_DATABASE_URL=url_of(replica).get_secret_value(),
                   PROFMIN_BI_LAG_SECONDS="0.001").stdout  # fmt: skip
    gauges = {each.name: each.samples[0].value for each in text_string_to_metric_families(told) if each.samples}
    assert gauges["profmin_bi_replica_up"] == 0 and gauges["profmin_bi_replica_lag_seconds"] > 0
    replica.run("SELECT pg_wal_replay_resume()")
    with warehouse(settings) as engine, readable_after(settings, engine) as read:
        assert read is not engine


@contextmanager
def receiver_of(replica: Cluster, begin: int, end: int) -> Iterator[None]:
    """One signal goes to the process that receives what the warehouse has written, and another one afterwards."""
    with sa.create_engine(replica.admin, poolclass=sa.NullPool).connect() as connection:
        pid = connection.scalar(sa.text("SELECT pid FROM pg_stat_wal_receiver"))
    os.kill(pid, begin)
    try:
        yield
    finally:
        os.kill(pid, end)


def test_one_to_which_the_line_is_thin_is_behind_though_it_applies_what_it_receives(
    settings: Settings, primary: Cluster, replica: Cluster
) -> None:
    strict = settings.model_copy(update={"bi_lag_seconds": 0.001})
    with receiver_of(replica, signal.SIGSTOP, signal.SIGCONT):
        primary.run("CREATE TABLE filler AS SELECT repeat('x', 900) AS x FROM generate_series(1, 2000)")
        found, borne = replica_of(strict), replica_of(settings)
    primary.run("DROP TABLE filler")
    assert found is not None and found.state == "behind" and found.seconds and found.missing
    assert found.missing > 1_000_000 and " MB" in said_of(found)[0] and " МБ" in said_of(found)[1]
    assert borne is not None and borne.state == "follows" and borne.seconds and borne.missing


def test_one_whose_login_may_read_marts_alone_is_said(settings: Settings, replica: Cluster, profmin: Run) -> None:
    """A night's page is then written from the warehouse."""
    with warehouse(settings) as engine:
        password = make_login(engine, "officer_of_bi", new_password=True)
        with readable_after(settings, engine):
            """It has come there too."""
        wrong = settings.model_copy(update={"bi_database_url": SecretStr(
            replica.url("officer_of_bi", password, "profmin"))})  # fmt: skip
        assert replica_of(wrong) == Replica("refuses")
        with readable_after(wrong, engine) as read:
            assert read is engine
    figure, said = accepted(profmin, wrong)
    assert figure == accepted(profmin, settings)[0]
    assert "отказывает" in said and "читаю само хранилище" in said
    assert [law.name for law in examine(wrong) if law.times] == ["replica_follows"]


def test_one_that_dies_while_a_page_waits_for_it_leaves_no_page_unwritten(
    settings: Settings, replica: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its connection is cut just before it is asked whether it has come so far."""
    cut = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = 'profmin'"

    def asked_too_late(read: sa.Engine, *more: Any) -> bool:
        sa.event.listen(read, "before_cursor_execute", lambda *_: replica.run(cut))
        return caught_up(read, *more)

    monkeypatch.setattr(bi_database, "caught_up", asked_too_late)
    with warehouse(settings) as engine, readable_after(settings, engine) as read:
        assert read is engine
    assert "does not answer; the warehouse itself is read" in caplog.text


def test_nothing_is_written_to_it(settings: Settings, replica: Cluster, profmin: Run) -> None:
    wrong = settings.model_copy(update={"database_url": url_of(replica)})
    done = profmin("ingest", settings=wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert "PROFMIN_DATABASE_URL names a standby" in done.stderr and "Traceback" not in done.stderr


def test_one_that_is_away_is_said(settings: Settings, profmin: Run) -> None:
    away = settings.model_copy(update={"bi_database_url": SecretStr(NOBODY)})
    assert replica_of(away) == Replica("away")
    figure, said = accepted(profmin, away)
    assert figure == accepted(profmin, settings)[0]
    assert "не отвечает" in said and "читаю само хранилище" in said


def test_one_that_is_promoted_works_on(
    settings: Settings, replica: Cluster, running: ExitStack, region_files: Path, profmin: Run
) -> None:
    """The server of the warehouse is gone. What the replica has is read, then it takes the place."""
    figure, _ = accepted(profmin, settings)
    running.close()
    alone, said = accepted(profmin, settings, PROFMIN_BI_LAG_SECONDS="0.001")
    assert alone == figure and "само хранилище не отвечает" in said
    replica.run("SELECT pg_promote()")
    assert replica_of(settings) == Replica("promoted")
    assert "больше не повторяет" in accepted(profmin, settings)[1]
    promoted = settings.model_copy(update={"database_url": url_of(replica), "bi_database_url": None})
    take_in(promoted, *picked(region_files, "seversk").values())
    with readable(promoted) as engine, engine.connect() as connection:
        query = "SELECT accepted FROM mart.readiness_region WHERE as_of = :day"
        assert int(connection.scalar(sa.text(query), {"day": DAY}) or 0) > int(figure)
    assert not [law for law in examine(promoted) if law.times]
