"""In which order tests run, which of them are left out where, and which took long without a reason."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection
from itertools import groupby, islice
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

ROOT = Path(__file__).parents[1]
LONG_SECONDS = 10.0
REASON = re.compile(r"^\s*Slow: ", re.MULTILINE)
"""A line of the docstring of a test or of its module, for one that takes longer than that."""
CRASH, CRASH_POINTS = ROOT / "tests" / "crash", 60
FUZZ, MUTANTS = ROOT / "tests" / "fuzz", "test_a_mutant_is_read_or_refused"
"""Parts of the spoiled files, of which a commit meets one."""
SERVICE = ROOT / "tests" / "service"
"""Its modules wait much, so they begin early, the longest lives first; but all at once they work each other to a
standstill, since to start a service is work, and Prefect's server has some with each run."""
BETWEEN = 6
"""Modules that work between one of these and the next, but for the first two."""
PURE = tuple(ROOT / "tests" / name for name in ("contracts", "transforms", "documents", "golden", "cases"))
"""Many short tests: they fill up what is left at the end."""
REASONED = ("takes long", "with a reason")
SERVER, SAMPLED = "PROFMIN_TEST_DATABASE_URL", "PROFMIN_OTHER_SERVER"
"""A server of others, on which the tests run once more: those that are asked of the server of the tests. `sampled` in
the second one leaves out modules that another commit meets."""
WAREHOUSE, FLOWS = ROOT / "tests" / "warehouse", ROOT / "tests" / "flows"
OF_SERVER = tuple(
    FLOWS / f"test_{name}.py"
    for name in (
        "backup", "backup_before_upgrade", "contention", "deliveries_at_once", "home_of_before", "region_upgrade",
    )
)  # fmt: skip
"""What hangs on the server itself beside the warehouse, where all SQL, migrations and roles are: dumps, restoring,
homes brought over, locks between processes."""
COMMITS = 6
"""After so many commits, on the average, every other module of the flows has met another server too."""


def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than cores: the service proof mostly waits."""
    return (os.cpu_count() or 1) + 2


def reason(item: pytest.Item) -> bool:
    """Does a test, or its module, say why it takes long?"""
    said = (getattr(getattr(item, name, None), "__doc__", None) for name in ("obj", "cls", "module"))
    return any(REASON.search(text or "") for text in said)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Runs when pytest-randomly has shuffled: the days of one life back in their order, what takes long first."""
    left = set()
    if os.environ.get("PROFMIN_CRASH_POINTS") != "all":
        points = [item for item in items if item.path.is_relative_to(CRASH)]
        left |= set(points) - set(sample(points, CRASH_POINTS, of_commit(config)))
    if not {"PROFMIN_FUZZ", "PROFMIN_FUZZ_ONLY"} & set(os.environ):
        parts = [item for item in items if item.path.is_relative_to(FUZZ) and item.name.startswith(MUTANTS)]
        left |= set(parts) - {part_of(parts, of_commit(config))}
    if SERVER in os.environ:  # the others would be the same again
        left |= {item for item in items if "databases" not in getattr(item, "fixturenames", ())}
        if os.environ.get(SAMPLED) == "sampled":
            met = elsewhere({item.path for item in items if item not in left}, of_commit(config))
            left |= {item for item in items if item.path not in met}
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=sorted(left, key=lambda item: item.nodeid))
    modules = [list(found) for _, found in groupby(items, lambda item: item.path)]
    for module in modules:
        for item in module:
            if reason(item):
                item.user_properties.append(REASONED)
        if module[0].get_closest_marker("in_order"):
            days_in_order(module)
    waiting = sorted((each for each in modules if each[0].path.is_relative_to(SERVICE)), key=lambda each: -len(each))
    working = sorted((each for each in modules if each not in waiting), key=place)
    order, others = [], iter(working)
    for number, module in enumerate(waiting):
        order += [module, *islice(others, BETWEEN if number else 1)]
    items[:] = [item for module in (*order, *others) for item in module]


def place(module: list[pytest.Item]) -> int:
    """When a module begins that works: what takes long; the rest; what takes least.

    Within each of these they stay as they were shuffled.
    """
    if any(REASONED in item.user_properties for item in module):
        return 1
    return 3 if any(module[0].path.is_relative_to(folder) for folder in PURE) else 2


def days_in_order(module: list[pytest.Item]) -> None:
    """Sort by the place in the file. What all tests of a module are parametrized by is another life: one after another.

    Those of one function have one place, and any order.
    """
    values = {item: getattr(getattr(item, "callspec", None), "indices", {}) for item in module}
    lives = set.intersection(*map(set, values.values()))
    module.sort(key=lambda item: ([values[item][name] for name in sorted(lives)], item.location[1] or 0))


def sample(points: list[pytest.Item], asked: int, number: int) -> list[pytest.Item]:
    """Every so-manieth crash point, about so many as are asked for; the number says from which on."""
    step = -(-len(points) // asked) or 1
    return sorted(points, key=lambda item: item.nodeid)[number % step :: step]


def part_of(parts: list[pytest.Item], number: int) -> pytest.Item | None:
    """The one of some tests that falls to a commit; none of none."""
    return sorted(parts, key=lambda item: item.nodeid)[number % len(parts)] if parts else None


def elsewhere(modules: Collection[Path], number: int) -> set[Path]:
    """The modules that meet another server: each that hangs on it, of the others every so-manieth."""
    known = {module for module in modules if module.is_relative_to(WAREHOUSE) or module in OF_SERVER}
    return known | set(sorted(set(modules) - known)[number % COMMITS :: COMMITS])


def of_commit(config: pytest.Config) -> int:
    """A number of the commit, so that commits meet different crash points and all meet all; else of the run."""
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(asked.stdout[:8], 16) if asked.returncode == 0 else int(config.getoption("randomly_seed", 0))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name what failed at once: a run that is ended from outside says nothing more."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        told = report.longreprtext[-600:]
        print(f"\n{report.nodeid}: {report.when}, after {report.duration:.0f} s\n{told}", flush=True)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Name the tests that took long without saying why, and the seed that repeats this order."""
    taken: dict[str, float] = {}
    reasoned = set()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                taken[report.nodeid] = taken.get(report.nodeid, 0) + report.duration
                if REASONED in map(tuple, report.user_properties):
                    reasoned.add(report.nodeid)
    long = {test: seconds for test, seconds in taken.items() if seconds > LONG_SECONDS and test not in reasoned}
    if long:
        terminalreporter.section(f"over {LONG_SECONDS:.0f} s, and no line «Slow: …» in the docstring says why")
        for test, seconds in sorted(long.items(), key=lambda each: -each[1]):
            terminalreporter.write_line(f"{seconds:6.1f} s  {test}")
    if (seed := config.getoption("randomly_seed", None)) is not None:
        terminalreporter.write_line(f"order: -p randomly --randomly-seed={seed}")
