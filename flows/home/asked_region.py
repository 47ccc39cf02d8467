"""Which region a command is about: the one that it names, that of a sender, or the only one in force."""

from __future__ import annotations

from contracts.regions import only_region, region_at, regions
from contracts.regions.pack import Region
from flows.home.usage import UsageError


def asked_region(code: str | None, sender: str | None = None) -> Region:
    """The region of a code or of a sender, else the only one in force. Raises UsageError that names those there are."""
    if code is not None:
        return region_coded(code)
    region = only_region() if sender is None else region_at(sender)
    if region is None:
        raise UsageError(
            f"several regions are in force, say of which it is: --region CODE; there are: {_named()}",
            f"действуют несколько регионов, скажите, о каком речь: --region КОД; есть: {_named()}",
        )
    return region


def asked_regions(code: str | None) -> tuple[Region, ...]:
    """The region of a code; without one all that are in force. Raises UsageError that names those there are."""
    return regions() if code is None else (region_coded(code),)


def region_coded(code: str) -> Region:
    """The region of a code. Raises UsageError that names those there are."""
    for region in regions():
        if region.code == code:
            return region
    raise UsageError(
        f"no region has the code {code!r}; there are: {_named()}", f"региона с кодом «{code}» нет; есть: {_named()}"
    )


def _named() -> str:
    return ", ".join(f"{region.code} ({region.name})" for region in regions())
