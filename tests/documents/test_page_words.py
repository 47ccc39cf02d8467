"""Words of the page: each is used, in both languages, and no template asks for one that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.texts import page_words
from documents.pages.mart_html import banded, simple_table
from documents.pages.render import FOLDER

ROOT = Path(__file__).parents[2]
ASKED = re.compile(r"""\bt(?:_plain|old)?\(\s*['"](\w+)['"]\s*\)""")
MADE = ("mend_", "is_", "section_")
"""How codes begin that are put together where they are asked for."""


def sources() -> dict[Path, str]:
    paths = [*FOLDER.glob("*.html"), *(ROOT / "flows" / "page").glob("*.py")]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def test_each_word_is_used_and_each_that_is_asked_for_is_there() -> None:
    everything = "\n".join(sources().values())
    assert [code for code in ASKED.findall(everything) if code not in page_words()] == []
    unused = [code for code in page_words() if not re.search(rf"""['"]{code}['"]""", everything)]
    assert [code for code in unused if not code.startswith(MADE)] == []


@pytest.mark.parametrize("code", page_words())
def test_both_languages_say_it(code: str) -> None:
    words = page_words()[code]
    assert re.search("[А-Яа-яЁё✓]", words["ru"])
    assert not re.search("[А-Яа-яЁё]", words["en"])
    assert set(re.findall(r"{(\w+)}", words["ru"])) == set(re.findall(r"{(\w+)}", words["en"]))


def test_what_is_shown_is_escaped() -> None:
    spiteful = '<script>"x"</script>'
    table = simple_table([("a", False), (spiteful, True)], [[spiteful, spiteful]])
    assert "<script" not in str(table.headings[1][0]) + table.rows[0] + banded(spiteful, "red")
    assert 'class="n"' in table.rows[0]


def test_a_band_is_said_by_a_sign_and_a_word() -> None:
    assert "✕" in banded("33,3 %", "red")
    assert "красная" in banded("33,3 %", "red")
    assert banded("33,3 %", None) == "33,3 %"
