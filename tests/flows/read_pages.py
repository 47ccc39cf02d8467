"""Pages as they were written, and a figure that nobody else has, to look for."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from evidence import copied

from flows.home.settings import Settings
from warehouse.schema.upgrade import connect

DAY = dt.date(2023, 9, 8)
OWN, NEIGHBOUR = "molchanovsky", "bakcharsky"
PLANTED = 7654321
"""A figure that only the unit has in which it is planted."""


class Read(HTMLParser):
    """What a page has: ids, where it leads, its tables, what it says."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.leads: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.leads += [str(found[name]) for name in ("href", "src") if found.get(name)]

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.tags if name == tag)


@contextmanager
def planted(databases: Any, lived: Settings, home: Path) -> Iterator[sa.Engine]:
    """A copy of a region, in which the neighbour has a figure that nobody else has."""
    with copied(databases, lived, home) as made:
        assert made.database_url is not None
        engine = connect(made.database_url.get_secret_value())
        plant(engine, NEIGHBOUR)
        yield engine
        engine.dispose()


def plant(engine: sa.Engine, unit: str) -> None:
    """Let a unit have been published with a figure that nobody else has."""
    with engine.begin() as connection:
        changed = "UPDATE history.readiness_by_municipality SET missing = :missing"
        where = "WHERE reporting_unit = :unit AND as_of = :day"
        connection.execute(sa.text(f"{changed} {where}"), {"missing": PLANTED, "unit": unit, "day": DAY})


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


def address(folder: Path) -> Path:
    """The only address of an audience."""
    (note,) = folder.glob("*/*/publication.json")
    return note.parent


def contents(data: bytes) -> bytes:
    """The bytes of a file, and of what is packed in it: a deck holds workbooks."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return data + b"".join(contents(packed.read(name)) for name in packed.namelist())


def everything(folder: Path) -> bytes:
    """The bytes of all files of a folder, and of what is packed in them."""
    return b"".join(contents(path.read_bytes()) for path in folder.rglob("*") if path.is_file())
