"""The packs of a country: as many regions as one says, each like the shipped one of urban districts under its own code.

Their clocks are those of the country, one after another.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from contracts.regions import FOLDER
from contracts.regions.pack import FILE, region_in
from contracts.versions.inputs import add, ledger_of

MODEL = FOLDER / "_offered" / "27-kaliningrad"
OF_MODEL = "kgd_"
"""How codes of the model's units and senders begin."""
ZONES = (
    "Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Tomsk",
    "Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka",
)  # fmt: skip
YEARS = (("2027", "2023"), ("2028", "2024"))
"""Years of the model, and those in which the country is measured."""
DATED = ("campaigns", "collected")


def write_country(folder: Path, regions: int) -> list[str]:
    """Write so many packs; returns their codes."""
    codes = [f"{number:02}" for number in range(1, regions + 1)]
    for place, code in enumerate(codes):
        pack = folder / f"{code}-region"
        pack.mkdir(parents=True)
        for table in MODEL.glob("*.csv"):
            if table.stem != "versions":
                text = table.read_text(encoding="utf-8").replace(OF_MODEL, f"r{code}_")
                for year, ours in YEARS if table.stem in DATED else ():
                    text = text.replace(year, ours)
                (pack / table.name).write_text(text, encoding="utf-8")
        stated = {"code": code, "name": f"Область {code}", "time_zone": ZONES[place % len(ZONES)], "language": "ru"}
        lines = [f'{name} = "{value}"\n' for name, value in stated.items()]
        (pack / FILE).write_text("".join(lines), encoding="utf-8")
        add("2023", dt.date.min, "A region of the benchmark.", where=[ledger_of(region_in(pack))])
    return codes
