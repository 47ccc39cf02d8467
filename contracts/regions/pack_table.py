"""The tables of a region's pack: their columns, and how a file of them is read as people save it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from contracts.regions.route import COLUMNS as ROUTING_COLUMNS

Line = Mapping[str, str]

TABLES: Mapping[str, tuple[str, ...]] = {
    "reporting_units": (
        "reporting_unit", "name", "kind", "municipality_type", "oktmo", "control_digit", "centre", "valid_from",
        "valid_to",
    ),
    "reporting_unit_aliases": ("alias", "reporting_unit", "why"),
    "senders": ("sender", "name", "kind"),
    "sender_addresses": ("channel", "address", "sender"),
    "contacts": ("sender", "post", "phone", "email"),
    "routing": ROUTING_COLUMNS,
    "campaigns": ("campaign", "form", "title", "academic_year", "starts_on", "deadline"),
    "collected": ("form", "collected_from", "why"),
    "calendar": ("day", "is_working", "why"),
    "school_holidays": ("from_day", "to_day", "why"),
    "band_rules": ("band_rule_version", "band", "lower_bound", "valid_from", "why", "rule_set"),
    "thresholds": ("condition", "name", "value", "why"),
    "headings": ("form", "column", "heading", "why", "by", "on"),
    "tiles": ("reporting_unit", "row", "column"),
    "small_numbers": ("audience", "threshold", "days", "is_open", "why"),
    "rule_states": ("rule", "form", "campaign", "valid_from", "valid_to", "state", "reason", "decided_by"),
}  # fmt: skip
"""Name of a table → its columns."""
MAY_BE_ABSENT = frozenset(
    {
        "contacts",
        "calendar",
        "collected",
        "headings",
        "routing",
        "rule_states",
        "school_holidays",
        "small_numbers",
        "tiles",
    }
)
"""Tables without which a region has nothing of its own to say."""
MAY_BE_LEFT_OUT = frozenset({"rule_set"})
"""Columns that say nothing where they are empty: a table may be without them."""
OF_TELLING = frozenset({"contacts", "routing"})
"""Tables that say whom to tell and to call, and nothing of data: what is wrong in them stops no run."""


class PackFault(ValueError):
    """What is wrong with a pack, in words for whoever edits it: the file, the line, what is there, what is expected."""


def fault(path: Path, number: int | None, found: str, expected: str) -> str:
    """A sentence: where it is, what is there, what is expected."""
    return f"{path}{f', строка {number}' if number else ''}: {found}; ожидается {expected}"


def read_table(path: Path) -> tuple[Sequence[str], list[tuple[int, Line]]]:
    """The columns of a table, and its lines with their numbers in the file.

    UTF-8 with or without a mark, with commas or, as Excel saves it, semicolons. Raises PackFault.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PackFault(f"{path}: такого файла нет; он нужен") from None
    except OSError as error:
        raise PackFault(f"{path}: файл не открывается ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise PackFault(
            f"{path}, строка {line}: буквы не в UTF-8; ожидается UTF-8 (в Excel: «Сохранить как» → «CSV UTF-8»)"
        ) from None
    head = text.partition("\n")[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    try:
        return _numbered(path, io.StringIO(text, newline=""), separator)
    except csv.Error:
        raise PackFault(f"{path}: таблица не читается; ожидается CSV, кавычки в нём парные") from None


def _numbered(path: Path, text: Iterable[str], separator: str) -> tuple[Sequence[str], list[tuple[int, Line]]]:
    """Columns and numbered lines of a CSV; lines without a value are left out. Raises PackFault."""
    reader = csv.reader(text, delimiter=separator, strict=True)
    columns = [name.strip() for name in next(reader, [])]
    lines: list[tuple[int, Line]] = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            expected = f"ожидается {len(columns)}: {', '.join(columns)}"
            raise PackFault(f"{path}, строка {reader.line_num}: значений {len(cells)}; {expected}")
        lines.append((reader.line_num, dict(zip(columns, cells, strict=True))))
    return columns, lines


def missing_columns(table: str, columns: Sequence[str]) -> list[str]:
    """Columns that a table of a pack needs and has not."""
    return [name for name in TABLES[table] if name not in columns and name not in MAY_BE_LEFT_OUT]


def table_lines(folder: Path, table: str) -> tuple[Line, ...]:
    """The lines of a table of a pack; none where it is absent and may be. Raises PackFault."""
    path = folder / f"{table}.csv"
    if table in MAY_BE_ABSENT and not path.exists():
        return ()
    columns, lines = read_table(path)
    if missing := missing_columns(table, columns):
        raise PackFault(f"{path}, строка 1: нет столбцов {', '.join(missing)}; ожидаются {', '.join(TABLES[table])}")
    return tuple(line for _, line in lines)
