"""Of what one sender sends in one night the older is judged before the newer, whatever the files are called.

Slow: one of the two is a night with a Prefect server of its own.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked

from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FIRST, NIGHT = dt.date(2023, 9, 8), dt.date(2023, 9, 9)
STATES = (
    "SELECT d.file_name, r.status FROM ops.reading r JOIN ops.delivery d USING (delivery_id) WHERE r.as_of = :night"
)


def export(settings: Settings, pupils: Path, night: dt.date, name: str, fifths: int, hour: int) -> None:
    """An export of a night with so many of each five pupils, which is of this hour."""
    rows = list(openpyxl.load_workbook(pupils, read_only=True).worksheets[0].iter_rows(values_only=True))
    start = next(place for place, row in enumerate(rows) if "Муниципалитет" in row) + 1
    head = [[str(cell or "").replace("08.09.2023", f"{night:%d.%m.%Y}") for cell in row] for row in rows[:start]]
    path = settings.inbox / "regional_operator" / f"Сводный отчёт по ученикам {night} {name}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        kept = [row for place, row in enumerate(rows[start:]) if place % 5 < fifths]
        csv.writer(file, delimiter=";").writerows([*head, *kept])
    at = dt.datetime.combine(night, dt.time(hour), dt.UTC).timestamp()
    os.utime(path, (at, at))


@pytest.mark.usefixtures("had_prefect")
@pytest.mark.parametrize("way", ["ingest", "nightly"])
def test_the_older_of_a_night_is_judged_first(
    settings: Settings, engine: sa.Engine, region_files: Path, profmin: Run, way: str
) -> None:
    """The evening's export bears what held before, but not what came at noon; its name is the first of the two."""
    good = picked(region_files, "department/Реестр", "regional_operator/Сводный")
    export(settings, good["regional_operator/Сводный"], FIRST, "всё", 3, 6)
    ingest([good["department/Реестр"], settings.inbox], Options(), settings)
    export(settings, good["regional_operator/Сводный"], NIGHT, "а вечер", 3, 14)
    export(settings, good["regional_operator/Сводный"], NIGHT, "б полдень", 5, 5)
    if way == "ingest":
        ingest([], Options(), settings)
    else:
        ran = profmin("run", "nightly", "--as-of", NIGHT, settings=settings)
        assert ran.returncode in (0, 3, 4), ran.stderr
    with engine.connect() as connection:
        found = connection.execute(sa.text(STATES), {"night": NIGHT}).tuples()
        assert {name.split(" ")[5]: status for name, status in found} == {"а": "held", "б": "current"}
