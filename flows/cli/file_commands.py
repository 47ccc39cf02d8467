"""The commands on files: checking and taking them in, what the reader sees, receipts and templates."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.context import read_settings
from flows.cli.options import (
    AsOf,
    EnglishFiles,
    EnglishJson,
    Files,
    FormName,
    Json,
    RegionCode,
    RegisterFile,
    SenderName,
)
from flows.home.json_output import write
from flows.home.usage import ENGINEER, OFFICER, SENDER, UsageError, must_be_known

if TYPE_CHECKING:
    from flows.home.settings import Settings
    from flows.intake.incoming import Options
    from flows.intake.outcome import Outcome

commands = typer.Typer()


@commands.command(rich_help_panel=SENDER)
def check(
    files: Files,
    form: FormName = None,
    sender: SenderName = None,
    as_of: AsOf = None,
    register: RegisterFile = None,
    as_json: Json = False,
) -> None:
    """Проверить файлы, ничего не сохраняя: без базы и без Prefect."""
    options, settings = _checked_options(files, form, sender, as_of, register), _settings_with_readers()
    files = _deliveries_among(files)
    from flows.cli.terminal import progress
    from flows.intake.dry_run import check as run_check

    with progress("проверка"):
        outcomes = run_check(files, options, settings)
    _show_and_exit(outcomes, as_json=as_json, with_ids=False)


@commands.command(rich_help_panel=OFFICER)
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
    options, settings = _checked_options(paths or [], form, sender, as_of, register), _settings_with_readers()
    deliveries = _deliveries_among(paths or [])
    if paths and not deliveries:  # without any path the inbox is meant
        _show_and_exit([], as_json=as_json, with_ids=True)
    from flows.cli.terminal import progress
    from flows.runs.ingest import ingest_by_hand

    with progress("приём"):
        outcomes = ingest_by_hand(deliveries, options, settings)
    _show_and_exit(outcomes, as_json=as_json, with_ids=True)


@commands.command(rich_help_panel=ENGINEER)
def grid(
    files: EnglishFiles,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document a line, one for each file.")] = False,
) -> None:
    """Show what the reader sees: sheets, used range, merged ranges, cells with their addresses."""
    _must_exist(files)
    settings = _settings_with_readers()
    from flows.cli.grid_command import show_grids

    raise typer.Exit(show_grids(files, settings, as_json=as_json))


@commands.command(rich_help_panel=SENDER)
def receipt(
    delivery: Annotated[str, typer.Argument(help="Номер, имя файла или начало суммы sha256.", show_default=False)],
    to: Annotated[Path | None, typer.Option("--to", help="Файл или папка; без них — исходящие.")] = None,
) -> None:
    """Записать квитанцию доставки ещё раз и сказать, где она."""
    from flows.outbox.written_again import write_receipt

    typer.echo(write_receipt(read_settings(), delivery, to))


@commands.command(rich_help_panel=ENGINEER)
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
    options, settings = _checked_options(files, form, sender, None, None), _settings_with_readers()
    from flows.cli.layout_command import show_layouts

    show_layouts(files, options, settings, as_json=as_json, propose=propose, to=to)


@commands.command(rich_help_panel=SENDER)
def template(
    form: Annotated[str, typer.Argument(help="Форма, которую заполнять.", show_default=False)],
    sender: Annotated[str | None, typer.Option("--sender", help="Кто заполнит: в книге будут его школы.")] = None,
    as_of: AsOf = None,
    register: Annotated[Path | None, typer.Option("--register", help="Взять школы из этого реестра.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Файл или папка.")] = None,
    region: RegionCode = None,
) -> None:
    """Сделать книгу для заполнения: заголовки, подсказки, списки, проверки, школы отправителя."""
    _must_exist([register] if register else [])
    from flows.outbox.templates import write_template

    settings = _settings_with_readers() if register else read_settings()
    typer.echo(write_template(settings, form, sender, as_of, register, to, region))


def _settings_with_readers() -> Settings:
    """The settings; the processes that read files are started, so that they get ready while we import what we need."""
    from flows.home.archived import readers

    settings = read_settings()
    readers(settings)
    return settings


def _checked_options(
    paths: list[Path], form: str | None, sender: str | None, as_of: dt.date | None, register: Path | None
) -> Options:
    """The options of a command. Raises UsageError when they name what does not exist."""
    from contracts.forms import FORMS
    from contracts.vocabulary import rows
    from flows.intake.incoming import Options

    _must_exist([*paths, *([register] if register else [])])
    must_be_known([form] if form is not None else [], [listed_form.name for listed_form in FORMS], "form")
    must_be_known([sender] if sender is not None else [], [row["sender"] for row in rows("senders")], "sender")
    return Options(form, sender, as_of, register)


def _deliveries_among(paths: list[Path]) -> list[Path]:
    """The paths that may be deliveries; standard error names those that are none by their names."""
    from flows.intake.passed_by import deliveries

    accepted, notes = deliveries(paths)
    for note in notes:
        typer.echo(note, err=True)
    return accepted


def _must_exist(paths: list[Path]) -> None:
    """Raises UsageError for the first that is not there."""
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file {str(path)!r}", f"файла «{path}» нет")


def _show_and_exit(outcomes: list[Outcome], *, as_json: bool, with_ids: bool) -> None:
    """Print outcomes for a program or for people, and end with their exit code."""

    from flows.cli.terminal import console, show_outcomes
    from flows.intake.outcome import exit_code

    if as_json:
        documents = [outcome.document(with_ids=with_ids) for outcome in outcomes]
        write(documents)
    else:
        show_outcomes(console(), outcomes)
    raise typer.Exit(exit_code(outcomes))
