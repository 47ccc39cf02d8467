"""What is a delivery, what a repeat, and in which order deliveries count; a warehouse of before goes on as it was."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, VERSION, export, reading, report, school_ids, school_register

from contracts.circumstances import Stated
from contracts.reading import Reading
from warehouse.deliveries.arrivals import Came, DeliveryOfFile, Look, look, record_all, record_came
from warehouse.deliveries.load import LoadResult, load
from warehouse.schema.upgrade import connect, migrate, upgrade
from warehouse.watch.destruction import due

LATER = dt.timedelta(hours=1)
FILE = Came("a" * 64, "отчёт.xlsx", 5, NOON, "aa/a", "asinovsky", "inbox")


@pytest.fixture(autouse=True)
def ids(engine: sa.Engine) -> dict[str, int]:
    register = record(engine, replace(FILE, sha256="f" * 64, file_name="реестр.xlsx", folder="department"))
    load(engine, school_register({"asinovsky": 10}), register.delivery_id, VERSION)
    return school_ids(engine)


def record(engine: sa.Engine, came: Came, seen: Look | None = None, together: Any = ()) -> DeliveryOfFile:
    with engine.begin() as connection:
        return record_came(connection, came, seen or look(connection), together)


def said(engine: sa.Engine, ids: dict[str, int], came: Came, rows: int = 10, seen: Look | None = None) -> LoadResult:
    """A file that comes and is read."""
    made = replace(report(ids, "asinovsky", range(1, rows + 1)), sha256=came.sha256)
    return load(engine, made, record(engine, came, seen).delivery_id, VERSION)


def other(letter: str) -> Came:
    return replace(FILE, sha256=letter * 64, archive_path=f"{letter}{letter}/{letter}")


@pytest.mark.parametrize(
    "circumstance",
    [{"file_name": "отчёт 2.xlsx"}, {"folder": "chainsky"}, {"folder": None}, {"stated": Stated(as_of=DAY)}],
)
def test_other_circumstances_are_another_delivery(engine: sa.Engine, circumstance: dict[str, Any]) -> None:
    first, again = record(engine, FILE), record(engine, FILE)
    assert (first.is_repeat, again.is_repeat, again.delivery_id) == (False, True, first.delivery_id)
    another = record(engine, replace(FILE, **circumstance))
    assert (another.is_repeat, another.delivery_id == first.delivery_id) == (False, False)


def test_bytes_whose_word_was_taken_over_are_another_delivery(engine: sa.Engine, ids: dict[str, int]) -> None:
    first = said(engine, ids, FILE)
    assert record(engine, FILE).is_repeat
    said(engine, ids, other("b"))
    assert record(engine, other("b")).is_repeat
    third = said(engine, ids, FILE)
    assert (third.status, third.reading_id != first.reading_id) == ("current", True)
    assert third.history["rule"].to_list() == ["COM-077"]
    assert record(engine, FILE).is_repeat


def test_what_comes_again_with_all_that_came_after_it_changes_nothing(engine: sa.Engine, ids: dict[str, int]) -> None:
    newer = replace(other("b"), file_name="новый.xlsx")
    said(engine, ids, FILE)
    said(engine, ids, newer)
    look_at = {(each.file_name, each.folder or "") for each in (FILE, newer)}
    assert record(engine, FILE, together=look_at).is_repeat
    assert not record(engine, FILE, together={(FILE.file_name, FILE.folder or "")}).is_repeat


def test_an_older_file_under_the_name_of_the_newer_one_counts_again(engine: sa.Engine, ids: dict[str, int]) -> None:
    """Whoever puts the former version back under the same name sends one file, not a set of old and new."""
    newer = other("b")
    said(engine, ids, FILE)
    said(engine, ids, newer)
    one = [(FILE.file_name, FILE.folder or "")]
    assert record(engine, FILE, together=one * 2).is_repeat  # both, from two folders within the sender's
    assert not record(engine, FILE, together=one).is_repeat


def test_a_file_that_lies_in_the_inbox_as_it_lay_is_not_sent_again(engine: sa.Engine, ids: dict[str, int]) -> None:
    lying = replace(FILE, inbox_path="asinovsky/отчёт.xlsx", stamp="1")
    said(engine, ids, lying)
    said(engine, ids, other("b"))
    assert record(engine, lying).is_repeat
    assert not record(engine, replace(lying, stamp="2")).is_repeat


def test_a_clock_that_goes_back_changes_no_order(engine: sa.Engine, ids: dict[str, int]) -> None:
    with engine.connect() as connection:
        now = look(connection)
    ahead = Look(now.received_at + 9000 * LATER, now.counts_at + 9000 * LATER)
    said(engine, ids, FILE, seen=ahead)
    second = said(engine, ids, other("b"))
    assert second.status == "current"
    with engine.connect() as connection:
        came = "SELECT ops.came_at(d) FROM ops.delivery d WHERE d.sha256 = :sha256"
        assert connection.execute(sa.text(came), {"sha256": "b" * 64}).scalar_one() < ahead.received_at
        current = "SELECT reading_id FROM ops.reading_at('69', :day, 'infinity') WHERE sender = 'asinovsky'"
        assert connection.scalar(sa.text(current), {"day": DAY}) == second.reading_id


def test_the_later_date_of_one_look_counts(engine: sa.Engine, ids: dict[str, int]) -> None:
    with engine.connect() as connection:
        seen = look(connection)
    made = report(ids, "asinovsky", range(1, 11))
    later = record(engine, FILE, seen).delivery_id
    earlier = record(engine, other("b"), seen).delivery_id
    load(engine, replace(made, as_of=DAY + dt.timedelta(days=7)), later, VERSION)
    assert load(engine, made, earlier, VERSION).status == "superseded"


@pytest.mark.parametrize("claimed", [NOON, dt.datetime(2999, 1, 1, tzinfo=dt.UTC)])
def test_a_claim_counts_where_it_is_vouched_for_and_can_be(engine: sa.Engine, claimed: dt.datetime) -> None:
    with engine.connect() as connection:
        seen = look(connection)
    assert record(engine, replace(FILE, claimed_at=claimed), seen).came_at == seen.received_at
    vouched = replace(other("b"), claimed_at=claimed, is_vouched=True)
    assert record(engine, vouched, seen).came_at == min(claimed, seen.received_at)


def test_a_copy_of_vouched_bytes_comes_now(engine: sa.Engine) -> None:
    record(engine, replace(FILE, is_vouched=True))
    with engine.connect() as connection:
        seen = look(connection)
    copy = replace(FILE, file_name="копия.xlsx", is_vouched=True)
    assert record(engine, copy, seen).came_at == seen.received_at


def test_the_same_words_under_another_name_are_the_newer_word(engine: sa.Engine, ids: dict[str, int]) -> None:
    """A refused file stands at the door until the facts that hold are sent again, under whatever name."""
    said(engine, ids, FILE)
    wrong = replace(other("b"), file_name="неверный.xlsx")
    load(engine, refused(wrong.sha256), record(engine, wrong).delivery_id, VERSION)
    door = sa.text(
        "SELECT verdict FROM ops.standing_at('69', :day, 'infinity') WHERE sender = 'asinovsky' ORDER BY verdict"
    )
    with engine.connect() as connection:
        assert connection.scalars(door, {"day": DAY}).all() == ["accepted", "refused"]
    again = said(engine, ids, replace(FILE, file_name="тот же отчёт.xlsx"))
    assert again.status == "same"
    with engine.connect() as connection:
        assert connection.scalars(door, {"day": DAY}).all() == ["accepted"]
        assert connection.scalar(sa.text("SELECT count(*) FROM ops.delivery WHERE same_as IS NOT NULL")) == 1


def refused(sha256: str) -> Reading:
    from contracts.reading import Rows, empty

    made = reading("readiness_report", "asinovsky", empty({}))
    return replace(made, sha256=sha256, slice=None, verdict="refused", rows=Rows(3, 0, 2, 1))


@pytest.fixture
def old_url(databases: Any) -> Iterator[str]:
    with databases.fresh("template0") as url:
        yield url


def test_a_warehouse_of_before_goes_on_as_it_was(old_url: str) -> None:
    """Receipt was the time of the file: it stays, and is the claim too; a time from the future outlasts nothing."""
    engine = connect(old_url)
    with engine.begin() as connection:
        migrate(connection, "0007")
        connection.execute(
            sa.text("""
            INSERT INTO ops.delivery (sha256, file_name, byte_size, received_at, archived_at, archive_path) VALUES
                (repeat('a', 64), 'отчёт.xlsx', 5, '2023-09-08 05:00Z', '2023-09-08 20:00Z', 'aa/a'),
                (repeat('b', 64), 'из будущего.xlsx', 5, '2033-09-08 05:00Z', '2023-09-09 20:00Z', 'bb/b')
        """)
        )
        connection.execute(
            sa.text("""
            INSERT INTO ops.arrival (delivery_id, file_name, sender_folder, received_at, is_repeat)
            SELECT delivery_id, file_name, 'asinovsky', received_at, false FROM ops.delivery
        """)
        )
    upgrade(engine)
    told = """
        SELECT received_at, claimed_at, ops.came_at(d), counts_at = least(received_at, archived_at), sender_folder
        FROM ops.delivery d ORDER BY delivery_id
    """
    future = dt.datetime(2033, 9, 8, 5, tzinfo=dt.UTC)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(told))]
    assert found == [(NOON, NOON, NOON, True, "asinovsky"), (future, future, future, True, "asinovsky")]
    again = record(engine, FILE)
    assert (again.delivery_id, again.is_repeat) == (1, True)
    engine.dispose()


def test_bytes_are_destroyed_when_all_deliveries_that_they_are_may_be(engine: sa.Engine, ids: dict[str, int]) -> None:
    asked = dt.date(2025, 6, 1)
    for name, day in (("старая", DAY), ("новая", DAY.replace(year=2024))):
        came = replace(FILE, file_name=f"{name}.xlsx", folder="regional_operator")
        made = replace(export(ids, {"asinovsky-1": 5}, as_of=day), sha256=came.sha256)
        load(engine, made, record(engine, came).delivery_id, VERSION)
        with engine.connect() as connection:
            assert [each.delivery_id for each in due(connection, 30, asked)] == ([2] if name == "старая" else [])
    with engine.connect() as connection:
        assert [each.delivery_id for each in due(connection, 30, asked.replace(year=2026))] == [2, 3]


def test_files_that_come_together_are_recorded_as_one_by_one(engine: sa.Engine, ids: dict[str, int]) -> None:
    """New bytes, a repeat, the same bytes twice in one look, bytes of before under another name: ids in their order."""
    said(engine, ids, FILE)
    vouched = replace(other("b"), is_vouched=True, inbox_path="asinovsky/б.xlsx", stamp="1", stated=Stated(as_of=DAY))
    copy = replace(vouched, file_name="копия.xlsx")
    files = [vouched, FILE, copy, other("c"), replace(FILE, file_name="новое имя.xlsx"), other("d"), other("d")]
    with engine.begin() as connection:
        seen = look(connection)
        point = connection.begin_nested()
        singly = [record_came(connection, each, seen) for each in files]
        rows = kept(connection, singly)
        point.rollback()
        together = record_all(connection, files, seen)
        assert kept(connection, together) == rows
    assert [each.is_repeat for each in together] == [False, True, False, False, False, False, True]
    assert [each.is_repeat for each in singly] == [each.is_repeat for each in together]
    assert [each.came_at for each in singly] == [each.came_at for each in together]
    order = [each.delivery_id for each in together if not each.is_repeat]
    assert order == sorted(order)


def kept(connection: sa.Connection, recorded: list[DeliveryOfFile]) -> list[dict[str, Any]]:
    """The rows of deliveries and of their arrivals, without ids and what the clock says."""
    ids = {"ids": [each.delivery_id for each in recorded]}
    own = ("delivery_id", "arrival_id", "archived_at", "arrived_at")
    rows = []
    for table in ("delivery", "arrival"):
        found = connection.execute(
            sa.text(f"SELECT * FROM ops.{table} WHERE delivery_id = ANY (:ids) ORDER BY {table}_id"), ids
        ).mappings()
        rows += [{name: value for name, value in row.items() if name not in own} for row in found]
    return rows


def test_a_time_without_a_zone_is_no_time_of_a_file(engine: sa.Engine) -> None:
    naive = replace(other("b"), claimed_at=dt.datetime(2023, 9, 8))  # noqa: DTZ001
    with engine.begin() as connection, pytest.raises(ValueError, match="no time zone"):
        record_all(connection, [other("c"), naive], look(connection))
