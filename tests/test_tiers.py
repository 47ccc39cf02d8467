"""What a tier leaves out, another commit meets."""

from __future__ import annotations

import pytest
from tiers import COMMITS, FLOWS, OF_SERVER, WAREHOUSE, elsewhere, part_of, sample

MODULES = [*WAREHOUSE.glob("test_*.py"), *FLOWS.glob("test_*.py")]


def test_what_hangs_on_the_server_is_there() -> None:
    assert [module.name for module in OF_SERVER if module not in MODULES] == []


def test_every_commit_meets_another_server_with_what_hangs_on_it() -> None:
    for number in range(COMMITS):
        met = elsewhere(MODULES, number)
        assert met >= {*OF_SERVER, *WAREHOUSE.glob("test_*.py")}
        assert 0 < len(met - {*OF_SERVER}) < len(MODULES)


def test_every_module_meets_another_server_with_some_commit() -> None:
    assert set().union(*(elsewhere(MODULES, number) for number in range(COMMITS))) == set(MODULES)


def test_every_part_falls_to_some_commit(request: pytest.FixtureRequest) -> None:
    items = [item for item in request.session.items if item.path == request.path]
    assert {part_of(items, number) for number in range(len(items))} == set(items)
    assert part_of([], 7) is None


def test_every_crash_point_falls_to_some_commit(request: pytest.FixtureRequest) -> None:
    items = [item for item in request.session.items if item.path == request.path]
    samples = [sample(items, 2, number) for number in range(len(items))]
    assert {item for found in samples for item in found} == set(items)
    assert all(0 < len(found) <= 2 for found in samples)
    assert sample(items, len(items), 5) == sorted(items, key=lambda item: item.nodeid)
