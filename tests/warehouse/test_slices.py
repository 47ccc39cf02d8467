"""Two that want the same: one waits and says for whom, gives up in time, and begins anew when it fell victim."""

import datetime as dt
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg2
import pytest
import sqlalchemy as sa
from hand_made import (
    DAY,
    VERSION,
    Stream,
    delivery,
    export,
    loaded,
    pupil_block,
    refused,
    report,
    school_ids,
    school_register,
)

from warehouse.core import transaction
from warehouse.core.slices import PUBLICATION, Timeout, holding, lock_names, lock_slices, publisher
from warehouse.core.transaction import LOG, GaveUp, begun, retried
from warehouse.deliveries.load import LoadResult, load, load_stream
from warehouse.deliveries.recall import unpublished
from warehouse.deliveries.received import start_run
from warehouse.marts.publication import publish, publish_within

SHORT = dt.timedelta(seconds=0.3)
LONG = dt.timedelta(seconds=20)
HOLD = """
import sys
from warehouse.schema.upgrade import connect
from warehouse.core.slices import holding
with holding(connect(sys.argv[1]), [sys.argv[2]]):
    print("held", flush=True)
    sys.stdin.read()
"""


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.sentences.append(record.getMessage())


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What the log hears."""
    heard = Heard()
    caplog.set_level(logging.INFO, LOG.name)
    LOG.addHandler(heard)
    yield heard.sentences
    LOG.removeHandler(heard)


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    """Threads for those who wait."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def until(done: Callable[[], object]) -> None:
    """Wait for what has to come, at most for half a minute."""
    end = time.monotonic() + 300
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def runs(engine: sa.Engine, kind: str) -> int:
    with engine.begin() as connection:
        return start_run(connection, kind, region="69")


def test_a_loader_waits_says_for_whom_and_goes_on(
    engine: sa.Engine, small: dict[str, int], said: list[str], elsewhere: ThreadPoolExecutor
) -> None:
    made, night, other = report(small, "chainsky", [1, 2]), runs(engine, "nightly"), runs(engine, "ingest")
    number = delivery(engine)
    with engine.begin() as connection:
        lock_slices(connection, ["a", made.slice or "", "b"], ["69"], LONG, night)
        waiting: Future[LoadResult] = elsewhere.submit(load, engine, made, number, VERSION, other, LONG)
        until(lambda: said)
        assert not waiting.done()
    assert waiting.result().status == "current"
    (sentence,) = said
    held_by = rf"waiting for {made.slice}, held by profmin nightly, run {night}, process \d+"
    assert re.fullmatch(held_by, sentence), sentence


def test_who_waits_too_long_gives_up_and_nothing_is_left(engine: sa.Engine, small: dict[str, int]) -> None:
    made, night = report(small, "chainsky", [1, 2]), runs(engine, "nightly")
    number = delivery(engine)
    with holding(engine, [made.slice or ""], run_id=night):
        with pytest.raises(Timeout, match=rf"for {made.slice}, held by profmin nightly, run {night}, process \d+, and"):
            load(engine, made, number, VERSION, wait=SHORT)
        with engine.connect() as connection:
            assert (
                connection.scalar(sa.text("SELECT count(*) FROM ops.reading WHERE slice = :s"), {"s": made.slice}) == 0
            )
    assert load(engine, made, number, VERSION, wait=SHORT).status == "current"


def test_the_limit_is_for_all_slices_together(engine: sa.Engine) -> None:
    slices = [f"slice {number}" for number in range(6)]
    with holding(engine, slices[:3]), engine.begin() as connection:
        began = time.monotonic()
        with pytest.raises(Timeout):
            lock_slices(connection, slices, [], dt.timedelta(seconds=0.5))
        assert 0.4 < time.monotonic() - began < 1.4


def test_who_has_waited_is_as_patient_as_before(engine: sa.Engine) -> None:
    with engine.connect() as connection, connection.begin(), ThreadPoolExecutor(1) as pool:
        connection.execute(sa.text("SET LOCAL lock_timeout = '7s'"))
        with holding(engine, ["ours"]):
            waited = pool.submit(lock_names, connection, ["ours"], LONG)
            time.sleep(0.3)
            assert not waited.done()
        waited.result()
        assert connection.scalar(sa.text("SELECT current_setting('lock_timeout')")) == "7s"


def test_a_killed_holder_lets_go_at_once(engine: sa.Engine, database_url: str) -> None:
    command = [sys.executable, "-c", HOLD, database_url, "slice"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []

        def kill(sentence: str) -> None:
            told.append(sentence)
            os.kill(holder.pid, signal.SIGKILL)

        began = time.monotonic()
        with holding(engine, ["slice"], LONG, kill):
            assert time.monotonic() - began < 2
        assert "held by profmin, process" in told[0]


def test_locks_of_another_database_are_not_ours(engine: sa.Engine, databases: object) -> None:
    with databases.fresh() as url:  # type: ignore[attr-defined]
        other = sa.create_engine(sa.make_url(url), poolclass=sa.NullPool)
        night = runs(engine, "nightly")
        with (
            holding(engine, ["slice"], run_id=night),
            holding(other, ["slice"], SHORT),
            pytest.raises(Timeout, match=f"run {night}, process"),
            holding(engine, ["slice"], SHORT),
        ):
            raise AssertionError("two hold one slice")


def test_a_publisher_waits_for_another_and_sees_what_it_did(
    engine: sa.Engine, said: list[str], elsewhere: ThreadPoolExecutor
) -> None:
    def count() -> object:
        with publisher(engine, "69") as connection:
            return connection.scalar(sa.text("SELECT count(*) FROM ops.run"))

    with publisher(engine, "69", run_id=runs(engine, "backfill apply")) as connection:
        waiting = elsewhere.submit(count)
        until(lambda: said)
        start_run(connection, "nightly", region="69")
    assert waiting.result() == 2
    assert said[0].startswith(f"waiting for {PUBLICATION} of 69, held by profmin backfill apply, run 1, process")


def test_no_reading_becomes_current_while_marts_are_built(
    engine: sa.Engine, small: dict[str, int], said: list[str], elsewhere: ThreadPoolExecutor
) -> None:
    """Else it would be older than the publication and yet not in it, and the next run would not publish it."""
    made, number = report(small, "chainsky", [1, 2]), delivery(engine)
    with publisher(engine, "69") as connection:
        loading = elsewhere.submit(load, engine, made, number, VERSION)
        until(lambda: said)
        publish_within(connection, "69", [DAY])
    assert loading.result().status == "current"
    assert said[0].startswith(f"waiting for {PUBLICATION} of 69, held by profmin, process")
    with engine.connect() as connection:
        assert ("readiness_report", DAY) in unpublished(connection, "69")
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        assert unpublished(connection, "69") == []


def test_who_publishes_other_dates_has_not_published_ours(engine: sa.Engine, small: dict[str, int]) -> None:
    tomorrow = DAY + dt.timedelta(days=1)
    publish(engine, "69", [DAY, tomorrow])
    loaded(engine, report(small, "chainsky", [1, 2], as_of=DAY))
    publish(engine, "69", [tomorrow + dt.timedelta(days=1)])
    with engine.connect() as connection:
        assert unpublished(connection, "69") == [("readiness_report", DAY)]
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        assert unpublished(connection, "69") == [("readiness_report", DAY)]  # it counts tomorrow too
    publish(engine, "69", [DAY, tomorrow])
    with engine.connect() as connection:
        assert unpublished(connection, "69") == []
    loaded(engine, school_register({"asinovsky": 10, "chainsky": 5}, as_of=tomorrow))
    publish(engine, "69", [tomorrow])
    with engine.connect() as connection:
        assert unpublished(connection, "69") == [("school_register", tomorrow)]


def test_loaders_do_not_wait_for_each_other(engine: sa.Engine) -> None:
    with engine.begin() as first, engine.begin() as second:
        lock_slices(first, ["a"], ["69"], SHORT)
        lock_slices(second, ["b"], ["69"], SHORT)


def test_publishing_gives_up(engine: sa.Engine, small: dict[str, int]) -> None:
    with publisher(engine, "69"), pytest.raises(Timeout, match=f"for {PUBLICATION} of 69, held by profmin, process"):
        publish(engine, "69", [DAY], wait=SHORT)
    assert publish(engine, "69", [DAY], wait=SHORT)


def test_a_slice_is_taken_before_the_publication(engine: sa.Engine) -> None:
    """Whoever has the publication waits for nobody: a loader that has a slice may publish next."""
    with holding(engine, ["slice"]):
        with pytest.raises(Timeout, match="for slice"), publisher(engine, "69", ["slice"], SHORT):
            raise AssertionError("two hold one slice")
        with publisher(engine, "69", wait=SHORT):
            pass


@pytest.mark.parametrize("kind", ["report", "smaller", "refused", "export"])
def test_the_same_bytes_read_by_two_runs_at_once_are_one_reading(
    engine: sa.Engine, small: dict[str, int], elsewhere: ThreadPoolExecutor, kind: str
) -> None:
    number, ids = delivery(engine), school_ids(engine)
    both = threading.Barrier(2)

    def run() -> LoadResult:
        both.wait()
        if kind == "export":
            made = export(ids, {"asinovsky-1": 60, "chainsky-1": 50})
            return load_stream(engine, Stream([pupil_block(2, 5, ids["asinovsky-1"])], made), number, VERSION)
        schools = range(1, 8 if kind == "report" else 6)
        made = refused("readiness_report", None) if kind == "refused" else report(small, "asinovsky", schools)
        return load(engine, made, number, VERSION)

    first, second = [each.result() for each in [elsewhere.submit(run), elsewhere.submit(run)]]
    assert (first.reading_id, first.status) == (second.reading_id, second.status)
    assert sorted(first.history["rule"]) == sorted(second.history["rule"])
    assert first.reading.verdict == second.reading.verdict
    assert set(first.history["rule"]) == {"report": {"RDY-030"}, "smaller": {"COM-020", "RDY-030"}}.get(kind, set())
    with engine.connect() as connection:
        counted = "SELECT count(*) FROM ops.reading WHERE delivery_id = :d"
        assert connection.scalar(sa.text(counted), {"d": number}) == 1
        kept = "SELECT count(DISTINCT first_reading), count(*) FROM restricted.pupil_version"
        assert connection.execute(sa.text(kept)).one() == ((1, 5) if kind == "export" else (0, 0))


def two_rows(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE ops.two AS SELECT n, 0 AS times FROM generate_series(1, 2) AS n"))


def times(engine: sa.Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT times FROM ops.two ORDER BY n")))


ADD = sa.text("UPDATE ops.two SET times = times + 1 WHERE n = :n")


def test_who_falls_victim_to_a_deadlock_begins_anew(
    engine: sa.Engine, said: list[str], elsewhere: ThreadPoolExecutor
) -> None:
    two_rows(engine)
    both = threading.Barrier(2)

    @retried
    def crossed(order: tuple[int, int], turn: list[int]) -> None:
        turn.append(1)
        with engine.connect() as connection, begun(connection):
            connection.execute(ADD, {"n": order[0]})
            if len(turn) == 1:
                both.wait()
            connection.execute(ADD, {"n": order[1]})

    for each in [elsewhere.submit(crossed, order, []) for order in ((1, 2), (2, 1))]:
        each.result()
    assert times(engine) == [2, 2]
    assert said == ["crossed: deadlock detected; try 1 of 6 failed"]


def test_an_update_of_what_another_has_changed_meanwhile_begins_anew(engine: sa.Engine, said: list[str]) -> None:
    two_rows(engine)
    turns: list[int] = []

    @retried
    def later() -> None:
        turns.append(1)
        with publisher(engine, "69") as connection:
            connection.execute(sa.text("SELECT 1"))
            if len(turns) == 1:
                with engine.begin() as other:
                    other.execute(ADD, {"n": 1})
            connection.execute(ADD, {"n": 1})

    later()
    assert times(engine) == [2, 0]
    assert said == ["later: could not serialize access due to concurrent update; try 1 of 6 failed"]


@pytest.mark.parametrize("statement", ["UPDATE ops.reading", "lock", "COMMIT"])
def test_a_load_whose_connection_is_dropped_is_done_again(
    engine: sa.Engine, small: dict[str, int], said: list[str], statement: str
) -> None:
    loaded(engine, report(small, "chainsky", [1]))
    before = {
        "UPDATE ops.reading": "UPDATE ops.reading",
        "lock": "pg_try_advisory",
        "COMMIT": "current_xact_id",
    }
    dropped: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def drop(connection: sa.Connection, _cursor: object, told: str, *_: object) -> None:
        if before[statement] in told and not dropped:
            dropped.append(told)
            terminate(engine, connection.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]

    number = delivery(engine)
    result = load(engine, report(small, "chainsky", [1, 2]), number, VERSION)
    assert dropped and result.status == "current"
    assert len(said) == 1 and said[0].startswith("load_together: ") and "try 1 of 6 failed" in said[0]
    assert readings(engine, number) == [result.reading_id]


def test_a_load_whose_connection_is_dropped_within_a_copy_is_done_again(
    engine: sa.Engine, small: dict[str, int], said: list[str], elsewhere: ThreadPoolExecutor
) -> None:
    number = delivery(engine)
    waiting = sa.text("SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY%' AND wait_event_type = 'Lock'")
    asking = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with asking, engine.connect() as other, other.begin():
        other.execute(sa.text("LOCK TABLE ops.raw_row IN EXCLUSIVE MODE"))
        loading = elsewhere.submit(load, engine, report(small, "chainsky", [1, 2]), number, VERSION)
        until(lambda: asking.scalar(waiting))
        terminate(engine, asking.scalar(waiting))
    result = loading.result()
    assert len(said) == 1 and "try 1 of 6 failed" in said[0]
    assert readings(engine, number) == [result.reading_id]


def terminate(engine: sa.Engine, pid: object) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def readings(engine: sa.Engine, delivery_id: int) -> list[int]:
    with engine.connect() as connection:
        statement = "SELECT reading_id FROM ops.reading WHERE delivery_id = :d"
        return list(connection.scalars(sa.text(statement), {"d": delivery_id}))


def test_a_commit_whose_answer_is_lost_is_asked_about(
    engine: sa.Engine, small: dict[str, int], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = engine.dialect.do_commit
    lost: list[object] = []

    def commit(connection: sa.PoolProxiedConnection) -> None:
        right(connection)
        if not lost:
            lost.append(connection)
            connection.driver_connection.close()  # type: ignore[union-attr]
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    number = delivery(engine)
    monkeypatch.setattr(engine.dialect, "do_commit", commit)
    result = load(engine, report(small, "chainsky", [1, 2]), number, VERSION)
    assert lost and said == []
    assert readings(engine, number) == [result.reading_id]


def test_in_the_end_it_gives_up_in_a_sentence(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "LONGEST_PAUSE", 0.01)
    turns: list[int] = []

    @retried
    def locked_out() -> None:
        turns.append(1)
        with engine.connect() as connection, begun(connection):
            connection.execute(sa.text("SET LOCAL lock_timeout = '20ms'"))
            connection.execute(sa.text("LOCK TABLE ops.run"))

    sentence = "^locked_out: canceling statement due to lock timeout; gave up after 6 tries$"
    with engine.connect() as other, other.begin():
        other.execute(sa.text("LOCK TABLE ops.run"))
        with pytest.raises(GaveUp, match=sentence):
            locked_out()
    assert len(turns) == 6


def test_what_is_wrong_in_itself_is_not_tried_again(engine: sa.Engine) -> None:
    turns: list[int] = []

    @retried
    def wrong() -> None:
        turns.append(1)
        with engine.connect() as connection, begun(connection):
            connection.execute(sa.text("SELECT 1 / 0"))

    with pytest.raises(sa.exc.DataError):
        wrong()
    assert len(turns) == 1
