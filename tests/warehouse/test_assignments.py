"""What has become of the assignments of a meeting is computed from published figures, night by night.

Slow: six dates of the region of the source are published.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import load_seed, loaded, reading

import documents.demo.data
from contracts.reading import Reading
from contracts.vocabulary import rows
from warehouse.incidents.condition import conditions, find
from warehouse.marts.definitions import views
from warehouse.marts.publication import publish
from warehouse.marts.published import mart_named
from warehouse.schema.access import seen_by
from warehouse.schema.upgrade import connect

SEED = Path(documents.demo.data.__file__).parent / "assignments_2023.csv"
DONE = {"5": ("done", "протокол № 4"), "6": ("done", None)}
TEXTS = {
    "executor": pl.String, "controller": pl.String, "status": pl.String, "evidence": pl.String,
    "review_every": pl.String,
}  # fmt: skip
FIRST, LAST, AFTER, LATER, WINTER, NEXT = (
    dt.date(2023, 9, 8), dt.date(2023, 9, 11), dt.date(2023, 9, 12), dt.date(2023, 9, 20), dt.date(2023, 12, 20),
    dt.date(2024, 9, 6),
)  # fmt: skip


def of_the_source() -> list[dict[str, str]]:
    with SEED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def given(as_of: dt.date, stated: Mapping[str, tuple[str, str | None]], *others: tuple[str, str, str]) -> Reading:
    """The table of the source, or other assignments, with what is said of some numbers."""
    told = others or tuple((row["number"], row["text_short"], row["deadline_as_printed"]) for row in of_the_source())
    facts = pl.DataFrame(
        [
            {"number": number, "assignment": text, "deadline": deadline, "executor": None, "controller": None,
             "status": stated.get(number, (None, None))[0], "evidence": stated.get(number, (None, None))[1],
             "review_every": None}
            for number, text, deadline in told
        ],
        schema_overrides=TEXTS,
    )  # fmt: skip
    return reading("assignments", "department", facts, as_of=as_of, slice=f"assignments/department/{as_of}")


def practice(school: int, sender: str, *events: dt.date) -> Reading:
    facts = pl.DataFrame(
        [
            {"school_id": school, "held_on": day, "starts_at": "10:00", "kind": "trial", "title": f"Проба {day}",
             "host_inn": "7000000000", "host_name": "Завод", "host_kind": "enterprise", "grades": "8-9", "pupils": 20,
             "hours": 2.0}
            for day in events
        ]
    )  # fmt: skip
    return reading("practice_events", sender, facts, as_of=AFTER, slice=f"practice_events/{sender}/2023")


def agreements(sender: str, valid_to: dt.date) -> Reading:
    facts = pl.DataFrame(
        {"partner_inn": ["7000000000"], "agreement_number": ["1"], "partner_name": ["Завод"],
         "partner_kind": ["enterprise"], "school_id": [None], "signed_on": [dt.date(2023, 9, 1)],
         "valid_to": [valid_to]},
        schema_overrides={"school_id": pl.Int64},
    )  # fmt: skip
    return reading("partner_agreements", sender, facts, as_of=FIRST, slice=f"partner_agreements/{sender}/2023")


@pytest.fixture(scope="module")
def engine_of_autumn(module_database_url: str) -> Iterator[sa.Engine]:
    """The region of the source: its table of 8 September, words of 18 September, and the table of the next year."""
    engine = connect(module_database_url)
    ids = load_seed(engine)
    loaded(engine, practice(ids["asinovsky-1"], "asinovsky", dt.date(2023, 9, 7), dt.date(2023, 12, 7)))
    loaded(engine, practice(ids["chainsky-1"], "chainsky", dt.date(2023, 12, 7)))
    loaded(engine, agreements("asinovsky", dt.date(2024, 8, 31)))
    loaded(engine, agreements("chainsky", dt.date(2023, 9, 5)))
    loaded(engine, given(FIRST, {}))
    publish(engine, "69", [FIRST, LAST, AFTER])
    loaded(engine, given(dt.date(2023, 9, 18), DONE))
    publish(engine, "69", [LATER, WINTER])
    renamed = (
        ("1", "Обеспечить сдачу отчетов о готовности", "10 сентября 2024 года"),
        ("5", "Информирование о готовности", "Постоянно в течении года"),
        ("6", "Направить письма", "до 5 сентября 2024"),
    )
    loaded(engine, given(dt.date(2024, 9, 2), {"5": ("done", "ссылка")}, *renamed))
    publish(engine, "69", [NEXT])
    yield engine
    engine.dispose()


def asked(engine: sa.Engine, as_of: dt.date, relation: str = "mart.assignments") -> dict[str, dict[str, Any]]:
    """Number → its row on a day."""
    with engine.connect() as connection:
        statement = sa.text(f"SELECT * FROM {relation} WHERE region = '69' AND as_of = :as_of ORDER BY position")
        found = connection.execute(statement, {"as_of": as_of}).mappings().all()
    return {row["number"]: dict(row) for row in found}


def wrong(engine: sa.Engine, name: str, day: dt.date) -> dict[str, dict[str, Any]]:
    """Number → what a condition says of it."""
    with engine.begin() as connection:
        now = dt.datetime.combine(day, dt.time(5), dt.UTC)
        assert find(connection, "69", now, day, [conditions()[name]], 25) == set()
        return {
            row["subject"]: {**row["details"], "sender": row["sender"]}
            for row in connection.execute(sa.text("SELECT * FROM pg_temp.incident_found")).mappings()
        }


def test_the_table_of_the_source_comes_back(engine_of_autumn: sa.Engine) -> None:
    measured = {row["name"]: row["name_en"] for row in rows("assignment_metrics")}
    found = [
        {
            "number": row["number"],
            "text_short": row["assignment"],
            "deadline_as_printed": row["deadline_printed"],
            "deadline_kind": row["deadline_kind"],
            "from": str(row["deadline_from"] or ""),
            "to": str(row["deadline_to"]),
            "measured_by": measured.get(row["measured_by"], "nothing in the source measures it"),
        }
        for row in asked(engine_of_autumn, AFTER).values()
    ]
    assert found == of_the_source()


def test_an_assignment_is_overdue_by_its_figure(engine_of_autumn: sa.Engine) -> None:
    last, after = (asked(engine_of_autumn, day)["5"] for day in (LAST, AFTER))
    assert (last["status_words"], last["days_to_deadline"]) == ("в работе: 244 из 285", 0)
    assert (after["status_words"], after["days_to_deadline"]) == ("просрочено: 244 из 285", -1)
    assert (after["measured_mart"], after["measured_figure"]) == ("readiness_by_municipality", "accepted")
    assert (after["status"], after["assignments_overdue"]) == ("overdue", 1)


def test_what_nothing_measures_says_so(engine_of_autumn: sa.Engine) -> None:
    assert asked(engine_of_autumn, AFTER)["6"]["status_words"] == (
        "нет данных: показателя нет, об исполнении не сообщено"
    )
    told = asked(engine_of_autumn, LATER)["6"]
    assert told["status_words"] == "сказано «выполнено», подтверждения нет; показателя нет, это слова исполнителя"
    assert asked(engine_of_autumn, NEXT)["5"]["status"] == "done", "with evidence"


def test_a_mart_without_figures_on_the_day_is_no_data(engine_of_autumn: sa.Engine) -> None:
    found = asked(engine_of_autumn, AFTER)
    assert found["1"]["status_words"] == "нет данных: на эту дату в витрине lessons_in_timetable цифр нет"
    assert (found["1"]["figure"], found["1"]["figure_rate"]) == (None, None)


def test_units_are_counted_within_the_deadline(engine_of_autumn: sa.Engine) -> None:
    """An event of December is none of September to November; a list that is not there is told of."""
    found = asked(engine_of_autumn, WINTER)
    assert found["2"]["status_words"] == "просрочено: 1 из 21; единиц без данных: 19"
    assert found["3"]["status_words"] == "просрочено: 1 из 21; единиц без данных: 19"
    assert asked(engine_of_autumn, AFTER)["2"]["status_words"] == "в работе: 1 из 21; единиц без данных: 19"


def test_words_that_the_figure_contradicts(engine_of_autumn: sa.Engine) -> None:
    row = asked(engine_of_autumn, LATER)["5"]
    assert row["status"] == "contradiction"
    assert row["status_words"] == "сказано «выполнено», а показатель ниже порога: 244 из 285"
    assert (row["before_as_of"], row["figure_before"], row["whole_before"]) == (AFTER, 244, 285)


def test_pupils_by_thousands_are_told_in_threes(engine: sa.Engine) -> None:
    ids = load_seed(engine)
    facts = {"school_id": [ids["asinovsky-1"]], "grade": [7], "letter": ["А"], "level": ["basic"], "pupils": [25],
             "pupils_planned": [20]}  # fmt: skip
    loaded(engine, reading("level_choice", "asinovsky", pl.DataFrame(facts), slice="level_choice/asinovsky/2023"))
    loaded(engine, given(FIRST, {}))
    publish(engine, "69", [FIRST])
    row = asked(engine, FIRST)["4"]
    assert (row["measured_mart"], row["whole"]) == ("level_coverage", 1200)
    assert "из 1\N{NO-BREAK SPACE}200" in row["status_words"], row["status_words"]


def test_a_status_is_told_with_the_night_since_which_it_holds(engine_of_autumn: sa.Engine) -> None:
    """It changes on the night after the deadline, and when somebody says something else."""
    told = {
        day: [asked(engine_of_autumn, day)["5"][name] for name in ("status", "status_since", "status_before")]
        for day in (FIRST, LAST, AFTER, LATER, WINTER)
    }
    assert told == {
        FIRST: ["in_progress", FIRST, None],
        LAST: ["in_progress", FIRST, None],
        AFTER: ["overdue", AFTER, "in_progress"],
        LATER: ["contradiction", LATER, "overdue"],
        WINTER: ["contradiction", LATER, "overdue"],
    }
    unmeasured = asked(engine_of_autumn, WINTER)["6"]
    assert (unmeasured["status_since"], unmeasured["status_before"]) == (LATER, "no_data")
    of_the_year = asked(engine_of_autumn, NEXT)["5"]
    assert (of_the_year["status_since"], of_the_year["status_before"]) == (NEXT, None), "another academic year"
    with engine_of_autumn.connect() as connection:
        known = "mart.assignments_as_known(:day, clock_timestamp(), '69')"
        statement = sa.text(f"SELECT status_since FROM {known} WHERE number = '5'")
        assert connection.scalar(statement, {"day": WINTER}) == LATER


def test_another_number_is_the_same_assignment_and_another_text_is_not(engine_of_autumn: sa.Engine) -> None:
    found = asked(engine_of_autumn, NEXT)
    assert found["1"]["measured_mart"] == "readiness_by_municipality"
    assert found["1"]["status"] == "no_data", "no campaign runs that day"
    assert found["5"]["measured_by"] is None
    assert found["6"]["status_words"] == "просрочено: показателя нет, об исполнении не сообщено"
    assert len(found) == 3


def test_a_night_is_known_as_it_was(engine_of_autumn: sa.Engine) -> None:
    """The table that came on 18 September changes nothing that was said before."""
    with engine_of_autumn.connect() as connection:
        statement = sa.text(
            "SELECT status_words FROM mart.assignments_as_known(:day, clock_timestamp(), '69') WHERE number = '5'"
        )
        assert connection.scalar(statement, {"day": AFTER}) == "просрочено: 244 из 285"
        assert connection.scalar(statement, {"day": LATER}).endswith("ниже порога: 244 из 285")
        latest = sa.text("SELECT count(*) FROM mart.assignments_latest WHERE region = '69'")
        assert connection.scalar(latest) == 3


def test_overdue_assignments_and_contradictions_are_incidents(engine_of_autumn: sa.Engine) -> None:
    assert wrong(engine_of_autumn, "assignment_overdue", LAST) == {}, "it is the last day"
    ((number, told),) = wrong(engine_of_autumn, "assignment_overdue", AFTER).items()
    assert (number, told["sender"], told["words"]) == ("5", "department", "просрочено: 244 из 285")
    assert told["ends_on"] == "2023-09-11"
    assert wrong(engine_of_autumn, "assignment_contradicts", AFTER) == {}
    assert wrong(engine_of_autumn, "assignment_contradicts", LATER).keys() == {"5"}
    assert wrong(engine_of_autumn, "assignment_overdue", WINTER).keys() == {"2", "3"}


def first_look(connection: sa.Connection, as_of: dt.date) -> tuple[Any, ...]:
    """Done, of how many, overdue, what is said where there is no figure: the line of the region's profile."""
    asked = """
        SELECT figure, whole, lacks, no_figure_words, band, figure_before FROM mart.region_profile
        WHERE region = '69' AND as_of = :day AND system = 'assignments'
    """
    return tuple(connection.execute(sa.text(asked), {"day": as_of}).one())


def test_the_first_look_counts_what_is_done_and_what_is_overdue(engine_of_autumn: sa.Engine) -> None:
    with engine_of_autumn.connect() as connection:
        assert first_look(connection, LAST) == (0, 6, 0, None, None, None)
        assert first_look(connection, AFTER) == (0, 6, 1, None, None, None)
        assert first_look(connection, LATER) == (0, 6, 1, None, None, 0), "words that a figure of all units contradicts"
        assert first_look(connection, WINTER) == (0, 6, 3, None, None, 0)
        assert first_look(connection, NEXT)[:3] == (1, 3, 1)
        known = "mart.region_profile_as_known(:day, clock_timestamp(), '69')"
        then = sa.text(f"SELECT lacks FROM {known} WHERE system = 'assignments'")
        assert connection.scalar(then, {"day": AFTER}) == 1


def test_a_unit_sees_how_many_assignments_are_done_and_nothing_of_a_neighbour(engine_of_autumn: sa.Engine) -> None:
    """The counts are those that the whole region sees; which assignment, by whose figure, stays closed."""
    with engine_of_autumn.connect() as connection:
        whole = [first_look(connection, day) for day in (LAST, AFTER, LATER, WINTER, NEXT)]
    with seen_by(engine_of_autumn, "69", "asinovsky") as connection:
        assert [first_look(connection, day) for day in (LAST, AFTER, LATER, WINTER, NEXT)] == whole
        for closed in ("assignments", "assignment_list"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM mart.{closed}")) == 0
            then = f"SELECT count(*) FROM mart.{closed}_as_known('{AFTER}', clock_timestamp())"
            assert connection.scalar(sa.text(then)) == 0


def test_words_that_two_units_contradict_are_not_counted(engine_of_autumn: sa.Engine) -> None:
    """«Сказано выполнено, а показатель ниже» of two units would tell one of them about the other."""
    day = dt.date(2023, 9, 25)
    loaded(engine_of_autumn, given(day, DONE | {"2": ("done", "отчёт")}))
    publish(engine_of_autumn, "69", [day])
    assert asked(engine_of_autumn, day)["2"]["status"] == "contradiction"
    with seen_by(engine_of_autumn, "69", "asinovsky") as connection:
        assert first_look(connection, day)[:3] == (0, 6, None)


@pytest.mark.parametrize("row", rows("assignment_metrics"), ids=lambda row: row["metric"])
def test_a_metric_names_a_mart_that_is_read_and_its_columns(row: dict[str, str]) -> None:
    (view,) = (view for view in views() if view.name == "assignments")
    assert row["mart"] in view.marts_read
    columns = mart_named(row["mart"]).captions.keys()
    assert {row["figure"], *({row["of"]} - {"units"})} <= columns
    assert 0 < float(row["threshold"]) <= 1
