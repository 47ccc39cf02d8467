"""A number and a date in one cell: the same day however it is written, a paper that was changed later, two papers."""

from __future__ import annotations

import polars as pl
import pytest

from contracts.forms import form_named
from contracts.forms.regulations.form import NO_DATE
from transforms.findings.finding import Table
from transforms.headings.joint import parted

FORM = form_named("regulations")


@pytest.mark.parametrize(
    ("number", "signed_on", "told", "is_one_paper"),
    [
        ("№ 15-о от 25.08.2023", "2023-08-25", ("№ 15-о", "2023-08-25"), True),  # a cell of a workbook that is a date
        ("№ 15-о от 25 августа 2023 г.", "25.08.2023", ("№ 15-о", "25.08.2023"), True),
        ("№ 15-о от 25.08.2023", "25.08.2023 г.", ("№ 15-о", "25.08.2023 г."), True),
        ("№ 15-о от 25.08.23", None, ("№ 15-о", "25.08.23"), True),
        ("273-ФЗ (ред. от 04.08.2023)", "29.12.2012", ("273-ФЗ (ред. от 04.08.2023)", "29.12.2012"), True),
        ("273-ФЗ в ред. от 04.08.2023", "29.12.2012", ("273-ФЗ в ред. от 04.08.2023", "29.12.2012"), True),
        ("05-848 от 15.08.2022 (с изм. от 01.09.2023)", None, ("05-848", "15.08.2022"), True),
        ("77 од 2023", "01.02.2023", ("77 од 2023", "01.02.2023"), True),
        ("№ 5 от 01.09.2023", "02.09.2023", ("№ 5 от 01.09.2023", "02.09.2023"), False),
        ("№ 19 от 01.06.2023, № 20 от 02.06.2023", None, ("№ 19 от 01.06.2023, № 20 от 02.06.2023", None), False),
    ],
)
def test_a_date_beside_a_number(
    number: str, signed_on: str | None, told: tuple[str, str | None], is_one_paper: bool
) -> None:
    table = Table(0, "Лист1", {"number": 0, "signed_on": 1})
    raw = pl.DataFrame(
        {"table": [0], "number": [number], "signed_on": [signed_on]}, schema_overrides={"signed_on": pl.String}
    )
    (row,) = parted(raw, [table], FORM).select("number", "signed_on").rows()
    assert row == told
    assert pl.DataFrame({"number": [row[0]]}).select(NO_DATE).item() is is_one_paper
