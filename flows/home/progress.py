"""How far the work is, for whoever watches; nobody has to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[int, int], None]
WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Within the block, tell the watcher how many deliveries are done, and of how many."""
    token = WATCHER.set(watcher)
    try:
        yield
    finally:
        WATCHER.reset(token)


def report(done: int, whole: int) -> None:
    """Tell whoever watches that so many of the `whole` deliveries are done."""
    watcher = WATCHER.get()
    if watcher is not None:
        watcher(done, whole)
