"""Marts as files: one SELECT each, whose head comment says what it is and captions every column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from warehouse.facts import literal

FOLDER = Path(__file__).parent / "marts"
COLUMN = re.compile(r"--   (\w+): (\S.*)")
PROSE = re.compile(r"-- (\S.*)")


@dataclass(frozen=True)
class Mart:
    """A mart: its SELECT with the parameters `:as_of` and `:known_at`, or a view on another mart's table.

    `about` is the comment of the table; `captions` has the comment of each column, Russian caption first.
    """

    name: str
    about: str
    captions: dict[str, str]
    select: str
    is_view: bool

    @property
    def table(self) -> str:
        return f"mart.{self.name}"

    @property
    def fingerprint(self) -> str:
        return sha256(f"{self.about}{self.captions}{self.select}".encode()).hexdigest()

    def comments(self, columns: list[str]) -> str:
        """COMMENT statements for the table and these columns. Raises ValueError when the captions are of others."""
        if set(columns) != set(self.captions):
            odd = sorted(set(columns) ^ set(self.captions))
            raise ValueError(f"{self.name}: each column needs one caption in the head comment; see {', '.join(odd)}")
        kind = "VIEW" if self.is_view else "TABLE"
        told = [f"COMMENT ON {kind} {self.table} IS {literal(self.about)}"]
        told += [f"COMMENT ON COLUMN {self.table}.{name} IS {literal(self.captions[name])}" for name in columns]
        return ";\n".join(told)


@cache
def marts() -> tuple[Mart, ...]:
    """All marts that are tables, by name."""
    return tuple(read_mart(path, is_view=False) for path in sorted(FOLDER.glob("*.sql")))


@cache
def views() -> tuple[Mart, ...]:
    """The regional totals: views on the marts that are tables."""
    return tuple(read_mart(path, is_view=True) for path in sorted((FOLDER / "views").glob("*.sql")))


def read_mart(path: Path, *, is_view: bool) -> Mart:
    """A mart from its file: comment lines of prose, of columns (`--   name: Подпись. Пояснение`), then the SELECT."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    columns = [(match[1], match[2]) for line in lines[:head] if (match := COLUMN.fullmatch(line))]
    prose = [match[1] for line in lines[:head] if (match := PROSE.fullmatch(line))]
    if len(columns) + len(prose) != head:
        raise ValueError(f"{path.name}: a line of the head comment is neither prose nor a column")
    select = "\n".join(lines[head:]).strip().removesuffix(";")
    return Mart(path.stem, " ".join(prose), dict(columns), select, is_view)
