"""`profmin up`, `down` and `deploy`: the service of this machine, for people."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from typing import Any
from zoneinfo import ZoneInfo

from flows.cli.terminal import console
from flows.home.faults import Fault
from flows.home.json_output import write
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.service.control import CHILDREN, asked, is_alive
from flows.service.drain import drain
from flows.service.prefect_api import Api
from flows.service.prefect_environment import SHARED, auth_string, url_of
from flows.service.supervisor import START_SECONDS, log_file, serve

STOP_SECONDS = 180.0
LONGEST_LOG = 10_000_000


def up(settings: Settings, port: int | None, *, foreground: bool) -> int:
    """Start the service and return when it is ready; bring one that runs up to date. In the foreground, be it."""
    settings.prepare()
    wanted = port or settings.prefect_port
    if is_alive(settings.home):
        found = ready(settings)
        if port not in (None, found["port"]):
            raise UsageError(f"the service already runs on port {found['port']}; `profmin down` first")
        if foreground:
            raise UsageError(f"the service of {settings.home} already runs")
        api = Api(url_of(found["port"]), auth_string(settings))
        api.pause_pool(False)
        say("The service already runs; its deployments are brought up to date.")
        say(brought(settings, api))
    elif foreground:
        return serve(settings, wanted)
    else:
        found = started(settings, wanted)
        say("The service runs.")
    show(settings, found)
    return 0


def started(settings: Settings, port: int) -> dict[str, Any]:
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
    return ready(settings, process)


def ready(settings: Settings, process: subprocess.Popen[bytes] | None = None) -> dict[str, Any]:
    """Wait until the service is ready, telling what it does. Raises Fault when it ends, or cannot get ready."""
    deadline = time.monotonic() + START_SECONDS
    phase = ""
    while True:
        found = asked(settings.home, "status")
        if found is not None and found["phase"] == "ready":
            return found
        if found is not None and found["phase"] != phase:
            phase = found["phase"]
            say(f"  {phase} …")
        ended = process.poll() is not None if process is not None else not is_alive(settings.home)
        if ended:
            raise Fault(f"the service did not start: {last_words(settings)}; service.log says more")
        if time.monotonic() > deadline:
            problem = (found or {}).get("problem") or f"it is still {phase or 'silent'}"
            raise Fault(f"the service is not ready after {START_SECONDS:.0f} s: {problem}; service.log says more")
        time.sleep(0.2)


def last_words(settings: Settings) -> str:
    lines = log_file(settings).read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line for line in lines if " ERROR " in line or line.startswith("profmin:")]
    return told[-1].split(" ERROR ", 1)[-1] if told else "it said nothing"


def down(settings: Settings, seconds: float) -> int:
    """Let what runs come to its end, then stop everything; 1 when a run had to be stopped."""
    found = asked(settings.home, "status") if settings.home.is_dir() else None
    if found is None:
        if settings.home.is_dir() and is_alive(settings.home):
            raise Fault("the service is alive but does not answer; its log is " + str(log_file(settings)))
        say("No service runs here.")
        return 0
    left: list[str] = []
    api = Api(url_of(found["port"]), auth_string(settings))
    if found["phase"] == "ready" and api.is_there():
        try:
            left = drain(api, seconds, lambda names: say(f"  waiting for {', '.join(names)} …") if names else None)
        except KeyboardInterrupt:
            say("Nothing was stopped. Nothing new begins until `profmin up`.")
            return 1
        except Fault as error:
            say(f"  {error}; what runs is stopped without waiting")
    for name in left:
        say(f"  {name} did not end within {seconds:.0f} s; it is stopped and marked as crashed")
    asked(settings.home, "stop")
    deadline = time.monotonic() + STOP_SECONDS
    while is_alive(settings.home) or is_alive(settings.home, CHILDREN):
        if time.monotonic() > deadline:
            raise Fault(f"the service does not stop; see {log_file(settings)}")
        time.sleep(0.1)
    say("The service is stopped.")
    return 1 if left else 0


def show_status(settings: Settings, *, as_json: bool) -> int:
    """What runs; 0 when the service is ready, else 1."""
    found = asked(settings.home, "status") if settings.home.is_dir() else None
    document = described(settings, found)
    if as_json:
        write(document)
    elif found is None:
        tell("No service runs here; `profmin up` starts it.")
    else:
        show(settings, found)
    return 0 if document["ready"] else 1


def described(settings: Settings, found: dict[str, Any] | None) -> dict[str, Any]:
    """One document about the service: its parts, its pool, what is scheduled next, what runs; times in UTC."""
    if found is None:
        return {"running": False, "ready": False}
    api = Api(url_of(found["port"]), auth_string(settings))
    told: dict[str, Any] = {
        "running": True,
        "ready": found["phase"] == "ready",
        "server": api.is_there(),
        "url": url_of(found["port"]).removesuffix("/api"),
        "log": str(log_file(settings).resolve()),
        **found,
    }
    if told["server"] and told["ready"]:
        pool = api.call("GET", "/work_pools/profmin") or {}
        told["pool"] = {"status": pool.get("status"), "paused": pool.get("is_paused")}
        told["workers"] = [each["name"] for each in api.workers() if each["status"] == "ONLINE"]
        told["deployments"] = deployments_of(api)
        told["runs"] = [
            {"name": run["name"], "state": run["state"]["name"]} for run in api.runs(("RUNNING", "PENDING"))
        ]
        told["ready"] = bool(told["workers"]) and not told["pool"]["paused"]
    return told


def deployments_of(api: Api) -> list[dict[str, Any]]:
    """Name and next start of every deployment; None for those that run only when asked."""
    nearest: dict[str, str] = {}
    for run in api.runs(("SCHEDULED",)):
        nearest.setdefault(run["deployment_id"], run["expected_start_time"])
    found = [{"name": each["name"], "next": nearest.get(each["id"])} for each in api.deployments()]
    return sorted(found, key=lambda each: (each["next"] or "9", each["name"]))


def show(settings: Settings, found: dict[str, Any]) -> None:
    told = described(settings, found)
    zone = ZoneInfo(settings.timezone)
    tell(f"  Prefect         {told['url']}  (name and password: {settings.keys / 'prefect.auth'})")
    tell(f"  log             {told['log']}")
    since = dt.datetime.fromisoformat(told["since"]).astimezone(zone)
    tell(
        f"  service         {told['phase']} since {since:%d.%m.%Y %H:%M}"
        + (f"; {told['problem']}" if told["problem"] else "")
    )
    for name, child in told["children"].items():
        times = f", started again {child['restarts']} times" if child["restarts"] else ""
        tell(f"  {name:<15} " + (f"process {child['pid']}" if child["pid"] else "is not there") + times)
    if "pool" not in told:
        return
    status = told["pool"]["status"].lower().replace("_", " ")
    tell(f"  pool            {status}; workers: {', '.join(told['workers']) or 'none'}")
    for run in told["runs"]:
        tell(f"  runs now        {run['name']} ({run['state']})")
    tell(f"Next, in local time ({settings.timezone}):")
    for each in told["deployments"]:
        when = (
            f"{dt.datetime.fromisoformat(each['next']).astimezone(zone):%d.%m.%Y %H:%M}"
            if each["next"]
            else "when asked"
        )
        tell(f"  {when:<16}  {each['name']}")


def deploy(settings: Settings) -> int:
    """Bring deployments and automations to the server that PREFECT_API_URL names, else to that of the service."""
    url = os.environ.get("PREFECT_API_URL")
    if url:
        api = Api(url, os.environ.get("PREFECT_API_AUTH_STRING"))
    else:
        found = asked(settings.home, "status") if settings.home.is_dir() else None
        if found is None:
            raise UsageError("no service runs here and PREFECT_API_URL names no server; `profmin up` starts one")
        api = Api(url_of(found["port"]), auth_string(settings))
    say(brought(settings, api))
    return 0


def brought(settings: Settings, api: Api) -> str:
    """Sync in the environment that Prefect needs before it is imported; what was done, in a line."""
    for name, value in SHARED.items():
        os.environ.setdefault(name, value)
    os.environ["PREFECT_API_URL"] = api.url
    if api.auth:
        os.environ["PREFECT_API_AUTH_STRING"] = api.auth
    os.environ.setdefault("PREFECT_HOME", str((settings.home / "prefect").resolve()))
    from flows.service.deployments import sync

    return "; ".join(f"{what}: {counts}" for what, counts in sync(settings, api).items())


def tell(text: str) -> None:
    """Say what was asked for: it goes to standard output, progress does not."""
    console().print(text, soft_wrap=True, markup=False)


def say(text: str) -> None:
    console(error=True).print(text, soft_wrap=True, markup=False)
