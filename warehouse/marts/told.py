"""Every figure whose change is a correction, of all marts that state one: `history.figure`, a version a row.

The view is made with the marts out of what they state. Corrections, the movement of a night and conditions of incidents
read it, so that none of them names a mart.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart
from warehouse.marts.stated import Figure
from warehouse.schema.facts import literal

RELATION = "history.figure"
ABOUT = """Цифры, полосы и состояния, перемена которых — поправка: все версии, из всех витрин, которые их называют.
kind: measure — мера, band — полоса (rate — её доля), state — состояние; grain: school, unit или sender."""
GRAINS = {
    "school": ("h.school_code", "h.reporting_unit"),
    "unit": ("h.reporting_unit", "h.reporting_unit"),
    "sender": ("h.form || '/' || h.sender", "h.sender"),
}
"""Whose a figure is → its code and its reporting unit, in SQL."""
OF_MART = """\
SELECT {mart} AS mart, {form} AS form, {grain} AS grain, {code} AS code, h.{label} AS name, {unit} AS reporting_unit,
    {campaign} AS campaign, e.metric, e.metric_name, e.kind, e.figure, e.rate, h.region, h.as_of,
    h.published_at, h.replaced_at
FROM {history} AS h
CROSS JOIN LATERAL (VALUES
    {figures}
) AS e (metric, metric_name, kind, figure, rate)
"""


def figures_view(all_marts: Iterable[Mart]) -> str:
    """The SELECT of `history.figure` over the marts that state figures."""
    return "UNION ALL\n".join(_of_mart(mart) for mart in all_marts if mart.stated.figures)


def figures_script(all_marts: Iterable[Mart]) -> str:
    """Statements that make the view."""
    return f"CREATE VIEW {RELATION} AS\n{figures_view(all_marts)};\nCOMMENT ON VIEW {RELATION} IS {literal(ABOUT)}"


def figures_fingerprint(all_marts: Iterable[Mart]) -> str:
    """A hash of all that the view is made of."""
    return sha256(figures_script(all_marts).encode()).hexdigest()


def _of_mart(mart: Mart) -> str:
    code, unit = GRAINS[mart.grain]
    return OF_MART.format(
        mart=literal(mart.name),
        form="h.form" if "form" in mart.key else literal(mart.form),
        grain=literal(mart.grain),
        code=code,
        label=mart.label,
        unit=unit,
        campaign="h.campaign" if "campaign" in mart.columns else "NULL::text",
        history=mart.history,
        figures=",\n    ".join(_row(mart, figure) for figure in mart.stated.figures),
    )


def _row(mart: Mart, figure: Figure) -> str:
    words = literal(figure.words or mart.captions[figure.column].split(". ", 1)[0])
    rate = f"h.{figure.rate}" if figure.rate else "NULL::numeric"
    return f"({literal(figure.metric)}, {words}, {literal(figure.kind)}, {_as_text(mart, figure)}, {rate})"


def _as_text(mart: Mart, figure: Figure) -> str:
    """A figure as a text that depends on no setting of a session."""
    if figure.of:
        cases = " ".join(f"WHEN h.{column} = 1 THEN {literal(column)}" for column in figure.of)
        return f"CASE {cases} END"
    if kind(figure.column, *mart.kinds)[0] == "дата":
        return f"to_char(h.{figure.column}, 'YYYY-MM-DD')"
    return f"h.{figure.column}::text"
