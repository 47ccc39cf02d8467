"""What several SELECTs share, named queries or columns: `parts/<name>.sql` in the folder of a subject, taken in by
`:part <subject>/<name>`."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
PART = re.compile(r":part (\w+)/(\w+)")


def with_parts(select: str) -> str:
    """A SELECT with the parts that it names written out. Raises FileNotFoundError for one that there is not."""
    return PART.sub(lambda found: _text_of(found[1], found[2]), select)


def _text_of(subject: str, name: str) -> str:
    return (FOLDER / subject / "parts" / f"{name}.sql").read_text(encoding="utf-8").strip()
