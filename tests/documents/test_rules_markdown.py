from pathlib import Path

from contracts.forms import FORMS, RULES
from documents.writing.rules_markdown import rules_markdown

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_page_is_current() -> None:
    """`python -m documents.writing.rules_markdown > docs/rules.md` makes it so."""
    assert PAGE.read_text(encoding="utf-8") == rules_markdown()


def test_each_rule_has_a_heading_and_each_form_its_columns() -> None:
    lines = rules_markdown().splitlines()
    assert sorted(line.removeprefix("### ") for line in lines if line.startswith("### ")) == sorted(RULES)
    for form in FORMS:
        for column in form.editions[-1].columns:
            assert any(line.startswith(f"| `{column.name}` | {column.title} |") for line in lines), column.name


def test_a_line_says_what_a_finding_does() -> None:
    page = rules_markdown()
    facts = "**sets the row aside** · a row · `navigators_trained` «Из них обучено» · source: STF-3"
    assert f"### RDY-011\n\n{facts}\n\n| что · what | Обученных навигаторов больше" in page
    assert "### RDY-020\n\n**warns** · against the register · `pupils_total`" in page
    assert "### COM-001\n\n**refuses the delivery** · a delivery\n\n| что · what | Файл пустой" in page
    assert "Edition 2023 (from 2023-01-01) differs in `verification`, `archived_on`." in page
