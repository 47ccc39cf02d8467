"""Flows and deployments of two regions: nights by their own clocks, a failure of one, an inbox that is of both.

Slow: Prefect's server starts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from lived_regions import DAY, KEPT, truth

from contracts.regions import read_from, regions
from documents.demo import deliveries, put
from flows.home.settings import Settings
from flows.service.deployments import whose
from flows.service.synced import definitions, of_regions
from warehouse.deliveries.received import finish_run, start_run
from warehouse.incidents.messages import listed
from warehouse.marts.publication import published_dates
from warehouse.schema.upgrade import connect, upgrade

AMBER_ZONE, TOMSK_ZONE = ZoneInfo("Europe/Kaliningrad"), ZoneInfo("Asia/Tomsk")
LONG_AGO = "UPDATE ops.run SET started_at = started_at - interval '7 hours' WHERE run_id = :run"
REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.region = '39' THEN RAISE EXCEPTION 'Секретов'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON ops.publication FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def home(
    settings: Settings, two_regions: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, sa.Engine]]:
    """A home of two regions in which a register and a report of each lie, which flows find in the environment."""
    assert settings.database_url is not None
    monkeypatch.setenv("PROFMIN_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("PROFMIN_VOUCHED_CHANNELS", settings.vouched_channels or "")
    monkeypatch.setenv("PROFMIN_REGIONS", str(two_regions))
    for code in ("39", "69"):
        sent(settings, code)
    engine = connect(settings.database_url.get_secret_value())
    upgrade(engine)
    yield settings, engine
    engine.dispose()


def sent(settings: Settings, code: str) -> None:
    """The register of a region and the report of one of its units."""
    region = truth(code)
    files = deliveries(region)
    put([file for file in files if file[0] in (KEPT[code], region.department)], settings.inbox)


def runs(engine: sa.Engine) -> list[tuple[str, str | None, str]]:
    with engine.connect() as connection:
        asked = connection.execute(sa.text("SELECT kind, region, state FROM ops.run ORDER BY run_id"))
        return [(kind, region, state) for kind, region, state in asked.tuples()]


def test_a_deployment_is_there_for_each_region_by_its_clock(two_regions: Path) -> None:
    assert two_regions
    wanted = of_regions(definitions("prefect.yaml")["deployments"], regions())
    assert [each["name"] for each in wanted] == [
        "nightly-39", "nightly-69", "inbox", "publish-39", "publish-69", "backfill", "remind-39", "remind-69",
        "watchdog", "purge",
    ]  # fmt: skip
    by_name = {each["name"]: each for each in wanted}
    assert by_name["nightly-39"]["parameters"] == {"region": "39"}
    assert by_name["nightly-39"]["schedules"] == [
        {"slug": "night", "cron": "30 2 * * *", "timezone": "Europe/Kaliningrad"}
    ]
    assert by_name["remind-69"]["schedules"][0]["timezone"] == "Asia/Tomsk"
    assert "Янтарный край" in by_name["publish-39"]["description"] and "schedules" not in by_name["publish-39"]
    assert whose("remind-39") == ("remind", "39") and whose("inbox") == ("inbox", None)
    assert whose("nightly-77") == ("nightly", None), "it is not in force any more"


def test_an_automation_says_of_which_region_there_was_no_night(two_regions: Path) -> None:
    assert two_regions
    wanted = of_regions(definitions("automations.yaml")["automations"], regions())
    names = [each["name"] for each in wanted]
    assert len(names) == len(set(names))
    late = [each for each in wanted if "no completed nightly" in each["name"]]
    watched = [each["trigger"]["match_related"]["prefect.resource.name"] for each in late]
    assert watched == ["nightly-39", "nightly-69"]
    assert [each["description"].split(":")[0] for each in late] == ["Янтарный край", "Томская область"]
    listed = [each["trigger"]["match_related"]["prefect.resource.name"] for each in wanted if each not in late]
    assert all({"nightly-39", "nightly-69"} <= set(of) for of in listed if isinstance(of, list))


def test_a_night_is_of_the_day_of_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    import flows.nightly

    for scheduled, days in (
        (dt.datetime(2023, 9, 7, 19, 30, tzinfo=dt.UTC), (7, 8)),  # half past two at night in Томск
        (dt.datetime(2023, 9, 8, 0, 30, tzinfo=dt.UTC), (8, 8)),  # half past two at night in Калининград
    ):
        monkeypatch.setattr(flows.nightly, "flow_run", SimpleNamespace(scheduled_start_time=scheduled))
        assert tuple(flows.nightly.business_date(zone).day for zone in (AMBER_ZONE, TOMSK_ZONE)) == days


@pytest.mark.usefixtures("prefect_server")
def test_a_failed_night_of_one_region_stops_no_other(home: tuple[Settings, sa.Engine], two_regions: Path) -> None:
    from flows.nightly import nightly

    settings, engine = home
    for pack in two_regions.iterdir():
        (pack / "routing.csv").write_text(
            "recipient,audience,sender,classes,level,channel,address,when,quiet_from,quiet_to,days\n"
            f"Сотрудник {pack.name},officer,,,1,file,officer-{pack.name},at_once,,,\n"
            f"Инженер {pack.name},engineer,,,1,file,engineer-{pack.name},at_once,,,\n",
            encoding="utf-8",
        )
    read_from(None)
    read_from(two_regions)
    with engine.begin() as connection:
        connection.exec_driver_sql(REFUSE)
    state: Any = nightly(DAY, str(settings.home), return_state=True)
    assert state.type.value == "FAILED" and "39: " in state.message and "Секретов" not in state.message
    (night,) = state.result(raise_on_failure=False)
    assert (night.region.code, night.as_of, len(night.outcomes)) == ("69", DAY, 2)
    assert runs(engine) == [("nightly", "39", "failed"), ("nightly", "69", "completed with findings")]
    with engine.connect() as connection:
        assert (published_dates(connection, "39"), DAY in published_dates(connection, "69")) == ([], True)
        incidents = connection.execute(sa.text("SELECT region, condition FROM ops.incident")).tuples().all()
        told = listed(connection, 1000)
    assert ("39", "run_failed") in incidents and ("69", "run_failed") not in incidents
    (failed,) = (each for each in told if each.message_class == "own")
    assert failed.recipient == "Инженер 39-amber" and "The run «nightly» failed" in failed.body
    assert list((settings.outbox / KEPT["69"]).iterdir())
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse ON ops.publication")
    state = nightly(DAY, str(settings.home), "39", return_state=True)
    (night,) = state.result(raise_on_failure=False)
    assert state.type.value == "COMPLETED" and night.region.code == "39"
    assert runs(engine)[2:] == [("nightly", "39", "completed")] or runs(engine)[2][2].startswith("completed")
    with engine.connect() as connection:
        assert DAY in published_dates(connection, "39")
    assert list((settings.outbox / KEPT["39"]).iterdir()), "what the failed night read is answered now"


@pytest.mark.usefixtures("prefect_server")
def test_the_inbox_is_looked_at_for_each_region(home: tuple[Settings, sa.Engine]) -> None:
    from flows.inbox import inbox

    settings, engine = home
    state: Any = inbox(str(settings.home), return_state=True)
    assert [night.region.code for night in state.result()] == ["39", "69"]
    assert {(kind, region) for kind, region, _ in runs(engine)} == {("inbox", "39"), ("inbox", "69")}
    assert inbox(str(settings.home), return_state=True).name == "Nothing new"
    folder = settings.inbox / KEPT["39"]
    (report,) = folder.glob("*.xlsx")
    (folder / "ещё раз.xlsx").write_bytes(report.read_bytes())
    state = inbox(str(settings.home), return_state=True)
    assert [night.region.code for night in state.result()] == ["39"]
    assert [region for _, region, _ in runs(engine)] == ["39", "69", "39"]
    report.rename(folder / "пока идёт ночь.xlsx")
    with engine.begin() as connection:
        night = start_run(connection, "nightly", region="39")
    assert inbox(str(settings.home), return_state=True).name == "Nothing new", "the night of the region takes it in"
    with engine.begin() as connection:
        connection.execute(sa.text(LONG_AGO), {"run": night})
    assert [each.region.code for each in inbox(str(settings.home), return_state=True).result()] == ["39"], (
        "it died, and nobody said so"
    )
    with engine.begin() as connection:
        finish_run(connection, night, "completed")
    (settings.inbox / "nobody").mkdir()
    (settings.inbox / "nobody" / "чьё.xlsx").write_bytes((folder / "ещё раз.xlsx").read_bytes())
    state = inbox(str(settings.home), return_state=True)
    (night,) = state.result()
    assert night.region.code == "39", "what nobody is known to have sent is of the first region"
    assert [(each.verdict, each.failure) for each in night.outcomes] == [("refused", None)]
    assert list((settings.outbox / "unknown_sender").iterdir())
