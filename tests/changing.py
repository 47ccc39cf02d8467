"""The inputs of the contracts, on a copy that a test may change, list and change back."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from pathlib import Path

import pytest

from contracts import vocabulary
from contracts.versions import inputs
from warehouse.incidents import condition


class Inputs:
    """A copy of the vocabularies and of the table of their versions, in place of those of the project."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        shutil.copytree(vocabulary.FOLDER, folder / "vocabulary")
        shutil.copytree(inputs.LISTED, folder / "listed")
        shutil.copy(inputs.FILE, folder / "inputs.csv")
        patch.setattr(vocabulary, "FOLDER", folder / "vocabulary")
        patch.setattr(inputs, "LISTED", folder / "listed")
        patch.setattr(inputs, "FILE", folder / "inputs.csv")
        forget()
        if inputs.changed(inputs.listed()):  # what is not listed yet in the project is no matter of these tests
            inputs.add("as-it-is", dt.date(1, 1, 1), "Как есть.")

    def lines(self, name: str) -> list[dict[str, str]]:
        return [dict(line) for line in vocabulary.rows(name)]

    def write(self, name: str, lines: list[dict[str, str]]) -> None:
        with (vocabulary.FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
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


def forget() -> None:
    """Let everything that is read once be read again."""
    for read_once in (vocabulary.rows, vocabulary.campaign_at, condition.conditions, condition.rule_classes):
        read_once.cache_clear()
