"""The inputs of the contracts, on a copy that a test may change, list and change back."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from pathlib import Path

import pytest

from contracts import regions, vocabulary
from contracts.versions import inputs
from warehouse.incidents import condition


class Inputs:
    """A copy of the vocabularies and of the table of their versions, in place of those of the project."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        shutil.copytree(vocabulary.FOLDER, folder / "vocabulary")
        shutil.copytree(regions.FOLDER, folder / "regions", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(inputs.LISTED, folder / "listed")
        shutil.copy(inputs.FILE, folder / "inputs.csv")
        patch.setattr(vocabulary, "FOLDER", folder / "vocabulary")
        patch.setattr(regions, "FOLDER", folder / "regions")
        patch.setattr(inputs, "LISTED", folder / "listed")
        patch.setattr(inputs, "FILE", folder / "inputs.csv")
        forget()
        if inputs.changed():  # what is not listed yet in the project is no matter of these tests
            inputs.add("as-it-is", dt.date(1, 1, 1), "Как есть.")

    def lines(self, name: str) -> list[dict[str, str]]:
        return [dict(line) for line in ledger_of(name).lines(name)]

    def write(self, name: str, lines: list[dict[str, str]]) -> None:
        with path_of(name).open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(lines)
        forget()

    def change(self, name: str, key: str, /, **values: str) -> None:
        """Let the lines that have `key` among their keys say something else."""
        lines = self.lines(name)
        found = [line for line in lines if key in {line[column] for column in inputs.KEYS[name]}]
        assert found, f"{name} has no line {key}"
        for line in found:
            line.update(values)
        self.write(name, lines)

    def add(self, name: str, /, **values: str) -> None:
        self.write(name, sorted_as_kept(name, [*self.lines(name), values]))

    def remove(self, name: str, key: str) -> None:
        left = [line for line in self.lines(name) if key not in {line[column] for column in inputs.KEYS[name]}]
        self.write(name, left)

    def list(self, version: str, since: dt.date, what: str = "Изменено опытом.") -> None:
        """Write what has changed into the table of versions."""
        assert inputs.add(version, since, what)
        forget()


def sorted_as_kept(name: str, lines: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(lines, key=lambda line: (line["region"], line["day"])) if name == "calendar" else lines


def ledger_of(name: str) -> inputs.Ledger:
    """Where the versions of an input are listed: of what all regions share, or of the one region in force."""
    return next(ledger for ledger in inputs.ledgers() if name in ledger.names())


def path_of(name: str) -> Path:
    """The table of an input."""
    pack = ledger_of(name).pack
    return (pack.folder if pack else vocabulary.FOLDER) / f"{name}.csv"


def forget() -> None:
    """Let everything that is read once be read again."""
    regions.forget()
    condition.rule_classes.cache_clear()
