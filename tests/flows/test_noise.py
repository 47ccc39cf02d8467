"""An autumn's messages: few, answered, and none twice.

Slow: thirteen nights of the region with all its letters.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import sqlalchemy as sa

from benchmarks.message_counts import duplicates, weeks
from benchmarks.noise import ROUTING, live
from flows.home.settings import Settings
from warehouse.incidents.messages import Message, enqueue

SAID = Message(
    "",
    "Отправитель",
    "file",
    "data",
    "incident",
    "Строки не приняты",
    "Здравствуйте!",
    dt.datetime(2023, 9, 8, tzinfo=dt.UTC),
)
NIGHTS = 13
"""Beyond the deadline of the eleventh of September, so reminders before and after it are among them."""


def test_an_autumn_says_little_and_nothing_twice(settings: Settings, engine: sa.Engine) -> None:
    (settings.home / "routing.csv").write_text(ROUTING, encoding="utf-8")
    live(settings, engine, NIGHTS)
    with engine.connect() as connection:
        told = weeks(connection)
        assert duplicates(connection, dt.timedelta(days=settings.cool_down_days)).is_empty()
        asked = "SELECT count(*), count(DISTINCT dedup_key) FROM ops.message WHERE outcome = 'sent'"
        sent, known = connection.execute(sa.text(asked)).one()
    assert sent == known > 0
    assert told["reminders"].sum() > 0 and told["answered"].sum() > 0
    assert told["messages"].max() <= 4  # type: ignore[operator]
    assert told["sender"].n_unique() > 15


def test_a_message_told_again_would_be_counted(settings: Settings, engine: sa.Engine) -> None:
    now = dt.datetime(2023, 9, 8, 9, tzinfo=dt.UTC)
    with engine.begin() as connection:
        for number in range(2):
            enqueue(connection, [replace(SAID, dedup_key=f"test:{number}")], now)
        connection.execute(sa.text("UPDATE ops.message SET outcome = 'sent', sent_at = :now"), {"now": now})
        assert duplicates(connection, dt.timedelta(days=7))["subject"].to_list() == [SAID.subject]
