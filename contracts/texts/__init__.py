"""The catalogue of texts, Russian and English: words of the rules and of incidents, and phrases of what people read.

Tables that a non-programmer can review; whoever adds a rule or a phrase adds its line. Rules that every form shares
have theirs in `rules.csv` beside this, the rules of a form in `texts.csv` of the form's folder.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent
FORM_FOLDERS = FOLDER.parent / "forms"
TOPIC = "topic"
"""The code of the line that says what a form is about."""
Language = Literal["ru", "en"]


@dataclass(frozen=True)
class RuleText:
    """What a rule is, when it matters, how to mend: for senders in Russian, for engineers in English.

    Findings of one `rule_class` (`contracts/vocabulary/rule_classes.csv`) are one incident of a sender and a form.
    """

    rule_class: str
    what: str
    when: str
    mend: str
    what_en: str
    when_en: str
    mend_en: str


@cache
def rule_texts() -> dict[str, RuleText]:
    """Rule id → its words. Raises ValueError for a rule with two lines, LookupError for a form without a table."""
    texts: dict[str, RuleText] = {}
    for form in (None, *form_folders()):
        for rule, row in lines_of(form).items():
            if rule in texts:
                raise ValueError(f"{rule} stands in contracts/forms/{form}/texts.csv and in another table of rules")
            if rule != TOPIC:
                texts[rule] = RuleText(**row)
    return texts


def rule_text(rule: str) -> RuleText:
    """The words of a rule. Raises LookupError for a rule without a line, and says where it is owed."""
    words = rule_texts().get(rule)
    if words is None:
        shared, own = "contracts/texts/rules.csv", "contracts/forms/<its form>/texts.csv"
        raise LookupError(f"rule {rule} has no line in {shared if rule.startswith('COM-') else own}")
    return words


def form_topic(form: str, language: Language = "ru") -> str:
    """What a form is about, where its title would say too much; the name itself for one that is not agreed."""
    if form not in form_folders():
        return form
    return lines_of(form)[TOPIC]["what" if language == "ru" else "what_en"]


@cache
def form_folders() -> tuple[str, ...]:
    """The names of the folders that define a form."""
    return tuple(sorted(path.parent.name for path in FORM_FOLDERS.glob("*/form.py")))


@cache
def lines_of(form: str | None) -> dict[str, dict[str, str]]:
    """Code → the rest of its line: of a form's `texts.csv` (`topic` and its rules), without a form of `rules.csv`.

    Raises LookupError for a form without the table, ValueError for a code that stands there twice.
    """
    if form is None:
        return _lines(FOLDER / "rules.csv", "rule")
    if not (FORM_FOLDERS / form / "texts.csv").exists():
        raise LookupError(
            f"contracts/forms/{form} has no texts.csv: topic and rules of the form have their words there"
        )
    return _lines(FORM_FOLDERS / form / "texts.csv", "code")


@dataclass(frozen=True)
class IncidentText:
    """What a condition is called, whom it concerns, which events of its incidents are told, and in which words.

    `{name}` stands for what the details of an incident say. Russian; English where only engineers read it.
    """

    incident_class: Literal["data", "lateness", "own"]
    audiences: tuple[str, ...]
    tells: tuple[str, ...]
    name: str
    title: str
    text: str
    mend: str


@cache
def incident_texts() -> dict[str, IncidentText]:
    """Condition → its words and whom it concerns."""
    return {
        condition: IncidentText(
            row["class"],  # type: ignore[arg-type]  # the database knows no other
            tuple(row["audiences"].split(";")),
            tuple(row["tells"].split(";")),
            *(row[name] for name in ("name", "title", "text", "mend")),
        )
        for condition, row in _lines(FOLDER / "incidents.csv", "condition").items()
    }


@cache
def phrases(language: Language = "ru") -> dict[str, str]:
    """Code of a phrase → the phrase; `{name}` stands for what `str.format` puts there."""
    return {phrase: row[language] for phrase, row in _lines(FOLDER / "phrases.csv", "phrase").items()}


@cache
def page_words() -> dict[str, dict[Language, str]]:
    """Code → what the page says there, by language: Russian, and English for the switch."""
    return {code: {"ru": row["ru"], "en": row["en"]} for code, row in _lines(FOLDER / "page.csv", "code").items()}


@cache
def in_words(kind: str) -> dict[str, str]:
    """Code → Russian word, in their order, of one kind of code that people see: `verdict`, `severity`, `band`,
    `incident_class`, `incident_event`, `message_outcome`, `run_kind`, and what columns of marts hold."""
    return _kinds_of_words()[kind]


def word_of(column: str, code: str) -> str:
    """The Russian word of a code that a column of a mart holds; the code itself where it has none.

    A kind of words is named as the column is (`level`), or as it ends (`readiness_band` holds a `band`).
    """
    return words_of_column(column).get(code, code)


@cache
def words_of_column(column: str) -> dict[str, str]:
    """Code → word of the codes that a column holds; of two kinds that fit, the longer name is the nearer one."""
    kinds = _kinds_of_words()
    named = sorted((kind for kind in kinds if column == kind or column.endswith(f"_{kind}")), key=len)
    return {code: word for kind in named for code, word in kinds[kind].items()}


@cache
def _kinds_of_words() -> dict[str, dict[str, str]]:
    """Kind → code → word, of all that `words.csv` has."""
    with (FOLDER / "words.csv").open(encoding="utf-8", newline="") as file:
        kinds: dict[str, dict[str, str]] = {}
        for row in csv.DictReader(file):
            kinds.setdefault(row["kind"], {})[row["code"]] = row["word"]
    return kinds


@cache
def shown_words() -> frozenset[str]:
    """Words that nobody is called by: a heading or the name of a sheet made of them may be shown although the form has
    pupils."""
    return frozenset(_lines(FOLDER / "shown_words.csv", "word"))


def _lines(table: Path, code: str) -> dict[str, dict[str, str]]:
    lines: dict[str, dict[str, str]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row[code] in lines:
                raise ValueError(f"{row[code]} stands twice in {'/'.join(table.parts[-3:])}")
            lines[row.pop(code)] = row
    return lines
