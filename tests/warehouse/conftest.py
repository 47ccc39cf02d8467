"""Regions in the warehouse: that of the source, and a small one to change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from both_regions import AMBER, TOMSK, load_region, write_both
from hand_made import DAY, export, load_seed, loaded, plan, report, school_ids, school_register

from contracts.regions import read_from
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import connect, upgrade


@pytest.fixture(scope="module")
def seed_engine(module_database_url: str) -> Iterator[sa.Engine]:
    """The region of the source, published."""
    engine = connect(module_database_url)
    load_seed(engine)
    publish(engine, "69", [DAY])
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def small_kept(databases: Any) -> str:
    def fill(engine: sa.Engine) -> None:
        loaded(engine, school_register({"asinovsky": 10, "chainsky": 4}))
        ids = school_ids(engine)
        loaded(engine, report(ids, "asinovsky", [1, 2, 3, 4, 5, 6, 7, 8]))
        loaded(engine, plan({"asinovsky": 100, "chainsky": 50}))
        loaded(engine, export(ids, {"asinovsky-1": 60, "chainsky-1": 51}))

    return str(databases.kept("small", fill))


@pytest.fixture
def small(small_kept: str, engine: sa.Engine) -> dict[str, int]:
    """School code → id of two units, with reports, a plan and an export."""
    return school_ids(engine)


@pytest.fixture(scope="session")
def published_kept(databases: Any, small_kept: str) -> str:
    return str(databases.kept("published", lambda engine: publish(engine, "69", [DAY]), on=small_kept))


@pytest.fixture
def small_published(published_kept: str, small: dict[str, int]) -> dict[str, int]:
    """The same, published."""
    return small


@pytest.fixture(scope="module")
def both_packs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tomsk, and a region of the same names and campaigns whose codes are its own."""
    folder = write_both(tmp_path_factory.mktemp("packs"))
    read_from(folder)
    yield folder
    read_from(None)


@pytest.fixture
def both(databases: Any, both_packs: Path) -> Iterator[sa.Engine]:
    """Both regions, loaded and not published."""
    assert both_packs
    with databases.fresh() as url:
        engine = connect(url)
        upgrade(engine)
        for region, prefix in ((TOMSK, ""), (AMBER, "a_")):
            load_region(engine, region, prefix)
        yield engine
        engine.dispose()


@pytest.fixture
def two(both: sa.Engine) -> sa.Engine:
    """Both regions, loaded and published."""
    for region in (TOMSK, AMBER):
        publish(both, region, [DAY])
    return both
