"""The function that asks all rules across forms at once, made from their SELECTs."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.form import Form
from contracts.forms import FORMS
from contracts.forms.across import selects
from warehouse.schema.facts import literal

YIELDED = {
    "reading_id": "bigint", "other_reading_id": "bigint", "school_id": "bigint", "place": "text", "value": "text",
    "expected": "text", "difference": "numeric",
}  # fmt: skip
"""The columns of such a SELECT, and their types."""


def across_at(forms: Sequence[Form] = FORMS) -> str:
    """The DDL of `ops.across_at(of_region, day, known)`: what the rules say of what holds in a region on a day, as
    known at a moment."""
    columns = ", ".join(f"s.{name}::{kind}" for name, kind in YIELDED.items())
    parts = [f"SELECT {literal(rule)}, {columns} FROM (\n{select}\n) s" for rule, select in selects(forms).items()]
    nothing = f"SELECT NULL::text, {', '.join(f'NULL::{kind}' for kind in YIELDED.values())} WHERE false"
    body = "\nUNION ALL\n".join(parts) or nothing
    body = body.replace(":region", "$1").replace(":day", "$2").replace(":known", "$3")
    returned = ", ".join(f"{name} {kind}" for name, kind in YIELDED.items())
    return (
        "CREATE OR REPLACE FUNCTION ops.across_at(of_region text, day date, known timestamptz)"
        f" RETURNS TABLE (rule text, {returned})"
        " LANGUAGE sql STABLE ROWS 100 SET search_path = '' AS $$\n"
        f"WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at($1, $2, $3))\n{body}\n$$"
    )
