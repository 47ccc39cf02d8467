"""Definitions of `deployments/` as they are written, and how many of them were brought to Prefect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from contracts.regions.pack import Region

ROOT = Path(__file__).parents[2]

FILES = ROOT / "deployments"
OF_REGION, OF_EACH = "$region", "$each:"


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


def of_regions(entries: Sequence[Mapping[str, Any]], regions: Sequence[Region]) -> list[dict[str, Any]]:
    """Definitions as they are for these regions: one with `$region` in its name is there for each of them, with
    `$region`, `$region_name` and `$zone` replaced; `$each:NAME` in a list stands for the `NAME-CODE` of all."""
    return [
        _filled(entry, {"region": region.code, "region_name": region.name, "zone": region.time_zone}, regions)
        for entry in entries
        for region in (regions if OF_REGION in entry["name"] else regions[:1])
    ]


def named_for(kind: str, region: Region) -> str:
    """The name of a region's own deployment."""
    return f"{kind}-{region.code}"


def _filled(value: Any, names: Mapping[str, str], regions: Sequence[Region]) -> Any:
    if isinstance(value, dict):
        return {_filled(name, names, regions): _filled(inner, names, regions) for name, inner in value.items()}
    if isinstance(value, list):
        return [
            each
            for inner in value
            for each in (
                [named_for(inner.removeprefix(OF_EACH), region) for region in regions]
                if isinstance(inner, str) and inner.startswith(OF_EACH)
                else [_filled(inner, names, regions)]
            )
        ]
    return Template(value).safe_substitute(names) if isinstance(value, str) else value
