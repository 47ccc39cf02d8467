"""`profmin incidents`: what an officer sees and does.

Slow: a region with its incidents, and some twenty commands.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from documents.demo.data import FOLDER as DEMO
from flows.home.settings import Settings
from warehouse.incidents.observe import observe

NOON = dt.datetime(2023, 9, 8, 5, tzinfo=dt.UTC)
WHO = ("--by", "Иванова", "--reason", "звонили, исправят к пятнице")


@pytest.fixture
def looked_at(profmin: Any, settings: Settings, region_inbox: Path, engine: sa.Engine) -> Settings:
    """The September region, taken in; its incidents opened."""
    assert region_inbox.exists()
    assert profmin("ingest", settings=settings).returncode in (3, 4)
    with engine.begin() as connection:
        assert observe(connection, "69", NOON, dt.timedelta(days=7), 3)
    return settings


def test_the_life_of_an_incident_at_the_terminal(profmin: Any, looked_at: Settings) -> None:
    def run(*arguments: object) -> Any:
        return profmin("incidents", *arguments, settings=looked_at)

    def listed(*arguments: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(run("list", *arguments, "--json").stdout)
        return found

    shown = run()
    assert shown.returncode == 0
    assert "данные" in shown.stdout
    assert "Бакчарский" in shown.stdout
    assert run("list").stdout == shown.stdout
    found = listed("--sender", "bakcharsky")
    assert [(each["condition"], each["subject"], each["state"]) for each in found] == [
        ("failed_validation", "sums", "open")
    ]
    assert listed("--class", "own") == []
    number = found[0]["incident_id"]

    assert run("acknowledge", number, *WHO).returncode == 0
    assert run("assign", number, "--to", "Петров", *WHO).returncode == 0
    assert run("mute", number, "--until", "2099-01-01", *WHO).returncode == 0
    one = run("show", number)
    for words in (
        "Инцидент",
        "открыт",
        "принят к сведению",
        "поручен: Петров",
        "без сообщений до 01.01.2099",
        "к пятнице",
    ):
        assert words in one.stdout, words
    document = json.loads(run("show", number, "--json").stdout)
    assert [each["kind"] for each in document["events"]] == ["opened", "acknowledged", "assigned", "muted"]
    assert document["acknowledged_by"] == "Иванова"
    assert document["messages"] == []
    assert run("unmute", number, *WHO).returncode == 0
    assert listed("--sender", "bakcharsky")[0]["muted_until"] is None
    assert_no_pupil(shown.stdout + one.stdout + json.dumps(listed("--all"), ensure_ascii=False))

    for wrong, words in (
        (("show", 999), "инцидента 999 нет"),
        (("acknowledge", 999, *WHO), "инцидента 999 нет"),
        (("acknowledge", number, "--by", "Иванова", "--reason", " "), "кто и почему"),
        (("mute", number, "--until", "2020-01-01", *WHO), "уже прошло"),
        (("mute", number, "--until", "завтра", *WHO), "не дата"),
        (("--class", "other"), "класса «other» нет"),
        (("--sender", "atlantis"), "отправителя «atlantis» нет"),
    ):
        refused = run(*wrong)
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False), wrong
        assert words in refused.stderr


def assert_no_pupil(text: str) -> None:
    surnames = [line.split(",")[0] for line in (DEMO / "pupil_names.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert len(surnames) > 20
    assert [name for name in surnames if name in text] == []


def test_without_incidents_it_says_so(profmin: Any, settings: Settings) -> None:
    shown = profmin("incidents", settings=settings)
    assert (shown.returncode, shown.stdout.strip()) == (0, "Открытых инцидентов нет.")
    assert json.loads(profmin("incidents", "--json", settings=settings).stdout) == []
