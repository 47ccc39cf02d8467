"""Has what loads, publishes and backfills changed since all crash points were met? Exit code 1 when it has.

`make crash` meets them all and writes down with which sources (`--met`); the file is committed with them.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MET = Path(__file__).with_name("met.txt")
SOURCES = (
    "warehouse", "flows/home/whole_file.py", "flows/intake", "flows/outbox", "flows/runs", "flows/backfills",
    "tests/crash",
)  # fmt: skip


def fingerprint() -> str:
    """The sha256 of names and contents of the sources."""
    found = hashlib.sha256()
    for path in sorted(path for source in SOURCES for path in (ROOT / source, *(ROOT / source).rglob("*"))):
        if path.suffix in (".py", ".sql"):
            found.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def main() -> int:
    if sys.argv[1:] == ["--met"]:
        MET.write_text(f"{fingerprint()}\n", encoding="utf-8")
        return 0
    changed = not MET.exists() or MET.read_text(encoding="utf-8").strip() != fingerprint()
    if changed:
        print("what loads, publishes or backfills has changed since all crash points were met: `make crash`")
    return int(changed)


if __name__ == "__main__":
    sys.exit(main())
