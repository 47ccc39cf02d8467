"""By which rules a reading was judged, as the warehouse tells it."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hand_made import ALL, DAY, NOON, loaded, now, refused, report, unit

from contracts.forms import form_named
from contracts.versions import rule_versions as versions
from contracts.versions.rule_versions import Version, listed, rules_of
from warehouse.backfill.older_rules import MARKS, by_older_rules
from warehouse.deliveries.recall import unpublished
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import upgrade

REPORT = form_named("readiness_report")
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Version]:
    """A table of versions in which the rules of today's report are the second ones."""
    lines = [line for line in listed() if line.form != REPORT.name]
    lines.append(Version("2022", REPORT.name, dt.date(1, 1, 1), "before", "Как было."))
    lines.append(Version("2023", REPORT.name, DAY, rules_of(REPORT), "Как стало."))
    monkeypatch.setattr(versions, "FILE", tmp_path / "versions.csv")
    versions.write(lines)
    return lines


def rules(engine: sa.Engine, sender: str, rules: str | None) -> None:
    """Let the sender's report have been judged by these rules."""
    with engine.begin() as connection:
        statement = sa.text("UPDATE ops.reading SET rules = :rules WHERE form = :form AND sender = :sender")
        connection.execute(statement, {"rules": rules, "form": REPORT.name, "sender": sender})


def judged(engine: sa.Engine, sender: str) -> tuple[object, object]:
    publish(engine, "69", [DAY])
    row = unit(engine, "readiness_by_municipality", sender)
    return row["judged_by"], row["by_older_rules"]


def older(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return list(by_older_rules(connection).select("form", "sender").iter_rows())


def test_every_mart_on_readings_says_by_which_rules() -> None:
    silent = [mart.name for mart in ALL if not set(MARKS).intersection(mart.captions)]
    # Whether it came: delivery_health says by which rules. What was published, and when: the ledgers.
    assert silent == ["reporting_rate", "corrections", "indicators", "reporting_rate_region", "revisions"]
    assert set(MARKS) <= {name for mart in ALL for name in mart.captions}


def test_what_was_read_before_versions_is_of_the_first(
    engine: sa.Engine, small: dict[str, int], table: list[Version]
) -> None:
    rules(engine, "asinovsky", None)
    assert judged(engine, "asinovsky") == ("2023", False), "there was but one version then"
    assert older(engine) == []
    upgrade(engine)
    assert judged(engine, "asinovsky") == ("2022", True)
    assert older(engine) == [("readiness_report", "asinovsky")]
    rules(engine, "asinovsky", "before")
    assert judged(engine, "asinovsky") == ("2022", True)
    rules(engine, "asinovsky", "unheard of")
    assert judged(engine, "asinovsky") == (versions.UNLISTED, True)
    rules(engine, "asinovsky", rules_of(REPORT))
    assert judged(engine, "asinovsky") == ("2023", False)
    assert older(engine) == []


def test_who_was_refused_by_older_rules_is_named_until_something_better_comes(
    engine: sa.Engine, small: dict[str, int], table: list[Version]
) -> None:
    upgrade(engine)
    loaded(engine, refused(REPORT.name, "chainsky"), NOON + HOUR)
    rules(engine, "chainsky", "before")
    assert older(engine) == [("readiness_report", "chainsky")]
    loaded(engine, report(small, "chainsky", [1, 2]), NOON + 2 * HOUR)
    assert older(engine) == []


def test_a_new_version_is_published_once_from_the_first_date_that_it_judges(
    engine: sa.Engine, small: dict[str, int], table: list[Version]
) -> None:
    publish(engine, "69", [DAY - dt.timedelta(days=1), DAY, DAY + dt.timedelta(days=1)])
    with engine.connect() as connection:
        assert unpublished(connection, "69") == []
    upgrade(engine)
    with engine.connect() as connection:
        assert unpublished(connection, "69") == [(REPORT.name, DAY)]
    publish(engine, "69", [DAY])
    upgrade(engine)
    with engine.connect() as connection:
        assert unpublished(connection, "69") == []


def test_a_version_that_did_not_change_is_not_written(
    engine: sa.Engine, small: dict[str, int], table: list[Version]
) -> None:
    upgrade(engine)
    moment = now(engine)
    table[-1] = replace(table[-1], what="Другими словами.")
    versions.write(table)
    upgrade(engine)
    with engine.connect() as connection:
        statement = sa.text("SELECT form, version FROM ref.contract_version WHERE listed_at > :moment")
        assert connection.execute(statement, {"moment": moment}).all() == [(REPORT.name, "2023")]
