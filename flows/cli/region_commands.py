"""`profmin region …`: the packs of regions, what is wrong with one, and the versions of what its tables say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json
from flows.home.usage import UsageError, day

if TYPE_CHECKING:
    from contracts.regions.pack import Region

commands = typer.Typer(help="Папки регионов: какие действуют, что в них не так, что изменено.", no_args_is_help=True)

WRONG = 4
"""Exit code for a pack that is refused, as for a delivery."""
Pack = Annotated[str, typer.Argument(metavar="ПАКЕТ", help="Папка региона, или код действующего.", show_default=False)]


@commands.command("list")
def list_(as_json: Json = False) -> None:
    """Действующие регионы: код, название, часовой пояс, сколько единиц и отправителей, где папка."""
    from flows.home.json_output import write

    told = [
        {
            "code": region.code,
            "name": region.name,
            "time_zone": region.time_zone,
            "units": len({line["reporting_unit"] for line in region.lines("reporting_units")}),
            "senders": len(region.lines("senders")),
            "folder": str(region.folder),
        }
        for region in _in_force()
    ]
    if as_json:
        write(told)
        return
    for one in told:
        typer.echo(
            f"{one['code']}  {one['name']}, {one['time_zone']}: единиц {one['units']}, отправителей {one['senders']}"
            f"\n    {one['folder']}"
        )


@commands.command("check")
def check(pack: Pack) -> None:
    """Сказать словами, что в папке региона не так: файл, строка, что там, что ожидается. Код 4, если не так."""
    from contracts.regions import packs_folder
    from contracts.regions.pack_check import beside
    from contracts.versions.pack_faults import wrong_pack
    from documents.writing.deck_template import missing_in
    from flows.presentation.region_deck import TEMPLATE

    folder, where = _folder(pack), _own_packs()
    wrong = wrong_pack(folder, beside(folder, [where or packs_folder()] if where or _is_in_force(folder) else []))
    master = folder / TEMPLATE
    wrong = [*wrong, *(missing_in(master) if master.exists() else ())]
    for sentence in wrong:
        typer.echo(sentence)
    if wrong:
        raise typer.Exit(WRONG)
    typer.echo(f"{folder}: всё верно.")


@commands.command("version")
def version(
    pack: Pack,
    name: Annotated[str, typer.Argument(metavar="ИМЯ", help="Имя версии, например 2024-09.", show_default=False)],
    since: Annotated[
        dt.date, typer.Option("--from", parser=day, metavar="ДАТА", help="С какой даты данных судит новое.")
    ],
    what: Annotated[str, typer.Option("--what", help="Что изменилось, одним предложением.")],
    only: Annotated[list[str] | None, typer.Option("--only", help="Только эта таблица; можно несколько раз.")] = None,
) -> None:
    """Записать версию таблиц, которые изменены: опубликованные даты остаются, как были, до пересчёта."""
    from contracts.regions.pack import region_in
    from contracts.versions.inputs import add, ledger_of
    from contracts.versions.pack_faults import wrong_tables

    folder = _folder(pack)
    if wrong := wrong_tables(folder):
        for sentence in wrong:
            typer.echo(sentence)
        raise typer.Exit(WRONG)
    ledger = ledger_of(region_in(folder))
    if odd := [each for each in only or () if each not in ledger.names()]:
        there_are = ", ".join(ledger.names())
        raise UsageError(
            f"the pack has no table {odd[0]!r}; there are: {there_are}", f"таблицы «{odd[0]}» нет; есть: {there_are}"
        )
    try:
        lines = add(name, since, what, only or (), [ledger])
    except ValueError as error:
        raise UsageError(str(error)) from None
    for line in lines:
        typer.echo(f"{line.input}: версия {line.version}, судит с {line.judges_from}")
    if not lines:
        typer.echo("Ничего не изменено.")


def _in_force() -> tuple[Region, ...]:
    """The regions in force. Raises UsageError for packs that cannot be."""
    from contracts.regions import regions
    from flows.cli.context import read_settings

    read_settings()
    return regions()


def _own_packs() -> Path | None:
    """The folder that PROFMIN_REGIONS names, also when one of its packs cannot be read."""
    from flows.home.settings import stated_regions

    return stated_regions()


def _is_in_force(folder: Path) -> bool:
    from contracts.regions import packs_folder

    return folder.parent == packs_folder()


def _folder(pack: str) -> Path:
    """The folder of a pack: the one so named, else that of a region in force. Raises UsageError."""
    folder = Path(pack)
    if folder.is_dir():
        return folder.resolve()
    found = {name: region.folder for region in _in_force() for name in (region.code, region.folder.name)}
    if pack not in found:
        there_are = ", ".join(sorted(found))
        raise UsageError(
            f"there is no folder {pack!r}, and no region of this code; there are: {there_are}",
            f"нет ни папки «{pack}», ни региона с таким кодом; есть: {there_are}",
        )
    return found[pack]
