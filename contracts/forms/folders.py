"""What the folders of the forms add to tables that all forms share, and what a folder lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from contracts.form import Form, Rule
from contracts.forms import FORMS, across
from contracts.rules import COMMON
from contracts.texts import FORM_FOLDERS, TOPIC, form_folders, lines_of, rule_texts
from contracts.vocabulary import form_rows, rows

FILES = ("form.py", "texts.csv", "headings.csv", "notes.md")
"""What each folder has."""


def whole_table(name: str) -> tuple[dict[str, str], ...]:
    """A table of the vocabulary with what the forms add to it, in the order of the forms.

    `rule_classes` gets its third column, `rules`: the ids of a class, parted by spaces. `statement_words` gets the
    words that mean a form.
    """
    if name == "rule_classes":
        texts = rule_texts()
        listed = [rule for rules in (COMMON, *(form.rules for form in FORMS)) for rule in _ids(rules)]
        return tuple(
            row | {"rules": " ".join(rule for rule in listed if texts[rule].rule_class == row["rule_class"])}
            for row in rows(name)
        )
    if name == "statement_words":
        return (*rows(name), *(row | {"means": form.name} for form in FORMS for row in form_rows(form.name, name)))
    return rows(name)


def wrong(forms: Sequence[Form] = FORMS) -> Iterator[str]:
    """What is wrong with the folders and with the lines of rules in them, a sentence each."""
    names = {form.name for form in forms}
    for folder in form_folders():
        if folder not in names:
            yield f"contracts/forms/{folder}: FORMS in contracts/forms/__init__.py lists no form of this name"
    lacking = [(form.name, file) for form in forms for file in FILES if not (FORM_FOLDERS / form.name / file).exists()]
    yield from (f"contracts/forms/{form} has no {file}" for form, file in lacking)
    if not lacking:
        yield from _wrong_lines("contracts/texts/rules.csv", _ids(COMMON), lines_of(None))
        for form in forms:
            table = f"contracts/forms/{form.name}/texts.csv"
            yield from _wrong_lines(table, [TOPIC, *_ids(form.rules)], lines_of(form.name))
            yield from across.wrong(form)


def _wrong_lines(table: str, codes: Collection[str], lines: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Lines that are owed and not there, lines of nothing, classes that there are not."""
    classes = {row["rule_class"] for row in rows("rule_classes")}
    yield from (f"{code} has no line in {table}" for code in codes if code not in lines)
    for code, line in lines.items():
        if code not in codes:
            yield f"{table} has a line of {code}, and there is no such rule of it"
        elif code != TOPIC and line["rule_class"] not in classes:
            yield f"{table}: {code} is of the class {line['rule_class']!r}; there are: {', '.join(sorted(classes))}"


def _ids(rules: Collection[Rule]) -> list[str]:
    return sorted(rule.id for rule in rules)
