"""Three regions in one service: their nights are at their own hours, the failure of one is told to its people alone,
and a clerk of one sees nothing of another.

Slow: a real service is started, and takes in and publishes two regions.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from post import Mailbox
from running import RunningService, free_port

from contracts.regions import read_from, region_named
from documents.demo import Sizes, of_pack, write_deliveries
from flows.home.settings import Settings

pytestmark = pytest.mark.in_order
CODES = ("27", "67", "69")
ZONES = {"27": "Europe/Kaliningrad", "67": "Europe/Moscow", "69": "Asia/Tomsk"}
GOOD, FAILING = "27", "67"
DAY = dt.date(2027, 8, 20)
ROUTING = """recipient,audience,sender,classes,level,channel,address,quiet_from,quiet_to,days,when
Сотрудник {code},officer,,,1,email,officer@of-{code}.example,,,,
Инженер {code},engineer,,,1,email,engineer@of-{code}.example,,,,
"""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, mails: Mailbox) -> Iterator[RunningService]:
    """A service of the three shipped regions, whose schedules rest; each has people of its own to tell."""
    home = tmp_path_factory.mktemp("three") / "home"
    made = RunningService(Settings(home=home), free_port(), {"PROFMIN_SMTP_URL": mails.url})
    made.settings.prepare()
    packs = home.resolve() / "regions"
    try:
        assert f"export PROFMIN_REGIONS={packs}" in made.up("--regions", 3, at_rest=False).stderr
        made.environment["PROFMIN_REGIONS"] = str(packs)
        made.rest()
        for pack in packs.iterdir():
            code = pack.name.partition("-")[0]
            (pack / "routing.csv").write_text(ROUTING.format(code=code), encoding="utf-8")
        read_from(packs)
        yield made
    finally:
        read_from(None)
        made.profmin("down", "--timeout", 0)
        assert made.is_gone(), made.log()[-3000:]


def test_each_night_begins_at_half_past_two_by_its_own_clock(three: RunningService) -> None:
    """So at three moments of a day. A night begun by the schedule is of its region alone."""
    names = [f"nightly-{code}" for code in CODES]
    assert {each["name"] for each in three.api.deployments()} >= {*names, "inbox", "watchdog"}
    crons = {}
    for code in CODES:
        (schedule,) = three.deployment(f"nightly-{code}")["schedules"]
        crons[code] = schedule["schedule"]
        assert (crons[code]["cron"], crons[code]["timezone"]) == ("30 2 * * *", ZONES[code])
    moments = {dt.datetime(2027, 8, 20, 2, 30, tzinfo=ZoneInfo(each["timezone"])) for each in crons.values()}
    assert len({moment.astimezone(dt.UTC) for moment in moments}) == 3


def test_one_fails_and_its_own_people_alone_are_told(three: RunningService, mails: Mailbox) -> None:
    """The others publish."""
    sizes = Sizes(seed=27, senders=23, schools=23, pupils=60, as_of=DAY)
    write_deliveries(of_pack(region_named(GOOD), sizes), three.settings.inbox)
    good = three.start(f"nightly-{GOOD}", as_of=DAY.isoformat())
    failed = three.ended(three.start(f"nightly-{FAILING}", home="/dev/null/nowhere"))
    assert failed["state"]["type"] == "FAILED"
    assert three.ended(good)["state"]["type"] == "COMPLETED"
    assert three.query(f"SELECT DISTINCT region FROM ops.publication WHERE as_of = '{DAY}'") == [(GOOD,)]
    opened = "SELECT region, subject FROM ops.incident WHERE condition = 'run_failed' AND state = 'open'"
    three.until(lambda: (FAILING, "nightly") in three.query(opened))
    three.until(lambda: letters(mails, "nightly"))
    assert {letter["To"] for letter in letters(mails, "nightly")} == {f"engineer@of-{FAILING}.example"}
    assert three.query(opened) == [(FAILING, "nightly")]


def letters(mails: Mailbox, subject: str) -> list[EmailMessage]:
    """Letters of whose subject a word is part."""
    return [each for each in mails.mails if subject in each["Subject"]]


def test_a_clerk_of_one_sees_nothing_of_another(three: RunningService) -> None:
    unit = region_named(FAILING).lines("reporting_units")[0]["reporting_unit"]
    for name, region, of in (("clerk_there", FAILING, unit), ("clerk_here", GOOD, "kgd_gusevsky")):
        granted = three.profmin("access", "grant", name, "--region", region, "--unit", of)
        assert granted.returncode == 0, granted.stderr
    seen = {}
    for name in ("clerk_there", "clerk_here"):
        said = json.loads(three.profmin("access", "test", name, "--json").stdout)
        assert sum(each["of"] for each in said) > 0
        seen[name] = {region for each in said if each["rows"] for region in each["regions"]}
    assert seen == {"clerk_there": {FAILING} & seen["clerk_there"], "clerk_here": {GOOD}}


def test_more_than_there_are_is_said_in_a_sentence(three: RunningService, tmp_path: Path) -> None:
    told = three.profmin("up", "--regions", 4)
    assert (told.returncode, "3 packs are shipped" in told.stderr) == (2, True)
    (tmp_path / "99-own").mkdir()
    three.environment["PROFMIN_REGIONS"], kept = str(tmp_path), three.environment["PROFMIN_REGIONS"]
    try:
        told = three.profmin("up", "--regions", 2)
        assert (told.returncode, "has packs of its own (99-own)" in told.stderr) == (2, True)
    finally:
        three.environment["PROFMIN_REGIONS"] = kept
