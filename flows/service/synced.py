"""Definitions of `deployments/` as they are written, and how many of them were brought to Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

FILES = ROOT / "deployments"


@dataclass
class Synced:
    """How many of something were brought to what the files say."""

    created: int = 0
    changed: int = 0
    deleted: int = 0
    unchanged: int = 0

    def __str__(self) -> str:
        counts = [f"{count} {what}" for what, count in vars(self).items() if count]
        return ", ".join(counts) or "none"


def definitions(name: str) -> dict[str, Any]:
    """A file of `deployments`, as it is written."""
    import yaml

    return dict(yaml.safe_load((FILES / name).read_text(encoding="utf-8")))
