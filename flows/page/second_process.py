"""The second of two processes that write pages (`two_processes.py`), `python -m flows.page.second_process`.

It reads lines: first what to write of which, as JSON, then a unit a line (an empty one is the region); it answers each
with the number of files that it wrote, or with what kind of error it ends for.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

from contracts.regions import read_from, region_named
from flows.home.faults import describe
from flows.page.site import Site
from warehouse.schema.upgrade import connect


def main() -> None:
    """Write the units that the first process names."""
    asked = json.loads(sys.stdin.readline())
    read_from(Path(asked["packs"]))
    as_of, known_at = dt.date.fromisoformat(asked["as_of"]), dt.datetime.fromisoformat(asked["known_at"])
    try:
        with connect(asked["url"]).connect() as connection:
            site = Site(connection, region_named(asked["region"]), Path(asked["to"]), as_of, known_at)
            for line in sys.stdin:
                _answer(str(site.write(line.strip())))
    except Exception as error:  # noqa: BLE001 - the first process tells it
        _answer(describe(error))


def _answer(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
