"""What forms are called by people."""

from __future__ import annotations

from contracts.forms import FORMS


def form_title(form: str) -> str:
    """The title of a form; the name itself for one that is not agreed."""
    return next((agreed.title for agreed in FORMS if agreed.name == form), form)
