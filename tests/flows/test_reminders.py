"""A deadline week, day by day: who is reminded of what, and when it stops."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from owed_forms import ALL_FORMS
from packs import REGION

from contracts.regions.route import COLUMNS
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.statements import OfficerStatement, state_nothing, take_back
from flows.messages.delivering import deliver
from flows.messages.reminders import remind
from flows.runs.ingest import ingest
from warehouse.incidents.owed import owed, still_due
from warehouse.schema.upgrade import connect, upgrade

ZONE = ZoneInfo("Asia/Tomsk")
READINESS, EXPORT, OPERATOR = "readiness_report", "registration_export", "regional_operator"
LATE = ("kedrovy", "strezhevoy")
STEPS = (-3, -1, 0, 1)


@pytest.fixture(scope="module")
def region(databases, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Path]]:
    """The region of September, two senders late; its deadline moved to Wednesday, 8 November, after the holiday on
    Monday. A database to copy."""
    home = tmp_path_factory.mktemp("region_home")
    with databases.fresh() as url:
        settings = Settings(home=home, database_url=url, vouched_channels="inbox,ingest")
        settings.prepare()
        shutil.copytree(region_files, settings.inbox, dirs_exist_ok=True)
        for sender in LATE:
            shutil.move(settings.inbox / sender, home / sender)
        ingest([], Options(), settings)
        engine = connect(url)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE ref.campaign SET deadline = '2023-11-08'"))
        engine.dispose()
        yield settings, home


@pytest.fixture
def week(databases, region: tuple[Settings, Path], tmp_path: Path) -> Iterator[tuple[Settings, sa.Engine, Path]]:
    """A copy of it to change, and the folder with the reports of those who are late."""
    template, _ = region
    assert template.database_url is not None
    name = sa.make_url(template.database_url.get_secret_value()).database
    shutil.copytree(template.home, tmp_path / "home")
    with databases.fresh(name) as url:
        engine = connect(url)
        yield (
            Settings(home=tmp_path / "home", database_url=url, vouched_channels="inbox,ingest"),
            engine,
            tmp_path / "home",
        )
        engine.dispose()


def at(day: int, hour: int = 9, month: int = 11) -> dt.datetime:
    return dt.datetime(2023, month, day, hour, tzinfo=ZONE)


def written(engine: sa.Engine, sender: str | None = None, form: str | None = None) -> list[dict[str, object]]:
    with engine.connect() as connection:
        asked = """
            SELECT sender, subject, body, about, attachments, channel, recipient, outcome, not_before, dedup_key
            FROM ops.message
            WHERE kind = 'reminder' AND coalesce(sender = :sender, true) AND coalesce(about ->> 'form' = :form, true)
            ORDER BY message_id
        """
        return [dict(row) for row in connection.execute(sa.text(asked), {"sender": sender, "form": form}).mappings()]


def owed_at_once(engine: sa.Engine, sender: str) -> list[str]:
    """Forms of which a sender is reminded three working days before the deadline that the tests moved."""
    with engine.connect() as connection:
        return [each.form for each in owed(connection, "69", dt.date(2023, 11, 2), STEPS) if each.sender == sender]


def send(settings: Settings, sender: str, moment: dt.datetime) -> None:
    """The sender's report arrives, and a run takes it in."""
    report = next((settings.home / sender).iterdir())
    target = settings.inbox / sender / report.name
    target.parent.mkdir(exist_ok=True)
    shutil.copy(report, target)
    os.utime(target, (moment.timestamp(), moment.timestamp()))
    ingest([target], Options(), settings)


def test_a_week_around_the_deadline(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    new = {}
    for day in range(1, 13):
        before = len(written(engine))
        found = remind(engine, settings, REGION, at(day))
        assert remind(engine, settings, REGION, at(day, 15)) == 0, "the same step twice"
        assert len(written(engine)) == before + found
        new[day] = {str(row["sender"]) for row in written(engine)[before:] if row["about"]["form"] == READINESS}
    assert {day for day, senders in new.items() if senders} == {2, 7, 8, 9}  # 4 to 6 November are days off
    assert len({frozenset(senders) for senders in new.values() if senders}) == 1
    assert new[2] > set(LATE)
    with engine.connect() as connection:
        complete = "SELECT DISTINCT sender FROM ref.roster WHERE form = 'readiness_report'"
        silent = set(connection.scalars(sa.text(complete))) - new[2]
    assert len(silent) > 3  # whose report is whole hears nothing


def test_what_a_clerk_reads(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    for day in (2, 8, 9):
        remind(engine, settings, REGION, at(day))
    first, today, late = written(engine, "kedrovy", READINESS)
    assert first["subject"] == (
        "Город Кедровый: срок 08.11.2023, «Отчёт о готовности школ к реализации Профминимума»"
    )  # fmt: skip
    assert "сегодня последний рабочий день" in today["subject"] and "срок прошёл" in late["subject"]
    assert "не считая сегодняшнего: 3." in first["body"]
    assert "не поступило ни одного файла" in first["body"] and "всем вашим школам: 2." in first["body"]
    assert first["body"].count("\n— ") == 2 and "Сообщать нечего" in first["body"]
    assert first["attachments"] == [
        {"what": "template", "form": READINESS, "sender": "kedrovy", "delivery_id": None}
    ]  # fmt: skip
    partial = next(row for row in written(engine) if "не по всем школам" in row["body"])
    assert "Сообщать нечего" not in partial["body"] and "целиком" in partial["body"]


def test_it_stops_when_the_report_comes(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    remind(engine, settings, REGION, at(2))
    with engine.connect() as connection:
        about = {str(row["sender"]): row["about"] for row in written(engine, form=READINESS)}
        assert still_due(connection, about["kedrovy"])
    send(settings, "kedrovy", at(3))
    with engine.connect() as connection:
        assert not still_due(connection, about["kedrovy"])
        assert still_due(connection, about["strezhevoy"])
        owing = owed(connection, "69", dt.date(2023, 11, 7), STEPS)
        left = {each.sender: each for each in owing if each.form == READINESS}
    assert "strezhevoy" in left
    if "kedrovy" in left:  # it came with rows that were not accepted
        assert left["kedrovy"].is_received and left["kedrovy"].rejected


def test_a_waiting_reminder_is_cancelled_when_the_report_comes(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, home = week
    lines = [
        dict.fromkeys(COLUMNS, "") | {"recipient": sender, "audience": "sender", "sender": sender, "level": "1",
                                     "channel": "file", "quiet_from": "20:00", "quiet_to": "10:00"}
        for sender in LATE
    ]  # fmt: skip
    table = "\n".join([",".join(COLUMNS), *(",".join(line.values()) for line in lines)])
    (home / "routing.csv").write_text(table, encoding="utf-8")
    assert remind(engine, settings, REGION, at(2)) == 2 * len(owed_at_once(engine, "kedrovy"))
    assert {row["not_before"] for row in written(engine)} == {at(2, 10)}
    send(settings, "kedrovy", at(2))
    deliver(engine, settings, at(2, 11))
    outcomes = {row["sender"]: row["outcome"] for row in written(engine, form=READINESS)}
    assert outcomes == {"kedrovy": "cancelled", "strezhevoy": "sent"}
    others = [row for row in written(engine) if row["about"]["form"] != READINESS]
    assert {row["outcome"] for row in others} <= {"sent"}  # a report answers for no other form


def test_a_reminder_does_not_outlive_its_day(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    assert remind(engine, settings, REGION, at(2, 18)) > 2
    deliver(engine, settings, at(3))
    assert {row["outcome"] for row in written(engine)} == {"cancelled"}
    assert remind(engine, settings, REGION, at(3)) == 0


def test_an_unread_file_gives_time(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    unread = settings.inbox / "kedrovy" / "отчёт.xlsx"
    unread.parent.mkdir(exist_ok=True)
    unread.write_bytes(b"not read yet")
    remind(engine, settings, REGION, at(2))
    starts = {row["sender"]: row["not_before"] for row in written(engine)}
    assert starts["kedrovy"] - starts["strezhevoy"] == dt.timedelta(minutes=30)


def test_nothing_to_report_is_not_reminded_of(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    asked = OfficerStatement("kedrovy", READINESS, "Офицер", at(3), "Школы закрыты")
    remind(engine, settings, REGION, at(2))
    state_nothing(engine, asked, settings)
    with engine.connect() as connection:
        (told,) = written(engine, "kedrovy", READINESS)
        assert not still_due(connection, told["about"])
    remind(engine, settings, REGION, at(7))
    assert len(written(engine, "kedrovy", READINESS)) == 1
    take_back(engine, replace(asked, at=at(7, 12)), settings)
    remind(engine, settings, REGION, at(8))
    assert len(written(engine, "kedrovy", READINESS)) == 2


def test_a_partial_report_then_nothing_more(week: tuple[Settings, sa.Engine, Path]) -> None:
    """Who has sent a report and states afterwards that there is nothing more to report is left in peace."""
    settings, engine, _ = week
    remind(engine, settings, REGION, at(2))
    partial = next(str(row["sender"]) for row in written(engine) if "не по всем школам" in str(row["body"]))
    state_nothing(engine, OfficerStatement(partial, READINESS, "Офицер", at(3), "Больше нечего"), settings)
    remind(engine, settings, REGION, at(7))
    assert len(written(engine, partial, READINESS)) == 1


def test_a_moved_deadline_cancels_and_begins_anew(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    remind(engine, settings, REGION, at(2))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE ref.campaign SET deadline = '2023-11-12'"))  # a Sunday
        assert not any(still_due(connection, row["about"]) for row in written(engine) if row["about"]["campaign"])
    days = set()
    for day in range(3, 20):
        before = len(written(engine))
        remind(engine, settings, REGION, at(day))
        days |= {day for row in written(engine)[before:] if row["about"]["form"] == READINESS}
    assert days == {7, 9, 10, 13}  # the last working day before Sunday is Friday, the day after is Monday


def test_a_silent_night_is_reminded_of_twice(week: tuple[Settings, sa.Engine, Path]) -> None:
    """Exports came until 8 September, a Friday. Nothing is due at the weekend; then it is an incident."""
    settings, engine, _ = week
    told = {}
    for day in range(9, 19):
        before = len(written(engine, OPERATOR))
        remind(engine, settings, REGION, at(day, month=9))
        if new := written(engine, OPERATOR)[before:]:
            told[day] = [row["about"]["nights"] for row in new]
    assert told == {
        11: [["2023-09-09", "2023-09-10"]],
        12: [["2023-09-09", "2023-09-10", "2023-09-11"]],
    }
    row = written(engine, OPERATOR)[0]
    assert "не получено за 09.09.2023, 10.09.2023" in str(row["subject"])
    assert row["attachments"] == []
    keys = [str(row["dedup_key"]) for row in written(engine)]
    assert len(keys) == len(set(keys))


def test_only_the_senders_own_contact_hears(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, home = week
    lines = [
        ("Кедровый", "sender", "kedrovy", "email", "kedrovy@example.org"),
        ("Офицер", "officer", "", "file", ""),
        ("Общий чат", "officer", "", "file", "chat"),
    ]
    names = ("recipient", "audience", "sender", "channel", "address")
    made = [dict.fromkeys(COLUMNS, "") | dict(zip(names, line, strict=True)) | {"level": "1"} for line in lines]
    table = "\n".join([",".join(COLUMNS), *(",".join(line.values()) for line in made)])
    (home / "routing.csv").write_text(table, encoding="utf-8")
    assert remind(engine, settings, REGION, at(2)) == len(owed_at_once(engine, "kedrovy"))
    assert {(row["recipient"], row["channel"]) for row in written(engine)} == {("Кедровый", "email")}
    assert len(written(engine, form=READINESS)) == 1


def test_what_a_clerk_reads_of_a_month_and_of_a_year(week: tuple[Settings, sa.Engine, Path]) -> None:
    settings, engine, _ = week
    upgrade(engine, ALL_FORMS)
    for day in (3, 6):
        remind(engine, settings, REGION, at(day, month=10))
    assert len(written(engine, form="meetings")) == 42
    first, last = written(engine, "kedrovy", "meetings")
    assert first["subject"] == "Город Кедровый: срок 06.10.2023, «Собрания» за сентябрь 2023"
    for said in (
        "Напоминаем: «Собрания» (за сентябрь 2023). Срок сдачи: 06.10.2023 включительно.",
        "не считая сегодняшнего: 3.", "всем вашим школам: 2.", "«Сообщать нечего, Собрания, за сентябрь 2023»",
    ):  # fmt: skip
        assert said in first["body"]
    assert "сегодня последний рабочий день" in last["subject"]
    assert first["attachments"] == [{"what": "template", "form": "meetings", "sender": "kedrovy", "delivery_id": None}]
    assert first["dedup_key"] != last["dedup_key"]
    remind(engine, settings, REGION, at(11, month=10))
    (year,) = written(engine, OPERATOR, "agreements")
    assert "срок прошёл 10.10.2023, «Соглашения» за 2023/2024 учебный год" in year["subject"]
    assert "заполните приложенный шаблон и пришлите" in year["body"]
