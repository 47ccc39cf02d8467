"""The names that BI relies on: none goes or becomes another kind unless its line says so, and no line goes."""

import subprocess
from dataclasses import replace

import pytest

from warehouse.marts.definitions import FOLDER
from warehouse.marts.promised import FILE, PAGE, Promise, page, promised, there, unheld, with_new

ROOT = FOLDER.parents[1]
HELD = Promise("readiness_region", "accepted", "целое", "2026-11-29")
FOUND = {("readiness_region", "accepted"): "целое"}


def test_what_is_promised_is_there_and_what_is_there_is_promised() -> None:
    """`python -m warehouse.marts.promised add` makes it so, for what is new."""
    assert list(unheld(promised(), there())) == []
    assert PAGE.read_text(encoding="utf-8") == page(promised())


@pytest.mark.parametrize(
    ("line", "found", "said"),
    [
        (HELD, {}, "is promised and gone"),
        (HELD, {("readiness_region", "accepted"): "число"}, "is promised and is now число"),
        (HELD, {("readiness_region", "right"): "целое"}, "is promised and gone"),
        (HELD, FOUND | {("readiness_region", "more"): "целое"}, r"mart\.readiness_region\.more \(целое\) is new"),
        (replace(HELD, gone="2026-12-01"), {}, "what is instead"),
        (replace(HELD, gone="2026-11-01", instead="`more`"), {}, "after it came"),
    ],
)
def test_a_breach_is_told(line: Promise, found: dict[tuple[str, str], str], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(next(unheld([line], found)))


def test_what_the_changelog_says_is_no_breach() -> None:
    gone = replace(HELD, gone="2026-12-01", instead="`right`: короче")
    assert list(unheld([HELD], FOUND)) == []
    assert list(unheld([gone], {})) == []
    other_kind = replace(HELD, kind="число", since="2026-12-01")
    assert list(unheld([gone, other_kind], {("readiness_region", "accepted"): "число"})) == []
    told = page([gone, other_kind])
    assert "| `readiness_region.accepted` | целое | `right`: короче |" in told
    assert told.index("## 2026-12-01") < told.index("## 2026-11-29")


def test_new_columns_get_a_line_once() -> None:
    found = FOUND | {("readiness_region", "more"): "доля", ("calendar", "day"): "дата"}
    lines = with_new([HELD], found, "2026-12-01")
    assert lines == [
        Promise("calendar", "day", "дата", "2026-12-01"),
        HELD,
        Promise("readiness_region", "more", "доля", "2026-12-01"),
    ]
    assert with_new(lines, found, "2026-12-02") == lines


def test_no_line_ever_goes() -> None:
    """By the history of the file, where a clone has one: a line may only be told that its column went."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--is-shallow-repository"]
    if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() != "false":
        pytest.skip("no history here: a shallow clone, or none")
    log = ["git", "-C", str(ROOT), "log", "--format=", "--patch", "--unified=0", "--", str(FILE)]
    patches = subprocess.run(log, capture_output=True, text=True, check=True).stdout
    told = {(line.mart, line.column, line.kind, line.since) for line in promised()}
    removed = [line[1:].split(",") for line in patches.splitlines() if line.startswith("-") and line[:3] != "---"]
    assert [line for line in removed if tuple(line[:4]) not in told and line[0] != "mart"] == []
