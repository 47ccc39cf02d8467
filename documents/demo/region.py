"""The truth of a fictional region: units, schools, readiness rows, pupils, plan, and what is wrong on purpose."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from random import Random

import polars as pl

from contracts.forms.readiness_report.form import COLUMNS
from contracts.regions.pack import Region as Pack
from contracts.vocabulary import reporting_units, rows_in
from documents.demo import fictional_pupils as pupils
from documents.demo import mistakes as faults
from documents.demo import schools
from documents.demo.data import rows
from documents.demo.dress import STYLES
from documents.demo.mistakes import BY_NAME, FAULTS, Row

TOMSK = "69"
PUPILS_6_11 = 61_429  # seed line 168: 43 000 pupils are 70 % of them
PUPILS_PLANNED = 43_000
ARCHIVED_SHARE, UNVERIFIED_SHARE = 0.06, 0.05
MISSING_SHARE = 0.05
PLAN_SOURCE = "Решение регионального оператора о плане на учебный год"
LOCAL = dt.timezone(dt.timedelta(hours=7), "Asia/Tomsk")
SCHOOLS_A_UNIT, PUPILS_A_SCHOOL = 5, 17
"""How large a region is of which nobody said how large it is."""

UNITS: dict[str, pl.DataType] = dict.fromkeys(
    ("reporting_unit", "name", "kind", "oktmo", "style", "file_as", "stale_total"), pl.String()
)
SCHOOLS: dict[str, pl.DataType] = {
    **dict.fromkeys(("school_code", "short_name", "full_name", "territory", "subordination", "oktmo"), pl.String()),
    **dict.fromkeys(("organisation_kind", "grades", "level", "status"), pl.String()),
    **dict.fromkeys(("pupils_6_11", "pupils_planned", "registered", "unverified", "archived"), pl.Int64()),
}
READINESS: dict[str, pl.DataType] = {"reporting_unit": pl.String(), **{c.name: c.dtype for c in COLUMNS}}
PLAN: dict[str, pl.DataType] = {"reporting_unit": pl.String(), "plan_pupils": pl.Int64(), "plan_source": pl.String()}
ALIASES: dict[str, pl.DataType] = {"alias": pl.String(), "reporting_unit": pl.String()}


@dataclass(frozen=True)
class Sizes:
    """How large a synthetic region is. Senders, schools and pupils are those of all its regions together."""

    seed: int = 2023
    regions: int = 1
    senders: int = 21
    schools: int = 285
    pupils: int = 4828
    bad_share: float = 0.07
    styles: int = len(STYLES)
    as_of: dt.date = dt.date(2023, 9, 8)


@dataclass(frozen=True)
class Region:
    """What is true, what is sent, and what is wrong in it on purpose.

    `units`: a row a reporting unit, with the style of its workbook. `schools`: a row a school; territory and
    subordination are reporting units, `status` is accepted, rejected or missing, and the last three columns count its
    pupils on the platform by state. `readiness`: the rows as sent, typed by the contract; a cell that is no value is
    null here and in `faults.raw`. `pupils`: a row a pupil of the export. `aliases`: names of units that the vocabulary
    does not know. `sound`: the readiness row that each school would have sent without a mistake. `published`: whether
    the source's summaries belong to it. `department` and `operator` send what comes from offices; files are received
    by the clocks of `zone`.
    """

    seed: int
    as_of: dt.date
    units: pl.DataFrame
    schools: pl.DataFrame
    readiness: pl.DataFrame
    faults: pl.DataFrame
    pupils: pl.DataFrame
    plan: pl.DataFrame
    aliases: pl.DataFrame
    sound: pl.DataFrame
    published: bool = False
    department: str = "department"
    operator: str = "regional_operator"
    zone: dt.tzinfo = LOCAL


def tomsk() -> Region:
    """The region of the source in September 2023: its printed numbers, unit by unit, with fictional schools."""
    seed, as_of = 2023, dt.date(2023, 9, 8)
    random = Random(seed)
    senders = {row["reporting_unit"]: row for row in rows("senders")}
    counts = {row["reporting_unit"]: row for row in rows("readiness_2023")}
    registration = {row["reporting_unit"]: row for row in rows("registration_2023")}
    units = [
        unit | {key: senders[unit["reporting_unit"]][key] or None for key in ("style", "file_as", "stale_total")}
        for unit in reporting_units(as_of, TOMSK).to_dicts()
    ]
    territories = {
        unit["reporting_unit"]: [unit["reporting_unit"]] * _count(counts, unit, "schools_total") for unit in units
    }
    territories["tomsk_oblast_direct"] = [
        name for name, row in senders.items() for _ in range(int(row["region_run_schools"]))
    ]
    weights = {
        unit: [_weight(random, int(senders[unit]["mean_pupils"])) for _ in own] for unit, own in territories.items()
    }
    heads = iter(schools.allocate(PUPILS_6_11, [weight for own in weights.values() for weight in own]))
    oktmo = {unit["reporting_unit"]: unit["oktmo"] for unit in units}
    villages = schools.village_names(random)
    school_rows: list[Row] = []
    for number, unit in enumerate(units, start=1):
        slug, sender = unit["reporting_unit"], senders[unit["reporting_unit"]]
        own = [next(heads) for _ in territories[slug]]
        level = schools.levels(own, int(sender["main_schools"]), int(sender["advanced_schools"]))
        status = _statuses(random, level, _count(counts, unit, "rejected"), _count(counts, unit, "missing"), slug)
        registered = schools.allocate(int(registration[slug]["actual"]), own)
        for i, place in enumerate(territories[slug]):
            if slug == "tomsk_oblast_direct":
                short, grades = schools.region_run_school(random, int(sender["first_number"]) + i)
            elif sender["town"]:
                short, grades = schools.town_school(random, sender["town"], int(sender["first_number"]) + i)
            else:
                short, grades = schools.village_school(random, next(villages), own[i])
            school_rows.append(
                _school(f"69{number:02}{i + 1:02}", short, grades, place, slug, oktmo[place])
                | {"level": level[i], "status": status[i][0], "fault": status[i][1]}
                | {"pupils_6_11": own[i], "registered": registered[i]}
            )
    _plan_coverage(random, school_rows, PUPILS_PLANNED)
    _add_states(school_rows, [unit["reporting_unit"] for unit in units])
    plan = [(slug, int(row["plan"]), PLAN_SOURCE) for slug, row in registration.items() if slug]
    return _region(seed, as_of, units, school_rows, plan, pl.DataFrame(schema=ALIASES), published=True)


def synthetic(sizes: Sizes) -> Region:
    """A region of any size: units r01_u01, r01_u02, … over several regions, schools and pupils spread over them."""
    units = []
    for place in range(sizes.senders):
        region, number = place % sizes.regions + 1, place // sizes.regions + 1
        units.append({
            "reporting_unit": f"r{region:02}_u{number:02}",
            "name": f"Опытный-{place + 1:03} муниципальный район",
            "kind": "municipality",
            "oktmo": f"99{region:02}{number:03}0",
            "file_as": f"Опытный-{place + 1:03}",
            "schools": f"{region:02}{number:03}",
        })  # fmt: skip
    return _invented(sizes, units, names_known=False)


def of_pack(pack: Pack, sizes: Sizes | None = None) -> Region:
    """A region with the units, senders and clocks of a pack, five schools a unit unless `sizes` says otherwise; by
    default as of three days before the deadline of its first readiness campaign.

    Raises ValueError for a pack without a readiness campaign, or without somebody who sends what comes from offices.
    """
    campaigns = [row for row in rows_in("campaigns", pack.code) if row["form"] == "readiness_report"]
    kinds = {row["kind"]: row["sender"] for row in rows_in("senders", pack.code)}
    if not campaigns or not {"department", "regional_operator"} <= kinds.keys():
        raise ValueError(f"{pack.folder}: no readiness campaign, or nobody of kind department or regional_operator")
    deadline = dt.date.fromisoformat(min(row["deadline"] for row in campaigns))
    as_of = sizes.as_of if sizes else deadline - dt.timedelta(days=3)
    listed = reporting_units(as_of, pack.code).to_dicts()
    units = [
        unit | {"file_as": unit["name"], "schools": f"{pack.code}{number:03}"} for number, unit in enumerate(listed, 1)
    ]
    many = SCHOOLS_A_UNIT * len(units)
    sizes = sizes or Sizes(senders=len(units), schools=many, pupils=many * PUPILS_A_SCHOOL, as_of=as_of)
    made = _invented(sizes, units, names_known=True)
    return replace(made, department=kinds["department"], operator=kinds["regional_operator"], zone=pack.zone)


def _invented(sizes: Sizes, units: list[Row], *, names_known: bool) -> Region:
    """Invented schools and pupils of units, of which `schools` is how the codes of their schools begin."""
    random = Random(sizes.seed)
    styles = list(STYLES)[: sizes.styles]
    school_rows: list[Row] = []
    per_unit = schools.allocate(sizes.schools, [random.uniform(0.6, 1.6) for _ in units])
    villages = schools.village_names(random)
    mean = max(110.0, 2.5 * sizes.pupils / max(sizes.schools, 1))
    for place, (unit, count) in enumerate(zip(units, per_unit, strict=True)):
        unit["style"] = styles[place % len(styles)]
        unit["stale_total"] = "pupils_planned" if random.random() < 0.05 else None
        for i in range(count):
            heads = min(int(_weight(random, mean)), 4000)
            short, grades = schools.village_school(random, next(villages), heads)
            level = random.choices(faults.LEVELS, (85, 13, 2))[0]
            draw = random.random()
            status = "rejected" if draw < sizes.bad_share else "accepted"
            if sizes.bad_share <= draw < sizes.bad_share + MISSING_SHARE:
                status = "missing"
            fault = random.choice(faults.possible(level, not STYLES[unit["style"] or ""].csv)).name
            slug = str(unit["reporting_unit"])
            school_rows.append(
                _school(f"{unit['schools']}{i + 1:03}", short, grades, slug, slug, str(unit["oktmo"]))
                | {"level": level, "status": status, "fault": fault if status == "rejected" else None}
                | {"pupils_6_11": heads}
            )
    registered = schools.allocate(sizes.pupils, [school["pupils_6_11"] for school in school_rows])
    for school, count in zip(school_rows, registered, strict=True):
        school["registered"] = count
    _plan_coverage(random, school_rows, int(0.7 * sum(school["pupils_6_11"] for school in school_rows)))
    slugs = [str(unit["reporting_unit"]) for unit in units]
    _add_states(school_rows, slugs)
    actual = dict.fromkeys(slugs, 0)
    for school in school_rows:
        actual[school["subordination"]] += school["registered"]
    plan = [(slug, int(actual[slug] * random.uniform(0.9, 2.4)) + 1, PLAN_SOURCE) for slug in slugs]
    own = [(unit[name], unit["reporting_unit"]) for unit in units for name in ("name", "file_as") if not names_known]
    aliases = pl.DataFrame(own, schema=ALIASES, orient="row")
    return _region(sizes.seed, sizes.as_of, units, school_rows, plan, aliases, published=False)


def _region(seed: int, as_of: dt.date, units: list[Row], school_rows: list[Row],
            plan: list[tuple[str, int, str]], aliases: pl.DataFrame, published: bool) -> Region:  # fmt: skip
    """Put the frames together: the readiness rows that are sent, the faults in them, and the pupils."""
    random = Random(f"readiness {seed}")
    sent: list[Row] = []
    sound: list[Row] = []
    wrong: list[Row] = []
    for school in school_rows:
        row = schools.correct_row(random, school, as_of)
        sound.append({"reporting_unit": school["subordination"], **row})
        if school["status"] == "missing":
            continue
        if school["fault"]:
            fault = BY_NAME[school["fault"]]
            row = fault.apply(row, as_of)
            wrong.append(
                {
                    "reporting_unit": school["subordination"],
                    "school_code": school["school_code"],
                    "fault": fault.name,
                    "column": fault.column,
                    "rule": fault.rule,
                    "kind": "error",
                    "raw": fault.raw,
                    "also": list(fault.also),
                }
            )
        sent.append({"reporting_unit": school["subordination"], **row})
    frame = pl.DataFrame([{name: school[name] for name in SCHOOLS} for school in school_rows], schema=SCHOOLS)
    return Region(
        seed,
        as_of,
        pl.DataFrame([{name: unit[name] for name in UNITS} for unit in units], schema=UNITS),
        frame,
        pl.DataFrame(sent, schema=READINESS),
        pl.DataFrame(wrong, schema=FAULTS),
        pupils.fill(pupils.state_rows(frame, seed), as_of, seed),
        pl.DataFrame(plan, schema=PLAN, orient="row"),
        aliases,
        pl.DataFrame(sound, schema=READINESS),
        published,
    )


def _school(code: str, short: str, grades: str, territory: str, subordination: str, oktmo: str) -> Row:
    return {
        "school_code": code,
        "short_name": short,
        "full_name": schools.full_name(short),
        "territory": territory,
        "subordination": subordination,
        "oktmo": oktmo,
        "organisation_kind": "филиал" if "ООШ" in short and code.endswith("5") else "юридическое лицо",
        "grades": grades,
    }


def _statuses(random: Random, level: list[str], rejected: int, missing: int, unit: str) -> list[tuple[str, str | None]]:
    """Status and fault of each school of a unit: a school with a fault has a level at which the fault is possible."""
    chosen: dict[int, tuple[str, str | None]] = {}
    named = [row["fault"] for row in rows("faults") if row["reporting_unit"] == unit]
    if len(named) != rejected:
        raise ValueError(f"{unit} has {rejected} rejected schools and {len(named)} faults")
    for fault in sorted(named, key=lambda name: len(BY_NAME[name].levels)):
        free = [i for i in range(len(level)) if i not in chosen and level[i] == BY_NAME[fault].levels[0]]
        chosen[random.choice(free)] = ("rejected", fault)
    free = [i for i in range(len(level)) if i not in chosen]
    chosen |= dict.fromkeys(random.sample(free, missing), ("missing", None))
    return [chosen.get(i, ("accepted", None)) for i in range(len(level))]


def _plan_coverage(random: Random, school_rows: list[Row], total: int) -> None:
    """Give each school the pupils that it plans to reach; together the total, in none more than it has."""
    planned = schools.allocate(total, [school["pupils_6_11"] * random.uniform(0.6, 0.8) for school in school_rows])
    for school, count in zip(school_rows, planned, strict=True):
        school["pupils_planned"] = count


def _add_states(school_rows: list[Row], slugs: list[str]) -> None:
    """Give each unit its archived and unverified pupils, spread over its schools."""
    own: dict[str, list[Row]] = {slug: [] for slug in slugs}
    for school in school_rows:
        own[school["subordination"]].append(school)
    for state, share in (("archived", ARCHIVED_SHARE), ("unverified", UNVERIFIED_SHARE)):
        for schools_of_unit in own.values():
            total = round(share * sum(school["registered"] for school in schools_of_unit))
            weights = [school["pupils_6_11"] for school in schools_of_unit]
            for school, count in zip(
                schools_of_unit, schools.allocate(max(total, 1), weights) if weights else [], strict=True
            ):
                school[state] = count


def _count(counts: dict[str, dict[str, str]], unit: Row, column: str) -> int:
    return int(counts[unit["reporting_unit"]][column])


def _weight(random: Random, mean: float) -> float:
    return mean * random.uniform(0.45, 1.55)
