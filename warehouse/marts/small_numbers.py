"""Which figures of people may be told to the public: small numbers are hidden, and what they could be reckoned from.

A figure of a release is told in one of three ways, and each says something true to whoever reckons:

- `shown`: it is neither small nor all but a few of its whole, and differs by the threshold or more from what was shown
  of it before;
- `kept`: what was shown before stays, with its day. It has moved by less than the threshold since, and is not small;
- `hidden`: it is small, or nearly its whole, or from it another one could be reckoned.

Figures that are sums of others are equations between them. What is kept is known up to the threshold, what is hidden
not at all. From that follows an interval for each figure that is not shown; where it has fewer whole numbers than the
threshold, one more figure is hidden. Releases need not be looked at together: what is shown of one bounds a figure of
another only by what `kept` says. And of two releases in which a figure moved by less than the threshold at most one
shows it, so the difference has an interval as wide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["shown", "kept", "hidden", "no_data"]
Bounds = tuple[float, float]
"""The least and the greatest that a figure can be, for whoever has nothing but what is told."""
Sums = Mapping[str, Sequence[Sequence[str]]]
"""Place of a figure that is a sum → its parts, once for each way in which it is divided. A figure is part of one sum at
most: then intervals that follow from one equation after the other are exact."""
ANYTHING: Bounds = (0, math.inf)


@dataclass(frozen=True)
class Figure:
    """A count of people; `whole` is of how many it is a part, where that is told, `before` what was last shown of it
    by this release's time."""

    value: int | None
    whole: int | None = None
    before: int | None = None


def states(figures: Mapping[str, Figure], sums: Sums, threshold: int) -> dict[str, State]:
    """How the figure of each place is told in a release. Raises ValueError when a sum is not that of its parts: then
    there is an equation that is not known here."""
    for place, ways in sums.items():
        for parts in ways:
            if sum(figures[part].value or 0 for part in parts) != (figures[place].value or 0):
                raise ValueError(f"the figure of {place} is not the sum of its parts")
    by_themselves = {place: by_itself(figure, threshold) for place, figure in figures.items()}
    return complemented(figures, by_themselves, sums, threshold)


def by_itself(figure: Figure, threshold: int) -> State:
    """How a figure is told as long as nobody reckons."""
    if figure.value is None:
        return "no_data"
    if is_small(figure.value, figure.whole, threshold):
        return "hidden"
    if figure.before is None or abs(figure.value - figure.before) >= threshold:
        return "shown"
    least, most = kept_bounds(figure.before, figure.whole, threshold)
    is_narrow = is_small(figure.before, figure.whole, threshold) or most - least + 1 < threshold
    return "hidden" if is_narrow else "kept"


def is_small(value: int, whole: int | None, threshold: int) -> bool:
    """Is a count, or what its whole has more, below the threshold? Nobody and everybody are small numbers too."""
    return value < threshold or (whole is not None and 0 <= whole - value < threshold)


def kept_bounds(before: int, whole: int | None, threshold: int) -> Bounds:
    """What `kept` says of a figure: near to what was shown, and not small."""
    least, most = max(threshold, before - threshold + 1), before + threshold - 1
    if whole is not None and 0 <= whole - least < threshold:
        least = whole + 1
    if whole is not None and 0 <= whole - most < threshold:
        most = whole - threshold
    return least, most


def complemented(
    figures: Mapping[str, Figure], told: Mapping[str, State], sums: Sums, threshold: int
) -> dict[str, State]:
    """What is told, less what others could be reckoned from: of what a narrow interval rests on the smallest part is
    hidden, until there is none."""
    told = dict(told)
    while narrow := _narrow(figures, told, sums, threshold):
        beside = [[place, *parts] for place, ways in sums.items() for parts in ways if narrow in (place, *parts)]
        open_ones = {place: None for places in beside for place in places if told[place] in ("shown", "kept")}
        if not open_ones:
            open_ones = {place: None for place, state in told.items() if state in ("shown", "kept")}
        told[min(open_ones, key=lambda place: (place in sums, told[place] == "kept", figures[place].value))] = "hidden"
    return told


def _narrow(figures: Mapping[str, Figure], told: Mapping[str, State], sums: Sums, threshold: int) -> str | None:
    """A figure that is not shown and can be fewer numbers than the threshold, as long as one more can be hidden."""
    if not {"shown", "kept"} & set(told.values()):
        return None
    found = bounds({place: _bounds(figures[place], state, threshold) for place, state in told.items()}, sums)
    not_shown = (place for place, state in told.items() if state in ("kept", "hidden"))
    return next((place for place in not_shown if found[place][1] - found[place][0] + 1 < threshold), None)


def _bounds(figure: Figure, state: State, threshold: int) -> Bounds:
    if state == "kept" and figure.before is not None:
        return kept_bounds(figure.before, figure.whole, threshold)
    value = 0 if state == "no_data" else figure.value
    return ANYTHING if state == "hidden" or value is None else (value, value)


def bounds(of_each: Mapping[str, Bounds], sums: Sums) -> dict[str, Bounds]:
    """What follows for each figure from the equations, and from what is told of each by itself."""
    found = dict(of_each)
    before: dict[str, Bounds] = {}
    while found != before:
        before = dict(found)
        for place, ways in sums.items():
            for parts in ways:
                least, most = found[place]
                for part in parts:
                    others = [found[other] for other in parts if other != part]
                    rest = sum(low for low, _ in others), sum(high for _, high in others)
                    low, high = found[part]
                    found[part] = max(low, least - rest[1]), min(high, most - rest[0])
                all_parts = [found[part] for part in parts]
                low, high = sum(low for low, _ in all_parts), sum(high for _, high in all_parts)
                found[place] = max(least, low), min(most, high)
    return found
