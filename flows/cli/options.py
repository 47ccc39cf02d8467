"""Options that several commands have, in the language of their users."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from flows.home.usage import day, moment

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
RegionCode = Annotated[
    str | None, typer.Option("--region", metavar="КОД", help="Только этот регион, по его коду (profmin region list).")
]
Country = Annotated[bool, typer.Option("--country", help="О стране: все регионы, которые опубликовали.")]
EnglishRegionCode = Annotated[
    str | None, typer.Option("--region", metavar="CODE", help="Only this region, by its code (profmin region list).")
]
KnownAt = Annotated[
    dt.datetime | None, typer.Option(parser=moment, metavar="TIME", help="Как это было известно к моменту.")
]
