"""Names and birth dates of pupils go nowhere: planted ones are looked for in everything that profmin leaves.

Slow: each way to plant one is a workbook, four commands and a look into all that they left.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from evidence import BORN, NAME, TRACES, all_text, assert_nowhere, picked, planted
from post import unpacked

from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from warehouse.schema.upgrade import connect
from warehouse.server.embedded import embedded_server

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def region_files(region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the region; of its export the first three hundred rows, which hide a pupil as well as all."""
    folder = tmp_path_factory.mktemp("region")
    shutil.copytree(region_files, folder, dirs_exist_ok=True)
    (export,) = picked(folder, "regional_operator/Сводный").values()
    book = openpyxl.load_workbook(export)
    book.worksheets[0].delete_rows(300, book.worksheets[0].max_row)
    book.save(export)
    return folder


@pytest.mark.parametrize("damage", ["none", "cell", "heading", "no headings", "school", "beside", "sheet", "note"])
def test_planted_pupil_is_found_nowhere(
    damage: str, settings: Settings, region_files: Path, profmin: Run, tmp_path: Path
) -> None:
    assert settings.database_url is not None
    files = picked(region_files, "department/Реестр", "regional_operator/Сводный")
    export = planted(
        files["regional_operator/Сводный"], tmp_path / "mail" / "regional_operator" / "Выгрузка 2023-09-08.xlsx", damage
    )
    for command in ("check", "ingest"):
        for form in ([], ["--json"]):
            ran = profmin(
                "--debug", command, export, "--register", files["department/Реестр"], *form, settings=settings
            )
            assert ran.returncode in (0, 3, 4), ran.stderr
            assert_nowhere(ran.stdout + ran.stderr, f"what {command} prints")
    engine = connect(settings.database_url.get_secret_value())
    kept = all_text(engine)
    engine.dispose()
    assert "registration_export" in kept
    assert_nowhere(kept, "the database")
    for path in settings.home.rglob("*"):
        if path.is_file() and settings.archive not in path.parents:
            assert_nowhere(path.read_bytes().decode("utf-8", "replace"), str(path.relative_to(settings.home)))


def test_no_byte_of_the_server_names_a_pupil(region_files: Path, real_profmin: Run, tmp_path: Path) -> None:
    """Its tables, its log of changes and its own log, what commands leave of temporary files; a name that is written
    there is found, as long as nothing is compressed."""
    settings = Settings(home=tmp_path / "home", vouched_channels="inbox,ingest")
    settings.prepare()
    with embedded_server(settings.pgdata) as url:
        said(url, "ALTER SYSTEM SET wal_compression = off")
    files = picked(region_files, "department/Реестр", "regional_operator/Сводный")
    export = planted(
        files["regional_operator/Сводный"], tmp_path / "mail" / "regional_operator" / "Выгрузка 2023-09-08.xlsx", "cell"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ran = real_profmin("ingest", files["department/Реестр"], export, settings=settings, TMPDIR=str(temporary))
    assert ran.returncode == 3, ran.stderr
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
    assert naming(settings.home) == set()
    with embedded_server(settings.pgdata) as url:
        said(url, f"CREATE TABLE told AS SELECT '{NAME}' AS name")
    assert any("pg_wal" in path.parts for path in naming(settings.pgdata))


def said(url: str, statement: str) -> None:
    engine = connect(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def naming(folder: Path) -> set[Path]:
    """Files with a trace of the pupil in their bytes."""
    traces = [trace.encode() for trace in TRACES]
    return {
        path for path in folder.rglob("*") if path.is_file() and any(trace in path.read_bytes() for trace in traces)
    }


def test_the_name_of_an_export_is_not_told(settings: Settings, region_files: Path, tmp_path: Path) -> None:
    files = picked(region_files, "department/Реестр", "regional_operator/Сводный")
    original = files["regional_operator/Сводный"]
    for name, is_told in ((f"{NAME} 2023-09-08.xlsx", False), ("Выгрузка 2023-09-08.xlsx", True)):
        export = planted(original, tmp_path / "regional_operator" / name, "cell" if is_told else "none")
        *_, outcome = ingest([files["department/Реестр"], export], Options(), settings)
        assert outcome.form == "registration_export"
        (receipt,) = (settings.outbox / "regional_operator").glob(f"*.{outcome.sha256[:7]}.*")
        assert receipt.name.startswith("Выгрузка 2023-09-08") == is_told
    for receipt in (settings.outbox / "regional_operator").iterdir():
        assert_nowhere(receipt.name + unpacked(receipt.read_bytes()), "the receipts")


def test_a_failing_load_tells_no_names(
    settings: Settings,
    region_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import flows.intake.readings
    from flows.home.faults import LOGGER, log_to

    files = picked(region_files, "regional_operator/Сводный")
    export = planted(files["regional_operator/Сводный"], tmp_path / "regional_operator" / "Выгрузка.xlsx", "none")

    def wrong(deliveries: object, _context: object) -> object:
        raise ValueError(f"cannot parse {NAME} {BORN} in {deliveries}")

    monkeypatch.setattr(flows.intake.readings, "interpret", wrong)
    handlers = LOGGER.handlers[:]
    log_to(settings.log_file, "debug")
    try:
        (outcome,) = ingest([export], Options(), settings)
    finally:
        LOGGER.handlers[:] = handlers
    assert outcome.verdict is None
    shown = capsys.readouterr()
    assert_nowhere(shown.out + shown.err + str(outcome), "what is printed")
    assert_nowhere(settings.log_file.read_text(), "the log")
