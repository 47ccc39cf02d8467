"""Who reads marts while a night publishes, each by a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

PUBLICATIONS = "SELECT count(DISTINCT known_at) FROM mart.readiness_by_municipality_latest GROUP BY region"
PAUSE_SECONDS = 0.2


@contextmanager
def read_by(url: URL, readers: int) -> Iterator[list[int]]:
    """Ask for a mart over and over by so many connections; how many publications of a region each answer held.

    Raises what a reader raised.
    """
    over, seen = threading.Event(), list[int]()
    engine = create_engine(url, poolclass=NullPool)

    def read() -> None:
        with engine.connect() as connection:
            while not over.is_set():
                regions = connection.execute(text(PUBLICATIONS)).scalars().all()
                seen.append(max(regions, default=1))
                connection.rollback()
                over.wait(PAUSE_SECONDS)

    with ThreadPoolExecutor(readers) as pool:
        reading = [pool.submit(read) for _ in range(readers)]
        try:
            yield seen
        finally:
            over.set()
        for each in reading:
            each.result()
