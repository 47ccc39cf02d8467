"""The rule catalogue for people: `python -m documents.writing.rules_markdown > docs/rules.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from contracts.form import Column, Edition, Form, Kind, Rule, Scope, Severity, Size
from contracts.forms import FORMS
from contracts.forms.offered import offered_words
from contracts.rules import COMMON
from contracts.texts import rule_text

SEVERITIES: dict[Severity, str] = {
    "refuse": "refuses the delivery",
    "error": "sets the row aside",
    "warning": "warns",
    "note": "notes",
}
SCOPES: dict[Scope, str] = {
    "cell": "a cell",
    "row": "a row",
    "table": "a table",
    "delivery": "a delivery",
    "register": "against the register",
    "history": "against history",
    "forms": "across forms",
}
KINDS: dict[Kind, str] = {
    "text": "text", "school_code": "code of a school", "school_name": "name of a school", "unit": "territory",
    "count": "whole number", "amount": "whole number, negative too", "hours": "number", "date": "date",
    "yes_no": "yes or no", "choice": "word of a list", "percent": "percent", "grade": "grade",
    "grades": "range of grades", "letter": "letter of a class",
    "lesson": "number of a lesson", "inn": "ИНН", "oktmo": "ОКТМО", "deadline": "deadline",
    "markup": "text, marks of HTML taken off", "items": "list, marks of HTML taken off", "months": "term",
}  # fmt: skip
HEAD = """# Rules

What a delivery is checked for: first the rules of every form, then each form with its columns and its own rules. Under
the id of a rule stands what a finding of it does, what the rule looks at, the column whose cell is marked, and the
source that demands it. Senders read the Russian words in their receipts. Of columns: a file without a required heading
is refused, a row without a required cell is set aside.

Made from `contracts/` by `python -m documents.writing.rules_markdown > docs/rules.md`; a test says when it is stale.
"""


def rules_markdown() -> str:
    """The catalogue: the common rules, then every form with its columns and rules."""
    lines = [HEAD, "## Every form", ""]
    for rule in COMMON:
        lines += _rule_lines(rule, None)
    for form in FORMS:
        lines += _form_lines(form)
    return "\n".join(lines).rstrip() + "\n"


def _form_lines(form: Form) -> Iterator[str]:
    """A form with its columns and rules in the newest edition, and how earlier ones differ."""
    newest = form.editions[-1]
    yield from (f"## {form.title}", "", f"`{form.name}`: {form.description}", "")
    yield from (f"A row is: {form.row_is}. It comes: {form.cadence}.", "")
    yield from (" ".join(_sizes(form)), "")
    yield from ("| column | title | kind | required | allowed |", "|---|---|---|---|---|")
    for column in newest.columns:
        kind = KINDS[column.kind] + (f", {column.unit}" if column.unit else "")
        yield f"| `{column.name}` | {column.title} | {kind} | {_required(column)} | {_allowed(column)} |"
    yield ""
    for edition in form.editions[:-1]:
        yield from (f"Edition {newest.name} is in force from {newest.valid_from}. {_differing(edition, newest)}", "")
    for rule in form.rules:
        yield from _rule_lines(rule, newest)


def _sizes(form: Form) -> Iterator[str]:
    """How many rows are expected, how many may be set aside, and how much less a new delivery may bear."""
    if form.size is not None:
        yield f"Refused unless it has {_expected(form.size)}."
    most, spare = form.set_aside.share, form.set_aside.spare
    yield f"Refused when over {most:.0%} of its rows (and more than {spare}) are set aside."
    yield (
        f"Held for a decision when it loads over {form.largest_fall:.0%} less than what it would take the place of: "
        "rows, schools, units, pupils, totals."
    )
    if form.defines_schools:
        yield "Held, too, when it lacks a single school of the one in force."


def _expected(size: Size) -> str:
    """The bounds of a delivery's size in words."""
    counted = {
        "schools_of_sender": "as many rows as the sender has schools",
        "schools": "as many schools as the register",
        "units": "as many rows as there are reporting units",
    }[size.per]
    low = f"at least {size.least:g} times and " if size.least else ""
    spare = f" (or {size.spare} more)" if size.spare else ""
    return f"{low}at most {size.most:g} times {counted}{spare}"


def _required(column: Column) -> str:
    """A file without a required heading is refused; a row with a blank required cell is set aside."""
    heading, cell = "heading" * column.required, "cell" * (not column.nullable)
    return " and ".join(demand for demand in (heading, cell) if demand)


def _allowed(column: Column) -> str:
    """The words or the bounds of a column; nothing where anything is allowed."""
    if column.vocabulary:
        return ", ".join(offered_words(column)) + (", or any other" if column.open_vocabulary else "")
    low, high = (None if bound is None else f"{bound:.15g}" for bound in (column.minimum, column.maximum))
    if low is None and high is None:
        return ""
    return f"from {low}" if high is None else f"up to {high}" if low is None else f"{low} to {high}"


def _differing(before: Edition, after: Edition) -> str:
    """Which columns of an earlier edition are not as in a later one."""
    then, now = ({column.name: column for column in edition.columns} for edition in (before, after))
    changed = [f"`{name}`" for name in dict.fromkeys([*then, *now]) if then.get(name) != now.get(name)]
    return f"Edition {before.name} (from {before.valid_from}) differs in {', '.join(changed) or 'rules only'}."


def _rule_lines(rule: Rule, edition: Edition | None) -> list[str]:
    """A rule with its words in both languages; of an edition, with the title of its column."""
    text = rule_text(rule.id)
    facts = [f"**{SEVERITIES[rule.severity]}**", SCOPES[rule.scope]]
    if rule.column and edition:
        facts.append(f"`{rule.column}` «{edition.column(rule.column).title}»")
    facts += ["needs the register"] * rule.needs_register
    facts += [f"source: {rule.source}"] * bool(rule.source)
    words = (
        ("что · what", text.what, text.what_en),
        ("когда · when", text.when, text.when_en),
        ("что делать · mend", text.mend, text.mend_en),
    )
    first, *others = (f"| {label} | {russian} | {english} |" for label, russian, english in words)
    return [f"### {rule.id}", "", " · ".join(facts), "", first, "|---|---|---|", *others, ""]


if __name__ == "__main__":
    sys.stdout.write(rules_markdown())
