"""What incidents say: Russian for senders and officers, English for engineers, every figure in its place."""

from __future__ import annotations

import datetime as dt
import re
import string
from typing import Any

import pytest

from contracts.texts import incident_texts
from flows.messages.incident_text import event_text, signed
from warehouse.incidents.condition import NOT_EVALUATED, conditions
from warehouse.incidents.observe import EventKind, IncidentEvent

MORNING = dt.datetime(2023, 9, 8, 0, 30, tzinfo=dt.UTC)
ADDED = {"form", "topic", "subject", "verdict", "rule_class", "reason", "remedy"}
"""Words of a text that are not figures of the condition."""


def event(condition: str, details: dict[str, Any], kind: EventKind = "opened", **changed: Any) -> IncidentEvent:
    made: dict[str, Any] = {
        "event_id": 1, "incident_id": 1, "kind": kind, "condition": condition,
        "incident_class": conditions()[condition].incident_class, "audiences": conditions()[condition].audiences,
        "region": "69", "form": "readiness_report", "form_title": "Отчёт о готовности", "sender": "asinovsky",
        "sender_name": "Асиновский муниципальный район", "subject": "norms", "at": MORNING, "opened_at": MORNING,
        "level": 2, "details": details, "deliveries": (),
    }  # fmt: skip
    return IncidentEvent(**{**made, **changed})


@pytest.mark.parametrize("name", sorted(incident_texts()))
def test_a_text_asks_only_for_what_its_condition_finds(name: str) -> None:
    text = incident_texts()[name]
    asked = {
        slot for part in (text.title, text.text, text.mend) for _, slot, _, _ in string.Formatter().parse(part) if slot
    }
    select = conditions()[name].select
    assert {slot for slot in asked - ADDED if f"'{slot}'" not in select} == (
        {"error"} if name == NOT_EVALUATED else set()
    )
    russian = bool(re.search("[а-яё]", text.title + text.mend))
    assert russian == (text.incident_class != "own")


def test_a_failed_validation_names_rules_and_schools() -> None:
    details = {
        "verdict": "partial", "rules": {"RDY-010": 1200, "RDY-015": 2}, "places": 1202,
        "schools": ["СОШ № 1", "СОШ № 2"], "schools_count": 5,
    }  # fmt: skip
    found = event_text(event("failed_validation", details))
    assert found.title == "Часть строк не принята, требования к школе: Отчёт о готовности"
    assert found.lines == (
        "Ответственный ниже заместителя руководителя: мест — 1\N{NO-BREAK SPACE}200.",
        "Курс «Россия – мои горизонты» не внесён в расписание: мест — 2.",
        "Школы: СОШ № 1, СОШ № 2 и ещё 3.",
    )
    assert "квитанции" in found.mend


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("opened", "Файл не принят, файл и устройство таблицы: форма не узнана"),
        ("changed", "Изменилось: файл не принят, файл и устройство таблицы: форма не узнана"),
        ("reminded", "Напоминание: файл не принят, файл и устройство таблицы: форма не узнана"),
        ("escalated", "Не исправлено, ступень 2: файл не принят, файл и устройство таблицы: форма не узнана"),
        ("closed", "Исправлено: файл не принят, файл и устройство таблицы: форма не узнана"),
    ],
)
def test_the_title_says_what_happened(kind: EventKind, title: str) -> None:
    details = {"verdict": "refused", "rules": {"COM-010": 1}, "places": 1, "file": "0a1b2c3"}
    found = event_text(event("failed_validation", details, kind, form=None, form_title=None, subject="file"))
    assert found.title == title
    if kind == "closed":
        assert (found.lines, found.mend) == (("Так было с 08.09.2023 07:30.",), "")
    else:
        assert "Файл, сумма которого начинается с 0a1b2c3." in found.lines
        assert ("Это так с 08.09.2023 07:30." in found.lines) == (kind in ("reminded", "escalated"))


def test_what_is_back_says_how_often() -> None:
    details = {"verdict": "partial", "rules": {"RDY-010": 1}, "places": 1, "again": 3}
    assert event_text(event("failed_validation", details)).title.startswith("Снова (3-й раз): часть строк не принята")


def test_figures_are_written_as_people_write_them() -> None:
    details = {"before": "green", "rate": 0.2, "as_of": "2023-09-09", "rate_before": 0.8, "before_as_of": "2023-09-08"}
    assert event_text(event("band_fell", details)).lines == ("Было 80,0 % на 08.09.2023, стало 20,0 % на 09.09.2023.",)
    below = {"events_rate": 0.615, "events_target_rate": 0.7, "pupils_planned": 123, "pupils_6_11": 200,
             "lacking": 17, "ends_on": "2023-11-30"}  # fmt: skip
    told = event_text(event("coverage_below_target", below))
    assert told.title.endswith("меньше обучающихся, чем нужно: 61,5 %")
    assert told.lines == ("Планируется 123 из 200, цель 70,0 %: не хватает 17. Мероприятия идут до 30.11.2023.",)
    pace = {"a_week": 12.5, "reached_on": None, "ends_on": "2024-05-31", "actual_pupils": 1031, "plan_pupils": 840}
    (line,) = event_text(event("pace_misses_the_end", pace)).lines
    assert line == (
        "В неделю 12,5, сделано 1\N{NO-BREAK SPACE}031 из 840; дата выполнения при таком темпе: нет, "
        "год кончается 31.05.2024."
    )


def test_totals_say_which_and_by_how_much() -> None:
    stated = {"figures": 1, "differences": [{"unit": "Город Томск", "metric": "accepted_rate", "difference": -0.025}]}
    found = event_text(event("control_total_disagrees", stated, form="readiness_summary"))
    assert found.lines[1] == "Город Томск: %: заявленное отличается на −2,50 процентного пункта."
    reckoned = {"figures": 1, "differences": [{"unit": "", "metric": "events_rate", "difference": -0.025}]}
    found = event_text(event("control_total_disagrees", reckoned, form="levels_summary"))
    assert found.lines[1] == "Охват мероприятиями: заявленное отличается на −2,50 процентного пункта."
    moved = {"dates": 2, "as_of": "2023-09-08", "totals": [{"metric": "accepted", "was": 241, "became": 244}]}
    assert event_text(event("total_moved", moved)).lines[1] == "Верных отчётов: было 241, стало 244."
    assert signed(2, is_rate=False) == "+2"


def test_our_own_failures_are_told_in_english() -> None:
    details = {
        "state": "failed",
        "run_id": 7,
        "flow_run_id": "0f",
        "message": "loading: Timeout",
        "as_of": "2023-09-08",
    }
    found = event_text(event("run_failed", details, "escalated", form=None, sender=None, subject="nightly"))
    assert found.title == "Still so, level 2: the run «nightly» failed"
    assert found.lines == ("State: failed. loading: Timeout", "It has been so since 08.09.2023 07:30.")
    missing = {"hours": 25, "last": "2023-09-07T19:30:00+00:00"}
    assert event_text(event("nightly_missing", missing)).lines == ("The last one ended: 08.09.2023 02:30.",)
