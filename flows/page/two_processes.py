"""Pages are written in two processes: what is drawn and packed is Python's own work, of which a process does one piece
at a time. What the second does is in `second_process.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, cast

from contracts.regions import packs_folder
from flows.home.faults import describe

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
            yield take()


class SecondProcess:
    """Takes units from the end of a queue while this process takes them from its beginning.

    When it fails it takes no more, and leaves the one that it had; `fault` says then why, without what was in a row.
    """

    def __init__(self, engine: Engine, region: Region, to: Path, address: Address, queue: deque[str]) -> None:
        self._asked = json.dumps({
            "url": engine.url.render_as_string(hide_password=False), "packs": str(packs_folder()),
            "region": region.code, "to": str(to.absolute()), "as_of": str(address.as_of),
            "known_at": address.known_at.isoformat(),
        })  # fmt: skip
        self._queue = queue
        self._files, self.fault = 0, ""
        self._thread = Thread(target=self._work, name="pages", daemon=True)
        self._thread.start()

    def files(self) -> int:
        """Wait for its end; how many files it wrote."""
        self._thread.join()
        return self._files

    def _work(self) -> None:
        command = [sys.executable, "-m", "flows.page.second_process"]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL  # where it fails it says more than may be shown
        process: subprocess.Popen[str] | None = None
        try:
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, text=True) as process:
                to, back = cast(IO[str], process.stdin), cast(IO[str], process.stdout)
                print(self._asked, file=to, flush=True)
                for unit in taken(self._queue.pop):
                    self.fault = "no answer"
                    print(unit, file=to, flush=True)
                    answer = back.readline().strip()
                    self.fault = "" if answer.isdigit() else answer or self.fault
                    if self.fault:
                        break
                    self._files += int(answer)
                to.close()
        except OSError as error:
            self.fault = self.fault or describe(error)
        if self.fault and process is not None and process.returncode:
            self.fault += f" (it ended with {process.returncode})"
