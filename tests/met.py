"""Have the sources changed with which a tier was last met whole? `python tests/met.py crash` leaves by 1 if so.

Two tiers are sampled by `make test`: the crash points and the nights of the autumn. `make crash` and `make autumn` meet
them whole and write down with which sources (`--met`); that file is committed with them.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIERS = {
    "crash": (
        "warehouse", "flows/home/whole_file.py", "flows/intake", "flows/outbox", "flows/runs", "flows/backfills",
        "tests/crash",
    ),
    "autumn": (
        "warehouse", "flows/intake", "flows/runs", "documents/demo", "contracts/versions", "tests/flows/test_autumn.py",
    ),
}  # fmt: skip
"""Tier → what it disturbs or lives through; data of regions and forms is not among it."""
MET = {"crash": ROOT / "tests" / "crash" / "met.txt", "autumn": ROOT / "tests" / "flows" / "autumn_met.txt"}


def fingerprint(tier: str) -> str:
    """The sha256 of names and contents of the sources of a tier."""
    found = hashlib.sha256()
    for path in sorted(path for source in TIERS[tier] for path in (ROOT / source, *(ROOT / source).rglob("*"))):
        if path.suffix in (".py", ".sql"):
            found.update(f"{path.relative_to(ROOT)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def main(tier: str, *options: str) -> int:
    met = MET[tier]
    if options == ("--met",):
        met.write_text(f"{fingerprint(tier)}\n", encoding="utf-8")
        return 0
    changed = not met.exists() or met.read_text(encoding="utf-8").strip() != fingerprint(tier)
    if changed:
        print(f"its sources have changed since it was last met whole: `make {tier}`")
    return int(changed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
