"""`profmin logs`: what a run was and what came of it, then its lines of the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from flows.home.connection import existing_database
from flows.home.faults import Fault
from flows.home.json_output import plain, write
from flows.home.log import Record, records
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.deliveries.runs import newest_run, runs_named
from warehouse.server.embedded import ServerError
from warehouse.watch.ages import NoAnswer, only_looking, revision

LAST = "last"
FLOW_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COLOURS = {"ERROR": "red", "WARNING": "yellow", "DEBUG": "dim"}
VERDICTS = ("accepted", "partial", "refused", "held")


@dataclass(frozen=True)
class Asked:
    """Whose lines are wanted: those of a run, or those of all that belongs to a flow run of Prefect."""

    run_id: int | None = None
    flow_run_id: str | None = None

    def mean(self, record: Record, flow_runs: Sequence[str]) -> bool:
        """Does a record belong to it? What a flow says before and after its run has only the id of the flow run."""
        if self.run_id is None:
            return record.ids.get("flow_run_id") == self.flow_run_id
        run_id = record.ids.get("run_id")
        return run_id == self.run_id or (run_id is None and record.ids.get("flow_run_id") in flow_runs)


def show_logs(settings: Settings, name: str, out: Console, *, as_json: bool) -> None:
    """Print a run and its lines of the log; when the warehouse cannot be asked, the lines alone.

    `name` is the number of a run, `last`, or the id of a flow run of Prefect. Raises UsageError for a run that nobody
    has seen, Fault when the warehouse cannot be asked and the log has no line of it.
    """
    asked, is_away = meant(name), False
    try:
        asked, runs, silent = known(settings, asked)
    except ValueError as error:  # its text is about the driver; the password is masked
        raise UsageError(f"PROFMIN_DATABASE_URL: {error}") from None
    except (NoAnswer, ServerError) as error:
        runs, silent, is_away = [], f"the warehouse cannot be asked: {error}", True
    kept = list(records(settings.log_file))
    if asked == Asked():
        asked = Asked(run_id=max((int(each.ids["run_id"]) for each in kept if "run_id" in each.ids), default=None))
    flow_runs = [run["flow_run_id"] for run in runs if run["flow_run_id"]]
    lines = [record for record in kept if asked.mean(record, flow_runs)] if asked != Asked() else []
    if not runs and not lines:
        said = silent or f"there is no run {name!r}"
        raise Fault(said) if is_away else UsageError(said)
    if as_json:
        document = {"runs": [plain(run) for run in runs], "lines": [line.document() for line in lines]}
        write(document)
        return
    local = ZoneInfo(settings.timezone)
    if silent:
        out.print(Text(silent, "yellow"), soft_wrap=True)
    for run in runs:
        show_run(out, run, local)
    out.print()
    for line in lines:
        show_line(out, line, local)
    if not lines:
        out.print(f"No line of it is left in {settings.log_file}.", soft_wrap=True)


def meant(name: str) -> Asked:
    """Raises UsageError."""
    if name == LAST:
        return Asked()
    if name.isdecimal():
        return Asked(run_id=int(name))
    if FLOW_RUN.fullmatch(name.lower()):
        return Asked(flow_run_id=name.lower())
    raise UsageError(f"{name!r} is neither the number of a run, nor `last`, nor the id of a flow run")


def known(settings: Settings, asked: Asked) -> tuple[Asked, list[dict[str, Any]], str | None]:
    """What is asked for by its number, what the warehouse knows of it, and why it knows nothing."""
    nothing = "there is no warehouse yet"
    with existing_database(settings) as url:
        if url is None:
            return asked, [], nothing
        with only_looking(url) as connection:
            if revision(connection) is None:
                return asked, [], nothing
            newest = newest_run(connection)
            if asked == Asked():
                asked = Asked(run_id=newest)
            found = runs_named(connection, [] if asked.run_id is None else [asked.run_id], asked.flow_run_id)
    if found.is_empty():
        last = "" if newest is None else f"; the last one is {newest}"
        wanted = asked.flow_run_id or asked.run_id
        return asked, [], f"there is no run {wanted}{last}" if wanted else "there was no run yet"
    return asked, found.to_dicts(), None


def show_run(out: Console, run: dict[str, Any], local: ZoneInfo) -> None:
    day = f" as of {run['as_of']}" if run["as_of"] else ""
    backfill = f" of backfill {run['backfill_id']}" if run["backfill_id"] else ""
    colour = "green" if run["state"].startswith("completed") else "yellow" if run["state"] == "running" else "red"
    out.print(f"[bold]run {run['run_id']}[/bold]: {run['kind']}{backfill}{day}, [{colour}]{run['state']}[/{colour}]")
    took = (run["finished_at"] - run["started_at"]).total_seconds() if run["finished_at"] else None
    told = "and has not finished" if took is None else f"and took {took:.1f} s"
    out.print(f"  began {run['started_at'].astimezone(local):%Y-%m-%d %H:%M:%S} {local.key} {told}")
    out.print(f"  deliveries read: {', '.join(f'{run[verdict]} {verdict}' for verdict in VERDICTS)}")
    if run["message"]:
        out.print(Text(f"  {run['message']}"), soft_wrap=True)
    if run["flow_run_id"]:
        out.print(f"  flow run {run['flow_run_id']}")


def show_line(out: Console, line: Record, local: ZoneInfo) -> None:
    moment = line.at.astimezone(local)
    milliseconds = moment.microsecond // 1000
    text = Text(f"{moment:%Y-%m-%d %H:%M:%S}.{milliseconds:03} ", "dim")
    text.append(f"{line.level:<7} ", COLOURS.get(line.level, ""))
    out.print(text.append(line.message), soft_wrap=True)
