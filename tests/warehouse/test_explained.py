"""What makes two findings the same one, what is said of it, and how marts count that as it was known."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from examples import read as given
from hand_made import DAY, NOON, delivery, finding, loaded, now, read, report

from contracts.explanation import Returned
from contracts.reading import CONTROL_TOTALS, Finding, findings_frame
from warehouse.deliveries.explanation_decision import NotThere, decide_of, listed
from warehouse.deliveries.explanations import Brought, explained, take
from warehouse.deliveries.judging import judge_across
from warehouse.incidents.condition import conditions, find
from warehouse.marts.publication import publish


def rows(engine: sa.Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return [row[0] if len(row) == 1 else tuple(row) for row in connection.execute(sa.text(statement))]


def doubt(school: str, value: str = "вторник", row: int | None = 4, **changed: object) -> Finding:
    made = finding("RDY-016", row, "warning")._replace(column="rmg_weekday", value=value, row_key=school)
    return made._replace(**changed)  # type: ignore[arg-type]


def told(ids: dict[str, int], *found: Finding, **changed: object):  # type: ignore[no-untyped-def]
    return report(ids, "asinovsky", range(1, 9), findings=findings_frame(found), **changed)


def keys(engine: sa.Engine) -> list[str]:
    """The keys of warnings of the newest reading, in the order of its findings."""
    return rows(
        engine,
        "SELECT finding_key FROM ops.warnings_of(ARRAY(SELECT max(reading_id) FROM ops.reading)) ORDER BY finding_id",
    )


def said(engine: sa.Engine, key: str, text: str = "две смены", sender: str = "asinovsky") -> None:
    with engine.begin() as connection:
        sha = connection.scalar(sa.text("SELECT sha256 FROM ops.delivery ORDER BY delivery_id DESC LIMIT 1"))
    number = delivery(engine)
    with engine.begin() as connection:
        assert take(connection, Brought(number, sender, Returned(sha, ((key, text),), is_alone=True)))
        assert not take(connection, Brought(number, sender, Returned(sha, ((key, text),), is_alone=True)))


def counted(engine: sa.Engine, known: dt.datetime | None = None) -> tuple[object, ...]:
    publish(engine, "69", [DAY])
    failures = read(engine, "rule_failures", DAY, known).filter(rule="RDY-016", sender="asinovsky")
    health = read(engine, "delivery_health", DAY, known).filter(form="readiness_report", sender="asinovsky")
    of_failures = failures.select("failures", "explained", "explained_accepted").row(0)
    return (*of_failures, *health.select("warnings_explained", "warnings_accepted").row(0))


def test_the_same_row_and_value_are_the_same_finding_wherever_they_stand(
    small: dict[str, int], engine: sa.Engine
) -> None:
    loaded(engine, told(small, doubt("школа 1"), doubt("школа 2"), doubt("школа 1", "среда")))
    first = keys(engine)
    assert len(set(first)) == 3
    loaded(engine, told(small, doubt("школа 1", row=9, sheet="Лист2"), sha256="1" * 64))
    assert keys(engine) == first[:1]


@pytest.mark.parametrize(
    "changed",
    [
        {"rule": "RDY-023"}, {"value": "среда"}, {"column": "hours"}, {"row_key": "школа 2"}, {"row_key": None},
    ],
)  # fmt: skip
def test_another_rule_column_row_or_value_is_another_finding(
    small: dict[str, int], engine: sa.Engine, changed: dict[str, object]
) -> None:
    loaded(engine, told(small, doubt("школа 1")))
    first = keys(engine)
    loaded(engine, told(small, doubt("школа 1")._replace(**changed), sha256="1" * 64))  # type: ignore[arg-type]
    assert set(keys(engine)).isdisjoint(first)


def test_a_row_that_nothing_tells_apart_is_the_same_in_its_file_alone(small: dict[str, int], engine: sa.Engine) -> None:
    loaded(engine, told(small, doubt("школа 1", row_key=None), doubt("школа 1", row=5, row_key=None)))
    first = keys(engine)
    loaded(engine, told(small, doubt("школа 1", row_key=None), sha256="1" * 64))
    assert len({*first, *keys(engine)}) == 3


def test_an_explanation_is_counted_as_it_was_known(small: dict[str, int], engine: sa.Engine) -> None:
    loaded(engine, told(small, doubt("школа 1"), doubt("школа 2")))
    before = counted(engine), now(engine)
    assert before[0] == (2, 0, 0, 0, 0)
    said(engine, keys(engine)[0])
    waiting = counted(engine), now(engine)
    assert waiting[0] == (2, 1, 0, 1, 0)
    (number,) = rows(engine, "SELECT explanation_id FROM ops.explanation")
    decide_of(engine, [number], "accepted", "Петрова", None)
    accepted = counted(engine), now(engine)
    assert accepted[0] == (2, 1, 1, 1, 1)
    decide_of(engine, [number], "refused", "Петрова", "Смена одна.")
    assert counted(engine) == (2, 0, 0, 0, 0)
    for figures, moment in (before, waiting, accepted):
        assert counted(engine, moment) == figures


def test_a_word_is_kept_while_its_finding_is_the_same(small: dict[str, int], engine: sa.Engine) -> None:
    loaded(engine, told(small, doubt("школа 1")))
    said(engine, keys(engine)[0])
    again = loaded(engine, told(small, doubt("школа 1", row=12), doubt("школа 2"), sha256="1" * 64))
    with engine.connect() as connection:
        ((_, first), (_, second)) = explained(connection, [again.reading_id])[again.reading_id].items()
    assert (first.text, second.text) == ("две смены", None)
    said(engine, keys(engine)[0], "один зал")
    assert rows(engine, "SELECT explanation FROM ops.explanation WHERE gone_at = 'infinity'") == ["один зал"]
    loaded(engine, told(small, doubt("школа 1", "среда"), sha256="2" * 64))
    with engine.connect() as connection:
        (waiting,) = listed(connection)
    assert (waiting.explanation, waiting.stands) == ("один зал", False)


def test_nobody_speaks_for_another(small: dict[str, int], engine: sa.Engine) -> None:
    loaded(engine, told(small, doubt("школа 1")))
    said(engine, keys(engine)[0], sender="chainsky")
    assert rows(engine, "SELECT count(*) FROM ops.explanation") == [0]
    assert rows(engine, "SELECT is_foreign, taken FROM ops.returned_receipt") == [(True, 0)]


def test_what_is_not_there_is_not_decided(small: dict[str, int], engine: sa.Engine) -> None:
    loaded(engine, told(small, doubt("школа 1")))
    said(engine, keys(engine)[0])
    (number,) = rows(engine, "SELECT explanation_id FROM ops.explanation")
    with pytest.raises(NotThere, match="Отказу нужна причина"):
        decide_of(engine, [number], "refused", "Петрова", " — ")
    with pytest.raises(NotThere, match="Пояснения 99999 нет"):
        decide_of(engine, [number, 99999], "accepted", "Петрова", None)
    assert rows(engine, "SELECT count(*) FROM ops.explanation_decision") == [0]
    said(engine, keys(engine)[0], "один зал")
    with pytest.raises(NotThere, match="заменил другим"):
        decide_of(engine, [number], "accepted", "Петрова", None)


def alarmed(engine: sa.Engine) -> list[str]:
    """Senders of whom there is an incident that a stated total differs."""
    with engine.begin() as connection:
        find(connection, "69", NOON, DAY, [conditions()["control_total_disagrees"]], 25)
        return list(connection.scalars(sa.text("SELECT sender FROM pg_temp.incident_found")))


def test_an_incident_of_totals_closes_when_all_of_it_is_explained(small: dict[str, int], engine: sa.Engine) -> None:
    totals = pl.DataFrame([(None, "pupils_total", 107.0, 100.0, 7.0, 0.0, "disagrees")], CONTROL_TOTALS, orient="row")
    wrong = [
        finding("RDY-031", None, "warning")._replace(column="pupils_total", value=value) for value in ("107", "108")
    ]
    loaded(engine, told(small, *wrong, control_totals=totals))
    assert alarmed(engine) == ["asinovsky"]
    for key in keys(engine):
        assert alarmed(engine) == ["asinovsky"]
        said(engine, key, "итог с филиалом")
    assert alarmed(engine) == ["asinovsky"], "nobody has accepted it"
    numbers = rows(engine, "SELECT explanation_id FROM ops.explanation ORDER BY 1")
    decide_of(engine, numbers[:1], "accepted", "Петрова", None)
    assert alarmed(engine) == ["asinovsky"], "one of two"
    decide_of(engine, numbers, "accepted", "Петрова", None)
    assert alarmed(engine) == []
    decide_of(engine, numbers[1:], "refused", "Петрова", "Филиала нет.")
    assert alarmed(engine) == ["asinovsky"]


def test_what_is_said_across_forms_is_explained_too(engine: sa.Engine) -> None:
    day = dt.date(2023, 9, 30)
    report_of = {"form": "readiness_report", "sender": "asinovsky", "as_of": "2023-09-08"}
    list_of = {"form": "partner_agreements", "sender": "asinovsky", "as_of": str(day)}
    with engine.begin() as connection:
        given(connection, report_of, [{"school_code": "a1", "partner_agreements": "2"}])
        agreement = {"partner_inn": "0000001011", "agreement_number": "1", "school_code": "a1"}
        number = given(connection, list_of, [agreement])
    judge_across(engine, "69")
    with engine.connect() as connection:
        ((found, of_it),) = explained(connection, [number])[number].items()
    assert (found.rule, of_it.text) == ("AG-007", None)
    said(engine, of_it.key, "второе соглашение подписывают")
    publish(engine, "69", [day])
    figures = ("failures", "explained", "explained_accepted")
    assert read(engine, "rule_failures", day).filter(rule="AG-007").select(figures).rows() == [(1, 1, 0)]
    with engine.begin() as connection:
        (waiting,) = listed(connection)
        decide_of(engine, [waiting.explanation_id], "accepted", "Петрова", None)
        again = explained(connection, [number])[number][found]
    assert waiting.stands and again.decision == "accepted"
    assert waiting.value is not None and waiting.value.startswith("1 — в файле")
    assert "Указано: «1 — в файле" in waiting.finding and "не меньше 2" in waiting.finding
    with engine.begin() as connection:
        given(connection, report_of | {"as_of": "2023-09-09"}, [{"school_code": "a1", "partner_agreements": "1"}])
    judge_across(engine, "69")
    with engine.connect() as connection:
        (gone,) = listed(connection, decided_too=True)
    assert not gone.stands and gone.finding == waiting.finding, "what was explained is told when it is no more"
