"""The rooms of the house and the corridors between them; `python tests/house.py` draws them for CONTRIBUTING."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("contracts", "transforms", "documents", "warehouse", "flows")
FORMS = "contracts.forms"
"""The room that has a folder a form."""
ROOMS: dict[str, str] = {
    "contracts.regions": "",
    "contracts.vocabulary": "contracts.regions",
    "contracts.texts": "",
    "contracts": "contracts.regions contracts.vocabulary contracts.texts",
    "contracts.forms": "contracts contracts.regions contracts.vocabulary contracts.texts",
    "contracts.versions": "contracts contracts.forms contracts.regions contracts.vocabulary",
    "transforms.cells": "contracts",
    "transforms.findings": "contracts transforms.cells",
    "transforms.headings": "contracts transforms.cells transforms.findings",
    "transforms.tables": "contracts transforms.cells transforms.findings transforms.headings",
    "transforms.crosstabs": "contracts transforms.cells transforms.findings transforms.headings transforms.tables",
    "transforms.identity": "contracts transforms.cells transforms.findings transforms.headings transforms.tables "
    "transforms.crosstabs",
    "transforms.rows": "contracts transforms.cells transforms.findings transforms.headings transforms.tables "
    "transforms.identity",
    "transforms": "contracts transforms.cells transforms.findings transforms.headings transforms.tables "
    "transforms.identity transforms.rows",
    "documents.reading.formats": "contracts",
    "documents.reading": "contracts documents.reading.formats",
    "documents.receipts": "contracts documents.reading documents.reading.formats",
    "documents.writing": "contracts",
    "documents.pages": "contracts documents.writing",
    "documents.demo.data": "",
    "documents.demo": "contracts documents.demo.data",
    "warehouse.core": "",
    "warehouse.server": "",
    "warehouse.schema": "contracts warehouse.core warehouse.server",
    "warehouse.marts": "contracts warehouse.core warehouse.schema",
    "warehouse.deliveries": "contracts warehouse.core warehouse.schema",
    "warehouse.backfill": "contracts warehouse.core warehouse.schema warehouse.marts warehouse.deliveries",
    "warehouse.incidents": "contracts warehouse.core warehouse.schema",
    "warehouse.watch": "contracts warehouse.core warehouse.schema warehouse.marts warehouse.deliveries "
    "warehouse.incidents",
    "flows.home": "contracts documents warehouse",
    "flows.service": "contracts warehouse flows.home",
    "flows.intake": "contracts transforms documents warehouse flows.home",
    "flows.outbox": "contracts transforms documents warehouse flows.home flows.intake",
    "flows.messages": "contracts documents warehouse flows.home flows.intake flows.outbox",
    "flows.runs": "contracts warehouse flows.home flows.service flows.intake flows.outbox flows.messages flows.page",
    "flows.backfills": "contracts documents warehouse flows.home flows.intake",
    "flows.upkeep": "contracts documents warehouse flows.home",
    "flows.presentation": "contracts documents warehouse flows.home",
    "flows.page": "contracts transforms documents warehouse flows.home flows.presentation",
    "flows": "contracts warehouse flows.home flows.service flows.intake flows.outbox flows.messages flows.runs "
    "flows.backfills flows.upkeep flows.page",
    "flows.cli": "contracts transforms documents warehouse flows flows.home flows.service flows.intake flows.outbox "
    "flows.messages flows.runs flows.backfills flows.upkeep flows.presentation flows.page",
}
"""Room → the rooms whose modules it may import; of another package its name alone, which means all of its rooms."""


@cache
def modules() -> dict[str, Path]:
    """Name of a module → its file. Migrations import nothing of ours and are left out."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    """The folder that a module lies in; the folders of forms are one room, in which a form may build on another."""
    if is_of_a_form(module):
        return FORMS
    return module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]


def is_of_a_form(module: str) -> bool:
    """Is it the folder of a form, or in one?"""
    return modules()[module].parent.parent == ROOT / FORMS.replace(".", "/")


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """(module, name) of what a file imports, anywhere in it; not what only a type checker sees."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from ((node.module or "", alias.name) for alias in node.names)


@cache
def corridors() -> frozenset[tuple[str, str]]:
    """(module, module of ours that it imports)."""
    found = set()
    for module, path in modules().items():
        for named, part in imports(path):
            whole = f"{named}.{part}"
            target = whole if whole in modules() else named
            if target in modules() and target != module:
                found.add((module, target))
    return frozenset(found)


def circles(arrows: frozenset[tuple[str, str]]) -> list[set[str]]:
    """Places that can be reached from themselves, those of one circle together."""
    after: dict[str, set[str]] = {}
    for start, end in arrows:
        after.setdefault(start, set()).add(end)
    reached: dict[str, set[str]] = {}
    for place, there in after.items():
        reached[place] = set()
        ahead = list(there)
        while ahead:
            each = ahead.pop()
            if each not in reached[place]:
                reached[place].add(each)
                ahead += after.get(each, ())
    in_circles = {place for place, found in reached.items() if place in found}
    both = {place: {each for each in in_circles & reached[place] if place in reached[each]} for place in in_circles}
    return [circle for place, circle in both.items() if place == min(circle)]


def picture() -> str:
    """The rooms as a graph that GitHub and others draw: arrows to what is imported, without those that others imply."""
    ways = {room: set(asked.split()) for room, asked in ROOMS.items()}
    lines = ["```mermaid", "graph BT"]
    for package in PACKAGES:
        lines.append(f"  subgraph {package}_ [{package}/]")
        lines += [f"    {room}" for room in ROOMS if room.split(".")[0] == package]
        lines.append("  end")
    for room, others in ways.items():
        implied = {far for other in others for far in ways.get(other, ())}
        lines += [f"  {room} --> {other}" for other in ROOMS if other in others - implied and is_near(room, other)]
    between = {(room.split(".")[0], other) for room, others in ways.items() for other in others & set(PACKAGES)}
    lines += [f"  {one}_ ==> {other}_" for one, other in sorted(between) if one != other]
    return "\n".join([*lines, "```"])


def is_near(room: str, other: str) -> bool:
    """Are both in one package?"""
    return room.partition(".")[0] == other.partition(".")[0]


if __name__ == "__main__":
    print(picture())
