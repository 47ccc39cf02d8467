"""«Сообщать нечего»: as a sender's file, and as an officer's command."""

import datetime as dt
import json
import os
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from owed_forms import ALL_FORMS
from packs import REGION

from contracts.texts.spans import span_words
from flows.home.keyring import keyring_of
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.arrival import Arrival
from flows.intake.incoming import Options
from flows.intake.intake import Intake
from flows.intake.outcome import exit_code
from flows.intake.statement_file import statement_text
from flows.intake.statements import OfficerStatement, state_nothing, take_back
from flows.runs.ingest import ingest
from warehouse.deliveries.receipt_contents import overdue
from warehouse.deliveries.received import waiting
from warehouse.marts.publication import publish
from warehouse.marts.published import mart
from warehouse.schema.upgrade import upgrade
from warehouse.watch.law import examined

ZONE = ZoneInfo("Asia/Tomsk")
DAY = dt.date(2023, 9, 8)
NOON = dt.datetime(2023, 9, 8, 12, tzinfo=ZONE)
NAME = "Нет данных.txt"


def put(
    settings: Settings, sender: str, text: str, name: str = NAME, at: dt.datetime = NOON, code: str = "utf-8"
) -> Path:
    path = settings.inbox / sender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(code))
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def stated(engine: sa.Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        asked = "SELECT form, sender, campaign, as_of, withdrawn_at IS NULL FROM ops.statement ORDER BY statement_id"
        return [tuple(row) for row in connection.execute(sa.text(asked))]


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize(
    "text",
    [
        "Сообщать нечего. Отчёт о готовности. Причина: школы закрыты на ремонт",
        "Добрый день!\r\n\r\nСООБЩАТЬ НЕЧЕГО, Отчёт о готовности школ к реализации Профминимума\r\nреорганизация",
        "В этом году данных нет: единственная школа реорганизована",
    ],
)
def test_a_clerks_file_is_understood(settings: Settings, engine: sa.Engine, text: str, code: str) -> None:
    outcomes = ingest([put(settings, "kedrovy", text, code=code)], Options(), settings)
    assert [(each.verdict, each.form, each.sender, each.is_repeat) for each in outcomes] == [
        ("accepted", "readiness_report", "kedrovy", False)
    ]
    assert exit_code(outcomes) == 0
    assert stated(engine) == [("readiness_report", "kedrovy", "readiness-2023", None, True)]
    (answer,) = (settings.outbox / "kedrovy").iterdir()
    said = answer.read_bytes().decode("utf-8-sig")
    assert answer.name.startswith("Нет данных.") and answer.name.endswith(".квитанция.txt")
    assert "принято" in said and "Готовность к реализации Профминимума, 2023/2024" in said


def test_a_file_says_it_once_and_waits_for_nothing(settings: Settings, engine: sa.Engine) -> None:
    put(settings, "kedrovy", "Сообщать нечего")
    for times in range(3):
        if times == 2:  # the same bytes under another name
            put(settings, "kedrovy", "Сообщать нечего", "нет данных (2).txt")
        outcomes = ingest([], Options(), settings)
        assert [each.is_repeat for each in outcomes] == [[False], [], [True]][times]
    assert len(stated(engine)) == 1
    assert len(list((settings.outbox / "kedrovy").iterdir())) == 1
    with engine.connect() as connection:
        assert waiting(connection, "any") == []
        assert [law.name for law in examined(connection) if law.times] == []


def test_equal_words_of_two_senders_are_two_statements(settings: Settings, engine: sa.Engine) -> None:
    for sender in ("kedrovy", "strezhevoy"):
        put(settings, sender, "Сообщать нечего")
    outcomes = ingest([], Options(), settings)
    assert sorted(each.sender or "" for each in outcomes) == ["kedrovy", "strezhevoy"]
    assert sorted(str(row[1]) for row in stated(engine)) == ["kedrovy", "strezhevoy"]
    assert len({each.delivery_id for each in outcomes}) == 2
    for sender in ("kedrovy", "strezhevoy"):
        assert list((settings.outbox / sender).iterdir())


def test_a_night_is_named_or_is_the_last_one(settings: Settings, engine: sa.Engine) -> None:
    put(settings, "regional_operator", "Сообщать нечего, выгрузки за 05.09.2023 нет: площадка не работала", "а.txt")
    put(settings, "regional_operator", "Выгрузка: данных нет", "б.txt")
    ingest([], Options(), settings)
    assert sorted(str(row[3]) for row in stated(engine)) == ["2023-09-05", "2023-09-07"]


@pytest.mark.parametrize(
    ("sender", "text", "why"),
    [
        ("nobody", "Сообщать нечего", "от кого файл"),
        ("regional_operator", "Сообщать нечего: выгрузка 05.09.2023 и 06.09.2023", "за какой день"),
        ("regional_operator", "Сообщать нечего: выгрузка за 05.10.2023", "за какой день"),
        ("regional_operator", "Сообщать нечего: выгрузка за 31.02.2023", "за какой день"),
        ("kedrovy", "Сообщать нечего: выгрузка", "о какой форме"),
    ],
)
def test_what_is_not_understood_is_said_and_refused(
    settings: Settings, engine: sa.Engine, sender: str, text: str, why: str
) -> None:
    outcomes = ingest([put(settings, sender, text)], Options(), settings)
    assert [each.verdict for each in outcomes] == ["refused"]
    assert stated(engine) == []
    answered = settings.outbox / ("unknown_sender" if sender == "nobody" else sender)
    notes = [path for path in answered.iterdir() if path.suffix == ".txt"]
    assert [why in path.read_text(encoding="utf-8-sig") for path in notes] == [True]
    assert "Как написать" in notes[0].read_text(encoding="utf-8-sig")
    with engine.connect() as connection:
        assert waiting(connection, Intake(engine, settings, REGION, Options(), None).version) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Готовность.txt", "Школа\tУровень\nШкола 1\tнет данных\n"),
        ("Нет данных.txt", "Школа;Код;Уровень\nШкола 1;1;базовый\nШкола 2;2;базовый\n"),
        ("Отчёт.txt", "Отправляем отчёт о готовности школ"),
        ("Нет данных.csv", "Сообщать нечего"),
        ("Нет данных.txt", "Сообщать нечего " * 2000),
        ("Нет данных.txt", "PK\x03\x04\x00\x00\x01\x02"),
    ],
)
def test_other_files_are_no_statements(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(text.encode())
    assert (
        statement_text(
            Arrival(name, "kedrovy", "0" * 64, path.stat().st_size, NOON, path), keyring_of(Settings(home=tmp_path))
        )
        is None
    )


def health(engine: sa.Engine, day: dt.date = DAY) -> dict[tuple[str, str], str]:
    publish(engine, "69", [day])
    with engine.connect() as connection:
        found = mart(connection, "delivery_health", day)
        rates = mart(connection, "reporting_rate", day)
    told = {(row["form"], row["sender"]): row["status"] for row in found.iter_rows(named=True)}
    for row in rates.iter_rows(named=True):
        nothing = told[row["form"], row["sender"]] == "nothing_to_report"
        assert row["nothing_to_report"] == nothing
    return told


def test_an_officer_records_and_withdraws(settings: Settings, engine: sa.Engine) -> None:
    key = ("readiness_report", "kedrovy")
    asked = OfficerStatement("kedrovy", "readiness_report", "Офицер", NOON, "Школа закрыта")
    assert health(engine)[key] == "missing"
    told = [state_nothing(engine, asked, settings) for _ in range(2)]
    assert told[0].startswith("Записано, сообщать нечего:") and told[1].startswith("Уже было заявлено")
    assert len(stated(engine)) == 1
    with engine.connect() as connection:
        before = {each.sender: each.is_nothing for each in overdue(connection, "69", dt.date(2023, 9, 12))}
    assert before["kedrovy"] and not before["asinovsky"]
    assert health(engine)[key] == "nothing_to_report"
    take_back(engine, replace(asked, at=NOON + dt.timedelta(hours=1)), settings)
    assert health(engine)[key] == "missing"
    with pytest.raises(UsageError, match="никто не заявлял"):
        take_back(engine, asked, settings)


@pytest.mark.parametrize(
    ("sender", "form", "campaign", "as_of", "wrong"),
    [
        ("kedrovy", "registration_export", None, DAY, "не должен присылать registration_export"),
        ("regional_operator", "registration_export", None, None, "назовите её, --as-of"),
        ("kedrovy", "readiness_report", None, DAY, "раз в кампанию"),
        ("kedrovy", "readiness_report", "readiness-2023", DAY, "не обе"),
        ("kedrovy", "readiness_report", "readiness-1999", None, "в кампании readiness-1999"),
        ("department", "school_register", None, None, "ничего, о чём"),
    ],
)
def test_what_nobody_owes_cannot_be_stated(
    settings: Settings,
    engine: sa.Engine,
    sender: str,
    form: str,
    campaign: str | None,
    as_of: dt.date | None,
    wrong: str,
) -> None:
    with pytest.raises(UsageError, match=wrong):
        state_nothing(engine, OfficerStatement(sender, form, "Офицер", NOON, "потому", campaign, as_of), settings)
    assert stated(engine) == []


def test_a_statement_of_a_published_day_is_published_with_the_next_run(settings: Settings, engine: sa.Engine) -> None:
    night = dt.date(2023, 9, 6)
    publish(engine, "69", [night, DAY])
    asked = OfficerStatement("regional_operator", "registration_export", "Офицер", NOON, "сбой", as_of=night)
    state_nothing(engine, asked, settings)
    ingest([], Options(), settings)
    with engine.connect() as connection:
        told = mart(connection, "reporting_rate", night).filter(form="registration_export")
        assert told["nothing_to_report"].to_list() == [1]
        assert told["missing"].to_list() == [0]


def test_the_schools_stay_missing_and_a_report_matters_more(
    region_inbox: Path, settings: Settings, engine: sa.Engine
) -> None:
    report = next((region_inbox / "kedrovy").iterdir())
    held_back = report.rename(settings.home / report.name)
    put(settings, "kedrovy", "Сообщать нечего", at=dt.datetime(2023, 9, 4, 9, tzinfo=ZONE))
    key = ("readiness_report", "kedrovy")
    ingest([], Options(), settings)
    assert health(engine)[key] == "nothing_to_report"
    with engine.connect() as connection:
        schools = mart(connection, "readiness_by_municipality", DAY).filter(reporting_unit="kedrovy")
        assert schools["missing"].to_list() == schools["schools"].to_list() != [0]
    held_back.rename(report)
    ingest([], Options(), settings)
    assert health(engine)[key] in ("accepted", "partial")


def test_the_command_says_what_it_recorded(profmin, settings: Settings, engine: sa.Engine) -> None:
    asked = ("nothing", "kedrovy", "readiness_report", "--campaign", "readiness-2023")
    told = profmin(*asked, "--reason", "Школа закрыта", "--by", "Офицер", settings=settings)
    assert (told.returncode, told.stdout.strip()) == (
        0,
        "Записано, сообщать нечего: readiness_report, kedrovy, readiness-2023",
    )
    told = profmin(*asked, "--withdraw", "--by", "Офицер", settings=settings)
    assert (told.returncode, told.stdout.strip()) == (0, "Отозвано: readiness_report, kedrovy, readiness-2023")
    assert [row[-1] for row in stated(engine)] == [False]
    for arguments, why in (
        (asked, "--reason"),
        ((*asked, "--withdraw"), "никто не заявлял"),
        (("nothing", "kedrovii", "readiness_report", "--reason", "x"), "kedrovy"),
    ):
        told = profmin(*arguments, settings=settings)
        assert told.returncode == 2 and why in told.stderr and "Traceback" not in told.stderr
    wanted = json.loads(profmin("status", "--json", settings=settings).stdout)["calendars_wanted"]
    assert {calendar["state"] for calendar in wanted} <= {"missing", "provisional"}  # none if the next year is listed


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("Сообщать нечего. Собрания. Причина: каникулы", dt.date(2023, 9, 1)),  # the month that is over
        ("Собрания за сентябрь 2023: сообщать нечего", dt.date(2023, 9, 1)),
        ("Собрания: в октябре сообщать нечего", dt.date(2023, 10, 1)),
        ("Собрания, сообщать нечего на 30.09.2023", dt.date(2023, 9, 1)),
        ("Собрания за май, нет данных", dt.date(2023, 5, 1)),
        ("Собрания за июль, нет данных", None),  # of which nothing is owed
        ("Собрания за ноябрь 2023, нет данных", None),  # has not begun
        ("Собрания за сентябрь и октябрь, нет данных", None),
    ],
)
def test_a_month_is_named_or_is_the_one_that_is_owed(
    settings: Settings, engine: sa.Engine, text: str, month: dt.date | None
) -> None:
    upgrade(engine, ALL_FORMS)
    outcomes = ingest(
        [put(settings, "kedrovy", text, at=dt.datetime(2023, 10, 4, 12, tzinfo=ZONE))], Options(), settings
    )
    (note,) = [path for path in (settings.outbox / "kedrovy").iterdir() if path.suffix == ".txt"]
    said = note.read_text(encoding="utf-8-sig")
    if month is None:
        assert stated(engine) == []
        assert [each.verdict for each in outcomes] == ["refused"]
        assert "Не понятно, за какой месяц" in said
    else:
        assert stated(engine) == [("meetings", "kedrovy", None, month, True)]
        assert f"Форма: «Собрания», за {span_words('month', month)}." in said


def test_an_officer_states_a_month_and_a_year(settings: Settings, engine: sa.Engine) -> None:
    upgrade(engine, ALL_FORMS)
    october = dt.datetime(2023, 10, 4, 12, tzinfo=ZONE)
    asked = OfficerStatement("kedrovy", "meetings", "Офицер", october, "Каникулы")
    assert state_nothing(engine, asked, settings).endswith("meetings, kedrovy, за сентябрь 2023")
    running = replace(asked, as_of=dt.date(2023, 10, 20))
    assert state_nothing(engine, running, settings).endswith("meetings, kedrovy, за октябрь 2023")
    year = OfficerStatement("regional_operator", "agreements", "Офицер", october, "Нет партнёров")
    assert state_nothing(engine, year, settings).endswith("agreements, regional_operator, за 2023/2024 учебный год")
    assert [row[3] for row in stated(engine)] == [dt.date(2023, 9, 1), dt.date(2023, 10, 1), dt.date(2023, 9, 1)]
    assert take_back(engine, running, settings).endswith("за октябрь 2023")
    with pytest.raises(UsageError, match="не должен присылать meetings на 2023-08-15"):
        state_nothing(engine, replace(asked, as_of=dt.date(2023, 8, 15)), settings)
