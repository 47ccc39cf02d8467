"""`profmin region …`, and a region of one's own from its folder to its marts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from packs import edit, renamed, write_pack

from contracts.regions import read_from, regions
from contracts.regions.pack import region_in
from contracts.regions.shipped_packs import offered
from contracts.versions.pack_faults import wrong_pack
from flows.cli.region_commands import take_shipped
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.service.synced import definitions, of_regions

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[Path]:
    renamed(write_pack(tmp_path / "packs" / "39-amber", code="39", name="Край", time_zone="Europe/Kaliningrad"), "a_")
    yield tmp_path / "packs"
    read_from(None)


def test_the_shipped_region_is_listed(profmin: Run) -> None:
    done = profmin("region", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("69  Томская область, Asia/Tomsk: единиц 21, отправителей 23\n")
    assert profmin("region", "check", "69").returncode == 0


def test_regions_of_ones_own_are_listed_in_their_place(profmin: Run, packs: Path) -> None:
    done = profmin("region", "list", "--json", PROFMIN_REGIONS=str(packs))
    (told,) = json.loads(done.stdout)
    assert (told["code"], told["time_zone"], told["units"]) == ("39", "Europe/Kaliningrad", 21)
    done = profmin("template", "readiness_report", "--sender", "asinovsky", PROFMIN_REGIONS=str(packs))
    assert done.returncode == 2 and "asinovsky" in done.stderr, "senders of Tomsk are nobody here"


def test_shipped_packs_are_right_and_share_no_code() -> None:
    taken = sorted(set(offered().values()), key=lambda path: path.name)
    assert [path.name for path in taken] == ["27-kaliningrad", "67-sevastopol", "69-tomsk"]
    for path in taken:
        assert wrong_pack(path, [region_in(other) for other in taken if other != path]) == []
        units = [line for line in region_in(path).lines("reporting_units") if line["kind"] == "municipality"]
        assert all(line["oktmo"].startswith(region_in(path).code) for line in units)
        assert {control_digit(line["oktmo"]) - int(line["control_digit"]) for line in units} == {0}


def control_digit(oktmo: str) -> int:
    """The control digit of an ОКТМО, by the rules of the country's classifiers (ПР 50.1.024): weights 1 to 8, else from
    3 on."""
    for first in (1, 3):
        if (rest := sum((first + place) * int(digit) for place, digit in enumerate(oktmo)) % 11) < 10:
            return rest
    return 0


def test_a_newcomer_takes_a_pack_and_has_books_for_all_its_senders(profmin: Run, tmp_path: Path) -> None:
    own = {"PROFMIN_REGIONS": str(tmp_path / "regions"), "PROFMIN_HOME": str(tmp_path / "home")}
    done = profmin("region", "add", "27")
    assert done.returncode == 2 and "PROFMIN_REGIONS" in done.stderr
    done = profmin("region", "add", "77", **own)
    assert done.returncode == 2 and "27-kaliningrad, 67-sevastopol, 69-tomsk" in done.stderr
    for pack in ("27", "67-sevastopol"):
        assert profmin("region", "add", pack, **own).returncode == 0
    assert profmin("region", "add", "27", **own).returncode == 2, "it is there already"
    done = profmin("region", "list", **own)
    assert done.stdout.startswith("27  Калининградская область, Europe/Kaliningrad: единиц 23, отправителей 25\n")
    asked = ("region", "template", "27", "readiness_report", "--as-of", "2027-09-01")
    done = profmin(*asked, **own)
    assert done.returncode == 0 and "сделано 23 из 23" in done.stdout
    (book,) = (tmp_path / "home" / "outbox" / "kgd_gusevsky").iterdir()
    assert book.name.endswith("Гусевский городской округ.xlsx")
    assert "сделано 0 из 23" in profmin(*asked, **own).stdout, "what lies there may be filled in"


def test_a_region_in_ten_minutes_as_it_is_written(tmp_path: Path) -> None:
    """The commands of docs/new-region.md up to the books, in a home that has never seen profmin.

    Slow: six commands, one of which writes a book for each sender.
    """
    blocks = re.findall(
        r"^```\n(.*?)^```", (ROOT / "docs" / "new-region.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    script = "set -e\n" + "".join(block for block in blocks if "profmin up" not in block)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    known = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env={**known, "PATH": path, "HOME": str(tmp_path)}, capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "всё верно" in done.stdout and "сделано 23 из 23" in done.stdout
    assert len(list((tmp_path / ".profmin" / "outbox").glob("*/*.xlsx"))) == 23


def test_a_pack_whose_codes_are_taken_is_not_added(profmin: Run, packs: Path, tmp_path: Path) -> None:
    other = write_pack(tmp_path / "40-other", code="40")
    renamed(other, "a_")
    done = profmin("region", "add", other, PROFMIN_REGIONS=str(packs))
    assert done.returncode == 4 and "уже занят пакетом 39-amber" in done.stdout
    assert not (packs / "40-other").exists()


def test_a_pack_that_is_wrong_is_said_so_in_russian(profmin: Run, packs: Path) -> None:
    pack = packs / "39-amber"
    edit(pack, "campaigns", lambda lines: lines[0].update(deadline="2023-07-01"))
    done = profmin("region", "check", pack)
    assert done.returncode == 4
    assert "campaigns.csv, строка 2: кампания «a_readiness-2023» кончается 2023-07-01" in done.stdout
    (pack / "deck.pptx").write_bytes(b"no")
    done = profmin("region", "check", pack)
    assert "deck.pptx: это не презентация .pptx" in done.stdout
    done = profmin("region", "version", pack, "2023", "--from", "0001-01-01", "--what", "Первая версия.")
    assert done.returncode == 4 and not (pack / "versions.csv").exists()


def test_a_code_of_a_region_in_force_is_taken(profmin: Run, packs: Path) -> None:
    other = write_pack(packs / "40-other", code="40")
    renamed(other, "a_")
    done = profmin("region", "check", other, PROFMIN_REGIONS=str(packs))
    assert done.returncode == 4
    assert "reporting_unit «a_asinovsky» уже занят пакетом 39-amber (Край)" in done.stdout
    done = profmin("region", "list", PROFMIN_REGIONS=str(packs))
    assert done.returncode == 2 and "PROFMIN_REGIONS: " in done.stderr and "уже занят" in done.stderr


def test_a_version_is_listed_outside_of_the_code(profmin: Run, packs: Path) -> None:
    pack = packs / "39-amber"
    assert "версия не записана" in profmin("region", "check", pack).stdout
    done = profmin("region", "version", pack, "2023", "--from", "0001-01-01", "--what", "Первая версия.")
    assert (done.returncode, "campaigns: версия 2023, судит с 0001-01-01" in done.stdout) == (0, True), done.stderr
    assert profmin("region", "check", pack).returncode == 0
    edit(pack, "campaigns", lambda lines: lines[0].update(deadline="2023-09-15"))
    done = profmin("region", "check", pack)
    assert "изменено без записи: a_readiness-2023: deadline 2023-09-11 → 2023-09-15" in done.stdout
    for arguments, code, said in (
        (("--only", "campaign"), 2, "campaign"),
        (("--only", "campaigns"), 0, "campaigns: версия 2023-09-11, судит с 2023-09-11"),
        ((), 0, "Ничего не изменено."),
    ):
        what = ("--from", "2023-09-11", "--what", "Срок перенесён.")
        done = profmin("region", "version", pack, "2023-09-11", *what, *arguments)
        assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr
    assert profmin("region", "check", pack).returncode == 0


def test_a_wrong_pack_does_not_come_into_the_warehouse(packs: Path, database_url: str, tmp_path: Path) -> None:
    edit(packs / "39-amber", "band_rules", lambda lines: lines.pop(1))
    settings = Settings(home=tmp_path / "home", database_url=database_url, regions=packs)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"1 faults in 39-amber, the first: .*нет amber"), warehouse(settings):
        pass


def test_a_warehouse_takes_several_regions(packs: Path, database_url: str, tmp_path: Path) -> None:
    write_pack(packs / "69-tomsk")
    settings = Settings(home=tmp_path / "home", database_url=database_url, regions=packs)  # type: ignore[arg-type]
    with warehouse(settings) as engine, engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    assert [region.code for region in regions()] == ["39", "69"]


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_a_folder_without_packs_is_told(profmin: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    done = profmin("status", PROFMIN_REGIONS=str(tmp_path / (folder or "empty")))
    assert done.returncode == 2 and "PROFMIN_REGIONS: " in done.stderr


def test_who_only_asks_what_runs_takes_no_packs(profmin: Run, tmp_path: Path) -> None:
    done = profmin("up", "--status", "--regions", "3", PROFMIN_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stderr) == (2, "profmin: --regions does not go with --status\n")
    assert not (tmp_path / "home" / "regions").exists()


def test_shipped_packs_are_taken_to_try_several_regions_in_one_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a night of its own at half past two by its own clock. What is there stays, and packs of one's own are
    let be."""
    monkeypatch.setenv("PROFMIN_REGIONS", "")  # so that what is said of it is taken back
    monkeypatch.delenv("PROFMIN_REGIONS")
    monkeypatch.setenv("PROFMIN_HOME", str(tmp_path / "home"))
    take_shipped(2)
    taken = tmp_path / "home" / "regions"
    assert {path.name for path in taken.iterdir()} == {"27-kaliningrad", "69-tomsk"}
    edit(taken / "27-kaliningrad", "campaigns", lambda lines: [line.update(deadline="2027-09-30") for line in lines])
    take_shipped(3)
    assert "2027-09-30" in (taken / "27-kaliningrad" / "campaigns.csv").read_text(encoding="utf-8")
    read_from(Settings().regions)
    try:
        assert [region.code for region in regions()] == ["27", "67", "69"]
        nights = {
            each["name"]: each["schedules"][0]["timezone"]
            for each in of_regions(definitions("prefect.yaml")["deployments"], regions())
            if each["name"].startswith("nightly")
        }
    finally:
        read_from(None)
    assert nights == {
        "nightly-27": "Europe/Kaliningrad", "nightly-67": "Europe/Moscow", "nightly-69": "Asia/Tomsk",
    }  # fmt: skip
    with pytest.raises(UsageError, match="3 packs are shipped"):
        take_shipped(4)
    (taken / "99-own").mkdir()
    with pytest.raises(UsageError, match="has packs of its own \\(99-own\\)"):
        take_shipped(1)
