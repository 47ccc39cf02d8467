"""Examples that stand beside marts are true, each in a transaction that is taken back."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from examples import Example, Table, differences, examples

from warehouse.marts.definitions import marts, views
from warehouse.schema.upgrade import connect

EXAMPLES = examples()
MARTS = {mart.name: mart for mart in marts()}
VIEWS = {view.name: view for view in views()}
BY_UNIT = {mart.name for mart in marts() if mart.grain == "unit" and mart.stated.rates}


@pytest.fixture(scope="module")
def engine_of_examples(module_database_url: str) -> Iterator[sa.Engine]:
    """A database with nothing but what the contracts say."""
    engine = connect(module_database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine_of_examples: sa.Engine) -> Iterator[sa.Connection]:
    with engine_of_examples.connect() as connection:
        yield connection
        connection.rollback()


def test_every_mart_has_one() -> None:
    """A mart of units that has a rate has two: where a figure is unknown is where it goes wrong."""
    many = {name: sum(example.mart == name for example in EXAMPLES) for name in MARTS}
    assert {name: found for name, found in many.items() if found < (2 if name in BY_UNIT else 1)} == {}
    assert {example.mart for example in EXAMPLES} <= MARTS.keys() | VIEWS.keys()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.mart}: {example.title}")
def test_an_example_is_true(connection: sa.Connection, example: Example) -> None:
    expected = [table for table in example.tables if table.heading.startswith("**expect")]
    assert any(table.rows or table.heading.startswith("**expect only") for table in expected)
    assert differences(connection, (MARTS | VIEWS)[example.mart], example) == []


def test_an_example_that_is_wrong_is_told(connection: sa.Connection) -> None:
    example = next(example for example in EXAMPLES if example.mart == "readiness_by_municipality")
    *given, expected = example.tables
    row = {**expected.rows[0], "schools": "77", "accepted_rate": None}
    changed = replace(example, tables=(*given, Table(expected.heading, expected.columns, [row])))
    told = differences(connection, MARTS[example.mart], changed)
    assert [line.split(":")[0] for line in told] == ["asinovsky, schools", "asinovsky, accepted_rate"]
    nobody = Table("**expect only** 2023-09-08", ["reporting_unit"], [{"reporting_unit": "atlantis"}])
    assert differences(connection, MARTS[example.mart], replace(example, tables=(nobody,))) == [
        "21 rows, not 1", "atlantis: 0 rows",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no heading of a table"):
        differences(connection, MARTS[example.mart], replace(example, tables=(Table("**expected** 2023-09-08"),)))
