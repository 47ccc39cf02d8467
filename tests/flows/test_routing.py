"""Who is told what and when, out of a table."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from packs import write_regions

from contracts.regions import read_from, region_named
from contracts.regions.route import COLUMNS, Route
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.messages.routing import not_before, read, recipients, resolved, routes, source

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TOMSK = ZoneInfo("Asia/Tomsk")
EXAMPLE = Path(__file__).parents[2] / "deployments" / "routing.example.csv"


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (",sender,,data,1,file,,,,,", "recipient is ''"),
        ("A,boss,,data,1,file,,,,,", "audience is 'boss'; expected sender, officer, engineer"),
        ("A,sender,atlantis,data,1,file,,,,,", "one of aleksandrovsky"),
        ("A,sender,,data;gossip,1,file,,,,,", "expected nothing (all of them), or some of data;lateness;own"),
        ("A,sender,,data,0,file,,,,,", "level is '0'"),
        ("A,sender,,data,1,pigeon,,,,,", "expected email, telegram, webhook, file"),
        ("A,sender,,data,1,email,a@example.org b@example.org,,,,", "expected one e-mail address"),
        ("A,sender,,data,1,telegram,12345:abc/-100,,,,", "secrets are not written here"),
        ("A,sender,,data,1,telegram,${TOKEN},,,,", "TOKEN/CHAT"),
        ("A,sender,,data,1,webhook,example.org,,,,", "expected a URL"),
        ("A,sender,,data,1,file,../../etc,,,,", "a folder below home/messages"),
        ("A,sender,,data,1,file,,daily,,,", "such as: digest 08:30"),
        ("A,sender,,data,1,file,,digest 25:00,,,", "such as: digest 08:30"),
        ("A,sender,,data,1,file,,digest 22:00,21:00,07:00,", "a digest outside of the quiet hours"),
        ("A,sender,,data,1,file,,,21:00,,", "both quiet_from and quiet_to"),
        ("A,sender,,data,1,file,,,nine,07:00,", "quiet_from is 'nine'; expected a local time"),
        ("A,sender,,data,1,file,,,,,weekend", "expected any (or nothing), or working"),
        ("A,sender,,data,1,file", "11 values are expected"),
        ("A,sender,,data,1,file,,,,,,,more", "11 values are expected"),
    ],
)
def test_a_wrong_line_is_told_with_its_place(line: str, said: str, tmp_path: Path) -> None:
    path = table(tmp_path / "routing.csv", "B,engineer,,own,1,file,,,,,", line)
    with pytest.raises(UsageError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}:3: ") and said in str(error.value)


def test_a_recipient_has_one_address_a_channel(tmp_path: Path) -> None:
    path = table(
        tmp_path / "routing.csv",
        "A,officer,,data,1,email,a@example.org,,,,",
        "A,officer,,data,2,email,b@example.org,,,,",
    )
    with pytest.raises(UsageError, match=r"routing\.csv:3: A has another address for email than in line 2"):
        read(path)


@pytest.mark.parametrize("content", ["", "who,what\n", "\ufeff" + ",".join(COLUMNS) + "\n", "\xff"])
def test_a_file_that_is_no_table_is_wrong_usage(content: str, tmp_path: Path) -> None:
    path = tmp_path / "routing.csv"
    path.write_bytes(content.encode("latin-1") if content == "\xff" else content.encode())
    with pytest.raises(UsageError, match=r"routing\.csv"):
        read(path)


def test_the_example_is_right_and_has_no_secret() -> None:
    found = read(EXAMPLE)
    assert {each.audience for each in found} == {"sender", "officer", "engineer"}
    assert {each.channel for each in found} == {"email", "telegram", "webhook", "file"}
    assert {each.address.rpartition("@")[2] for each in found if each.channel == "email"} == {"example.org"}


def test_lines_of_a_sender_replace_those_for_all() -> None:
    found = read(EXAMPLE)

    def names(sender: str | None, level: int = 1) -> list[str]:
        return [each.recipient for each in recipients(found, "data", "sender", sender, level)]

    assert names("asinovsky") == ["Асиновское управление образования"]
    assert names("asinovsky", 2) == ["Асиновское управление: руководитель"]
    assert names("seversk") == names(None) == ["Прочие отправители"]
    assert recipients(found, "own", "officer", None, 1) == []


def test_without_a_table_everything_is_a_file(settings: Settings) -> None:
    found = routes(settings, region_named("69"))
    assert {each.channel for each in found} == {"file"}
    assert [each.recipient for each in recipients(found, "data", "sender", "asinovsky", 1)] == [
        "Асиновский муниципальный район"
    ]
    assert recipients(found, "data", "officer", "asinovsky", 1)
    assert recipients(found, "own", "engineer", None, 1)
    settings.routing = settings.home / "nowhere.csv"
    with pytest.raises(UsageError, match=r"nowhere\.csv"):
        routes(settings, region_named("69"))


def test_lines_of_a_pack_come_before_those_of_the_home(settings: Settings, tmp_path: Path) -> None:
    packs = write_regions(tmp_path / "packs")
    table(
        packs / "39-amber" / "routing.csv",
        "Методист,officer,,data;lateness,1,email,m@amber.invalid,digest 08:30,20:00,07:00,working",
        "Первый район,sender,a_u01,data,1,email,u01@amber.invalid,,,,",
    )
    table(
        settings.home / "routing.csv",
        "Специалист,officer,,data;lateness,1,email,s@example.org,,,,",
        "Асино,sender,asinovsky,data,1,email,a@example.org,,,,",
        "Дежурный,engineer,,own,1,file,duty,,,,",
    )
    read_from(packs)
    try:
        heard = {code: {each.recipient for each in routes(settings, region_named(code))} for code in ("39", "69")}
        assert heard == {"39": {"Методист", "Первый район", "Дежурный"}, "69": {"Специалист", "Асино", "Дежурный"}}
        assert {each.recipient for each in routes(settings, None)} == heard["39"] | heard["69"]
        assert source(settings, region_named("39")) == packs / "39-amber" / "routing.csv"
        assert source(settings, region_named("69")) == settings.home / "routing.csv"
        (settings.home / "routing.csv").unlink()
        folders = {each.address for each in routes(settings, None) if each.audience == "officer"}
        assert folders == {"m@amber.invalid", "officer-69"}
        with (packs / "39-amber" / "routing.csv").open("a", encoding="utf-8") as file:
            file.write("Чужой,sender,asinovsky,data,1,file,,,,,\n")
        with pytest.raises(UsageError, match=r"39-amber/routing\.csv:4: sender is 'asinovsky'"):
            routes(settings, region_named("39"))
        assert routes(settings, region_named("69")), "a wrong table of one region is none of another's"
    finally:
        read_from(None)


def working(day: dt.date) -> bool:
    return day.isoweekday() < 6 and day != dt.date(2023, 9, 11)


@pytest.mark.parametrize(
    ("when", "quiet", "days", "now", "wanted"),
    [
        (None, None, "any", "2023-09-08 23:59", "2023-09-08 23:59"),
        (None, "21:00-07:00", "any", "2023-09-08 22:00", "2023-09-09 07:00"),
        (None, "21:00-07:00", "any", "2023-09-08 03:00", "2023-09-08 07:00"),
        (None, "21:00-07:00", "any", "2023-09-08 07:00", "2023-09-08 07:00"),
        (None, "12:00-13:00", "any", "2023-09-08 12:30", "2023-09-08 13:00"),
        (None, "21:00-07:00", "working", "2023-09-08 22:00", "2023-09-12 07:00"),
        (None, None, "working", "2023-09-10 15:00", "2023-09-12 00:00"),
        ("08:30", None, "any", "2023-09-08 08:30", "2023-09-08 08:30"),
        ("08:30", None, "any", "2023-09-08 08:31", "2023-09-09 08:30"),
        ("08:30", "20:00-07:00", "working", "2023-09-08 21:00", "2023-09-12 08:30"),
        ("08:30", "20:00-07:00", "working", "2023-09-08 02:40", "2023-09-08 08:30"),
    ],
)
def test_nobody_is_told_at_night(when: str | None, quiet: str | None, days: str, now: str, wanted: str) -> None:
    begin, end = quiet.split("-") if quiet else (None, None)
    route = Route(
        "A", "officer", None, ("data",), 1, "file", "",
        digest=dt.time.fromisoformat(when) if when else None,
        quiet_from=dt.time.fromisoformat(begin) if begin else None,
        quiet_to=dt.time.fromisoformat(end) if end else None,
        days=days,  # type: ignore[arg-type]
    )  # fmt: skip
    asked = dt.datetime.fromisoformat(now).replace(tzinfo=TOMSK).astimezone(dt.UTC)
    assert not_before(route, asked, TOMSK, working) == dt.datetime.fromisoformat(wanted).replace(tzinfo=TOMSK)


def test_a_calendar_without_working_days_is_told() -> None:
    route = Route("A", "officer", None, ("data",), 1, "file", "", days="working")
    with pytest.raises(UsageError, match="is the calendar wrong"):
        not_before(route, dt.datetime(2023, 9, 8, tzinfo=dt.UTC), TOMSK, lambda _: False)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("12:zzz\n")
    monkeypatch.setenv("BOT", "34:yyy")
    assert resolved("${BOT}/7") == ("34:yyy/7", ("34:yyy",))
    assert resolved(f"${{file:{tmp_path / 'token'}}}/7") == ("12:zzz/7", ("12:zzz",))
    for address, said in (("${NOT_SET}/7", "not in the environment"), ("${file:/nowhere}/7", "no file with a secret")):
        with pytest.raises(UsageError, match=said):
            resolved(address)


def test_the_command_shows_and_complains(settings: Settings, profmin: Run) -> None:
    table(settings.home / "routing.csv", "Дежурный,engineer,,own,1,file,duty,digest 09:00,,,working")
    shown = profmin("routing", settings=settings)
    assert shown.returncode == 0 and "Дежурный" in shown.stdout and "сводкой в 09:00, в рабочие дни" in shown.stdout
    sent = profmin("routing", "--test", "Дежурный", settings=settings)
    assert sent.returncode == 0 and "Дежурный, file: отправлено" in sent.stdout
    (file,) = (settings.home / "messages" / "duty").iterdir()
    assert "Проверка связи" in file.read_text()
    nobody = profmin("routing", "--test", "Никто", settings=settings)
    assert nobody.returncode == 2 and "Дежурный" in nobody.stderr
    table(settings.home / "routing.csv", "Дежурный,engineer,,own,1,pigeon,,,,,")
    wrong = profmin("routing", settings=settings)
    assert wrong.returncode == 2 and "routing.csv, строка 2: channel «pigeon»" in wrong.stderr
