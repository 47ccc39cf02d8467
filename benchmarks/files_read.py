"""The work of W3: small workbooks opened in this process, or in reader processes as every command opens them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.child import report
from contracts.grid import Grid
from documents.reading.read import read_grid
from documents.reading.sandbox import result, shared
from flows.home.settings import Settings


def read_here(paths: list[Path]) -> dict[str, Any]:
    return counted(len(paths), sum(cells(read_grid(path.name, path.read_bytes())) for path in paths))


def read_there(paths: list[Path]) -> dict[str, Any]:
    settings = Settings()
    sandbox = shared(settings.reader_processes, settings.reader_limits)
    opened = sandbox.in_order((path.name, path) for path in paths)
    return counted(len(paths), sum(cells(result(future)) for future in opened))


def cells(content: object) -> int:
    if not isinstance(content, Grid):
        raise TypeError("a small workbook is read whole")
    return sum(len(row) for sheet in content.sheets for row in sheet.rows)


def counted(files: int, cells: int) -> dict[str, Any]:
    return {"files": files, "cells": cells}


if __name__ == "__main__":
    found = sorted(Path(sys.argv[1]).rglob("*.xlsx"))
    report(lambda: read_there(found) if sys.argv[2] == "there" else read_here(found))
