"""`profmin region …`: the packs of regions, taking one, what is wrong with one, versions of its tables, and the books
that its senders fill in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import AsOf, Json
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


@commands.command("add")
def add_pack(
    pack: Annotated[
        str, typer.Argument(metavar="ПАКЕТ", help="Код или имя поставляемого, или папка.", show_default=False)
    ],
) -> None:
    """Взять пакет региона в свою папку PROFMIN_REGIONS: с этого дня он действует. Код 4, если в нём что-то не так."""
    from contracts.regions.pack_check import beside
    from contracts.regions.shipped_packs import copy_pack, offered
    from contracts.versions.pack_faults import wrong_pack

    where = _own_packs()
    if where is None:
        raise UsageError("назовите в PROFMIN_REGIONS папку, где лежат ваши пакеты: только они и действуют")
    folder = Path(pack).resolve() if Path(pack).is_dir() else offered().get(pack)
    if folder is None:
        there_are = ", ".join(sorted(path.name for path in set(offered().values())))
        raise UsageError(f"ни папки, ни поставляемого пакета «{pack}» нет; есть: {there_are}")
    if (where / folder.name).exists():
        raise UsageError(f"{where / folder.name}: такой пакет уже взят")
    if wrong := wrong_pack(folder, beside(folder, [where])):
        for sentence in wrong:
            typer.echo(sentence)
        raise typer.Exit(WRONG)
    typer.echo(f"{copy_pack(folder, where)}: взят; проверьте в нём сроки кампаний, адреса и полосы.")


@commands.command("template")
def template(
    region: Annotated[str, typer.Argument(metavar="РЕГИОН", help="Код действующего региона.", show_default=False)],
    form: Annotated[str, typer.Argument(metavar="ФОРМА", help="Форма, которую заполнять.", show_default=False)],
    as_of: AsOf = None,
    to: Annotated[Path | None, typer.Option("--to", help="Куда; без неё — исходящие, папка отправителя.")] = None,
) -> None:
    """Сделать книги формы для всех отправителей региона, каждому в его папку; что там уже лежит, остаётся."""
    from contracts.vocabulary import rows_in
    from flows.cli.context import read_settings
    from flows.home.asked_region import asked_region
    from flows.outbox.templates import destination, fillable, sender_of, write_template

    settings, filled = read_settings(), fillable(form)
    settings.prepare()
    home = asked_region(region, None)
    owing = [row["sender"] for row in rows_in("senders", home.code) if row["kind"] == filled.sender_kind]
    written = 0
    for sender in owing:
        folder = (to or settings.outbox) / sender
        folder.mkdir(parents=True, exist_ok=True)
        if not destination(filled, sender_of(filled, sender, home), folder).exists():
            write_template(settings, form, sender, as_of, None, folder, home.code)
            written += 1
    typer.echo(f"{home.name}: книг «{filled.title}» сделано {written} из {len(owing)}, в {to or settings.outbox}")


@commands.command("export")
def export(
    region: Annotated[str, typer.Argument(metavar="РЕГИОН", help="Код действующего региона.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", metavar="ФАЙЛ", help="Куда записать регион.")],
    key_to: Annotated[Path, typer.Option("--key-to", metavar="ФАЙЛ", help="Куда записать ключ: в другую папку.")],
) -> None:
    """Вынести регион с его данными в файл, который открывает только отдельный ключ; отсюда ничего не уходит."""
    from flows.cli.context import read_settings
    from flows.home.asked_region import asked_region
    from flows.upkeep.region_move import export_region

    settings, now = read_settings(), dt.datetime.now(dt.UTC)
    manifest = export_region(settings, asked_region(region, None), to, key_to, now)
    typer.echo(
        f"{manifest.name}: доставок {manifest.deliveries}, {to} ({to.stat().st_size} байт), миграция"
        f" {manifest.revision}. Ключ — {key_to}: передайте его другим путём, без него файл не открыть никому."
    )


@commands.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="ФАЙЛ", help="Что записал region export.", show_default=False)],
    key: Annotated[Path, typer.Option("--key", metavar="ФАЙЛ", help="Ключ этого файла.")],
) -> None:
    """Принять вынесенный регион: пакет — в папку PROFMIN_REGIONS, данные — в это хранилище, целиком или никак."""
    from flows.cli.context import read_settings
    from flows.upkeep.region_move import import_region

    settings, where = read_settings(), _own_packs()
    if where is None:
        raise UsageError(
            "name in PROFMIN_REGIONS the folder of your packs: the region's own is put there",
            "назовите в PROFMIN_REGIONS папку, где лежат ваши пакеты: пакет региона ляжет туда",
        )
    settings.prepare()
    manifest = import_region(settings, source, key, where)
    typer.echo(
        f"{manifest.name}: принят, доставок {manifest.deliveries}; вынес {manifest.exported_by} {manifest.exported_at}."
        f" Теперь profmin deploy заведёт его ночи."
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


def take_shipped(count: int) -> None:
    """Have the first of the packs that are shipped lie in one's own folder, by default `regions` in the home, and in
    force from now on in this process and those that it starts. What lies there stays as it is.

    Raises UsageError for more than there are, and where other packs lie.
    """
    import os

    from contracts.regions import pack_folders
    from contracts.regions.shipped_packs import copy_pack, offered
    from flows.cli.context import read_settings

    there_are = list(dict.fromkeys(offered().values()))
    if count > len(there_are):
        raise UsageError(
            f"{len(there_are)} packs are shipped: {', '.join(pack.name for pack in there_are)}",
            f"поставляемых пакетов {len(there_are)}: {', '.join(pack.name for pack in there_are)}",
        )
    where = _own_packs() or read_settings().home.resolve() / "regions"
    wanted = {pack.name: pack for pack in there_are[:count]}
    there = {pack.name for pack in pack_folders(where)} if where.is_dir() else set()
    if foreign := sorted(there - {pack.name for pack in there_are}):
        raise UsageError(
            f"{where} has packs of its own ({foreign[0]}): profmin up without --regions takes all that lie there",
            f"в {where} лежат свои пакеты ({foreign[0]}): profmin up без --regions возьмёт все, что там есть",
        )
    for name in sorted(wanted.keys() - there):
        copy_pack(wanted[name], where)
    os.environ["PROFMIN_REGIONS"] = str(where)
    typer.echo(f"export PROFMIN_REGIONS={where}   # регионы: {', '.join(sorted(wanted.keys() | there))}", err=True)


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
