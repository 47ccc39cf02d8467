"""How much one file may take before it is refused."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """`memory` bytes of the process that reads the file, `seconds` for reading it, filled `cells` of a sheet and of the
    rectangle around them, `unpacked` bytes of the members of a zip together."""

    memory: int = 2 << 30
    seconds: float = 120.0
    cells: int = 10_000_000
    unpacked: int = 1 << 30


LIMITS: ContextVar[Limits] = ContextVar("limits", default=Limits())  # noqa: B039 - it is frozen
"""What the readers of this process keep to."""
