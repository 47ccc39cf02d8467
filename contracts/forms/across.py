"""Rules across forms: each is a SELECT of the broken places, `<rule>.sql` in the folder of the form it is said of.

The SELECT asks `held`, the readings that hold in the region `:region` on the day `:day` as known at `:known` (the
columns of `ops.reading_at`), and facts of their forms. It yields `reading_id`, the document of which the finding is
said, `other_reading_id`, the one that says otherwise, `school_id`, `place` where a school does not tell the thing,
`value`, `expected` and `difference`; null is what cannot be told. A row is one thing that may be explained by itself:
findings are the same when school, place and value are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from contracts.form import Form
from contracts.forms import FORMS
from contracts.texts import FORM_FOLDERS

FACTS = re.compile(r"\bcore\.(\w+)_fact\b")


def selects(forms: Sequence[Form] = FORMS) -> dict[str, str]:
    """Rule across forms → its SELECT, of those forms and of rules that read no others."""
    names = {form.name for form in forms}
    all_selects = {rule: select for form in forms for rule, select in selects_of(form).items()}
    return {rule: select for rule, select in sorted(all_selects.items()) if read_by(select) <= names}


def selects_of(form: Form) -> dict[str, str]:
    """Rule across forms → its SELECT, of the rules of one form. Raises LookupError for one without a file."""
    return {rule.id: _select(form, rule.id) for rule in form.rules if rule.scope == "forms"}


def read_by(select: str) -> frozenset[str]:
    """The names of the forms whose facts a SELECT reads."""
    return frozenset(FACTS.findall(select))


def wrong(form: Form) -> Iterator[str]:
    """Rules across forms without a SELECT, and SELECTs of nothing, a sentence each."""
    files = {path.stem for path in (FORM_FOLDERS / form.name).glob("*.sql")}
    rules = {rule.id for rule in form.rules if rule.scope == "forms"}
    folder = f"contracts/forms/{form.name}"
    yield from (f"{folder} has no {rule}.sql: a rule across forms is a SELECT" for rule in sorted(rules - files))
    yield from (f"{folder}/{file}.sql is of no rule across forms of it" for file in sorted(files - rules))


def _select(form: Form, rule: str) -> str:
    """A SELECT without its comments: words about it decide nothing."""
    path = FORM_FOLDERS / form.name / f"{rule}.sql"
    if not path.exists():
        raise LookupError(f"contracts/forms/{form.name} has no {rule}.sql: a rule across forms is a SELECT")
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))
