"""What `check` and `ingest` print of a file: a rule once, its places, how to mend it once."""

from __future__ import annotations

import pytest
from example import Sent

from contracts.reading import Finding
from contracts.rules import HEADING_MISSING, SCHOOL_YEAR_DIFFERS, SUSPICIOUSLY_SMALLER
from flows.cli.terminal import console, show_outcomes
from flows.intake.outcome import Outcome
from transforms.findings.finding import finding


def printed(capsys: pytest.CaptureFixture[str], *rules: str, without: tuple[str, ...] = ()) -> str:
    sent = Sent("level_choice", without=without, above=("на 2022/2023 учебный год", "на 20.09.2023"))
    findings = [Finding(**row) for row in sent.read().findings.drop("row_key", strict=False).to_dicts()]
    asked = tuple(finding for finding in findings if finding.rule in rules)
    show_outcomes(console(), [Outcome("файл.xlsx", "0" * 64, form="level_choice", verdict="refused", findings=asked)])
    return " ".join(capsys.readouterr().out.split())


def test_columns_that_are_missing_are_listed_under_their_rule(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, HEADING_MISSING.id, without=("pupils", "pupils_planned"))
    assert text.count(HEADING_MISSING.what) == 1 and text.count(HEADING_MISSING.mend) == 1
    assert "Лист1, ожидается: столбец «Обучающихся в классе»" in text
    assert "Лист1, ожидается: столбец «Из них планируется охватить»" in text


def test_what_is_about_a_file_says_all_in_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, SCHOOL_YEAR_DIFFERS.id)
    assert SCHOOL_YEAR_DIFFERS.what in text and "Указано: «2022/2023»" in text and SCHOOL_YEAR_DIFFERS.mend in text


def test_what_several_findings_of_a_file_say_alike_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    rule = SUSPICIOUSLY_SMALLER
    told = [finding(rule, what=f"{rule.what} Загружается {name}.") for name in ("строк: 3", "школ: 1")]
    show_outcomes(console(), [Outcome("файл.xlsx", "0" * 64, verdict="held", findings=tuple(told))])
    text = " ".join(capsys.readouterr().out.split())
    assert text.count(rule.what) == 1 and text.count(rule.mend) == 1
    assert "Загружается строк: 3. Загружается школ: 1." in text
