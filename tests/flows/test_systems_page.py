"""The page of systems is made of what is there."""

from pathlib import Path

from contracts.vocabulary import rows
from flows.cli.systems_page import conditions_of, marts_of, slides_of, systems_page

PAGE = Path(__file__).parents[2] / "docs" / "systems.md"


def test_page_is_current() -> None:
    """`python -m flows.cli.systems_page > docs/systems.md` makes it so."""
    assert PAGE.read_text(encoding="utf-8") == systems_page()


def test_every_system_of_the_source_has_a_row() -> None:
    page = systems_page()
    for row in rows("systems"):
        assert f"| {row['number']} | {row['title']} (`{row['system']}`) | {row['source']} |" in page
    assert page.count("\n| ") == len(rows("systems")) + 1


def test_what_is_of_a_form() -> None:
    of_readiness = ["national_readiness", "readiness_by_municipality", "readiness_by_school", "readiness_region"]
    assert marts_of(["readiness_report"]) == of_readiness
    assert "sources_contradict" in conditions_of(["readiness_report"], [])
    assert conditions_of([], ["assignments"]) == ["assignment_contradicts", "assignment_overdue"]
    assert slides_of(["readiness_by_municipality"]) == ["Мониторинг готовности школ к реализации Профминимума"]
    assert (marts_of([]), conditions_of([], []), slides_of([])) == ([], [], [])
