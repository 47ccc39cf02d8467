"""The command line. Each command imports what it needs when it runs, so that `profmin --help` is quick."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.access_commands import commands as access
from flows.cli.backfill_commands import commands as backfill
from flows.cli.context import read_settings
from flows.cli.database_commands import commands as database
from flows.cli.delivery_commands import commands as deliveries
from flows.cli.file_commands import commands as files
from flows.cli.incident_commands import commands as incidents
from flows.cli.message_commands import commands as messages
from flows.cli.operating_commands import commands as operating
from flows.cli.options import AsOf, Country, EnglishJson, Json, KnownAt, RegionCode
from flows.cli.region_commands import commands as regions
from flows.cli.statement_commands import nothing
from flows.home.usage import ENGINEER, OFFICER, OPERATING, SENDER, WRONG_USAGE, UsageError, day

app = typer.Typer(
    help="Monitoring of schools' readiness for the career-guidance minimum and of registration on «Билет в будущее».",
    epilog="Exit codes: 0 nothing wrong, 3 rows quarantined, 4 a delivery refused, held or waiting, 2 wrong usage, "
    "1 our own failure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
run = typer.Typer(help="Запустить сейчас.", no_args_is_help=True)
app.add_typer(run, name="run", rich_help_panel=OFFICER)
app.add_typer(files)
app.add_typer(database, name="db", rich_help_panel=ENGINEER)
app.add_typer(access, name="access", rich_help_panel=ENGINEER)
app.add_typer(backfill, name="backfill", rich_help_panel=ENGINEER)
app.add_typer(operating, rich_help_panel=OPERATING)
app.command(rich_help_panel=OFFICER)(nothing)
app.add_typer(messages, name="messages", rich_help_panel=OFFICER)
app.add_typer(incidents, name="incidents", rich_help_panel=OFFICER)
app.add_typer(deliveries, name="deliveries", rich_help_panel=OFFICER)
app.add_typer(regions, name="region", rich_help_panel=OFFICER)


def _tell_version(is_wanted: bool) -> None:
    """Print the version and end, when asked."""
    if is_wanted:
        from importlib.metadata import version

        typer.echo(f"profmin {version('profmin')}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which version this is.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the whole log, where an error came from included.")
    ] = False,
) -> None:
    """Monitoring of schools' readiness for the career-guidance minimum and of registration on «Билет в будущее»."""
    if debug:
        os.environ["PROFMIN_LOG_LEVEL"] = "debug"
    if folder := os.environ.get("PROFMIN_REGIONS"):  # before a command asks for anything of a region
        from contracts.regions import read_from
        from contracts.regions.pack_table import PackFault

        with suppress(PackFault):  # the settings will tell
            read_from(Path(folder))


@app.command(rich_help_panel=OFFICER)
def demo(
    files_only: Annotated[
        Path | None, typer.Option("--files-only", help="Только записать файлы области в эту папку.")
    ] = None,
    autumn: Annotated[
        bool, typer.Option("--autumn", help="Прожить осень ночь за ночью: с 1 сентября по 31 января, все формы.")
    ] = False,
    until: Annotated[
        dt.date | None, typer.Option("--until", parser=day, metavar="ДАТА", help="С --autumn: по какой день.")
    ] = None,
    region: RegionCode = None,
) -> None:
    """Мониторинг области (Томской или другой) от начала до конца: файлы, две ночи или вся осень, таблицы."""
    from flows.cli.demo import run_autumn, run_demo, write_files

    settings = read_settings()
    if files_only is not None:
        write_files(files_only, region)
        return
    if autumn:
        raise typer.Exit(run_autumn(settings, region, until))
    raise typer.Exit(run_demo(settings, region))


@app.command(rich_help_panel=OFFICER)
def mart(
    name: Annotated[str, typer.Argument(help="Витрина; неизвестное имя покажет все.", show_default=False)],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="table, csv, json или xlsx; без неё — по имени файла в --to.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Записать в этот файл.")] = None,
    region: RegionCode = None,
    matrix: Annotated[
        str | None,
        typer.Option("--matrix", metavar="FIGURE", help="Одна цифра: на каждую дату, как знала каждая публикация."),
    ] = None,
) -> None:
    """Напечатать витрину, без --as-of — на последнюю опубликованную дату каждого региона."""
    from flows.cli.mart_command import print_mart

    if matrix is not None:
        from flows.cli.report_command import print_matrix

        print_matrix(read_settings(), name, matrix, as_of, known_at, format_, to, region)
        return
    print_mart(read_settings(), name, as_of, known_at, format_, to, region)


@app.command(rich_help_panel=OFFICER)
def report(
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="UNIT", help="Только эта отчётная единица и её школы, по коду.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Записать в этот файл.")] = None,
    region: RegionCode = None,
) -> None:
    """Все витрины региона или единицы одной книгой: содержание с цифрами, полнота, кому звонить, лист на витрину."""
    from flows.cli.report_command import write_report

    write_report(read_settings(), unit, as_of, known_at, to, region)


@app.command(rich_help_panel=OFFICER)
def deck(
    as_of: AsOf = None,
    known_at: KnownAt = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Записать в этот файл .pptx.")] = None,
    region: RegionCode = None,
    country: Country = False,
) -> None:
    """Презентация региона из витрин: системы, две таблицы мониторинга, план, перемены; --known-at — прежняя."""
    from flows.cli.deck_command import write_slides

    write_slides(read_settings(), as_of, known_at, to, region, country=country)


@app.command(rich_help_panel=OFFICER)
def page(
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="UNIT", help="Только для этой отчётной единицы, по коду.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Записать в эту папку; без неё — в PROFMIN_SITE или site."),
    ] = None,
    region: RegionCode = None,
    country: Country = False,
) -> None:
    """Страницы для чтения без программ: регион и каждая единица в своей папке; прежние адреса остаются."""
    from flows.cli.page_command import write_pages

    write_pages(read_settings(), unit, as_of, known_at, to, region, country=country)


@app.command(rich_help_panel=OFFICER)
def dictionary(
    name: Annotated[str | None, typer.Argument(help="Только эта витрина.", show_default=False)] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format", help="markdown — людям; json — каталогу данных; csvw — файлам csv; superset — архив для него."
        ),
    ] = "markdown",
) -> None:
    """Витрины и их столбцы словами: в Markdown, или в JSON для каталога данных."""
    from flows.cli.dictionary import show_dictionary

    show_dictionary(name, format_)


@app.command(rich_help_panel=OFFICER)
def status(region: RegionCode = None, as_json: Json = False) -> None:
    """Как дела: ночи, свежесть, отправители, инциденты, сообщения, что ждёт, кто проверен по прежним правилам."""
    from flows.cli.status_screen import show_status
    from flows.cli.terminal import console

    show_status(read_settings(), console(), region, as_json=as_json)


@app.command(rich_help_panel=OFFICER)
def routing(
    test: Annotated[str | None, typer.Option("--test", help="Послать письмо этому получателю, каждым каналом.")] = None,
    region: RegionCode = None,
) -> None:
    """Кому что говорят, каким каналом и когда."""
    from flows.cli.message_commands import show_routing

    raise typer.Exit(show_routing(read_settings(), test, region))


@app.command(rich_help_panel=OFFICER)
def subject(
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Записать в этот файл (JSON).")] = None,
    destroy: Annotated[
        bool, typer.Option("--destroy", help="Уничтожить выгрузки, в которых он назван; спрашивает ещё раз.")
    ] = False,
) -> None:
    """Что хранится об одном обучающемся; имя и дата рождения спрашиваются и нигде не остаются."""
    from flows.cli.subject_command import show_subject

    raise typer.Exit(show_subject(read_settings(), to, destroy=destroy))


@app.command(rich_help_panel=ENGINEER)
def doctor(as_json: EnglishJson = False) -> None:
    """Check the laws on the live warehouse and its archive; exit 1 if any is broken."""
    from flows.cli.terminal import console, progress
    from flows.upkeep.doctor import examination, show

    settings = read_settings()
    with progress("архив"):
        laws, can_read = examination(settings)
    raise typer.Exit(show(laws, can_read, settings, console(), as_json=as_json))


@run.command("nightly")
def run_nightly(as_of: AsOf = None, region: RegionCode = None) -> None:
    """Принять входящие, опубликовать, показать таблицы — как каждую ночь по расписанию; без --region все по очереди."""
    from flows.cli.demo import run_night

    raise typer.Exit(run_night(read_settings(), as_of, region))


@cache
def commands() -> Callable[[], object]:
    """The whole command line: to make it of its functions is most of what a short command does."""
    return typer.main.get_command(app)


def _speaks_russian(arguments: list[str]) -> bool:
    """Is the command that is called one for officers and senders?"""
    command_name = next((argument for argument in arguments if not argument.startswith("-")), "")
    command = getattr(commands(), "commands", {}).get(command_name)
    return getattr(command, "rich_help_panel", None) in (OFFICER, SENDER)


def main() -> None:
    """Run the command line; a failure of ours is one sentence and exit code 1, wrong usage one sentence and 2."""
    try:
        commands()()
    except Exception as error:  # noqa: BLE001 - the last resort of a command
        if isinstance(error, UsageError):
            typer.echo(f"profmin: {error.russian if _speaks_russian(sys.argv[1:]) else error}", err=True)
            sys.exit(WRONG_USAGE)
        from flows.home.faults import log_failure

        log_failure(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
