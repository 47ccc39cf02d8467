"""The floor of W2: openpyxl merely reading the same workbooks, as it opens them by default or in its read-only mode."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import openpyxl

from benchmarks.child import report


def read(folder: Path, read_only: bool) -> dict[str, Any]:
    files = cells = 0
    for path in sorted(folder.rglob("*.xlsx")):
        book = openpyxl.load_workbook(path, read_only=read_only, data_only=True)
        files += 1
        cells += sum(len(row) for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
        book.close()
    return {"files": files, "cells": cells}


if __name__ == "__main__":
    report(lambda: read(Path(sys.argv[1]), sys.argv[2] == "read_only"))
