"""Packs of regions for tests: the shipped one with another code, zone or lines, and one of sixty units."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

from contracts.regions import FOLDER, forget
from contracts.regions.pack import FILE, region_in
from contracts.regions.pack_check import UNIT_KINDS
from contracts.regions.pack_table import MAY_BE_LEFT_OUT, TABLES
from contracts.versions.inputs import add, ledger_of

SHIPPED = FOLDER / "69-tomsk"
REGION = region_in(SHIPPED)
"""The region that is in force unless somebody says otherwise."""
FIRST, LAST = "0001-01-01", "9999-12-31"


def write_pack(pack: Path, **stated: str) -> Path:
    """A copy of the shipped pack at `pack`, of which `region.toml` states other things."""
    shutil.copytree(SHIPPED, pack)
    text = (pack / "region.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.split(" = ")[0] not in stated]
    lines += [f'{key} = "{value}"' for key, value in stated.items()]
    (pack / "region.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return pack


def edit(pack: Path, table: str, change: Callable[[list[dict[str, str]]], object]) -> None:
    """Change the lines of a table of a pack in place."""
    path = pack / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        lines, columns = list(reader), list(reader.fieldnames or ())
    change(lines)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def say_of_rules(pack: Path, *lines: dict[str, str]) -> None:
    """Let a pack in force say this of rules, and nothing else."""
    with (pack / "rule_states.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, TABLES["rule_states"], restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(lines)
    forget()


def renamed(pack: Path, prefix: str) -> None:
    """Give its units, senders, addresses and campaigns codes of their own; the names stay."""
    for table, columns in {
        "reporting_units": ("reporting_unit",), "reporting_unit_aliases": ("reporting_unit",), "senders": ("sender",),
        "sender_addresses": ("sender", "address"), "contacts": ("sender",), "campaigns": ("campaign",),
        "tiles": ("reporting_unit",),
    }.items():  # fmt: skip

        def change(lines: list[dict[str, str]], columns: tuple[str, ...] = columns) -> None:
            for line in lines:
                line.update({column: f"{prefix}{line[column]}" for column in columns})

        edit(pack, table, change)
    shutil.rmtree(pack / "versions")
    (pack / "versions.csv").unlink()


UNITS = 60
AMBER, AMBER_ZONE = "39", "Europe/Kaliningrad"
RECURRING = ("Кировский район", "Ленинский район", "Советский район")
"""Names of units of the second region that a sender of the first one may mean by a part of Томск."""
PLACES = ("Дюнный", "Янтарный", "Прибрежный", "Озёрный", "Луговой", "Песчаный", "Заливный", "Маячный", "Сосновый")
KINDS = ("муниципальный округ", "городской округ", "муниципальный район")


def write_regions(folder: Path) -> Path:
    """A folder of two packs: the shipped one, in which Томск is also called by names of its parts, and one of 60 units
    by another clock that has districts of these names, a campaign of the same code with another deadline, and bands, a
    threshold and a day off of its own. Their versions are listed."""
    tomsk = write_pack(folder / "69-tomsk")
    edit(
        tomsk,
        "reporting_unit_aliases",
        lambda lines: lines.extend(
            {"alias": name, "reporting_unit": "tomsk_city", "why": "так пишут о части города"} for name in RECURRING
        ),
    )
    amber = write_amber(folder / "39-amber")
    add("2023-08", dt.date(2023, 8, 1), "Части Томска по именам.", where=[ledger_of(region_in(tomsk))])
    add("2023", dt.date.min, "Первая версия.", where=[ledger_of(region_in(amber))])
    return folder


def write_amber(pack: Path) -> Path:
    """The pack of the second region, «Янтарный край»: units `a_u01` to `a_u59`, and the schools it runs itself."""
    pack.mkdir(parents=True)
    names = [f"{place} {kind}" for kind in KINDS for place in PLACES]
    names += [f"{place}-2 {KINDS[0]}" for place in PLACES] + [f"{place}-3 {KINDS[0]}" for place in PLACES]
    units = {f"a_u{number:02}": name for number, name in enumerate([*RECURRING, *names], 1)}
    units |= {f"a_u{number:02}": f"Опытный-{number} район" for number in range(len(units) + 1, UNITS)}
    direct = {"a_direct": "Янтарный край"}
    senders = {**units, **direct, "a_operator": "Оператор Янтарного края", "a_department": "Министерство"}
    kinds = {"a_operator": "regional_operator", "a_department": "department"}
    tables: dict[str, list[tuple[str, ...]]] = {
        "reporting_units": [
            (unit, name, UNIT_KINDS[unit in direct], "", f"39{number:03}000", "", "", FIRST, LAST)
            for number, (unit, name) in enumerate({**units, **direct}.items(), 1)
        ],
        "reporting_unit_aliases": [("Школы края", "a_direct", "так пишут о школах, которыми ведает край")],
        "senders": [(sender, name, kinds.get(sender, "reporting_unit")) for sender, name in senders.items()],
        "sender_addresses": [("inbox", sender, sender) for sender in senders],
        "contacts": [
            (sender, "методист", f"+7 (000) 000-39-{number:02}", f"{sender}@amber.invalid")
            for number, sender in enumerate(senders, 1)
        ],
        "campaigns": [
            ("readiness-2023", "readiness_report", "Готовность школ края", "2023", "2023-08-01", "2023-09-13"),
        ],
        "calendar": [("2023-09-12", "false", "День края")],
        "band_rules": [
            ("2023-a", band, bound, FIRST, "своё правило") for band, bound in
            (("green", "0.90"), ("amber", "0.60"), ("red", "0"))
        ],
    }  # fmt: skip
    for table, lines in tables.items():
        _write(pack / f"{table}.csv", [name for name in TABLES[table] if name not in MAY_BE_LEFT_OUT], lines)
    shutil.copyfile(SHIPPED / "collected.csv", pack / "collected.csv")
    shutil.copyfile(SHIPPED / "thresholds.csv", pack / "thresholds.csv")
    edit(pack, "thresholds", lambda lines: [line.update(value="3") for line in lines if line["condition"] == "overdue"])
    stated = {"code": AMBER, "name": "Янтарный край", "time_zone": AMBER_ZONE, "language": "ru"}
    (pack / FILE).write_text("".join(f'{name} = "{value}"\n' for name, value in stated.items()), encoding="utf-8")
    return pack


def _write(path: Path, columns: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([columns, *lines])
