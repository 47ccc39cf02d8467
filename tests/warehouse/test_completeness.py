"""Completeness is never more than what is there, whatever came, was set aside, waits or was accepted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, accepted, export, loaded, refused, report, school_ids, school_register
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.reading import Rows
from warehouse.marts.publication import AuditFailed, audit, build_all, publish
from warehouse.schema.upgrade import connect

SCHOOLS = {"asinovsky": 4, "chainsky": 3, "kedrovy": 2}
HOUR = dt.timedelta(hours=1)
_years = count(2030)
_hours = count()
THERE = """
SELECT sum(share * weight) / sum(weight), min(share), max(share)
FROM ops.there_at('69', :day, 'infinity', ARRAY[:form]) WHERE expected <> 'once'
"""


@pytest.fixture(scope="module")
def region(module_database_url: str) -> Iterator[tuple[sa.Engine, dict[str, int]]]:
    """Three units with nine schools."""
    engine = connect(module_database_url)
    loaded(engine, school_register(SCHOOLS, as_of=dt.date(2023, 9, 1)))
    yield engine, school_ids(engine)
    engine.dispose()


def there(engine: sa.Engine, day: dt.date, form: str) -> float:
    with engine.connect() as connection:
        whole, least, most = connection.execute(sa.text(THERE), {"day": day, "form": form}).one()
    assert 0 <= least <= most <= 1
    return float(whole)


NIGHT = st.tuples(
    st.integers(0, 40), st.integers(1, 9), st.integers(0, 10), st.sampled_from(["count", "leave", "refuse"])
)
"""Pupils a school, schools, rows set aside, and what becomes of a night that waits, or that it is refused."""


@given(nights=st.lists(NIGHT, min_size=2, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_exports(region: tuple[sa.Engine, dict[str, int]], nights: list[tuple[int, int, int, str]]) -> None:
    engine, ids = region
    codes, year = sorted(ids), next(_years)
    before: tuple[int, int] | None = None  # pupils and schools of the export that holds
    for place, (each, schools, aside, what) in enumerate(nights):
        day = dt.date(year, 9, 8 + place)
        received = dt.datetime(year, 9, 8 + place, 5, tzinfo=dt.UTC)
        pupils = each * schools
        made = replace(
            export(ids, dict.fromkeys(codes[:schools], each), as_of=day),
            rows=Rows(pupils + aside + 1, pupils, aside, 1), verdict="partial" if aside else "accepted",
        )  # fmt: skip
        if what == "refuse":
            made = refused("registration_export", "regional_operator", as_of=day)
        result = loaded(engine, made, received)
        if result.status == "held" and what == "count":
            accepted(engine, result)
        counts = result.reading.verdict != "refused" and (result.status == "current" or what == "count")
        if not counts:
            assert there(engine, day, "registration_export") == 0
            continue
        shares = [pupils / (pupils + aside) if pupils else 0.0, (schools if each else 0) / len(codes)]
        if before is not None:
            shares += [now / was for now, was in zip((pupils, schools), before, strict=True) if was]
        assert there(engine, day, "registration_export") == pytest.approx(min(1, *shares))
        before = pupils, schools


REPORT = st.tuples(st.sampled_from(sorted(SCHOOLS)), st.integers(0, 4), st.integers(0, 4), st.booleans())
"""The unit, schools accepted and rejected, and whether what waits is accepted."""


@given(reports=st.lists(REPORT, max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_reports(region: tuple[sa.Engine, dict[str, int]], reports: list[tuple[str, int, int, bool]]) -> None:
    engine, ids = region
    for unit, good, bad, is_accepted in reports:
        most = SCHOOLS[unit]
        last = min(good, most)
        made = report(ids, unit, range(1, last + 1), range(last + 1, min(last + bad, most) + 1))
        result = loaded(engine, made, NOON + next(_hours) * HOUR)
        if result.status == "held" and is_accepted:
            accepted(engine, result)
    with engine.connect() as connection:
        statement = """
            SELECT count(*) FILTER (WHERE report_status = 'accepted')::float / count(*)
            FROM core.readiness_at('69', :day, 'infinity')
        """
        ready = connection.execute(sa.text(statement), {"day": DAY}).scalar_one()
    share = there(engine, DAY, "readiness_report")
    assert share <= ready + 1e-9
    assert share < 1 or ready == 1


def test_a_completeness_that_says_too_much_is_not_published(engine: sa.Engine) -> None:
    loaded(engine, school_register({"asinovsky": 4}))
    ids = school_ids(engine)
    loaded(engine, export(ids, {"asinovsky-1": 40, "asinovsky-2": 40}))
    accepted(engine, loaded(engine, export(ids, {"asinovsky-1": 2}, as_of=DAY + dt.timedelta(days=1)), NOON + HOUR))
    days = [DAY, DAY + dt.timedelta(days=1)]
    publish(engine, "69", days)
    with engine.begin() as connection:
        build_all(connection, "69", days)
        audit(connection, "69")
        connection.execute(sa.text("UPDATE pg_temp.registration_by_school SET completeness = 1"))
        with pytest.raises(AuditFailed, match="completeness_is_what_is_there"):
            audit(connection, "69")
        connection.execute(
            sa.text("UPDATE pg_temp.reporting_rate SET completeness = 1 WHERE form = 'registration_export'")
        )
        with pytest.raises(AuditFailed, match="completeness_of_forms"):
            audit(connection, "69")
