"""`profmin grid`: what the reader sees in files."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from documents.grid_json import grid_document
from flows.inbox import named

CELLS_SHOWN = 40


def show_grids(paths: Sequence[Path], *, as_json: bool) -> None:
    """A JSON document a line and a file, or a short description for people."""
    for incoming in named(paths, Path(".profmin/inbox")):
        document = grid_document(incoming.file, incoming.path.read_bytes())
        if as_json:
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        else:
            sys.stdout.write("\n".join(described(document)) + "\n")
        sys.stdout.flush()


def described(document: dict[str, Any]) -> list[str]:
    lines = [f"{document['file']}: {document['error'] or 'sheets ' + str(len(document['sheets']))}"]
    for sheet in document["sheets"]:
        hidden = "" if sheet["visible"] else ", hidden"
        merged = f", merged {' '.join(sheet['merged'])}" if sheet["merged"] else ""
        lines.append(f"  {sheet['name']} {sheet['used_range'] or 'empty'}{hidden}{merged}")
        lines += [f"    {address}\t{value}" for address, value in sheet["cells"][:CELLS_SHOWN]]
        if len(sheet["cells"]) > CELLS_SHOWN:
            lines.append(f"    … {len(sheet['cells']) - CELLS_SHOWN} more cells")
    return lines
