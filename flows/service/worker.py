"""A worker of Prefect that, told to stop, takes no more runs and ends when those it has are done.

Prefect's own, told to stop, ends its runs with it. Pausing the pool instead lets nothing begin on any machine.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from flows.service.prefect_environment import POOL

LOOK_SECONDS = 0.5


def work(name: str | None, limit: int, say: Callable[[str], None]) -> None:
    """Take runs of the server that PREFECT_API_URL names, at most so many at once, until SIGTERM or SIGINT; then end
    those that go on. Asked a second time, stop them."""
    asyncio.run(_work(name or f"profmin on {socket.gethostname()}", limit, say))


async def _work(name: str, limit: int, say: Callable[[str], None]) -> None:
    from prefect.workers.process import ProcessWorker

    worker = ProcessWorker(work_pool_name=POOL, name=name, limit=limit, create_pool_if_not_found=False)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.append, number)
    working = asyncio.create_task(worker.start(printer=say))
    while not asked and not working.done():
        await asyncio.sleep(LOOK_SECONDS)
    if asked and worker.is_setup:
        worker.limiter.total_tokens = 0
        say(f"no run begins here any more; {worker.limiter.borrowed_tokens} go on")
        while worker.limiter.borrowed_tokens and len(asked) == 1 and not working.done():
            await asyncio.sleep(LOOK_SECONDS)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
