"""A zip archive in the inbox is as many deliveries as it has files."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked

from flows.cli.grid_command import show_grids
from flows.home.archived import parts
from flows.home.keyring import keyring_of
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.dry_run import check
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome, exit_code
from flows.runs.ingest import ingest
from warehouse.schema.upgrade import connect

REGISTER = "department/Реестр"
CAME_IN = """
SELECT d.file_name, a.file_name, a.is_repeat FROM ops.arrival a JOIN ops.delivery d ON d.delivery_id = a.container_id
ORDER BY a.arrival_id
"""


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def rows(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    assert settings.database_url is not None
    engine = connect(settings.database_url.get_secret_value())
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(statement))]
    engine.dispose()
    return found


def told(outcomes: list[Outcome]) -> list[tuple[str, str | None, str | None, int]]:
    return [(each.file, each.sender, each.verdict, each.rows.loaded) for each in outcomes]


@pytest.fixture
def files(region_files: Path) -> dict[str, Path]:
    return picked(region_files, REGISTER, "asinovsky", "parabelsky")


@pytest.fixture
def trusting(settings: Settings) -> Settings:
    """Files at the top of the inbox may say themselves whose they are."""
    return settings.model_copy(update={"content_names_sender": True})


def test_each_file_of_an_archive_is_a_delivery(trusting: Settings, files: dict[str, Path]) -> None:
    settings = trusting
    register, first, second = files[REGISTER], files["asinovsky"], files["parabelsky"]
    shutil.copytree(register.parent, settings.inbox / "department")
    archive = zipped(
        settings.inbox / "сентябрь.zip",
        {
            f"отчёты/{first.name}": first.read_bytes(), second.name: second.read_bytes(), "письмо.pdf": b"%PDF-1.7",
            f"__MACOSX/._{first.name}": b"x", "отчёты/.DS_Store": b"x", f"~${second.name}": b"x",
        },
    )  # fmt: skip
    alone = {each.file: each for each in check([first, second], Options(register=register), settings)}
    outcomes = [each for each in ingest([settings.inbox], Options(), settings) if "/" in each.file]
    assert told(outcomes) == [
        (f"сентябрь.zip/отчёты/{first.name}", "asinovsky", "accepted", alone[first.name].rows.loaded),
        (f"сентябрь.zip/{second.name}", "parabelsky", "accepted", alone[second.name].rows.loaded),
        ("сентябрь.zip/письмо.pdf", None, "refused", 0),
    ]
    assert [each.sha256 for each in outcomes[:2]] == [alone[path.name].sha256 for path in (first, second)]
    keyring = keyring_of(settings)
    for name, data in ((hashlib.sha256(archive.read_bytes()).hexdigest(), archive), (outcomes[1].sha256, second)):
        assert b"".join(parts(settings.archive / name[:2] / name, keyring)) == data.read_bytes()
    assert sorted(rows(settings, CAME_IN)) == sorted(("сентябрь.zip", each.file, False) for each in outcomes)
    assert rows(settings, "SELECT count(*) FROM ops.arrival WHERE container_id IS NULL AND file_name ~ 'zip'") == [(1,)]


def test_the_same_archive_twice_changes_nothing(settings: Settings, files: dict[str, Path], tmp_path: Path) -> None:
    register, report = files[REGISTER], files["asinovsky"]
    archive = zipped(tmp_path / "a.zip", {report.name: report.read_bytes()})
    (first,) = ingest([archive], Options(register=register), settings)
    readings = rows(settings, "SELECT count(*) FROM ops.reading")
    (second,) = ingest([archive], Options(), settings)
    assert (first.verdict, first.is_repeat, second.is_repeat) == ("accepted", False, True)
    assert told([second]) == told([first]) and second.reading_id == first.reading_id
    (apart,) = ingest([report], Options(), settings)
    assert apart.is_repeat and apart.file == report.name
    assert rows(settings, "SELECT count(*) FROM ops.reading") == readings
    assert [row[2] for row in rows(settings, CAME_IN)] == [False, True]


def test_folder_and_name_of_the_archive_stand_for_its_files(trusting: Settings, files: dict[str, Path]) -> None:
    settings = trusting
    book = openpyxl.load_workbook(files["parabelsky"])
    sheet = book.worksheets[-1]
    heading = next(row[0].row for row in sheet.iter_rows() if sum(cell.value is not None for cell in row) > 10)
    sheet.delete_rows(1, heading - 1)  # the date and the sender stand above the table and in the name
    book.save(bare := io.BytesIO())
    inside = {"report.xlsx": bare.getvalue()}
    archive = zipped(settings.inbox / "parabelsky" / "отчёты за 08.09.2023.zip", inside)
    (outcome,) = check([archive], Options(register=files[REGISTER]), settings)
    assert (outcome.sender, str(outcome.as_of), outcome.folder) == ("parabelsky", "2023-09-08", "parabelsky")
    named = zipped(settings.inbox / "Асино 2023-09-07.zip", {"Парабель/report 2023-09-08.xlsx": bare.getvalue()})
    (outcome,) = check([named], Options(register=files[REGISTER]), settings)
    assert (outcome.sender, str(outcome.as_of), outcome.folder) == ("parabelsky", "2023-09-08", None)


def test_an_archive_that_is_not_unpacked_is_refused_as_it_is(trusting: Settings, tmp_path: Path) -> None:
    settings = trusting
    good = zipped(tmp_path / "good.zip", {"а.csv": b"x;y\n" * 100}).read_bytes()
    zipped(settings.inbox / "вложенный.zip", {"ещё.zip": good})
    zipped(settings.inbox / "много.zip", {f"{number}.csv": b"" for number in range(1001)})
    zipped(settings.inbox / "пустой.zip", {"__MACOSX/._a": b"x"})
    (settings.inbox / "оборванный.zip").write_bytes(good[:-30])
    (settings.inbox / "закрытый.zip").write_bytes(
        good.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")
    )
    outcomes = ingest([settings.inbox], Options(), settings)
    assert {each.file: [finding.rule for finding in each.findings] for each in outcomes} == {
        "вложенный.zip/ещё.zip": ["COM-004"], "много.zip": ["COM-005"], "пустой.zip": ["COM-004"],
        "оборванный.zip": ["COM-003"], "закрытый.zip": ["COM-002"],
    }  # fmt: skip
    assert {each.verdict for each in outcomes} == {"refused"} and exit_code(outcomes) == 4
    assert all(each.reading_id and each.delivery_id for each in outcomes)


def test_a_register_may_come_in_an_archive_alone(settings: Settings, files: dict[str, Path], tmp_path: Path) -> None:
    register = files[REGISTER]
    alone = zipped(tmp_path / "реестр.zip", {register.name: register.read_bytes()})
    (outcome,) = ingest([files["asinovsky"]], Options(register=alone), settings)
    assert outcome.verdict == "accepted"
    two = zipped(tmp_path / "два.zip", {register.name: register.read_bytes(), "ещё.csv": b"x"})
    with pytest.raises(UsageError, match="archive of 2 files"):
        ingest([files["asinovsky"]], Options(register=two), settings)


def test_a_dry_run_and_the_grid_open_archives_and_keep_nothing(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = files["asinovsky"]
    archive = zipped(tmp_path / "a.zip", {report.name: report.read_bytes(), "пусто.csv": b""})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    outcomes = check([archive], Options(register=files[REGISTER]), Settings(home=tmp_path / "absent"))
    assert [each.verdict for each in outcomes] == ["accepted", "refused"]
    show_grids([archive], Settings(home=tmp_path / "absent"), as_json=True)
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["file"], bool(each["sheets"])) for each in documents] == [
        (f"a.zip/{report.name}", True), ("a.zip/пусто.csv", False),
    ]  # fmt: skip
    assert sorted(tmp_path.rglob("*")) == before
