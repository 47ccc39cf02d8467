"""Marts as files: one SELECT each, whose head comment says what it is and captions every column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from warehouse.schema.facts import literal

FOLDER = Path(__file__).parent
COLUMN = re.compile(r"--   (\w+): (\S.*)")
PROSE = re.compile(r"-- (\S.*)")
KEY = re.compile(r"Ключ: ([\w, ]+); имя: (\w+)\.")


@dataclass(frozen=True)
class Mart:
    """A mart: its SELECT with the parameters `:as_of` and `:known_at`, or a view on other marts.

    What was published is kept in `history.<name>`, every version of every row; `mart.<name>` shows those that hold now.

    `about` is the comment of the view; `captions` has the comment of each column, Russian caption first. `key` are the
    columns that tell rows of a date apart, `label` the column that names a row for people.
    """

    name: str
    about: str
    captions: dict[str, str]
    select: str
    is_view: bool
    key: tuple[str, ...] = ()
    label: str = ""

    @property
    def relation(self) -> str:
        """The view on the rows that hold now, with its schema."""
        return f"mart.{self.name}"

    @property
    def history(self) -> str:
        """The table of all versions of all rows, with its schema; a view has none."""
        return f"history.{self.name}"

    @property
    def as_known(self) -> str:
        """The function that gives the mart of a date as it was published at a moment."""
        return f"mart.{self.name}_as_known"

    @property
    def fingerprint(self) -> str:
        """A hash of all that the view, its function and their comments are made of."""
        return sha256(f"{self.about}{self.captions}{self.select}".encode()).hexdigest()

    def comments(self, columns: list[str]) -> str:
        """COMMENT statements for the mart and these columns. Raises ValueError when the captions are of others."""
        if set(columns) != set(self.captions):
            odd = sorted(set(columns) ^ set(self.captions))
            raise ValueError(f"{self.name}: each column needs one caption in the head comment; see {', '.join(odd)}")
        statements = [f"COMMENT ON VIEW {self.relation} IS {literal(self.about)}"]
        statements += [
            f"COMMENT ON COLUMN {self.relation}.{name} IS {literal(self.captions[name])}" for name in columns
        ]
        as_known_comment = literal(f"{self.about} Как было опубликовано к моменту known_at.")
        statements.append(f"COMMENT ON FUNCTION {self.as_known}(date, timestamptz) IS {as_known_comment}")
        return ";\n".join(statements)


@cache
def marts() -> tuple[Mart, ...]:
    """All marts that are published, by name."""
    return tuple(_read_mart(path, is_view=False) for path in sorted(FOLDER.glob("*.sql")))


@cache
def views() -> tuple[Mart, ...]:
    """The regional totals: views on the marts that are published."""
    return tuple(_read_mart(path, is_view=True) for path in sorted((FOLDER / "views").glob("*.sql")))


def _read_mart(path: Path, *, is_view: bool) -> Mart:
    """A mart from its file: comment lines of prose, of columns (`--   name: Подпись. Пояснение`), then the SELECT."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    columns = [(match[1], match[2]) for line in lines[:head] if (match := COLUMN.fullmatch(line))]
    prose = [match[1] for line in lines[:head] if (match := PROSE.fullmatch(line))]
    if len(columns) + len(prose) != head:
        raise ValueError(f"{path.name}: a line of the head comment is neither prose nor a column")
    select = "\n".join(lines[head:]).strip().removesuffix(";")
    about = " ".join(prose)
    key = KEY.search(about)
    if key is None and not is_view:
        raise ValueError(f"{path.name}: the head comment does not say «Ключ: …; имя: ….»")
    key_and_label = (tuple(key[1].split(", ")), key[2]) if key else ((), "")
    return Mart(path.stem, KEY.sub("", about).strip(), dict(columns), select, is_view, *key_and_label)
