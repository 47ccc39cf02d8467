"""What deliveries are read with: the register of their date, the secret of pseudonyms, and what was stated of them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from contracts.circumstances import NOTHING_STATED, Stated
from contracts.forms import FORMS
from flows.intake.arrival import Arrival
from transforms.interpret import Context

NEED_SCHOOLS = frozenset(
    form.name
    for form in FORMS
    if any(column.kind == "school_name" for edition in form.editions for column in edition.columns)
)
"""Forms whose facts are of schools."""


class Contexts:
    """The contexts of one run, one a day.

    `register_on` gives the register that holds on a day, the newest without one: a frame as `Context` has it, or None,
    or one without rows, where there is none. A day is asked for once.
    """

    def __init__(self, register_on: Callable[[dt.date | None], pl.DataFrame | None], secret: bytes) -> None:
        self.register_on = register_on
        self.secret = secret
        self._known: dict[dt.date | None, Context] = {}
        self._guard = threading.Lock()

    def of(self, batch: Sequence[Arrival]) -> Context:
        """That of deliveries of one form and date, of which the same was stated."""
        day = batch[0].stated.as_of or batch[0].as_of
        with self._guard:
            if day not in self._known:
                schools = self.register_on(day)
                self._known[day] = Context(None if schools is None or schools.is_empty() else schools, self.secret)
            context = self._known[day]
        return as_stated(context, batch[0].stated)

    def forget(self) -> None:
        """A register was loaded: ask anew."""
        with self._guard:
            self._known.clear()


def as_stated(context: Context, stated: Stated) -> Context:
    """The context of a delivery of which its caller said something."""
    return context if stated == NOTHING_STATED else replace(context, **vars(stated))
