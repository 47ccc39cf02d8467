"""Figures and moments as Russian tables print them."""

from __future__ import annotations


def percent(rate: float | None) -> str:
    """A rate as Russian tables print it: 0.8451 is 84,5 %."""
    return "—" if rate is None else f"{100 * rate:.1f} %".replace(".", ",")


def points(change: float | None) -> str:
    """A change of a rate in percentage points, with its sign: 0.012 is +1,2."""
    if change is None:
        return "—"
    sign = "+" if change > 0 else "\N{MINUS SIGN}" if change < 0 else ""
    return f"{sign}{abs(100 * change):.1f}".replace(".", ",")


def whole(number: float | None) -> str:
    """A count with thin groups of digits: 43000 is 43 000."""
    if number is None:
        return "—"
    text = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.6g}"
    return text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
