"""What the steps of one run share. The steps are functions, each in a module of its own, in this order:

`receiving` (archived and recorded), `take_in` (what was read before, what each is, in which turn), `readings`
(opened and interpreted), `loading` (stored), `publishing`.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from contracts.regions.pack import Region
from contracts.versions.rule_versions import contract_version
from flows.home.pupil_key import PupilSecrets
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.quota import Quota
from flows.intake.readings import Contexts, DeliveryFiles
from warehouse.marts.published import register

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Intake:
    """One run's way to the warehouse, to the reader processes and to the registers, and what it may still keep."""

    def __init__(
        self, engine: Engine, settings: Settings, region: Region, options: Options, run_id: int | None
    ) -> None:
        self.engine = engine
        self.settings = settings
        self.region = region
        self.stated = options.stated
        self.run_id = run_id
        self.version = contract_version(region.code)
        self.quota = Quota(settings, engine)
        self.files = DeliveryFiles(settings)
        self.contexts = Contexts(partial(register_on, engine), PupilSecrets(engine, settings).of)


def register_on(engine: Engine, region: str | None, day: dt.date | None) -> pl.DataFrame | None:
    """The register of a region that holds on a day, the newest without one; none of no region."""
    if region is None:
        return None
    with engine.connect() as connection:
        return register(connection, region, day)
