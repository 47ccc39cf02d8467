"""The temporary Prefect server: there when nobody named another, and gone with its process.

Slow: Prefect's server starts, more than once.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.service.prefect_api import Api
from flows.service.prefect_tables import DATABASE, begin_with
from flows.service.temporary_server import orchestrator

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_named_server_is_used_and_none_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    with orchestrator(tmp_path, tmp_path / "log") as wait, pytest.raises(Fault, match="no Prefect server answers"):
        wait()
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:1/api"
    assert list(tmp_path.iterdir()) == []


def test_a_named_server_that_is_away_is_told(profmin: Run, tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "home")
    ran = profmin("run", "nightly", "--as-of", "2023-09-08", settings=home, PREFECT_API_URL="http://127.0.0.1:1/api")
    assert ran.returncode == 1
    assert "no Prefect server answers at PREFECT_API_URL" in ran.stderr and "Traceback" not in ran.stderr


def test_the_server_ends_with_a_killed_process(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, time; from flows.service.temporary_server import orchestrator\n"
        f"with orchestrator(pathlib.Path({str(tmp_path)!r}), pathlib.Path({str(tmp_path / 'log')!r})):\n"
        "    print(os.environ['PREFECT_API_URL'], flush=True); time.sleep(600)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split(":")[2].split("/")[0])
        assert is_open(port)
        process.kill()
    deadline = time.monotonic() + 300
    while is_open(port):
        assert time.monotonic() < deadline, "the server outlived the process that started it"
        time.sleep(0.2)


def test_a_new_home_begins_with_the_tables_of_the_environment(
    prefect_tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.service.prefect_tables.prepared", lambda: tmp_path / "prepared.db")
    home = tmp_path / "home"
    home.mkdir()
    begin_with(home)
    assert list(home.iterdir()) == []  # nobody made them: Prefect makes its own
    shutil.copy(prefect_tables / DATABASE, tmp_path / "prepared.db")
    begin_with(home)
    with closing(sqlite3.connect(home / DATABASE)) as made:
        names = {name for (name,) in made.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        filled = {name for name in names if made.execute(f"SELECT count(*) FROM {name}").fetchone() != (0,)}
    assert "flow_run" in names
    assert filled == {"alembic_version"}  # no secret that two homes would share
    (home / DATABASE).write_bytes(b"its own")
    begin_with(home)
    assert (home / DATABASE).read_bytes() == b"its own"


SPEAK = """
import os, pathlib, sys, urllib.request
from flows.service.temporary_server import orchestrator
with orchestrator(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1]) / "log") as wait:
    wait()
    from prefect import flow
    @flow
    def asked():
        return 7
    print(os.environ["PREFECT_API_URL"], asked(), flush=True)
    sys.stdin.read()
print(sorted(name for name in os.environ if name.startswith("PREFECT_API")))
"""


def test_the_server_answers_nobody_without_its_password(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with subprocess.Popen(
        [sys.executable, "-c", SPEAK, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=environment | {"PREFECT_API_KEY": "of another server"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        url, answer = process.stdout.readline().split()
        assert answer == "7"
        for method, path, auth in (("GET", "/admin/settings", None), ("POST", "/flow_runs/filter", "profmin:guess")):
            with pytest.raises(Fault, match="answered 401"):
                Api(url, auth).call(method, path, {} if method == "POST" else None)
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                assert b"profmin:" not in (place / "cmdline").read_bytes()
        said, _ = process.communicate(timeout=300)
    assert said.strip() == "['PREFECT_API_KEY']"


def is_open(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
