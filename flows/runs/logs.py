"""`profmin logs`: what a run was and what came of it, then its lines of the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

from contracts.regions import only_region, zone_of
from flows.home.connection import existing_database
from flows.home.faults import Fault
from flows.home.json_output import plain, write
from flows.home.log import Record, records
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.deliveries.runs import Run, newest_run, runs_named
from warehouse.server.embedded import ServerError
from warehouse.watch.ages import NoAnswer, only_looking, revision

LAST = "last"
FLOW_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COLOURS = {"ERROR": "red", "WARNING": "yellow", "DEBUG": "dim"}
VERDICTS = ("accepted", "partial", "refused", "held")


@dataclass(frozen=True)
class _Selection:
    """Whose lines are wanted: those of a run, or those of all that belongs to a flow run of Prefect."""

    run_id: int | None = None
    flow_run_id: str | None = None

    def includes(self, record: Record, flow_runs: Sequence[str]) -> bool:
        """Does a record belong to it? Before and after its run a flow logs under the id of the flow run alone."""
        if self.run_id is None:
            return record.ids.get("flow_run_id") == self.flow_run_id
        run_id = record.ids.get("run_id")
        return run_id == self.run_id or (run_id is None and record.ids.get("flow_run_id") in flow_runs)


def show_logs(settings: Settings, name: str, out: Console, *, as_json: bool) -> None:
    """Print a run and its lines of the log; when the warehouse cannot be asked, the lines alone.

    `name` is the number of a run, `last`, or the id of a flow run of Prefect. Raises UsageError for a run that nobody
    has seen, Fault when the warehouse cannot be asked and the log has no line of it.
    """
    selection, is_away = _selected(name), False
    try:
        selection, runs, why_unknown = _runs_of(settings, selection)
    except ValueError as error:  # its text is about the driver; the password is masked
        raise UsageError(f"PROFMIN_DATABASE_URL: {error}") from None
    except (NoAnswer, ServerError) as error:
        runs, why_unknown, is_away = [], f"the warehouse cannot be asked: {error}", True
    log_records = list(records(settings.log_file))
    if selection == _Selection():
        selection = _Selection(
            run_id=max((int(record.ids["run_id"]) for record in log_records if "run_id" in record.ids), default=None)
        )
    flow_runs = [run.flow_run_id for run in runs if run.flow_run_id]
    lines = (
        [record for record in log_records if selection.includes(record, flow_runs)] if selection != _Selection() else []
    )
    if not runs and not lines:
        reason = why_unknown or f"there is no run {name!r}"
        raise Fault(reason) if is_away else UsageError(reason)
    if as_json:
        document = {"runs": [plain(run._asdict()) for run in runs], "lines": [line.document() for line in lines]}
        write(document)
        return
    local = zone_of(runs[0].region if runs else None)
    if why_unknown:
        out.print(Text(why_unknown, "yellow"), soft_wrap=True)
    for run in runs:
        _show_run(out, run, zone_of(run.region))
    out.print()
    for line in lines:
        _show_line(out, line, local)
    if not lines:
        out.print(f"No line of it is left in {settings.log_file}.", soft_wrap=True)


def _selected(name: str) -> _Selection:
    """What a name on the command line selects. Raises UsageError."""
    if name == LAST:
        return _Selection()
    if name.isdecimal():
        return _Selection(run_id=int(name))
    if FLOW_RUN.fullmatch(name.lower()):
        return _Selection(flow_run_id=name.lower())
    raise UsageError(f"{name!r} is neither the number of a run, nor `last`, nor the id of a flow run")


def _runs_of(settings: Settings, selection: _Selection) -> tuple[_Selection, list[Run], str | None]:
    """The selection by its number, the rows of its runs in the warehouse, and why there are none."""
    no_warehouse = "there is no warehouse yet"
    with existing_database(settings) as url:
        if url is None:
            return selection, [], no_warehouse
        with only_looking(url) as connection:
            if revision(connection) is None:
                return selection, [], no_warehouse
            newest = newest_run(connection)
            if selection == _Selection():
                selection = _Selection(run_id=newest)
            matching = runs_named(
                connection, [] if selection.run_id is None else [selection.run_id], selection.flow_run_id
            )
    if not matching:
        last = "" if newest is None else f"; the last one is {newest}"
        wanted = selection.flow_run_id or selection.run_id
        return selection, [], f"there is no run {wanted}{last}" if wanted else "there was no run yet"
    return selection, matching, None


def _show_run(out: Console, run: Run, local: ZoneInfo) -> None:
    day = f" as of {run.as_of}" if run.as_of else ""
    of_region = f" of {run.region}" if run.region and only_region() is None else ""
    backfill = f" of backfill {run.backfill_id}" if run.backfill_id else ""
    colour = "green" if run.state.startswith("completed") else "yellow" if run.state == "running" else "red"
    out.print(f"[bold]run {run.run_id}[/bold]: {run.kind}{of_region}{backfill}{day}, [{colour}]{run.state}[/{colour}]")
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at else None
    end = "and has not finished" if took is None else f"and took {took:.1f} s"
    out.print(f"  began {run.started_at.astimezone(local):%Y-%m-%d %H:%M:%S} {local.key} {end}")
    out.print(f"  deliveries read: {', '.join(f'{getattr(run, verdict)} {verdict}' for verdict in VERDICTS)}")
    if run.message:
        out.print(Text(f"  {run.message}"), soft_wrap=True)
    if run.flow_run_id:
        out.print(f"  flow run {run.flow_run_id}")


def _show_line(out: Console, line: Record, local: ZoneInfo) -> None:
    moment = line.at.astimezone(local)
    milliseconds = moment.microsecond // 1000
    text = Text(f"{moment:%Y-%m-%d %H:%M:%S}.{milliseconds:03} ", "dim")
    text.append(f"{line.level:<7} ", COLOURS.get(line.level, ""))
    out.print(text.append(line.message), soft_wrap=True)
