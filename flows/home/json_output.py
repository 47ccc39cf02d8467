"""What a command with `--json` writes: one document, with dates and times in ISO form."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]
"""A JSON object as it is written."""


def plain(row: Mapping[str, object]) -> Document:
    """Dates and times in ISO form; numbers and texts as they are."""
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row.items()}


def write(document: object) -> None:
    """Write the document to standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
