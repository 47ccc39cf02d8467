"""A second process that writes pages: what is drawn and packed is Python's own work, of which a process does one piece
at a time.

`python -m flows.page.second_process` reads lines of JSON: first what to write of which, then a unit a line; it answers
each with the number of files that it wrote, or with the name of the error for which it ends.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from contracts.regions import packs_folder, read_from, region_named

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from contracts.regions.pack import Region
    from flows.page.addresses import Address

WORTH = 4
"""Audiences to write for which it pays to start one: that takes as long as two of them."""


def taken(take: Callable[[], str]) -> Iterator[str]:
    """What is left in a queue, one after the other; others take from it meanwhile."""
    with suppress(IndexError):
        while True:
            unit = take()
            yield unit


class SecondProcess:
    """Takes units from the end of a queue while this process takes them from its beginning."""

    def __init__(self, engine: Engine, region: Region, to: Path, address: Address, queue: deque[str]) -> None:
        self._asked = json.dumps({
            "url": engine.url.render_as_string(hide_password=False), "packs": str(packs_folder()),
            "region": region.code, "to": str(to.absolute()), "as_of": str(address.as_of),
            "known_at": address.known_at.isoformat(),
        })  # fmt: skip
        self._queue = queue
        self._files, self._fault = 0, ""
        self._thread = Thread(target=self._work, name="pages", daemon=True)
        self._thread.start()

    def files(self) -> int:
        """Wait for its end; how many files it wrote. Raises RuntimeError when it failed."""
        self._thread.join()
        if self._fault:
            raise RuntimeError(f"the second process of the page failed: {self._fault}")
        return self._files

    def _work(self) -> None:
        command = [sys.executable, "-m", __name__]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL  # where it fails it says more than may be shown
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            print(self._asked, file=process.stdin, flush=True)
            for unit in taken(self._queue.pop):
                print(unit, file=process.stdin, flush=True)
                answer = process.stdout.readline().strip()
                if answer.isdigit():
                    self._files += int(answer)
                else:
                    self._fault = f"{answer or 'no answer'} at {unit or 'the region'}"
                    break
            process.stdin.close()


def main() -> None:
    """Write the units that the first process names."""
    from flows.page.site import build_site
    from warehouse.schema.upgrade import connect

    asked = json.loads(sys.stdin.readline())
    read_from(Path(asked["packs"]))
    engine = connect(asked["url"])
    for line in sys.stdin:
        as_of, known_at = dt.date.fromisoformat(asked["as_of"]), dt.datetime.fromisoformat(asked["known_at"])
        try:
            done = build_site(
                engine, region_named(asked["region"]), Path(asked["to"]), as_of, known_at, [line.strip()], processes=1
            )
        except Exception as error:  # noqa: BLE001 - the first process raises it
            print(type(error).__name__, flush=True)
            break
        print(done.files, flush=True)
    engine.dispose()


if __name__ == "__main__":
    main()
