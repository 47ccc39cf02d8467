"""What a region's pack says of small numbers: whether there are releases for an audience, how often, below what number
figures of people are hidden."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.regions.pack import Region

AUDIENCES = ("public",)
"""Who may be told figures that are not his own: everybody."""
LEAST_THRESHOLD = 3
"""Of two people each knows the other one."""


@dataclass(frozen=True)
class SmallNumbers:
    """Releases for an audience: below `threshold` figures of people are hidden, a release comes `days` after the last
    one or later."""

    threshold: int
    days: int


def told_to(region: Region, audience: str) -> SmallNumbers | None:
    """How a region tells an audience; None where its pack does not say that it does. Raises PackFault."""
    for line in region.lines("small_numbers"):
        if line["audience"] == audience and line["is_open"] == "true":
            return SmallNumbers(int(line["threshold"]), int(line["days"]))
    return None
