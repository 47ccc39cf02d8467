"""The table of systems names marts, columns and forms that exist, and all sixteen systems of the source."""

from __future__ import annotations

import pytest

from contracts.forms import FORMS
from contracts.vocabulary import rows
from warehouse.marts.published import mart_named
from warehouse.watch.systems import PLACE

SYSTEMS = rows("systems")


def test_the_source_has_sixteen_systems() -> None:
    assert sorted({int(row["number"]) for row in SYSTEMS}) == list(range(1, 17))
    assert len({row["system"] for row in SYSTEMS}) == len({row["name"] for row in SYSTEMS}) == len(SYSTEMS)


@pytest.mark.parametrize("row", SYSTEMS, ids=[row["system"] for row in SYSTEMS])
def test_a_system_names_a_mart_its_columns_and_forms(row: dict[str, str]) -> None:
    mart = mart_named(row["mart"])
    named = {row["figure"], row["of"], *PLACE.findall(row["words"]), *filter(None, [row["lacks"]])}
    assert named <= mart.captions.keys()
    assert set(row["forms"].split()) <= {form.name for form in FORMS}
    assert ("{}" in row["lacks_words"]) == bool(row["lacks"])


def test_every_form_but_the_register_is_of_a_system() -> None:
    told = {form for row in SYSTEMS for form in row["forms"].split()}
    assert {form.name for form in FORMS} - told == {"school_register"}
