"""The units and the compose file say what the service on one machine does, and name only what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from flows.cli.app import app
from flows.home.settings import Settings
from flows.service.prefect_environment import SERVER, SHARED, WORKER

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
UNITS = sorted((DEPLOYMENTS / "systemd").glob("*.*"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOYMENTS / "compose" / "compose.yaml").read_text())
PROGRAMS = "/opt/profmin/.venv/bin/"
PLACES = {"PREFECT_HOME", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING",
          "PREFECT_SERVER_DATABASE_CONNECTION_URL"}  # fmt: skip
"""Where things are and their passwords: what a site sets, and no table can."""


def environment(unit: str) -> dict[str, str]:
    said = re.findall(r"^Environment=(\w+)=(.*)$", (DEPLOYMENTS / "systemd" / unit).read_text(), re.M)
    return dict(said)


def for_prefect(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in PLACES and not name.startswith("PROFMIN_")}


def test_prefect_is_set_up_everywhere_as_by_profmin_up() -> None:
    services = COMPOSE["services"]
    for where, table in (("server", SERVER), ("worker", WORKER)):
        assert for_prefect(environment(f"profmin-{where}.service")) == SHARED | table
        assert for_prefect(services[where]["environment"]) == SHARED | table


def test_every_variable_is_one_that_somebody_reads() -> None:
    text = "\n".join(path.read_text() for path in [*UNITS, *(DEPLOYMENTS / "compose").iterdir()])
    named = set(re.findall(r"\bPROFMIN_[A-Z_]+\b", text))
    assert named
    assert named <= {f"PROFMIN_{name.upper()}" for name in Settings.model_fields}
    from prefect.settings import Settings as PrefectSettings
    from prefect.settings.legacy import _get_valid_setting_names

    assert set(re.findall(r"\bPREFECT_[A-Z_]+\b", text)) <= set(_get_valid_setting_names(PrefectSettings))


def test_every_command_is_one_that_there_is() -> None:
    command = typer.main.get_command(app)
    text = "\n".join(path.read_text() for path in UNITS) + (DEPLOYMENTS / "compose" / "compose.yaml").read_text()
    text = re.sub(r"#.*|^Description=.*", "", text, flags=re.M)
    text = text.replace('"profmin on', "")
    names = set(re.findall(r"\bprofmin ([a-z]+)\b", text))
    assert names == {"up", "down", "worker", "deploy", "db", "freshness"}
    assert names <= set(command.commands)  # type: ignore[attr-defined]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """Programs are put where true is, since nothing is installed here."""
    for path in UNITS:
        if path.suffix in (".service", ".timer"):
            text = (
                path.read_text().replace(PROGRAMS + "profmin", "/bin/true").replace(PROGRAMS + "prefect", "/bin/true")
            )
            (tmp_path / path.name).write_text(text)
    names = [str(path) for path in tmp_path.iterdir() if "@" not in path.name]
    done = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "profmin" in line]
    assert (ours, len(names)) == ([], 5)


def test_a_stop_waits_longer_than_its_drain() -> None:
    text = (DEPLOYMENTS / "systemd" / "profmin.service").read_text()
    drain = int(re.search(r"ExecStop=.*--timeout (\d+)", text).group(1))  # type: ignore[union-attr]
    stop = int(re.search(r"TimeoutStopSec=(\d+)", text).group(1))  # type: ignore[union-attr]
    assert stop >= drain + 180


def test_the_compose_file_hangs_together() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOYMENTS / "compose" / source).exists(), volume
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "nothing but a proxy may be reached from outside"
    build = services["worker"]["build"]
    assert (DEPLOYMENTS / "compose" / build["context"] / build["dockerfile"]).exists()


def test_no_password_is_in_the_repository() -> None:
    for path in (*UNITS, *(DEPLOYMENTS / "compose").iterdir()):
        for password in re.findall(r"://\w+:([^@\s]+)@", path.read_text()):
            assert password == "CHANGE", path


def test_secrets_come_from_files(tmp_path: Path) -> None:
    script = (DEPLOYMENTS / "compose" / "entrypoint.sh").read_text().replace("/run/secrets", str(tmp_path))
    for name in COMPOSE["secrets"]:
        (tmp_path / name).write_text(f"{name} of the test\n")
    (tmp_path / "entrypoint.sh").write_text(script)
    told = subprocess.run(
        ["sh", tmp_path / "entrypoint.sh", "env"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "PGPASSWORD=database_password of the test\n" in told
    assert "PREFECT_SERVER_API_AUTH_STRING=prefect_auth of the test\n" in told


def test_no_two_queues_have_one_priority() -> None:
    """Prefect keeps them apart: of two it moves one, and each deploy would move it again."""
    file = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text(encoding="utf-8"))
    priorities = [queue["priority"] for queue in file["queues"]]
    assert sorted(set(priorities)) == priorities
    named = {each["work_pool"]["work_queue_name"] for each in file["deployments"]}
    assert named == {queue["name"] for queue in file["queues"]}
