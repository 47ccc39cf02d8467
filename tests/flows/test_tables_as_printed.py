"""The source's tables of admissions, preparation, regulations come back from their marts row by row, with the defects
that stand in them found and nothing else; what is in question waits for a decision."""

from __future__ import annotations

import datetime as dt
import io
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from contracts.explanation import MARK
from contracts.receipt import SHEET
from documents.demo import put, tomsk
from documents.demo.data import rows
from documents.demo.programme_files import AS_PRINTED, as_printed
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome
from flows.runs.decide import decide_of_explanations
from flows.runs.ingest import ingest
from warehouse.marts.published import mart

COPIED = "Данные сверены, столбец не скопирован"
DAY = dt.date(2023, 9, 8)


def sent(settings: Settings, name: str, data: bytes, minute: int) -> Path:
    moment = dt.datetime(2023, 9, 8, 13, minute, tzinfo=dt.UTC)
    (path,) = put([("department", name, data, moment)], settings.inbox)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def published(engine: sa.Engine, name: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return mart(connection, name, DAY).sort("position").to_dicts()


@pytest.fixture
def taken(settings: Settings) -> dict[str, Outcome]:
    files = [sent(settings, *as_printed(tomsk(), form), minute) for minute, form in enumerate(AS_PRINTED)]
    outcomes = ingest(files, Options(), settings)
    return {str(outcome.form): outcome for outcome in outcomes}


def test_the_tables_of_the_source_come_back_row_by_row(
    settings: Settings, engine: sa.Engine, taken: dict[str, Outcome]
) -> None:
    """Slow: four deliveries and their publication."""
    assert {form: outcome.verdict for form, outcome in taken.items()} == dict.fromkeys(AS_PRINTED, "accepted")
    found = {form: [(each.rule, each.row, each.value) for each in of.findings] for form, of in taken.items()}
    assert found == {
        "admissions": [
            ("ADM-002", 5, "13423"), ("ADM-003", 6, "4,3"), ("ADM-001", 7, "26107"), ("ADM-003", 7, "4,3"),
            ("ADM-004", 7, "4,3"), ("ADM-005", 7, "4,0"),
        ],
        "admission_calendar": [], "preparatory_measures": [], "regulations": [],
    }  # fmt: skip

    years = published(engine, "admissions_by_year")
    assert [(row["year"], row["budget_places"], row["applications"]) for row in years] == [
        (int(row["year"]), int(row["budget_places"]), int(row["applications"])) for row in rows("admissions")
    ]
    assert [row["stated_per_place"] or "" for row in years] == [row["stated_per_place"] for row in rows("admissions")]
    assert [row["average_mark"] for row in years] == [None, None, 4, 4]
    assert [round(float(row["applications_per_place"]), 2) for row in years] == [23.67, 1.24, 1.08, 1.0]
    assert [(row["decision"], row["in_question"], row["anomalies"]) for row in years] == [
        ("ordinary", False, 0), ("waits", True, 1), ("waits", True, 1), ("waits", True, 4),
    ]  # fmt: skip

    steps = published(engine, "admission_steps")
    assert [(row["step"], row["date_as_printed"]) for row in steps] == [
        (row["step"], row["date_as_printed"]) for row in rows("admission_calendar")
    ]
    assert [row["month_day"] for row in steps] == ["06-01", "08-10", "08-15", "11-25"]

    measures = published(engine, "preparation_measures")
    status = {"✓": "done", "да": "not_done", "нет": "not_known"}
    assert {(row["direction_name"], row["measure"], row["measure_status"]) for row in measures} == {
        (row["direction"], row["measure"], status[row["ticked"] or row["slide_has_ticks"]])
        for row in rows("preparatory_measures")
    }
    told = [(row["measures_done"], row["measures_not_done"], row["measures_not_known"])
            for row in published(engine, "preparation")]  # fmt: skip
    assert told == [(0, 0, 3), (0, 0, 1), (0, 0, 3), (1, 0, 0), (2, 1, 0), (1, 2, 0), (1, 0, 0)]

    documents = published(engine, "regulations_in_force")
    assert {(row["document_number"], row["issuer"], row["document_title"]) for row in documents} == {
        (row["number"], row["issuer"], row["title"]) for row in rows("regulations")
    }
    assert [row["signed_on"] for row in documents] == [dt.date(2023, 7, 28), DAY, None]
    assert all(row["force_status"] == "in_force" for row in documents)


def test_what_is_in_question_is_settled_by_a_decision(
    settings: Settings, engine: sa.Engine, taken: dict[str, Outcome]
) -> None:
    (path,) = settings.outbox.glob(f"department/*.{taken['admissions'].sha256[:7]}.квитанция.xlsx")
    book = openpyxl.load_workbook(path)
    page = book[SHEET]
    marks = [cell for row in page.iter_rows() for cell in row if MARK.fullmatch(str(cell.value))]
    assert len(marks) == 6
    for cell in marks[2:]:
        page.cell(cell.row, cell.column - 1).value = COPIED
    saved = io.BytesIO()
    book.save(saved)
    ingest([sent(settings, "ответ.xlsx", saved.getvalue(), 30)], Options(), settings)
    explained = [row["decision"] for row in published(engine, "admissions_by_year")]
    assert explained == ["ordinary", "waits", "waits", "explained"]
    with engine.connect() as connection:
        said = list(connection.scalars(sa.text("SELECT explanation_id FROM ops.explanation ORDER BY rule")))
    assert len(said) == 4
    decide_of_explanations(settings, said, "accepted", "officer", None)
    decided = {row["year"]: row for row in published(engine, "admissions_by_year")}
    assert [row["decision"] for row in decided.values()] == ["ordinary", "waits", "waits", "accepted"]
    assert (decided[2022]["in_question"], decided[2022]["admission_rows_settled"]) == (False, 1)
    assert "Бюджетных мест ровно столько же, сколько заявлений. Принято." in decided[2022]["anomaly"]
    assert decided[2022]["budget_places"] == 26_107, "nothing is corrected"

    decide_of_explanations(settings, said[:1], "refused", "officer", "это копия")
    refused = {row["year"]: row for row in published(engine, "admissions_by_year")}
    assert (refused[2022]["decision"], refused[2022]["anomalies_waiting"]) == ("waits", 1)
    with engine.connect() as connection:
        before = mart(connection, "admissions_by_year", DAY, decided[2022]["known_at"])
    assert before.sort("year")["decision"].to_list() == explained, "as it was told before the decision was published"
