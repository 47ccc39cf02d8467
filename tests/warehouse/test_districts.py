"""A database for each federal district, and the country over them by postgres_fdw, as docs/scale.md says.

Slow: a second region is published.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from string import Template

import polars as pl
import psycopg2
import pytest
import sqlalchemy as sa
from both_regions import AMBER, TOMSK, load_region
from clusters import Cluster, cluster
from hand_made import DAY

from warehouse.core.copying import run_script
from warehouse.core.frames import frame
from warehouse.marts.bringing_up import lay_out
from warehouse.marts.publication import publish
from warehouse.schema.bi import make_login
from warehouse.schema.upgrade import connect, upgrade

SCRIPTS = Path(__file__).parents[2] / "deployments" / "country"
LOGIN = "country_of_the_test"
TOLD = "SELECT region, system, figure, whole, is_final FROM {} ORDER BY region, system"


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server that asks for passwords, on which all of them are."""
    with cluster() as made:
        yield made


@contextmanager
def database(server: Cluster, name: str, template: str = "template0") -> Iterator[sa.Engine]:
    server.run(f"CREATE DATABASE {name} TEMPLATE {template}")
    engine = connect(sa.make_url(server.admin).set(database=name))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def districts(server: Cluster, both_packs: Path) -> Iterator[dict[str, sa.Engine]]:
    """Two warehouses of one region each, both published."""
    assert both_packs
    with ExitStack() as stack:
        siberia = stack.enter_context(database(server, "siberia"))
        upgrade(siberia, afterwards=lay_out)
        siberia.dispose()
        northwest = stack.enter_context(database(server, "northwest", "siberia"))
        for warehouse, region, prefix in ((siberia, TOMSK, ""), (northwest, AMBER, "a_")):
            load_region(warehouse, region, prefix)
            publish(warehouse, region, [DAY])
        yield {"siberia": siberia, "northwest": northwest}


@pytest.fixture(scope="module")
def country(server: Cluster, districts: dict[str, sa.Engine]) -> Iterator[sa.Engine]:
    with database(server, "country") as engine:
        password = make_login(districts["siberia"], LOGIN, new_password=True)  # one server has its logins in common
        for district, warehouse in districts.items():
            make_login(warehouse, LOGIN, new_password=False)
            said = {"DISTRICT": district, "HOST": "127.0.0.1", "PORT": server.port,
                    "DATABASE": warehouse.url.database, "LOGIN": LOGIN, "PASSWORD": password}  # fmt: skip
            run(engine, Template((SCRIPTS / "district.sql").read_text(encoding="utf-8")).substitute(said))
            run(engine, (SCRIPTS / "country.sql").read_text(encoding="utf-8"))
        yield engine


def run(engine: sa.Engine, script: str) -> None:
    with engine.begin() as connection:
        run_script(connection, script)


def rows(engine: sa.Engine, statement: str) -> pl.DataFrame:
    with engine.connect() as connection:
        return frame(connection, statement, {})


def test_the_country_has_the_rows_of_all_districts(country: sa.Engine, districts: dict[str, sa.Engine]) -> None:
    theirs = pl.concat([rows(each, TOLD.format("mart.region_profile")) for each in districts.values()])
    ours = rows(country, TOLD.format("country.region_profile"))
    assert ours.equals(theirs.sort("region", "system"))
    assert set(ours["region"]) == {TOMSK, AMBER}


def test_shares_of_the_country_are_of_sums(country: sa.Engine) -> None:
    told = rows(country, TOLD.format("country.region_profile")).filter(pl.col("figure").is_not_null())
    found = rows(country, "SELECT * FROM country.systems WHERE figure_rate IS NOT NULL").rows(named=True)
    assert {row["system"] for row in found} >= {"readiness", "registration"}
    for row in found:
        of_system = told.filter((pl.col("system") == row["system"]) & pl.col("whole").is_not_null())
        share = Fraction(str(of_system["figure"].sum())) / Fraction(str(of_system["whole"].sum()))
        assert abs(Fraction(str(row["figure_rate"])) - share) < Fraction(1, 10**12)
        assert (row["regions_told"], row["regions"]) == (of_system.height, 2)
        assert row["regions_final"] == of_system["is_final"].sum()


@pytest.mark.parametrize(("days", "told"), [(6, 3), (7, 1)])
def test_the_last_day_of_a_region_counts_for_a_week(country: sa.Engine, days: int, told: int) -> None:
    """A third region is newer: those of a week before are in no sum, and of the country. The script runs again."""
    with country.connect() as connection:
        columns = frame(connection, "SELECT * FROM district_northwest.kept LIMIT 1", {}).columns
        moved = {"district": "'far'::text", "region": "'87'::text", "as_of": f"as_of + {days}"}
        listed = ", ".join(f"{moved.get(name, name)} AS {name}" for name in columns)
        run_script(
            connection,
            "CREATE SCHEMA district_far; CREATE MATERIALIZED VIEW district_far.kept AS "
            f"SELECT {listed} FROM district_northwest.kept",
        )
        run_script(connection, (SCRIPTS / "country.sql").read_text(encoding="utf-8"))
        found = frame(connection, "SELECT * FROM country.systems WHERE system = 'readiness'", {}).row(0, named=True)
        newest = frame(connection, TOLD.format("country.region_profile"), {}).filter(system="readiness")
    assert (found["regions"], found["regions_told"]) == (3, told)
    assert found["figure"] == newest.filter(pl.lit(told == 3) | (pl.col("region") == "87"))["figure"].sum()
    assert found["oldest_as_of"] == DAY + dt.timedelta(days=0 if told == 3 else days)


def test_a_district_that_is_away_keeps_its_last_figures(country: sa.Engine) -> None:
    before = rows(country, TOLD.format("country.region_profile"))
    run(country, "ALTER SERVER district_siberia OPTIONS (SET dbname 'of_nobody')")
    with pytest.raises(psycopg2.Error, match="could not connect"):
        run(country, "REFRESH MATERIALIZED VIEW CONCURRENTLY district_siberia.kept")
    run(country, "REFRESH MATERIALIZED VIEW CONCURRENTLY district_northwest.kept")
    assert rows(country, TOLD.format("country.region_profile")).equals(before)


def test_the_login_of_the_country_reads_marts_alone(country: sa.Engine) -> None:
    run(country, "CREATE SCHEMA elsewhere")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        run(country, "IMPORT FOREIGN SCHEMA ops FROM SERVER district_northwest INTO elsewhere;"
                     "SELECT count(*) FROM elsewhere.delivery")  # fmt: skip
