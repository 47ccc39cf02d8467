"""Bands, campaigns, the calendar and who must send are inputs: a change judges from its date on, and never the past."""

import datetime as dt

import polars as pl
import pytest
import sqlalchemy as sa
from changing import Inputs, forget
from hand_made import DAY, NOON, contents, export, loaded, now, read, report, unit

from contracts.regions import regions
from contracts.versions.inputs import add, ledgers
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import upgrade

ONE = dt.timedelta(days=1)
NEXT = DAY + ONE
READINESS, REGISTRATION = "readiness_by_municipality", "registration_by_municipality"


@pytest.fixture
def published(engine: sa.Engine, small_published: dict[str, int]) -> dict[str, int]:
    """The small region, published: Асиновский has 8 of 10 reports, which is green, Чаинский 51 of 50 pupils."""
    assert bands(engine, DAY)["asinovsky"] == ("green", "2023")
    return small_published


def bands(engine: sa.Engine, day: dt.date, name: str = READINESS) -> dict[str, tuple[str, str]]:
    found = read(engine, name, day).select("reporting_unit", "band", "band_rule_version")
    return {slug: (band, version) for slug, band, version in found.iter_rows()}


def night(engine: sa.Engine, *days: dt.date) -> None:
    """What an ordinary night does with new contracts: bring the database up to date and publish these dates."""
    upgrade(engine)
    publish(engine, "69", days)


def test_a_band_that_nobody_listed_judges_new_dates_and_says_so(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    before = contents(engine)
    inputs.change("band_rules", "green", lower_bound="0.85")
    night(engine, DAY)
    assert contents(engine) == before
    night(engine, DAY, NEXT)
    assert bands(engine, DAY)["asinovsky"] == ("green", "2023")
    band, version = bands(engine, NEXT)["asinovsky"]
    assert band == "amber"
    assert "2023, не записана" in version
    assert read(engine, "readiness_region", NEXT)["band_rule_version"].item() == version
    assert read(engine, "corrections", DAY).is_empty()


def test_a_listed_band_judges_from_its_date_on(engine: sa.Engine, published: dict[str, int], inputs: Inputs) -> None:
    inputs.add(
        "band_rules", band_rule_version="2024", band="green", lower_bound="0.85", valid_from="2023-09-10", why="опыт"
    )
    inputs.add("band_rules", band_rule_version="2024", band="red", lower_bound="0", valid_from="2023-09-10", why="опыт")
    inputs.list("2024", DAY + 2 * ONE)
    night(engine, DAY, NEXT, DAY + 2 * ONE)
    found = [bands(engine, DAY + number * ONE)["asinovsky"] for number in range(3)]
    assert found == [("green", "2023"), ("green", "2023"), ("red", "2024")]


def test_a_band_listed_for_dates_that_are_published_leaves_them(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    inputs.list("2023-09", dt.date(2023, 9, 1))
    night(engine, DAY, NEXT)
    assert bands(engine, DAY)["asinovsky"] == ("green", "2023")
    assert bands(engine, NEXT)["asinovsky"][0] == "amber"
    assert read(engine, "corrections", DAY).is_empty()


def test_a_change_that_is_listed_later_has_its_date_from_then_on(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    night(engine, NEXT)
    inputs.list("2024", DAY + 3 * ONE)
    night(engine, NEXT, DAY + 2 * ONE, DAY + 3 * ONE)
    found = [bands(engine, DAY + number * ONE)["asinovsky"][0] for number in (1, 2, 3)]
    assert found == ["amber", "green", "amber"], "what was published stays; the next one is not due yet"
    assert "не записана" in bands(engine, NEXT)["asinovsky"][1]
    assert "не записана" not in bands(engine, DAY + 3 * ONE)["asinovsky"][1]


def test_a_change_taken_back_judges_no_more(engine: sa.Engine, published: dict[str, int], inputs: Inputs) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    night(engine, NEXT)
    inputs.change("band_rules", "green", lower_bound="0.80")
    night(engine, DAY, NEXT, DAY + 2 * ONE)
    found = [bands(engine, DAY + number * ONE)["asinovsky"] for number in range(3)]
    assert [band for band, _ in found] == ["green", "amber", "green"]
    assert found[2] == ("green", "2023")


def test_a_file_for_a_published_date_is_judged_by_its_bands(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    loaded(engine, report(published, "chainsky", [1, 2, 3, 4]), NOON + dt.timedelta(hours=1))
    night(engine, DAY)
    assert bands(engine, DAY)["asinovsky"] == ("green", "2023")
    assert bands(engine, DAY)["chainsky"] == ("green", "2023")


def test_what_was_shown_before_a_change_is_shown_again_to_the_byte(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    names = (READINESS, REGISTRATION, "readiness_region", "registration_region", "reporting_rate", "corrections")
    slide = {name: read(engine, name, DAY).write_csv() for name in names}
    then = now(engine)
    inputs.change("band_rules", "green", lower_bound="0.85")
    inputs.change("campaigns", "readiness-2023", deadline="2023-09-15")
    night(engine, DAY, NEXT)
    assert {name: read(engine, name, DAY, then).write_csv() for name in names} == slide


def deadline(engine: sa.Engine, day: dt.date) -> tuple[object, object, object]:
    found = read(engine, "reporting_rate", day).filter(form="readiness_report", sender="asinovsky").row(0, named=True)
    return found["deadline"], found["on_time"], found["late"]


def test_a_moved_deadline_leaves_what_was_published(engine: sa.Engine, small: dict[str, int], inputs: Inputs) -> None:
    """The report came on the 8th; a deadline of the 7th makes it late only where nobody has said otherwise."""
    publish(engine, "69", [DAY])
    on_time = (dt.date(2023, 9, 11), 1, 0)
    assert deadline(engine, DAY) == on_time
    inputs.change("campaigns", "readiness-2023", deadline="2023-09-07")
    inputs.list("2023-09-09", NEXT, "Срок перенесён письмом департамента.")
    night(engine, DAY, NEXT)
    assert deadline(engine, DAY) == on_time
    assert deadline(engine, NEXT) == (dt.date(2023, 9, 7), 0, 1)
    said = {day: set(read(engine, "reporting_rate", day)["inputs_judged_by"]) for day in (DAY, NEXT)}
    assert said == {
        DAY: {"campaigns 2023; calendar 2023; senders 2023"},
        NEXT: {"campaigns 2023-09-09; calendar 2023; senders 2023"},
    }
    assert read(engine, READINESS, DAY)["is_final"].any() is False
    assert read(engine, "corrections", DAY).is_empty()


def test_a_new_years_campaign_touches_no_old_one_and_two_may_overlap(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    before = contents(engine)
    new = {"form": "readiness_report", "academic_year": "2023", "starts_on": "2023-10-01"}
    inputs.add("campaigns", campaign="repeat-a", title="Повторная", deadline="2023-10-20", **new)
    inputs.add("campaigns", campaign="repeat-b", title="Повторная", deadline="2023-10-31", **new)
    inputs.add("campaigns", campaign="readiness-2024", title="Новый год", form="readiness_report", academic_year="2024",
               starts_on="2024-08-01", deadline="2024-09-10")  # fmt: skip
    inputs.list("2023-10", dt.date(2023, 10, 1), "Повторный сбор и новый год.")
    night(engine, DAY)
    assert contents(engine) == before
    days = (dt.date(2023, 9, 30), dt.date(2023, 10, 2), dt.date(2024, 8, 5))
    night(engine, *days)
    found = [set(read(engine, READINESS, day)["campaign"]) for day in days]
    assert found == [{"readiness-2023"}, {"repeat-b"}, {"readiness-2024"}]
    assert [deadline(engine, day)[0] for day in days] == [
        dt.date(2023, 9, 11), dt.date(2023, 10, 31), dt.date(2024, 9, 10),
    ]  # fmt: skip


def test_a_campaign_taken_off_the_list_runs_no_more_and_was_one(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    before = contents(engine)
    inputs.write("campaigns", [{**inputs.lines("campaigns")[0], "campaign": "other", "starts_on": "2023-12-01",
                                "deadline": "2023-12-20"}])  # fmt: skip
    inputs.list("2023-09-09", NEXT, "Сбор отменён.")
    night(engine, DAY)
    assert contents(engine) == before
    night(engine, NEXT)
    assert unit(engine, READINESS, "asinovsky", NEXT)["campaign"] is None
    assert unit(engine, READINESS, "asinovsky", DAY)["accepted"] == 8
    with engine.connect() as connection:
        live = "SELECT count(*) FROM ref.roster_now('69', :day) WHERE expected = 'campaign'"
        assert connection.scalar(sa.text(live), {"day": DAY}) == 0, "and nobody is reminded of it"


def test_a_calendar_day_moves_deadlines_of_new_dates_only(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    def due(day: dt.date) -> object:
        return read(engine, "reporting_rate", day).filter(form="registration_export")["deadline"].item()

    friday, monday = DAY, DAY + 3 * ONE
    assert due(friday) == monday
    inputs.add("calendar", region="", day=monday.isoformat(), is_working="false", why="Траур")
    inputs.list("2023-09", NEXT, "Объявлен нерабочий день.")
    night(engine, friday, NEXT)
    assert due(friday) == monday
    assert due(NEXT) == monday + ONE
    inputs.remove("calendar", monday.isoformat())
    inputs.list("2023-10", DAY + 2 * ONE, "Нерабочий день отменён.")
    night(engine, friday, NEXT, DAY + 2 * ONE)
    assert [due(day) for day in (friday, NEXT, DAY + 2 * ONE)] == [monday, monday + ONE, monday]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT ref.is_working_day('69', :day)"), {"day": monday}) is True


def test_who_must_send_is_asked_of_the_date(engine: sa.Engine, published: dict[str, int], inputs: Inputs) -> None:
    before = contents(engine)
    inputs.change("senders", "chainsky", name="Чаинский муниципальный округ")
    inputs.remove("senders", "shegarsky")
    inputs.list("2023-09-09", NEXT, "Шегарский больше не отправляет сам.")
    night(engine, DAY)
    assert contents(engine) == before
    night(engine, NEXT)
    owed = read(engine, "reporting_rate", NEXT).filter(form="readiness_report")
    assert "shegarsky" not in set(owed["sender"])
    assert owed.filter(sender="chainsky")["sender_name"].item() == "Чаинский муниципальный округ"
    assert "shegarsky" in set(read(engine, "reporting_rate", DAY)["sender"])


def test_a_unit_taken_off_the_list_keeps_its_figures(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    before = contents(engine)
    inputs.remove("reporting_units", "chainsky")
    inputs.add(
        "reporting_units", **{**inputs.lines("reporting_units")[0], "reporting_unit": "new", "name": "Новый округ"}
    )
    inputs.list("2023-09-09", NEXT, "Опечатка.")
    night(engine, DAY)
    assert contents(engine) == before
    night(engine, NEXT)
    assert unit(engine, REGISTRATION, "chainsky", NEXT)["actual_pupils"] == 51
    assert unit(engine, READINESS, "new", NEXT)["schools"] == 0


def test_a_warehouse_without_a_past_judges_by_what_there_is(
    engine: sa.Engine, small: dict[str, int], inputs: Inputs
) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    night(engine, DAY)
    assert bands(engine, DAY)["asinovsky"][0] == "amber"


def test_a_new_warehouse_judges_old_dates_by_the_old_version(
    engine: sa.Engine, small: dict[str, int], inputs: Inputs
) -> None:
    """What a listed version said is kept, so that it need not have been seen."""
    inputs.change("band_rules", "green", lower_bound="0.85")
    inputs.list("2024", NEXT)
    night(engine, DAY, NEXT)
    assert [bands(engine, day)["asinovsky"][0] for day in (DAY, NEXT)] == ["green", "amber"]


def test_an_export_by_a_former_sender_is_still_named(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    inputs.remove("senders", "asinovsky")
    inputs.list("2023-09-09", NEXT)
    loaded(engine, export(published, {"asinovsky-1": 60}, as_of=NEXT), NOON + 24 * dt.timedelta(hours=1))
    night(engine, NEXT)
    health = read(engine, "delivery_health", NEXT).filter(pl.col("sender") == "asinovsky")
    assert health.select("sender_name", "is_expected").row(0) == ("Асиновский муниципальный район", False)


@pytest.mark.parametrize("table", ["rule_states", "calendar"])
def test_a_table_that_a_region_did_not_have_judges_only_what_comes(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs, table: str
) -> None:
    lines = {
        "rule_states": {"rule": "RDY-010", "form": "", "campaign": "", "valid_from": "2023-09-01", "valid_to": "",
                        "state": "aside", "reason": "опыт", "decided_by": ""},
        "calendar": {"day": "2023-09-12", "is_working": "false", "why": "опыт"},
    }  # fmt: skip
    pack = regions()[0].folder
    with (pack / f"{table}.csv").open("w", encoding="utf-8") as file:
        file.write(f"{','.join(lines[table])}\n{','.join(lines[table].values())}\n")
    forget()
    assert add("2023-09", dt.date(2023, 9, 1), "Опыт.", [table], [ledger for ledger in ledgers() if ledger.pack])
    forget()
    night(engine, DAY, NEXT)

    def lines_of(day: dt.date) -> list[str]:
        statement = "SELECT ref.input_lines('69', :table, :day)"
        with engine.connect() as connection:
            found = connection.scalar(sa.text(statement), {"table": table, "day": day}) or []
        return [line["region"] for line in found if line["region"] == "69"]

    assert lines_of(DAY) == [] and lines_of(NEXT) == ["69"]
    assert "нет" not in read(engine, "reporting_rate", DAY)["inputs_judged_by"][0]


def test_a_mart_may_ask_for_a_set_of_bands_of_its_own(engine: sa.Engine, inputs: Inputs) -> None:
    lines = [{**line, "rule_set": ""} for line in inputs.lines("band_rules")]
    own = [{**line, "band_rule_version": "events", "rule_set": "events", "lower_bound": bound}
           for line, bound in zip(lines, ("0.50", "0.20", "0"), strict=True)]  # fmt: skip
    inputs.write("band_rules", [*lines, *own])
    inputs.list("2023-09", dt.date(2023, 9, 1))
    upgrade(engine)
    statement = """
        SELECT r.rule, b.band
        FROM (SELECT ref.band_rule_at('69', :day, :of) AS rule) r, ref.band_of('69', r.rule, 0.6) b
    """
    with engine.connect() as connection:
        found = {
            of: connection.execute(sa.text(statement), {"day": DAY, "of": of}).one() for of in ("", "events", "others")
        }
    assert found == {"": ("2023", "amber"), "events": ("events", "green"), "others": ("2023", "amber")}


def test_what_was_published_before_there_were_versions_is_of_the_first(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    """An upgrade that brings a new legend with it: the past was judged by the one before."""
    with engine.begin() as connection:
        for table in ("ops.date_input", "ref.input_version"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
        connection.execute(sa.text("DELETE FROM ops.applied WHERE name = 'schema'"))
    inputs.change("band_rules", "green", lower_bound="0.85")
    inputs.list("2024", dt.date(2023, 9, 1))
    night(engine, DAY, NEXT)
    assert bands(engine, DAY)["asinovsky"] == ("green", "2023")
    assert bands(engine, NEXT)["asinovsky"][0] == "amber"
    assert read(engine, "corrections", DAY).is_empty()


def test_a_list_changed_without_a_line_says_so(engine: sa.Engine, published: dict[str, int], inputs: Inputs) -> None:
    inputs.change("campaigns", "readiness-2023", deadline="2023-09-15")
    night(engine, DAY, NEXT)
    assert not any("не записана" in said for said in read(engine, "reporting_rate", DAY)["inputs_judged_by"])
    assert all("campaigns не записана" in said for said in read(engine, "reporting_rate", NEXT)["inputs_judged_by"])
