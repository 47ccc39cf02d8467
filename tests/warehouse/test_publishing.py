"""Publishing: audited, swapped as a whole, commented, and read by many."""

import datetime as dt
import re
import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hand_made import ALL, DAY, NOON, contents, loaded, read, report, school_register, unit

from warehouse.marts import bringing_up
from warehouse.marts import publication as publishing
from warehouse.marts.bringing_up import bring_up
from warehouse.marts.definitions import Mart, live, marts, views
from warehouse.marts.publication import AuditFailed, publish, published_dates
from warehouse.marts.published import column_captions, mart_names
from warehouse.server.programs import ServerError

HOUR = dt.timedelta(hours=1)
LIVE = {mart.name for mart in live()}
"""Views of the schema that are not published: they show how things stand."""


def test_every_column_has_a_russian_caption(seed_engine: sa.Engine) -> None:
    statement = """
        SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS comment, obj_description(c.oid) AS about
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('r', 'v')
    """
    with seed_engine.connect() as connection:
        columns = connection.execute(sa.text(statement)).all()
    made = {column.relname for column in columns}
    assert (
        {name for name in made if not name.endswith("_latest")} - LIVE
        == set(mart_names())
        == {each.name for each in ALL}
    )
    assert {name.removesuffix("_latest") for name in made if name.endswith("_latest")} == set(mart_names())
    for column in columns:
        assert re.match(r"[А-ЯЁ]", column.comment or ""), f"{column.relname}.{column.attname}: {column.comment}"
        assert re.match(r"[А-ЯЁ]", column.about or ""), column.relname
    for each in ALL:
        names = [column.attname for column in columns if column.relname == each.name]
        assert list(column_captions(each.name)) == names
        assert {"as_of", "known_at", "completeness", "is_final"} <= set(names)
    assert column_captions("readiness_region")["schools"] == "Школ"


def test_publishing_the_same_state_twice_gives_the_same_bytes(engine: sa.Engine, small: dict[str, int]) -> None:
    first = publish(engine, "69", [DAY, DAY + dt.timedelta(days=1)])
    before = contents(engine)
    assert publish(engine, "69", [DAY + dt.timedelta(days=1), DAY]) == first
    assert contents(engine) == before
    assert {(each.mart, each.as_of, each.rows) for each in first} >= {("readiness_by_municipality", DAY, 21)}
    with engine.connect() as connection:
        assert published_dates(connection, "69") == [DAY, DAY + dt.timedelta(days=1)]


def test_the_planner_knows_what_was_published(engine: sa.Engine, small: dict[str, int]) -> None:
    """At once; and of a table that has grown by a little it is not told anew."""
    told = "SELECT reltuples FROM pg_class WHERE oid = to_regclass('history.readiness_by_school')"
    held = "SELECT count(*) FROM history.readiness_by_school"
    week = [DAY + dt.timedelta(days=number) for number in range(7)]
    publish(engine, "69", week)
    with engine.connect() as connection:
        first = connection.scalar(sa.text(told))
        assert first == connection.scalar(sa.text(held)) == len(small) * len(week)
    loaded(engine, report(small, "chainsky", [1]))
    publish(engine, "69", week[:1])
    with engine.connect() as connection:
        assert connection.scalar(sa.text(held)) > first
        assert connection.scalar(sa.text(told)) == first


def test_a_failed_audit_keeps_the_published_marts(
    engine: sa.Engine, small: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(engine, "69", [DAY])
    before = contents(engine)
    loaded(engine, report(small, "chainsky", [1, 2, 3, 4]))
    check = "SELECT * FROM pg_temp.readiness_by_municipality WHERE accepted = schools AND schools > 0"
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "checks", lambda _: [("nobody_is_perfect", check)])
        with pytest.raises(AuditFailed, match=r"nobody_is_perfect.*chainsky") as failure:
            publish(engine, "69", [DAY])
    assert len(failure.value.rows) == 1
    assert contents(engine) == before
    publish(engine, "69", [DAY])
    assert unit(engine, "readiness_by_municipality", "chainsky")["accepted"] == 4


def test_a_school_that_reports_to_nobody_fails_the_audit(engine: sa.Engine) -> None:
    loaded(engine, school_register({"asinovsky": 1, "atlantis": 1}))
    with pytest.raises(AuditFailed, match="readiness_counts_every_school"):
        publish(engine, "69", [DAY])


def test_a_reader_never_sees_half(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [DAY])
    seen, done = set(), threading.Event()
    pair = sa.text("""
        SELECT (SELECT sum(accepted) FROM mart.readiness_by_municipality),
               (SELECT count(*) FROM mart.readiness_by_school WHERE status = 'accepted'),
               (SELECT accepted FROM mart.readiness_region)
    """)

    def watch() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not done.wait(0.05):
                seen.add(tuple(int(value) for value in connection.execute(pair).one()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for turn in range(6):
        loaded(engine, report(small, "chainsky", [1, 2, 3, 4][: 4 - turn % 2], [4][: turn % 2]), NOON + turn * HOUR)
        publish(engine, "69", [DAY])
    done.set()
    watcher.join()
    assert all(row[0] == row[1] == row[2] for row in seen)
    assert {row[0] for row in seen} >= {8, 11, 12}


def test_publishers_take_turns(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [DAY])
    errors: list[Exception] = []

    def run() -> None:
        try:
            publish(engine, "69", [DAY])
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert read(engine, "readiness_by_municipality").height == 21


def with_one(mart: Mart) -> Mart:
    """A mart that has got a column."""
    captions = {**mart.captions, "one": "Один. Всегда."}
    return replace(mart, select=mart.select.replace("u.oktmo,", "u.oktmo, 1 AS one,"), captions=captions)


def test_a_mart_that_gets_a_column_is_published_anew_for_every_date(
    engine: sa.Engine, small: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = DAY - dt.timedelta(days=1)
    publish(engine, "69", [yesterday])
    grown = tuple(with_one(each) if each.name == "readiness_by_municipality" else each for each in marts())
    known_as(monkeypatch, grown)
    published = publish(engine, "69", [DAY])
    assert {each.as_of for each in published} == {yesterday, DAY}
    assert "one" in read(engine, "readiness_by_municipality", yesterday).columns
    assert read(engine, "readiness_region", yesterday).height == 1
    with engine.connect() as connection:
        connection.execute(sa.text("SET ROLE bi_reader"))
        assert connection.scalar(sa.text("SELECT count(*) FROM mart.readiness_region")) == 2


def test_a_mart_that_is_new_is_published_for_the_dates_of_before(
    engine: sa.Engine, small: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though no other mart has changed; once, not at each publication."""
    yesterday = DAY - dt.timedelta(days=1)
    publish(engine, "69", [yesterday])
    old = next(each for each in marts() if each.name == "readiness_by_municipality")
    known_as(monkeypatch, (*marts(), replace(old, name="readiness_of_tomorrow")))
    bring_up(engine)
    assert {each.as_of for each in publish(engine, "69", [DAY])} == {yesterday, DAY}
    with engine.connect() as connection:
        dates = "SELECT DISTINCT as_of FROM mart.readiness_of_tomorrow ORDER BY as_of"
        assert list(connection.scalars(sa.text(dates))) == [yesterday, DAY]
    assert {each.as_of for each in publish(engine, "69", [DAY])} == {DAY}


def test_an_upgrade_gives_what_was_published_the_columns_that_came_since(
    engine: sa.Engine, small: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads by the newer version finds nothing in a new column and no row of a new mart, until the next publication
    fills them; what was published stays. Slow: three publications."""
    publish(engine, "69", [DAY])
    before = contents(engine)
    with engine.begin() as connection:  # as an older version left it
        connection.execute(sa.text("DROP FUNCTION mart.indicators_as_known"))
        connection.execute(sa.text("DROP VIEW mart.indicators_latest, mart.indicators"))
        connection.execute(sa.text("DELETE FROM ops.applied WHERE name = 'mart.indicators'"))
    newer = (
        *(with_one(each) if each.name == "readiness_by_municipality" else each for each in marts()),
        replace(next(each for each in marts() if each.name == "regulations_in_force"), name="regulations_of_tomorrow"),
    )
    known_as(monkeypatch, newer)
    bring_up(engine)
    with engine.connect() as connection:
        ones = connection.execute(sa.text(f"SELECT count(*), count(one) {KNOWN}"), {"day": DAY}).one()
        assert ones == (21, 0)
        for each in (*newer, *views()):
            known = f"SELECT count(*) FROM {each.as_known}(:day, '2100-01-01', '69')"
            rows = connection.scalar(sa.text(known), {"day": DAY})
            assert rows == (0 if each.name == "regulations_of_tomorrow" else rows), each.name
    after = contents(engine)
    assert {name: after[name] for name in before if "readiness_by_municipality" not in name} == {
        name: rows for name, rows in before.items() if "readiness_by_municipality" not in name
    }
    publish(engine, "69", [DAY + dt.timedelta(days=1)])
    with engine.connect() as connection:
        assert connection.execute(sa.text(f"SELECT count(*), count(one) {KNOWN}"), {"day": DAY}).one() == (21, 21)


def test_what_a_run_of_an_older_version_puts_back_is_brought_up_again(
    engine: sa.Engine, small: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small
    newer = tuple(with_one(each) if each.name == "readiness_by_municipality" else each for each in marts())
    ones = sa.text("SELECT count(*), count(one) FROM mart.readiness_by_municipality")
    for as_older_left_it in (False, True):
        if as_older_left_it:
            publish(engine, "69", [DAY])
        with monkeypatch.context() as patch, engine.connect() as connection:
            known_as(patch, newer)
            bring_up(engine)
            assert connection.execute(ones).one() == (21 if as_older_left_it else 0, 0)


def test_what_was_made_by_hand_of_a_mart_and_is_in_the_way_is_named(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as it is gone marts are brought up."""
    newer = tuple(with_one(each) if each.name == "readiness_by_municipality" else each for each in marts())
    known_as(monkeypatch, newer)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE VIEW by_hand AS SELECT schools FROM mart.readiness_by_municipality"))
    with pytest.raises(ServerError, match=r"cannot be brought up.*view by_hand depends on view mart\."):
        bring_up(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP VIEW by_hand"))
    bring_up(engine)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(one) FROM mart.readiness_by_municipality")) == 0


def known_as(monkeypatch: pytest.MonkeyPatch, newer: tuple[Mart, ...]) -> None:
    """Let a newer version have these marts."""
    for module in (publishing, bringing_up):
        monkeypatch.setattr(module, "marts", lambda: newer)
    monkeypatch.setattr(bringing_up, "of_files", lambda: "of a newer version")


KNOWN = "FROM mart.readiness_by_municipality_as_known(:day, '2100-01-01', '69')"


LATEST = """
SELECT array_agg(DISTINCT as_of) FROM mart.readiness_by_municipality_latest
UNION ALL SELECT array_agg(DISTINCT as_of) FROM mart.readiness_region_latest
"""


def test_the_last_date_has_a_view_of_its_own(engine: sa.Engine, small: dict[str, int]) -> None:
    """It has the columns of the mart with their words, and BI reads it."""
    assert small
    tomorrow = DAY + dt.timedelta(days=1)
    publish(engine, "69", [DAY, tomorrow])
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        words = (
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = to_regclass(:name)"
        )
        for mart in (*marts(), *views()):
            of_mart, of_latest = (
                connection.execute(sa.text(f"{words} ORDER BY attnum"), {"name": relation}).tuples().all()
                for relation in (mart.relation, mart.latest)
            )
            assert of_latest == of_mart and of_latest
        connection.execute(sa.text("SET ROLE bi_reader"))
        assert list(connection.scalars(sa.text(LATEST))) == [[tomorrow], [tomorrow]]


def test_views_that_an_older_version_made_give_way(engine: sa.Engine, small: dict[str, int]) -> None:
    """It had neither views of the last date nor that of all figures, and other corrections."""
    publish(engine, "69", [DAY])
    before = contents(engine)
    dropped = ", ".join(mart.latest for mart in (*marts(), *views()))
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP VIEW {dropped}"))
        connection.execute(sa.text("DROP FUNCTION mart.corrections_as_known; DROP VIEW mart.corrections"))
        connection.execute(sa.text("DROP FUNCTION mart.revisions_as_known; DROP VIEW mart.revisions"))
        connection.execute(sa.text("DROP VIEW history.figure"))
        connection.execute(sa.text("CREATE VIEW mart.corrections AS SELECT as_of FROM history.readiness_by_school"))
        connection.execute(sa.text("UPDATE ops.applied SET fingerprint = 'older' WHERE name LIKE 'mart.%'"))
        connection.execute(sa.text("DELETE FROM ops.applied WHERE name = 'history.figure'"))
    loaded(engine, report(small, "chainsky", [1, 2, 3, 4]))
    publish(engine, "69", [DAY])
    assert contents(engine).keys() == before.keys()
    with engine.connect() as connection:
        assert list(connection.scalars(sa.text(LATEST))) == [[DAY], [DAY]]
        moved = "SELECT was, became FROM mart.corrections WHERE code = 'chainsky' AND metric = 'accepted'"
        assert connection.execute(sa.text(moved)).tuples().all() == [("0", "4")]


def test_who_connects_before_the_first_publication_finds_every_mart(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SET ROLE bi_reader"))
        for mart in (*marts(), *views()):
            for relation in (mart.relation, mart.latest):
                assert connection.scalar(sa.text(f"SELECT count(*) FROM {relation}")) == 0


def test_a_column_without_a_caption_is_not_published(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = replace(marts()[0], captions={"as_of": "На дату."})
    known_as(monkeypatch, (bare, *marts()[1:]))
    with pytest.raises(ValueError, match="needs one caption"):
        publish(engine, "69", [DAY])


def test_what_is_not_published_has_no_rows_and_what_is_no_mart_no_name(engine: sa.Engine) -> None:
    assert read(engine, "readiness_by_municipality").is_empty()
    publish(engine, "69", [DAY])
    assert read(engine, "readiness_by_municipality", DAY + dt.timedelta(days=1)).is_empty()
    with pytest.raises(KeyError, match="delivery_health"):
        read(engine, "readiness")
