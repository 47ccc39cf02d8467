"""Of what a file of a page is made: the rows that the audience read, and all else that it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import polars as pl

DRAWN_BY = ("polars", "jinja2", "markupsafe", "xlsxwriter")
"""The libraries by which bytes of a page or of a file beside it may differ."""
PROGRAM = [Path(__file__).parents[2] / name for name in ("contracts", "documents", "flows", "transforms", "warehouse")]


class Page(NamedTuple):
    """A file of an address: its path from there, what writes it, and of what it is made (`digest`), empty where that is
    not known and it is always written."""

    path: str
    write: Callable[[], bytes]
    made_of: str = ""


def digest(*parts: object) -> str:
    """Of rows as they were read, and of whatever else has a `repr` that says it all."""
    made = sha256()
    for part in parts:
        made.update((part.write_csv() if isinstance(part, pl.DataFrame) else repr(part)).encode())
        made.update(b"\0")
    return made.hexdigest()


@cache
def program(pack: Path) -> str:
    """Of what every page is made beside rows: the program with its words, the libraries that write, and the
    pack of the region."""
    made = sha256(" ".join(map(version, DRAWN_BY)).encode())
    for folder in (*PROGRAM, pack):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                made.update(f"{path.relative_to(folder)}\0".encode() + sha256(path.read_bytes()).digest())
    return made.hexdigest()
