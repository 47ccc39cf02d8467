"""What the sheet «Квитанция» has for explanations: a column, the usual ones, what was decided, what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from contracts.explanation import LONGEST, CameOf, Explained, error_mark, usual, warning_mark
from contracts.forms import RULES
from contracts.reading import Finding
from contracts.receipt import Receipt
from contracts.texts import phrases
from documents.receipts.findings import Group
from documents.receipts.sheet import WIDTHS, Cell, Line
from documents.receipts.styles import Look

ALL = len(WIDTHS)
TEXT_FORMAT = 49
"""The number format of texts: what is typed there is no formula, number or date."""
SECTION = Look(size=12, bold=True, colour="1F4E79", line="1F4E79", down="bottom")
HEAD = Look(size=9, colour="595959", line="A6A6A6", down="bottom", indent=1)
WRITTEN = Look(line="A6A6A6", fill="FFFFE0", number=TEXT_FORMAT, indent=1)
TEXT = Look()
SMALL = Look(size=8, colour="595959")
REFUSED = Look(size=9, bold=True, colour="9C2A10", line="D9D9D9")
DECIDED = Look(size=9, colour="595959", line="D9D9D9")


def heading_cells(findings: Iterable[Finding], explained: Mapping[Finding, Explained]) -> list[Cell]:
    """The heading over the cells for explanations, where there are some."""
    return [Cell(_phrase("explanation"), HEAD)] if any(finding in explained for finding in findings) else []


def with_explanation(cells: Sequence[Cell], finding: Finding, explained: Mapping[Finding, Explained]) -> Iterator[Line]:
    """The line of a finding with the cell for its explanation, and a line that says what was decided of it; of an error
    the line alone, known by its rule."""
    first, *rest = cells
    of_it = explained.get(finding)
    if of_it is None:
        is_error = finding.severity in ("error", "refuse")
        yield [replace(first, mark=error_mark(finding.rule)) if is_error else first, *rest]
        return
    written = Cell(of_it.text or "", WRITTEN, choices=tuple(usual(finding.rule)))
    yield [replace(first, mark=warning_mark(of_it)), *rest, written]
    if of_it.text is not None:
        day = f"{of_it.decided_at:%d.%m.%Y}" if of_it.decided_at else ""
        told = _phrase(f"explanation.{of_it.decision or 'waits'}", day=day, reason=of_it.reason or "")
        yield [Cell(told, REFUSED if of_it.decision == "refused" else DECIDED, ALL)]


def usual_lines(groups: Sequence[Group], explained: Mapping[Finding, Explained]) -> Iterator[Line]:
    """How to explain, and the usual explanations: for which findings, by number, and the texts below one another."""
    lists: dict[tuple[str, ...], list[int]] = {}
    for place, group in enumerate(groups, start=1):
        if any(finding in explained for finding, _ in group.places):
            lists.setdefault(tuple(usual(group.rule)), []).append(place)
    if not lists:
        return
    yield [Cell(_phrase("section.usual"), SECTION, ALL)]
    yield [Cell(_phrase("usual.how", longest=LONGEST), TEXT, ALL)]
    for texts, places in lists.items():
        if texts:
            yield [Cell(_phrase("usual.of", places=", ".join(map(str, places))), SMALL, ALL)]
            yield from ([Cell(text, TEXT, ALL, offers=texts)] for text in texts)


def came_of_lines(receipt: Receipt) -> Iterator[Line]:
    """What came of the explanations that this file brought back."""
    came_of = receipt.came_of
    if came_of is None:
        return
    yield ()
    yield [Cell(_phrase("section.came_of"), SECTION, ALL)]
    yield from ([Cell(text, TEXT, ALL)] for text in came_of_sentences(came_of))


def came_of_sentences(came_of: CameOf) -> list[str]:
    """The same in sentences."""
    sentences = [_phrase("came_of.foreign")] if came_of.is_foreign else []
    for code in ("taken", "known", "mended", "astray", "shortened"):
        if count := getattr(came_of, code):
            sentences.append(_phrase(f"came_of.{code}", count=count, longest=LONGEST))
    for rule in came_of.of_errors:
        what = RULES[rule].what if rule in RULES else ""
        sentences.append(_phrase("came_of.error", rule=rule, what=what))
    return sentences


def _phrase(code: str, **values: object) -> str:
    return phrases()[f"receipt.{code}"].format(**values)
