"""A run as the warehouse records it: whatever happens to it, its end is recorded, and then people are told.

Messages come after the data is committed. A message or a metric that fails changes nothing of the run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.regions.pack import Region
from flows.home.faults import LOGGER, fault, guarded, log_to
from flows.home.log import logged
from flows.home.settings import Settings
from flows.messages.after_run import tell_of_incidents
from flows.runs.metrics import write_metrics
from warehouse.deliveries.received import finish_run, start_run

if TYPE_CHECKING:
    from sqlalchemy import Engine

COMPLETED, FAILED, CRASHED = "completed", "failed", "crashed"
LONGEST_MESSAGE = 300


@dataclass
class Run:
    """A run while it works; it says itself how it ends, `message` in one sentence of ours."""

    run_id: int
    state: str = COMPLETED
    message: str | None = None


@contextmanager
def recorded_run(
    engine: Engine, settings: Settings, kind: str, region: Region, as_of: dt.date | None, flow_run_id: str | None
) -> Iterator[Run]:
    """Record a run of a region as running, and how it ended: as it says, failed when the block raises, or crashed when
    it was told to stop. Then tell of it."""
    with engine.begin() as connection:
        run = Run(start_run(connection, kind, as_of, flow_run_id, region=region.code))
    with logged(run_id=run.run_id, flow_run_id=flow_run_id):
        try:
            yield run
        except BaseException as error:
            run.state = FAILED if isinstance(error, Exception) else CRASHED  # by a signal, and not by what it does
            run.message = str(fault(error, f"the {kind} run"))
            raise
        finally:
            with engine.begin() as connection:
                finish_run(connection, run.run_id, run.state, run.message and run.message[:LONGEST_MESSAGE])
            now = dt.datetime.now(dt.UTC)
            guarded("telling of incidents", partial(tell_of_incidents, engine, settings, region, now, run.run_id))
            guarded("writing the metrics", partial(write_metrics, engine, settings, now))


def settings_of(home: str | None) -> Settings:
    """The settings of a flow, with the log set up: its process is new, or somebody's who has one."""
    settings = Settings() if home is None else Settings(home=Path(home))
    settings.restrict()
    if not LOGGER.handlers:
        log_to(settings.log_file, settings.log_level, settings.log_format)
    return settings
