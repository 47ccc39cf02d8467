"""Every rule and every phrase has its words, in Russian and in English, and no words are left over."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import contracts.texts
from contracts.forms import FORMS, RULES
from contracts.rules import COMMON
from contracts.texts import FOLDER, FORM_FOLDERS, TOPIC, RuleText, lines_of, phrases, rule_text, rule_texts

ROOT = Path(__file__).parents[2]
PACKAGES = ("contracts", "transforms", "documents", "warehouse", "flows")
MIXED = re.compile(r"[А-Яа-яЁё][A-Za-z]|[A-Za-z][А-Яа-яЁё]")
RUSSIAN, ENGLISH = ("what", "when", "mend"), ("what_en", "when_en", "mend_en")
PREFIXES = sorted({code.split(".")[0] for code in phrases()})
CODE = re.compile(rf"(?:{'|'.join(PREFIXES)})\.[a-z0-9_.]+")


def codes(table: Path) -> list[str]:
    lines = table.read_text(encoding="utf-8").splitlines()
    return [line.split(",")[0] for line in lines[1:]]


def test_every_rule_has_its_line_and_every_line_its_rule() -> None:
    assert codes(FOLDER / "rules.csv") == sorted(rule.id for rule in COMMON)
    for form in FORMS:
        own = sorted(rule.id for rule in form.rules)
        assert codes(FORM_FOLDERS / form.name / "texts.csv") == [TOPIC, *own]
    assert set(rule_texts()) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_words_of_a_rule_are_whole_sentences(rule: str) -> None:
    text = rule_text(rule)
    for name in (*RUSSIAN, *ENGLISH):
        words: str = getattr(text, name)
        assert words == words.strip(), name
        assert words.endswith("."), name
        assert words[0].isupper() or words[0] in "«0123456789", name
        assert not MIXED.search(words), f"{name}: Latin and Cyrillic letters in one word"


def test_english_is_english() -> None:
    for rule, text in rule_texts().items():
        for russian, english in zip(RUSSIAN, ENGLISH, strict=True):
            letters = re.sub("«[^»]*»|ОКТМО|ИНН", "", getattr(text, english))
            assert not re.search("[А-Яа-яЁё]", letters), (rule, english)
            assert re.search("[А-Яа-яЁё]", getattr(text, russian)), (rule, russian)


def test_phrases_are_in_order_and_say_the_same_in_both_languages() -> None:
    assert codes(FOLDER / "phrases.csv") == sorted(phrases("ru")) == sorted(phrases("en"))
    for code, russian in phrases("ru").items():
        english = phrases("en")[code]
        assert russian.strip() and english.strip(), code
        assert slots(russian) == slots(english), code
        assert not MIXED.search(re.sub(r"\{\w+\}", " ", russian)), code


def slots(phrase: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None)


def named_in_code() -> Iterator[re.Pattern[str]]:
    """What the texts of the code can name: a literal itself, an f-string with anything in its gaps."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            joined = [node for node in nodes if isinstance(node, ast.JoinedStr)]
            inner = {id(part) for node in joined for part in node.values}
            for each in joined:
                parts = [str(p.value) if isinstance(p, ast.Constant) else None for p in each.values]
                if parts[0] and parts[0].startswith(tuple(f"{prefix}." for prefix in PREFIXES)):
                    yield re.compile("".join("[a-z0-9_.]+" if p is None else re.escape(p) for p in parts))
            texts = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in inner]
            yield from (re.compile(re.escape(text)) for text in texts if isinstance(text, str) and CODE.fullmatch(text))


def test_every_phrase_named_is_there_and_none_is_left_over() -> None:
    named = list(named_in_code())
    assert len(named) > 10
    nameless = [each.pattern for each in named if not any(each.fullmatch(code) for code in phrases())]
    assert nameless == []
    assert [code for code in phrases() if not any(each.fullmatch(code) for each in named)] == []


def test_a_rule_without_words_is_told_by_name() -> None:
    with pytest.raises(LookupError, match="NEW-001"):
        rule_text("NEW-001")


def test_a_code_that_stands_twice_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ",".join(("rule", *RuleText.__dataclass_fields__))
    (tmp_path / "rules.csv").write_text(f"{names}\nA-1,k,a,b,c,d,e,f\nA-1,k,a,b,c,d,e,f\n", encoding="utf-8")
    monkeypatch.setattr(contracts.texts, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="A-1 stands twice"):
        lines_of.__wrapped__(None)
