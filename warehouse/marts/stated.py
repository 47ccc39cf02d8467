"""What a mart's head comment states of its figures, so that whatever tells of figures needs no list of marts.

    Меры: schools, accepted «Верный отчёт».
    Меры без поправок: shortfall, surplus.
    Показатель: accepted_rate = accepted / schools; полоса: band «Полоса: отчёты»; совокупность: школы реестра.
    Показатель: held_rate = held / events; полоса: held_band «Полоса: план» из набора events; совокупность: мероприятия.
    Состояния: status, timeliness «Своевременность» = on_time | late.
    Темп: actual_pupils из plan_pupils на export_as_of.
    Прибыло: came «новые», verified.
    Убыло: archived «архивированы», gone «нет в выгрузке».
    Ночь 1: Готовность; schools «Школ», accepted_rate «Доля/верных».

Measures add up over the rows of a date. A change of a measure, of a band or of a state that was published is a
correction, unless a measure is «без поправок». A state with `=` is the name of whichever of these columns is 1. Words
in «» stand in place of the column's own. A band is judged by the rules of the region, «из набора» by those of the set
of that name where the region has one; by which rule it was judged stands in `<band>_rule_version`. «Темп» is a count
that grows towards a plan until the academic year ends, and the day of which it is: what stands still, falls or comes
too late is told. «Прибыло» and «Убыло» are counts of what added to such a figure of a unit since the night before, and
of what took from it: whatever tells that it fell says which. «Ночь» is a table that a night shows: its place, its
title, its columns with their headings, a rate that has a band last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

STATEMENT = re.compile(r"(?:Меры|Меры без поправок|Показатель|Состояния|Темп|Прибыло|Убыло|Ночь \d+): ")
LIST = re.compile(r"(Меры|Меры без поправок|Состояния): (.+)\.")
ITEM = re.compile(r"(\w+)(?: «([^«»]+)»)?(?: = (\w+(?: \| \w+)+))?")
BETWEEN_ITEMS = re.compile(r", (?=\w+(?:$|,| [«=]))")
RATE = re.compile(
    r"Показатель: (\w+) = (\w+) / (\w+)(?:; полоса: (\w+) «([^«»]+)»(?: из набора (\w+))?)?; совокупность: (.+)\."
)
PACE = re.compile(r"Темп: (\w+) из (\w+) на (\w+)\.")
FLOWS = re.compile(r"(Прибыло|Убыло): (.+)\.")
NIGHT = re.compile(r"Ночь (\d+): ([^;«»]+); (.+)\.")
NONE = "нет"
BAND = "band"
"""The plain name of a column with a band; told among those of other subjects it bears the subject's name."""


@dataclass(frozen=True)
class Figure:
    """A column whose change is a correction, and under which name and words that is told.

    `words` are empty where they are the column's own. `rate` is that of a band. `of` are columns of which a state names
    the one that is 1.
    """

    column: str
    metric: str
    words: str
    kind: Literal["measure", "band", "state"]
    rate: str = ""
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rate:
    """A share: its numerator and denominator, the column with its band (empty without one), of what it is a share.

    `rule_set` names the rules of its band; empty where they are those of all bands.
    """

    name: str
    numerator: str
    denominator: str
    band: str
    population: str
    rule_set: str = ""

    @property
    def rule(self) -> str:
        """The column that says by which rule the band was judged."""
        return f"{self.band}_rule_version" if self.band else ""


@dataclass(frozen=True)
class Pace:
    """Columns of a count that grows, of the plan that it is to reach, and of the day of which the count is."""

    counted: str
    planned: str
    day: str


@dataclass(frozen=True)
class Flow:
    """A column that counts what added to a figure of a unit, or took from it (`sign`), under which words."""

    column: str
    words: str
    sign: Literal["", "-"]


@dataclass(frozen=True)
class NightTable:
    """A table that a night shows: its place among them, its title, its figures and the rate as (column, heading)."""

    place: int
    title: str
    figures: tuple[tuple[str, str], ...]
    rate: tuple[str, str]


@dataclass(frozen=True)
class Stated:
    """What a mart states. `measures` are all columns that add up; `figures` those whose change is told."""

    measures: tuple[str, ...] = ()
    rates: tuple[Rate, ...] = ()
    figures: tuple[Figure, ...] = ()
    night: NightTable | None = None
    pace: Pace | None = None
    flows: tuple[Flow, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def columns(self) -> set[str]:
        """Every column that is named."""
        named = {*self.measures, *(column for figure in self.figures for column in figure.of or (figure.column,))}
        named.update(column for rate in self.rates for column in (rate.name, rate.numerator, rate.denominator))
        named.update(flow.column for flow in self.flows)
        named.update((self.pace.counted, self.pace.planned, self.pace.day) if self.pace else ())
        return named | {column for column, _ in (*self.night.figures, self.night.rate)} if self.night else named


def is_statement(line: str) -> bool:
    """Does a line of a head comment begin as a statement?"""
    return bool(STATEMENT.match(line))


def read_statements(subject: str, lines: Sequence[str]) -> Stated:
    """What these lines state of a mart of a subject. Raises ValueError for one that is not written as they are."""
    measures: list[str] = []
    rates: list[Rate] = []
    figures: list[Figure] = []
    night: NightTable | None = None
    pace: Pace | None = None
    flows: list[Flow] = []
    for line in lines:
        if found := LIST.fullmatch(line):
            items = [] if found[2] == NONE else list(_items(found[2]))
            if found[1] != "Состояния":
                measures += [column for column, _, _ in items]
            if found[1] != "Меры без поправок":
                kind: Literal["measure", "state"] = "measure" if found[1] == "Меры" else "state"
                figures += [Figure(column, column, words, kind, of=of) for column, words, of in items]
        elif found := RATE.fullmatch(line):
            name, numerator, denominator, band, words, rule_set, population = found.groups()
            rates.append(Rate(name, numerator, denominator, band or "", population, rule_set or ""))
            if band:
                metric = f"{subject}_{BAND}" if band == BAND else band
                figures.append(Figure(band, metric, words, "band", rate=name))
        elif found := PACE.fullmatch(line):
            pace = Pace(*found.groups())
        elif found := FLOWS.fullmatch(line):
            sign: Literal["", "-"] = "" if found[1] == "Прибыло" else "-"
            flows += [Flow(column, words, sign) for column, words, _ in _items(found[2])]
        elif found := NIGHT.fullmatch(line):
            *shown, rate = ((column, words.replace("/", "\n")) for column, words, _ in _items(found[3]))
            night = NightTable(int(found[1]), found[2], tuple(shown), rate)
        else:
            raise ValueError(f"this line states nothing: {line}")
    return Stated(tuple(measures), tuple(rates), tuple(figures), night, pace, tuple(flows), tuple(lines))


def _items(text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(column, words, columns of which it names one) of each item of a list."""
    for item in BETWEEN_ITEMS.split(text):
        found = ITEM.fullmatch(item)
        if not found:
            raise ValueError(f"this is no column of a list: {item}")
        yield found[1], found[2] or "", tuple(found[3].split(" | ")) if found[3] else ()
