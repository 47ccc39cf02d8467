"""What people see on the terminal: progress, findings, and the two tables. Russian, because officers read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from contracts.form import SEVERITIES
from contracts.forms import RULES
from contracts.forms.titles import form_title
from contracts.reading import Finding
from contracts.rules import READ_AS
from contracts.texts import in_words
from contracts.vocabulary import sender_name
from documents.receipts.findings import column_titles, number
from flows.home.progress import watched
from flows.intake.outcome import Outcome

WIDTH = 116
VERDICT_COLOURS = {"accepted": "green", "partial": "yellow", "refused": "red", "held": "yellow"}
NOT_COUNTING = ("прочитано, но не действует", "yellow")
STATUSES = {
    "declined": "отклонено решением сотрудника",
    "overtaken": "не действует: пока ждало решения, пришёл более новый файл",
}
"""Words of what waited and never counted, in place of those of its verdict."""
SEVERITY_COLOURS = {"refuse": "red", "error": "red", "warning": "yellow", "note": "dim"}
PLACES_SHOWN = 10
NOTHING_NEW = "Новых файлов нет."


def console(*, error: bool = False) -> Console:
    """A console that is never wider than a sheet of paper; into a pipe or a file it is exactly that wide."""
    plain = Console(stderr=error, highlight=False)
    return Console(stderr=error, highlight=False, width=min(plain.width, WIDTH) if plain.is_terminal else WIDTH)


def in_russian(_english: str, russian: str) -> None:
    """Say a sentence that is there in both languages to an officer, beside what he asked for."""
    console(error=True).print(russian, soft_wrap=True, markup=False)


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """A bar of deliveries done, with the time it took and about how long it still takes; on a terminal only."""
    on = console(error=True)
    if not on.is_terminal:
        yield
        return
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("[dim]ещё"), TimeRemainingColumn(),
        console=on, transient=True,
    )  # fmt: skip
    with bar:
        work = bar.add_task(doing, total=None)
        with watched(lambda done, total: bar.update(work, completed=done, total=total)):
            yield


def plain_table(title: str | None = None, *, with_heading: bool = True) -> Table:
    """A table without lines; its title in bold at the left."""
    return Table(
        title=title, title_justify="left", title_style="bold", show_header=with_heading, box=None,
        padding=(0, 2, 0, 0), pad_edge=False,
    )  # fmt: skip


def show_outcomes(out: Console, outcomes: Sequence[Outcome]) -> None:
    """A sentence a file, then what is wrong in it: the rule, its places, how to mend; the worst first."""
    if not outcomes:
        out.print(NOTHING_NEW)
    for outcome in outcomes:
        out.print(outcome_sentence(outcome))
        titles = column_titles(outcome.form)
        for places in _by_rule_worst_first(outcome.findings):
            severity = places[0].severity
            words, colour = in_words("severity")[severity], SEVERITY_COLOURS[severity]
            heading = f"[{colour}]{words}[/{colour}]  {escape(_rule_words(places))} [dim]({places[0].rule})[/dim]"
            out.print(Padding(heading, (0, 0, 0, 2), expand=False))
            lines = (
                [line for finding in places if (line := _place_words(finding, titles))]
                if _is_about_cells(places)
                else []
            )
            for line in lines[:PLACES_SHOWN]:
                out.print(Padding(line, (0, 0, 0, 6), expand=False))
            if len(lines) > PLACES_SHOWN:
                out.print(f"      … и ещё {len(lines) - PLACES_SHOWN}")
            if _is_about_cells(places):
                out.print(Padding(f"[dim]→ {escape(RULES[places[0].rule].mend)}[/dim]", (0, 0, 0, 6), expand=False))
        out.print()


def outcome_sentence(outcome: Outcome) -> str:
    """What came of a file, in one line."""
    name = f"[bold]{escape(outcome.file)}[/bold]"
    if outcome.is_gone:
        return f"{name}: [yellow]файл убрали из входящих раньше, чем он был прочитан[/yellow]"
    if outcome.waits_for:
        form = escape(form_title(outcome.waits_for))
        return f"{name}: [yellow]ждёт формы «{form}»[/yellow], без неё его не прочитать; прочитаем, когда она придёт"
    if outcome.verdict is None:
        return f"{name}: [red]не обработан из-за нашей ошибки[/red], повторим при следующем запуске"
    words, colour = in_words("verdict")[outcome.verdict], VERDICT_COLOURS[outcome.verdict]
    if outcome.verdict not in ("refused", "held") and not outcome.counts:
        words, colour = NOT_COUNTING
    words = STATUSES.get(outcome.status or "", words)
    about = [form_title(outcome.form)] if outcome.form else []
    about += [sender_name(outcome.sender)] if outcome.sender else []
    about += [f"на {outcome.as_of:%d.%m.%Y}"] if outcome.as_of else []
    text = f"{name}: [{colour}]{words}[/{colour}]"
    if about:
        text += f" — {escape(', '.join(about))}"
    counts = outcome.rows
    if counts.loaded or counts.quarantined:
        is_waiting = outcome.verdict == "held" or outcome.status in STATUSES
        good = "без ошибок" if is_waiting or (counts.loaded and not outcome.counts) else "принято"
        text += f". Строк с данными {counts.loaded + counts.quarantined}, {good} {counts.loaded}"
        text += f", отложено {counts.quarantined}" if counts.quarantined else ""
    text += " (эти же данные уже приходили)" if outcome.is_repeat else ""
    return text if outcome.counts or outcome.in_force is None else f"{text}. {escape(outcome.in_force)}"


def _by_rule_worst_first(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of one rule together, the worst rules first, otherwise as they appear in the file."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    return sorted(by_rule.values(), key=lambda places: SEVERITIES.index(places[0].severity))


def _is_about_cells(places: Sequence[Finding]) -> bool:
    """Are these about cells, or several about a sheet? What is about a whole file says everything in its message."""
    rule = RULES.get(places[0].rule)
    if rule is None:
        return False
    several = len(places) > 1 and all(place.sheet and place.message.startswith(rule.what) for place in places)
    return several or any(place.cell for place in places)


def _rule_words(places: Sequence[Finding]) -> str:
    """What the rule says; about a whole file, what its findings say, and what all of them say once."""
    rule = RULES.get(places[0].rule)
    if rule is None or len(places) == 1:
        return rule.what if rule and _is_about_cells(places) else " ".join(place.message for place in places)
    if _is_about_cells(places):
        return rule.what
    told = [place.message.removeprefix(rule.what).removesuffix(rule.mend).strip() for place in places]
    what = [rule.what] * any(place.message.startswith(rule.what) for place in places)
    return " ".join([*what, *told, rule.mend])


def _place_words(place: Finding, titles: dict[str, str]) -> str:
    """Sheet, cell, column, value and what was expected."""
    facts = []
    if place.sheet or place.cell:
        facts.append(escape("!".join(name for name in (place.sheet, place.cell) if name)))
    if place.column:
        column = str(place.column)
        facts.append(f"«{escape(titles.get(column, column))}»")
    if place.value is not None:
        facts.append(f"указано: {escape(place.value)}")
    if place.expected is not None:
        wanted = "прочитано как" if place.rule in READ_AS else "ожидается"
        facts.append(f"{wanted}: {escape(place.expected)}")
    if place.difference is not None:
        facts.append(f"разница: {number(place.difference)}")
    return ", ".join(facts)
