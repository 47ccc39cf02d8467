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
from flows.usage import ENGINEER, OFFICER, OPERATING, SENDER, UsageError, day, moment, must_be_known

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
run = typer.Typer(help="Запустить сейчас.", no_args_is_help=True)
app.add_typer(run, name="run", rich_help_panel=OFFICER)
app.add_typer(database, name="db", rich_help_panel=ENGINEER)
app.add_typer(backfill, name="backfill", rich_help_panel=ENGINEER)
app.add_typer(operating, rich_help_panel=OPERATING)
app.command(rich_help_panel=OFFICER)(nothing)
app.add_typer(messages, name="messages", rich_help_panel=OFFICER)
app.add_typer(incidents, name="incidents", rich_help_panel=OFFICER)


Files = Annotated[list[Path], typer.Argument(help="Файлы или папки с файлами.", show_default=False)]
EnglishFiles = Annotated[list[Path], typer.Argument(help="Files, or folders of files.", show_default=False)]
EnglishJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
FormName = Annotated[str | None, typer.Option("--form", help="Форма, если файл спрашивать не нужно.")]
SenderName = Annotated[str | None, typer.Option("--sender", help="Отправитель, если файл спрашивать не нужно.")]
AsOf = Annotated[dt.date | None, typer.Option(parser=day, metavar="ДАТА", help="На какую дату данные.")]
RegisterFile = Annotated[
    Path | None, typer.Option("--register", help="Реестр школ, с которым сверять; `ingest` сначала примет его.")
]
Json = Annotated[bool, typer.Option("--json", help="Только документ JSON.")]
KnownAt = Annotated[
    dt.datetime | None, typer.Option(parser=moment, metavar="TIME", help="Как это было известно к моменту.")
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


@app.command(rich_help_panel=OFFICER)
def demo(
    files_only: Annotated[
        Path | None, typer.Option("--files-only", help="Только записать файлы области в эту папку.")
    ] = None,
) -> None:
    """Мониторинг Томской области в сентябре 2023 от начала до конца: файлы, две ночи, таблицы."""
    from flows.demo import run_demo, write_files

    if files_only is not None:
        write_files(files_only)
        return
    raise typer.Exit(run_demo(settings()))


@app.command(rich_help_panel=SENDER)
def check(
    files: Files,
    form: FormName = None,
    sender: SenderName = None,
    as_of: AsOf = None,
    register: RegisterFile = None,
    as_json: Json = False,
) -> None:
    """Проверить файлы, ничего не сохраняя: без базы и без Prefect."""
    options, found = known_options(files, form, sender, as_of, register), reading_settings()
    files = told_deliveries(files)
    from flows.check import check as run_check
    from flows.terminal import progress

    with progress("проверка"):
        outcomes = run_check(files, options, found)
    tell(outcomes, as_json=as_json, with_ids=False)


@app.command(rich_help_panel=OFFICER)
def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Файлы или папки; без них — то, что приняла бы ночь.", show_default=False),
    ] = None,
    form: FormName = None,
    sender: SenderName = None,
    as_of: AsOf = None,
    register: RegisterFile = None,
    as_json: Json = False,
) -> None:
    """Принять файлы: в архив, на проверку, в базу; опубликовать витрины, записать квитанции в исходящие."""
    if not paths and (form, sender, as_of) != (None, None, None):
        raise UsageError("назовите файлы, о которых говорят --form, --sender или --as-of")
    options, found = known_options(paths or [], form, sender, as_of, register), reading_settings()
    kept = told_deliveries(paths or [])
    if paths and not kept:  # without any path the inbox is meant
        tell([], as_json=as_json, with_ids=True)
    from flows.ingest import ingest as run_ingest
    from flows.terminal import progress

    with progress("приём"):
        outcomes = run_ingest(kept, options, found)
    tell(outcomes, as_json=as_json, with_ids=True)


@app.command(rich_help_panel=ENGINEER)
def grid(
    files: EnglishFiles,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document a line, one for each file.")] = False,
) -> None:
    """Show what the reader sees: sheets, used range, merged ranges, cells with their addresses."""
    must_exist(files)
    found = reading_settings()
    from flows.grid import show_grids

    raise typer.Exit(show_grids(files, found, as_json=as_json))


@app.command(rich_help_panel=SENDER)
def receipt(
    delivery: Annotated[str, typer.Argument(help="Номер, имя файла или начало суммы sha256.", show_default=False)],
    to: Annotated[Path | None, typer.Option("--to", help="Файл или папка; без них — исходящие.")] = None,
) -> None:
    """Записать квитанцию доставки ещё раз и сказать, где она."""
    from flows.receipt import write_receipt

    typer.echo(write_receipt(settings(), delivery, to))


@app.command(rich_help_panel=ENGINEER)
def layout(
    files: EnglishFiles,
    form: Annotated[str | None, typer.Option(help="The form, when the file must not be asked.")] = None,
    sender: Annotated[str | None, typer.Option(help="The sender, when the file must not be asked.")] = None,
    as_json: EnglishJson = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Write a patch file that adds the suggested headings to the contract.")
    ] = False,
    to: Annotated[Path | None, typer.Option("--to", help="The patch file to write, or the folder for it.")] = None,
) -> None:
    """Show how headings are understood: matched, missing, unknown, and moved since the sender's last delivery."""
    options, found = known_options(files, form, sender, None, None), reading_settings()
    from flows.layout import show_layouts

    show_layouts(files, options, found, as_json=as_json, propose=propose, to=to)


@app.command(rich_help_panel=OFFICER)
def mart(
    name: Annotated[str, typer.Argument(help="Витрина; неизвестное имя покажет все.", show_default=False)],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    to: Annotated[str, typer.Option("--format", help="table, csv, json или xlsx.")] = "table",
) -> None:
    """Напечатать витрину, без --as-of — на последнюю опубликованную дату."""
    from flows.mart import print_mart

    print_mart(settings(), name, as_of, known_at, to)


@app.command(rich_help_panel=OFFICER)
def dictionary(
    name: Annotated[str | None, typer.Argument(help="Только эта витрина.", show_default=False)] = None,
) -> None:
    """Витрины и их столбцы словами, в Markdown."""
    from flows.dictionary import show_dictionary

    show_dictionary(name)


@app.command(rich_help_panel=SENDER)
def template(
    form: Annotated[str, typer.Argument(help="Форма, которую заполнять.", show_default=False)],
    sender: Annotated[str | None, typer.Option("--sender", help="Кто заполнит: в книге будут его школы.")] = None,
    as_of: AsOf = None,
    register: Annotated[Path | None, typer.Option("--register", help="Взять школы из этого реестра.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Файл или папка.")] = None,
) -> None:
    """Сделать книгу для заполнения: заголовки, подсказки, списки, проверки, школы отправителя."""
    must_exist([register] if register else [])
    from flows.template import write_template

    found = reading_settings() if register else settings()
    typer.echo(write_template(found, form, sender, as_of, register, to))


@app.command(rich_help_panel=OFFICER)
def status(as_json: Json = False) -> None:
    """Как дела: ночи, свежесть, отправители, инциденты, сообщения, что ждёт, кто проверен по прежним правилам."""
    from flows.status_screen import show_status
    from flows.terminal import console

    show_status(settings(), console(), as_json=as_json)


@app.command(rich_help_panel=OFFICER)
def routing(
    test: Annotated[str | None, typer.Option("--test", help="Послать письмо этому получателю, каждым каналом.")] = None,
) -> None:
    """Кому что говорят, каким каналом и когда."""
    from flows.message_commands import show_routing

    raise typer.Exit(show_routing(settings(), test))


@app.command(rich_help_panel=ENGINEER)
def doctor(as_json: EnglishJson = False) -> None:
    """Check the laws on the live warehouse and its archive; exit 1 if any is broken."""
    from flows.doctor import examine, show
    from flows.terminal import console, progress

    with progress("архив"):
        found = examine(settings())
    raise typer.Exit(show(found, console(), as_json=as_json))


@run.command("nightly")
def run_nightly(as_of: AsOf = None) -> None:
    """Принять входящие, опубликовать, показать таблицы — как каждую ночь по расписанию."""
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
            raise UsageError(f"there is no file {str(path)!r}", f"файла «{path}» нет")


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


def speaks_russian(arguments: list[str]) -> bool:
    """Is the command that is called one for officers and senders?"""
    named = next((each for each in arguments if not each.startswith("-")), "")
    command = getattr(typer.main.get_command(app), "commands", {}).get(named)
    return getattr(command, "rich_help_panel", None) in (OFFICER, SENDER)


def main() -> None:
    """Run the command line; a failure of ours is one sentence and exit code 1, wrong usage one sentence and 2."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last resort of a command
        if isinstance(error, UsageError):
            typer.echo(f"profmin: {error.russian if speaks_russian(sys.argv[1:]) else error}", err=True)
            sys.exit(2)
        from flows.trouble import log_failure

        log_failure(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
