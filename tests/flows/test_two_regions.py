"""Two regions in one warehouse, of different clocks, sizes, bands and deadlines, with names that recur: what one has,
does or suffers is what it would have had alone, and never touches the other.

The oracle is each region alone in a warehouse of its own that lived the same days.
Slow: three homes take in two days of 81 units.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa
from lived_regions import (
    DAY,
    EVE,
    KEPT,
    MORNING,
    OF_A_DAY,
    SCHOOL,
    SILENT,
    TOLD,
    Home,
    another,
    everything,
    lived,
    published,
    receipts,
    told,
    truth,
    wrong,
)
from packs import RECURRING, edit, write_regions

from contracts.regions import read_from, region_in, region_named
from contracts.versions.inputs import add, ledger_of
from documents.demo import deliveries, eve, put
from flows.backfills.steps import apply_backfill, plan, requested, revert_backfill
from flows.home.connection import warehouse
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.messages.after_run import tell_of_incidents
from flows.messages.delivering import deliver
from flows.outbox.templates import write_template
from flows.runs.ingest import ingest
from warehouse.backfill.requests import Refused
from warehouse.incidents.handling import incidents
from warehouse.marts.definitions import marts

CODES = ("39", "69")
OTHER = {"39": "69", "69": "39"}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def together(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Both regions in one home."""
    folder = tmp_path_factory.mktemp("together")
    with lived(databases, folder, write_regions(folder / "packs"), CODES) as home:
        yield home


@pytest.fixture(scope="module")
def alone(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Home]]:
    """Each in a home of its own, with its pack alone."""
    folder = tmp_path_factory.mktemp("alone")
    for pack in write_regions(folder / "both").iterdir():
        shutil.copytree(pack, folder / pack.name[:2] / "packs" / pack.name)
    with (
        lived(databases, folder / "39", folder / "39" / "packs", ("39",)) as amber,
        lived(databases, folder / "69", folder / "69" / "packs", ("69",)) as tomsk,
    ):
        yield {"39": amber, "69": tomsk}


@pytest.fixture
def home(together: Home, databases: Any, tmp_path: Path) -> Iterator[Home]:
    """A copy of both, to be changed, with packs of its own."""
    packs = tmp_path / "packs"
    shutil.copytree(together.packs, packs)
    settings = together.settings.model_copy(update={"regions": packs})
    with another(databases, Home(settings, packs, together.engine), tmp_path) as made:
        yield made


def of(homes: Mapping[str, Home], code: str, look: Callable[..., Any], *rest: object) -> Any:
    with homes[code] as own:
        return look(own, *rest)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", [each.name for each in marts()])
def test_marts_are_those_of_the_region_alone(name: str, code: str, together: Home, alone: Mapping[str, Home]) -> None:
    for day in (EVE, DAY):
        with together as home:
            both = published(home, name, day, code)
        own = of(alone, code, published, name, day, code)
        assert (both.columns, both.height) == (own.columns, own.height)
        differ = [column for column in own.columns if not both[column].equals(own[column], null_equal=True)]
        assert not differ, (day, {column: (both[column].to_list()[:3], own[column].to_list()[:3]) for column in differ})


@pytest.mark.parametrize("code", CODES)
def test_figures_are_those_of_the_files(code: str, together: Home) -> None:
    """Told by the truth of which the files were made, not by another warehouse."""
    with together as home:
        region = truth(code)
        (row,) = published(home, "readiness_region", DAY, code).to_dicts()
        units = published(home, "readiness_by_municipality", DAY, code)
    sent = region.schools.filter(pl.col("subordination") != SILENT[code])
    counts = dict(sent["status"].value_counts().iter_rows())
    assert row["schools"] == region.schools.height
    assert (row["accepted"], row["rejected"]) == (counts["accepted"], counts["rejected"])
    assert (
        set(units["reporting_unit"]) == set(region.units["reporting_unit"])
        and units.height == {"39": 60, "69": 21}[code]
    )


@pytest.mark.parametrize("code", CODES)
def test_incidents_messages_and_receipts_are_those_of_the_region_alone(
    code: str, together: Home, alone: Mapping[str, Home]
) -> None:
    with together as home:
        both = wrong(home, code), told(home, code), receipts(home, code)
    own = of(alone, code, wrong, code), of(alone, code, told, code), of(alone, code, receipts, code)
    assert both[0] == own[0] and len(own[0]) > 5
    assert both[1] == own[1] and len(own[1]) > 5
    assert both[2].keys() == own[2].keys() and len(own[2]) > {"39": 60, "69": 20}[code]
    assert [path for path in own[2] if both[2][path] != own[2][path]] == []


def test_deadlines_bands_and_hours_are_each_regions_own(together: Home) -> None:
    """«readiness-2023» ends on the 11th in one and on the 13th in the other, where the 12th is a day off."""
    with together as home:
        reminders = {code: told(home, code, "reminder") for code in CODES}
        bands = {code: published(home, "readiness_by_municipality", DAY, code) for code in CODES}
        late = {code: [line for line in told(home, code) if line[3] == "incident"] for code in CODES}
    readiness = {code: [line for line in lines if "13.09.2023" in str(line[5]) or "11.09.2023" in str(line[5])]
                 for code, lines in reminders.items()}  # fmt: skip
    assert {line[7] for line in readiness["39"]} == {MORNING - OF_A_DAY}, "three working days before"
    assert {line[7] for line in readiness["69"]} == {MORNING}, "one working day before"
    assert all("13.09.2023" in str(line[5]) for line in readiness["39"])
    assert all("11.09.2023" in str(line[5]) for line in readiness["69"])
    bounds = {"39": (0.90, 0.60), "69": (0.80, 0.51)}
    for code, frame in bands.items():
        green, amber = bounds[code]
        for rate, band in frame.select("accepted_rate", "band").drop_nulls().iter_rows():
            assert band == ("green" if rate >= green else "amber" if rate >= amber else "red"), (code, rate)
        assert set(frame["band_rule_version"]) == {"2023-a" if code == "39" else "2023"}
    assert late["39"] and late["69"]


@pytest.mark.parametrize("code", CODES)
def test_who_is_reminded_follows_from_what_was_sent(code: str, together: Home) -> None:
    """Of a unit that had sent nothing by then, or whose schools are not all accepted; silent is who said so later."""
    with together as home:
        region = truth(code)
        asked = {line[4] for line in told(home, code, "reminder") if "отовност" in str(line[5])}
    units = region.units["reporting_unit"].to_list()
    unsound = set(region.schools.filter(pl.col("status") != "accepted")["subordination"])
    if code == "39":  # on the evening half of them had sent
        sent = {unit for turn, unit in enumerate(units) if turn % 2 == 1} | {eve.corrected(region)}
        sent &= set(region.readiness["reporting_unit"])
        assert asked == {unit for unit in units if unit not in sent or unit in unsound | {eve.corrected(region)}}
    else:
        assert asked == unsound - {SILENT[code]}


def test_names_that_recur_are_of_their_region(together: Home) -> None:
    with together as home:
        schools = {code: published(home, "readiness_by_school", DAY, code) for code in CODES}
        units = published(home, "readiness_by_municipality", DAY, "39")
        tomsk = published(home, "readiness_by_municipality", DAY, "69")
    for code in CODES:
        named = schools[code].filter(school_name=SCHOOL)
        assert named["reporting_unit"].to_list() == [KEPT[code]]
        assert schools[code]["school_code"].str.starts_with("39").all() == (code == "39")
    assert set(RECURRING) <= set(units["reporting_unit_name"]) and not set(RECURRING) & set(
        tomsk["reporting_unit_name"]
    )


def test_nothing_to_report_is_of_one_unit(together: Home) -> None:
    with together as home:
        health = {code: published(home, "delivery_health", DAY, code) for code in CODES}
    for code, frame in health.items():
        silent = frame.filter(status="nothing_to_report")
        assert silent.select("form", "sender").rows() == [("readiness_report", SILENT[code])]


def test_a_template_has_the_units_and_schools_of_its_region(together: Home, tmp_path: Path) -> None:
    with together as home:
        for code, units in (("39", 60), ("69", 21)):
            path = write_template(
                home.settings, "registration_plan", region=code, as_of=DAY, to=tmp_path / f"{code}.xlsx"
            )
            texts = [
                cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True) for cell in row
            ]
            names = {line["name"] for line in region_named(code).lines("reporting_units")}
            assert len(names & set(texts)) == units
            path = write_template(home.settings, "readiness_report", KEPT[code], DAY, to=tmp_path / f"{code}-r.xlsx")
            texts = [
                cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True) for cell in row
            ]
            own = truth(code).schools.filter(subordination=KEPT[code])["short_name"].to_list()
            assert set(own) <= set(texts) and SCHOOL in texts
        with pytest.raises(UsageError, match=r"39 \(Янтарный край\), 69 \(Томская область\)"):
            write_template(home.settings, "registration_plan", as_of=DAY, to=tmp_path / "of_nobody.xlsx")


def test_a_backfill_of_one_region_touches_nothing_of_the_other(
    home: Home, alone: Mapping[str, Home], databases: Any, tmp_path: Path
) -> None:
    before = everything(home, "69")
    bands = published(home, "readiness_by_municipality", DAY, "39")
    with pytest.raises(Refused, match="several regions are in force"):
        requested([], [], EVE, DAY, "Чьи?")
    with pytest.raises(Refused, match="of one region, and these senders are of"):
        requested([], ["a_u01", "asinovsky"], EVE, DAY, "Чьи?")
    softer(home.packs / "39-amber")
    known(home, home.packs)
    backfill = plan(
        home.engine, home.settings, requested([], [], EVE, DAY, "Новые полосы", inputs=["band_rules"], region="39")
    )
    apply_backfill(home.engine, home.settings, backfill)
    assert everything(home, "69") == before
    changed = published(home, "readiness_by_municipality", DAY, "39")
    with another(databases, alone["39"], tmp_path / "own") as own:
        shutil.copytree(own.packs, tmp_path / "own" / "packs")
        softer(tmp_path / "own" / "packs" / "39-amber")
        settings = known(own, tmp_path / "own" / "packs")
        request = requested([], [], EVE, DAY, "Новые полосы", inputs=["band_rules"])
        apply_backfill(own.engine, settings, plan(own.engine, settings, request))
        expected = published(own, "readiness_by_municipality", DAY, "39")
    assert changed.equals(expected, null_equal=True) and set(changed["band_rule_version"]) == {"2023-b"}
    known(home, home.packs)
    revert_backfill(home.engine, home.settings, backfill)
    assert everything(home, "69") == before
    assert published(home, "readiness_by_municipality", DAY, "39").equals(bands, null_equal=True)
    assert set(bands["band_rule_version"]) == {"2023-a"}


def known(home: Home, packs: Path) -> Settings:
    """Let a home know what these packs now say."""
    settings = home.settings.model_copy(update={"regions": packs})
    read_from(None)
    read_from(packs)
    with warehouse(settings):
        return settings


def softer(pack: Path) -> None:
    """Other bands for a region from September on."""
    same = {"band_rule_version": "2023-b", "valid_from": "2023-09-01", "why": "опыт"}
    bounds = {"green": "0.50", "amber": "0.30", "red": "0"}
    lines = [{**same, "band": band, "lower_bound": bound} for band, bound in bounds.items()]
    edit(pack, "band_rules", lambda there: there.extend(lines))
    add("2023-09", dt.date(2023, 9, 1), "Мягче.", ["band_rules"], [ledger_of(region_in(pack))])


def test_a_failure_of_one_region_is_its_own(home: Home) -> None:
    """The database refuses what one of them publishes: the other is published, and only the first one's run failed."""
    refuse = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.region = '69' THEN RAISE EXCEPTION 'no more'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON ops.publication FOR EACH ROW EXECUTE FUNCTION refuse();
    """
    with home.engine.begin() as connection:
        connection.exec_driver_sql(refuse)
    before = everything(home, "69")
    next_day = DAY + OF_A_DAY
    for code in CODES:
        later = replace(truth(code), as_of=next_day)
        put([file for file in deliveries(later) if file[0] == KEPT[code]], home.settings.inbox)
    with pytest.raises(Fault, match=r"^taking in files of 69: ") as raised:
        ingest([], Options(), home.settings)
    assert "39" not in str(raised.value)
    assert published(home, "readiness_region", next_day, "39").height == 1
    assert published(home, "readiness_region", next_day, "69").is_empty()
    with home.engine.connect() as connection:
        ended = "SELECT region, state FROM ops.run ORDER BY run_id DESC LIMIT 2"
        assert sorted(connection.execute(sa.text(ended)).tuples()) == [
            ("39", "completed with findings"),
            ("69", "failed"),
        ]
    after = everything(home, "69")
    assert {table for table in before if table.startswith("history") and before[table] != after[table]} == set()
    for code in CODES:
        tell_of_incidents(home.engine, home.settings, region_named(code), dt.datetime.now(dt.UTC))
    assert [line[0] for line in wrong(home, "69") if line[0] == "run_failed"] == ["run_failed"]
    assert [line[0] for line in wrong(home, "39") if line[0] == "run_failed"] == []
    assert not [line for line in wrong(home, None) if line[0] == "run_failed"]


def test_a_wrong_routing_of_one_region_holds_up_no_message_of_the_other(home: Home) -> None:
    table = "recipient,audience,sender,classes,level,channel,address,when,quiet_from,quiet_to,days\n"
    (home.packs / "39-amber" / "routing.csv").write_text(
        f"{table}Методист,officer,,data,1,pigeon,,,,,\n", encoding="utf-8"
    )
    (home.packs / "39-amber" / "contacts.csv").write_text("nothing\n", encoding="utf-8")
    known(home, home.packs)  # of which neither is a reason to stop
    later = TOLD + dt.timedelta(days=3)
    waiting = sa.text("SELECT count(*) FROM ops.message WHERE outcome = 'waiting' AND sender LIKE 'a\\_%'")
    with home.engine.connect() as connection:
        assert connection.scalar(waiting)
    assert deliver(home.engine, home.settings, later).sent > 5
    with home.engine.connect() as connection:
        assert connection.scalar(waiting), "reminders that are over are cancelled, nothing is sent"
        sent = "SELECT DISTINCT s.region FROM ops.message m JOIN ref.sender s USING (sender) WHERE m.outcome = 'sent'"
        assert connection.scalars(sa.text(sent)).all() == ["69"]
    assert not (home.settings.messages / "officer-39").exists()
    assert list((home.settings.messages / "officer-69").iterdir())


def test_a_digest_is_of_one_region(home: Home) -> None:
    """An officer of one name in both, with an address in each."""
    for code, pack in (("39", "39-amber"), ("69", "69-tomsk")):
        (home.packs / pack / "routing.csv").write_text(
            "recipient,audience,sender,classes,level,channel,address,when,quiet_from,quiet_to,days\n"
            f"мониторинг,officer,,data;lateness,1,file,desk-{code},digest 08:30,,,\n", encoding="utf-8",
        )  # fmt: skip
    read_from(None)
    read_from(home.packs)
    with home.engine.begin() as connection:
        connection.execute(sa.text("UPDATE ops.message SET is_digest = true WHERE recipient = 'мониторинг'"))
    deliver(home.engine, home.settings, TOLD + dt.timedelta(days=3))
    names = {code: {line["name"] for line in region_named(code).lines("senders")} for code in CODES}
    for code in CODES:
        text = "\n".join(
            path.read_text(encoding="utf-8", errors="replace")
            for path in (home.settings.messages / f"desk-{code}").rglob("*")
            if path.is_file()
        )
        assert any(name in text for name in names[code] - names[OTHER[code]])
        assert not any(name in text for name in names[OTHER[code]] - names[code])


@pytest.mark.parametrize(
    ("command", "code"),
    [(("template", "registration_plan", "--to", "x.xlsx"), 2), (("demo", "--files-only", "files"), 2),
     (("status", "--region", "77"), 2), (("freshness", "--region", "Томск"), 2)],
)  # fmt: skip
def test_a_command_that_needs_a_region_lists_them(
    command: tuple[str, ...], code: int, together: Home, profmin: Run
) -> None:
    done = profmin(*command, settings=together.settings)
    assert (done.returncode, done.stdout) == (code, "")
    assert "39 (Янтарный край), 69 (Томская область)" in done.stderr


def test_commands_speak_of_each_region_or_of_one(together: Home, profmin: Run, tmp_path: Path) -> None:
    def said(*command: object) -> str:
        done = profmin(*command, settings=together.settings)
        assert done.returncode in (0, 1), done.stderr
        return str(done.stdout)

    whole, own = json.loads(said("status", "--json")), json.loads(said("status", "--json", "--region", "39"))
    assert [each["region"] for each in whole["regions"]] == ["39", "69"]
    assert [each["region"] for each in own["regions"]] == ["39"] and own["regions"][0] == whole["regions"][0]
    screen = said("status")
    assert screen.index("Янтарный край") < screen.index("Томская область")
    assert "Янтарный край" not in said("status", "--region", "69")

    day = ("--as-of", DAY, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(said("mart", "readiness_by_municipality", *day))))
    assert [each["region"] for each in rows] == ["39"] * 60 + ["69"] * 21
    rows = list(csv.DictReader(io.StringIO(said("mart", "readiness_by_municipality", *day, "--region", "69"))))
    assert {each["region"] for each in rows} == {"69"} and len(rows) == 21

    fresh = said("freshness")
    assert "39: " in fresh and "69: " in fresh and "39: " not in said("freshness", "--region", "69")
    assert "a_u" not in said("incidents", "--region", "69", "--json") and "a_u" in said("incidents", "--json")
    assert "Дюнный" not in said("messages", "--region", "69") and "Дюнный" in said("messages", "--region", "39")
    assert "Дюнный" in said("routing") and "Дюнный" not in said("routing", "--region", "69")
    said("template", "registration_plan", "--region", "39", "--as-of", DAY, "--to", tmp_path / "plan.xlsx")
    assert (tmp_path / "plan.xlsx").exists()
    said("demo", "--region", "39", "--files-only", tmp_path / "files")
    senders = {line["sender"] for line in region_in(together.packs / "39-amber").lines("senders")}
    assert {path.name for path in (tmp_path / "files").iterdir()} <= senders


def test_whom_to_call_stands_where_an_officer_looks(together: Home, profmin: Run) -> None:
    contact = "методист, +7 (000) 000-39-21, a_u21@amber.invalid"
    with together as home, home.engine.connect() as connection:
        (number,) = [each.incident_id for each in incidents(connection) if each.sender == "a_u21"]
        letters = [line for line in told(home, "39", "incident") if line[4] == "a_u21"]
    assert {line[0]: contact in str(line[6]) for line in letters} == {
        "мониторинг": True,
        "Сосновый городской округ": False,  # who sends knows it
    }
    assert contact in " ".join(profmin("incidents", "show", number, settings=together.settings).stdout.split())
    health = ("mart", "delivery_health", "--as-of", EVE, "--region", "39")
    asked = {how: profmin(*health, "--format", how, settings=together.settings).stdout for how in ("table", "csv")}
    assert "Кому звонить" in asked["table"] and "+7 (000) 000-39-" in asked["table"]
    assert "whom_to_call" not in asked["csv"], "a table for programs is the mart as it is"
