"""What it costs that each sees his own: a mart of forty thousand schools read as its owner and as who may see it.

    python -m benchmarks.access [--schools 40000] [--repeat 7]

The owner is bound by no policy. Who sees the country, a region and a unit reads the same rows by it; each ratio is of
medians, of turns taken in rotation, for one date of the mart by the view and as it was known.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from warehouse.core.copying import run_script
from warehouse.marts.publication import publish
from warehouse.schema.access import seen_by
from warehouse.schema.upgrade import connect, upgrade
from warehouse.server.embedded import embedded_server

REGIONS, UNITS, NIGHTS = 90, 22, 5
DAY = "2023-09-08"
FILL = """
INSERT INTO ref.region (region, name, time_zone, language, position)
SELECT 'r' || r, 'r' || r, 'Europe/Moscow', 'ru', r FROM generate_series(1, {regions}) AS r;
INSERT INTO ref.reporting_unit
    (region, reporting_unit, name, kind, municipality_type, oktmo, position, valid_from, valid_to)
SELECT 'r' || r, 'r' || r || '-' || u, 'u', 'municipality', 'район', '00000000', u, '0001-01-01', '9999-12-31'
FROM generate_series(1, {regions}) AS r, generate_series(1, {units}) AS u;
INSERT INTO history.readiness_by_school
    (region, as_of, position, school_code, school_name, reporting_unit, reporting_unit_name, territory, status,
     completeness, known_at, is_final, published_at)
SELECT 'r' || n % {regions} + 1, DATE '{day}' - d, n, 's' || n, 'Школа ' || n, u.unit, u.unit, u.unit, 'accepted', 1,
    now(), false, now()
FROM generate_series(1, {schools}) AS n
CROSS JOIN generate_series(0, {nights} - 1) AS d
CROSS JOIN LATERAL (SELECT 'r' || n % {regions} + 1 || '-' || n / {regions} % {units} + 1 AS unit) AS u;
ANALYZE history.readiness_by_school
"""
OF_COUNTRY = f"SELECT * FROM mart.readiness_by_school WHERE as_of = '{DAY}'"
OF_REGION = f"{OF_COUNTRY} AND region = 'r7'"
KNOWN = f"SELECT * FROM mart.readiness_by_school_as_known('{DAY}', '2100-01-01', 'r7')"
ASKED = {
    ("country", None, None): (OF_COUNTRY, OF_REGION),
    ("region", "r7", None): (OF_REGION, KNOWN),
    ("unit", "r7", "r7-3"): (OF_REGION, KNOWN),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--schools", type=int, default=40_000)
    arguments.add_argument("--repeat", type=int, default=7)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder) / "pgdata") as url:
        engine = connect(url)
        upgrade(engine)
        publish(engine, "69", [dt.date(2023, 9, 1)])
        with engine.begin() as connection:
            run_script(
                connection, FILL.format(regions=REGIONS, units=UNITS, nights=NIGHTS, day=DAY, schools=asked.schools)
            )
        print(f"{asked.schools} schools, {NIGHTS} dates, {REGIONS} regions")
        for (who, region, unit), statements in ASKED.items():
            for statement in statements:
                told(engine, who, region, unit, statement, asked.repeat)
        engine.dispose()


def told(engine: Engine, who: str, region: str | None, unit: str | None, statement: str, repeat: int) -> None:
    """Print the seconds of the owner, those of the audience, and their ratio."""
    spent: dict[str, list[float]] = {"owner": [], who: []}
    for _ in range(repeat):
        for name, opened in (("owner", owned(engine)), (who, seen_by(engine, region, unit))):
            with opened as connection:
                rows = len(connection.execute(text(statement)).all())  # plans are made and pages read before
                began = time.perf_counter()
                connection.execute(text(statement)).all()
                spent[name].append(time.perf_counter() - began)
    owner, seen = (statistics.median(spent[name]) for name in ("owner", who))
    print(f"{who:8} {owner * 1000:8.1f} ms → {seen * 1000:8.1f} ms  × {seen / owner:.2f}  {rows:6} rows  {statement}")


@contextmanager
def owned(engine: Engine) -> Iterator[Connection]:
    """A connection of the owner."""
    with engine.connect() as connection:
        yield connection


if __name__ == "__main__":
    main()
