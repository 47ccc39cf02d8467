"""The source's table of «Первая профессия», HTML cells and all, comes back from its mart row by row."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import sqlalchemy as sa

from documents.demo import put
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from warehouse.marts.published import mart

PRINTED = Path(__file__).parents[1] / "golden" / "programme_catalogue" / "as_published" / "delivery.csv"
DAY = dt.date(2024, 2, 5)


def test_the_table_of_the_source_comes_back_row_by_row(settings: Settings, engine: sa.Engine) -> None:
    """Slow: a delivery and its publication."""
    moment = dt.datetime(2024, 2, 5, 5, tzinfo=dt.UTC)
    (path,) = put([("regional_operator", "Первая профессия.csv", PRINTED.read_bytes(), moment)], settings.inbox)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    (outcome,) = ingest([path], Options(), settings)
    assert outcome.verdict == "accepted"
    told = {each.rule for each in outcome.findings}
    assert told == {"CAT-001", "CAT-004", "CAT-006", "COM-022"}
    (lost,) = [each for each in outcome.findings if each.rule == "CAT-004"]
    assert lost.expected == "пунктов 6: разделителя нет перед «Применение», «Обработка»"

    with engine.connect() as connection:
        rows = mart(connection, "first_profession", DAY).to_dicts()
    shown = ("profession", "programme_hours", "term_months", "study_form_name", "competencies", "cohort")
    assert sorted(tuple(row[name] for name in shown) for row in rows) == [
        (
            "Консультант в области развития цифровой грамотности населения (цифровой куратор)", 122, 10,
            "Очно-заочная", 6, "нет",
        ),
        ("Слесарь механосборочных работ", 122, 10, "Очно-заочная", 6, "нет"),
        ("Слесарь-электрик", 122, 10, "Очно-заочная", 6, "нет"),
    ]  # fmt: skip
