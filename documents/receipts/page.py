"""What stands on the sheet «Квитанция», line by line, for a clerk: the verdict, what to do, what is wrong and where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence

from contracts.explanation import Explained, stamp
from contracts.forms import FORMS, RULES
from contracts.reading import Finding
from contracts.receipt import TITLE, Overdue, Receipt, Total
from contracts.rules import HOLDS, RULE_STATE, UNREADABLE
from contracts.texts import phrases
from contracts.vocabulary import unit_names
from documents.receipts.explanation_lines import came_of_lines, heading_cells, usual_lines, with_explanation
from documents.receipts.findings import Group, Sentences, column_titles, groups, number
from documents.receipts.sheet import WIDTHS, Cell, Line, place_link
from documents.receipts.styles import MARKS, Look

ALL = len(WIDTHS)
MOST_PLACES = 1_000
"""Places of one group that are listed; of more the rest is counted."""
GAP: Line = ()
FILLS = {"accepted": "E2EFDA", "partial": "FFF2CC", "held": "FFF2CC", "refused": "F8CBAD"}
WORST = {"refuse": "F8CBAD", "error": "F8CBAD", "warning": "FFF2CC", "note": "DDEBF7"}
UNSHOWN = frozenset(rule.id for rule in (*UNREADABLE.values(), RULE_STATE))
"""Rules whose value is a detail for engineers, in English, or stands in the sentence already."""

HEADLINE = Look(size=15, bold=True, colour="1F4E79")
SECTION = Look(size=12, bold=True, colour="1F4E79", line="1F4E79", down="bottom")
TEXT = Look()
SMALL = Look(size=8, colour="595959")
LABEL = Look(colour="595959")
STRONG = Look(bold=True)
TABLE_HEAD = Look(size=9, colour="595959", line="A6A6A6", down="bottom")
TABLE = Look(line="D9D9D9")
TABLE_STRONG = Look(line="D9D9D9", bold=True)
FIGURE_HEAD = Look(size=9, colour="595959", line="A6A6A6", down="bottom", across="right")
FIGURE = Look(line="D9D9D9", across="right")
LINK = Look(colour="0563C1", underline=True, line="D9D9D9")


def receipt_lines(receipt: Receipt, way: str, marked: Mapping[str, str]) -> list[Line]:
    """The lines of a receipt. `way` is how the sender's table came into the file (a phrase `receipt.way.…`), `marked`
    the sheets to which places lead: name in the delivery → name in the file."""
    lines: list[Line] = [
        [Cell(TITLE, HEADLINE, ALL, mark=stamp(receipt.sha256))],
        [Cell(_verdict_sentence(receipt), Look(size=12, bold=True, fill=FILLS[receipt.verdict], down="center"), ALL)],
        GAP,
        *_section("next", _steps(receipt, bool(marked))),
    ]
    if marked:
        lines += _legend(receipt)
    lines += [GAP, *_section("about", _about(receipt)), *_note(phrases()[f"receipt.way.{way}"] if way else "")]
    lines += came_of_lines(receipt)
    gathered = groups(receipt.findings, receipt.form, receipt.edition)
    if gathered:
        lines += [GAP, *_section("findings")]
        several = len({finding.sheet for finding in receipt.findings} - {None}) > 1
        for place, group in enumerate(gathered, start=1):
            lines += _group_lines(place, group, marked, receipt.explained, with_sheet=several)
        lines += usual_lines(gathered, receipt.explained)
    lines += _schools(receipt)
    if receipt.totals:
        lines += [GAP, *_section("totals", _totals(receipt))]
    if receipt.layout.unknown:
        names = "; ".join(f"«{name}»" for name in receipt.layout.unknown)
        lines += [GAP, *_section("own_columns"), *_note(_phrase("own_columns.text", names=names))]
    return lines


def _phrase(code: str, **values: object) -> str:
    """The phrase `receipt.<code>` with its values."""
    return phrases()[f"receipt.{code}"].format(**values)


def _section(code: str, lines: Iterable[Line] = ()) -> list[Line]:
    """Lines under the heading `receipt.section.<code>`."""
    return [[Cell(_phrase(f"section.{code}"), SECTION, ALL)], *lines]


def _note(text: str) -> list[Line]:
    """A line of text; none for an empty one."""
    return [[Cell(text, TEXT, ALL)]] if text else []


def _verdict_sentence(receipt: Receipt) -> str:
    """What came of the delivery, in one sentence."""
    rows, with_data = receipt.rows, receipt.rows.loaded + receipt.rows.quarantined
    doubtful = sum(finding.severity == "warning" for finding in receipt.findings)
    code: str = "accepted_doubtful" if receipt.verdict == "accepted" and doubtful else receipt.verdict
    if receipt.verdict not in ("refused", "held") and receipt.other is not None and receipt.other.relation == "newer":
        code = "superseded"
    why = next((finding.message for finding in receipt.findings if finding.severity == "refuse"), "")
    gathered = groups(receipt.findings, receipt.form, receipt.edition)
    why = next((group.what for group in gathered), why)
    if receipt.verdict == "held":
        why = " ".join(group.what for group in gathered if group.rule in HOLDS)
    if receipt.status in ("declined", "overtaken"):
        code = receipt.status
    sentence = _phrase(
        f"verdict.{code}", data=with_data, loaded=rows.loaded, quarantined=rows.quarantined, doubtful=doubtful, why=why,
        decision=receipt.decision or "",
    )  # fmt: skip
    decided = receipt.decision and receipt.status != "declined"
    return f"{sentence} {_phrase('decision.accepted', decision=receipt.decision)}" if decided else sentence


def _counts(receipt: Receipt) -> bool:
    """Whether rows without errors are accepted: those of a file that waits, or was declined or overtaken, are not."""
    return receipt.verdict != "held" and receipt.status not in ("held", "declined", "overtaken")


def _steps(receipt: Receipt, is_marked: bool) -> list[Line]:
    """What to do next, numbered when it is more than one thing."""
    severities = {finding.severity for finding in receipt.findings}
    if receipt.verdict == "accepted":
        sentences = [_phrase("next.check" if "warning" in severities else "next.nothing")]
        if "warning" in severities:
            sentences.append(_phrase("next.send_if"))
        if receipt.explained:
            sentences.append(_phrase("next.explain"))
    elif receipt.status == "overtaken":
        sentences = [_phrase("next.nothing")]
    elif receipt.verdict == "held":
        sentences = [_phrase("next.wait"), _phrase("next.whole_if_held"), _phrase("next.tell_officer")]
        if receipt.explained:
            sentences.append(_phrase("next.explain"))
    else:
        sentences = [_phrase("next.mend_here" if is_marked else "next.mend_own"), _phrase("next.whole")]
        sentences.append(_phrase("next.send_here" if is_marked else "next.send_own"))
        if receipt.explained:
            sentences.append(_phrase("next.explain"))
        if receipt.deadline:
            sentences.append(_phrase("next.deadline", deadline=f"{receipt.deadline:%d.%m.%Y}"))
    shown = sentences if len(sentences) == 1 else [f"{n}. {text}" for n, text in enumerate(sentences, start=1)]
    return [[Cell(text, TEXT, ALL)] for text in shown]


def _legend(receipt: Receipt) -> list[Line]:
    """Which colour means what, in words too: a print may be black and white."""
    severities = {finding.severity for finding in receipt.findings}
    lines: list[Line] = []
    for code, marked in (("error", {"error", "refuse"}), ("warning", {"warning"})):
        if severities & marked:
            look = Look(bold=True, fill=MARKS[code][2:], across="center")
            lines.append([Cell(_phrase(f"legend.{code}.word"), look), Cell(_phrase(f"legend.{code}"), TEXT, ALL - 1)])
    return [GAP, *lines] if lines else []


def _about(receipt: Receipt) -> list[Line]:
    """Who sent what and when; the counts, which balance; the proof of submission."""
    rows, titles = receipt.rows, {form.name: form.title for form in FORMS}
    labelled: list[tuple[str, str | None]] = [
        ("sender", receipt.sender_name or receipt.sender or _phrase("unknown")),
        ("form", titles.get(receipt.form or "", _phrase("unknown"))),
        ("campaign", receipt.campaign_title),
        ("deadline", f"{receipt.deadline:%d.%m.%Y}" if receipt.deadline else None),
        ("as_of", f"{receipt.as_of:%d.%m.%Y}" if receipt.as_of else None),
        ("file", receipt.file),
        ("received", _moment(receipt.received_at)),
        ("sha256", f"{receipt.sha256}\n{_phrase('proof')}"),
        ("rows", _phrase("rows.balance" if _counts(receipt) else "rows.balance_waiting", **vars(rows))),
    ]
    if receipt.other:
        when = _moment(receipt.other.received_at)
        labelled.append(("other", _phrase(f"other.{receipt.other.relation}", file=receipt.other.file, when=when)))
    return [
        [Cell(_phrase(f"label.{code}"), LABEL), Cell(value, STRONG if code == "sender" else TEXT, ALL - 1)]
        for code, value in labelled
        if value
    ]


def _moment(time: dt.datetime) -> str:
    """A time as the wall clock of its zone shows it, with the zone: 08.09.2023 15:06 (UTC+7)."""
    offset = time.strftime("%z")
    minutes = "" if offset.endswith("00") else f":{offset[3:]}"
    return f"{time:%d.%m.%Y %H:%M} (UTC{offset[0]}{int(offset[1:3])}{minutes})"


def _group_lines(
    place: int, group: Group, marked: Mapping[str, str], explained: Mapping[Finding, Explained], *, with_sheet: bool
) -> Iterator[Line]:
    """What is wrong, how bad it is, how to mend it; then the places, with their sheets when there are several; the code
    of the rule last."""
    head = Look(size=10.5, bold=True, fill=WORST[group.severity], down="center")
    yield [Cell(f"{place}. {group.what}", head, ALL)]
    sentences = [_phrase(f"severity.{group.severity}")]
    if group.column:
        sentences.append(_phrase("column", column=group.column))
    if group.mend:
        sentences.append(_phrase("mend", mend=group.mend))
    yield [Cell(" ".join(sentences), TEXT, ALL)]
    expected = {finding.expected for finding, _ in group.places}
    if group.allowed and expected != {group.allowed} and group.severity != "note":
        yield [Cell(_phrase("allowed", words=group.allowed), TEXT, ALL)]
    is_same = len(expected) == 1 and len(group.places) > 1 and None not in expected
    if is_same:
        yield [Cell(f"{group.expected_heading}: {expected.pop()}.", TEXT, ALL)]
    yield from _place_lines(group, marked, explained, with_wanted=not is_same, with_sheet=with_sheet)
    yield [Cell(_phrase("rule", rule=group.rule), SMALL, ALL)]
    yield GAP


def _place_lines(
    group: Group, marked: Mapping[str, str], explained: Mapping[Finding, Explained], *, with_wanted: bool,
    with_sheet: bool,
) -> Iterator[Line]:  # fmt: skip
    """A table of the places of a group; columns in which nothing stands are left out. Beside a warning that may be
    explained is the cell for it, below what was decided of it."""
    if group.rule in UNSHOWN:
        return
    findings = [finding for finding, _ in group.places[:MOST_PLACES]]
    rows = [
        _place_cells(finding, sentences, marked, with_sheet=with_sheet)
        for finding, sentences in group.places[:MOST_PLACES]
    ]
    titles = [_phrase("place"), _phrase("whose"), _phrase("stated"), group.expected_heading, _phrase("difference")]
    used = [c for c in range(ALL) if any(row[c].value != "" for row in rows) and (c != 3 or with_wanted)]
    heads = heading_cells(findings, explained)
    if 0 not in used:
        if heads:
            yield [Cell("", TABLE_HEAD, ALL), *heads]
        for finding, row in zip(findings, rows, strict=True):
            stated = " ".join(f"{titles[c]}: {row[c].value}." for c in used if row[c].value != "")
            if used or heads:
                yield from with_explanation([Cell(stated, TEXT, ALL)], finding, explained)
        return
    places = [0, *(c for c in used[1:])]
    spans = [after - before for before, after in zip(places, [*places[1:], ALL], strict=True)]
    looks = [FIGURE_HEAD if c == ALL - 1 else TABLE_HEAD for c in used]
    yield [*(Cell(titles[c], look, span) for c, look, span in zip(used, looks, spans, strict=True)), *heads]
    for finding, row in zip(findings, rows, strict=True):
        cells = [Cell(row[c].value, row[c].look, span, row[c].link) for c, span in zip(used, spans, strict=True)]
        yield from with_explanation(cells, finding, explained)
    if len(group.places) > MOST_PLACES:
        yield [Cell(_phrase("more", count=len(group.places) - MOST_PLACES), TEXT, ALL)]


def _place_cells(finding: Finding, sentences: Sentences, marked: Mapping[str, str], *, with_sheet: bool) -> list[Cell]:
    """Where a finding is (a link when the table is in this file), whose, what is stated, expected, the difference."""
    sheet, cell = finding.sheet, finding.cell
    row = _phrase("row", row=finding.row) if finding.row else ""
    shown = marked.get(sheet, sheet) if sheet else None
    where = ", ".join(words for words in (cell or row, shown if with_sheet or not (cell or row) else None) if words)
    link = None
    if sheet is not None and sheet in marked and (cell or finding.row):
        link = place_link(marked[sheet], cell or f"A{finding.row}")
    return [
        Cell(where, LINK if link else TABLE, link=link),
        Cell(sentences.subject or "", TABLE),
        Cell(finding.value or "", TABLE_STRONG),
        Cell(finding.expected or "", TABLE),
        Cell(number(finding.difference) or "", FIGURE),
    ]


def _schools(receipt: Receipt) -> Iterator[Line]:
    """The sender's schools by name: wrong ones with the reasons, absent ones, accepted ones."""
    if receipt.wrong:
        yield GAP
        yield [Cell(_phrase("section.wrong", count=len(receipt.wrong)), SECTION, ALL)]
        for school in receipt.wrong:
            reasons = "\n".join(RULES[rule].what if rule in RULES else rule for rule in school.rules)
            yield [Cell(school.name, TABLE_STRONG, 2), Cell(reasons, TABLE, ALL - 2)]
    for code, names in (("absent", receipt.absent), ("accepted", receipt.accepted)):
        if names:
            yield GAP
            yield [Cell(_phrase(f"section.{code}", count=len(names)), SECTION, ALL)]
            yield from _name_lines(names)


def _name_lines(names: Sequence[str]) -> Iterator[Line]:
    """Names with their numbers, two a line, down the first column and then the second."""
    half = -(-len(names) // 2)
    shown = [f"{n}. {name}" for n, name in enumerate(names, start=1)]
    for left, right in zip(shown[:half], [*shown[half:], *[""] * (2 * half - len(names))], strict=True):
        yield [Cell(left, TABLE, 2), Cell(right, TABLE, ALL - 2)]


def _totals(receipt: Receipt) -> Iterator[Line]:
    """Stated figures against computed ones: all of «Итого», and of single rows those that disagree."""
    titles = column_titles(receipt.form)
    heads = ("metric", "stated_total", "computed", "difference")
    yield [Cell(_phrase(code), FIGURE_HEAD if n else TABLE_HEAD, 2 if n == 0 else 1) for n, code in enumerate(heads)]
    shown = [total for total in receipt.totals if total.reporting_unit is None or not total.agrees]
    for total in shown:
        look = FIGURE if total.agrees else Look(line="D9D9D9", across="right", bold=True, fill=WORST["warning"])
        name = titles.get(total.metric, total.metric)
        if total.reporting_unit:
            name = f"{unit_names().get(total.reporting_unit, total.reporting_unit)}: {name}"
        difference = _phrase("agrees") if total.agrees else f"{total.difference:+.10g}".replace(".", ",")
        figures = (_figure(total, total.stated), _figure(total, total.computed), difference)
        yield [Cell(name, TABLE, 2), *(Cell(text, look) for text in figures)]
    if hidden := len(receipt.totals) - len(shown):
        yield [Cell(_phrase("agreeing", count=hidden), SMALL, ALL)]


def _figure(total: Total, value: float) -> str:
    """A figure of a control total as people write it, a rate as a percent."""
    if total.metric.endswith("_rate"):
        return f"{100 * value:.2f} %".replace(".", ",")
    return number(value) or ""


def overdue_lines(overdue: Overdue) -> list[Line]:
    """The lines of a receipt for what was not received: what is owed, until when it was, how to send it."""
    code = "refused" if overdue.refused_file else "nothing"
    deadline = f"{overdue.deadline:%d.%m.%Y}"
    values = {"form": overdue.form_title, "deadline": deadline, "file": overdue.refused_file or ""}
    labelled = (
        ("sender", overdue.sender_name), ("form", overdue.form_title), ("campaign", overdue.slot_title),
        ("deadline", deadline), ("day", f"{overdue.day:%d.%m.%Y}"),
    )  # fmt: skip
    steps_to_take = ("overdue.template", "overdue.fill", "overdue.send", "overdue.help")
    lines: list[Line] = [
        [Cell(TITLE, HEADLINE, ALL)],
        [Cell(_phrase(f"overdue.verdict.{code}", **values), Look(size=12, bold=True, fill=FILLS["refused"]), ALL)],
        GAP,
        *_section(
            "next", [[Cell(f"{n}. {_phrase(step, **values)}", TEXT, ALL)] for n, step in enumerate(steps_to_take, 1)]
        ),
        GAP,
        *_section(
            "about", [[Cell(_phrase(f"label.{code}"), LABEL), Cell(text, TEXT, ALL - 1)] for code, text in labelled]
        ),
    ]
    if overdue.schools:
        lines += [GAP, [Cell(_phrase("section.absent", count=len(overdue.schools)), SECTION, ALL)]]
        lines += _name_lines(overdue.schools)
    return lines
