"""Versions of the inputs (bands, thresholds, calendar, campaigns, norms, units, senders, aliases): when which judges.

A ledger has a line a version and input, in the order in which they were made; the last one whose `judges_from` has come
judges a date that is not published yet. What all regions share is listed in `contracts/versions/inputs.csv`, what is a
region's own in `versions.csv` of its pack. What each version said is kept beside the ledger, a table a version, so that
a new warehouse judges old dates as they were judged. What a form says in its own folder (classes of its rules, words
that mean it) is part of an input as its table is. `python -m contracts.versions` fails when an input does not say
what its last version said.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from textwrap import shorten

from contracts import vocabulary
from contracts.forms.folders import whole_table
from contracts.regions import regions
from contracts.regions.pack import Region
from contracts.regions.pack_table import MAY_BE_ABSENT, MAY_BE_LEFT_OUT, TABLES, PackFault, read_table

FILE = Path(__file__).with_suffix(".csv")
LISTED = Path(__file__).parent / "listed"
OF_PACK, KEPT_IN_PACK = "versions.csv", "versions"
"""The ledger of a pack, and the folder of what its versions said."""
COLUMNS = ("version", "input", "judges_from", "fingerprint", "what")
NAME = re.compile(r"[\w.-]+")
KEYS = {
    "assignment_metrics": ("metric",),
    "band_rules": ("band_rule_version", "band"), "calendar": ("region", "day"), "campaigns": ("campaign",),
    "level_norms": ("model_version", "level", "direction"), "reporting_units": ("reporting_unit", "valid_from"),
    "reporting_unit_aliases": ("alias",), "rule_classes": ("rule_class", "rules"),
    "sender_addresses": ("channel", "address"), "senders": ("sender",), "thresholds": ("condition", "name"),
    "collected": ("form",), "coverage_targets": ("model_version", "population"), "meeting_months": ("meeting",),
    "rule_states": ("rule", "form", "campaign", "valid_from"),
}  # fmt: skip
"""What tells the lines of an input apart; of others the first column does."""
TITLES = {
    "assignment_metrics": "показатели поручений",
    "band_rules": "полосы", "calendar": "рабочий календарь", "campaigns": "кампании", "level_norms": "нормы часов",
    "reporting_units": "отчётные единицы", "reporting_unit_aliases": "написания территорий",
    "rule_classes": "классы правил", "sender_addresses": "адреса отправителей",
    "senders": "отправители", "thresholds": "пороги инцидентов", "collected": "какие формы собирают",
    "coverage_targets": "цели охвата", "meeting_months": "месяцы всероссийских собраний",
    "rule_states": "состояния правил", "school_holidays": "каникулы",
}  # fmt: skip
JUDGE_DATES = (
    "assignment_metrics", "band_rules", "calendar", "campaigns", "coverage_targets", "meeting_months",
    "reporting_units", "rule_states", "school_holidays", "senders",
)  # fmt: skip
"""Inputs that figures of a published date follow from; the others tell how a cell is read, or how things stand now."""
READ_BY_FORMS = frozenset(
    {
        "answers", "blank_words", "branch_words", "deadline_patterns", "heading_hints", "heading_units",
        "ignored_headings", "item_endings", "levels", "months", "oktmo_with_zero", "positions", "row_marks",
        "school_words", "unit_words", "verification", "weekdays",
    }
)  # fmt: skip
"""Vocabularies that only tell how a cell is read: the versions of the forms answer for them."""
DECIDE_NOTHING = frozenset(
    {"contacts", "region_tiles", "routing", "small_numbers", "system_figures", "systems", "tiles"}
)
"""Tables by which nothing is judged: they are shown, or say who is told."""
WORDS = frozenset({"why"})
"""Columns that decide nothing."""
IN_ORDER = frozenset({"reporting_units"})
"""Inputs whose order decides: units are printed in it."""

Line = Mapping[str, str]


@dataclass(frozen=True)
class InputVersion:
    """A line of a ledger; `region` is nothing for what all regions share."""

    version: str
    input: str
    judges_from: dt.date
    fingerprint: str
    what: str
    region: str = ""


@dataclass(frozen=True)
class Ledger:
    """Where the versions of some inputs are listed: of those that all regions share, or of a region's own.

    `kept` is the folder of what the versions said.
    """

    file: Path
    kept: Path
    pack: Region | None = None

    @property
    def region(self) -> str:
        """The code of the region; nothing for what all share."""
        return self.pack.code if self.pack else ""

    def names(self) -> tuple[str, ...]:
        """Its inputs: all tables but those for which the forms answer, and those that decide nothing."""
        if self.pack is None:
            shared = {path.stem for path in vocabulary.FOLDER.glob("*.csv")}
            return tuple(sorted(shared - READ_BY_FORMS - DECIDE_NOTHING))
        folder = self.pack.folder
        absent = {table for table in MAY_BE_ABSENT if not (folder / f"{table}.csv").exists()}
        return tuple(sorted(TABLES.keys() - absent - DECIDE_NOTHING))

    def lines(self, name: str) -> tuple[Line, ...]:
        """What an input says now."""
        if self.pack is not None:
            return self.pack.lines(name)
        return vocabulary.shared(name) if name in TABLES else whole_table(name)

    def listed(self) -> tuple[InputVersion, ...]:
        """Its lines, in their order. Raises ValueError for one that cannot be understood."""
        if self.pack is not None and not self.file.exists():
            return ()
        columns, lines = read_table(self.file)
        if missing := [name for name in COLUMNS if name not in columns]:
            raise PackFault(f"{self.file}, строка 1: нет столбцов {', '.join(missing)}; ожидаются {', '.join(COLUMNS)}")
        return tuple(
            InputVersion(
                line["version"], line["input"], dt.date.fromisoformat(line["judges_from"]), line["fingerprint"],
                line["what"], self.region,
            )
            for _, line in lines
        )  # fmt: skip

    def file_of(self, version: InputVersion) -> Path:
        """The table that keeps what a version said."""
        return self.kept / version.input / f"{version.version}.csv"

    def write(self, versions: Sequence[InputVersion]) -> None:
        """Write the ledger anew."""
        with self.file.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n", extrasaction="ignore")
            table.writeheader()
            table.writerows(vars(line) for line in versions)


def ledgers() -> tuple[Ledger, ...]:
    """That of what all regions share, then one a region in force."""
    return (Ledger(FILE, LISTED), *map(ledger_of, regions()))


def ledger_of(region: Region) -> Ledger:
    """The ledger of a region's pack."""
    return Ledger(region.folder / OF_PACK, region.folder / KEPT_IN_PACK, region)


def names() -> tuple[str, ...]:
    """The name of every input; several regions have one of a name."""
    return tuple(sorted({name for ledger in ledgers() for name in ledger.names()}))


def listed() -> tuple[InputVersion, ...]:
    """The lines of all ledgers. Raises ValueError for one that cannot be understood."""
    return tuple(version for ledger in ledgers() for version in ledger.listed())


def last_of(name: str, versions: Sequence[InputVersion]) -> InputVersion | None:
    """The last version of an input in a ledger; None for one that has none."""
    return next((version for version in reversed(versions) if version.input == name), None)


def fingerprint(name: str, lines: Collection[Line]) -> str:
    """The fingerprint of what an input decides: all columns but words, whatever the order of lines says nothing."""
    deciding = [
        tuple(sorted((column, value) for column, value in line.items() if _decides(column, value))) for line in lines
    ]
    return sha256(repr(deciding if name in IN_ORDER else sorted(deciding)).encode()).hexdigest()[:16]


def _decides(column: str, value: str) -> bool:
    return column not in WORDS and bool(value or column not in MAY_BE_LEFT_OUT)


def lines_of(version: InputVersion) -> tuple[Line, ...]:
    """What a version said. Raises PackFault when it was not kept."""
    return lines_of_table(file_of(version))


def lines_of_table(path: Path) -> tuple[Line, ...]:
    """The lines of a table. Raises PackFault."""
    _, lines = read_table(path)
    return tuple(line for _, line in lines)


def file_of(version: InputVersion) -> Path:
    """The table that keeps what a version said."""
    return next(ledger for ledger in ledgers() if ledger.region == version.region).file_of(version)


def changed(where: Sequence[Ledger] | None = None) -> list[tuple[str, str]]:
    """Region and name of inputs that do not say what their last version said, or have none."""
    return [(ledger.region, name) for ledger in (ledgers() if where is None else where) for name in changed_in(ledger)]


def changed_in(ledger: Ledger) -> list[str]:
    """Inputs of a ledger that do not say what their last version said, or have none."""
    versions = ledger.listed()
    lasts = {name: last_of(name, versions) for name in ledger.names()}
    return [
        name
        for name, last in lasts.items()
        if last is None or fingerprint(name, ledger.lines(name)) != last.fingerprint
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
    """What is wrong with the ledgers, a sentence each; `command` is the program that lists a version."""
    for ledger in ledgers():
        yield from wrong_in(ledger, command)


def wrong_in(ledger: Ledger, command: str) -> Iterator[str]:
    """What is wrong with a ledger, a sentence each."""
    versions = ledger.listed()
    input_names = set(ledger.names())
    for number, line in enumerate(versions):
        before = [earlier for earlier in versions[:number] if earlier.input == line.input]
        place = f"{ledger.file.name} line {number + 2}"
        if line.input not in input_names:
            yield f"{place}: there is no input {line.input!r}"
        if not line.what.strip():
            yield f"{place}: it does not say what has changed"
        if any(earlier.version == line.version for earlier in before):
            yield f"{place}: {line.input} has a version {line.version} already"
        if not ledger.file_of(line).exists() or fingerprint(line.input, lines_of(line)) != line.fingerprint:
            yield f"{place}: {ledger.file_of(line).relative_to(ledger.file.parent)} is not what was listed"
    for name in changed_in(ledger):
        last = last_of(name, versions)
        is_kept = last is not None and ledger.file_of(last).exists()
        moved = differences(name, lines_of(last), ledger.lines(name)) if last and is_kept else []
        yield (
            f"the input {name} is not what {f'version {last.version}' if last else 'any version'} said"
            f"{': ' if moved else ''}{'; '.join(shorten(sentence, 120, placeholder=' …') for sentence in moved[:5])}"
            f"{f' and {len(moved) - 5} more' if len(moved) > 5 else ''}. "
            f'List it: {command} add NAME --from DATE --what "Что изменилось" --only {name} '
            "(DATE is the first as-of date that it judges; published dates stay until a backfill)"
        )


def add(
    version: str, since: dt.date, what: str, only: Collection[str] = (), where: Sequence[Ledger] | None = None
) -> list[InputVersion]:
    """Write a line for each input that has changed, and keep what it says; returns the lines.

    `only` names those meant; none means all. Raises ValueError for a name that cannot be a file's.
    """
    if not NAME.fullmatch(version):
        raise ValueError(f"{version!r} cannot be the name of a version: letters, digits, «-», «_» and «.» can")
    new: list[tuple[Ledger, list[InputVersion]]] = []
    for ledger in ledgers() if where is None else where:
        lines = [
            InputVersion(version, name, since, fingerprint(name, ledger.lines(name)), what, ledger.region)
            for name in changed_in(ledger)
            if not only or name in only
        ]
        taken = {(line.input, line.version) for line in ledger.listed()}
        if again := [line for line in lines if (line.input, line.version) in taken]:
            raise ValueError(f"{again[0].input} has a version {version} already")
        new.append((ledger, lines))
    for ledger, lines in new:
        for line in lines:
            _keep(ledger, line)
        if lines:
            ledger.write((*ledger.listed(), *lines))
    return [line for _, lines in new for line in lines]


def _keep(ledger: Ledger, version: InputVersion) -> None:
    """Keep what an input says as what a version said, however its own file is saved."""
    said, path = ledger.lines(version.input), ledger.file_of(version)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(said[0]) if said else TABLES[version.input], lineterminator="\n")
        table.writeheader()
        table.writerows(said)
