"""`profmin region …`, and a region of one's own from its folder to its marts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from packs import edit, renamed, write_pack

from contracts.regions import read_from, regions
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.home.usage import UsageError

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
