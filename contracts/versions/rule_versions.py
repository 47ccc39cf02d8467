"""Versions of the rules: which of them judges a form's deliveries, from which as-of date on, and what has changed.

`rule_versions.csv` beside this file has a line a version and form, in the order in which they were made; the last one
whose `judges_from` has come judges a date. `python -m contracts.versions` fails when the rules of a form are not those
of its last line, or an input is not what its last version said (`inputs.py`), and says how to add one.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path

import polars as pl

import contracts
from contracts.form import Column, Control, Edition, Form, RowControl, Rule
from contracts.forms import FORMS, folders
from contracts.forms.across import selects_of
from contracts.regions import FOLDER, kept, only_region, region_named, regions
from contracts.regions.pack import Region
from contracts.regions.pack_check import SHIPPED
from contracts.regions.pack_table import table_lines
from contracts.rules import COMMON, MINUTES_AS_HOURS, RULE_STATE, YEAR_OF_REPORT, YEAR_TO_COME
from contracts.versions import inputs
from contracts.vocabulary import form_rows, rows

FILE = Path(__file__).with_suffix(".csv")
FIRST_DAY = dt.date(1, 1, 1)
UNLISTED = "не записана"
COMMAND = "python -m contracts.versions"
SHARED = {
    "blank_words": ("word", "code"), "branch_words": ("start",), "heading_hints": ("words", "how"),
    "heading_units": ("unit", "word"), "ignored_headings": ("heading",), "months": ("word", "month"),
    "row_marks": ("start", "outcome"), "tail_doubts": ("word",), "unit_words": ("word",),
}  # fmt: skip
"""Vocabularies by which every form is read, and those of their columns that decide.

Territories, senders and campaigns are not among them: they say themselves from when and until when they hold.
"""
OF_UNITS = {"reporting_unit_aliases": ("alias", "reporting_unit")}
OF_PACKS = ("reporting_unit_aliases", "headings", "rule_states")
"""Tables of a region's pack by which forms are read."""
OF_STATES = ("rule", "campaign", "valid_from", "valid_to", "state")
OF_SCHOOLS = {"place_words": ("word",), "school_forms": ("short", "full"), "school_words": ("word",)}
OF_CODES = {"oktmo_with_zero": ("code",)}
CODES = ("school_code", "inn", "oktmo")
OF_DEADLINES = {"deadline_patterns": ("kind", "groups", "pattern")}
OF_ITEMS = {"item_endings": ("ending",)}


@dataclass(frozen=True)
class Version:
    """A line of the table. `fingerprint` has several words where the same rules were written down in several ways."""

    version: str
    form: str
    judges_from: dt.date
    fingerprint: str
    what: str

    @property
    def fingerprints(self) -> list[str]:
        """The fingerprints of rules for which the version holds."""
        return self.fingerprint.split()


def listed() -> tuple[Version, ...]:
    """The table, in its order. Raises ValueError for a line that cannot be understood."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Version(**{**row, "judges_from": dt.date.fromisoformat(row["judges_from"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )


def in_force(forms: Sequence[Form] = FORMS, region: str | None = None) -> tuple[Version, ...]:
    """The table, then what a region's names of territories make of it, then rules that nobody has listed.

    The latter judge from the day their form's last version does.
    """
    versions, unlisted = list(listed()), []
    for form in changed(versions, forms, region):
        last = _last_of(form, versions)
        if last is not None and (by_pack := _by_pack(form, last, region)):
            versions[versions.index(last)] = by_pack[0]
            unlisted += by_pack[1:]
            continue
        since = last.judges_from if last else FIRST_DAY
        unlisted.append(Version(UNLISTED, form.name, since, rules_of(form, region), "Правила изменены без записи."))
    return (*versions, *unlisted)


def changed(versions: Sequence[Version], forms: Sequence[Form] = FORMS, region: str | None = None) -> list[Form]:
    """Forms whose rules in a region are not those of their last version, or that have none."""
    lasts = {form: _last_of(form, versions) for form in forms}
    return [form for form, last in lasts.items() if last is None or rules_of(form, region) not in last.fingerprints]


def _by_pack(form: Form, last: Version, region: str | None) -> list[Version]:
    """The last version where only what a pack says differs from the shipped one, and a line for each later version of
    that in the pack's ledger; nothing when rules are others, or what the pack says is not listed."""
    shipped = {name: table_lines(SHIPPED, name) for name in OF_PACKS}
    pack = _pack(region)
    if pack is None or _fingerprint(form, shipped) not in last.fingerprints:
        return []
    said: dict[str, Sequence[inputs.Line]] = dict.fromkeys(OF_PACKS, ())
    versions = [last]
    for version in inputs.ledger_of(pack).listed():
        if version.input not in OF_PACKS:
            continue
        said[version.input] = inputs.lines_of(version)
        mark = _fingerprint(form, said)
        if version.judges_from <= last.judges_from:
            versions[0] = replace(last, fingerprint=f"{last.fingerprint} {mark}")
        elif mark not in versions[-1].fingerprints:
            name = f"{last.version}, {version.version}"
            versions.append(Version(name, form.name, version.judges_from, mark, version.what))
    return versions if rules_of(form, region) in versions[-1].fingerprints else []


def _last_of(form: Form, versions: Sequence[Version]) -> Version | None:
    return next((version for version in reversed(versions) if version.form == form.name), None)


def _pack(region: str | None) -> Region | None:
    """The region of a code; without one the only region in force, None where there are several."""
    return only_region() if region is None else region_named(region)


@kept
def rules_of(form: Form, region: str | None = None) -> str:
    """The fingerprint of all that decides a verdict on the form in a region: columns, rules, bounds, vocabularies; no
    texts. Without a region the only one in force is meant, and where there are several what all of them say."""
    pack = _pack(region)
    return _fingerprint(form, {name: pack.lines(name) for name in OF_PACKS} if pack else None)


def _fingerprint(form: Form, said: Mapping[str, Sequence[inputs.Line]] | None = None) -> str:
    text = "\n".join(map(repr, deciding(form, said)))
    return sha256(text.encode()).hexdigest()[:16]


def deciding(form: Form, said: Mapping[str, Sequence[inputs.Line]] | None = None) -> Iterator[object]:
    """What decides a verdict on the form, part by part; `said` is what a pack says in place of those in force."""
    yield form.name, form.sender_kind, form.recognised_by, form.grain, form.period, form.campaign_form
    yield form.states_total, form.covers, form.defines, form.holds_before, form.size, form.set_aside, form.largest_fall
    yield form.spare_rows, form.spare_fall
    for edition in form.editions:
        yield from _of_edition(edition)
    yield from map(_of_control, form.controls)
    yield from map(_of_control, form.row_controls)
    if form.people is not None:
        yield form.people
    if form.crosstab is not None:
        yield form.crosstab, rows(form.crosstab.labels)
    if form.discreet:
        yield "discreet"
    if form.pupils is not None:
        yield form.pupils.identity, _written(form.pupils.state), form.pupils.counters
        yield [(name, _written(measure.per_pupil)) for name, measure in form.pupils.measures.items()]
    columns = [column for edition in form.editions for column in edition.columns]
    said_of = {YEAR_OF_REPORT: any(column.of_year for column in columns), RULE_STATE: False,
               YEAR_TO_COME: form.period in ("academic_year", "month"),
               MINUTES_AS_HOURS: any(column.unit == "ак. ч" for column in columns)}  # fmt: skip
    yield from (_of_rule(rule) for rule in COMMON if said_of.get(rule, True))
    yield from _of_vocabularies(form, columns, said or {})
    yield from selects_of(form).items()


def _of_edition(edition: Edition) -> Iterator[object]:
    yield edition.name, edition.valid_from
    yield from map(_of_column, edition.columns)
    yield from map(_of_rule, edition.rules)


def _of_column(column: Column) -> object:
    unsaid = {name for name in ("pattern", "misfit", "mended", "day") if getattr(column, name) is None}
    unsaid |= {"description", *(name for name in ("within", "of_year", "banded") if not getattr(column, name))}
    return {name: value for name, value in asdict(column).items() if name not in unsaid}


def _of_rule(rule: Rule) -> object:
    return rule.id, rule.severity, rule.scope, rule.column, _written(rule.check), rule.needs_register


def _of_control(control: Control | RowControl) -> object:
    return [
        _written(value) if isinstance(value, pl.Expr) else value
        for value in (getattr(control, field.name) for field in fields(control))
    ]


def _of_vocabularies(
    form: Form, columns: Sequence[Column], said: Mapping[str, Sequence[inputs.Line]]
) -> Iterator[object]:
    """Each vocabulary by which the form is read, with those of its columns that decide."""
    kinds = {column.kind for column in columns}
    used = dict(SHARED)
    if "unit" in kinds or form.sender_kind == "reporting_unit":
        used |= OF_UNITS
    if "school_name" in kinds:
        used |= OF_SCHOOLS
    if kinds.intersection(CODES):
        used |= OF_CODES
    if "deadline" in kinds:
        used |= OF_DEADLINES
    if "items" in kinds:
        used |= OF_ITEMS
    used |= dict.fromkeys(sorted({column.vocabulary for column in columns if column.vocabulary}), ("word", "code"))
    used |= {column.vocabulary: ("word", "code", "sought") for column in columns if column.within and column.vocabulary}
    for name, deciding_columns in used.items():
        yield name, sorted(tuple(row[column] for column in deciding_columns) for row in said.get(name, rows(name)))
    own = [row for row in said.get("headings", rows("headings")) if row["form"] == form.name]
    yield sorted((row["column"], row["heading"]) for row in (*form_rows(form.name, "headings"), *own))
    if joint := form_rows(form.name, "joint_headings"):
        yield sorted(tuple(row.values()) for row in joint)
    rules = {rule.id for rule in (*form.rules, *COMMON)}
    states = [row for row in said.get("rule_states", rows("rule_states")) if row["form"] in ("", form.name)]
    if of_form := sorted(tuple(row[name] for name in OF_STATES) for row in states if row["rule"] in rules):
        yield of_form


def _written(expression: pl.Expr | None) -> str | None:
    """An expression with everything that it says; its `str` leaves out options and the middle of long lists."""
    return None if expression is None else expression.meta.serialize(format="json")


def wrong(forms: Sequence[Form] = FORMS) -> Iterator[str]:
    """What is wrong with the table, a sentence each."""
    versions = listed()
    names = {form.name for form in forms}
    for number, line in enumerate(versions):
        before = [earlier for earlier in versions[:number] if earlier.form == line.form]
        if line.form not in names:
            yield f"line {number + 2}: there is no form {line.form!r}"
        if not line.what.strip():
            yield f"line {number + 2}: it does not say what has changed"
        if any(earlier.version == line.version for earlier in before):
            yield f"line {number + 2}: {line.form} has a version {line.version} already"
        if before and set(before[-1].fingerprints).intersection(line.fingerprints):
            yield f"line {number + 2}: the rules of {line.form} are those of version {before[-1].version}"
    for form in changed(versions, forms):
        last = _last_of(form, versions)
        yield (
            f"the rules of {form.name} are not those of {f'version {last.version}' if last else 'any version'}: "
            f'{COMMAND} add NAME --from DATE --what "Что изменилось" '
            "(DATE is the first as-of date that the new rules judge)"
            + (f"; or, if they only are written down otherwise, {COMMAND} same" if last else "")
        )


def add(
    name: str, since: dt.date, what: str, forms: Sequence[Form] = FORMS, only: Collection[str] = ()
) -> list[Version]:
    """Write a line for each form whose rules are not those of its last one; returns the lines. `only` names forms."""
    versions = listed()
    new = [
        Version(name, form.name, since, rules_of(form), what)
        for form in changed(versions, forms)
        if not only or form.name in only
    ]
    write((*versions, *new))
    return new


def same(forms: Sequence[Form] = FORMS) -> list[Version]:
    """Let the last line of each form hold for its rules as they are written down now; returns the changed lines."""
    versions = list(listed())
    changed_lines = []
    for form in changed(versions, forms):
        if last := _last_of(form, versions):
            line = replace(last, fingerprint=f"{last.fingerprint} {rules_of(form)}")
            versions[versions.index(last)] = line
            changed_lines.append(line)
    write(versions)
    return changed_lines


def write(versions: Sequence[Version]) -> None:
    """Write the table anew."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Version)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(version) for version in versions)


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Check both tables, or change them; 1 when one is wrong, or the folder of a form is."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Check contracts/versions/rule_versions.csv and contracts/versions/inputs.csv, or change them.",
    )
    actions = parser.add_subparsers(dest="action")
    adding = actions.add_parser("add", help="write a line for each form and input that has changed")
    adding.add_argument("version", metavar="NAME", help="for example 2023-11")
    adding.add_argument("--from", dest="since", metavar="DATE", type=dt.date.fromisoformat, required=True,
                        help="the first as-of date that what is new judges")  # fmt: skip
    adding.add_argument("--what", required=True, help="what has changed, a sentence in Russian")
    adding.add_argument("--only", nargs="+", default=(), metavar="FORM_OR_INPUT",
                        help="only these; each may have a date of its own")  # fmt: skip
    actions.add_parser("same", help="the rules are the same, only written down otherwise (after an upgrade of polars)")
    options = parser.parse_args(arguments)
    if complaints := list(folders.wrong()):
        for complaint in complaints:
            say(complaint)
        return 1
    if options.action == "add":
        names = [*(form.name for form in FORMS), *inputs.names()]
        if odd := [name for name in options.only if name not in names]:
            parser.error(f"there is no form or input {odd[0]!r}; there are: {', '.join(names)}")
        try:
            of_inputs = inputs.add(options.version, options.since, options.what, options.only)
        except ValueError as error:
            parser.error(str(error))
        for line in add(options.version, options.since, options.what, only=options.only):
            say(f"{line.form}: version {line.version}, judges from {line.judges_from}, {line.fingerprint}")
        for version in of_inputs:
            say(f"{version.input}: version {version.version}, judges from {version.judges_from}, {version.fingerprint}")
    elif options.action == "same":
        for line in same():
            say(f"{line.form}: version {line.version}, judges from {line.judges_from}, {line.fingerprint}")
    complaints = [*wrong(), *inputs.wrong(COMMAND)]
    for complaint in complaints:
        say(complaint)
    return int(bool(complaints))


@kept
def contract_version(region: str | None = None) -> str:
    """A hash of everything in the contracts package (forms, rules, vocabularies) and of a region's pack; without a
    region of the packs of all that are in force."""
    folder = Path(contracts.__file__).parent
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    files = {name: path for name, path in files.items() if not path.is_relative_to(FOLDER) or path.parent == FOLDER}
    for pack in regions() if region is None else (region_named(region),):
        found = pack.folder.rglob("*")
        files |= {f"regions/{pack.folder.name}/{path.relative_to(pack.folder).as_posix()}": path for path in found}
    checksum = hashlib.sha256()
    for name, path in sorted(files.items()):
        if path.suffix in (".py", ".csv", ".toml"):
            checksum.update(f"{name}\0".encode())
            checksum.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return checksum.hexdigest()[:16]
