"""`docs/new_form.md` is true: its files are written and its commands run in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from house import PACKAGES, ROOT

PAGE = ROOT / "docs" / "new_form.md"
BLOCK = re.compile(r"^```(\w+)(?: (>> )?(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COPIED = (*PACKAGES, "tests", "docs")


def blocks() -> Iterator[tuple[str, bool, str, str]]:
    """Language, whether it is to be added at the end, the file, and the text of each block of the page."""
    for language, appended, file, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        yield language, bool(appended), file, text


def edited(text: str, change: str) -> str:
    """A text with the hunks of a block of `diff`: each has to fit at one place, `@@` parts them."""
    for hunk in change.split("@@\n"):
        lines = hunk.splitlines()
        before = "\n".join(line[1:] for line in lines if line[0] in " -")
        after = "\n".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def write(folder: Path, language: str, appended: bool, file: str, text: str) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if language == "diff":
        text = edited(path.read_text(encoding="utf-8"), text)
    elif appended:
        text = path.read_text(encoding="utf-8") + text
    path.write_text(text, encoding="utf-8")


def run(folder: Path, command: str, shown: str) -> None:
    """Run a command of the page. It must not fail, though it may have set rows aside, and print the lines shown."""
    # Its tests are of other forms than ours: they share no server and no template database with those around them.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PROFMIN_"))}
    environment |= {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "PROFMIN_HOME": str(folder / ".profmin"),
    }
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    told = f"{command}\n{done.stdout}{done.stderr}"
    assert done.returncode in (0, 3), told
    assert [line for line in shown.splitlines() if line not in done.stdout] == [], told


def test_the_page_is_true(tmp_path: Path) -> None:
    """Slow: two runs of pytest, seven of our commands and a Postgres of its own; 17 s of CPU."""
    folder = tmp_path / "profmin"
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
    (folder / "bin").mkdir()
    for name, words in {"python": "", "profmin": "-m flows.cli.app "}.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {words}"$@"\n', encoding="utf-8")
        script.chmod(0o755)
    for language, appended, file, text in blocks():
        if file:
            write(folder, language, appended, file, text)
        elif language == "console":
            for command, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
                run(folder, command, shown)
