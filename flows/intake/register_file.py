"""The register of schools without a database: out of a file of it, or the copy of the one last loaded."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from contracts.regions import region_at
from contracts.rules import LEFT_OUT
from contracts.texts import rule_text
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.archive import digest
from flows.intake.arrival import REGISTER_FORM
from flows.intake.incoming import Incoming, NotTaken
from flows.intake.readings import DeliveryFiles, drained, readings
from transforms.interpret import Context


def register_at_hand(
    settings: Settings, register: Path | None, files: DeliveryFiles, region: str | None
) -> pl.DataFrame | None:
    """The register of a region without a database: the one named, else the one last loaded, else None.

    Raises UsageError, Fault.
    """
    if register is not None:
        return register_of(register, files, region)
    return of_region(pl.read_parquet(settings.register), region) if settings.register.exists() else None


def of_region(schools: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Those schools of a register of all regions that report in one; without a region none is told from another."""
    regions_of = {unit: region_at(unit) for unit in schools["subordination"].unique().drop_nulls()}
    own = [unit for unit, its in regions_of.items() if region is None or (its is not None and its.code == region)]
    return schools.filter(pl.col("subordination").is_in(own))


def register_of(path: Path, files: DeliveryFiles, region: str | None = None) -> pl.DataFrame:
    """The register out of a delivery of it, for a check without a database. Raises UsageError, Fault."""
    try:
        arrival = digest(Incoming(path, None))
    except NotTaken as error:
        why = rule_text(LEFT_OUT[error.left_out.why].id).what
        raise UsageError(f"{path} is not a register that can be used: {why}") from None
    (answer,) = readings([arrival], Context(None, b"", form=REGISTER_FORM, region=region), files)
    if isinstance(answer, Fault):
        raise answer
    reading = drained(answer)
    if reading.verdict == "refused":
        why = next(iter(reading.findings.filter(pl.col("severity") == "refuse")["message"]), "")
        raise UsageError(f"{path} is not a register that can be used: {why}")
    numbers = pl.int_range(1, len(reading.facts) + 1, dtype=pl.Int64, eager=True).alias("school_id")
    facts = reading.facts.select(pl.exclude("school_id")).insert_column(0, numbers)
    return facts.select(
        "school_id", "school_code", "short_name", "full_name", "territory", "subordination", "pupils_6_11"
    )
