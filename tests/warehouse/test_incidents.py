"""The life of incidents: each is opened once, told when there is news, and closes itself."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import accepted, loaded, report

from warehouse.deliveries.received import finish_run, start_run
from warehouse.incidents import condition
from warehouse.incidents.condition import conditions
from warehouse.incidents.handling import NotOpen, acknowledge, assign, history, incidents, mute, unmute
from warehouse.incidents.observe import HIGHEST_LEVEL, IncidentEvent, observe

WEEK = dt.timedelta(days=7)
FRIDAY = dt.datetime(2023, 9, 8, 6, tzinfo=dt.UTC)
"""One in the afternoon in Tomsk."""


def day(number: float) -> dt.datetime:
    return FRIDAY + dt.timedelta(days=number)


def events(engine: sa.Engine, at: dt.datetime, of: str = "failed_validation") -> list[IncidentEvent]:
    with engine.begin() as connection:
        return [event for event in observe(connection, "69", at, WEEK, 3) if event.condition == of]


def look(engine: sa.Engine, at: dt.datetime, of: str = "failed_validation") -> list[str]:
    """What happened to incidents of a condition that is to be told."""
    return [event.kind for event in events(engine, at, of)]


def sent(engine: sa.Engine, ids: dict[str, int], rejected: list[int], at: dt.datetime) -> None:
    """A report of a unit of ten schools on eight of them."""
    accepted = [number for number in range(1, 9) if number not in rejected]
    loaded(engine, report(ids, "asinovsky", accepted, rejected), at)


def its_history(engine: sa.Engine, incident_id: int) -> list[str]:
    with engine.connect() as connection:
        return history(connection, incident_id)["kind"].to_list()


def test_the_life_of_an_incident(engine: sa.Engine, small: dict[str, int]) -> None:
    assert look(engine, day(0)) == []
    sent(engine, small, [7], day(0))
    first = events(engine, day(0.1))
    assert [(each.kind, each.subject, each.sender, each.audiences) for each in first] == [
        ("opened", "norms", "asinovsky", ("sender", "officer"))
    ]
    assert len(first[0].deliveries) == 1
    assert first[0].details["schools"] == ["Школа asinovsky-7"]
    assert look(engine, day(1)) == []
    sent(engine, small, [7], day(1))
    assert look(engine, day(1.1)) == [], "the same again is no news"
    sent(engine, small, [7, 8], day(2))
    assert look(engine, day(2.1)) == ["changed"]
    assert look(engine, day(4)) == [], "Monday and Tuesday are two working days"
    assert look(engine, day(5)) == ["escalated"]
    assert look(engine, day(6)) == []
    assert look(engine, day(10)) == ["escalated"]
    assert look(engine, day(16)) == [], "there is no level above the third"
    assert look(engine, day(17)) == ["reminded"]
    sent(engine, small, [], day(18))
    last = events(engine, day(18.1))
    assert [(each.kind, each.level, each.deliveries) for each in last] == [("closed", HIGHEST_LEVEL, ())]
    assert look(engine, day(19)) == []
    assert its_history(engine, last[0].incident_id) == [
        "opened", "changed", "escalated", "escalated", "reminded", "closed",
    ]  # fmt: skip


def test_one_incident_a_class_of_rules(engine: sa.Engine, small: dict[str, int]) -> None:
    made = report(small, "asinovsky", [1, 2, 3, 4, 5], [6, 7, 8])
    findings = made.findings.with_columns(rule=pl.Series(["RDY-010", "RDY-015", "COM-032"]))
    accepted(engine, loaded(engine, replace(made, findings=findings), day(0)))
    found = {each.subject: each.details["rules"] for each in events(engine, day(0.1))}
    assert found == {"norms": {"RDY-010": 1, "RDY-015": 1}, "values": {"COM-032": 1}}


def test_what_is_back_is_the_same_incident(engine: sa.Engine, small: dict[str, int]) -> None:
    sent(engine, small, [7], day(0))
    first = events(engine, day(0.1))[0].incident_id
    sent(engine, small, [], day(1))
    assert look(engine, day(1.1)) == ["closed"]
    sent(engine, small, [7], day(2))
    back = events(engine, day(2.1))
    assert [(each.kind, each.incident_id, each.details["again"]) for each in back] == [("opened", first, 2)]
    sent(engine, small, [], day(3))
    assert look(engine, day(3.1)) == ["closed"]
    sent(engine, small, [7], day(20))
    late = events(engine, day(20.1))
    assert [each.kind for each in late] == ["opened"]
    assert late[0].incident_id != first, "after the cool-down it is another one"
    sent(engine, small, [8], day(21))
    assert look(engine, day(21.1)) == ["changed"], "another school is another state"


def test_who_knows_is_not_reminded_until_it_changes(engine: sa.Engine, small: dict[str, int]) -> None:
    sent(engine, small, [7], day(0))
    number = events(engine, day(0.1))[0].incident_id
    with engine.begin() as connection:
        acknowledge(connection, number, "Иванова", "звонили, исправят к пятнице", day(1))
        assign(connection, number, "Петров", "Иванова", "его район", day(1))
    assert look(engine, day(5)) == []
    assert look(engine, day(9)) == []
    sent(engine, small, [7, 8], day(9))
    assert look(engine, day(9.1)) == ["changed"]
    assert look(engine, day(12)) == ["escalated"]
    with engine.connect() as connection:
        (row,) = incidents(connection, incident_id=number)
        said = history(connection, number).filter(pl.col("done_by").is_not_null())
    assert (row.acknowledged_by, row.assigned_to) == (None, "Петров")
    assert said.select("kind", "done_by", "reason").rows() == [
        ("acknowledged", "Иванова", "звонили, исправят к пятнице"), ("assigned", "Иванова", "его район"),
    ]  # fmt: skip


def test_a_muted_incident_is_recorded_and_not_told(engine: sa.Engine, small: dict[str, int]) -> None:
    sent(engine, small, [7], day(0))
    number = events(engine, day(0.1))[0].incident_id
    with engine.begin() as connection:
        mute(connection, number, day(6), "Иванова", "едем туда сами", day(0.2))
    sent(engine, small, [7, 8], day(1))
    assert look(engine, day(5.5)) == []
    assert its_history(engine, number) == ["opened", "muted", "changed"]
    assert look(engine, day(6)) == ["escalated"]
    with engine.begin() as connection:
        mute(connection, number, day(30), "Иванова", "едем туда сами", day(7))
    sent(engine, small, [], day(8))
    assert look(engine, day(8.1)) == []
    assert its_history(engine, number)[-1] == "closed"
    with engine.begin() as connection, pytest.raises(NotOpen, match=r"закрыт 16\.09\.2023"):
        unmute(connection, number, "Иванова", "уже не нужно", day(9))


def test_what_changed_while_muted_is_told_afterwards(engine: sa.Engine, small: dict[str, int]) -> None:
    sent(engine, small, [7], day(0))
    number = events(engine, day(0.1))[0].incident_id
    with engine.begin() as connection:
        mute(connection, number, day(3), "Иванова", "едем туда сами", day(0.2))
    sent(engine, small, [8], day(1))
    assert look(engine, day(2)) == []
    assert look(engine, day(3)) == ["reminded"]
    assert look(engine, day(4)) == []


@pytest.mark.parametrize("reason", ["", "  "])
def test_nothing_is_done_without_a_reason(engine: sa.Engine, reason: str) -> None:
    with engine.begin() as connection, pytest.raises(ValueError, match="кто и почему"):
        acknowledge(connection, 1, "Иванова", reason, day(0))


def test_an_incident_that_is_not_there(engine: sa.Engine) -> None:
    with engine.begin() as connection, pytest.raises(NotOpen, match="инцидента 7 нет"):
        assign(connection, 7, "Петров", "Иванова", "его район", day(0))


def test_a_mute_that_is_over_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as connection, pytest.raises(ValueError, match="уже прошло"):
        mute(connection, 1, day(0), "Иванова", "едем туда сами", day(0))


def test_two_observers_at_once_open_it_once(engine: sa.Engine, small: dict[str, int]) -> None:
    sent(engine, small, [7], day(0))
    found: list[IncidentEvent] = []
    threads = [threading.Thread(target=lambda: found.extend(events(engine, day(0.1)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.kind for event in found] == ["opened"]


def test_what_is_rolled_back_is_told_again(engine: sa.Engine, small: dict[str, int]) -> None:
    sent(engine, small, [7], day(0))
    with engine.connect() as connection:
        assert "failed_validation" in {each.condition for each in observe(connection, "69", day(0.1), WEEK, 3)}
        connection.rollback()
    assert look(engine, day(0.2)) == ["opened"]


TWICE = """
SELECT NULL::text AS form, NULL::text AS sender, '' AS subject, '{}'::jsonb AS state, '{}'::jsonb AS details,
    '{}'::bigint[] AS deliveries
FROM generate_series(1, 2)
"""


@contextmanager
def select_of(monkeypatch: pytest.MonkeyPatch, folder: Path, select: str) -> Iterator[None]:
    """Let the condition of validation be another SELECT, and the only one."""
    (folder / "failed_validation.sql").write_text(select, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(condition, "FOLDER", folder)
        conditions.cache_clear()
        yield
    conditions.cache_clear()


@pytest.mark.parametrize(
    "select",
    [
        "SELECT 1/0 AS form",
        "SELECT nothing FROM ops.incident",
        TWICE,
    ],
    ids=["fails", "no such column", "the same twice"],
)
def test_a_condition_that_fails_closes_nothing_and_is_told(
    engine: sa.Engine, small: dict[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, select: str
) -> None:
    sent(engine, small, [7], day(0))
    number = events(engine, day(0.1))[0].incident_id
    with select_of(monkeypatch, tmp_path, select):
        failed = events(engine, day(1), "condition_failed")
        assert look(engine, day(2), "condition_failed") == []
    assert [(each.kind, each.subject, each.audiences) for each in failed] == [
        ("opened", "failed_validation", ("engineer",))
    ]
    assert set(failed[0].details) == {"error"}, "the words of an error may quote a row"
    assert its_history(engine, number) == ["opened"]
    assert look(engine, day(3), "condition_failed") == ["closed"]
    assert its_history(engine, number) == ["opened"]


def ended(engine: sa.Engine, state: str) -> None:
    with engine.begin() as connection:
        finish_run(connection, start_run(connection, "nightly", region="69"), state, "loading: Timeout")


def test_a_failure_of_ours_that_comes_and_goes_settles_first(engine: sa.Engine) -> None:
    """Runs that fail and succeed by turns: told as open, closed, open again, then it has to stay away for a day."""
    start = dt.datetime.now(dt.UTC)
    found = []
    for hour, state in enumerate(["failed", "completed"] * 4):
        ended(engine, state)
        found += look(engine, start + dt.timedelta(hours=hour), "run_failed")
    assert found == ["opened", "closed", "opened"]
    assert look(engine, start + dt.timedelta(hours=20), "run_failed") == []
    assert look(engine, start + dt.timedelta(hours=31), "run_failed") == ["closed"]


def test_bi_sees_incidents_with_captions(engine: sa.Engine, small: dict[str, int]) -> None:
    sent(engine, small, [7], day(0))
    events(engine, day(0.9))
    with engine.connect() as connection:
        connection.execute(sa.text("SET ROLE bi_reader"))
        row = connection.execute(sa.text("SELECT * FROM mart.incidents ORDER BY position")).mappings().first()
        assert row is not None
        assert (row["as_of"], row["sender_name"], row["state"]) == (
            dt.date(2023, 9, 9), "Асиновский муниципальный район", "open",
        )  # fmt: skip
        captions = """
            SELECT count(*) FILTER (WHERE col_description(attrelid, attnum) ~ '[А-Я]'), count(*) FROM pg_attribute
            WHERE attrelid = 'mart.incidents'::regclass AND attnum > 0
        """
        told, columns = connection.execute(sa.text(captions)).one()
        assert told == columns > 20
