"""Cells to values, whole columns at a time: a cell means the same in any company, and no text makes a parser fail."""

from __future__ import annotations

import re
import unicodedata

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from spelling import COLUMNS, FEW, MANY, SPACES, of

from contracts.form import Kind
from transforms.cells.key import key, unit_aliases
from transforms.cells.parse import UNVALUED, parse

CYRILLIC = sorted(name for name in unit_aliases("69") if not re.search("[a-z]", name))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("hours", "nan"), ("hours", "inf"), ("hours", "4;5"), ("hours", "1e3"), ("percent", "много"),
        ("percent", "33,77,1"), ("choice", "базовый/основной"), ("text", "#N/A"), ("school_name", "#ССЫЛКА!"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_told_from_a_blank_cell(kind: Kind, text: str) -> None:
    assert of(kind, text) == "?"


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_formula_without_a_result_is_no_value(kind: Kind) -> None:
    assert of(kind, UNVALUED) == "?"


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("text", [None, "", "  ", "\u00a0", "-", "–", "—"])
def test_blank_cells(kind: Kind, text: str | None) -> None:
    is_doubtful = kind == "yes_no" and text in ("-", "–", "—")
    assert of(kind, text) == (["нет", "пустая ячейка"] if is_doubtful else None)


@MANY
@given(st.lists(st.none() | st.text() | st.from_regex(r"[ \d.,%/–-]{1,12}") | st.from_regex(r"[\d.,()'чел*²е+-]{1,9}")))
def test_no_text_is_too_odd(texts: list[str | None]) -> None:
    """Of any kind: a list is drawn once for all of them.

    Slow: two hundred lists of twenty kinds.
    """
    for kind, column in COLUMNS.items():
        read = parse(pl.Series(texts, dtype=pl.String), column)
        values, unread = read.values, read.unread
        assert (values.dtype, len(values)) == (column.dtype, len(texts)), kind
        if unread is not None:
            assert len(unread) == len(texts), kind
            assert unread.null_count() == 0, kind
            assert values.filter(unread).null_count() == unread.sum(), kind
            assert None not in [text for text, wrong in zip(texts, unread, strict=True) if wrong], kind
        if values.dtype.is_float():
            assert values.drop_nulls().is_finite().all(), kind
        assert set(read.remarks) <= set(texts), kind


@FEW
@given(st.lists(st.sampled_from(["5", "5 чел.", "много", "", None, "-", "12", "1.031", "12*", "20223)"]), min_size=1))
def test_a_cell_means_the_same_in_any_company(texts: list[str | None]) -> None:
    read = parse(pl.Series(texts, dtype=pl.String), COLUMNS["count"])
    for place, text in enumerate(texts):
        alone = of("count", text)
        wrong = read.unread is not None and read.unread[place]
        assert wrong == (alone == "?" or isinstance(alone, list))
        assert wrong or read.values[place] == alone


@MANY
@given(st.text() | st.text(st.sampled_from('аиёЁйCßİﬁ«"*-– .,:;\u0306\u0308\u00ad\u200b\t①´№'), max_size=8))
def test_key_of_a_key_is_itself(text: str) -> None:
    assert key(key(text)) == key(text)


@MANY
@given(st.sampled_from(CYRILLIC), SPACES, st.sampled_from(["«{}»", '"{}"', "{}.", "{}:", "{}"]))
def test_key_forgets_the_dress_of_a_name(name: str, space: str, dress: str) -> None:
    written = dress.format(name.upper().replace(" ", space or " "))
    assume(space != "" or " " not in name)
    assert key(written) == name
    assert key(unicodedata.normalize("NFD", written)) == name
