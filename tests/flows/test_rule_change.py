"""A rule changes in mid-campaign: who was judged by which rules is marked, named, and mended by reading again.

Slow: the region is taken in by halves, before and after the change, and read again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from evidence import severity

from contracts.form import Form
from contracts.forms import FORMS
from contracts.versions import rule_versions as versions
from flows.backfills.steps import apply_backfill, plan, requested, revert_backfill
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.runs.status import Status, status
from warehouse.backfill.apply import cancel
from warehouse.marts.publication import publish
from warehouse.marts.published import mart

DAY = dt.date(2023, 9, 8)
REASON = "Должность ответственного больше не ошибка"
OLD, NEW = "as-it-is", "2023-09"
Change = Callable[[str, dt.date | None], None]


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Change]:
    """Let RDY-010 have another severity from now on; with a date, listed as a version that judges from it."""
    project = versions.listed()
    monkeypatch.setattr(versions, "FILE", tmp_path / "versions.csv")
    # From which date the rules of the project judge is no matter of these tests: here those of now judge every date.
    versions.write([*project, *(now(form) for form in FORMS)])

    def changed(to: str, since: dt.date | None) -> None:
        severity("RDY-010", to)
        if since is not None:
            versions.add(NEW if to == "warning" else "2023-10", since, f"{REASON}.")

    yield changed
    severity("RDY-010", "error")


@pytest.fixture
def halves(region_inbox: Path) -> tuple[list[Path], list[Path]]:
    """Everything but half of the readiness reports, and that half; Tomsk, whom the change concerns, is in the first."""
    files = [path for path in sorted(region_inbox.rglob("[!.]*")) if path.is_file()]
    units = sorted({path.parent.name for path in files} - {"department", "regional_operator"})
    second = set(units[:10]) - {"tomsk_city"}
    return [path for path in files if path.parent.name not in second], [p for p in files if p.parent.name in second]


def now(form: Form) -> versions.Version:
    return versions.Version(OLD, form.name, versions.FIRST_DAY, versions.rules_of(form), "Как есть.")


def shown(engine: sa.Engine, name: str) -> pl.DataFrame:
    with engine.connect() as connection:
        return mart(connection, name, DAY)


def marked(engine: sa.Engine) -> dict[str, tuple[str, bool]]:
    """Unit → by which version its report was judged, and whether by older rules."""
    found = shown(engine, "readiness_by_municipality").select("reporting_unit", "judged_by", "by_older_rules")
    return {unit: (by, older) for unit, by, older in found.iter_rows()}


def mixed(engine: sa.Engine) -> tuple[int, int]:
    return shown(engine, "readiness_region").select("rule_versions", "units_by_older_rules").row(0)


def named(settings: Settings) -> set[tuple[str, str]]:
    """Form and sender of whom status says that older rules judged them."""
    return set(found(settings).older.select("form", "sender").iter_rows())


def found(settings: Settings) -> Status:
    told = status(settings)
    assert told is not None
    return told


def test_half_of_the_senders_by_the_rules_of_before(
    settings: Settings, engine: sa.Engine, halves: tuple[list[Path], list[Path]], change: Change
) -> None:
    ingest(halves[0], Options(), settings)
    assert set(marked(engine).values()) == {(OLD, False), (None, None)}
    assert named(settings) == set()
    change("warning", dt.date(2023, 9, 1))
    ingest(halves[1], Options(), settings)

    late = {path.parent.name for path in halves[1]}
    old = {unit for unit, by in marked(engine).items() if by == (OLD, True)}
    assert {unit for unit, by in marked(engine).items() if by == (NEW, False)} == late
    assert old | late == set(marked(engine)) and "tomsk_city" in old
    assert mixed(engine) == (2, len(old))
    schools = shown(engine, "readiness_by_school")
    assert set(schools.filter(pl.col("by_older_rules"))["reporting_unit"]) == old
    health = shown(engine, "delivery_health").filter(pl.col("by_older_rules"))
    assert set(health.select("form", "sender").iter_rows()) == {("readiness_report", unit) for unit in old}
    assert named(settings) == {("readiness_report", unit) for unit in old}
    assert shown(engine, "registration_region")["rule_versions"].item() == 1, "no rule of the export has changed"

    before = {name: shown(engine, name).write_csv() for name in ("readiness_by_school", "delivery_health")}
    backfill_id = plan(engine, settings, requested(["readiness_report"], [], DAY, DAY, REASON))
    assert named(settings) == {("readiness_report", unit) for unit in old}, "a plan changes nothing"
    assert {row["backfill_id"] for row in found(settings).backfills.to_dicts()} == {backfill_id}
    apply_backfill(engine, settings, backfill_id)
    assert set(marked(engine).values()) == {(NEW, False)}, "one was judged anew, the others were found the same"
    assert mixed(engine) == (1, 0)
    assert named(settings) == set()
    with engine.connect() as connection:
        outcomes = sa.text("SELECT outcome, count(*) FROM ops.backfill_delivery GROUP BY 1 ORDER BY 1")
        assert connection.execute(outcomes).all() == [("proposed", 1), ("same", 20)]

    revert_backfill(engine, settings, backfill_id)
    assert {name: shown(engine, name).write_csv() for name in before} == before
    assert named(settings) == {("readiness_report", unit) for unit in old}


def test_a_version_marks_what_was_published_on_the_night_after(
    settings: Settings, engine: sa.Engine, halves: tuple[list[Path], list[Path]], change: Change
) -> None:
    ingest(halves[0] + halves[1], Options(), settings)
    slide = shown(engine, "readiness_by_municipality").write_csv()
    with engine.connect() as connection:
        then = connection.scalar(sa.text("SELECT clock_timestamp()"))
    change("warning", dt.date(2023, 9, 1))
    assert len(named(settings)) == 21
    assert mixed(engine) == (1, 0), "the marts stay as they were published"
    ingest(halves[1][:1], Options(), settings)  # the same bytes again: nothing is read
    assert mixed(engine) == (1, 21)
    assert isinstance(then, dt.datetime)
    with engine.connect() as connection:
        assert mart(connection, "readiness_by_municipality", DAY, then).write_csv() == slide


def test_rules_for_later_dates_leave_the_earlier_ones_alone(
    settings: Settings, engine: sa.Engine, halves: tuple[list[Path], list[Path]], change: Change
) -> None:
    ingest(halves[0], Options(), settings)
    change("warning", DAY + dt.timedelta(days=1))
    ingest(halves[1], Options(), settings)
    assert named(settings) == set()
    assert mixed(engine) == (2, 0), "not by older rules, yet the two versions are told"
    late = {path.parent.name for path in halves[1]}
    assert {unit for unit, by in marked(engine).items() if by == (NEW, False)} == late


def test_rules_taken_back_are_the_same_rules(
    settings: Settings, engine: sa.Engine, halves: tuple[list[Path], list[Path]], change: Change
) -> None:
    ingest(halves[0], Options(), settings)
    change("warning", dt.date(2023, 9, 1))
    ingest(halves[1], Options(), settings)
    change("error", dt.date(2023, 9, 1))
    late = {("readiness_report", path.parent.name) for path in halves[1]}
    assert named(settings) == late
    publish(engine, "69", [DAY])
    assert mixed(engine) == (2, len(late))


def test_rules_that_nobody_listed_are_told(
    settings: Settings, engine: sa.Engine, halves: tuple[list[Path], list[Path]], change: Change
) -> None:
    ingest(halves[0], Options(), settings)
    old = named_units(engine)
    change("warning", None)
    ingest(halves[1], Options(), settings)
    assert found(settings).standings[0].unlisted == ("readiness_report",)
    assert named(settings) == {("readiness_report", unit) for unit in old}
    late = {path.parent.name for path in halves[1]}
    assert {unit for unit, by in marked(engine).items() if by == (versions.UNLISTED, False)} == late
    change("error", None)
    assert found(settings).standings[0].unlisted == ()
    assert named(settings) == {("readiness_report", unit) for unit in late}


def named_units(engine: sa.Engine) -> set[str]:
    return {unit for unit, (by, _) in marked(engine).items() if by is not None}


def test_a_cancelled_plan_confirms_nothing(
    settings: Settings, engine: sa.Engine, halves: tuple[list[Path], list[Path]], change: Change
) -> None:
    ingest(halves[0], Options(), settings)
    change("warning", dt.date(2023, 9, 1))
    before = named(settings)
    cancel(engine, plan(engine, settings, requested(["readiness_report"], [], DAY, DAY, REASON)))
    publish(engine, "69", [DAY])
    assert named(settings) == before != set()
    assert mixed(engine) == (1, len(before))
