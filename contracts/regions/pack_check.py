"""What is wrong with a region's pack, in words for whoever edits it: file, line, what was found, what is expected."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from contracts.regions import FOLDER, pack_folders, shared_codes
from contracts.regions.contacts import contact_faults
from contracts.regions.openness import AUDIENCES, LEAST_THRESHOLD
from contracts.regions.pack import CODE, Region, region_in, stated_in
from contracts.regions.pack_table import (
    MAY_BE_ABSENT,
    MAY_BE_LEFT_OUT,
    TABLES,
    Line,
    PackFault,
    fault,
    missing_columns,
    read_table,
    table_lines,
)
from contracts.regions.route import routing_faults
from contracts.regions.rule_state_check import STATES, Changeable, rule_state_faults

SHIPPED = FOLDER / "69-tomsk"
BANDS = ("green", "amber", "red")
CHANNELS = ("inbox", "mail", "drop")
UNIT_KINDS = ("municipality", "region_direct")
FIRST_DAY = "0001-01-01"
MAY_BE_EMPTY_IN = {"rule_states": frozenset({"form", "campaign", "valid_from", "valid_to", "decided_by"})}
MAY_BE_EMPTY = frozenset({"municipality_type", "control_digit", "centre", "oktmo", "phone", "email", "by", "on", "why"})
KEYS = {
    "reporting_units": ("reporting_unit", "valid_from"), "reporting_unit_aliases": ("alias",), "senders": ("sender",),
    "sender_addresses": ("channel", "address"), "campaigns": ("campaign",), "calendar": ("day",),
    "collected": ("form",), "school_holidays": ("from_day",),
    "band_rules": ("band_rule_version", "band"), "thresholds": ("condition", "name"),
    "headings": ("form", "column", "heading"), "tiles": ("row", "column"), "small_numbers": ("audience",),
}  # fmt: skip
"""What two lines of a table may not have alike."""

Tables = dict[str, list[tuple[int, Line]]]
"""Name of a table → its lines with their numbers."""


@dataclass(frozen=True)
class Known:
    """What a pack may speak of beside itself: the forms that there are, the kinds that senders may be of, and rules."""

    forms: Collection[str]
    sender_kinds: Collection[str]
    rules: Mapping[str, Changeable]


def faults(pack: Path, known: Known, others: Sequence[Region] = (), unread: Collection[str] = frozenset()) -> list[str]:
    """What is wrong with a pack, a sentence each; `others` are in force beside it, whose codes it may not use. Tables
    that are `unread` are not looked at; they are some of those that may be absent."""
    found = list(stated_in(pack)[1])
    tables: Tables = {}
    for table in TABLES:
        path = pack / f"{table}.csv"
        if table in unread or (table in MAY_BE_ABSENT and not path.exists()):
            continue
        try:
            columns, lines = read_table(path)
        except PackFault as unreadable:
            found.append(str(unreadable))
            continue
        told = ", ".join(TABLES[table])
        if missing := missing_columns(table, columns):
            found.append(f"{path}, строка 1: нет столбцов {', '.join(missing)}; ожидаются {told}")
            continue
        if odd := [name for name in columns if name not in TABLES[table]]:
            found.append(f"{path}, строка 1: столбцы {', '.join(odd)} не известны; ожидаются {told}")
        tables[table] = lines
        if table != "routing":  # whose columns may be empty, and mean something else than elsewhere
            found += _wrong_values(path, table, lines, known)
        found += _twice(path, KEYS.get(table, ()), lines)
    if tables.keys() >= TABLES.keys() - MAY_BE_ABSENT:
        found += _between(pack, tables)
        if not found:
            campaigns = {line["campaign"]: line["form"] for _, line in tables["campaigns"]}
            lines = tables.get("rule_states", [])
            found += rule_state_faults(pack / "rule_states.csv", lines, campaigns, known.rules)
    if not found:
        found += shared_codes([*others, region_in(pack)])
    return found


def beside(pack: Path, folders: Iterable[Path]) -> list[Region]:
    """The other packs of some folders whose codes can be read."""
    others = []
    for folder in folders:
        for path in pack_folders(folder) if folder.is_dir() else ():
            if path.resolve() != pack.resolve() and not stated_in(path)[1]:
                others.append(region_in(path))
    return others


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _is_share(text: str) -> bool:
    return _is_number(text) and 0 <= Decimal(text) <= 1


DATE = "день в виде 2023-09-11, который есть в календаре"
FOLDERS_OF_MANY = ("public", "region")
"""Folders of the page that are no unit's: the first is open to everybody."""
CODE_OF_ITS_OWN = "латинские строчные буквы, цифры, «_» и «-», например asinovsky, но не public и не region"
EXPECTED: dict[str, tuple[Callable[[str], bool], str]] = {
    **dict.fromkeys(("valid_from", "valid_to", "starts_on", "deadline", "day", "collected_from"), (_is_date, DATE)),
    **dict.fromkeys(
        ("reporting_unit", "sender"),
        (lambda text: CODE.fullmatch(text) is not None and text not in FOLDERS_OF_MANY, CODE_OF_ITS_OWN),
    ),
    "lower_bound": (_is_share, "доля от 0 до 1 с точкой, например 0.80"),
    **dict.fromkeys(("row", "column"), (str.isdigit, "номер от единицы, например 3")),
    "value": (_is_number, "число с точкой, например 0.05"),
    "academic_year": (
        lambda text: re.fullmatch(r"20\d\d", text) is not None,
        "первый год учебного года, например 2023",
    ),
    **dict.fromkeys(("is_working", "is_open"), (lambda text: text in ("true", "false"), "true или false")),
    "audience": (lambda text: text in AUDIENCES, ", ".join(AUDIENCES)),
    "threshold": (
        lambda text: text.isdecimal() and int(text) >= LEAST_THRESHOLD,
        f"целое число от {LEAST_THRESHOLD}, например 10",
    ),
    "days": (lambda text: text.isdecimal() and int(text) >= 1, "целое число дней от 1, например 7"),
    "band": (lambda text: text in BANDS, ", ".join(BANDS)),
    "state": (lambda text: text in STATES, ", ".join(STATES)),
    "channel": (lambda text: text in CHANNELS, ", ".join(CHANNELS)),
}
"""Column → what its values have to be, and how that is said."""


def _wrong_values(path: Path, table: str, lines: Sequence[tuple[int, Line]], known: Known) -> Iterator[str]:
    """Cells that are empty and may not be, or are not what their column wants."""
    expected = dict(EXPECTED)
    expected["form"] = (lambda text: text in known.forms, f"одна из форм: {', '.join(known.forms)}")
    if table == "rule_states":
        expected["rule"] = (lambda text: text in known.rules, "номер правила из docs/rules.md, например RDY-011")
    if table == "senders":
        expected["kind"] = (lambda text: text in known.sender_kinds, ", ".join(sorted(known.sender_kinds)))
    if table == "reporting_units":
        expected["kind"] = (lambda text: text in UNIT_KINDS, ", ".join(UNIT_KINDS))
    for number, line in lines:
        for column in TABLES[table]:
            value = line.get(column, "")
            if not value.strip():
                if column not in MAY_BE_EMPTY_IN.get(table, MAY_BE_EMPTY) | MAY_BE_LEFT_OUT:
                    yield fault(path, number, f"{column} пусто", "значение")
            elif column in expected and not expected[column][0](value):
                yield fault(path, number, f"{column} «{value}»", expected[column][1])


def _twice(path: Path, keys: Sequence[str], lines: Sequence[tuple[int, Line]]) -> Iterator[str]:
    """Lines that say a second time what another one says."""
    first: dict[tuple[str, ...], int] = {}
    for number, line in lines:
        key = tuple(line[name] for name in keys)
        if keys and (before := first.setdefault(key, number)) != number:
            yield fault(path, number, f"«{' '.join(key)}» уже есть в строке {before}", "одна строка")


def _between(pack: Path, tables: Tables) -> Iterator[str]:
    """What tables say of each other."""
    units = {line["reporting_unit"] for _, line in tables["reporting_units"]}
    senders = {line["sender"] for _, line in tables["senders"]}
    for number, line in tables["senders"]:
        if line["kind"] == "reporting_unit" and line["sender"] not in units:
            found = f"у отправителя «{line['sender']}» нет отчётной единицы"
            yield fault(pack / "senders.csv", number, found, "строка с этим кодом в reporting_units.csv")
    for number, line in tables["reporting_units"]:
        if line["reporting_unit"] not in senders:
            found = f"у единицы «{line['reporting_unit']}» нет отправителя"
            yield fault(pack / "reporting_units.csv", number, found, "строка с этим кодом в senders.csv")
    for table, column, of, codes in (
        ("reporting_unit_aliases", "reporting_unit", "reporting_units.csv", units),
        ("sender_addresses", "sender", "senders.csv", senders),
        ("contacts", "sender", "senders.csv", senders),
        ("tiles", "reporting_unit", "reporting_units.csv", units),
    ):
        for number, line in tables.get(table, ()):
            if line[column] not in codes:
                yield fault(pack / f"{table}.csv", number, f"{column} «{line[column]}» — никто", f"код из {of}")
    for number, line in tables["campaigns"]:
        if line["deadline"] < line["starts_on"]:
            found = f"кампания «{line['campaign']}» кончается {line['deadline']}, а начинается {line['starts_on']}"
            yield fault(pack / "campaigns.csv", number, found, "срок не раньше начала")
    if "routing" in tables:
        yield from routing_faults(pack / "routing.csv", tables["routing"], sorted(senders))
    yield from contact_faults(pack / "contacts.csv", tables.get("contacts", ()))
    yield from _names(pack, tables)
    yield from _spans(pack / "reporting_units.csv", tables["reporting_units"])
    yield from _bands(pack / "band_rules.csv", tables["band_rules"])
    yield from _thresholds(pack / "thresholds.csv", tables["thresholds"])


def _names(pack: Path, tables: Tables) -> Iterator[str]:
    """Names that mean two units."""
    meant: dict[str, tuple[str, str]] = {}
    for table, column in (("reporting_units", "name"), ("reporting_unit_aliases", "alias")):
        for number, line in tables[table]:
            name, unit = " ".join(line[column].lower().replace("ё", "е").split()), line["reporting_unit"]
            other, where = meant.setdefault(name, (unit, f"{table}.csv, строка {number}"))
            if other != unit:
                found = f"«{line[column]}» — и {unit}, и {other} ({where})"
                yield fault(pack / f"{table}.csv", number, found, "имя одной единицы")


def _spans(path: Path, lines: Sequence[tuple[int, Line]]) -> Iterator[str]:
    """Lines of a unit that hold on no day, or on the days of another."""
    before: dict[str, list[tuple[int, Line]]] = defaultdict(list)
    for number, line in lines:
        unit, since, until = line["reporting_unit"], line["valid_from"], line["valid_to"]
        if until < since:
            yield fault(path, number, f"{unit} действует с {since} по {until}", "конец не раньше начала")
        for other, each in before[unit]:
            if each["valid_from"] <= until and since <= each["valid_to"]:
                yield fault(path, number, f"дни {unit} заняты строкой {other}", "одна строка на каждый день")
        before[unit].append((number, line))


def _bands(path: Path, lines: Sequence[tuple[int, Line]]) -> Iterator[str]:
    """Rules whose bands leave a hole, or lie one over the other."""
    rules: dict[str, dict[str, Decimal]] = defaultdict(dict)
    numbers: dict[str, int] = {}
    for number, line in lines:
        numbers.setdefault(line["band_rule_version"], number)
        if _is_share(line["lower_bound"]):
            rules[line["band_rule_version"]][line["band"]] = Decimal(line["lower_bound"])
    for rule, bounds in rules.items():
        if missing := [band for band in BANDS if band not in bounds]:
            yield fault(path, numbers[rule], f"в полосах «{rule}» нет {', '.join(missing)}", ", ".join(BANDS))
            continue
        if bounds["red"] != 0:
            yield fault(path, numbers[rule], f"в полосах «{rule}» дыра ниже {bounds['red']}", "red от 0")
        if not bounds["green"] > bounds["amber"] > bounds["red"]:
            found = f"полосы «{rule}» лежат одна на другой"
            yield fault(path, numbers[rule], found, "green выше amber, amber выше red")
    yield from _rule_sets(path, lines)


def _rule_sets(path: Path, lines: Sequence[tuple[int, Line]]) -> Iterator[str]:
    """Sets of rules that do not judge from the first day on, or that no mart asks for; and rules of two sets."""
    first_days: dict[str, set[str]] = {"": set()}
    set_of: dict[str, str] = {}
    asked = {line.get("rule_set", "") for line in table_lines(SHIPPED, "band_rules")}
    for number, line in lines:
        name = line.get("rule_set", "")
        first_days.setdefault(name, set()).add(line["valid_from"])
        if name not in asked:
            yield fault(path, number, f"rule_set «{name}» никому не нужен", "имя из пакета 69-tomsk или пусто")
        if set_of.setdefault(line["band_rule_version"], name) != name:
            yield fault(path, number, f"полосы «{line['band_rule_version']}» в двух наборах", "один rule_set")
    for name, days in first_days.items():
        if FIRST_DAY not in days:
            said = f" набора «{name}»" if name else ""
            yield fault(path, None, f"до первых полос{said} — дыра", f"полосы с valid_from {FIRST_DAY}")


def _thresholds(path: Path, lines: Sequence[tuple[int, Line]]) -> Iterator[str]:
    """Thresholds that conditions need and that are not there, and those that none needs."""
    needed = {(line["condition"], line["name"]) for line in table_lines(SHIPPED, "thresholds")}
    there = {(line["condition"], line["name"]) for _, line in lines}
    for condition, name in sorted(needed - there):
        yield fault(path, None, f"нет порога {condition} {name}", f"строка {condition},{name},…")
    for number, line in lines:
        if (line["condition"], line["name"]) not in needed:
            found = f"порог {line['condition']} {line['name']} никому не нужен"
            yield fault(path, number, found, "имя порога, который есть в пакете 69-tomsk")
