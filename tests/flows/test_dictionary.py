"""The marts in words."""

from pathlib import Path

import pytest

from flows.cli.dictionary import dictionary, show_dictionary
from flows.home.usage import UsageError
from warehouse.marts.definitions import live, marts, views

PAGE = Path(__file__).parents[2] / "docs" / "dictionary.md"


def test_page_is_current() -> None:
    """`profmin dictionary > docs/dictionary.md` makes it so."""
    assert PAGE.read_text(encoding="utf-8") == dictionary()


def test_every_mart_and_column_is_there() -> None:
    lines = dictionary().splitlines()
    for mart in (*marts(), *views(), *live()):
        assert f"### {mart.name}" in lines
        assert all(any(line.startswith(f"| `{column}` |") for line in lines) for column in mart.captions)


def test_one_mart(capsys: pytest.CaptureFixture[str]) -> None:
    show_dictionary("readiness_by_school")
    said = capsys.readouterr().out
    assert said.startswith("### readiness_by_school\n") and "### readiness_region" not in said
    show_dictionary("incidents")
    assert "| `level` | целое, ступени | Ступень |" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no mart is named 'readiness'"):
        show_dictionary("readiness")
