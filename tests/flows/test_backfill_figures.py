"""Figures of a backfill's report as people read them, by what kind of column they are of."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from flows.backfills.changes import shown

TOMSK = ZoneInfo("Asia/Tomsk")


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("accepted_rate", "85,0 %"), ("verified_share", "85,0 %"), ("completeness", "85,0 %"),
        ("coverage_rate", "85,0 %"), ("rate_change", "+85,0 п. п."), ("hours_given", "0,85"),
    ],
)  # fmt: skip
def test_a_share_is_in_percent_also_where_only_a_form_has_it(column: str, said: str) -> None:
    assert shown("0.85", "double precision", column, TOMSK) == said


def test_a_year_has_no_thousands() -> None:
    assert shown("2023", "integer", "academic_year", TOMSK) == "2023"
    assert shown("11254", "integer", "schools", TOMSK) == "11\N{NO-BREAK SPACE}254"
