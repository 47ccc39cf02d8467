"""Deployments as code: `deployments/prefect.yaml` brought to Prefect; when nothing has changed, nothing is touched.

Deploying deletes the runs that are scheduled and makes them anew some seconds later. Who deploys at 02:29 loses that
night; so each deployment carries the hash of everything that it was made from, and is left alone while it holds.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, TypedDict

from contracts.regions import regions, zone_of
from contracts.vocabulary import rows
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.whole_file import replace
from flows.service.control import held
from flows.service.prefect_api import Api
from flows.service.prefect_environment import POOL, SHARED, WORKER
from flows.service.synced import ROOT, Synced, definitions, of_regions

MADE_FROM = ("deployments/prefect.yaml", "flows/*.py", "contracts/forms/__init__.py")
"""Files that decide what a deployment is: the definition, the flows with their parameters, the forms in these. The
regions do too: each has deployments of its own."""
NAMED_IN_PARAMETERS = ("senders", "campaigns")
"""Tables of the regions whose lines parameters offer."""
SYNC_LOCK = "deploy.lock"
DEPLOYED_FILE = "prefect.yaml"
"""What was deployed last, in the home: `deployments/prefect.yaml` as it is for the regions in force."""
SYNC_SECONDS = 120.0


def sync(settings: Settings, api: Api) -> dict[str, Synced]:
    """Bring pool, queues, deployments and automations to Prefect. Raises Fault."""
    from flows.service.automations import sync_automations

    settings.prepare()
    if (lock := held(settings.home, SYNC_LOCK, SYNC_SECONDS)) is None:
        raise Fault("somebody else is deploying, and does not come to an end")
    try:
        file = definitions("prefect.yaml")
        file["deployments"] = of_regions(file["deployments"], regions())
        _sync_pool(api)
        queues = _sync_queues(api, file["queues"])
        deployments = _sync_deployments(api, settings, file)
        ids = {deployment["name"]: deployment["id"] for deployment in api.deployments()}
        return {"queues": queues, "deployments": deployments, "automations": sync_automations(api, settings, ids)}
    finally:
        os.close(lock)


def _sync_pool(api: Api) -> None:
    if api.call("GET", f"/work_pools/{POOL}") is None:
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
        api.call("POST", "/work_pools/", {"name": POOL, "type": "process", "base_job_template": template})


class _Queue(TypedDict):
    """A queue of our pool, as Prefect takes it."""

    name: str
    priority: int
    concurrency_limit: int


def _sync_queues(api: Api, wanted: Sequence[_Queue]) -> Synced:
    there = {queue["name"]: queue for queue in api.call("POST", f"/work_pools/{POOL}/queues/filter", {})}
    counts = Synced()
    for queue in wanted:
        if queue["name"] not in there:
            api.call("POST", f"/work_pools/{POOL}/queues", queue)
            counts.created += 1
        elif any(there[queue["name"]][name] != value for name, value in queue.items()):
            api.call("PATCH", f"/work_pools/{POOL}/queues/{queue['name']}", queue)
            counts.changed += 1
        else:
            counts.unchanged += 1
    return counts


def whose(deployment: str) -> tuple[str, str | None]:
    """The flow of a deployment, and the code of its region; None for one that is of no one region, or of one that is
    not in force any more."""
    kind, _, code = deployment.partition("-")
    return kind, code if code in {region.code for region in regions()} else None


def _sync_deployments(api: Api, settings: Settings, file: dict[str, Any]) -> Synced:
    wanted = [definition["name"] for definition in file["deployments"]]
    variables = {"PROFMIN_COMMON_ZONE": str(zone_of(None))}
    version = _hash_of_sources(variables, file)  # of nothing that is one machine's: each that deploys finds it the same
    counts = Synced()
    there = {}
    for deployment in api.deployments():
        if deployment["name"] in wanted:
            there[deployment["name"]] = deployment["version"]
        else:
            api.call("DELETE", f"/deployments/{deployment['id']}")
            counts.deleted += 1
    counts.unchanged = sum(deployed == version for deployed in there.values())
    if counts.unchanged < len(wanted):
        _deploy_all(api, settings, file, {**variables, "PROFMIN_DEPLOYED": version})
        counts.created = len(set(wanted) - set(there))
        counts.changed = len(wanted) - counts.created
        counts.unchanged = 0
    return counts


def _hash_of_sources(variables: dict[str, str], file: dict[str, Any]) -> str:
    """A hash of everything that decides what a deployment is."""
    digest = hashlib.sha256(repr((sorted(variables.items()), file["deployments"])).encode())
    digest.update(importlib.metadata.version("prefect").encode())
    for pattern in MADE_FROM:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    for table in NAMED_IN_PARAMETERS:
        digest.update(repr(rows(table)).encode())
    return digest.hexdigest()[:16]


def _deploy_all(api: Api, settings: Settings, file: dict[str, Any], variables: dict[str, str]) -> None:
    """Run `prefect deploy`, which alone understands all that its file may say. Raises Fault."""
    import yaml

    home = settings.home.resolve()
    ours = {"PROFMIN_HOME": str(home)}
    if settings.regions is not None:
        ours["PROFMIN_REGIONS"] = str(settings.regions.resolve())
    written = home / DEPLOYED_FILE
    replace(written, yaml.safe_dump(file, allow_unicode=True, sort_keys=False).encode())
    command = ["--no-prompt", "deploy", "--all", "--prefect-file", str(written)]
    environment = {**SHARED, **WORKER, **os.environ, **ours, **variables, "PREFECT_API_URL": api.url}
    if api.auth:
        environment["PREFECT_API_AUTH_STRING"] = api.auth
    ended = subprocess.run(
        [sys.executable, "-m", "prefect", *command],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        last = " / ".join((ended.stdout + ended.stderr).strip().splitlines()[-5:])
        raise Fault(f"`prefect deploy --all` failed: {last}")
