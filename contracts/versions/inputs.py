"""Versions of the inputs (bands, thresholds, calendar, campaigns, norms, units, senders, aliases): when which judges.

`contracts/versions/inputs.csv` has a line a version and input, in the order in which they were made; the last one whose
`judges_from` has come judges a date that is not published yet. What each version said is kept beside it, in
`contracts/versions/listed/<input>/<version>.csv`, so that a new warehouse judges old dates as they were judged.
What a form says in its own folder (classes of its rules, words that mean it) is part of an input as its table is.
`python -m contracts.versions` fails when an input does not say what its last version said.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from textwrap import shorten

from contracts import vocabulary
from contracts.forms.folders import whole_table

FILE = Path(__file__).with_suffix(".csv")
LISTED = Path(__file__).parent / "listed"
NAME = re.compile(r"[\w.-]+")
KEYS = {
    "band_rules": ("band_rule_version", "band"), "calendar": ("region", "day"), "campaigns": ("campaign",),
    "level_norms": ("model_version", "level", "direction"), "reporting_units": ("reporting_unit", "valid_from"),
    "reporting_unit_aliases": ("alias",), "rule_classes": ("rule_class", "rules"),
    "sender_addresses": ("channel", "address"), "senders": ("sender",), "thresholds": ("condition", "name"),
}  # fmt: skip
"""What tells the lines of an input apart; of others the first column does."""
TITLES = {
    "band_rules": "полосы", "calendar": "рабочий календарь", "campaigns": "кампании", "level_norms": "нормы часов",
    "reporting_units": "отчётные единицы", "reporting_unit_aliases": "написания территорий",
    "rule_classes": "классы правил", "sender_addresses": "адреса отправителей",
    "senders": "отправители", "thresholds": "пороги инцидентов",
}  # fmt: skip
JUDGE_DATES = ("band_rules", "calendar", "campaigns", "reporting_units", "senders")
"""Inputs that figures of a published date follow from; the others tell how a cell is read, or how things stand now."""
READ_BY_FORMS = frozenset(
    {
        "answers", "blank_words", "branch_words", "heading_hints", "heading_units",
        "ignored_headings", "levels", "months", "oktmo_with_zero", "positions", "row_marks", "school_words",
        "unit_words", "verification", "weekdays",
    }
)  # fmt: skip
"""Vocabularies that only tell how a cell is read: the versions of the forms answer for them."""
WORDS = frozenset({"why"})
"""Columns that decide nothing."""
IN_ORDER = frozenset({"reporting_units"})
"""Inputs whose order decides: units are printed in it."""

Line = Mapping[str, str]


@dataclass(frozen=True)
class InputVersion:
    """A line of the table."""

    version: str
    input: str
    judges_from: dt.date
    fingerprint: str
    what: str


def names() -> tuple[str, ...]:
    """Every input: all vocabularies but those that only tell how a cell is read."""
    return tuple(sorted({path.stem for path in vocabulary.FOLDER.glob("*.csv")} - READ_BY_FORMS))


def listed() -> tuple[InputVersion, ...]:
    """The table, in its order. Raises ValueError for a line that cannot be understood."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            InputVersion(**{**row, "judges_from": dt.date.fromisoformat(row["judges_from"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )


def last_of(name: str, versions: Sequence[InputVersion]) -> InputVersion | None:
    """The last version of an input; None for one that has none."""
    return next((version for version in reversed(versions) if version.input == name), None)


def fingerprint(name: str, lines: Collection[Line]) -> str:
    """The fingerprint of what an input decides: all columns but words, whatever the order of lines says nothing."""
    deciding = [
        tuple(sorted((column, value) for column, value in line.items() if column not in WORDS)) for line in lines
    ]
    return sha256(repr(deciding if name in IN_ORDER else sorted(deciding)).encode()).hexdigest()[:16]


def lines_of(version: InputVersion) -> tuple[Line, ...]:
    """What a version said. Raises FileNotFoundError when it was not kept."""
    with file_of(version).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def file_of(version: InputVersion) -> Path:
    """The table that keeps what a version said."""
    return LISTED / version.input / f"{version.version}.csv"


def changed(versions: Sequence[InputVersion]) -> list[str]:
    """Inputs that do not say what their last version said, or have none."""
    lasts = {name: last_of(name, versions) for name in names()}
    return [
        name for name, last in lasts.items() if last is None or fingerprint(name, whole_table(name)) != last.fingerprint
    ]


def differences(name: str, before: Collection[Line], after: Collection[Line]) -> list[str]:
    """Line by line what was one thing and is another: «overdue days: value 1 → 3», «+ …» for a new line, «− …»."""

    def by_key(lines: Collection[Line]) -> dict[tuple[str, ...], Line]:
        keys = KEYS.get(name) or tuple(next(iter(lines), {}))[:1]
        return {tuple(line.get(key, "") for key in keys): line for line in lines}

    was, now = by_key(before), by_key(after)
    sentences = []
    for key in [*was, *(key for key in now if key not in was)]:
        label = " ".join(word for word in key if word)
        if key not in was or key not in now:
            line = now.get(key) or was[key]
            values = [value for column, value in line.items() if value and value not in key and column not in WORDS]
            sentences.append(f"{'+' if key in now else '−'} {label}{': ' if values else ''}{', '.join(values)}")
            continue
        moved = [
            f"{column} {was[key].get(column) or '—'} → {now[key].get(column) or '—'}"
            for column in {**was[key], **now[key]}
            if column not in WORDS and was[key].get(column) != now[key].get(column)
        ]
        if moved:
            sentences.append(f"{label}: {', '.join(moved)}")
    return sentences


def wrong(command: str) -> Iterator[str]:
    """What is wrong with the table, a sentence each; `command` is the program that lists a version."""
    versions = listed()
    input_names = set(names())
    for number, line in enumerate(versions):
        before = [earlier for earlier in versions[:number] if earlier.input == line.input]
        if line.input not in input_names:
            yield f"inputs.csv line {number + 2}: there is no input {line.input!r}"
        if not line.what.strip():
            yield f"inputs.csv line {number + 2}: it does not say what has changed"
        if any(earlier.version == line.version for earlier in before):
            yield f"inputs.csv line {number + 2}: {line.input} has a version {line.version} already"
        if not file_of(line).exists() or fingerprint(line.input, lines_of(line)) != line.fingerprint:
            yield f"inputs.csv line {number + 2}: {file_of(line).relative_to(LISTED.parent)} is not what was listed"
    for name in changed(versions):
        last = last_of(name, versions)
        moved = differences(name, lines_of(last), whole_table(name)) if last and file_of(last).exists() else []
        yield (
            f"the input {name} is not what {f'version {last.version}' if last else 'any version'} said"
            f"{': ' if moved else ''}{'; '.join(shorten(sentence, 120, placeholder=' …') for sentence in moved[:5])}"
            f"{f' and {len(moved) - 5} more' if len(moved) > 5 else ''}. "
            f'List it: {command} add NAME --from DATE --what "Что изменилось" --only {name} '
            "(DATE is the first as-of date that it judges; published dates stay until a backfill)"
        )


def add(version: str, since: dt.date, what: str, only: Collection[str] = ()) -> list[InputVersion]:
    """Write a line for each input that has changed, and keep what it says; returns the lines.

    `only` names those meant; none means all. Raises ValueError for a name that cannot be a file's.
    """
    if not NAME.fullmatch(version):
        raise ValueError(f"{version!r} cannot be the name of a version: letters, digits, «-», «_» and «.» can")
    versions = listed()
    new = [
        InputVersion(version, name, since, fingerprint(name, whole_table(name)), what)
        for name in changed(versions)
        if not only or name in only
    ]
    for line in new:
        if any((earlier.input, earlier.version) == (line.input, line.version) for earlier in versions):
            raise ValueError(f"{line.input} has a version {version} already")
    for line in new:
        file_of(line).parent.mkdir(parents=True, exist_ok=True)
        _write(file_of(line), whole_table(line.input))
    _write(FILE, [asdict(line) for line in (*versions, *new)])
    return new


def _write(path: Path, lines: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(lines)
