"""Packs of regions for tests: the shipped one with another code, zone or lines."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

from contracts.regions import FOLDER

SHIPPED = FOLDER / "69-tomsk"


def write_pack(pack: Path, **stated: str) -> Path:
    """A copy of the shipped pack at `pack`, of which `region.toml` states other things."""
    shutil.copytree(SHIPPED, pack)
    text = (pack / "region.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.split(" = ")[0] not in stated]
    lines += [f'{key} = "{value}"' for key, value in stated.items()]
    (pack / "region.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return pack


def edit(pack: Path, table: str, change: Callable[[list[dict[str, str]]], object]) -> None:
    """Change the lines of a table of a pack in place."""
    path = pack / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        lines, columns = list(reader), list(reader.fieldnames or ())
    change(lines)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def renamed(pack: Path, prefix: str) -> None:
    """Give its units, senders, addresses and campaigns codes of their own; the names stay."""
    for table, columns in {
        "reporting_units": ("reporting_unit",), "reporting_unit_aliases": ("reporting_unit",), "senders": ("sender",),
        "sender_addresses": ("sender", "address"), "contacts": ("sender",), "campaigns": ("campaign",),
    }.items():  # fmt: skip

        def change(lines: list[dict[str, str]], columns: tuple[str, ...] = columns) -> None:
            for line in lines:
                line.update({column: f"{prefix}{line[column]}" for column in columns})

        edit(pack, table, change)
    shutil.rmtree(pack / "versions")
    (pack / "versions.csv").unlink()
