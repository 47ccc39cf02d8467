"""The backfill as a deployment on a real Prefect server, run by a real worker, and approved through the API.

Slow: Prefect's server and a worker start, and the worker starts an interpreter for each run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import assert_nowhere, picked, planted

from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from warehouse.backfill.requests import backfills
from warehouse.marts.published import mart
from warehouse.schema.upgrade import connect

POOL, NAME = "backfills", "test"
ASKED = {"reason": "Правило стало мягче", "requested_by": "Инженер", "campaign": "readiness-2023"}
# What the worker runs is the flow itself under another version of the contracts.
CHANGED = """
import sys
sys.path.insert(0, {tests!r})
from evidence import severity
severity("RDY-010", "warning")
from flows import backfill
from flows.backfills import steps
steps.contract_version = lambda region: "softer"
softened = backfill.backfill
"""
PATIENCE = 300


@pytest.fixture
def engine(settings: Settings, region_inbox: Path, region_files: Path) -> Iterator[sa.Engine]:
    """The region taken in and published, with our pupil in its export."""
    export = picked(region_files, "regional_operator/Сводный")["regional_operator/Сводный"]
    planted(export, region_inbox / "regional_operator" / export.name, "none")
    ingest([region_inbox], Options(), settings)
    assert settings.database_url is not None
    made = connect(settings.database_url.get_secret_value())
    yield made
    made.dispose()


@pytest.fixture
def client(prefect_server: str) -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as made:
        yield made


@pytest.fixture
def deployment(client: Any, engine: sa.Engine, settings: Settings, tmp_path: Path) -> Iterator[str]:
    """The id of a deployment of the flow, with a process worker on its pool."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.flows import EntrypointType

    from flows.backfill import backfill

    (tmp_path / "changed_contracts.py").write_text(CHANGED.format(tests=str(Path(__file__).parent)))
    with suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    made = backfill.to_deployment(NAME, work_pool_name=POOL, entrypoint_type=EntrypointType.MODULE_PATH)
    assert made.entrypoint == "flows.backfill.backfill"
    made.entrypoint = "changed_contracts.softened"
    made_id = str(made.apply())
    assert settings.database_url is not None
    environment = os.environ | {
        "PROFMIN_HOME": str(settings.home), "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value(),
        "PREFECT_WORKER_QUERY_SECONDS": "1", "PYTHONPATH": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            yield made_id
        finally:
            worker.terminate()
            worker.wait(300)


def started(client: Any, deployment: str, **parameters: object) -> str:
    asked = {"parameters": {**ASKED, **parameters}}
    answer = client.request("POST", f"/deployments/{deployment}/create_flow_run", json=asked)
    return str(answer.json()["id"])


def awaited(client: Any, run_id: str, *names: str) -> Any:
    """The run once its state has one of these names."""
    for _ in range(PATIENCE * 4):
        run = client.read_flow_run(run_id)
        if run.state.name in names:
            return run
        assert not run.state.is_final(), run.state
        time.sleep(0.25)
    raise AssertionError(f"the run is still {run.state.name}")


def resumed(client: Any, run_id: str, **said: object) -> Any:
    return client.request("POST", f"/flow_runs/{run_id}/resume", json={"run_input": said}).json()


def accepted(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(mart(connection, "readiness_region")["accepted"].item())


def told(engine: sa.Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return backfills(connection).to_dicts()


def test_a_run_waits_for_approval_and_applies(client: Any, deployment: str, engine: sa.Engine) -> None:
    run_id = started(client, deployment)
    run = awaited(client, run_id, "Suspended")
    (plan,) = told(engine)
    assert (accepted(engine), plan["status"], plan["requested_by"]) == (244, "planned", "Инженер")
    artifacts = client.request("POST", "/artifacts/filter", json={}).json()
    (artifact,) = [each for each in artifacts if each["flow_run_id"] == run_id]
    assert artifact["key"] == "backfill"
    assert "| Готовность школ по региону | 08.09.2023 | Верный отчёт | 244 | 245 |" in artifact["data"]
    assert "| Доля верных отчётов | 83,3 % | 85,0 % |" in artifact["data"]
    assert run.state.state_details.run_input_keyset is not None

    refused = resumed(client, run_id, who="")
    assert refused["status"] == "REJECT"
    assert client.read_flow_run(run_id).state.name == "Suspended"
    resumed(client, run_id, who="Начальник отдела", yes=True)
    run = awaited(client, run_id, "Applied")
    (applied,) = told(engine)  # begun anew, the run went on with its own plan
    assert (accepted(engine), applied["status"], applied["approved_by"]) == (245, "applied", "Начальник отдела")
    kept = b"".join(path.read_bytes() for path in sorted(Path(os.environ["PREFECT_HOME"]).rglob("*.db*")))
    assert b"backfill 1 is applied" in kept
    assert_nowhere(kept.decode("utf-8", "replace"), "Prefect's database")


def test_declining_cancels(client: Any, deployment: str, engine: sa.Engine) -> None:
    run_id = started(client, deployment)
    awaited(client, run_id, "Suspended")
    resumed(client, run_id, who="Начальник отдела", yes=False)
    awaited(client, run_id, "Cancelled")
    assert (accepted(engine), [each["status"] for each in told(engine)]) == (244, ["cancelled"])
    open_ended = started(client, deployment, campaign=None, from_as_of="2023-09-01")
    run = awaited(client, open_ended, "Refused")
    assert "needs both ends of its dates" in run.state.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "надо"},
        {"requested_by": ""},
        {"forms": ["readyness"]},
        {"senders": ["nobody"]},
        {"campaign": "readiness-1999"},
    ],
    ids=str,
)
def test_bad_parameters_are_refused_by_the_server(client: Any, wrong: dict[str, object]) -> None:
    from prefect.exceptions import PrefectHTTPStatusError

    from flows.backfill import backfill

    made = backfill.to_deployment("schema").apply()
    with pytest.raises(PrefectHTTPStatusError, match="409"):
        started(client, str(made), **wrong)
    assert started(client, str(made))
