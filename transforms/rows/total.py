"""Control totals: what the sender states («Итого», percents, remainders) against what the rows say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import polars as pl

from contracts.form import Column, Edition, Form, RowControl
from contracts.forms import RULES
from contracts.grid import cell_address
from contracts.reading import CONTROL_TOTALS, ControlTotal, Finding
from contracts.rules import TOTAL_MISSING
from transforms.cells.parse import UNVALUED, Remark, parse
from transforms.findings.finding import PLACED, finding, placed
from transforms.tables.table_rows import Row

EXACT = 1e-9


def computed_totals(form: Form, typed: pl.DataFrame) -> dict[int, dict[str, float]]:
    """Delivery → metric → sum over all its rows as sent, wrong ones too: the sender's total has them as well."""
    if not form.controls or typed.is_empty():
        return {}
    sums = typed.group_by("delivery").agg(control.total.sum().alias(control.metric) for control in form.controls)
    return {row.pop("delivery"): {name: float(value or 0) for name, value in row.items()} for row in sums.to_dicts()}


def stated_totals(
    form: Form,
    edition: Edition,
    computed: Mapping[str, float],
    columns: Mapping[str, int],
    total: Row | None,
    sheet: str,
) -> tuple[list[ControlTotal], list[Finding]]:
    """Totals and findings of the «Итого» row of a delivery."""
    if total is None:
        return [], [finding(TOTAL_MISSING, sheet=sheet)] if form.states_total else []
    totals: list[ControlTotal] = []
    findings = []
    for control in form.controls:
        place, column = columns.get(control.stated), edition.column(control.stated)
        text = total.cells[place] if place is not None and place < len(total.cells) else None
        stated, is_unread, remark = _stated_number(text, column) if text else (None, False, None)
        if place is None or (stated is None and not is_unread):
            continue
        here = partial(
            finding, value=text, sheet=sheet, cell=cell_address(total.number - 1, place), row=total.number,
            column=column.name,
        )  # fmt: skip
        if remark is not None and stated is not None:
            findings.append(here(RULES[remark.rule], expected=remark.shown))
        computed_there = computed[control.metric]
        difference = None if stated is None else stated - computed_there
        agrees = difference is not None and abs(difference) <= EXACT
        if stated is not None:
            totals.append(_control_row(control.metric, stated, computed_there, agrees))
        if not agrees:
            wrong = "не равно сумме строк" if stated is not None else "не читается"
            if remark is not None and stated is None:
                wrong = f"можно прочитать как {remark.shown}"
            elif text == UNVALUED:
                wrong = "посчитано формулой, результат которой не сохранён"
            what = f"«Итого» в столбце «{column.title}» {wrong}."
            expected = f"{computed_there:.15g}"
            findings.append(here(RULES[control.rule], what=what, expected=expected, difference=difference))
    return totals, findings


def _stated_number(text: str, column: Column) -> tuple[float | None, bool, Remark | None]:
    """The number in a cell of the «Итого» row, whether the cell says something that is none, and what is told of it."""
    if text.isascii() and text.isdigit():
        return float(text), False, None
    read = parse(pl.Series([text], dtype=pl.String), column)
    value = read.values[0]
    return None if value is None else float(value), read.unread is not None, read.remarks.get(text)


def _control_row(metric: str, stated: float, computed: float, agrees: bool) -> ControlTotal:
    verdict: Literal["agrees", "disagrees"] = "agrees" if agrees else "disagrees"
    return ControlTotal(None, metric, stated, computed, stated - computed, 0.0, verdict)


def row_controls(form: Form, edition: Edition, typed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Figures that rows state although they follow from other cells of the row.

    Returns `CONTROL_TOTALS` with a column `delivery`, and a `PLACED` frame of those that disagree.
    """
    totals = [pl.DataFrame(schema={"delivery": pl.Int32, **CONTROL_TOTALS})]
    disagreeing = [pl.DataFrame(schema=PLACED)]
    named = "reporting_unit" in typed.columns  # else the row is of the whole region, as «Итого» is
    unit = pl.col("reporting_unit") if named else pl.lit(None, dtype=pl.String).alias("reporting_unit")
    for control in form.row_controls:
        compared = typed.with_row_index("index").select(
            "index", "delivery", unit,
            stated=pl.col(control.stated).cast(pl.Float64),
            computed=control.computed.cast(pl.Float64),
            tolerance=control.tolerance.cast(pl.Float64),
        )  # fmt: skip
        known = ("stated", "computed", "tolerance", *(("reporting_unit",) if named else ()))
        compared = compared.drop_nulls(known).with_columns(difference=pl.col("stated") - pl.col("computed"))
        compared = compared.with_columns(wrong=pl.col("difference").abs() > pl.col("tolerance") + EXACT)
        totals.append(
            compared.select(
                "delivery", "reporting_unit", pl.lit(control.metric).alias("metric"), "stated", "computed",
                "difference", "tolerance",
                pl.when("wrong").then(pl.lit("disagrees")).otherwise(pl.lit("agrees")).alias("verdict"),
            )
        )  # fmt: skip
        wrong = compared.filter("wrong")
        expected = _shown(wrong["computed"], control, edition)
        disagreeing.append(
            placed(wrong["index"], control.rule, control.stated, expected).with_columns(wrong["difference"])
        )
    return pl.concat(totals), pl.concat(disagreeing)


def _shown(computed: pl.Series, control: RowControl, edition: Edition) -> pl.Series:
    """Computed figures as people write them: percents with two decimals and a comma, counts plain."""
    percent = edition.column(control.stated).kind == "percent"
    texts: Sequence[str] = [
        f"{value * 100:.2f}%".replace(".", ",") if percent else f"{value:.15g}" for value in computed
    ]
    return pl.Series(texts, dtype=pl.String)
