"""The command line. Each command imports what it needs when it runs, so that `profmin --help` is quick."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.backfill_commands import commands as backfill
from flows.database_commands import commands as database
from flows.incident_commands import commands as incidents
from flows.message_commands import commands as messages
from flows.operating_commands import commands as operating
from flows.statement_commands import nothing
from flows.usage import UsageError, day, moment, must_be_known

if TYPE_CHECKING:
    from flows.outcome import Outcome
    from flows.reader import Options
    from flows.settings import Settings

app = typer.Typer(
    help="Monitoring of schools' readiness for the career-guidance minimum and of registration on «Билет в будущее».",
    epilog="Exit codes: 0 nothing wrong, 3 rows quarantined, 4 a delivery refused, 2 wrong usage, 1 our own failure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
run = typer.Typer(help="Run a flow now.", no_args_is_help=True)
app.add_typer(run, name="run")
app.add_typer(database, name="db")
app.add_typer(backfill, name="backfill")
app.add_typer(operating)
app.command()(nothing)
app.add_typer(messages, name="messages")
app.add_typer(incidents, name="incidents")


Files = Annotated[list[Path], typer.Argument(help="Files, or folders of files.", show_default=False)]
FormName = Annotated[str | None, typer.Option("--form", help="The form, when the file must not be asked.")]
SenderName = Annotated[str | None, typer.Option("--sender", help="The sender, when the file must not be asked.")]
AsOf = Annotated[dt.date | None, typer.Option(parser=day, metavar="DATE", help="The date that the data is for.")]
RegisterFile = Annotated[
    Path | None, typer.Option("--register", help="A register of schools to check with; `ingest` takes it in first.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
KnownAt = Annotated[
    dt.datetime | None, typer.Option(parser=moment, metavar="TIME", help="As it would have been known at a moment.")
]


def tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"profmin {version('profmin')}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the whole log, where an error came from included.")
    ] = False,
) -> None:
    """Monitoring of schools' readiness for the career-guidance minimum and of registration on «Билет в будущее»."""
    if debug:
        import os

        os.environ["PROFMIN_LOG_LEVEL"] = "debug"


@app.command()
def demo(
    files_only: Annotated[
        Path | None, typer.Option("--files-only", help="Only write the region's files into this folder.")
    ] = None,
) -> None:
    """The September 2023 monitoring of Tomsk oblast, end to end: write its files, run a night, show the tables."""
    from flows.demo import run_demo, write_files

    if files_only is not None:
        write_files(files_only)
        return
    raise typer.Exit(run_demo(settings()))


@app.command()
def check(
    files: Files,
    form: FormName = None,
    sender: SenderName = None,
    as_of: AsOf = None,
    register: RegisterFile = None,
    as_json: Json = False,
) -> None:
    """Check files without keeping anything: no database, no Prefect."""
    options, found = known_options(files, form, sender, as_of, register), reading_settings()
    files = told_deliveries(files)
    from flows.check import check as run_check
    from flows.terminal import progress

    with progress("проверка"):
        outcomes = run_check(files, options, found)
    tell(outcomes, as_json=as_json, with_ids=False)


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, or folders of files; by default what the night would take in.", show_default=False),
    ] = None,
    form: FormName = None,
    sender: SenderName = None,
    as_of: AsOf = None,
    register: RegisterFile = None,
    as_json: Json = False,
) -> None:
    """Archive, check and load files, publish the marts they change, and write receipts to the outbox."""
    if not paths and (form, sender, as_of) != (None, None, None):
        raise UsageError("name the files of which --form, --sender or --as-of speaks")
    options, found = known_options(paths or [], form, sender, as_of, register), reading_settings()
    kept = told_deliveries(paths or [])
    if paths and not kept:  # without any path the inbox is meant
        tell([], as_json=as_json, with_ids=True)
    from flows.ingest import ingest as run_ingest
    from flows.terminal import progress

    with progress("приём"):
        outcomes = run_ingest(kept, options, found)
    tell(outcomes, as_json=as_json, with_ids=True)


@app.command()
def grid(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document a line, one for each file.")] = False,
) -> None:
    """Show what the reader sees: sheets, used range, merged ranges, cells with their addresses."""
    must_exist(files)
    found = reading_settings()
    from flows.grid import show_grids

    raise typer.Exit(show_grids(files, found, as_json=as_json))


@app.command()
def receipt(
    delivery: Annotated[
        str, typer.Argument(help="An id, a file name, or the first digits of a sha256.", show_default=False)
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="The file to write, or the folder for it; by default the outbox.")
    ] = None,
) -> None:
    """Write the receipt of a delivery again, and print where it is."""
    from flows.receipt import write_receipt

    typer.echo(write_receipt(settings(), delivery, to))


@app.command()
def layout(
    files: Files,
    form: FormName = None,
    sender: SenderName = None,
    as_json: Json = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Write a patch file that adds the suggested headings to the contract.")
    ] = False,
    to: Annotated[Path | None, typer.Option("--to", help="The patch file to write, or the folder for it.")] = None,
) -> None:
    """Show how headings are understood: matched, missing, unknown, and moved since the sender's last delivery."""
    options, found = known_options(files, form, sender, None, None), reading_settings()
    from flows.layout import show_layouts

    show_layouts(files, options, found, as_json=as_json, propose=propose, to=to)


@app.command()
def mart(
    name: Annotated[str, typer.Argument(help="The mart; an unknown name lists them all.", show_default=False)],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    to: Annotated[str, typer.Option("--format", help="table, csv, json or xlsx.")] = "table",
) -> None:
    """Print a mart, by default as of the last published date."""
    from flows.mart import print_mart

    print_mart(settings(), name, as_of, known_at, to)


@app.command()
def dictionary(
    name: Annotated[str | None, typer.Argument(help="Only this mart.", show_default=False)] = None,
) -> None:
    """The marts and their columns in words, as Markdown."""
    from flows.dictionary import show_dictionary

    show_dictionary(name)


@app.command()
def template(
    form: Annotated[str, typer.Argument(help="The form to be filled in.", show_default=False)],
    sender: Annotated[str | None, typer.Option("--sender", help="Who will fill it in; its schools are there.")] = None,
    as_of: AsOf = None,
    register: Annotated[Path | None, typer.Option("--register", help="Take the schools from this register.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The file to write, or the folder for it.")] = None,
) -> None:
    """Make a workbook to fill in from the contract of a form: headings, hints, lists, guards, the sender's schools."""
    must_exist([register] if register else [])
    from flows.template import write_template

    found = reading_settings() if register else settings()
    typer.echo(write_template(found, form, sender, as_of, register, to))


@app.command()
def status(as_json: Json = False) -> None:
    """How things stand: nights, freshness, senders, incidents, messages, what waits, who was judged by older rules."""
    from flows.status_screen import show_status
    from flows.terminal import console

    show_status(settings(), console(), as_json=as_json)


@app.command()
def routing(
    test: Annotated[str | None, typer.Option("--test", help="Send this recipient a letter by each channel.")] = None,
) -> None:
    """Check the routing and show who is told what, by which channel and when."""
    from flows.message_commands import show_routing

    raise typer.Exit(show_routing(settings(), test))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check the laws on the live warehouse and its archive; exit 1 if any is broken."""
    from flows.doctor import examine, show
    from flows.terminal import console, progress

    with progress("архив"):
        found = examine(settings())
    raise typer.Exit(show(found, console(), as_json=as_json))


@run.command("nightly")
def run_nightly(as_of: AsOf = None) -> None:
    """Take in the inbox, publish, and show the tables, as the schedule does every night."""
    from flows.demo import run_night

    raise typer.Exit(run_night(settings(), as_of))


def settings() -> Settings:
    """The settings, with the log set up. Raises UsageError that names the variable that is wrong."""
    from pydantic import ValidationError

    from flows.settings import Settings
    from flows.trouble import log_to

    try:
        found = Settings()
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "PROFMIN_" + "_".join(map(str, wrong["loc"])).upper()
        raise UsageError(f"{name}: {wrong['msg'].removeprefix('Value error, ')}") from None
    found.restrict()
    log_to(found.log_file if found.home.is_dir() else None, found.log_level, found.log_format)
    return found


def reading_settings() -> Settings:
    """The settings, with the processes that read files on their way while we import what we need."""
    from documents.sandbox import shared

    found = settings()
    shared(found.reader_processes, found.reader_limits)
    return found


def known_options(
    paths: list[Path], form: str | None, sender: str | None, as_of: dt.date | None, register: Path | None
) -> Options:
    """The options, if they name what exists."""
    from contracts.forms import FORMS
    from contracts.vocabulary import rows
    from flows.reader import Options

    must_exist([*paths, *([register] if register else [])])
    must_be_known([form] if form is not None else [], [known.name for known in FORMS], "form")
    must_be_known([sender] if sender is not None else [], [row["sender"] for row in rows("senders")], "sender")
    return Options(form, sender, as_of, register)


def told_deliveries(paths: list[Path]) -> list[Path]:
    """The paths that may be deliveries; of a file that is none by its name one line is told."""
    from flows.passed_by import deliveries

    kept, notes = deliveries(paths)
    for note in notes:
        typer.echo(note, err=True)
    return kept


def must_exist(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file {str(path)!r}")


def tell(outcomes: list[Outcome], *, as_json: bool, with_ids: bool) -> None:
    """Print outcomes for a program or for people, and end with their exit code."""
    import json

    from flows.outcome import exit_code
    from flows.terminal import console, show_outcomes

    if as_json:
        documents = [outcome.document(with_ids=with_ids) for outcome in outcomes]
        typer.echo(json.dumps(documents, ensure_ascii=False, indent=2))
    else:
        show_outcomes(console(), outcomes)
    raise typer.Exit(exit_code(outcomes))


def main() -> None:
    """Run the command line; a failure of ours is one sentence and exit code 1, wrong usage one sentence and 2."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last resort of a command
        if isinstance(error, UsageError):
            typer.echo(f"profmin: {error}", err=True)
            sys.exit(2)
        from flows.trouble import log_failure

        log_failure(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
