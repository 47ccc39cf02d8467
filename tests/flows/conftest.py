"""A home and a database for each test, the region's files, and one Prefect server for the session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import copied, take_in
from forks import Forks
from packs import write_regions
from pydantic import SecretStr

from contracts.regions import read_from
from documents.demo import tomsk, write_deliveries
from flows.home.settings import Settings
from flows.service.temporary_server import orchestrator
from warehouse.schema.upgrade import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def region_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the September 2023 region, a folder a sender; copy them, do not change them."""
    folder = tmp_path_factory.mktemp("region")
    write_deliveries(tomsk(), folder)
    return folder


@pytest.fixture
def two_regions(tmp_path: Path) -> Iterator[Path]:
    """A folder of the packs of two regions, which are in force."""
    folder = write_regions(tmp_path / "regions")
    read_from(folder)
    yield folder
    read_from(None)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """A home of its own on a new database; its files play the past, so that their times are those of receipt."""
    made = Settings(home=tmp_path / "home", database_url=database_url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]
    made.prepare()
    return made


@pytest.fixture
def had_prefect(settings: Settings, prefect_tables: Path) -> None:
    """The home of `settings` has had a Prefect server before, so that the next is there soon."""
    shutil.copytree(prefect_tables, settings.home / "prefect")


@pytest.fixture(scope="session")
def region_taken_in(databases: Any, region_files: Path) -> Settings:
    """A home and a database in which the region is taken in and published, once for all workers: copy them, do not
    change them."""
    made = Settings(home=Path(os.environ["TESTS_SERVER_FOLDER"], "region"), vouched_channels="inbox,ingest")

    def fill(engine: sa.Engine) -> None:
        files = [path for path in region_files.rglob("*") if path.is_file()]
        take_in(on(databases.url(engine.url.database)), *files)

    def on(url: str) -> Settings:
        return made.model_copy(update={"database_url": SecretStr(url)})

    return on(databases.url(databases.kept("region", fill)))


@pytest.fixture
def region(databases: Any, region_taken_in: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A copy of them for one test."""
    with copied(databases, region_taken_in, tmp_path / "home") as made:
        yield made


@pytest.fixture
def region_engine(region: Settings) -> Iterator[sa.Engine]:
    """The database of `region`."""
    assert region.database_url is not None
    found = connect(region.database_url.get_secret_value())
    yield found
    found.dispose()


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """The database of `settings`."""
    assert settings.database_url is not None
    found = connect(settings.database_url.get_secret_value())
    yield found
    found.dispose()


@pytest.fixture
def region_inbox(settings: Settings, region_files: Path) -> Path:
    """The region's files in the inbox of `settings`."""
    shutil.copytree(region_files, settings.inbox, dirs_exist_ok=True)
    return settings.inbox


@pytest.fixture
def zipped() -> Callable[[Path, Mapping[str, bytes]], Path]:
    """Makes a zip archive of files, and the folder that it lies in."""

    def made(path: Path, files: Mapping[str, bytes]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path

    return made


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that other users reach; that of a test they do not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A process that has imported the command line, and forks."""
    made = Forks(tmp_path_factory.mktemp("forks"))
    yield made
    made.close()


@pytest.fixture
def profmin(forks: Forks, tmp_path: Path) -> Run:
    """Run the command line in a fork, with nothing set up but what the test says."""

    def run(*arguments: object, settings: Settings | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return forks.run(arguments, environment_of(settings) | variables, tmp_path)

    return run


@pytest.fixture
def real_profmin(tmp_path: Path) -> Run:
    """The same as people start it: an interpreter of its own."""

    def run(*arguments: object, settings: Settings | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows.cli.app", *map(str, arguments)],
            cwd=tmp_path,
            env=environment_of(settings) | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def environment_of(settings: Settings | None) -> dict[str, str]:
    """The environment of a command of a home, in which nobody has set anything else of ours."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(("PROFMIN_", "PREFECT_"))}
    if settings is not None:
        found["PROFMIN_HOME"] = str(settings.home)
        found["PROFMIN_VOUCHED_CHANNELS"] = settings.vouched_channels or ""
        if settings.keyring is not None:
            found["PROFMIN_KEYRING"] = str(settings.keyring)
        if settings.regions is not None:
            found["PROFMIN_REGIONS"] = str(settings.regions)
        if settings.database_url is not None:
            found["PROFMIN_DATABASE_URL"] = settings.database_url.get_secret_value()
    return found


@pytest.fixture(scope="session")
def prefect_server(prefect_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server for the tests of one worker."""
    home = tmp_path_factory.mktemp("prefect")
    shutil.copytree(prefect_tables, home, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"):
            patch.delenv(name, raising=False)
        with orchestrator(home, home / "log") as wait:
            wait()
            if "prefect" in sys.modules:  # a test before this one has imported it, and it has read its settings then
                sys.modules["prefect.context"].refresh_global_settings_context()
            yield os.environ["PREFECT_API_URL"]
