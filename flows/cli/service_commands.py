"""`profmin up`, `down` and `deploy`: the service of this machine, for people."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time

from contracts.regions import only_region, zone_of
from flows.cli.terminal import console
from flows.home.faults import Fault
from flows.home.json_output import Document, write
from flows.home.settings import Settings
from flows.home.shown import local_time
from flows.home.usage import UsageError
from flows.service.control import CHILDREN, ServiceStatus, ask_service, is_alive
from flows.service.deployments import whose
from flows.service.drain import drain
from flows.service.prefect_api import Api
from flows.service.prefect_environment import SHARED, auth_string, url_of
from flows.service.supervisor import START_SECONDS, log_file, serve

STOP_SECONDS = 180.0
LONGEST_LOG = 10_000_000


def up(settings: Settings, port: int | None, *, foreground: bool) -> int:
    """Start the service and return when it is ready; bring one that runs up to date. In the foreground, be it."""
    _must_have_library(settings)
    settings.prepare()
    wanted = port or settings.prefect_port
    if is_alive(settings.home):
        status = _wait_until_ready(settings)
        if port not in (None, status["port"]):
            raise UsageError(f"the service already runs on port {status['port']}; `profmin down` first")
        if foreground:
            raise UsageError(f"the service of {settings.home} already runs")
        api = Api(url_of(status["port"]), auth_string(settings))
        api.pause_pool(False)
        say("The service already runs; its deployments are brought up to date.")
        say(_sync_deployments(settings, api))
    elif foreground:
        return serve(settings, wanted)
    else:
        status = _start_service(settings, wanted)
        say("The service runs.")
    _show(settings, status)
    return 0


def _start_service(settings: Settings, port: int) -> ServiceStatus:
    """Start the service in a session of its own; what it says of itself once it is ready. Raises Fault."""
    log = log_file(settings)
    if log.exists() and log.stat().st_size > LONGEST_LOG:
        log.replace(log.with_suffix(".log.old"))
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.service.supervisor", str(port)],
            env={**os.environ, "PROFMIN_HOME": str(settings.home.resolve())},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    finally:
        os.close(file)
    return _wait_until_ready(settings, process)


def _wait_until_ready(settings: Settings, process: subprocess.Popen[bytes] | None = None) -> ServiceStatus:
    """Wait until the service is ready, telling what it does. Raises Fault when it ends, or cannot get ready."""
    deadline = time.monotonic() + START_SECONDS
    phase = ""
    while True:
        status = ask_service(settings.home, "status")
        if status is not None and status["phase"] == "ready":
            return status
        if status is not None and status["phase"] != phase:
            phase = status["phase"]
            say(f"  {phase} …")
        ended = process.poll() is not None if process is not None else not is_alive(settings.home)
        if ended:
            raise Fault(f"the service did not start: {_last_error(settings)}; service.log says more")
        if time.monotonic() > deadline:
            problem = (status and status["problem"]) or f"it is still {phase or 'silent'}"
            raise Fault(f"the service is not ready after {START_SECONDS:.0f} s: {problem}; service.log says more")
        time.sleep(0.2)


def _last_error(settings: Settings) -> str:
    """The last line of the service's log that tells of a failure."""
    lines = log_file(settings).read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if " ERROR " in line or line.startswith("profmin:")]
    return errors[-1].split(" ERROR ", 1)[-1] if errors else "it said nothing"


def down(settings: Settings, seconds: float) -> int:
    """Let what runs come to its end, then stop everything; 1 when a run had to be stopped."""
    status = ask_service(settings.home, "status") if settings.home.is_dir() else None
    if status is None:
        if settings.home.is_dir() and is_alive(settings.home):
            raise Fault("the service is alive but does not answer; its log is " + str(log_file(settings)))
        say("No service runs here.")
        return 0
    left: list[str] = []
    api = Api(url_of(status["port"]), auth_string(settings))
    if status["phase"] == "ready" and api.is_there():
        try:
            left = drain(api, seconds, lambda names: say(f"  waiting for {', '.join(names)} …") if names else None)
        except KeyboardInterrupt:
            say("Nothing was stopped. Nothing new begins until `profmin up`.")
            return 1
        except Fault as error:
            say(f"  {error}; what runs is stopped without waiting")
    for name in left:
        say(f"  {name} did not end within {seconds:.0f} s; it is stopped and marked as crashed")
    ask_service(settings.home, "stop")
    deadline = time.monotonic() + STOP_SECONDS
    while is_alive(settings.home) or is_alive(settings.home, CHILDREN):
        if time.monotonic() > deadline:
            raise Fault(f"the service does not stop; see {log_file(settings)}")
        time.sleep(0.1)
    say("The service is stopped.")
    return 1 if left else 0


def show_status(settings: Settings, *, as_json: bool) -> int:
    """What runs; 0 when the service is ready, else 1."""
    status = ask_service(settings.home, "status") if settings.home.is_dir() else None
    document = _service_document(settings, status)
    if as_json:
        write(document)
    elif status is None:
        _tell("No service runs here; `profmin up` starts it.")
    else:
        _show(settings, status)
    return 0 if document["ready"] else 1


def _service_document(settings: Settings, status: ServiceStatus | None) -> Document:
    """One document about the service: its parts, its pool, what is scheduled next, what runs; times in UTC."""
    if status is None:
        return {"running": False, "ready": False}
    api = Api(url_of(status["port"]), auth_string(settings))
    document: Document = {
        "running": True,
        "ready": status["phase"] == "ready",
        "server": api.is_there(),
        "url": url_of(status["port"]).removesuffix("/api"),
        "log": str(log_file(settings).resolve()),
        **status,
    }
    if document["server"] and document["ready"]:
        pool = api.call("GET", "/work_pools/profmin") or {}
        document["pool"] = {"status": pool.get("status"), "paused": pool.get("is_paused")}
        document["workers"] = [worker["name"] for worker in api.workers() if worker["status"] == "ONLINE"]
        document["deployments"] = _deployments_of(api)
        document["runs"] = [
            {"name": run["name"], "state": run["state"]["name"]} for run in api.runs(("RUNNING", "PENDING"))
        ]
        document["ready"] = bool(document["workers"]) and not document["pool"]["paused"]
    return document


def _deployments_of(api: Api) -> list[dict[str, str | None]]:
    """Name and next start of every deployment; None for those that run only when asked."""
    nearest: dict[str, str] = {}
    for run in api.runs(("SCHEDULED",)):
        nearest.setdefault(run["deployment_id"], run["expected_start_time"])
    starts = [{"name": deployment["name"], "next": nearest.get(deployment["id"])} for deployment in api.deployments()]
    return sorted(starts, key=lambda deployment: (deployment["next"] or "9", deployment["name"]))


def _show(settings: Settings, status: ServiceStatus) -> None:
    """Print the parts of the service, what runs, and what runs next."""
    document = _service_document(settings, status)
    zone = zone_of(None)
    _tell(f"  Prefect         {document['url']}  (name and password: {settings.keys / 'prefect.auth'})")
    _tell(f"  log             {document['log']}")
    since = local_time(dt.datetime.fromisoformat(document["since"]), zone)
    _tell(
        f"  service         {document['phase']} since {since}"
        + (f"; {document['problem']}" if document["problem"] else "")
    )
    for name, child in document["children"].items():
        times = f", started again {child['restarts']} times" if child["restarts"] else ""
        _tell(f"  {name:<15} " + (f"process {child['pid']}" if child["pid"] else "is not there") + times)
    if "pool" not in document:
        return
    pool = document["pool"]["status"].lower().replace("_", " ")
    _tell(f"  pool            {pool}; workers: {', '.join(document['workers']) or 'none'}")
    for run in document["runs"]:
        _tell(f"  runs now        {run['name']} ({run['state']})")
    _tell(f"Next, in local time ({zone}):" if only_region() else f"Next, a region's in its own time, others ({zone}):")
    for deployment in document["deployments"]:
        following, (_, code) = deployment["next"], whose(deployment["name"])
        own = zone_of(code)
        when = local_time(dt.datetime.fromisoformat(following), own) if following else "when asked"
        _tell(f"  {when:<16}  {deployment['name']}" + (f"  ({own})" if code and only_region() is None else ""))


def deploy(settings: Settings) -> int:
    """Bring deployments and automations to the server that PREFECT_API_URL names, else to that of the service."""
    _must_have_library(settings)
    url = os.environ.get("PREFECT_API_URL")
    if url:
        api = Api(url, os.environ.get("PREFECT_API_AUTH_STRING"))
    else:
        status = ask_service(settings.home, "status") if settings.home.is_dir() else None
        if status is None:
            raise UsageError("no service runs here and PREFECT_API_URL names no server; `profmin up` starts one")
        api = Api(url_of(status["port"]), auth_string(settings))
    say(_sync_deployments(settings, api))
    return 0


def _must_have_library(settings: Settings) -> None:
    """Raises UsageError where nights are to be spread and what spreads them is not installed."""
    from flows.intake.spread import WITHOUT_LIBRARY, has_library  # brings what reads

    if settings.dask and not has_library():
        raise UsageError(WITHOUT_LIBRARY)


def _sync_deployments(settings: Settings, api: Api) -> str:
    """Sync in the environment that Prefect needs before it is imported; what was done, in a line."""
    for name, value in SHARED.items():
        os.environ.setdefault(name, value)
    os.environ["PREFECT_API_URL"] = api.url
    if api.auth:
        os.environ["PREFECT_API_AUTH_STRING"] = api.auth
    os.environ.setdefault("PREFECT_HOME", str((settings.home / "prefect").resolve()))
    from flows.service.deployments import sync

    return "; ".join(f"{what}: {counts}" for what, counts in sync(settings, api).items())


def _tell(text: str) -> None:
    """Print what was asked for, on standard output."""
    console().print(text, soft_wrap=True, markup=False)


def say(text: str) -> None:
    """Tell of progress: it goes to standard error."""
    console(error=True).print(text, soft_wrap=True, markup=False)
