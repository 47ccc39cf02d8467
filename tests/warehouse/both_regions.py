"""Tomsk, and a region of the same names and campaigns under codes of its own, loaded by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import sqlalchemy as sa
from hand_made import DAY, SEED, VERSION, delivery, export, loaded, plan, report, school_register
from packs import edit, renamed, write_pack

from contracts.reading import Reading
from warehouse.deliveries.load import load_many
from warehouse.marts.definitions import marts, views
from warehouse.marts.published import mart, register

TOMSK, AMBER = "69", "39"
ZONE = "Europe/Kaliningrad"
MANY = (*marts(), *views())


def write_both(folder: Path) -> Path:
    """The packs of both; the bands of the second one begin elsewhere."""
    write_pack(folder / "69-tomsk")
    pack = write_pack(folder / "39-amber", code=AMBER, name="Янтарный край", time_zone=ZONE)
    campaigns = (pack / "campaigns.csv").read_bytes()
    renamed(pack, "a_")
    (pack / "campaigns.csv").write_bytes(campaigns)
    edit(
        pack, "band_rules", lambda lines: [line.update(lower_bound="0.95") for line in lines if line["band"] == "green"]
    )
    return folder


def of(prefix: str, made: Reading) -> Reading:
    """A reading of the sender of that prefix."""
    assert made.slice is not None
    sender = f"{prefix}{made.sender}"
    return replace(made, sender=sender, slice=made.slice.replace(f"/{made.sender}/", f"/{sender}/"))


def load_region(engine: sa.Engine, region: str, prefix: str, **changed: object) -> None:
    """The region of the source under other codes."""
    seed = {f"{prefix}{unit}": row for unit, row in SEED.items()}
    loaded(engine, of(prefix, school_register({unit: row[0] for unit, row in seed.items()}, **changed)))
    with engine.connect() as connection:
        ids = dict(register(connection, region).select("school_code", "school_id").iter_rows())
    readings = [
        report(ids, unit, range(1, accepted + 1), range(accepted + 1, accepted + rejected + 1), **changed)
        for unit, (_, accepted, rejected, _, _) in seed.items()
    ]
    readings.append(of(prefix, plan({unit: row[3] for unit, row in seed.items()}, **changed)))
    readings.append(of(prefix, export(ids, {f"{unit}-1": row[4] for unit, row in seed.items()}, **changed)))
    load_many(engine, [(each, delivery(engine)) for each in readings], VERSION)


def frames(engine: sa.Engine, region: str) -> dict[str, pl.DataFrame]:
    with engine.connect() as connection:
        return {each.name: mart(connection, each.name, DAY, region=region) for each in MANY}
