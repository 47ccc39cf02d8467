"""Regions in the warehouse: that of the source, and a small one to change."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hand_made import DAY, export, load_seed, loaded, plan, report, school_ids, school_register

from warehouse.marts.publication import publish
from warehouse.schema.upgrade import connect


@pytest.fixture(scope="module")
def seed_engine(module_database_url: str) -> Iterator[sa.Engine]:
    """The region of the source, published."""
    engine = connect(module_database_url)
    load_seed(engine)
    publish(engine, "69", [DAY])
    yield engine
    engine.dispose()


@pytest.fixture
def small(engine: sa.Engine) -> dict[str, int]:
    """School code → id of two units, with reports, a plan and an export."""
    loaded(engine, school_register({"asinovsky": 10, "chainsky": 4}))
    ids = school_ids(engine)
    loaded(engine, report(ids, "asinovsky", [1, 2, 3, 4, 5, 6, 7, 8]))
    loaded(engine, plan({"asinovsky": 100, "chainsky": 50}))
    loaded(engine, export(ids, {"asinovsky-1": 60, "chainsky-1": 51}))
    return ids
