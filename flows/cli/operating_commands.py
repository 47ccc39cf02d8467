"""The commands of whoever operates the service: from `profmin up` to `profmin restore`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.context import read_settings
from flows.cli.options import EnglishJson as Json
from flows.cli.options import EnglishRegionCode as RegionCode
from flows.home.usage import OPERATING, UsageError

if TYPE_CHECKING:
    pass

commands = typer.Typer()


@commands.command(rich_help_panel=OPERATING)
def up(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Be the service, for systemd or a container.")
    ] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of Prefect's server on loopback.")] = None,
    show_state: Annotated[
        bool, typer.Option("--status", help="Only say what runs; exit 1 if it is not ready.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --status: print one JSON document.")] = False,
    regions: Annotated[
        int | None, typer.Option("--regions", min=1, help="Take so many shipped packs first, to try several regions.")
    ] = None,
) -> None:
    """Start the whole service on this machine: database, Prefect, worker, schedules. Again: bring it up to date."""
    from flows.cli.service_commands import show_status as show_service
    from flows.cli.service_commands import up as start_service

    if as_json and not show_state:
        raise UsageError("--json goes with --status")
    if regions is not None and show_state:
        raise UsageError("--regions does not go with --status")
    if regions is not None:
        from flows.cli.region_commands import take_shipped

        take_shipped(regions)
    settings = read_settings()
    raise typer.Exit(
        show_service(settings, as_json=as_json) if show_state else start_service(settings, port, foreground=foreground)
    )


@commands.command(rich_help_panel=OPERATING)
def down(
    timeout: Annotated[float, typer.Option(min=0, help="How many seconds to wait for runs to end.")] = 600,
) -> None:
    """Let what runs come to its end, then stop the service."""
    from flows.cli.service_commands import down as stop_service

    raise typer.Exit(stop_service(read_settings(), timeout))


@commands.command(rich_help_panel=OPERATING)
def deploy() -> None:
    """Bring deployments and automations to Prefect's server; what is as it should be is not touched."""
    from flows.cli.service_commands import deploy as deploy_all

    raise typer.Exit(deploy_all(read_settings()))


@commands.command(rich_help_panel=OPERATING)
def logs(
    run: Annotated[str, typer.Argument(help="The number of a run, `last`, or the id of a Prefect flow run.")],
    as_json: Json = False,
) -> None:
    """What a run was and what came of it, then its lines of the log."""
    from flows.cli.terminal import console
    from flows.runs.logs import show_logs

    show_logs(read_settings(), run, console(), as_json=as_json)


@commands.command(rich_help_panel=OPERATING)
def metrics(
    serve: Annotated[
        int | None, typer.Option("--serve", min=1, max=65535, metavar="PORT", help="Serve them on loopback instead.")
    ] = None,
) -> None:
    """Print the metrics of the warehouse for Prometheus, as each run writes them into PROFMIN_METRICS_FILE."""
    from flows.runs.metrics import print_metrics, serve_metrics

    print_metrics(read_settings()) if serve is None else serve_metrics(read_settings(), serve)


@commands.command(rich_help_panel=OPERATING)
def freshness(region: RegionCode = None, as_json: Json = False) -> None:
    """One line: was there a night and a publication lately? Exit 1 if not. Asks the warehouse alone, for cron."""
    from flows.runs.freshness import show_freshness

    raise typer.Exit(show_freshness(read_settings(), dt.datetime.now(dt.UTC), region, as_json=as_json))


@commands.command("worker", rich_help_panel=OPERATING)
def be_a_worker(
    limit: Annotated[int, typer.Option(min=1, help="How many runs at once.")] = 4,
    name: Annotated[str | None, typer.Option(help="By default profmin on the name of the machine.")] = None,
) -> None:
    """Take runs of the server that PREFECT_API_URL names. SIGTERM: take no more, and end when those begun are done."""
    from flows.cli.worker_commands import work_for_server

    read_settings()
    work_for_server(name, limit)


@commands.command("drain", rich_help_panel=OPERATING)
def drain_pool(
    timeout: Annotated[float, typer.Option(min=0, help="How many seconds to wait for runs to end.")] = 600,
) -> None:
    """Let no run begin on any machine of the server that PREFECT_API_URL names, and wait; exit 1 if some are left."""
    from flows.cli.worker_commands import drain_server

    read_settings()
    raise typer.Exit(drain_server(timeout))


@commands.command(rich_help_panel=OPERATING)
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what is kept no longer: old texts and receipts, and pupils' data with an act (PROFMIN_PUPIL_DAYS)."""
    from flows.upkeep.retention import show_purge

    show_purge(read_settings(), dt.datetime.now(dt.UTC), dry_run=dry_run, as_json=as_json)


@commands.command(rich_help_panel=OPERATING)
def acts(as_json: Json = False) -> None:
    """The acts about what was destroyed: where, until when to keep, how signed; exit 1 if one is gone or changed."""
    from contracts.regions import zone_of
    from flows.upkeep.acts import show_acts

    raise typer.Exit(show_acts(read_settings(), dt.datetime.now(zone_of(None)).date(), as_json=as_json))


@commands.command(rich_help_panel=OPERATING)
def rekey() -> None:
    """Give pupils other pseudonyms under new keys of their academic years, and seal the archive by these."""
    from flows.upkeep.rekey import show_rekeyed

    show_rekeyed(read_settings())


@commands.command(rich_help_panel=OPERATING)
def backup(to: Annotated[Path, typer.Argument(help="A new or empty folder.", show_default=False)]) -> None:
    """Write the database, the archive, keys, receipts and acts into a folder; runs may go on meanwhile."""
    from flows.cli.terminal import progress
    from flows.upkeep.backup import show_backup

    with progress("архив"):
        show_backup(read_settings(), to, dt.datetime.now(dt.UTC))


@commands.command(rich_help_panel=OPERATING)
def restore(source: Annotated[Path, typer.Argument(help="What `profmin backup` wrote.", show_default=False)]) -> None:
    """Bring a backup back into an empty home and an empty database, then check the laws; exit 1 if one is broken."""
    from flows.upkeep.backup import show_restored

    raise typer.Exit(show_restored(read_settings(), source))
