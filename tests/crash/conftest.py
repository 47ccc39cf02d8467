"""What a file of crash tests shares: the driver, the places, and at its end a table of its points."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crash_house import Driver, House, Place
from crash_nights import correction, first_night, second_night
from crash_stages import INGEST, OLDER


@pytest.fixture(scope="module")
def house(
    databases: object, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("crash")
    driver = Driver(folder / "told")
    made = House(databases, driver, folder)
    try:
        with made.stack:
            yield made
        print(f"\n{request.module.__name__}{made.report()}")  # shown by `pytest -s`
    finally:
        driver.close()


@pytest.fixture(scope="module")
def embedded_first(house: House, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same with the embedded server, which each command starts and stops."""
    return lived(house, Place(tmp_path_factory.mktemp("embedded") / "home"))


@pytest.fixture(scope="module")
def first(house: House) -> Place:
    """The first night taken in by older rules and published; what comes in the second lies in the inbox."""
    return lived(house, Place(house.folder / "home", house.stack.enter_context(house.databases.fresh())))


def lived(house: House, place: Place) -> Place:
    inbox = place.home / "inbox"
    first_night(inbox)
    house.driver.run(place, INGEST, OLDER).must_be(3)
    correction(inbox)
    house.driver.run(place, INGEST, OLDER).must_be(0)
    second_night(inbox)
    return place
