"""How the bytes of a file are got at: most lie as they are, others have to be opened first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Opened(Protocol):
    """A file that lies at `path` for as long as this is held."""

    @property
    def path(self) -> Path: ...


@dataclass(frozen=True)
class AsItLies:
    """A file that needs no opening."""

    path: Path


Opening = Callable[[Path], Opened]
"""How a file is got at, in the thread that reads it: one that is sealed has to be unsealed."""
