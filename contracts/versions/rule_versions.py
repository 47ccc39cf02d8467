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
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import polars as pl

import contracts
from contracts.form import Column, Control, Edition, Form, RowControl, Rule
from contracts.forms import FORMS
from contracts.rules import COMMON
from contracts.versions import inputs
from contracts.vocabulary import rows

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
OF_SCHOOLS = {"place_words": ("word",), "school_forms": ("short", "full"), "school_words": ("word",)}
OF_CODES = {"oktmo_with_zero": ("code",)}
CODES = ("school_code", "inn", "oktmo")


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
        return self.fingerprint.split()


def listed() -> tuple[Version, ...]:
    """The table, in its order. Raises ValueError for a line that cannot be understood."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Version(**{**row, "judges_from": dt.date.fromisoformat(row["judges_from"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )


def in_force(forms: Sequence[Form] = FORMS) -> tuple[Version, ...]:
    """The table, then rules that nobody has listed; they judge from the day their form's last version does."""
    found = listed()
    unlisted = []
    for form in changed(found, forms):
        last = last_of(form, found)
        since = last.judges_from if last else FIRST_DAY
        unlisted.append(Version(UNLISTED, form.name, since, rules_of(form), "Правила изменены без записи."))
    return (*found, *unlisted)


def changed(versions: Sequence[Version], forms: Sequence[Form] = FORMS) -> list[Form]:
    """Forms whose rules are not those of their last version, or that have none."""
    lasts = {form: last_of(form, versions) for form in forms}
    return [form for form, last in lasts.items() if last is None or rules_of(form) not in last.fingerprints]


def last_of(form: Form, versions: Sequence[Version]) -> Version | None:
    return next((each for each in reversed(versions) if each.form == form.name), None)


@cache
def rules_of(form: Form) -> str:
    """The fingerprint of all that decides a verdict on the form: columns, rules, bounds, vocabularies; no texts."""
    told = "\n".join(map(repr, deciding(form)))
    return sha256(told.encode()).hexdigest()[:16]


def deciding(form: Form) -> Iterator[object]:
    """What decides a verdict on the form, part by part."""
    yield form.name, form.sender_kind, form.recognised_by, form.key, form.slice_by, form.campaign_form
    yield form.states_total, form.defines_schools, form.size, form.set_aside, form.largest_fall
    yield form.spare_rows, form.spare_fall
    for edition in form.editions:
        yield from of_edition(edition)
    yield from map(of_control, form.controls)
    yield from map(of_control, form.row_controls)
    if form.pupils is not None:
        yield form.pupils.identity, written(form.pupils.state), form.pupils.keys, form.pupils.counters
        yield [(name, written(measure.each)) for name, measure in form.pupils.measures.items()]
    yield from map(of_rule, COMMON)
    columns = [column for edition in form.editions for column in edition.columns]
    yield from of_vocabularies(form, columns)


def of_edition(edition: Edition) -> Iterator[object]:
    yield edition.name, edition.valid_from
    yield from map(of_column, edition.columns)
    yield from map(of_rule, edition.rules)


def of_column(column: Column) -> object:
    return {name: value for name, value in asdict(column).items() if name != "description"}


def of_rule(rule: Rule) -> object:
    return rule.id, rule.severity, rule.scope, rule.column, written(rule.check), rule.needs_register


def of_control(control: Control | RowControl) -> object:
    return [
        written(value) if isinstance(value, pl.Expr) else value
        for value in (getattr(control, field.name) for field in fields(control))
    ]


def of_vocabularies(form: Form, columns: Sequence[Column]) -> Iterator[object]:
    kinds = {column.kind for column in columns}
    used = dict(SHARED)
    if "unit" in kinds or form.sender_kind == "reporting_unit":
        used |= OF_UNITS
    if "school_name" in kinds:
        used |= OF_SCHOOLS
    if kinds.intersection(CODES):
        used |= OF_CODES
    used |= dict.fromkeys(sorted({column.vocabulary for column in columns if column.vocabulary}), ("word", "code"))
    for name, parts in used.items():
        yield name, sorted(tuple(row[part] for part in parts) for row in rows(name))
    yield sorted((row["column"], row["heading"]) for row in rows("headings") if row["form"] == form.name)


def written(expression: pl.Expr | None) -> str | None:
    """An expression with everything that it says; its `str` leaves out options and the middle of long lists."""
    return None if expression is None else expression.meta.serialize(format="json")


def wrong(forms: Sequence[Form] = FORMS) -> Iterator[str]:
    """What is wrong with the table, a sentence each."""
    found = listed()
    names = {form.name for form in forms}
    for number, line in enumerate(found):
        before = [each for each in found[:number] if each.form == line.form]
        if line.form not in names:
            yield f"line {number + 2}: there is no form {line.form!r}"
        if not line.what.strip():
            yield f"line {number + 2}: it does not say what has changed"
        if any(each.version == line.version for each in before):
            yield f"line {number + 2}: {line.form} has a version {line.version} already"
        if before and set(before[-1].fingerprints).intersection(line.fingerprints):
            yield f"line {number + 2}: the rules of {line.form} are those of version {before[-1].version}"
    for form in changed(found, forms):
        last = last_of(form, found)
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
    found = listed()
    made = [
        Version(name, form.name, since, rules_of(form), what)
        for form in changed(found, forms)
        if not only or form.name in only
    ]
    write((*found, *made))
    return made


def same(forms: Sequence[Form] = FORMS) -> list[Version]:
    """Let the last line of each form hold for its rules as they are written down now; returns the changed lines."""
    found = list(listed())
    made = []
    for form in changed(found, forms):
        if last := last_of(form, found):
            line = replace(last, fingerprint=f"{last.fingerprint} {rules_of(form)}")
            found[found.index(last)] = line
            made.append(line)
    write(found)
    return made


def write(versions: Sequence[Version]) -> None:
    with FILE.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Version)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(version) for version in versions)


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Check both tables, or change them; 1 when one is wrong."""
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
    asked = parser.parse_args(arguments)
    if asked.action == "add":
        known = [*(form.name for form in FORMS), *inputs.names()]
        if odd := [each for each in asked.only if each not in known]:
            parser.error(f"there is no form or input {odd[0]!r}; there are: {', '.join(known)}")
        try:
            of_inputs = inputs.add(asked.version, asked.since, asked.what, asked.only)
        except ValueError as error:
            parser.error(str(error))
        for line in add(asked.version, asked.since, asked.what, only=asked.only):
            say(f"{line.form}: version {line.version}, judges from {line.judges_from}, {line.fingerprint}")
        for each in of_inputs:
            say(f"{each.input}: version {each.version}, judges from {each.judges_from}, {each.fingerprint}")
    elif asked.action == "same":
        for line in same():
            say(f"{line.form}: version {line.version}, judges from {line.judges_from}, {line.fingerprint}")
    complaints = [*wrong(), *inputs.wrong(COMMAND)]
    for complaint in complaints:
        say(complaint)
    return int(bool(complaints))


@cache
def contract_version() -> str:
    """A hash of everything in the contracts package: forms, rules, vocabularies."""
    folder = Path(contracts.__file__).parent
    checksum = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".csv"):
            checksum.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            checksum.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return checksum.hexdigest()[:16]
