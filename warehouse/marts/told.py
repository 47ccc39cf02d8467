"""Every figure whose change is a correction, of all marts that state one: `history.figure`, a version a row; and every
count that grows towards a plan: `history.pace`, as it holds now; and what made such a count of a unit grow or fall:
`history.flow`, a version a row.

The views are made with the marts out of what they state. Corrections, the movement of a night and conditions of
incidents read them, so that none of them names a mart.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart
from warehouse.marts.stated import Figure, Pace
from warehouse.schema.facts import literal

RELATION = "history.figure"
ABOUT = """Цифры, полосы и состояния, перемена которых — поправка: все версии, из всех витрин, которые их называют.
kind: measure — мера, band — полоса (rate — её доля), state — состояние; grain: school, unit или sender."""
PACE = "history.pace"
ABOUT_PACE = """Числа единиц, которые до конца учебного года растут к плану: как опубликовано сейчас, из всех витрин,
которые их называют."""
FLOW = "history.flow"
ABOUT_FLOW = """Что прибавило к числам единиц и что убавило (со знаком) с прежней ночи: все версии, из всех витрин,
которые это называют, и нули; строк нет, где движение неизвестно."""
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
OF_FLOW = """\
SELECT {mart} AS mart, {form} AS form, h.reporting_unit, h.region, h.as_of, h.published_at, h.replaced_at,
    e.place, e.words, e.many
FROM {history} AS h
CROSS JOIN LATERAL (VALUES
    {flows}
) AS e (place, words, many)
WHERE e.many IS NOT NULL
"""
NO_FLOW = """\
SELECT NULL::text AS mart, NULL::text AS form, NULL::text AS reporting_unit, NULL::text AS region, NULL::date AS as_of,
    NULL::timestamptz AS published_at, NULL::timestamptz AS replaced_at, NULL::integer AS place, NULL::text AS words,
    NULL::bigint AS many
WHERE false
"""


OF_PACE = """\
SELECT {mart} AS mart, {form} AS form, {figure} AS figure, h.reporting_unit, h.region, h.as_of,
    h.{day} AS counted_on, h.{counted}::bigint AS counted, h.{planned}::bigint AS planned
FROM {history} AS h WHERE h.replaced_at = 'infinity'
"""
NO_PACE = """\
SELECT NULL::text AS mart, NULL::text AS form, NULL::text AS figure, NULL::text AS reporting_unit, NULL::text AS region,
    NULL::date AS as_of, NULL::date AS counted_on, NULL::bigint AS counted, NULL::bigint AS planned WHERE false
"""


def figures_view(all_marts: Iterable[Mart]) -> str:
    """The SELECT of `history.figure` over the marts that state figures."""
    return "UNION ALL\n".join(_of_mart(mart) for mart in all_marts if mart.stated.figures)


def pace_view(all_marts: Iterable[Mart]) -> str:
    """The SELECT of `history.pace` over the marts that state a pace."""
    stated = [_pace_of(mart, mart.stated.pace) for mart in all_marts if mart.stated.pace]
    return "UNION ALL\n".join(stated) or NO_PACE


def flow_view(all_marts: Iterable[Mart]) -> str:
    """The SELECT of `history.flow` over the marts that state what came and went."""
    return "UNION ALL\n".join(_flows_of(mart) for mart in all_marts if mart.stated.flows) or NO_FLOW


def figures_script(all_marts: Iterable[Mart]) -> str:
    """Statements that make the views."""
    everyone = tuple(all_marts)
    views = (
        (RELATION, figures_view(everyone), ABOUT),
        (PACE, pace_view(everyone), ABOUT_PACE),
        (FLOW, flow_view(everyone), ABOUT_FLOW),
    )
    return ";\n".join(
        f"CREATE VIEW {name} AS\n{select};\nCOMMENT ON VIEW {name} IS {literal(about)}" for name, select, about in views
    )


def figures_fingerprint(all_marts: Iterable[Mart]) -> str:
    """A hash of all that the views are made of."""
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


def _pace_of(mart: Mart, pace: Pace) -> str:
    return OF_PACE.format(
        mart=literal(mart.name),
        form=literal(mart.form),
        figure=literal(mart.captions[pace.counted].split(". ", 1)[0]),
        history=mart.history,
        **vars(pace),
    )


def _flows_of(mart: Mart) -> str:
    return OF_FLOW.format(
        mart=literal(mart.name),
        form=literal(mart.form),
        history=mart.history,
        flows=",\n    ".join(
            f"({place}, {literal(flow.words)}, {flow.sign}h.{flow.column})"
            for place, flow in enumerate(mart.stated.flows)
        ),
    )
