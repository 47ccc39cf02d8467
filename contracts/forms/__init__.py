"""The forms that we agreed to receive, one file each, in the order in which a night reads them."""

from contracts.form import Form, Rule
from contracts.forms import (
    readiness_report,
    readiness_summary,
    registration_export,
    registration_plan,
    registration_summary,
    school_register,
)
from contracts.rules import COMMON

FORMS: tuple[Form, ...] = (
    school_register.FORM,
    readiness_report.FORM,
    registration_plan.FORM,
    registration_export.FORM,
    readiness_summary.FORM,
    registration_summary.FORM,
)


def form_named(name: str) -> Form:
    """The form of a name. Raises KeyError that lists the names."""
    for form in FORMS:
        if form.name == name:
            return form
    raise KeyError(f"no form is named {name!r}; there are: {', '.join(form.name for form in FORMS)}")


RULES: dict[str, Rule] = {rule.id: rule for rule in (*COMMON, *(rule for form in FORMS for rule in form.rules))}
