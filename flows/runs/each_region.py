"""Work that is done for each region by itself: a failure of one stops no other, and is told when all are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from contracts.regions.pack import Region
from flows.home.faults import Fault, guarded
from flows.home.usage import UsageError

T = TypeVar("T")


def of_each(regions: Sequence[Region], doing: str, work: Callable[[Region], T]) -> dict[str, T]:
    """Code of a region → what its work came to. Raises Fault, after all of them had their turn, for those that
    failed; UsageError for what was asked wrongly of one."""
    results: dict[str, T] = {}
    faults: dict[str, Fault] = {}
    wrong: list[UsageError] = []
    for region in regions:
        result = guarded(f"{doing} of {region.code}", partial(_asked, work, region))
        if isinstance(result, Fault):
            faults[region.code] = result
        elif isinstance(result, UsageError):
            wrong.append(result)
        else:
            results[region.code] = result
    if wrong:
        raise wrong[0]
    if faults:
        raise one_fault(faults, len(regions))
    return results


def _asked(work: Callable[[Region], T], region: Region) -> T | UsageError:
    try:
        return work(region)
    except UsageError as error:
        return error


def one_fault(faults: Mapping[str, Fault], regions: int) -> Fault:
    """Faults of some of so many regions as one."""
    if regions == 1:
        return next(iter(faults.values()))
    told = in_one({code: str(fault) for code, fault in faults.items()})
    return Fault(told, passing=all(fault.passing for fault in faults.values()))


def in_one(told: Mapping[str, str]) -> str:
    """What is told of each region in one sentence; of one alone without its code."""
    if len(told) == 1:
        return next(iter(told.values()))
    return "; ".join(f"{code}: {sentence}" for code, sentence in told.items())
